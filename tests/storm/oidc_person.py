"""A person at two applications and at a provider, with one honest browser for all of them, and several tabs in it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from threading import Barrier
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from werkzeug.test import TestResponse

from sealed_session import KeyRing, Sealer, Session
from tests.storm.oidc_hosts import NAME, PATIENCE, Relay
from tests.storm.oidc_server import Provider
from tests.storm.oidc_sign_in import MOST_STEPS, Form
from tests.web.browser import REDIRECTS, Browser
from tests.web.jar import TYPED, Context

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Ahead:
    """The time, and so much more.

    Attributes:
        seconds: How much.
    """

    def __init__(self) -> None:
        self.seconds = 0

    def __call__(self) -> float:
        """Return it, Unix seconds."""
        return time.time() + self.seconds


class Arrival(NamedTuple):
    """Where a browser is led to, before it asks there, and how that came about."""

    url: str
    context: Context


class Person(Browser):
    """Somebody's browser.

    Attributes:
        secrets: Every token, code and sealed value that it ever saw: nobody may log them.
    """

    def __init__(
        self, hosts: Mapping[str, WSGIApplication], provider: Provider, password: str, clock: Ahead | None = None
    ) -> None:
        """Open it.

        Args:
            hosts: The applications, by host.
            provider: Where people sign in.
            password: The applications', to see what is in a cookie.
            clock: The applications' and the browser's.
        """
        place = urlsplit(provider.issuer)
        super().__init__({**hosts, place.netloc: Relay(place.port or 0)}, clock or Ahead())
        self.hosts = dict(hosts)
        self.secrets: set[str] = set()
        self._provider = provider
        self._sealer = Sealer(KeyRing(password), name=NAME)

    def request(self, method: str, url: str, **options: Any) -> TestResponse:
        """As any browser does; and remember what is secret."""
        answer = super().request(method, url, **options)
        self._remember(answer)
        return answer

    def see(self, host: str, path: str = "/") -> Any:
        """Open a page of an application; return what it says."""
        answer = self.get(f"https://{host}{path}")
        assert answer.status_code == 200, f"{host}{path} answered {answer.status_code}"
        return answer.json

    def session(self) -> Session:
        """Return what the one cookie of both holds."""
        return self._sealer.unseal(self.jar.get(NAME).value).session

    def reasons(self) -> list[str | None]:
        """Return why nobody is signed in, by host, asked by a tab each; None where somebody is."""
        return [self.stale().see(host, "/reason")["reason"] for host in self.hosts]

    # At the provider.

    def begin(self, host: str, path: str = "/") -> Arrival:
        """Open a page, be sent to the provider, sign in there; return where that leads to, unopened."""
        return self.walk(f"https://{host}{path}", f"https://{host}/auth/callback")

    def come_back(self, arrival: Arrival) -> TestResponse:
        """Open where the provider leads to."""
        return self.get(arrival.url, context=arrival.context)

    def sign_in(self, host: str) -> TestResponse:
        """All the way, to the first page."""
        arrival = self.begin(host)
        return self.get(arrival.url, context=arrival.context, follow=True)

    def sign_out(self, host: str) -> TestResponse:
        """Press the button of an application; the provider's page is not open yet."""
        return self.post(f"https://{host}/auth/logout", context=Context.link_on(f"https://{host}/"))

    def sign_out_at_provider(self, host: str) -> Arrival:
        """Go to the provider's own page for it, from nowhere, and say yes."""
        metadata = self.get(f"{self._provider.issuer}/.well-known/openid-configuration").json
        query = urlencode({"client_id": "hosts:both", "post_logout_redirect_uri": f"https://{host}/bye"})
        return self.walk(f"{(metadata or {})['end_session_endpoint']}?{query}", f"https://{host}/bye")

    def walk(self, url: str, until: str, context: Context = TYPED) -> Arrival:
        """Go through redirects and the provider's forms, until one leads to an address that begins so."""
        answer = self.get(url, context=context)
        for _ in range(MOST_STEPS):
            if answer.status_code in REDIRECTS:
                to, context = urljoin(url, answer.headers["Location"]), context.redirected(url)
                if to.startswith(until):
                    return Arrival(to, context)
                answer = self.get(to, context=context)
            else:
                assert answer.status_code == 200, f"a page on the way answered {answer.status_code}"
                form, context = Form(answer.text), Context.link_on(url)
                to = urljoin(url, form.action)
                answer = self.post(to, data=form.fields, context=context)
            url = to
        raise AssertionError(f"not at {until} after {MOST_STEPS} pages")

    # Tabs.

    def stale(self) -> Person:
        """Return a tab whose requests have left by now: they carry the cookies as they are."""
        tab = copy(self)
        tab.jar, tab.refused = copy(self.jar), []  # a jar never changes its cookies in place: the copy keeps these
        return tab

    def at_once(self, *asked: tuple[str, str]) -> list[TestResponse]:
        """Ask from a tab each: every request is under way, with the same cookies, before the first is answered.

        Args:
            asked: Method and address of each.

        Returns:
            The answers, whose cookies have not arrived: that is for ``take``.
        """
        together = Barrier(len(asked), timeout=PATIENCE)
        tabs = [self.stale() for _ in asked]
        for tab in tabs:
            tab.apps = {host: _held(app, together) for host, app in self.hosts.items()}
        with ThreadPoolExecutor(len(asked)) as pool:
            return list(pool.map(lambda tab, one: tab.request(*one), tabs, asked))

    def take(self, answers: Iterable[TestResponse]) -> None:
        """Let the cookies of answers arrive, in this order."""
        for answer in answers:
            for line in answer.headers.getlist("Set-Cookie"):
                assert self.jar.store(line, answer.request.url) is None

    def _remember(self, answer: TestResponse) -> None:
        """Keep what must be in no log: of every cookie, and of where the provider sends people with a code."""
        self.secrets |= {cookie.value for cookie in self.jar.cookies() if len(cookie.value) > 16}
        for each in (answer, *answer.history):
            self.secrets |= {value for name, value in parse_qsl(urlsplit(each.request.url).query) if name == "code"}
        if NAME in self.jar:
            session = self.session()
            self.secrets |= {session.access_token, session.refresh_token or session.access_token}


def _held(app: WSGIApplication, together: Barrier) -> WSGIApplication:
    def held(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        together.wait()
        return app(environ, start_response)

    return held

"""The demo application: every button does what it says, other sites press none, and `make demo` starts and ends."""

from __future__ import annotations

import html
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from threading import Timer

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from examples.app import __main__ as command
from examples.app import create_app
from examples.app.outside import LIFETIME, RETRY_AFTER, clock, provider
from examples.app.pages import FRESH
from examples.app.people import PEOPLE
from examples.app.rotating import FALLBACKS, Rotating
from sealed_session import KeyRing, Sealer, generate_password
from tests.web.browser import Browser
from tests.web.jar import Context

ROOT = Path(__file__).parents[2]
ORIGIN = "http://localhost:5000"
COOKIE = "sealed-session"
FITTING = [key for key in PEOPLE if key != "otto"]
FORMS = [
    "/sign-in/pippa",
    "/note",
    "/sign-out",
    "/demo/rotate",
    "/demo/clock",
    "/demo/provider",
    "/demo/sessions",
]


@dataclass
class Demo:
    """The demo in a browser, with its buttons."""

    site: Rotating
    browser: Browser

    def open(self, path: str) -> TestResponse:
        """Open a page."""
        return self.browser.get(ORIGIN + path, follow=True)

    def press(self, path: str, **fields: str) -> TestResponse:
        """Send a form, and see where it leads."""
        return self.browser.post(ORIGIN + path, data=fields, follow=True)

    def sign_in(self, key: str = "bjarte") -> TestResponse:
        """Press somebody's card."""
        return self.press(f"/sign-in/{key}")

    def end_token(self) -> TestResponse:
        """Let the access token end; leads to the session's page."""
        return self.press("/demo/clock")

    def switch(self, answers: str) -> TestResponse:
        """Take the provider down, or bring it back."""
        return self.press("/demo/provider", answers=answers)


@pytest.fixture
def demo() -> Iterator[Demo]:
    """A demo of its own; the provider and the clock are everybody's, and the provider answers."""
    site = Rotating()
    yield Demo(site, Browser(site, clock))
    provider.is_down = False


def words(response: TestResponse) -> str:
    """The text of a page, as one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def fact(response: TestResponse, label: str) -> str:
    """What a page says beside a label."""
    found = re.search(rf"<dt>{label}</dt><dd>(.*?)</dd>", response.text, re.DOTALL)
    assert found is not None, f"{label} is not on the page"
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found[1])).split())


def seconds_left(response: TestResponse) -> int:
    """How long the access token is good for, as the page says."""
    return int(fact(response, "Access token").removeprefix("ends in ").removesuffix(" s"))


def title(response: TestResponse) -> str:
    """The heading of a page."""
    found = re.search(r"<h1>(.*?)</h1>", response.text, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def sealed_by(response: TestResponse) -> list[str]:
    """Every Set-Cookie line on the way to a page."""
    return [line for each in (*response.history, response) for line in each.headers.getlist("Set-Cookie")]


# Signing in and out.


def test_the_first_page_shows_the_people(demo: Demo) -> None:
    """Each with name, role and what is special, and it says that they are samples, for development."""
    page = demo.open("/")
    assert (200, "Who are you today?") == (page.status_code, title(page))
    for person in PEOPLE.values():
        assert f"{person.name} {person.role} {person.special}" in words(page)
    assert "For development only. The people are samples" in words(page)
    assert [] == sealed_by(page)


@pytest.mark.parametrize("key", FITTING)
def test_signing_in_shows_the_session(demo: Demo, key: str) -> None:
    """Who it is, a fresh token and the budget; one cookie was set, which the browser keeps."""
    page = demo.sign_in(key)
    assert (200, PEOPLE[key].name) == (page.status_code, title(page))
    assert f"{PEOPLE[key].claims.get('role', 'none')}" == fact(page, "Role").partition(",")[0]
    assert LIFETIME - 10 < seconds_left(page) <= LIFETIME
    assert ("0 times", "the password") == (
        fact(page, "Renewed by the provider"),
        fact(page, "The cookie was opened by"),
    )
    assert (1, [], True) == (len(sealed_by(page)), demo.browser.refused, COOKIE in demo.browser.jar)


def test_the_budget_is_that_of_the_cookie(demo: Demo) -> None:
    """Its total, what is left, and the attributes are those of the line that was sent."""
    page = demo.sign_in("marcelina")
    pair, _, attributes = sealed_by(page)[0].partition("; ")
    assert f"{len(pair):,} of 4,093 characters, {4093 - len(pair):,} left" in words(page)
    assert f"{COOKIE} = ({len(pair) - len(COOKIE) - 1:,} characters) ; {attributes}" in words(page)
    assert "profile_picture_url" in words(page)


def test_the_same_session_elsewhere(demo: Demo) -> None:
    """Where a person's cookie is over the limit in other formats, the page says so; ours is not."""
    assert 2 == words(demo.sign_in("perpetua")).count("browsers drop it")
    assert "browsers drop it" not in words(demo.sign_in("pippa"))


def test_an_impersonator_is_named_on_every_page(demo: Demo) -> None:
    """Beside the person in whose name they act."""
    demo.sign_in("maximo")
    for path in ("/", "/session", "/payments", "/nowhere"):
        assert "support@example.com is acting as Maximo Ejemplo-García." in words(demo.open(path))


def test_signing_out(demo: Demo) -> None:
    """Clears the cookie; the session's page is closed from then on."""
    demo.sign_in()
    assert "Nobody is signed in" in words(demo.press("/sign-out"))
    assert COOKIE not in demo.browser.jar
    assert 401 == demo.open("/session").status_code


def test_signing_in_leads_to_what_was_asked_for(demo: Demo) -> None:
    """The page of a 401 knows the way, and another site's address is none."""
    refused = demo.open("/payments")
    assert (401, "Please sign in") == (refused.status_code, title(refused))
    assert 'name="next" value="/payments"' in refused.text
    assert "Payment details" == title(demo.press("/sign-in/pippa", next="/payments"))
    assert "Pippa Plainfield" == title(demo.press("/sign-in/pippa", next="https://evil.test/"))


def test_nobody_of_that_name(demo: Demo) -> None:
    """Is an error page in the look of the others."""
    page = demo.sign_in("nobody")
    assert (404, "Not Found") == (page.status_code, title(page))
    assert "<nav" in page.text


# What an application adds.


def test_a_note_is_kept_in_the_session_and_escaped(demo: Demo) -> None:
    """It comes back as it was written, and as text."""
    demo.sign_in()
    note = '"><script>alert(1)</script> & more'
    page = demo.press("/note", note=note)
    assert f'value="{html.escape(note, quote=True).replace("&quot;", "&#34;")}"' in page.text
    assert "<script" not in page.text
    assert "extra" in words(page)


def test_a_note_needs_somebody(demo: Demo) -> None:
    """Who is signed out when it arrives is asked to sign in, on a page."""
    page = demo.press("/note", note="hello")
    assert (401, "Please sign in", []) == (page.status_code, title(page), sealed_by(page))


def test_a_note_that_does_not_fit(demo: Demo) -> None:
    """Is refused with the report, and the session is what it was."""
    demo.sign_in()
    page = demo.press("/note", note="x" * 4000)
    assert (500, "Too large for a cookie") == (page.status_code, title(page))
    assert "Your session is what it was." in words(page)
    assert 'name="note" value=""' in demo.open("/session").text


def test_a_person_who_does_not_fit(demo: Demo) -> None:
    """Is not signed in; the page shows where the characters go, and who was signed in stays."""
    demo.sign_in("pippa")
    page = demo.sign_in("otto")
    assert (500, "Too large for a cookie", []) == (page.status_code, title(page), sealed_by(page))
    assert re.search(r"[\d,]+ of 4,093 characters, [\d,]+ too many", words(page))
    assert "badges" in words(page)
    assert "Pippa Plainfield" == title(demo.open("/session"))


# The password.


def test_changing_the_password_signs_nobody_out(demo: Demo) -> None:
    """The fallback opens the cookie once, and it is sealed anew; from then on the password does."""
    before = fact(demo.sign_in(), "Session id")
    page = demo.press("/demo/rotate")
    assert "fallback 1 → sealed anew" == fact(page, "The cookie was opened by")
    assert (before, 1) == (fact(page, "Session id"), len(sealed_by(page)))
    page = demo.open("/session")
    assert ("the password", []) == (fact(page, "The cookie was opened by"), sealed_by(page))
    assert "Fallback 1 opened a cookie; it was sealed anew with the password." in words(page)


def test_as_many_changes_as_there_are_fallbacks(demo: Demo) -> None:
    """Are outlived by a browser that sees none of them; one more, and nobody can open the cookie. It is kept."""
    demo.sign_in()
    other = Browser(demo.site, clock)
    for _ in range(FALLBACKS):
        other.post(f"{ORIGIN}/demo/rotate")
    assert f"fallback {FALLBACKS} → sealed anew" == fact(demo.open("/session"), "The cookie was opened by")
    for _ in range(FALLBACKS + 1):
        other.post(f"{ORIGIN}/demo/rotate")
    page = demo.open("/session")
    assert (401, []) == (page.status_code, sealed_by(page))
    assert "None of the passwords opens the cookie that came." in words(page)


def test_an_application_alone_has_no_other_to_change_to() -> None:
    """It says so."""
    page = Browser(create_app(generate_password()), clock).post(f"{ORIGIN}/demo/rotate")
    assert 501 == page.status_code


# The access token and the provider.


def test_a_token_that_has_ended_is_renewed_by_the_next_click(demo: Demo) -> None:
    """The same session goes on, with new tokens in a new cookie."""
    before = fact(demo.sign_in(), "Session id")
    page = demo.end_token()
    assert (before, "1 time") == (fact(page, "Session id"), fact(page, "Renewed by the provider"))
    assert LIFETIME - 10 < seconds_left(page) <= LIFETIME
    assert 1 == len(sealed_by(page))
    assert "The access token had ended: the provider gave new tokens." in words(page)


def test_while_the_provider_is_down(demo: Demo) -> None:
    """A good token stays good; one that has ended is a 503 which keeps the cookie, until the provider is back."""
    before = fact(demo.sign_in(), "Session id")
    assert (200, "down") == ((page := demo.switch("no")).status_code, words(page).partition("The provider ")[2][:4])
    page = demo.end_token()
    assert (503, str(RETRY_AFTER), []) == (page.status_code, page.headers["Retry-After"], sealed_by(page))
    assert "Nobody was signed out: the cookie is kept" in words(page)
    assert "It is kept." in words(demo.open("/"))
    demo.switch("yes")
    page = demo.end_token()  # a moment later: for a second after a failure the provider is not asked
    assert (200, before) == (page.status_code, fact(page, "Session id"))


def test_a_session_that_ends_at_the_provider(demo: Demo) -> None:
    """Goes on until its access token ends, and not beyond; the page says why."""
    demo.sign_in()
    assert 200 == demo.press("/demo/sessions").status_code
    page = demo.end_token()
    assert (401, "Please sign in") == (page.status_code, title(page))
    assert "The identity provider has ended this session." in words(page)


def test_a_page_for_who_signed_in_just_now(demo: Demo) -> None:
    """Asks for another sign-in after a while, whatever was renewed since; the session is untouched."""
    demo.sign_in()
    assert "Payment details" == title(demo.open("/payments"))
    for _ in range(-(-(FRESH + 1) // LIFETIME)):
        demo.end_token()
    page = demo.open("/payments")
    assert (401, "Please sign in once more") == (page.status_code, title(page))
    assert "Bjarte Åsample" == title(demo.open("/session"))
    assert "Payment details" == title(demo.press("/sign-in/bjarte", next="/payments"))


def test_buttons_lead_back_to_the_page_they_stand_on(demo: Demo) -> None:
    """By a field of their form, which leads nowhere else."""
    assert 'name="next" value="/"' in demo.open("/").text
    assert "Who are you today?" == title(demo.press("/demo/rotate", next="/"))
    assert 401 == demo.press("/demo/rotate", next="//evil.test/").status_code


# Other sites.


def test_every_form_is_tried_below() -> None:
    """The list holds every address that takes a POST."""
    rules: list[Rule] = list(create_app(generate_password()).url_map.iter_rules())
    posts = {rule.rule for rule in rules if "POST" in (rule.methods or ())}
    assert {re.sub("pippa", "<key>", form) for form in FORMS} == posts


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("page", ["https://evil.test/", "http://localhost:8000/", "https://localhost:5000/", None])
def test_forms_of_other_sites_are_refused(demo: Demo, form: str, page: str | None) -> None:
    """Also of another port, which SameSite takes for the same site, and whatever they hold."""
    demo.sign_in()
    refused = demo.browser.post(ORIGIN + form, data={"note": "x", "answers": "no"}, context=Context(initiator=page))
    assert (403, "Forbidden", []) == (refused.status_code, title(refused), sealed_by(refused))
    assert "This form was sent from another site." in words(refused)
    assert not provider.is_down


@pytest.mark.parametrize(
    ("origin", "status"),
    [(ORIGIN, 303), ("http://evil.test", 403), ("http://localhost", 403), ("null", 403), (None, 403)],
)
def test_a_browser_without_fetch_metadata(origin: str | None, status: int) -> None:
    """Is judged by Origin; no Origin is no proof."""
    client = create_app(generate_password()).test_client()
    headers = {} if origin is None else {"Origin": origin}
    assert status == client.post("/sign-in/pippa", base_url=ORIGIN, headers=headers).status_code


@pytest.mark.parametrize("host", ["evil.test", "localhost.evil.test", "192.0.2.1"])
def test_other_names_for_this_machine_are_refused(host: str) -> None:
    """A name of somebody else's that leads here would make its pages ours."""
    client = create_app(generate_password()).test_client()
    assert 400 == client.get("/", base_url=f"http://{host}:5000").status_code


@pytest.mark.parametrize("path", ["/", "/session", "/payments", "/nowhere", "/static/style.css"])
def test_pages_load_nothing_from_elsewhere(demo: Demo, path: str) -> None:
    """No script at all, styles and icons of our own, and nobody's frame; the policy says so to the browser as well."""
    demo.sign_in("maximo")
    page = demo.open(path)
    assert "default-src 'none'; style-src 'self'; img-src 'self'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert [] == re.findall(r"""<script|\sstyle=|(?:src|href|action)="(?!#|/(?!/))|url\(|@import""", page.text)


def test_no_page_shows_a_token(demo: Demo) -> None:
    """Neither those of the session nor the sealed value."""
    sealed = sealed_by(demo.sign_in("marcelina"))[0].partition("=")[2].partition(";")[0]
    session = Sealer(KeyRing(demo.site.passwords[0]), clock=clock).unseal(sealed).session
    for path in ("/", "/session", "/payments"):
        page = demo.open(path).text
        assert [] == [text for text in (sealed, session.access_token, session.refresh_token) if str(text) in page]


# The programs.


class TestProgram:
    """`python -m examples.app` and `python -m examples.tour` as people start them."""

    @pytest.fixture
    def program(self) -> Iterator[subprocess.Popen[str]]:
        """Start the application on a free port."""
        env = os.environ | {"PYTHONWARNINGS": "error"}
        arguments = [sys.executable, "-m", "examples.app", "--port", "0"]
        with subprocess.Popen(
            arguments, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            limit = Timer(60, process.kill)
            limit.start()
            yield process
            limit.cancel()
            process.kill()  # does nothing to one that has ended

    @pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
    def test_it_starts_and_ends(self, program: subprocess.Popen[str], ending: signal.Signals) -> None:
        """It prints its address, somebody can sign in there, and Ctrl-C ends it with exit code 0 and no traceback."""
        assert program.stdout is not None
        found = re.search(r"http://localhost:\d+", program.stdout.readline())
        assert found is not None
        origin, opener = found[0], urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        assert "Pippa Plainfield" in opener.open(f"{origin}/", timeout=10).read().decode()
        form = urllib.request.Request(f"{origin}/sign-in/pippa", b"", {"Origin": origin})  # noqa: S310 - our own
        page = opener.open(form, timeout=10)
        assert (f"{origin}/session", True) == (page.url, "<h1>Pippa Plainfield</h1>" in page.read().decode())
        program.send_signal(ending)
        out, err = program.communicate(timeout=10)
        assert (0, "The demo has ended; nothing was stored.", "") == (program.returncode, out.strip(), err)

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address of the machine")
    def test_it_binds_the_loopback_address(self, program: subprocess.Popen[str]) -> None:
        """And no other."""
        assert program.stdout is not None
        port = int(program.stdout.readline().partition("localhost:")[2].partition("/")[0])
        with socket.socket() as other:
            other.bind(("127.0.0.2", port))  # would be taken by a server on every address
        socket.create_connection(("127.0.0.1", port), timeout=10).close()

    def test_a_taken_port_is_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without --port a free one is taken instead; the one that was asked for is not replaced."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            monkeypatch.setattr(command, "PORT", port)
            assert [0, port, 0] == [
                command.wanted_port(words) for words in ([], ["--port", str(port)], ["--port", "0"])
            ]
        assert port == command.wanted_port([])

    def test_the_tour(self) -> None:
        """The story in the terminal is told to its end."""
        env = os.environ | {"PYTHONWARNINGS": "error"}
        result = subprocess.run(
            [sys.executable, "-m", "examples.tour"],
            cwd=ROOT,
            env=env,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert (0, "") == (result.returncode, result.stderr)
        assert [1, 2, 3, 4, 5] == [int(number) for number in re.findall(r"^(\d)\. ", result.stdout, re.MULTILINE)]

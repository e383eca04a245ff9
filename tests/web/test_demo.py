"""The demo application: every button does what it says, and other sites press none."""

from __future__ import annotations

import copy
import html
import os
import re
import time
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
from werkzeug.routing import Rule
from werkzeug.test import Client

from examples.app import create_app
from examples.app.board import FALLBACKS
from examples.app.pages import FRESH
from examples.app.people import PEOPLE, SECOND
from examples.app.provider import RETRY_AFTER
from examples.app.provider.tokens import LIFETIME
from sealed_session import KeyRing, Sealer
from tests.web.browser import Browser
from tests.web.demo import (
    COOKIE,
    ORIGIN,
    Demo,
    Place,
    fact,
    form_with,
    main,
    running,
    sealed_by,
    seconds_left,
    title,
    words,
)
from tests.web.jar import Context

FITTING = [key for key in PEOPLE if key != "otto"]
FORMS = [
    "/note",
    "/organization",
    "/auth/logout",
    "/demo/rotate",
    "/demo/provider",
    "/demo/sessions",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One provider for all of these tests; what they do to it is undone."""
    with running(tmp_path_factory.mktemp("demo")) as place:
        yield place


@pytest.fixture
def demo(place: Place) -> Iterator[Demo]:
    """A browser that was never there, and a provider that answers and has no sessions."""
    yield Demo(place)
    place.board.switch_provider(answers=True)
    place.board.end_sessions()


# Signing in and out.


def test_the_first_page(demo: Demo) -> None:
    """Offers to sign in, says where, and that it is for development; nothing is set."""
    page = demo.open("/")
    assert (200, "Please sign in") == (page.status_code, title(page))
    assert demo.place.issuer in words(page)
    assert "For development only. The people are samples" in words(page)
    assert [] == demo.browser.jar.cookies()


def test_the_providers_page_shows_the_people(demo: Demo) -> None:
    """At its own address, each with name, role and what is special."""
    page = demo.open("/session")
    assert (200, "Who are you today?") == (page.status_code, title(page))
    assert page.request.url.startswith(f"{demo.place.issuer}/authorize?")
    for person in PEOPLE.values():
        assert f"{person.name} {person.role} {person.special}" in words(page)


@pytest.mark.parametrize("key", FITTING)
def test_signing_in_shows_the_session(demo: Demo, key: str) -> None:
    """Who it is, a fresh token and the budget; one cookie was set, which the browser keeps."""
    page = demo.sign_in(key)
    assert (200, PEOPLE[key].name) == (page.status_code, title(page))
    assert f"{PEOPLE[key].claims.get('role', 'none')}" == fact(page, "Role").partition(",")[0]
    assert LIFETIME - 10 < seconds_left(page) <= LIFETIME
    assert ("0", "the password") == (fact(page, "Calls of the provider"), fact(page, "The cookie was opened by"))
    assert (1, [], True) == (len(sealed_by(page)), demo.browser.refused, COOKIE in demo.browser.jar)
    assert [] == [cookie for cookie in demo.browser.jar.cookies() if "-login-" in cookie.name]


def test_the_budget_is_that_of_the_cookie(demo: Demo) -> None:
    """Its total, what is left, and the attributes are those of the line that was sent."""
    page = demo.sign_in("marcelina")
    pair, _, attributes = sealed_by(page)[0].partition("; ")
    assert f"{len(pair):,} of 4,093 characters, {4093 - len(pair):,} left" in words(page)
    assert f"{COOKIE} = ({len(pair) - len(COOKIE) - 1:,} characters) ; {attributes}" in words(page)
    assert "picture" in words(page)


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
    """Clears the cookie, ends the session at the provider, and leads to its page, which asks before it does so too."""
    demo.sign_in()
    page = demo.press("/auth/logout")
    assert "Sign out here, too?" == title(page)
    assert COOKIE not in demo.browser.jar
    assert "provider Ended a session, as the application wanted." in words(demo.open("/"))
    assert f"{ORIGIN}/" == demo.choose(page, "here").request.url
    assert "Who are you today?" == title(demo.open("/session"))


def test_staying_signed_in_at_the_provider(demo: Demo) -> None:
    """Spares the question when the next sign-in comes; who wants to be somebody else is asked."""
    demo.sign_in()
    page = demo.choose(demo.press("/auth/logout"), "stay")
    assert "Nobody is signed in" in words(page)
    assert "Bjarte Åsample" == title(demo.open("/session"))
    assert "Who are you today?" == title(demo.open("/somebody-else"))


def test_signing_in_leads_to_what_was_asked_for(demo: Demo) -> None:
    """The way back is kept, and another site's address is none."""
    assert "Payment details" == title(demo.sign_in("pippa", "/payments"))
    other = Demo(demo.place)
    page = other.sign_in("pippa", "/auth/login?next=https://evil.test/")
    assert (f"{ORIGIN}/", "Welcome, Pippa") == (page.request.url, title(page))


def test_who_does_not_want_to_sign_in(demo: Demo) -> None:
    """Comes back to a page that says so, with the way to begin again; nothing was opened."""
    page = demo.choose(demo.open("/session"), "")
    assert (400, "Nobody was signed in", []) == (page.status_code, title(page), sealed_by(page))
    assert "access_denied · Nothing was opened" in words(page)
    assert 'href="/auth/login"' in page.text


def test_a_callback_that_is_opened_twice(demo: Demo) -> None:
    """Opens nothing: its state is over. Who is signed in goes on."""
    page = demo.sign_in()
    (callback,) = [each.request.url for each in page.history if "/auth/callback?" in each.request.url]
    assert f"{ORIGIN}/" == demo.open(callback).request.url
    stranger = Demo(demo.place).open(callback)
    assert (400, []) == (stranger.status_code, sealed_by(stranger))


def test_no_such_page(demo: Demo) -> None:
    """Is an error page in the look of the others."""
    page = demo.open("/nowhere")
    assert (404, "Not Found") == (page.status_code, title(page))
    assert "<nav" in page.text


# The provider signs somebody out.


def test_the_provider_signs_somebody_out(demo: Demo) -> None:
    """By its back channel: the next request is refused although the token is good, says why, and clears the cookie."""
    demo.sign_in()
    account = demo.open(demo.place.issuer)
    assert "Bjarte Åsample" == title(account)
    done = demo.choose(account, "everywhere")
    assert "Bjarte Åsample is signed out everywhere" == title(done)
    assert "1 session of the application ended" in words(done)
    page = demo.open("/session")
    assert (401, "Signed out") == (page.status_code, title(page))
    assert "revoked · The provider signed you out" in words(page)
    assert "provider Told the application that the session is over; it answered 200." in words(page)
    assert "application A cookie came that signs nobody in: revoked." in words(page)
    assert COOKIE not in demo.browser.jar
    assert "Who are you today?" == title(demo.open("/session"))


def test_the_start_says_so_too(demo: Demo) -> None:
    """Although it is open to everybody; who signs in again is in at once."""
    demo.sign_in()
    demo.choose(demo.open(demo.place.issuer), "everywhere")
    assert "revoked · The provider signed you out" in words(demo.open("/"))
    assert "Bjarte Åsample" == title(demo.sign_in())


def test_everywhere_is_everywhere(demo: Demo) -> None:
    """Also in the person's other browser, and in nobody else's. Signing out in one browser ends what began there."""
    other, stranger = Demo(demo.place), Demo(demo.place)
    other.sign_in("marcelina")
    stranger.sign_in("pippa")
    demo.sign_in("marcelina")
    demo.choose(demo.open(demo.place.issuer), "here")
    assert [401, 200, 200] == [each.open("/session").status_code for each in (demo, other, stranger)]
    demo.sign_in("marcelina")
    account = demo.open(demo.place.issuer)
    assert ["another browser", "this browser"] == re.findall(r'class="state \w+">(.*?)</span>', account.text)
    demo.choose(account, "everywhere")
    assert [401, 401, 200] == [each.open("/session").status_code for each in (demo, other, stranger)]


def test_the_script_is_told_why(demo: Demo) -> None:
    """In the answer to what it asks, for which no page is of use."""
    demo.sign_in()
    demo.choose(demo.open(demo.place.issuer), "everywhere")
    answer = demo.browser.fetch(f"{ORIGIN}/demo/look", headers={"Accept": "application/json"})
    assert (401, {"error": "login_required", "reason": "revoked"}) == (answer.status_code, answer.json)


# What an application adds.


def test_a_note_is_kept_in_the_session_and_escaped(demo: Demo) -> None:
    """It comes back as it was written, and as text."""
    demo.sign_in()
    note = '"><script>alert(1)</script> & more'
    page = demo.press("/note", note=note)
    assert f'value="{html.escape(note, quote=True).replace("&quot;", "&#34;")}"' in page.text
    assert "<script>" not in page.text
    assert "extra" in words(page)


def test_a_note_needs_somebody(demo: Demo) -> None:
    """Who is signed out when it arrives is asked to sign in."""
    page = demo.press("/note", note="hello")
    assert ("Who are you today?", []) == (title(page), sealed_by(page))


def test_a_note_that_does_not_fit(demo: Demo) -> None:
    """Is refused with the report, and the session is what it was."""
    demo.sign_in()
    page = demo.press("/note", note="x" * 4000)
    assert (500, "Too large for a cookie") == (page.status_code, title(page))
    assert "Your session is what it was." in words(page)
    assert 'name="note" value=""' in demo.open("/session").text


def test_a_person_who_does_not_fit(demo: Demo) -> None:
    """Is not signed in; the page shows where the characters go, who was signed in stays, and there is a way out."""
    demo.sign_in("pippa")
    page = demo.sign_in("otto")
    assert (500, "Too large for a cookie", []) == (page.status_code, title(page), sealed_by(page))
    assert re.search(r"[\d,]+ of 4,093 characters, [\d,]+ too many", words(page))
    assert "access token" in words(page)
    assert 'href="/somebody-else"' in page.text
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
    other = Browser(demo.place.site, demo.place.later)
    for _ in range(FALLBACKS):
        other.post(f"{ORIGIN}/demo/rotate")
    assert f"fallback {FALLBACKS} → sealed anew" == fact(demo.open("/session"), "The cookie was opened by")
    for _ in range(FALLBACKS + 1):
        other.post(f"{ORIGIN}/demo/rotate")
    page = demo.open("/session")
    assert (401, []) == (page.status_code, sealed_by(page))
    assert "None of the passwords opens the cookie that came." in words(page)


# The access token and the provider.


def test_a_token_that_has_ended_is_renewed_by_the_next_click(demo: Demo) -> None:
    """The same session goes on, with new tokens in a new cookie, for which the provider was asked once."""
    before = fact(demo.sign_in(), "Session id")
    demo.wait_for_the_end()
    page = demo.open("/session")
    assert (before, "1") == (fact(page, "Session id"), fact(page, "Calls of the provider"))
    assert LIFETIME - 10 < seconds_left(page) <= LIFETIME
    assert 1 == len(sealed_by(page))
    assert "renewed by this request" in words(page)
    assert "provider Gave new tokens for a refresh token." in words(page)
    assert "application A request goes on with new tokens." in words(page)
    assert "renewed by this request" not in words(demo.open("/session"))


def test_another_tab_with_the_old_cookie_is_given_the_same_tokens(demo: Demo) -> None:
    """Nobody asks the provider a second time, and nobody sends it a used token."""
    demo.sign_in()
    tab = Demo(demo.place)
    tab.browser.jar = copy.deepcopy(demo.browser.jar)
    demo.wait_for_the_end()
    pages = [demo.open("/session"), tab.open("/session"), tab.open("/session")]
    assert ["1", "1", "1"] == [fact(page, "Calls of the provider") for page in pages]
    assert ["0", "0", "0"] == [fact(page, "Refresh tokens used twice") for page in pages]


def test_what_was_counted(demo: Demo) -> None:
    """The page's script is told what the page shows: the worker, the requests of each pair of tokens, what happened."""
    demo.sign_in()
    demo.open("/session")
    demo.wait_for_the_end()
    look = demo.browser.fetch(f"{ORIGIN}/demo/look").json
    assert look is not None
    assert {"calls": 1, "refused": 0, "requests": 3, "workers": {"1": 3}} == {
        name: look[name] for name in ("calls", "refused", "requests", "workers")
    }
    assert (True, 1, os.getpid()) == (look["took_new_tokens"], look["worker"], look["pid"])
    assert LIFETIME >= look["ends"] - time.time() > 0
    assert ("application", "A request goes on with new tokens.") == (
        look["lately"][0]["who"],
        look["lately"][0]["what"],
    )
    page = demo.open("/session")
    assert ("2, 2", "4") == (fact(page, "With each pair, the latest first"), fact(page, "Requests answered"))


def test_what_happens_again_is_counted(demo: Demo) -> None:
    """It takes one line."""
    for _ in range(3):
        page = demo.press("/demo/rotate", next="/")
    assert "Changed the password; the one before is a fallback now. 3 times" in words(page)


@pytest.mark.row("WO-14")
def test_changing_the_organisation(demo: Demo) -> None:
    """Is a refresh, whose answer has other claims; the session is the same."""
    before = demo.sign_in()
    assert "Placeholder Ltd" == fact(before, "Organisation")
    page = demo.press("/organization", organization_id=SECOND)
    assert ("Sample & Sons", fact(before, "Session id")) == (fact(page, "Organisation"), fact(page, "Session id"))
    assert "1" == fact(page, "Calls of the provider")
    demo.wait_for_the_end()
    assert "Sample & Sons" == fact(demo.open("/session"), "Organisation")


def test_who_may_change_the_organisation(demo: Demo) -> None:
    """The first card of the provider's page, and all others but one: that has no button, and the start names it."""
    assert "bjarte" == next(iter(PEOPLE))
    assert ["pippa"] == [key for key, person in PEOPLE.items() if len(person.organizations) < 2]
    assert "Change the organisation, as everybody but Pippa may" in words(demo.open("/"))
    pages = {key: demo.sign_in(key) for key in FITTING}
    assert ["pippa"] == [key for key, page in pages.items() if 'action="/organization"' not in page.text]
    assert "none" == fact(pages["pippa"], "Organisation")


def test_another_organisation_than_ones_own(demo: Demo) -> None:
    """Is refused by the provider; the session is what it was."""
    demo.sign_in()
    assert 503 == demo.press("/organization", organization_id="org_of_others").status_code
    page = demo.open("/session")
    assert (200, "Placeholder Ltd") == (page.status_code, fact(page, "Organisation"))


def test_another_organisation_when_the_session_is_over(demo: Demo) -> None:
    """The page says so, as the provider does, and not that the provider cannot be asked."""
    demo.sign_in()
    demo.press("/demo/sessions")
    page = demo.press("/organization", organization_id=SECOND)
    assert (401, "Signed out") == (page.status_code, title(page))
    assert "denied · The identity provider has ended this session." in words(page)


def test_another_organisation_while_the_provider_is_down(demo: Demo) -> None:
    """Cannot be had: the session is what it was, or on hold where its token has ended."""
    demo.sign_in()
    demo.switch("no")
    page = demo.press("/organization", organization_id=SECOND)
    assert (503, "One moment, please") == (page.status_code, title(page))
    assert "Whatever session there was, it is what it was." in words(page)
    assert "Placeholder Ltd" == fact(demo.open("/session"), "Organisation")
    demo.wait_for_the_end()
    page = demo.press("/organization", organization_id=SECOND)
    assert (503, "One moment, please") == (page.status_code, title(page))
    assert "Nobody was signed out: the cookie is kept" in words(page)


def test_while_the_provider_is_down(demo: Demo) -> None:
    """A good token stays good; one that has ended is a 503 which keeps the cookie, until the provider is back."""
    before = fact(demo.sign_in(), "Session id")
    assert (200, "down") == ((page := demo.switch("no")).status_code, words(page).partition("The provider ")[2][:4])
    demo.wait_for_the_end()
    page = demo.open("/session")
    assert (503, str(RETRY_AFTER), []) == (page.status_code, page.headers["Retry-After"], sealed_by(page))
    assert "Nobody was signed out: the cookie is kept" in words(page)
    demo.switch("yes")
    deadline = time.monotonic() + 20
    while (page := demo.open("/session")).status_code == 503 and time.monotonic() < deadline:
        assert [] == sealed_by(page)  # for a second after a failure the provider is not asked
    assert (200, before) == (page.status_code, fact(page, "Session id"))


def test_the_start_while_a_session_is_on_hold(demo: Demo) -> None:
    """Says what the other pages say, with no button to sign in: that leads to the provider, too. It is open as ever."""
    demo.sign_in()
    demo.switch("no")
    assert "Welcome, Bjarte" == title(demo.open("/"))
    demo.wait_for_the_end()
    start, session = demo.open("/"), demo.open("/session")
    assert (200, "One moment, please", []) == (start.status_code, title(start), sealed_by(start))
    assert [main(session)] == [main(start)]
    assert "On hold" in words(start)
    assert [] == re.findall("/auth/login|/somebody-else", start.text)
    assert "Please sign in" == title(Demo(demo.place).open("/"))


def test_nobody_can_sign_in_while_the_provider_is_down(demo: Demo) -> None:
    """Its page is a 503, and so is ours for who comes back from there; loading that again goes on once it is back."""
    page = demo.open("/session")
    demo.switch("no")
    down = demo.open("/session")
    assert (503, "The provider is down", str(RETRY_AFTER)) == (
        down.status_code,
        title(down),
        down.headers["Retry-After"],
    )
    demo.switch("yes")
    callback = demo.browser.post(
        urljoin(demo.place.issuer, form_with(page, "bjarte")[0]),
        data={"person": "bjarte"},
        context=Context.link_on(page.request.url),
    ).location
    demo.switch("no")
    stuck = demo.open(str(callback))
    assert (503, "One moment, please", []) == (stuck.status_code, title(stuck), sealed_by(stuck))
    demo.switch("yes")
    assert "Bjarte Åsample" == title(demo.open(str(callback)))


def test_a_session_that_ends_at_the_provider(demo: Demo) -> None:
    """Goes on until its access token ends, and not beyond; the page says why. Another sign-in begins a new one."""
    demo.sign_in()
    assert 200 == demo.press("/demo/sessions").status_code
    demo.wait_for_the_end()
    page = demo.open("/session")
    assert (401, "Signed out") == (page.status_code, title(page))
    assert "denied · The identity provider has ended this session." in words(page)
    assert "provider Refused a session that it has ended." in words(page)
    demo.sign_in()
    demo.wait_for_the_end()
    assert 200 == demo.open("/session").status_code


def test_a_page_for_who_signed_in_just_now(demo: Demo) -> None:
    """Asks for another sign-in after a while, whatever was renewed since; the session is untouched.

    Being signed in at the provider does not suffice: it is to ask anew.
    """
    demo.sign_in()
    assert "Payment details" == title(demo.open("/payments"))
    for _ in range(-(-(FRESH + 1) // LIFETIME)):
        demo.wait_for_the_end()
        demo.open("/session")
    page = demo.open("/payments")
    assert (401, "Please sign in once more") == (page.status_code, title(page))
    assert "Bjarte Åsample" == title(demo.open("/session"))
    (again,) = re.findall(r'href="(/auth/login\?.*?)"', page.text)
    page = demo.open(html.unescape(again))
    assert ("Is it still you?", "max_age=0") == (title(page), re.findall("max_age=.", page.request.url)[0])
    assert "Payment details" == title(demo.choose(page, "bjarte"))


def test_the_proof_that_is_too_old(demo: Demo) -> None:
    """Is the one at the provider, also where the sign-in here is of this moment: the pages give its time."""
    proved = fact(demo.sign_in(), "Signed in since").partition(",")[0]
    demo.choose(demo.press("/auth/logout"), "stay")
    demo.place.later.skipped += 3 * FRESH
    assert proved != fact(demo.open("/session"), "Signed in since").partition(",")[0]
    page = demo.open("/payments")
    assert (401, "Please sign in once more") == (page.status_code, title(page))
    assert f"The provider had yours at {proved}." in words(page)


def test_how_long_somebody_is_in(demo: Demo) -> None:
    """Is right when the page comes; since when stands beside it, for the script to count on."""
    demo.sign_in()
    demo.wait_for_the_end()
    page = demo.open("/session")
    since = re.search(r'id="ago" data-since="(\d+)"', page.text)
    ago = re.search(r", (\d+) s ago$", fact(page, "Signed in since"))
    assert since is not None
    assert ago is not None
    assert LIFETIME <= int(ago[1]) <= time.time() - int(since[1])


def test_buttons_lead_back_to_the_page_they_stand_on(demo: Demo) -> None:
    """By a field of their form, which leads nowhere else."""
    assert 'name="next" value="/"' in demo.open("/").text
    assert "Please sign in" == title(demo.press("/demo/rotate", next="/"))
    assert "Who are you today?" == title(demo.press("/demo/rotate", next="//evil.test/"))


# Other sites.


def test_every_form_is_tried_below(place: Place) -> None:
    """The list holds every address that takes a POST; but for the back channel, which is no page's."""
    app = create_app(place.board, place.settings, place.board.passwords())
    rules: list[Rule] = list(app.url_map.iter_rules())
    posts = {rule.rule for rule in rules if "POST" in (rule.methods or ())}
    assert {*FORMS, "/auth/backchannel-logout"} == posts


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("page", ["https://evil.test/", "http://localhost:8000/", "https://localhost:5000/", None])
def test_forms_of_other_sites_are_refused(demo: Demo, form: str, page: str | None) -> None:
    """Also of another port, which SameSite takes for the same site, and whatever they hold."""
    demo.sign_in()
    refused = demo.browser.post(ORIGIN + form, data={"note": "x", "answers": "no"}, context=Context(initiator=page))
    assert (403, "Forbidden", []) == (refused.status_code, title(refused), sealed_by(refused))
    assert "This form was sent from another site." in words(refused)
    assert not demo.place.board.provider_is_down()


@pytest.mark.parametrize(
    ("origin", "status"),
    [(ORIGIN, 303), ("http://evil.test", 403), ("http://localhost", 403), ("null", 403), (None, 403)],
)
def test_a_browser_without_fetch_metadata(place: Place, origin: str | None, status: int) -> None:
    """Is judged by Origin; no Origin is no proof."""
    client = Client(place.site)
    headers = {} if origin is None else {"Origin": origin}
    assert status == client.post("/demo/rotate", base_url=ORIGIN, headers=headers).status_code


@pytest.mark.parametrize("host", ["evil.test", "localhost.evil.test", "192.0.2.1", "127.0.0.1"])
def test_other_names_for_this_machine_are_refused(place: Place, host: str) -> None:
    """A name of somebody else's that leads here would make its pages ours."""
    client = Client(place.site)
    assert 400 == client.get("/", base_url=f"http://{host}:5000").status_code


@pytest.mark.parametrize("path", ["/", "/session", "/payments", "/nowhere", "/static/style.css"])
def test_pages_load_nothing_from_elsewhere(demo: Demo, path: str) -> None:
    """Scripts, styles and icons of our own, and nobody's frame; the policy says so to the browser as well."""
    demo.sign_in("maximo")
    page = demo.open(path)
    policy = page.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    own = f'<script src="/static/token.js"></script>|href="{demo.place.issuer}/"'
    foreign = r"""<script|\sstyle=|\son\w+=|(?:src|href|action)="(?!#|/(?!/))|url\(|@import"""
    assert [] == re.findall(foreign, re.sub(own, "", page.text))


def test_no_page_shows_a_token(demo: Demo) -> None:
    """Neither those of the session nor the sealed value."""
    sealed = sealed_by(demo.sign_in("marcelina"))[0].partition("=")[2].partition(";")[0]
    password = demo.place.board.passwords()[0]
    session = Sealer(KeyRing(password), clock=demo.place.later).unseal(sealed).session
    for path in ("/", "/session", "/payments", "/demo/look"):
        page = demo.open(path).text
        assert [] == [text for text in (sealed, session.access_token, session.refresh_token) if str(text) in page]

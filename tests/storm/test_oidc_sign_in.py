"""Signing in and out with our OAuth 2.0 client at a certified OpenID provider, from its first page to its last word."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from sealed_session import LogoutRefused, RefreshDenied, Session, SignInFailed
from sealed_session.providers import OAuth2
from sealed_session.providers.sign_in import Attempt
from sealed_session.refresh.signing_out import revoke
from tests.providers.server import Server, reply
from tests.providers.server import running as listening
from tests.storm.oidc_server import Client, Provider, running
from tests.storm.oidc_sign_in import new_browser, walk

BACK = "http://127.0.0.1/callback"
BYE = "http://127.0.0.1/bye"
ACCESS_SECONDS = 300


@dataclass(frozen=True)
class Place:
    """A provider, an application that it knows, and where its back channel ends."""

    provider: Provider
    client: Client
    channel: Server

    def ours(self, **options: Any) -> OAuth2:
        """Our side, which knows the issuer and nothing of its endpoints."""
        given = {"client_id": self.client.client_id, "client_secret": self.client.client_secret, "timeout": 10}
        return OAuth2(issuer=self.provider.issuer, reuse_detection="session", **{**given, **options})

    def went(self, url: str, browser: httpx2.Client) -> dict[str, str]:
        """What somebody comes back with."""
        return walk(browser, url, BACK)

    def sign_in(self, browser: httpx2.Client, ours: OAuth2 | None = None, **parameters: Any) -> Session:
        """Sign in through the provider's pages; what was kept is read back in between."""
        ours = ours or self.ours()
        url, attempt = ours.begin_sign_in(BACK, **parameters)
        return ours.finish_sign_in(Attempt.from_mapping(attempt.to_mapping()), self.went(url, browser))

    def logout_tokens(self) -> list[str]:
        """What came by the back channel."""
        return [parse_qs(request.body.decode())["logout_token"][0] for request in self.channel.requests]


@pytest.fixture(scope="module")
def place(oidc_packages: Path) -> Iterator[Place]:
    """It runs."""
    with listening(reply({})) as channel:
        client = Client(
            "sign-in:basic",
            "test data: 100% + a/b & c",
            more={
                "backchannel_logout_uri": f"{channel.url}/backchannel",
                "backchannel_logout_session_required": True,
                "post_logout_redirect_uris": [BYE],
            },
        )
        with running(oidc_packages, [client], access_seconds=ACCESS_SECONDS) as provider:
            yield Place(provider, client, channel)


@pytest.fixture
def browser() -> Iterator[httpx2.Client]:
    """Somebody's, with the cookies of the provider."""
    with new_browser() as own:
        yield own


def failed(call: Callable[[], object]) -> SignInFailed:
    """Return the failure of a sign-in."""
    with pytest.raises(SignInFailed) as caught:
        call()
    return caught.value


class TestSignIn:
    """Through the provider's pages."""

    def test_somebody_signs_in_and_is_renewed(self, place: Place, browser: httpx2.Client) -> None:
        """The ID token is the provider's and has told who it is; the session holds no more than it needs."""
        session = place.sign_in(browser)
        assert ({"sub": "user_1"}, None) == (session.user, session.tokens)
        assert "user_1" == session.claims["sub"]
        renewed = place.ours().refresh(session)
        assert session.refresh_token != renewed.refresh_token
        assert None is renewed.tokens

    def test_a_code_is_good_once(self, place: Place, browser: httpx2.Client) -> None:
        """A second use opens nothing, and this provider ends what the first one opened."""
        ours = place.ours()
        url, attempt = ours.begin_sign_in(BACK)
        answer = place.went(url, browser)
        session = ours.finish_sign_in(attempt, answer)
        assert "code_refused" == failed(lambda: ours.finish_sign_in(attempt, answer)).code
        with pytest.raises(RefreshDenied):
            ours.refresh(session)

    def test_two_tabs(self, place: Place, browser: httpx2.Client) -> None:
        """Each finishes its own attempt, and neither the other's."""
        ours = place.ours()
        (first_url, first), (second_url, second) = ours.begin_sign_in(BACK), ours.begin_sign_in(BACK)
        first_answer, second_answer = place.went(first_url, browser), place.went(second_url, browser)
        assert "state_mismatch" == failed(lambda: ours.finish_sign_in(first, second_answer)).code
        sessions = [ours.finish_sign_in(second, second_answer), ours.finish_sign_in(first, first_answer)]
        assert sessions[0].session_id == sessions[1].session_id
        assert sessions[0].refresh_token != sessions[1].refresh_token

    def test_a_code_without_its_verifier(self, place: Place, browser: httpx2.Client) -> None:
        """Is of no use to whoever has seen it."""
        ours = place.ours()
        url, attempt = ours.begin_sign_in(BACK)
        kept = {**ours.begin_sign_in(BACK)[1].to_mapping(), "state": attempt.state, "nonce": attempt.nonce}
        answer = place.went(url, browser)
        assert "code_refused" == failed(lambda: ours.finish_sign_in(Attempt.from_mapping(kept), answer)).code

    def test_an_id_token_of_another_attempt(self, place: Place, browser: httpx2.Client) -> None:
        """Its nonce tells."""
        ours = place.ours()
        url, attempt = ours.begin_sign_in(BACK)
        kept = {**attempt.to_mapping(), "nonce": "another"}
        answer = place.went(url, browser)
        assert "nonce_mismatch" == failed(lambda: ours.finish_sign_in(Attempt.from_mapping(kept), answer)).code

    def test_the_provider_says_no(self, place: Place, browser: httpx2.Client) -> None:
        """Nobody is signed in there, and no page may be shown. Its answer says from whom it is."""
        ours = place.ours()
        url, attempt = ours.begin_sign_in(BACK, prompt="none")
        answer = place.went(url, browser)
        failure = failed(lambda: ours.finish_sign_in(attempt, answer))
        assert ("access_denied", "login_required") == (failure.code, failure.detail)
        answer["iss"] = "https://evil.example"
        assert "wrong_issuer" == failed(lambda: ours.finish_sign_in(attempt, answer)).code
        del answer["iss"]  # which this provider's metadata promise
        assert "wrong_issuer" == failed(lambda: ours.finish_sign_in(attempt, answer)).code

    def test_a_fresh_one_is_wanted(self, place: Place, browser: httpx2.Client) -> None:
        """The provider asks for the password again, and says when it was given."""
        place.sign_in(browser)
        began = int(time.time())
        session = place.sign_in(browser, place.ours(keep_id_token=True), max_age=0)
        assert began <= _claims(session)["auth_time"] + 1

    def test_an_old_one_is_not_taken_for_fresh(self, place: Place, browser: httpx2.Client) -> None:
        """Whatever became of the wish on its way through the browser."""
        place.sign_in(browser)
        later = place.ours(clock=lambda: time.time() + 60)
        url, attempt = later.begin_sign_in(BACK, max_age=0)
        answer = place.went(url.replace("&max_age=0", ""), browser)
        assert "not_fresh_enough" == failed(lambda: later.finish_sign_in(attempt, answer)).code


class TestSignOut:
    """And what is left then."""

    def test_revoked(self, place: Place, browser: httpx2.Client) -> None:
        """The provider confirms it, and the refresh token is dead; a second time it is confirmed as well."""
        session = place.sign_in(browser)
        assert place.ours().revoke(session)
        with pytest.raises(RefreshDenied):
            place.ours().refresh(session)
        assert place.ours().revoke(session)
        assert revoke(place.ours(), session)

    def test_with_a_wrong_secret_nothing_is_claimed(self, place: Place, browser: httpx2.Client) -> None:
        """And nothing is revoked."""
        session = place.sign_in(browser)
        assert place.ours(client_secret="test data: wrong").revoke(session) is False
        assert place.ours().refresh(session).refresh_token

    @pytest.mark.parametrize("keep", [False, True])
    def test_the_providers_page(self, place: Place, browser: httpx2.Client, keep: bool) -> None:
        """Ends the person's session there and sends them back; with the ID token, and without it."""
        ours = place.ours(keep_id_token=keep)
        session = place.sign_in(browser, ours)
        url = ours.sign_out_url(session, BYE) or ""
        assert keep is ("id_token_hint" in parse_qs(urlsplit(url).query))
        assert {} == walk(browser, url, BYE)
        again, attempt = ours.begin_sign_in(BACK, prompt="none")
        answer = place.went(again, browser)
        assert "login_required" == failed(lambda: ours.finish_sign_in(attempt, answer)).detail

    def test_the_back_channel(self, place: Place, browser: httpx2.Client) -> None:
        """Says which session is over: the one that we have by that id. It says so once, to us, and not for long."""
        ours = place.ours()
        session, before = place.sign_in(browser), len(place.channel.requests)
        walk(browser, ours.sign_out_url(session, BYE) or "", BYE)
        (token,) = place.logout_tokens()[before:]
        logout = ours.read_logout_token(token)
        assert session.session_id in logout.session_ids
        assert "user_1" == logout.sub
        assert abs(logout.issued_at - time.time()) < 60
        assert logout.token_id
        for other, finding in (
            (place.ours(client_id="storm:nobody"), "wrong_audience"),
            (place.ours(clock=lambda: time.time() + 400), "expired"),
        ):
            with pytest.raises(LogoutRefused) as caught:
                other.read_logout_token(token)
            assert finding == caught.value.detail

    def test_an_id_token_at_the_back_channel(self, place: Place, browser: httpx2.Client) -> None:
        """Signs nobody out, although the same key has signed it."""
        session = place.sign_in(browser, place.ours(keep_id_token=True))
        with pytest.raises(LogoutRefused):
            place.ours().read_logout_token((session.tokens or {})["id_token"])


def _claims(session: Session) -> dict[str, Any]:
    return Session((session.tokens or {})["id_token"]).claims

"""Which token is verified when, and what becomes of one that is not what it should be."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, jsonify

from flask_ext import (
    SealedSession,
    TokenRefused,
    VerificationUnavailable,
    current_session,
    session_refresh_failed,
    session_refreshed,
    session_resealed,
)
from flask_ext.verifying import Verifying
from sealed_session import ProviderUnavailable, SealTooLarge, Session, UsageError
from sealed_session.counters import Counters
from sealed_session.providers import WorkOS
from sealed_session.refresh import Kind, Outcome
from sealed_session.testing import Clock, access_token
from sealed_session.verifier import FINDINGS, JWTVerifier, Verdict, Verification
from tests.core.jwks_server import JWKSServer, SigningKey, jwks_server
from tests.web.conftest import MakeWorld, World
from tests.web.verifier import Judge, SigningProvider

NAME = "sealed-session"
INVALID = [code for code, (verdict, _) in FINDINGS.items() if verdict is Verdict.INVALID]


@pytest.fixture
def judge() -> Judge:
    """Finds every token good, until a test wants otherwise."""
    return Judge()


@pytest.fixture
def world(make_world: MakeWorld, judge: Judge) -> World:
    """An application that verifies."""
    return make_world(verifier=judge)


def sealed(world: World) -> str:
    """The value that the browser holds."""
    return world.browser.jar.get(NAME).value


def opened(world: World) -> Session:
    """The session that the browser holds."""
    session: Session = world.app.extensions["sealed_session"].sealer.unseal(sealed(world)).session
    return session


def counted(world: World, name: str) -> dict[tuple[str, ...], int]:
    """What the application has counted under a name."""
    with world.app.app_context():
        return world.auth.counters.read()[name]


def plant(world: World, **changes: Any) -> Session:
    """Put a cookie into the browser that another node has sealed."""
    values = {**world.provider.sign_in(), **changes}
    session = Session(**values)
    value = world.app.extensions["sealed_session"].sealer.seal(session)
    assert world.browser.jar.store(f"{NAME}={value}; Path=/; Secure", "https://app.example.com") is None
    return session


def test_without_a_verifier_nothing_from_outside_is_good() -> None:
    """The configuration is refused before that; and it is not said for whom tokens are."""
    verifying = Verifying(None)
    assert ((Verdict.UNAVAILABLE, "keys_unavailable"), None) == (verifying.weigh("a.b.c"), verifying.is_for_anybody)


@pytest.mark.parametrize(("audience", "expected"), [(None, True), ("us", False)])
def test_for_whom_tokens_are(audience: str | None, expected: bool) -> None:
    """As the verifier says, where it is one of ours."""
    verifier = JWTVerifier(keys={"keys": [SigningKey().jwk()]}, issuers=["https://a"], audience=audience)
    assert expected is Verifying(verifier).is_for_anybody


class TestSignIn:
    """A token of whoever signs in."""

    @pytest.mark.parametrize("code", ["valid", "expired", "too_old"])
    def test_one_that_is_good_or_has_ended_is_taken(self, world: World, judge: Judge, code: str) -> None:
        """Its signature is the provider's; what has ended is renewed at the next use."""
        judge.code = code
        world.get("/sign-in")
        assert ("user_1", False) == (world.get("/who").text, opened(world).unverified)
        assert 1 == len(judge.asked)

    @pytest.mark.parametrize("code", INVALID)
    def test_one_that_does_not_verify_is_refused(self, world: World, judge: Judge, code: str) -> None:
        """By one kind of error, with its code, and with what was found."""
        judge.code, caught = code, []

        def act() -> None:
            with pytest.raises(TokenRefused) as refused:
                world.auth.sign_in(**world.provider.sign_in())
            caught.append(refused.value)

        assert [] == world.cookies(world.do(act))
        assert ("token_refused", code) == (caught[0].code, caught[0].finding)
        assert isinstance(caught[0], UsageError)
        assert FINDINGS[code][1] in str(caught[0])
        assert judge.asked[0][0] not in str(caught[0])

    @pytest.mark.parametrize("code", ["bad_signature", "keys_unavailable"])
    def test_a_session_that_there_was_is_untouched(self, world: World, judge: Judge, code: str) -> None:
        """In this request and in the cookie."""
        world.get("/sign-in")
        before = sealed(world)

        def act() -> str:
            judge.code = code
            with pytest.raises((TokenRefused, VerificationUnavailable)):
                world.auth.sign_in(**world.provider.sign_in({"id": "mallory"}))
            return str(current_session.user["id"])

        response = world.do(act)
        assert ("user_1", [], before) == (response.text, world.cookies(response), sealed(world))

    def test_uncaught_a_refusal_is_an_error_of_the_application(self, world: World, judge: Judge) -> None:
        """Which signs nobody in."""
        judge.code = "wrong_issuer"
        response = world.get("/sign-in")
        assert (500, []) == (response.status_code, world.cookies(response))

    def test_without_keys_it_is_a_503(self, world: World, judge: Judge) -> None:
        """Nobody can know; the person is told to come again, by a program's means."""
        judge.code = "keys_unavailable"
        response = world.get("/sign-in", headers={"Accept": "application/json"})
        assert (503, "5", []) == (response.status_code, response.headers["Retry-After"], world.cookies(response))
        assert {"error": "unavailable", "reason": "unavailable"} == response.json

    @pytest.mark.parametrize("page", [None, "our own page"])
    def test_without_keys_a_person_is_shown_a_page(self, world: World, judge: Judge, page: str | None) -> None:
        """The application's own, where it has one."""
        if page is not None:
            world.app.register_error_handler(503, lambda _: (page, 503))
        judge.code = "keys_unavailable"
        response = world.get("/sign-in", headers={"Accept": "text/html"})
        assert (503, "5", "text/html") == (response.status_code, response.headers["Retry-After"], response.mimetype)
        assert (page or "Please try again in a moment.") in response.text

    @pytest.mark.parametrize("comes_first", [True, False])
    def test_an_application_may_answer_itself(self, password: str, judge: Judge, comes_first: bool) -> None:
        """By an error handler of its own, registered before init_app or after."""
        app, auth = Flask("own"), SealedSession(verifier=judge)
        app.config["SEALED_SESSION_PASSWORD"] = password
        if not comes_first:
            auth.init_app(app)

        @app.errorhandler(VerificationUnavailable)
        def answer(error: VerificationUnavailable) -> Any:
            return jsonify(again_in=error.retry_after), 502

        @app.get("/in")
        def sign_in() -> str:
            auth.sign_in(access_token="t")
            return "in"

        if comes_first:
            auth.init_app(app)
        judge.code = "keys_unavailable"
        response = app.test_client().get("/in")
        assert (502, {"again_in": 5}) == (response.status_code, response.json)

    def test_a_verifier_that_raises_does_not_know(
        self, world: World, judge: Judge, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The log says where it raised, and not what, and says it once a minute."""
        judge.error = ValueError("test data: not for a log")
        assert [503, 503] == [world.get("/sign-in").status_code for _ in range(2)]
        assert 1 == caplog.text.count("the verifier raised ValueError at ")
        assert "test data" not in caplog.text

    @pytest.mark.parametrize("answer", [None, "valid", Verification("good", "valid")])  # type: ignore[arg-type]
    def test_a_verifier_that_says_nothing_sensible_does_not_know(self, make_world: MakeWorld, answer: Any) -> None:
        """What is no verdict signs nobody in."""

        class Nonsense(Judge):
            def verify(self, *_: Any, **__: Any) -> Any:
                return answer

        assert 503 == make_world(verifier=Nonsense()).get("/sign-in").status_code

    def test_a_code_of_another_verifiers_is_not_repeated(self, make_world: MakeWorld) -> None:
        """It may hold anything."""

        class Other(Judge):
            def verify(self, *_: Any, **__: Any) -> Verification:
                return Verification(Verdict.INVALID, "eyJ-text-of-a-token")

        world = make_world(verifier=Other())

        def act() -> str:
            with pytest.raises(TokenRefused) as caught:
                world.auth.sign_in(access_token="t")
            return f"{caught.value.finding}: {caught.value}"

        text = world.do(act).text
        assert text.startswith("invalid: the access token is refused: the verifier says so. (invalid)")

    def test_an_opaque_token_does_not_pass_a_verifier(self, make_world: MakeWorld) -> None:
        """The error says what to set where the provider's tokens are opaque; then it is taken unseen."""
        judge = Judge("opaque_token")
        world = make_world(verifier=judge)

        def act() -> str:
            with pytest.raises(TokenRefused) as caught:
                world.auth.sign_in(access_token="opaque")
            return str(caught.value.fix)

        assert "SEALED_SESSION_VERIFY_ACCESS_TOKEN = False" in world.do(act).text
        off = make_world(verifier=judge, VERIFY_ACCESS_TOKEN=False)
        asked = len(judge.asked)
        off.do(lambda: off.auth.sign_in(access_token="opaque", user={"id": "o"}))
        assert ("o", asked) == (off.get("/who").text, len(judge.asked))

    def test_the_mark_is_not_the_applications_to_set(self, world: World) -> None:
        """What was verified just now has none."""
        world.do(lambda: world.auth.sign_in(**world.provider.sign_in(), unverified=True))
        assert not opened(world).unverified

    def test_too_large_is_told_as_ever(self, world: World) -> None:
        """After the token was found good."""

        def act() -> None:
            with pytest.raises(SealTooLarge):
                world.auth.sign_in(access_token="t", extra={"text": "x" * 9000})

        assert [] == world.cookies(world.do(act))


class TestAfterARefresh:
    """Commit, then verify: the token before it is used up, so the pair is sealed whatever the verifier says."""

    def test_one_that_verifies_is_sealed_plainly(self, world: World, judge: Judge) -> None:
        """And never asked about again."""
        world.get("/sign-in")
        world.clock.advance(400)
        assert "user_1" == world.get("/who").text
        session = opened(world)
        assert (False, 2) == (session.unverified, len(judge.asked))
        assert session.access_token == judge.asked[1][0]
        for _ in range(3):
            world.get("/who")
        assert (2, 1) == (len(judge.asked), len(world.provider.calls))

    def test_one_that_cannot_be_verified_goes_on_with_a_mark(self, world: World, judge: Judge) -> None:
        """And is counted."""
        world.get("/sign-in")
        judge.code = "keys_unavailable"
        world.clock.advance(400)
        response = world.get("/who")
        assert ("user_1", [NAME]) == (response.text, world.cookies(response))
        assert (True, {(): 1}) == (opened(world).unverified, counted(world, "unverified"))

    def test_the_mark_has_it_verified_at_the_next_use(self, world: World, judge: Judge) -> None:
        """While nobody knows, it passes and is counted; once it verifies, the mark goes with the same response."""
        world.get("/sign-in")
        judge.code = "keys_unavailable"
        world.clock.advance(400)
        for _ in range(3):
            assert "user_1" == world.get("/who").text
        assert {(): 3} == counted(world, "unverified")
        judge.code = "valid"
        response = world.get("/who")
        assert ("user_1", [NAME], False) == (response.text, world.cookies(response), opened(world).unverified)
        asked = len(judge.asked)
        assert ([], asked) == (world.cookies(world.get("/who")), len(judge.asked))
        assert (1, {(): 3}) == (len(world.provider.calls), counted(world, "unverified"))

    @pytest.mark.parametrize("code", INVALID)
    def test_one_that_is_refused_is_kept_and_signs_nobody_in(
        self, world: World, judge: Judge, caplog: pytest.LogCaptureFixture, code: str
    ) -> None:
        """The log has the code at the level of errors; the cookie has the pair, with the mark."""
        world.get("/sign-in")
        before, judge.code = opened(world), code
        world.clock.advance(400)
        response = world.get("/private", headers={"Accept": "application/json"})
        after = opened(world)
        assert (401, [NAME]) == (response.status_code, world.cookies(response))
        assert {"error": "login_required", "reason": "invalid"} == response.json
        assert (True, False) == (after.unverified, before.refresh_token == after.refresh_token)
        records = [record for record in caplog.records if record.levelname == "ERROR"]
        assert [True] == [f"({code})" in record.getMessage() for record in records]
        assert after.access_token not in caplog.text

    def test_a_setting_that_is_mended_brings_everybody_back(self, world: World, judge: Judge) -> None:
        """A wrong issuer must not cost a session, nor one refresh token for every request."""
        world.get("/sign-in")
        judge.code = "wrong_issuer"
        world.clock.advance(400)
        for _ in range(3):
            assert "nobody: invalid" == world.get("/who").text
        judge.code = "valid"
        response = world.get("/who")
        assert ("user_1", [NAME], False) == (response.text, world.cookies(response), opened(world).unverified)
        assert 1 == len(world.provider.calls)

    def test_what_is_refused_is_renewed_when_it_has_ended_and_not_before(self, world: World, judge: Judge) -> None:
        """Not early either, though it may be due: what cannot be verified is no reason to use up a token."""
        plant(world, unverified=True)
        judge.code = "unknown_kid"
        world.clock.advance(290)
        assert ("nobody: invalid", 0) == (world.get("/who").text, len(world.provider.calls))
        judge.code = "valid"
        world.clock.advance(60)
        assert ("user_1", 1) == (world.get("/who").text, len(world.provider.calls))
        assert not opened(world).unverified

    def test_an_outage_of_the_keys_burns_no_refresh_token(self, world: World, judge: Judge) -> None:
        """However many requests come meanwhile."""
        plant(world, unverified=True)
        judge.code = "keys_unavailable"
        for _ in range(5):
            assert "user_1" == world.get("/who").text
        assert [] == world.provider.calls

    def test_a_token_that_has_ended_already_is_not_one_to_refuse(
        self, world: World, judge: Judge, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Its signature is good; the clocks are not, and the person is signed in as ever."""
        plant(world, access_token=access_token(expires_at=world.clock.now - 100))
        judge.code = "expired"
        assert ("user_1", False) == (world.get("/who").text, opened(world).unverified)
        assert "refused" not in caplog.text

    def test_a_marked_token_that_has_just_ended_is_taken(self, world: World, judge: Judge) -> None:
        """Within CLOCK_SKEW; a verifier may be stricter about that than we are."""
        plant(world, unverified=True, refresh_token=None)
        judge.code = "expired"
        world.clock.advance(305)
        assert ("user_1", False) == (world.get("/who").text, opened(world).unverified)

    def test_a_verifier_that_raises_costs_no_session(
        self, world: World, judge: Judge, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It counts as one that does not know."""
        world.get("/sign-in")
        judge.error = RuntimeError("test data: not for a log")
        world.clock.advance(400)
        assert ("user_1", True) == (world.get("/who").text, opened(world).unverified)
        assert "the verifier raised RuntimeError at " in caplog.text
        assert "test data" not in caplog.text

    def test_on_demand_the_outcome_has_no_session_that_does_not_verify(self, world: World, judge: Judge) -> None:
        """The pair is kept all the same."""
        outcomes: list[Outcome] = []
        world.get("/sign-in")
        before = opened(world)

        def act() -> str:
            judge.code = "bad_signature"
            outcomes.append(world.auth.refresh(force=True))
            return str(current_session.reason)

        assert "invalid" == world.do(act).text
        assert (Kind.REFRESHED, None, "invalid") == (outcomes[0].kind, outcomes[0].session, outcomes[0].reason)
        assert before.refresh_token != opened(world).refresh_token
        assert opened(world).unverified

    def test_on_demand_the_outcome_has_the_mark(self, world: World, judge: Judge) -> None:
        """Whoever keeps the session elsewhere knows that it was not verified."""
        outcomes: list[Outcome] = []
        world.get("/sign-in")
        judge.code = "keys_unavailable"
        world.do(lambda: outcomes.append(world.auth.refresh(force=True)))
        assert [True] == [outcome.session is not None and outcome.session.unverified for outcome in outcomes]

    def test_on_demand_a_marked_token_is_verified_first(self, world: World, judge: Judge) -> None:
        """With nothing to renew it with, one that is refused stays refused."""
        plant(world, unverified=True, refresh_token=None)
        judge.code = "bad_signature"
        outcomes: list[Outcome] = []

        def act() -> str:
            outcomes.append(world.auth.refresh(force=True))
            return str(bool(current_session))

        assert "False" == world.do(act).text
        assert [(Kind.DENIED, None)] == [(outcome.kind, outcome.session) for outcome in outcomes]

    def test_the_signals_tell_good_pairs_from_others(self, world: World, judge: Judge) -> None:
        """New tokens are told where they sign somebody in; others are a refresh that failed."""
        told: list[Any] = []

        def refreshed(_app: Flask, session: Session) -> None:
            told.append(session.unverified)

        def failed(_app: Flask, kind: Kind, reason: str) -> None:
            told.append((kind, reason))

        with session_refreshed.connected_to(refreshed), session_refresh_failed.connected_to(failed):
            world.get("/sign-in")
            for code in ("valid", "keys_unavailable", "bad_signature"):
                judge.code = code
                world.clock.advance(400)
                world.get("/who")
        assert [False, True, (Kind.REFRESHED, "invalid")] == told

    def test_dropping_the_mark_is_told_as_a_reseal(
        self, world: World, judge: Judge, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Without any of the other reasons."""
        caplog.set_level("INFO", "sealed_session")
        told: list[Any] = []

        def receive(_app: Flask, **facts: Any) -> None:
            told.append(facts)

        plant(world, unverified=True)
        with session_resealed.connected_to(receive):
            world.get("/who")
        assert [{"reasons": (), "password_index": 0}] == told
        assert "sealed anew: verified" in caplog.text


class TestOff:
    """VERIFY_ACCESS_TOKEN = False, and no verifier at all."""

    @pytest.mark.parametrize("settings", [{"VERIFY_ACCESS_TOKEN": False}, {"provider": ...}])
    def test_nothing_is_verified(self, make_world: MakeWorld, settings: dict[str, Any]) -> None:
        """Not at sign-in, not after a refresh; a mark of another node's is left where it is until then."""
        judge = Judge("bad_signature")
        world = make_world(verifier=judge if "VERIFY_ACCESS_TOKEN" in settings else None, **settings)
        plant(world, unverified=True)
        response = world.get("/who")
        assert ("user_1", [], True) == (response.text, world.cookies(response), opened(world).unverified)
        world.clock.advance(400)
        assert ("user_1", False) == (world.get("/who").text, opened(world).unverified)
        world.get("/sign-in")
        assert ([], {}, {}) == (judge.asked, counted(world, "verifications"), counted(world, "unverified"))


def test_a_sealed_token_is_not_verified_again(world: World, judge: Judge) -> None:
    """The verifier is not so much as asked, whatever it would say."""
    plant(world)
    judge.error = AssertionError("asked")
    for path in ("/who", "/private", "/note?note=x"):
        assert 200 == world.get(path).status_code
    assert [] == judge.asked


def test_verdicts_are_counted(world: World, judge: Judge) -> None:
    """Each time the verifier is asked."""
    for code in ("valid", "bad_signature", "keys_unavailable", "expired", "wrong_issuer"):
        judge.code = code
        world.get("/sign-in")
    expected = {("valid",): 1, ("invalid",): 2, ("unavailable",): 1, ("expired",): 1}
    assert expected == counted(world, "verifications")


@pytest.mark.parametrize("error", [TokenRefused("wrong_issuer"), VerificationUnavailable(7)])
def test_the_errors_survive_pickling(error: Exception) -> None:
    """Worker pools and task queues carry exceptions."""
    back = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(error), str(error), vars(error)) == (type(back), str(back), vars(back))


def test_the_error_of_an_outage_says_what_it_is() -> None:
    """By a code of its own, and when to come again."""
    error = VerificationUnavailable()
    assert ("verification_unavailable", 5) == (error.code, error.retry_after)
    assert "out of reach" in str(error)


def test_without_keys_the_metadata_may_be_what_is_missing() -> None:
    """A provider that is out of reach is expected, and no error of the verifier's."""
    judge = Judge()
    judge.error = ProviderUnavailable()
    received = Verifying(judge, Counters()).receive(Session("t"))
    assert (Verdict.UNAVAILABLE, True) == (received.verdict, received.session.unverified)


@pytest.fixture
def keys() -> Iterator[JWKSServer]:
    """A provider's keys, served."""
    with jwks_server(SigningKey()) as server:
        yield server


@pytest.mark.row("WO-12")
class TestSigned:
    """With real keys, real signatures, and a provider that says where its keys are."""

    @pytest.fixture
    def provider(self, keys: JWKSServer) -> SigningProvider:
        """Its tokens verify."""
        return SigningProvider(Clock(), SigningKey(), keys.url)

    @pytest.fixture
    def world(self, make_world: MakeWorld, provider: SigningProvider) -> World:
        """An application of that provider's, on its clock."""
        world = make_world(provider=provider)
        provider.clock = world.clock
        return world

    def sign_in(self, world: World, provider: SigningProvider, **values: Any) -> Any:
        """Sign in with what the provider hands out."""
        given = {**provider.pair(), "user": {"id": "user_1"}, **values}
        return world.do(lambda: world.auth.sign_in(**given))

    def test_WO_12_a_token_of_the_providers_signs_in(self, world: World, provider: SigningProvider) -> None:  # noqa: N802
        """And is renewed with the next one verified too, by keys that were fetched once."""
        self.sign_in(world, provider)
        world.clock.advance(400)
        assert ("user_1", 1) == (world.get("/who").text, provider.calls)
        assert {("valid",): 2} == counted(world, "verifications")

    @pytest.mark.parametrize("code", ["bad_signature", "wrong_issuer"])
    def test_WO_12_a_forged_one_does_not(self, world: World, provider: SigningProvider, code: str) -> None:  # noqa: N802
        """Signed with another key of the same name, or by somebody else."""
        if code == "bad_signature":
            provider.key = SigningKey(number=2)
        else:
            provider.issuer_claim = "https://elsewhere.example"
        caught: list[str] = []

        def act() -> None:
            with pytest.raises(TokenRefused) as refused:
                world.auth.sign_in(**provider.pair())
            caught.append(refused.value.finding)

        assert ([], [code]) == (world.cookies(world.do(act)), caught)

    @pytest.mark.parametrize(
        ("user", "is_taken"),
        [({"id": "user_1"}, True), ({"id": "user_2"}, False), ({"name": "Ada"}, True), (None, True), ({"id": 7}, True)],
    )
    def test_WO_12_the_user_is_the_one_of_the_token(  # noqa: N802
        self, world: World, provider: SigningProvider, user: Any, is_taken: bool
    ) -> None:
        """Where the preset says by which field, and both say who it is."""
        response = self.sign_in(world, provider, user=user)
        assert (200 if is_taken else 500, is_taken) == (response.status_code, bool(world.browser.jar.cookies()))

    def test_WO_12_a_token_that_is_about_nobody_is_compared_with_nobody(  # noqa: N802
        self, world: World, provider: SigningProvider
    ) -> None:
        """Neither at sign-in, nor when the application changes the user."""
        provider.sub = None
        assert 200 == self.sign_in(world, provider).status_code
        assert 200 == world.do(lambda: world.auth.update(user={"id": "user_2"})).status_code

    def test_WO_12_after_a_refresh_too(self, world: World, provider: SigningProvider) -> None:  # noqa: N802
        """Somebody else's user signs nobody in, and the cookie is kept."""
        self.sign_in(world, provider)
        provider.answers_with = {"user": {"id": "user_2"}}
        world.clock.advance(400)
        response = world.get("/who")
        assert ("nobody: invalid", [NAME]) == (response.text, world.cookies(response))
        assert ("refresh_1", True) == (opened(world).refresh_token, opened(world).unverified)

    def test_WO_12_an_update_does_not_make_it_somebody_elses(  # noqa: N802
        self, world: World, provider: SigningProvider
    ) -> None:
        """It is refused in the view; what is the same person's is not."""
        self.sign_in(world, provider)

        def act() -> str:
            with pytest.raises(TokenRefused) as caught:
                world.auth.update(user={"id": "user_2"})
            world.auth.update(user={"id": "user_1", "name": "Ada"})
            return caught.value.finding

        assert "wrong_subject" == world.do(act).text
        assert {"id": "user_1", "name": "Ada"} == opened(world).user

    def test_WO_12_without_verification_nobody_compares(  # noqa: N802
        self, make_world: MakeWorld, provider: SigningProvider
    ) -> None:
        """VERIFY_ACCESS_TOKEN = False turns all of it off."""
        world = make_world(provider=provider, VERIFY_ACCESS_TOKEN=False)
        provider.clock = world.clock
        self.sign_in(world, provider, user={"id": "user_2"})
        world.do(lambda: world.auth.update(user={"id": "user_3"}))
        assert "user_3" == world.get("/who").text

    def test_WO_12_an_outage_of_the_keys_passes(  # noqa: N802
        self, make_world: MakeWorld, world: World, provider: SigningProvider, keys: JWKSServer
    ) -> None:
        """A node that has no keys yet goes on with a mark; with keys again, it verifies and drops it."""
        self.sign_in(world, provider)
        keys.fault = "status_500"
        other = make_world(provider=provider)
        other.browser.jar, provider.clock = world.browser.jar, other.clock
        other.clock.advance(400)
        assert ("user_1", True, 1) == (other.get("/who").text, opened(other).unverified, provider.calls)
        keys.fault = ""
        other.clock.advance(6)
        assert ("user_1", False, 1) == (other.get("/who").text, opened(other).unverified, provider.calls)

    def test_WO_12_a_renewal_of_the_keys_blocks_nobody(  # noqa: N802
        self, world: World, provider: SigningProvider, keys: JWKSServer
    ) -> None:
        """While a set is held the next is fetched aside: the request is answered before the fetch is."""
        self.sign_in(world, provider)
        keys.fault = "wait"
        world.clock.advance(700)
        assert "user_1" == world.get("/who").text
        assert keys.arrived.wait(10)
        assert not keys.gate.is_set()

    def test_WO_12_the_preset_brings_all_of_it(self, keys: JWKSServer, password: str) -> None:  # noqa: N802
        """Address of the keys, issuer, algorithm, and that a user's id is the ``sub``; CLOCK_SKEW is the leeway."""
        clock, base = Clock(), keys.url.removesuffix("/jwks")
        auth = SealedSession(WorkOS("client_1", "sk_test_example", base_url=base), clock=clock)
        app = Flask("preset")
        app.config.update(SEALED_SESSION_PASSWORD=password, SEALED_SESSION_CLOCK_SKEW=20)
        auth.init_app(app)
        claims = {"iss": f"{base}/user_management/client_1", "sub": "user_1", "exp": clock.now - 15}
        verify = app.extensions["sealed_session"].verifying._verifier.verify
        assert ["valid", "expired", "wrong_subject", "wrong_issuer"] == [
            verify(SigningKey().sign({**claims, **changes}), subject="user_1").code
            for changes in ({}, {"exp": clock.now - 25}, {"sub": "user_2"}, {"iss": "https://elsewhere.example"})
        ]
        with app.test_request_context():
            token = SigningKey().sign(claims)
            with pytest.raises(TokenRefused):
                auth.sign_in(access_token=token, user={"id": "user_2"})
            auth.sign_in(access_token=token, user={"id": "user_1"})
            assert "user_1" == current_session.user["id"]

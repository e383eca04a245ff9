"""One call of a provider: whatever it does becomes an outcome, and no outcome is mistaken for another."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from sealed_session import ProviderUnavailable, RefreshDenied, Session, StepUpRequired, UsageTypeError
from sealed_session.providers import FunctionProvider, Provider, as_provider
from sealed_session.reasons import Reason, reason_of
from sealed_session.refresh import Kind, Outcome, attempt
from sealed_session.refresh.attempt import merge
from sealed_session.testing import FakeProvider, access_token

OLD = Session(
    access_token(expires_at=100, sub="user_1"),
    "old_refresh",
    {"id": "user_1"},
    {"email": "support@example.com"},
    {"theme": "dark"},
    session_id="c2Vzc2lvbg",
    session_expires_at=5_000,
    tokens={"id_token": "eyJ..."},
)
NEW = access_token(expires_at=900, sub="user_1")


def answering(answer: Any) -> Provider:
    """A provider that returns something, or raises it."""

    def refresh(_session: Session, **_arguments: Any) -> Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return FunctionProvider(refresh)


class TestAttempt:
    """The call."""

    def test_new_tokens_are_a_refreshed_session(self) -> None:
        """As the provider gave them: whoever asked merges them into a session of his own."""
        assert Outcome(Kind.REFRESHED, session=Session(NEW)) == attempt(answering(Session(NEW)), OLD, {})

    def test_the_arguments_reach_the_provider(self) -> None:
        """By name."""
        provider = FakeProvider(lambda: 50)
        session = Session(**provider.sign_in())
        refreshed = attempt(provider, session, {"organization_id": "org_1"}).session
        assert refreshed is not None
        assert [{"organization_id": "org_1"}] == provider.calls
        assert "org_1" == refreshed.claims["organization_id"]

    @pytest.mark.parametrize(
        ("error", "outcome"),
        [
            (RefreshDenied(), Outcome(Kind.DENIED, reason=Reason.DENIED)),
            (StepUpRequired({"code": "mfa"}), Outcome(Kind.STEP_UP, reason=Reason.STEP_UP, payload={"code": "mfa"})),
            (StepUpRequired(), Outcome(Kind.STEP_UP, reason=Reason.STEP_UP)),
            (ProviderUnavailable(), Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE, may_be_used=True)),
            (ProviderUnavailable(sent=False), Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE)),
            (
                ProviderUnavailable(retry_after=2.5, sent=False),
                Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE, retry_after=2.5),
            ),
            (
                ProviderUnavailable(retry_after=3, sent=False),
                Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE, retry_after=3),
            ),
            (
                ProviderUnavailable(retry_after="120", sent=False),  # type: ignore[arg-type]  # as the header came
                Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE),
            ),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_every_error_has_its_outcome(
        self, error: Exception, outcome: Outcome, caplog: pytest.LogCaptureFixture
    ) -> None:
        """With what it carries; none of them is worth a line in the log."""
        assert (outcome, []) == (attempt(answering(error), OLD, {}), caplog.records)

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (ValueError("the secret old_refresh"), "raised ValueError"),
            (None, "returned NoneType"),
            ({"access_token": NEW}, "returned dict"),
            (NEW, "returned str"),
        ],
    )
    def test_anything_else_is_no_usable_answer(self, answer: Any, said: str, caplog: pytest.LogCaptureFixture) -> None:
        """The session outlives it. The log names types and no values."""
        outcome = attempt(answering(answer), OLD, {})
        assert Outcome(Kind.UNAVAILABLE, reason=Reason.UNAVAILABLE, may_be_used=True) == outcome
        assert [("sealed_session", logging.ERROR)] == [(r.name, r.levelno) for r in caplog.records]
        assert said in caplog.text
        assert not any(secret in caplog.text for secret in (NEW, "old_refresh"))

    @pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
    def test_what_ends_the_program_ends_it(self, ending: type[BaseException]) -> None:
        """An interrupt is nothing that a provider says."""
        with pytest.raises(ending):
            attempt(answering(ending()), OLD, {})

    def test_the_session_of_somebody_else_is_denied(self, caplog: pytest.LogCaptureFixture) -> None:
        """Whatever made the provider answer with it. Who they are is not logged."""
        answer = Session(access_token(expires_at=900, sub="user_2"))
        assert Outcome(Kind.DENIED, reason=Reason.DENIED) == attempt(answering(answer), OLD, {})
        assert "somebody else" in caplog.text
        assert "user_" not in caplog.text

    @pytest.mark.parametrize(("before", "after"), [("opaque", NEW), (NEW, "opaque"), ("opaque", "next")])
    def test_a_token_without_a_subject_is_anybodys(self, before: str, after: str) -> None:
        """An opaque token cannot be compared."""
        assert Kind.REFRESHED is attempt(answering(Session(after)), Session(before, "r"), {}).kind


class TestMerge:
    """Answer and session at hand."""

    def test_what_the_answer_leaves_out_is_kept(self) -> None:
        """It brought an access token and nothing else."""
        assert OLD.replace(access_token=NEW) == merge(OLD, Session(NEW))

    def test_what_the_answer_brings_replaces_what_was(self) -> None:
        """Every value of it."""
        answer = Session(
            NEW,
            "new_refresh",
            {"id": "user_1", "name": "Ada"},
            {"email": "other@example.com"},
            {},
            session_id="bmV3",
            session_expires_at=9_000,
            tokens={"id_token": "new"},
        )
        assert answer == merge(OLD, answer)

    def test_the_end_of_the_old_token_is_not_kept(self) -> None:
        """It says nothing of a new opaque token; nor does the mark of one that was not verified."""
        old = Session("opaque", "r", access_expires_at=100, unverified=True)
        assert Session("next", "r") == merge(old, Session("next"))


class TestOutcome:
    """The value."""

    @pytest.mark.parametrize("kind", Kind)
    def test_only_an_absent_provider_is_worth_a_second_call(self, kind: Kind) -> None:
        """All else would end the same."""
        assert (kind is Kind.UNAVAILABLE) is Outcome(kind).retryable

    def test_it_shows_no_values(self) -> None:
        """Neither tokens nor what a provider said."""
        shown = repr(Outcome(Kind.STEP_UP, OLD, Reason.STEP_UP, payload={"ticket": "secret_ticket"}))
        assert not any(secret in shown for secret in (OLD.access_token, "old_refresh", "secret_ticket"))

    def test_kinds_and_reasons_are_their_own_texts(self) -> None:
        """So that they go into JSON and are compared as such."""
        assert ("denied", "not_fresh") == (Kind.DENIED, Reason.NOT_FRESH)


class TestAsProvider:
    """What is taken for a provider."""

    def test_a_provider_is_itself(self) -> None:
        """Anything with an identity and the two methods."""
        provider = FakeProvider()
        assert provider is as_provider(provider)

    def test_a_function_is_wrapped(self) -> None:
        """It uses up the refresh token where there is one, and is given what the caller wants."""
        seen: list[Any] = []

        def refresh(session: Session, **arguments: Any) -> Session:
            seen.append((session, arguments))
            return Session(NEW)

        provider = as_provider(refresh)
        assert ["old_refresh", None] == [provider.credential(session) for session in (OLD, Session("opaque"))]
        assert "function" == provider.identity
        assert Session(NEW) == provider.refresh(OLD, organization_id="org_1")
        assert [(OLD, {"organization_id": "org_1"})] == seen

    @pytest.mark.parametrize("given", [FakeProvider, Session, "workos", 7])
    def test_a_class_or_a_value_is_neither(self, given: Any) -> None:
        """A class that was not called looks like a provider and like a function."""
        with pytest.raises(UsageTypeError, match=f"provider: .*got {type(given).__name__}"):
            as_provider(given)


class TestReasonOf:
    """Why a cookie did not open."""

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("unknown_key", Reason.UNKNOWN_KEY),
            ("unsupported_version", Reason.UNSUPPORTED),
            ("unsupported_packing", Reason.UNSUPPORTED),
            ("too_old", Reason.TOO_OLD),
            ("malformed", Reason.UNREADABLE),
            ("tampered", Reason.UNREADABLE),
            ("from_future", Reason.UNREADABLE),
            ("payload", Reason.UNREADABLE),
            ("a_code_of_a_later_release", Reason.UNREADABLE),
        ],
    )
    def test_every_code_has_one(self, code: str, reason: Reason) -> None:
        """Those that say nothing to an application are one and the same."""
        assert reason is reason_of(code)

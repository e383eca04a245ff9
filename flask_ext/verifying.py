"""A token is verified where it enters: by sign_in and by a refresh. Within the sealed cookie it is so no more.

    sign_in ──admit──▶ VALID, EXPIRED: taken │ INVALID: TokenRefused │ UNAVAILABLE: VerificationUnavailable, a 503
    refresh ─receive─▶ VALID, EXPIRED: taken │ INVALID: kept with a mark, nobody signed in │ UNAVAILABLE: with a mark

What a refresh brought is sealed whatever the verifier says: the token before it is used up. The mark (``unverified``)
has it verified when it next comes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sealed_session import ProviderUnavailable, SealedSessionError, Session, UsageError
from sealed_session.counters import Counters
from sealed_session.providers.complaint import Complaint
from sealed_session.verifier import FINDINGS, Verdict
from sealed_session.whereabouts import whereabouts

from .verifiers import RETRY_AFTER, Verifier

_OFF = "SEALED_SESSION_VERIFY_ACCESS_TOKEN = False"
_COMPARE = "Compare the verifier's issuer, audience and keys with the provider's."
_OF_PEOPLE = (Verdict.VALID, Verdict.EXPIRED)
_FIXES = {
    "opaque_token": f"Where the provider's access tokens are opaque, nobody can verify them: set {_OFF}.",
    "wrong_subject": "Sign in with the user whom the token is about.",
    "not_yet_valid": "Compare the clocks.",
}


class TokenRefused(UsageError):
    """An access token that does not verify was to sign somebody in. Nothing was opened.

    Attributes:
        finding: Why: a code of ``sealed_session.verifier.FINDINGS``, ``wrong_issuer`` for example.
    """

    def __init__(self, finding: str) -> None:
        self.finding = finding
        problem = f"the access token is refused: {_text(finding)} ({finding})"
        super().__init__(problem, fix=_FIXES.get(finding, _COMPARE), code="token_refused")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.finding,)


class VerificationUnavailable(SealedSessionError):
    """An access token cannot be verified now, so nobody is signed in by it. Uncaught in a view it is answered 503.

    Attributes:
        retry_after: Seconds after which to try again.
    """

    def __init__(self, retry_after: float = RETRY_AFTER) -> None:
        self.retry_after = retry_after
        message = "the access token cannot be verified now: the keys it may be signed with are out of reach."
        super().__init__(message, code="verification_unavailable")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.retry_after,)


class Received(NamedTuple):
    """A session whose token has just come.

    Attributes:
        session: With the mark that its token deserves.
        verdict: What that is worth.
    """

    session: Session
    verdict: Verdict


class Verifying:
    """One application's verifier, as requests use it; without one every token is taken.

    Safe to share between threads.

    Attributes:
        is_on: Whether there is one.
    """

    def __init__(
        self, verifier: Verifier | None, counters: Counters | None = None, *, subject_field: str | None = None
    ) -> None:
        """Hold the collaborators.

        Args:
            verifier: None: nothing is verified, and no mark is looked at.
            counters: Where verdicts are counted.
            subject_field: Which field of the user must be the token's ``sub``, where both are there; None: none.
        """
        self.is_on = verifier is not None
        self._verifier = verifier
        self._counters = Counters() if counters is None else counters
        self._subject_field = subject_field
        self._of_tokens, self._of_verifier = Complaint(), Complaint()

    def admit(self, session: Session) -> Session:
        """Return a session that may sign somebody in; one whose token has ended may, too.

        Raises:
            TokenRefused: The token does not verify.
            VerificationUnavailable: Nobody knows.
        """
        received, code = self._judge(session)
        if received.verdict is Verdict.INVALID:
            raise TokenRefused(code)
        if received.verdict is Verdict.UNAVAILABLE:
            raise VerificationUnavailable
        return received.session

    def receive(self, session: Session) -> Received:
        """Return a session that a refresh brought, or that is marked, with what its token is worth."""
        received, code = self._judge(session)
        if received.verdict is Verdict.INVALID:
            self._of_tokens.say(
                f"an access token of the provider's is refused: {_text(code)} ({code}) Its session is kept in the "
                f"cookie, and signs nobody in. {_FIXES.get(code, _COMPARE)}"
            )
        return received

    @property
    def is_for_anybody(self) -> bool | None:
        """Whether a token is taken whoever it is for; None where the verifier, somebody else's, does not say."""
        audience = getattr(self._verifier, "audience", ...)
        return None if audience is ... else audience is None

    def weigh(self, access_token: str) -> tuple[Verdict, str]:
        """Return what a token is worth that came from outside, and why; nobody is told of a bad one.

        One that is about nobody (``sub``) signs nobody in.

        Args:
            access_token: From a header or from a cookie that anybody could have written.
        """
        if self._verifier is None:  # the configuration is refused without one
            return Verdict.UNAVAILABLE, "keys_unavailable"
        verdict, code = self._ask(self._verifier, access_token, None)
        is_about = Session(access_token).subject is not None if verdict in _OF_PEOPLE else True
        return (verdict, code) if is_about else (Verdict.INVALID, "missing_claim")

    def check_subject(self, session: Session) -> None:
        """Refuse a session whose user is not the one whom its token is about.

        Raises:
            TokenRefused: They differ (``wrong_subject``).
        """
        subject = self._subject(session)
        if self._verifier is not None and subject is not None and subject != session.claims["sub"]:
            raise TokenRefused("wrong_subject")

    def _judge(self, session: Session) -> tuple[Received, str]:
        if self._verifier is None:
            return Received(session, Verdict.VALID), "valid"
        verdict, code = self._ask(self._verifier, session.access_token, self._subject(session))
        is_open = verdict in (Verdict.INVALID, Verdict.UNAVAILABLE)
        marked = session if session.unverified is is_open else session.replace(unverified=is_open)
        return Received(marked, verdict), code

    def _ask(self, verifier: Verifier, access_token: str, subject: str | None) -> tuple[Verdict, str]:
        try:
            found = verifier.verify(access_token, subject=subject)
            verdict, code = Verdict(found.verdict), str(found.code)
        except ProviderUnavailable:
            verdict, code = Verdict.UNAVAILABLE, "keys_unavailable"
        except Exception as error:  # somebody else's code must not cost a session
            self._of_verifier.say(f"the verifier raised {whereabouts(error)}; what it was asked about is unverified.")
            verdict, code = Verdict.UNAVAILABLE, "keys_unavailable"
        self._counters.add("verifications", verdict.value)
        return verdict, code if code in FINDINGS else verdict.value

    def _subject(self, session: Session) -> str | None:
        """Return whom the token must be about; None where user or token do not say."""
        if self._subject_field is None or type(session.claims.get("sub")) is not str:
            return None
        subject = (session.user or {}).get(self._subject_field)
        return subject if type(subject) is str else None


def _text(code: str) -> str:
    return FINDINGS[code][1] if code in FINDINGS else "the verifier says so."

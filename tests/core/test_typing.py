"""The types that users see. Checked twice: by mypy when it reads this file, and here when it runs."""

from __future__ import annotations

from typing import Any, assert_type

from sealed_session import KeyRing, Sealer, Session, SizePart, SizeReport, Unsealed, generate_password, seal, unseal


def test_a_typed_program_needs_no_casts() -> None:
    """Every public call has the type that its documentation says."""
    password = assert_type(generate_password(), str)
    session = Session("eyJ...", "refresh", {"id": "user_1"}, extra={"seen": [1]})
    assert_type(session.access_token, str)
    assert_type(session.refresh_token, str | None)
    assert_type(session.user, dict[str, Any] | None)
    assert_type(session.claims, dict[str, Any])
    assert_type(session.session_id, str | None)
    assert_type(session.access_expires_at, int | None)
    assert_type(session.tokens, dict[str, str] | None)
    assert_type(session.unverified, bool)
    assert_type(session.replace(user=None), Session)

    sealed = assert_type(seal(session, password), str)
    assert_type(unseal(sealed, password, fallbacks=[]), Session)

    sealer = Sealer(KeyRing(password, fallbacks=[]), absolute_lifetime=3600, trimmer=lambda user: {"id": user["id"]})
    opened = assert_type(sealer.unseal(sealed, name=None), Unsealed)
    assert_type(opened.session, Session)
    assert_type(opened.needs_reseal, bool)
    assert_type(opened.started_at, int)
    assert_type(sealer.reseal(opened, {"access_token": "t"}), str)

    report = assert_type(sealer.measure(session, attributes="Path=/"), SizeReport)
    assert_type(report.left, int)
    assert_type(report.parts, tuple[SizePart, ...])
    assert "t" == sealer.unseal(sealer.reseal(opened, {"access_token": "t"})).session.access_token

"""The test vectors: frozen values that every release seals and opens alike, and failures with their codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sealed_session import KeyRing, Sealer, Session, UnsealError, packing
from sealed_session.formats import native
from tests.core.test_exact_json import exact
from tests.vectors import build_native_v1

VECTORS = json.loads((Path(build_native_v1.__file__).parent / "native_v1.json").read_text(encoding="ascii"))


def sealer(case: dict[str, Any]) -> Sealer:
    """The sealer that a case describes."""
    return Sealer(
        KeyRing(case["password"], case.get("fallbacks", [])),
        name=case["name"],
        purpose=case.get("purpose", "session"),
        context=bytes.fromhex(case.get("context", "")),
        absolute_lifetime=case.get("absolute_lifetime"),
        clock=lambda: case["now"],
    )


def by_id(cases: list[dict[str, Any]]) -> pytest.MarkDecorator:
    """One test for every case, named after it."""
    return pytest.mark.parametrize("case", cases, ids=[case["id"] for case in cases])


@by_id(VECTORS["seal"])
def test_sealing_gives_exactly_this_value(case: dict[str, Any]) -> None:
    """With the salt of the case and without compression."""
    stored, payload = packing.Layout(Session(**case["session"]).to_mapping()).payload(compress=False)
    body = (stored, case["started_at"], case["now"], payload)
    associated = native.associated_data(case["purpose"].encode(), case["name"].encode(), bytes.fromhex(case["context"]))
    assert case["sealed"] == native.seal(
        body, KeyRing(case["password"]).current, associated, bytes.fromhex(case["salt"])
    )


@by_id(VECTORS["seal"] + VECTORS["open"])
def test_it_opens_to_exactly_this_session(case: dict[str, Any]) -> None:
    """Same strings, same JSON, same order; and sealed anew it still does."""
    opened = sealer(case).unseal(case["sealed"])
    expected = Session(**case["session"])
    assert expected == opened.session
    for one, other in ((expected.user, opened.session.user), (expected.extra, opened.session.extra)):
        assert exact(one) == exact(other)
    assert (case["started_at"], case.get("sealed_at", case["now"])) == (opened.started_at, opened.sealed_at)
    assert case.get("password_index", 0) == opened.password_index
    assert expected == sealer(case).unseal(sealer(case).reseal(opened)).session


@by_id(VECTORS["seal"] + VECTORS["open"])
def test_parse_then_serialise_gives_the_same_value(case: dict[str, Any]) -> None:
    """The envelope has one text."""
    assert case["sealed"] == native.serialise(*native.parse(case["sealed"]))


@by_id(VECTORS["fail"])
def test_it_fails_with_exactly_this_code(case: dict[str, Any]) -> None:
    """One thing is wrong with each."""
    with pytest.raises(UnsealError) as caught:
        sealer(case).unseal(case["sealed"])
    assert case["error"] == caught.value.code


def test_the_committed_vectors_are_those_of_the_script() -> None:
    """No case changes by accident. Compressed values differ between zlib builds and are compared by what opens."""
    built = json.loads(json.dumps(build_native_v1.build()))
    assert VECTORS["seal"] == built["seal"]
    compressed = {"sealed", "session"}
    for kind in ("open", "fail"):
        assert [case["id"] for case in VECTORS[kind]] == [case["id"] for case in built[kind]]
        for frozen, new in zip(VECTORS[kind], built[kind], strict=True):
            assert {k: v for k, v in frozen.items() if k not in compressed} == {
                k: v for k, v in new.items() if k not in compressed
            }


def test_the_cases_cover_every_truncation_and_every_byte() -> None:
    """Of one value: no length and no byte is left out."""
    whole = VECTORS["seal"][0]["sealed"]
    identifiers = {case["id"] for case in VECTORS["fail"]}
    assert {f"truncated-{length}" for length in range(len(whole))} <= identifiers
    assert {f"flipped-{position}" for position in range(len(whole) * 3 // 4)} <= identifiers

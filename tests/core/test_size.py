"""The size report: its parts add up exactly to what is measured, for any session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from sealed_session import KeyRing, Sealer, SealTooLarge, Session, SizeReport, UsageError, generate_password
from sealed_session.packing import Layout, deflate
from tests.conftest import SAMPLES
from tests.core.test_sealer import sessions

PASSWORD = generate_password()
ATTRIBUTES = "Max-Age=34560000; Path=/; HttpOnly; Secure; SameSite=Lax"

MakeSealer = Callable[..., Sealer]


def wide(**options: Any) -> Sealer:
    """A sealer without a limit of its own."""
    return Sealer(KeyRing(PASSWORD), max_bytes=100_000, warn_bytes=100_000, **options)


def check(report: SizeReport, line: str) -> None:
    """Everything adds up to the line and nothing counts below zero."""
    assert len(line) == report.total
    assert all(part.characters >= 0 for part in (*report.parts, *report.user_fields))
    if report.user_fields:
        assert report.characters("user") == sum(field.characters for field in report.user_fields)


@settings(max_examples=200)
@given(sessions)
def test_the_parts_add_up_for_any_session(values: dict[str, Any]) -> None:
    """To the character, compressed or not."""
    for compress in (True, False):
        sealer = wide(compress=compress)
        try:
            sealed = sealer.seal(values)
        except SealTooLarge as error:
            assert not error.report.fits
        else:
            report = sealer.measure(values)
            check(report, f"sealed-session={sealed}")
            assert report.value == len(sealed)
            assert report.fits
            assert {part.label for part in report.parts} <= {"name", "overhead", *values}


def test_the_parts_add_up_for_a_whole_set_cookie_line(sample: Session) -> None:
    """With the attributes after the value."""
    sealer = wide(name="__Host-session")
    report = sealer.measure(sample, attributes=ATTRIBUTES)
    check(report, f"__Host-session={sealer.seal(sample)}; {ATTRIBUTES}")
    assert len("; " + ATTRIBUTES) == report.attributes
    assert report.cookie == report.total - report.attributes
    assert len("__Host-session=") == report.characters("name")


def test_what_is_secret_costs_what_it_is_long(typical: Session) -> None:
    """Every part is charged with what belongs to it."""
    base, more = wide().measure(typical), wide().measure(typical.replace(extra={"note": "x" * 300}))
    assert 0 == base.characters("extra")
    assert 300 * 4 // 3 <= more.characters("extra") <= 320 * 4 // 3
    assert {"name", "overhead", "access_token", "refresh_token", "user"} == {part.label for part in base.parts}
    assert 256 * 4 // 3 < base.characters("access_token") < base.value
    assert 20 * 4 // 3 < base.characters("refresh_token") < 32 * 4 // 3


def test_every_value_is_charged_with_the_growth_of_the_deflated_text() -> None:
    """Measured here another way: by deflating every prefix anew, also of more text than a deflater holds back."""
    permissions = [f"resource{number}:action{number * 7919 % 1000}" for number in range(900)]
    values = {
        "access_token": SAMPLES["typical"]["access_token"],
        "user": {"p": permissions},
        "impersonator": {"e": "x"},
    }
    layout = Layout(Session(**values).to_mapping())
    assert 20_000 < len(layout.joined)
    before_user = len(deflate(b"\xff".join(part for owner, part in layout.text if owner == "access_token")))
    before_impersonator = len(deflate(b"\xff".join(part for owner, part in layout.text if owner != "impersonator")))
    report = wide().measure(values)
    assert abs(report.characters("user") - (before_impersonator - before_user) * 4 / 3) < 2
    assert abs(report.characters("impersonator") - (len(deflate(layout.joined)) - before_impersonator) * 4 / 3) < 2


def test_the_largest_fields_of_the_user_come_first() -> None:
    """So that one sees what to leave out."""
    report = wide().measure(
        {"access_token": "t", "user": {"id": "1", "bio": "Lorem ipsum dolor sit amet, 1764", "ok": True}}
    )
    assert "bio" == report.user_fields[0].label
    assert {"id", "bio", "ok"} == {field.label for field in report.user_fields}
    sizes = [field.characters for field in report.user_fields]
    assert sorted(sizes, reverse=True) == sizes


def test_an_empty_user_has_no_fields() -> None:
    """Its braces are charged to it."""
    report = wide().measure({"access_token": "t", "user": {}})
    assert () == report.user_fields
    assert report.characters("user") > 0


def test_it_tells_what_is_left(typical: Session, make_sealer: MakeSealer) -> None:
    """Below the limit, or how much too large it is."""
    report = make_sealer().measure(typical)
    assert (4093 - report.cookie, True) == (report.left, report.fits)
    tight = make_sealer(max_bytes=500).measure(typical)
    assert (500 - tight.cookie, False) == (tight.left, tight.fits)
    assert tight.left < 0


@pytest.mark.parametrize(
    "session",
    [{"access_token": "é" * 4000}, {"access_token": "t", "user": {"a": "x" * 70_000, "b": [1]}}],
    ids=["more than a reader takes", "more than a reader inflates"],
)
def test_what_no_reader_takes_does_not_fit(session: dict[str, Any]) -> None:
    """Even under a limit that would allow it; it is measured all the same."""
    report = wide().measure(session)
    assert not report.fits
    assert report.total == sum(part.characters for part in report.parts)
    assert all(part.characters > 0 for part in (*report.parts, *report.user_fields))


def test_a_user_of_thousands_of_fields_is_measured_in_bounded_time() -> None:
    """Every field still gets its share."""
    user = {f"field-{number}": number for number in range(3000)}
    report = wide().measure({"access_token": "t", "user": user})
    assert 3000 == len(report.user_fields)
    assert report.characters("user") == sum(field.characters for field in report.user_fields)


def test_as_a_mapping_it_is_plain_json(typical: Session, make_sealer: MakeSealer) -> None:
    """With the parts by name."""
    report = make_sealer(name="n").measure(typical, attributes="Path=/")
    mapping = report.to_mapping()
    assert mapping["parts"] == {part.label: part.characters for part in report.parts}
    assert ("n", 4093, report.cookie, report.value, 8, report.total, report.left, True) == tuple(
        mapping[key] for key in ("name", "limit", "cookie", "value", "attributes", "total", "left", "fits")
    )


def test_as_text_it_is_a_table(typical: Session, make_sealer: MakeSealer) -> None:
    """Plain, for logs and error messages, with no value of the session."""
    table = str(make_sealer().measure(typical))
    assert "access_token" in table
    assert "  .profile_picture_url" in table
    assert f"{make_sealer().measure(typical).left} left" in table
    assert 5 == sum(line.startswith("  .") for line in table.splitlines())
    assert "too many" in str(make_sealer(max_bytes=10).measure(typical))
    assert all(
        value not in table for value in (typical.user or {}).values() if isinstance(value, str) and len(value) > 6
    )


def test_a_user_field_with_a_hostile_name_stays_on_its_line() -> None:
    """The table goes into logs."""
    report = wide().measure({"access_token": "t", "user": {"a\nb\x1b[31m": 1, "k" * 500: 1}})
    assert "\x1b" not in str(report)
    assert max(map(len, str(report).splitlines())) < 80
    assert 5 + len(report.user_fields) == len(str(report).splitlines())


def test_an_attribute_longer_than_browsers_read_is_refused(typical: Session, make_sealer: MakeSealer) -> None:
    """1,024 characters; named, so that one finds it."""
    make_sealer().measure(typical, attributes="Path=/" + "p" * 1023)
    with pytest.raises(UsageError, match="Path has a value of 1025 characters") as caught:
        make_sealer().measure(typical, attributes="Secure; Path=/" + "p" * 1024)
    assert "attribute_too_long" == caught.value.code


def test_the_samples_stay_small() -> None:
    """A few of the project's figures; another zlib build may need another block or two."""
    sizes = {name: wide().measure(session).value for name, session in SAMPLES.items()}
    limits = {"minimal": 844, "typical": 951, "rich": 1292, "heavy-impersonated": 1655, "two-jwts": 1591}
    assert {name for name, size in sizes.items() if size > limits[name]} == set()

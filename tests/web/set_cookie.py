"""What a browser reads in a Set-Cookie line: RFC 6265bis, sections 5.1.1 (dates) and 5.6 (name, value, attributes).

Lines and what comes of them are WSGI strings: one character for one byte, as they are on the wire.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

SameSite = Literal["Strict", "Lax", "None"]

PAIR_BYTES = 4096
ATTRIBUTE_BYTES = 1024
LONGEST_LIFE = 400 * 86400

CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
WHOLE_SECONDS = re.compile(r"-?[0-9]+")
BETWEEN_DATE_TOKENS = re.compile(r"[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
# Each in the order in which a token is tried. What follows the digits may be anything that is no digit.
DATE_PARTS = {
    "time": re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[^0-9].*)?", re.DOTALL),
    "day": re.compile(r"([0-9]{1,2})(?:[^0-9].*)?", re.DOTALL),
    "month": re.compile(r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec).*", re.DOTALL | re.IGNORECASE | re.ASCII),
    "year": re.compile(r"([0-9]{2,4})(?:[^0-9].*)?", re.DOTALL),
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
SAME_SITE: dict[str, SameSite] = {"strict": "Strict", "lax": "Lax", "none": "None"}


class Dropped(Exception):
    """The browser ignores the line, for the reason that this holds."""


@dataclass(frozen=True)
class SetCookie:
    """A line, read but not yet judged: where it came from plays no part here."""

    name: str
    value: str
    domain: str
    """Lower case, without a leading dot; empty where the line names none."""
    path: str | None
    """As written; None where the line has no Path."""
    expires_at: float | None
    secure: bool
    http_only: bool
    same_site: SameSite
    partitioned: bool


def wire(line: str) -> str:
    """The line as a WSGI string: text that cannot be one already travels as UTF-8."""
    return line if all(ord(character) < 256 for character in line) else as_utf8(line)


def as_utf8(text: str) -> str:
    """Text from JavaScript, as the WSGI string of its UTF-8 bytes."""
    return text.encode("utf-8", "replace").decode("latin-1")


def name_and_value(line: str) -> tuple[str, str]:
    """What stands before the first semicolon; without an equals sign it is all value."""
    name, equals, value = line.partition(";")[0].partition("=")
    return (name.strip(" \t"), value.strip(" \t")) if equals else ("", name.strip(" \t"))


def parse(line: str, now: float) -> SetCookie:
    """Read a line, or raise what is wrong with all of it."""
    if CONTROL.search(line):
        raise Dropped("control_character")
    name, value = name_and_value(line)
    if len(name) + len(value) > PAIR_BYTES:
        raise Dropped("too_large")
    if not name and not value:
        raise Dropped("empty")
    found = attributes(line.partition(";")[2])
    last = dict(found)
    return SetCookie(
        name=name,
        value=value,
        domain=last.get("domain", "").removeprefix(".").lower(),
        path=last.get("path"),
        expires_at=expiry(found, now),
        secure="secure" in last,
        http_only="httponly" in last,
        same_site=SAME_SITE.get(last.get("samesite", "").lower(), "Lax"),
        partitioned="partitioned" in last,
    )


def attributes(text: str) -> list[tuple[str, str]]:
    """Every attribute in its order, the name in lower case, without those whose value is too long."""
    found = []
    for attribute in text.split(";"):
        name, _, value = attribute.partition("=")
        if len(value.strip(" \t")) <= ATTRIBUTE_BYTES:
            found.append((name.strip(" \t").lower(), value.strip(" \t")))
    return found


def expiry(found: list[tuple[str, str]], now: float) -> float | None:
    """When the cookie ends: by the last readable Max-Age, else by the last readable Expires, else with the session."""
    ages = [value for name, value in found if name == "max-age" and WHOLE_SECONDS.fullmatch(value)]
    if ages:
        seconds = min(int(ages[-1]), LONGEST_LIFE)
        return now + seconds if seconds > 0 else float("-inf")
    dates = [date for name, value in found if name == "expires" and (date := cookie_date(value)) is not None]
    return min(dates[-1], now + LONGEST_LIFE) if dates else None


def cookie_date(text: str) -> float | None:
    """A date by section 5.1.1: the parts in nearly any order, with nearly anything between them."""
    parts = date_parts(text)
    if len(parts) < len(DATE_PARTS):
        return None
    year = int(parts["year"][0])
    year += 1900 if 70 <= year <= 99 else 2000 if year <= 69 else 0
    month = MONTHS.index(parts["month"][0].lower()) + 1
    try:
        hour, minute, second = map(int, parts["time"])
        date = datetime(year, month, int(parts["day"][0]), hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return date.timestamp() if year >= 1601 else None


def date_parts(text: str) -> dict[str, tuple[str, ...]]:
    """The first token that fits each part; a token serves as one part only."""
    parts: dict[str, tuple[str, ...]] = {}
    for token in BETWEEN_DATE_TOKENS.split(text):
        for part, pattern in DATE_PARTS.items():
            if part not in parts and (match := pattern.fullmatch(token)):
                parts[part] = match.groups()
                break
    return parts

"""The size report: where every byte of a cookie goes. Its parts add up exactly to what is measured.

Browsers drop a cookie over their limit without a word, so the report counts as they do: the characters of name and
value with the ``=`` between them. docs/FORMAT.md, "Size", has the figures browsers and proxies were measured at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise, takewhile
from typing import Any, NamedTuple

from msgpack import packb

from . import exact_json, packing
from .errors import SealError, UsageError
from .formats import native
from .packing import Layout, SessionValues
from .tokens import SEPARATOR

MAX_ATTRIBUTE = 1024
"""Characters of one attribute's value; browsers ignore a longer attribute (RFC 6265bis, section 5.6)."""

_SHOWN_FIELDS = 5


class SizePart(NamedTuple):
    """Characters of the Set-Cookie line that belong to one thing."""

    label: str
    characters: int


@dataclass(frozen=True)
class SizeReport:
    """The measure of one Set-Cookie line.

    Attributes:
        name: The cookie's name.
        parts: Everything in the line: ``name``, ``overhead``, each value of the session that is there, and
            ``attributes`` where some were measured. They add up to ``total``.
        user_fields: The top-level fields of the user, the largest first. They add up to the part ``user``; an empty
            user has none, and its braces are the part.
        limit: The most that ``cookie`` may be.
        text_bytes: The text before compression, of which at most 65,536 bytes can be opened again.
    """

    name: str
    parts: tuple[SizePart, ...]
    user_fields: tuple[SizePart, ...]
    limit: int
    text_bytes: int

    @property
    def total(self) -> int:
        """Characters of the whole line: name, ``=``, value and attributes."""
        return sum(part.characters for part in self.parts)

    @property
    def attributes(self) -> int:
        """Characters of the attributes, with the ``; `` before them."""
        return self.characters("attributes")

    @property
    def cookie(self) -> int:
        """Characters of name, ``=`` and value: what the limit is about."""
        return self.total - self.attributes

    @property
    def value(self) -> int:
        """Characters of the sealed value."""
        return self.cookie - len(self.name) - 1

    @property
    def left(self) -> int:
        """Characters left below the limit; negative when over it."""
        return self.limit - self.cookie

    @property
    def fits(self) -> bool:
        """Whether the value can be sealed."""
        return self.left >= 0 and self.value <= native.MAX_CHARACTERS and self.text_bytes <= packing.MAX_TEXT

    def characters(self, label: str) -> int:
        """Return the characters of a part; 0 where there is none."""
        return next((part.characters for part in self.parts if part.label == label), 0)

    def to_mapping(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        return {
            "name": self.name,
            "limit": self.limit,
            "cookie": self.cookie,
            "value": self.value,
            "attributes": self.attributes,
            "total": self.total,
            "left": self.left,
            "fits": self.fits,
            "parts": {part.label: part.characters for part in self.parts},
            "user_fields": {part.label: part.characters for part in self.user_fields},
        }

    def __str__(self) -> str:
        """Draw the report as a table of plain text."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        fields = [(f"  .{exact_json.printable(label)}", size) for label, size in self.user_fields[:_SHOWN_FIELDS]]
        rows = [
            row
            for part in self.parts
            for row in ((part.label, part.characters), *(fields if part.label == "user" else ()))
        ]
        verdict = f"{self.left} left" if self.left >= 0 else f"{-self.left} too many"
        width = max(len(label) for label, _ in [*rows, ("= cookie", 0)])
        for label, characters in rows:
            yield f"{label:<{width}}{characters:>7}"
        yield f"{'= cookie':<{width}}{self.cookie:>7} of {self.limit}, {verdict}"


class SealTooLarge(SealError):
    """The session does not fit into one cookie, or into what a reader accepts.

    Attributes:
        report: Where the bytes go.
    """

    code = "too_large"

    def __init__(self, message: str, report: SizeReport) -> None:
        super().__init__(message)
        self.report = report

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (*self.args, self.report)


def measure(values: SessionValues, name: str, *, compress: bool, limit: int, attributes: str = "") -> SizeReport:
    """Measure what sealing these values makes, without sealing.

    Args:
        values: The values of a session.
        name: The cookie's name.
        compress: As the sealer does.
        limit: The most that name, ``=`` and value may be, in characters.
        attributes: What follows the value in a Set-Cookie line, without the first ``; ``.

    Raises:
        PayloadTypeError: The session holds what JSON does not.
        UsageError: An attribute is longer than browsers read (``attribute_too_long``).
    """
    _check_attributes(attributes)
    layout = Layout(values)
    # Too much text is refused however small it would become, so it is measured plain, which is quick for any amount.
    stored_as, payload = layout.payload(compress=compress and len(layout.joined) <= packing.MAX_TEXT)

    chunks = _chunks(layout, values)
    grown = _growth([chunk for _, _, chunk in chunks], deflated=stored_as == packing.DEFLATED)
    owned = Counter({"overhead": 0})
    fields = Counter[str]()
    for (owner, field, _), size in zip(chunks, grown, strict=True):
        owned[owner] += size
        if field is not None:
            fields[field] += size
    for owner, element in layout.elements:
        if element is not None:
            owned[owner] += len(packb(element))
    owned["overhead"] = native.sealed_bytes(len(payload)) - owned.total()

    order = [label for label in ("overhead", *SessionValues.__annotations__) if label in owned]
    in_value = _as_characters((label, owned[label]) for label in order)
    before_user = sum(owned[label] for label in takewhile("user".__ne__, order))
    in_user = _as_characters(fields.items(), start=before_user)
    return SizeReport(
        name=name,
        parts=(
            SizePart("name", len(name) + 1),
            *in_value,
            *([SizePart("attributes", len("; ") + len(attributes))] if attributes else []),
        ),
        user_fields=tuple(sorted(in_user, key=lambda part: -part.characters)),
        limit=limit,
        text_bytes=len(layout.joined),
    )


def _chunks(layout: Layout, values: SessionValues) -> list[tuple[str, str | None, bytes]]:
    """Cut the text into what belongs to one owner: (owner, field of the user, bytes). Joined they are the text."""
    chunks: list[tuple[str, str | None, bytes]] = []
    for owner, part in layout.text:
        separator = SEPARATOR if chunks else b""
        fields = values.get("user") if owner == "user" else None
        if not fields:
            chunks.append((owner, None, separator + part))
            continue
        opening = separator + b"{"
        for field, value in fields.items():
            chunks.append((owner, field, opening + exact_json.dumps({field: value}, "user")[1:-1]))
            opening = b","
        chunks[-1] = (owner, chunks[-1][1], chunks[-1][2] + b"}")
    return chunks


def _growth(chunks: list[bytes], *, deflated: bool) -> list[int]:
    """Charge every chunk with what the stored text grows by when the chunk is added; the last takes the rest."""
    if not deflated:
        return [len(chunk) for chunk in chunks]
    total = len(packing.deflate(b"".join(chunks)))
    compressor = packing.new_compressor()
    written, ends = 0, [0]
    for chunk in chunks[:-1]:
        written += len(compressor.compress(chunk))
        end = written + len(compressor.copy().flush())
        ends.append(min(max(end, ends[-1]), total))  # a longer prefix may deflate to less; nobody is charged below 0
    return [end - start for start, end in pairwise([*ends, total])]


def _as_characters(sizes: Iterable[tuple[str, int]], start: int = 0) -> list[SizePart]:
    """Turn consecutive bytes into base64 characters. Rounded on the running sum, so that nothing gets lost."""
    labels, amounts = zip(*sizes, strict=True) if (sizes := list(sizes)) else ((), ())
    ends = [-(-4 * end // 3) for end in accumulate(amounts, initial=start)]
    return [SizePart(label, end - begin) for label, (begin, end) in zip(labels, pairwise(ends), strict=True)]


def _check_attributes(attributes: str) -> None:
    for attribute in attributes.split(";"):
        attribute_name, _, value = attribute.strip().partition("=")
        if len(value) > MAX_ATTRIBUTE:
            raise UsageError(
                f"the attribute {exact_json.printable(attribute_name)} has a value of {len(value)} characters; "
                f"browsers ignore one over {MAX_ATTRIBUTE}.",
                code="attribute_too_long",
            )

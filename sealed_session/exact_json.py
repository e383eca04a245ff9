"""JSON that comes back exactly: same types, same key order, same values, or a refusal that names the place.

Stricter than the ``json`` module, which writes tuples as lists, integer keys as text and NaN as no JSON at all.
Grammar: RFC 8259. The bounds are those of docs/FORMAT.md, "JSON".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from math import isfinite
from typing import Any

from .errors import PayloadTypeError

MAX_DEPTH = 32
"""Containers inside each other, the outermost one included."""

MAX_INT_DIGITS = 640
"""The smallest bound that ``sys.set_int_max_str_digits`` can be set to: no Python setting stops us from reading it."""

JsonObject = dict[str, Any]

_FIRST_TOO_LONG = 10**MAX_INT_DIGITS
# A string without its end goes on to the end of the text, so that the search is linear whatever the text is.
_STRING_OR_BRACKET = rb'(?s)"[^"\\]*(?:\\.[^"\\]*)*"?|[][{}]'
_STEP = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
_SURROGATE_PAIR = "[\ud800-\udbff][\udc00-\udfff]"
# `_check` has bounded the depth before this runs, so a circular value never reaches it.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False)


def dumps(value: JsonObject, path: str) -> bytes:
    """Serialise a JSON object as compact UTF-8.

    Args:
        value: A plain dict of str keys; dict, list, str, int, finite float, bool and None inside.
        path: What the value is called in errors, for example ``user``.

    Raises:
        PayloadTypeError: Anything else, with its path.
    """
    if type(value) is not dict:
        raise PayloadTypeError(f"expected a dict, got {type(value).__name__}.", path=path)
    _check(value, (path,), 1)
    text = _encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass  # leave the block first: the error holds the plaintext and would hang on to whatever is raised here
    if re.search(_SURROGATE_PAIR, text):
        raise PayloadTypeError(
            "a text holds two surrogates that form a pair; they would come back as one character. "
            "Join them first: text.encode('utf-16', 'surrogatepass').decode('utf-16').",
            path=path,
        )
    return text.encode("utf-8", "backslashreplace")  # of a surrogate it makes \uXXXX, which is the JSON escape


def loads(text: bytes) -> JsonObject:
    """Read back what :func:`dumps` wrote.

    Raises:
        ValueError: Not one JSON object within the bounds, without the text in the message or the context.
    """
    sound = not _is_too_deep(text)  # asked first: the parser recurses on a stack whose size nobody promises
    try:
        if sound:
            value, end = _DECODER.raw_decode(decoded := text.decode())
            sound = end == len(decoded) and type(value) is dict
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("not one JSON object within the bounds")
    return value  # type: ignore[no-any-return]


def _is_too_deep(text: bytes) -> bool:
    # Every level costs a bracket, so with few of them there is nothing to measure. Most texts have no list at all.
    if text.count(b"{") + (text.count(b"[") if b"[" in text else 0) <= MAX_DEPTH:
        return False
    depth = deepest = 0
    for token in re.findall(_STRING_OR_BRACKET, text):
        depth += _STEP.get(token, 0)
        deepest = max(deepest, depth)
    return deepest > MAX_DEPTH


_Path = tuple[Any, ...]
"""Where a value stands, as (path of its container, key or position): made in passing, written out only in an error."""


def _check(container: Any, path: _Path, depth: int) -> None:
    """Refuse what would not come back as it is. Exact types: a subclass would come back as its base."""
    if depth > MAX_DEPTH:
        raise _refusal(path, f"nested deeper than {MAX_DEPTH} levels, or containing itself.")
    if type(container) is list:
        for position, item in enumerate(container):
            if type(item) is not str:
                _check_one(item, (path, position), depth)
        return
    for key, item in container.items():
        if type(key) is not str:
            raise _refusal(path, f"keys must be str; this dict has one of type {type(key).__name__}.")
        kind = type(item)
        if kind is not str and kind is not bool and item is not None:
            _check_one(item, (path, key), depth)


def _check_one(item: Any, path: _Path, depth: int) -> None:
    kind = type(item)
    if kind is dict or kind is list:
        _check(item, path, depth + 1)
    elif kind is int:
        if not -_FIRST_TOO_LONG < item < _FIRST_TOO_LONG:
            raise _refusal(path, f"an integer may have at most {MAX_INT_DIGITS} digits.")
    elif kind is float:
        if not isfinite(item):
            raise _refusal(path, "NaN and Infinity are not JSON.")
    elif kind is not str and kind is not bool and item is not None:
        raise _refusal(
            path,
            f"{kind.__name__} is not JSON; expected exactly dict, list, str, int, float, bool or None. "
            "Convert it first, for example with .isoformat(), list() or str().",
        )


def _refusal(path: _Path, problem: str) -> PayloadTypeError:
    steps: list[str] = []
    while len(path) == 2:
        path, step = path
        steps.append(f"[{step}]" if type(step) is int else f".{printable(step)}")
    return PayloadTypeError(problem, path=path[0] + "".join(reversed(steps)))


def printable(value: object) -> str:
    """Show a key or a number from outside in a message: short, and on one line."""
    if isinstance(value, int) and not -_FIRST_TOO_LONG < value < _FIRST_TOO_LONG:
        return "an integer of more than 640 digits"  # Python may refuse to write it
    text = str(value)
    return text[:40] if text.isascii() and text.isprintable() else ascii(text[:40])


def _read_int(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_INT_DIGITS:
        raise ValueError("an integer is too long")
    return int(digits)


def _read_float(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("a number is too large")
    return number


def _refuse_constant(_name: str) -> float:
    raise ValueError("NaN and Infinity are not JSON")


def _make_encode() -> Callable[[JsonObject], str]:
    """Return what ``_ENCODER.encode`` is, a quarter quicker: it builds its C encoder anew for every call.

    The json module does not document how to build one, so that it is tried first, and done without where it fails.
    """
    try:
        write = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
            None, _ENCODER.default, json.encoder.encode_basestring, None, ":", ",", False, False, False
        )
        if "".join(write({"é": [1, None]}, 0)) == '{"é":[1,null]}':
            return lambda value: "".join(write(value, 0))
    except (AttributeError, TypeError, ValueError):
        pass
    return _ENCODER.encode


_encode = _make_encode()
_DECODER = json.JSONDecoder(parse_int=_read_int, parse_float=_read_float, parse_constant=_refuse_constant)

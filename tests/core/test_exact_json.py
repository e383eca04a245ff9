"""JSON that comes back exactly, or is refused with the path of what would not."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from datetime import datetime
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealed_session import PayloadTypeError, exact_json


def exact(value: Any) -> Any:
    """Spell out types, order, signs of zero: what ``==`` on dicts forgives."""
    if isinstance(value, dict):
        return [(key, exact(item)) for key, item in value.items()]
    return [exact(item) for item in value] if isinstance(value, list) else (type(value), repr(value))


surrogates = st.text(st.characters(exclude_categories=()), max_size=6)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**640) + 1, 10**640 - 1)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)
objects = st.dictionaries(st.text(max_size=8), values, max_size=6)


@given(objects)
def test_every_json_object_comes_back_exactly(value: dict[str, Any]) -> None:
    """Same types, same key order, same values."""
    assert exact(value) == exact(exact_json.loads(exact_json.dumps(value, "user")))


@given(objects)
def test_it_is_compact_json_in_utf8(value: dict[str, Any]) -> None:
    """The bytes are those of the json module without spaces and ASCII escapes."""
    expected = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    assert expected == exact_json.dumps(value, "user")


@pytest.mark.parametrize("make", [None, lambda: None, lambda *_: lambda *_: ["other"]])
def test_without_the_quick_encoder_the_json_modules_own_is_taken(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is none, where it wants other arguments, where it writes something else."""
    with monkeypatch.context() as patched:
        patched.setattr(json.encoder, "c_make_encoder", make)
        encode = exact_json._make_encode()
    assert exact_json._ENCODER.encode == encode
    assert '{"é":[1.5,true,null]}' == encode({"é": [1.5, True, None]}) == exact_json._encode({"é": [1.5, True, None]})


@given(surrogates)
def test_any_text_comes_back_or_is_refused(text: str) -> None:
    """A lone surrogate survives; two that form a pair would come back as one character and are refused."""
    try:
        stored = exact_json.dumps({"text": text}, "user")
    except PayloadTypeError:
        assert text != text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    else:
        assert {"text": text} == exact_json.loads(stored)
        assert b"\xff" not in stored


class Colour(IntEnum):
    """A subclass of int."""

    RED = 1


class Text(str):
    """A subclass of str."""

    __slots__ = ()


REFUSED: dict[str, tuple[Any, str, str]] = {
    "datetime": ({"a": {"since": datetime(2026, 1, 1)}}, "user.a.since", "datetime is not JSON"),
    "bytes": ({"a": [b"x"]}, "user.a[0]", "bytes is not JSON"),
    "set": ({"a": {1}}, "user.a", "set is not JSON"),
    "tuple": ({"a": (1, 2)}, "user.a", "tuple is not JSON"),
    "nan": ({"a": [0, float("nan")]}, "user.a[1]", "NaN"),
    "infinity": ({"a": float("-inf")}, "user.a", "Infinity"),
    "int key": ({"a": {1: "x"}}, "user.a", "type int"),
    "none key": ({None: 1}, "user", "type NoneType"),
    "str subclass": ({"a": Text("x")}, "user.a", "Text is not JSON"),
    "str subclass key": ({Text("x"): 1}, "user", "type Text"),
    "int subclass": ({"a": Colour.RED}, "user.a", "Colour is not JSON"),
    "dict subclass": ({"a": OrderedDict()}, "user.a", "OrderedDict is not JSON"),
    "long integer": ({"a": 10**640}, "user.a", "640 digits"),
    "long negative integer": ({"a": [-(10**640)]}, "user.a[0]", "640 digits"),
    "object": ({"a": object()}, "user.a", "object is not JSON"),
    "paired surrogates": ({"a": "\ud83d\ude00"}, "user", "form a pair"),
    "key with a line break": ({"a\nb": b""}, "user.'a\\nb'", "bytes is not JSON"),
    "long key": ({"k" * 99: b""}, "user." + "k" * 40, "bytes is not JSON"),
    "list": ([1], "user", "expected a dict"),
}


@pytest.mark.parametrize(("value", "path", "problem"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_exact_json_is_refused_with_its_path(value: Any, path: str, problem: str) -> None:
    """The error names the place and what is wrong there."""
    with pytest.raises(PayloadTypeError) as caught:
        exact_json.dumps(value, "user")
    assert path == caught.value.path
    assert str(caught.value).startswith(f"{path}: ")
    assert problem in str(caught.value)
    assert caught.value.code == "payload_type"


def nested(depth: int) -> dict[str, Any]:
    """An object with so many containers inside each other."""
    value: Any = 1
    for _ in range(depth - 1):
        value = [value]
    return {"a": value}


def test_depth_is_bounded_at_32() -> None:
    """32 containers inside each other are written, 33 are not."""
    assert nested(32) == exact_json.loads(exact_json.dumps(nested(32), "user"))
    with pytest.raises(PayloadTypeError, match="nested deeper than 32"):
        exact_json.dumps(nested(33), "user")


def test_what_is_deeper_is_not_read() -> None:
    """Counted before a parser recurses, and brackets inside strings do not count."""
    deepest = b'{"a":' + b"[" * 31 + b"]" * 31 + b"}"
    assert {"a"} == set(exact_json.loads(deepest))
    for deeper in (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", b'{"a":[' + b"{}," * 50 + b"[" * 31 + b"]" * 31 + b"]}"):
        with pytest.raises(ValueError, match="within the bounds"):
            exact_json.loads(deeper)
    brackets = "[{" * 40
    assert {"a": brackets, "b": f'"{brackets}\\'} == exact_json.loads(
        exact_json.dumps({"a": brackets, "b": f'"{brackets}\\'}, "user")
    )
    assert {"a": [{}] * 50} == exact_json.loads(exact_json.dumps({"a": [{}] * 50}, "user"))


def test_measuring_the_depth_is_linear() -> None:
    """Quotes and escapes without end cost no more than other text."""
    for unit in (b'\\"', b'"', b"\\", b"[", b'["'):
        text = b'{"a":' + b"[" * 40 + unit * (60_000 // len(unit))
        start = time.process_time()
        with pytest.raises(ValueError, match="within the bounds"):
            exact_json.loads(text)
        assert time.process_time() - start < 1


def test_a_dict_that_contains_itself_is_refused() -> None:
    """It counts as nested too deep and never runs for ever."""
    value: dict[str, Any] = {}
    value["self"] = value
    with pytest.raises(PayloadTypeError, match="nested deeper"):
        exact_json.dumps(value, "user")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" {}",
        b"{} ",
        b"{}{}",
        b"[]",
        b"1",
        b'"a"',
        b"null",
        b"{",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":-1e999}',
        b'{"a":' + b"9" * 641 + b"}",
        b'{"a":-' + b"9" * 641 + b"}",
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":' + b"[" * 50_000,
    ],
)
def test_what_is_not_one_json_object_is_a_value_error(text: bytes) -> None:
    """Nothing else is raised, and the error holds no text in its context."""
    with pytest.raises(ValueError, match="not one JSON object") as caught:
        exact_json.loads(text)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_integers_at_the_bound_are_read() -> None:
    """640 digits, with either sign."""
    for number in (10**640 - 1, -(10**640) + 1):
        assert {"a": number} == exact_json.loads(b'{"a":%d}' % number)

"""A token comes back as the very same string, whatever it is, and only a real JWS enters the compressed text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgpack import packb

from sealed_session import encoding, tokens

HEADER, CLAIMS = encoding.encode(b'{"alg":"RS256"}'), encoding.encode(b'{"sub":"user_1"}')
SIGNATURE = encoding.encode(bytes(16))

base64urlish = st.text("ABCabc019-_", max_size=12)
unicode = st.text(min_size=1).filter(lambda text: not any("\ud800" <= character <= "\udfff" for character in text))


def round_trip(token: str) -> str:
    """Split, then join."""
    parts, element = tokens.split(token)
    return tokens.join(element, parts[::-1])


@given(unicode | st.lists(base64urlish, min_size=1, max_size=6).map(".".join).filter(bool))
@example("a")
@example(".")
@example("..")
@example("...")
@example("A")
@example("AA")
@example("AB")
@example("AAAAB")
@example("v4.public.AAAB")
@example(f"{HEADER}.{CLAIMS}.{SIGNATURE}")
@example(f"{HEADER}.{CLAIMS}.")
@example(f"{HEADER}.{CLAIMS}.{SIGNATURE}=")
@example(f"{HEADER}.{CLAIMS}.{SIGNATURE[:-1]}B")
@example(f"{HEADER}.{CLAIMS}.{SIGNATURE}.")
@example("日本語.トークン.x")
def test_any_token_comes_back(token: str) -> None:
    """The very same string."""
    assert token == round_trip(token)


@given(st.binary(min_size=16), st.binary(), st.binary())
def test_any_jws_shape_comes_back(signature: bytes, header: bytes, claims: bytes) -> None:
    """Whatever stands between the braces."""
    token = ".".join(map(encoding.encode, (b"{" + header + b"}", b"{" + claims + b"}", signature)))
    assert token == round_trip(token)


def test_a_jws_puts_header_and_claims_into_the_text() -> None:
    """And its signature, a secret, into the element."""
    assert ([b'{"alg":"RS256"}', b'{"sub":"user_1"}'], [tokens.JWS, bytes(16)]) == tokens.split(
        f"{HEADER}.{CLAIMS}.{SIGNATURE}"
    )


NEVER_TEXT = {
    "opaque": "efNhXv6ngNuZ3lMoQ0WQKUmWqwb7",
    "two parts": f"{HEADER}.{CLAIMS}",
    "four parts": f"{HEADER}.{CLAIMS}.{SIGNATURE}.{SIGNATURE}",
    "signature of 15 bytes": f"{HEADER}.{CLAIMS}.{encoding.encode(bytes(15))}",
    "no signature": f"{HEADER}.{CLAIMS}.",
    "header without braces": f"{encoding.encode(b'secret')}.{CLAIMS}.{SIGNATURE}",
    "header not closed": f"{encoding.encode(b'{secret')}.{CLAIMS}.{SIGNATURE}",
    "claims without braces": f"{HEADER}.{encoding.encode(b'secret')}.{SIGNATURE}",
    "separator in the claims": f"{HEADER}.{encoding.encode(b'{' + bytes([255]) + b'}')}.{SIGNATURE}",
    "unclean bits in the header": f"{HEADER[:-1]}B.{CLAIMS}.{SIGNATURE}",
    "white space": f"{HEADER}.{CLAIMS}.{SIGNATURE} ",
    "empty parts": "..",
}


@pytest.mark.parametrize("token", NEVER_TEXT.values(), ids=NEVER_TEXT)
def test_secrets_never_enter_the_compressed_text(token: str) -> None:
    """Unless all three parts of a JWS decode, nothing of a token is compressed: lengths would give it away."""
    parts, _ = tokens.split(token)
    assert [] == parts
    assert token == round_trip(token)


def test_base64url_is_stored_decoded() -> None:
    """A quarter smaller, dotted or not."""
    assert ([], [tokens.DOTTED, bytes(21)]) == tokens.split("A" * 28)
    assert ([], [tokens.DOTTED, bytes(24), [bytes(18), b"AB"]]) == tokens.split("A" * 32 + "." + "A" * 24 + "AB")


@pytest.mark.parametrize("length", [*range(1, 20), 255, 256, 257, 340, 341, 342, 344, 350, 65_535, 65_536, 87_384])
def test_the_form_of_a_token_without_dots_is_the_shorter_one(length: int) -> None:
    """As msgpack encodes it, for every length of token around the lengths of its heads."""
    token = "A" * length
    _, chosen = tokens.split(token)
    dotted = [tokens.DOTTED, tokens._split_part(token)]
    assert chosen == (dotted if len(packb(dotted)) < len(packb(token.encode())) else token.encode())


def test_the_shortest_form_is_chosen() -> None:
    """Many tiny parts are shorter verbatim."""
    assert ([], b"v1.v2.v3.v4") == tokens.split("v1.v2.v3.v4")
    assert ([], b"a") == tokens.split("a")


@pytest.mark.parametrize(
    "element",
    [
        None,
        1,
        "t",
        b"",
        [],
        [1],
        [2],
        [2, b""],
        [3, b"t"],
        [True, b"t" * 16],
        [1, "t"],
        [1, [b"t"]],
        [2, None],
        [2, "t"],
        [2, []],
        [2, [b""]],
        [2, [b"", b""]],
        [2, [b"", b"AAAA"]],
        [2, [b"", b"="]],
        [2, [b"", b"\xff"]],
        [2, [b"", "A"]],
        [2, ["", b"A"]],
        [2, [b"a", b"A"]],
        [2, [b"", b"A", b"A"]],
        [b"", b"t"],
        b"\xff",
        {},
    ],
)
def test_what_is_not_a_token_form_is_a_value_error(element: Any) -> None:
    """Any element, of any type."""
    with pytest.raises(ValueError):  # noqa: PT011  # any: packing turns all of them into one code
        tokens.join(element, [b"{}", b"{}"])


@pytest.mark.parametrize("text", [[], [b"{}"]])
def test_a_jws_without_its_text_is_an_index_error(text: list[bytes]) -> None:
    """Both header and claims must be there."""
    with pytest.raises(IndexError):
        tokens.join([1, bytes(16)], text)

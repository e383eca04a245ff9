"""Write native_v1.json, the test vectors of format version 1.

    python tests/vectors/build_native_v1.py

The file is committed and frozen: values sealed by every release must open in every later one. A change of this script
may add cases; the test of the vectors fails when an existing case changes. All passwords and tokens are test data.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgpack import packb

from sealed_session import Session, encoding, packing
from sealed_session.dictionary import DICTIONARY_1
from sealed_session.formats import native
from sealed_session.keys import RootKey
from sealed_session.passwords import derive_root

HERE = Path(__file__).parent
NOW = 1_790_000_000
NAME = "sealed-session"

# Test data: the passwords of bytes 00..1f and 20..3f, and a human one.
PASSWORD = "ssk1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9BjQRp"
OTHER = "ssk1_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj97cFwk"
HUMAN = "the quick brown fox jumps over 13 lazy dogs"

SALT = bytes(range(0xA0, 0xB8))
SAMPLES = json.loads((HERE.parent / "data" / "sessions.json").read_text(encoding="utf-8"))

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyXzEiLCJzaWQiOiJzZXNzaW9uXzEiLCJleHAiOjE3OTAwMDAzMDB9." + encoding.encode(
    bytes(range(64))
)
SMALL = {"access_token": "opaque access token"}
LONGEST = {"access_token": "t", "user": {"a": "x" * (65_536 - len('{"a":""}'))}}


def seal_cases() -> Iterator[dict[str, Any]]:
    """Exact vectors: stored, not compressed, because compressed bytes differ between builds of zlib."""
    person = {"id": "user_1", "email": "ada@example.com"}
    sessions: dict[str, tuple[str, dict[str, Any]]] = {
        "opaque": ("The smallest session: one opaque token, kept verbatim.", SMALL),
        "jws": ("A JWS: header and claims go into the text.", {"access_token": JWT, "user": person}),
        "two-jws": (
            "Two JWS: four parts of text before the user.",
            {"access_token": JWT, "refresh_token": JWT, "user": person},
        ),
        "base64url": ("Opaque base64url is decoded.", {"access_token": JWT, "refresh_token": "AAECAwQFBgcICQoLDA0ODw"}),
        "unclean-part": (
            "Parts that do not decode whole keep 1 to 3 characters verbatim.",
            {"access_token": "v4.public.AAECAwQFBgcICQoLDA0ODx.AAECA", "refresh_token": "v1.AAECAwQFBgcICQoLDA0ODw"},
        ),
        "jwe": (
            "A five-part JWE with an empty part.",
            {"access_token": "eyJhbGciOiJkaXIifQ..AAECAwQFBgcICQoL.AAEC.AAECAwQFBgc"},
        ),
        "alg-none": (
            "No signature: not the JWS form.",
            {"access_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyXzEifQ."},
        ),
        "short-signature": (
            "A signature of 15 bytes: not the JWS form.",
            {"access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + encoding.encode(bytes(15))},
        ),
        "everything": (
            "Every value that a session can hold.",
            {
                "access_token": JWT,
                "refresh_token": "refresh",
                "user": person,
                "impersonator": {"email": "support@example.com", "reason": None},
                "access_expires_at": NOW + 300,
                "extra": {"cart": [1, 2.5, True, None, "ü"]},
                "tokens": {"id_token": JWT, "device": "d-1"},
                "session_id": "AAECAwQFBgcICQoLDA0ODw",
                "session_expires_at": NOW + 86400,
                "unverified": True,
            },
        ),
        "empty-dicts": (
            "Empty is not absent.",
            {"access_token": "t", "user": {}, "impersonator": {}, "extra": {}, "tokens": {}},
        ),
        "json-values": (
            "Numbers at the bounds, nesting, and text in several scripts.",
            {
                "access_token": "t",
                "user": {
                    "big": 10**639,
                    "negative": -1,
                    "float": 0.1,
                    "zero": -0.0,
                    "tiny": 5e-324,
                    "text": '日本語 \u0000\u001f"\\ \u2028 😀',
                    "deep": [[[[{"a": [{}]}]]]],
                    "": "",
                },
            },
        ),
        "lone-surrogate": (
            "A lone surrogate is written as its escape.",
            {"access_token": "t", "user": {"name": "\ud83d!"}},
        ),
        "dotted-shorter": ("The third form saves one byte.", {"access_token": "AAECAwQFBg"}),
        "dotted-as-long": ("The third form would save nothing.", {"access_token": "AAECAwQ"}),
        "no-zeros": ("The body needs no padding after its end.", {"access_token": "fifteen letters"}),
        "fifteen-zeros": ("The body needs fifteen zeros.", {"access_token": "sixteen letters!"}),
        "byte-order-mark": (
            "U+FEFF at the beginning of a token is part of it.",
            {"access_token": "\ufefft", "tokens": {"\ufeffname": "t", "__proto__": "t"}},
        ),
        "non-ascii-token": ("Tokens are any Unicode text.", {"access_token": "tökén", "refresh_token": "日本"}),
    }
    for name, (comment, session) in sessions.items():
        yield seal_case(name, comment, session)
    yield seal_case("human-password", "A password that is stretched with scrypt.", SMALL, password=HUMAN)
    yield seal_case("name-prefix", "The cookie's name with its prefix.", SMALL, name="__Host-session")
    yield seal_case("context", "A context binds a tenant.", SMALL, context=b"tenant-7")
    yield seal_case("purpose", "The other registered purpose.", SMALL, purpose="login-state")
    yield seal_case("started-before", "Signed in a day before it was sealed.", SMALL, started_at=NOW - 86400)
    yield from later_seal_cases()


def later_seal_cases() -> Iterator[dict[str, Any]]:
    """What came to version 1 later: bits 1024 and 2048."""
    proved = {**SMALL, "authenticated_at": NOW - 3600}
    yield seal_case("authenticated-at", "When the person proved who they are.", proved)
    known_as = {"access_token": JWT, "subject": "user_é"}
    yield seal_case("subject", "By what the provider knows the person; UTF-8.", known_as)
    both = {**SMALL, "session_id": "AAAA", "authenticated_at": 0, "subject": "x", "unverified": True}
    yield seal_case("authenticated-at-and-subject", "Both after a session id.", both)


def seal_case(case: str, comment: str, session: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    given = {
        "id": case,
        "comment": comment,
        "password": inputs.get("password", PASSWORD),
        "name": inputs.get("name", NAME),
        "purpose": inputs.get("purpose", "session"),
        "context": inputs.get("context", b"").hex(),
        "now": NOW,
        "started_at": inputs.get("started_at", NOW),
        "salt": SALT.hex(),
        "session": session,
    }
    stored, payload = packing.Layout(Session(**session).to_mapping()).payload(compress=False)
    return {**given, "sealed": envelope(given, (stored, given["started_at"], NOW, payload))}


def envelope(given: dict[str, Any], body: native.Body) -> str:
    associated = native.associated_data(
        given["purpose"].encode(), given["name"].encode(), bytes.fromhex(given["context"])
    )
    return native.seal(body, RootKey(derive_root(given["password"])), associated, bytes.fromhex(given["salt"]))


def open_cases() -> Iterator[dict[str, Any]]:
    """Opening vectors: compressed, so the sealed text is one of many that open to the same session."""
    for name, session in SAMPLES.items():
        yield open_case(f"sample-{name}", "A realistic session, deflated with dictionary 1.", session)
    yield open_case("fallback", "Sealed by a former password.", SAMPLES["minimal"], fallbacks=[OTHER], index=1)
    text = packing.Layout(SAMPLES["minimal"]).joined
    stored = [1, deflated_without_matches(text), [1, b"s" * 16], None]
    header, claims = SAMPLES["minimal"]["access_token"].split(".")[:2]
    yield {
        **open_case("foreign-deflate", "Another deflater's stream, which never looks into the dictionary.", SMALL),
        "sealed": crafted(stored, packing_number=1),
        "session": {
            "access_token": f"{header}.{claims}.{encoding.encode(b's' * 16)}",
            "user": SAMPLES["minimal"]["user"],
        },
    }
    yield open_case("longest-text", "65,536 bytes of text, the most that a reader inflates.", LONGEST)
    yield from foreign_cases()
    sealed, _ = two_key_ciphertext()
    yield {
        **open_case("two-keys-committed", "The two-key ciphertext, under the password it is committed to.", SMALL),
        **sealed,
    }


def foreign_cases() -> Iterator[dict[str, Any]]:
    """What another writer may do: other widths, white space and escapes inside JSON."""
    wide = b"\xdc\x00\x04" + b"\xcf" + bytes(7) + b"\x01" + b"\xc6\x00\x00\x00\x13" + b'{ "a" : "\\u0041\\/"}'
    yield {
        **open_case("foreign-widths", "Longer msgpack heads, white space and escapes inside JSON.", SMALL),
        "sealed": raw_body(0, wide + b"\xc5\x00\x01t" + b"\xc0"),
        "session": {"access_token": "t", "user": {"a": "A/"}},
    }


def open_case(
    name: str, comment: str, session: dict[str, Any], *, fallbacks: list[str] | None = None, index: int = 0
) -> dict[str, Any]:
    given = {"password": PASSWORD, "name": NAME, "purpose": "session", "context": "", "salt": SALT.hex()}
    sealed_with = {**given, "password": fallbacks[0]} if fallbacks else given
    stored, payload = packing.Layout(Session(**session).to_mapping()).payload(compress=True)
    return {
        "id": name,
        "comment": comment,
        "password": PASSWORD,
        "fallbacks": fallbacks or [],
        "name": NAME,
        "now": NOW + 60,
        "sealed": envelope(sealed_with, (stored, NOW, NOW, payload)),
        "session": session,
        "started_at": NOW,
        "sealed_at": NOW,
        "password_index": index,
    }


def deflated_without_matches(text: bytes) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    return deflater.compress(text) + deflater.flush()


def fail_cases() -> Iterator[dict[str, Any]]:
    """One failure each, with the code it must give."""
    good = seal_case("", "", SMALL)["sealed"]
    data = encoding.decode(good)
    for length in range(len(good)):
        yield fail(f"truncated-{length}", "Cut off.", good[:length], truncation_code(good[:length]))
    for position in range(len(data)):
        flipped = data[:position] + bytes([data[position] ^ 0x01]) + data[position + 1 :]
        code = "malformed" if position == 0 else "unknown_key" if position < 41 else "tampered"
        yield fail(f"flipped-{position}", "One bit of one byte.", encoding.encode(flipped), code)
    yield from envelope_failures(good, data)
    yield from body_failures()
    yield from payload_failures()
    _, foreign = two_key_ciphertext()
    yield foreign


def truncation_code(cut: str) -> str:
    try:
        length = len(encoding.decode(cut))
    except ValueError:
        return "malformed"
    return "tampered" if length >= 73 and (length - 57) % 16 == 0 else "malformed"


def envelope_failures(good: str, data: bytes) -> Iterator[dict[str, Any]]:
    yield fail("empty", "Nothing at all.", "", "malformed")
    yield fail("standard-alphabet", "Plus and slash are not base64url.", good[:-2] + "+/", "malformed")
    yield fail("padded", "No padding.", good + "=", "malformed")
    yield fail("white-space", "Nothing is skipped.", good[:40] + " " + good[40:], "malformed")
    yield fail("line-break", "A line break at the end.", good + "\n", "malformed")
    yield fail("not-ascii", "A full-width letter.", "Ａ" + good[1:], "malformed")
    yield fail("too-long", "8,193 characters.", good + "A" * (8193 - len(good)), "malformed")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for token in ("sixteen characters, and more of them", "a token that is one block longer than the one before"):
        clean = seal_case("", "", {"access_token": token})["sealed"]
        dirty = clean[:-1] + alphabet[alphabet.index(clean[-1]) + 1]
        yield fail(
            f"unclean-bits-{len(clean) % 4}", "The last character's unused bits are not zero.", dirty, "malformed"
        )
    for version in (0x00, 0x02, 0x0F, 0x10, 0xFF):
        code = "unsupported_version" if 0x02 <= version <= 0x0F else "malformed"
        yield fail(f"version-{version:02x}", "Another first byte.", encoding.encode(bytes([version]) + data[1:]), code)
    yield fail(
        "version-2-short",
        "A later version may have other lengths.",
        encoding.encode(b"\x02\x00"),
        "unsupported_version",
    )
    yield fail("unknown-password", "Another password.", good, "unknown_key", password=OTHER)
    yield fail("other-name", "The value was moved to another cookie.", good, "tampered", name="other")
    moved = seal_case("", "", SMALL, purpose="login-state")["sealed"]
    yield fail("other-purpose", "Sealed for another purpose.", moved, "tampered")
    moved = seal_case("", "", SMALL, context=b"tenant-8")["sealed"]
    yield fail("other-context", "Sealed in another context.", moved, "tampered")


def body_failures() -> Iterator[dict[str, Any]]:
    header = b"\x00" + NOW.to_bytes(4, "big") * 2
    payload: bytes = packb([0, b"", b"t", None])
    yield fail("no-end", "The body is all zeros.", raw(bytes(16)), "malformed")
    yield fail(
        "end-not-80", "Another byte where the end should be.", raw((header + payload).ljust(16, b"\x01")), "malformed"
    )
    yield fail("no-header", "The end stands inside the header.", raw(b"\x00" * 8 + b"\x80" + bytes(7)), "malformed")
    full = header + packb([0, b"", b"fifteen letters", None]) + b"\x80"
    yield fail("sixteen-zeros", "A block of padding too many, exactly.", raw(full + bytes(16)), "malformed")
    yield fail("packing-2", "A packing of a later release.", raw_body(2, payload), "unsupported_packing")
    yield fail("packing-255", "A packing of a later release.", raw_body(255, payload), "unsupported_packing")
    late = (0, NOW + 301, NOW, payload)
    yield fail("started-in-future", "301 seconds ahead.", raw_serialised(late), "from_future")
    late = (0, NOW, NOW + 301, payload)
    yield fail("sealed-in-future", "301 seconds ahead.", raw_serialised(late), "from_future")
    old = seal_case("", "", SMALL, started_at=NOW - 3600)["sealed"]
    yield fail("too-old", "The lifetime ends in this second.", old, "too_old", absolute_lifetime=3600)


def payload_failures() -> Iterator[dict[str, Any]]:
    def case(name: str, comment: str, array: Any, code: str = "payload", number: int = 0) -> dict[str, Any]:
        return fail(name, comment, crafted(array, packing_number=number), code)

    bomb = deflate(b"a" * 65_537)
    user = b'{"id":1}'
    yield case("not-an-array", "A map.", {"access": b"t"})
    yield case("too-few-elements", "Three elements.", [0, b"", b"t"])
    yield case("element-not-announced", "Five elements, no bit.", [0, b"", b"t", None, 1])
    yield case("element-missing", "A bit without its element.", [4, b"", b"t", None])
    yield case("unknown-bit", "Bit 256.", [256, b"", b"t", None], "unsupported_packing")
    yield case("unknown-bit-first", "Bit 256, and types of a later release.", [256, "", 1.5, {}], "unsupported_packing")
    yield case("unknown-bit-and-element", "Bit 512 with an element.", [512, b"", b"t", None, 1], "unsupported_packing")
    yield case("present-negative", "Not an unsigned integer.", [-1, b"", b"t", None])
    yield case("present-bool", "true is no integer.", [True, b"", b"t", None])
    yield case("text-is-str", "str where bin must be.", [0, "", b"t", None])
    yield case("access-is-str", "str where bin must be.", [0, b"", "t", None])
    yield case("access-nil", "No access token.", [0, b"", None, None])
    yield case("access-empty", "An empty token.", [0, b"", b"", None])
    yield case("access-empty-dotted", "An empty dotted token.", [0, b"", [2, b""], None])
    yield case("access-not-utf8", "Not UTF-8.", [0, b"", b"\xff\xfe", None])
    yield case("access-form-3", "An unknown form.", [0, b"", [3, b"t"], None])
    yield case("access-form-true", "true is no form.", [0, b"{}\xff{}", [True, b"s" * 16], None])
    yield case("dotted-end-four", "Four verbatim characters.", [0, b"", [2, [b"", b"AAAA"]], None])
    yield case("dotted-end-foreign", "A verbatim character outside base64url.", [0, b"", [2, [b"", b"+"]], None])
    yield case("dotted-uneven", "A verbatim end after an incomplete group.", [0, b"", [2, [b"a", b"A"]], None])
    yield case("text-too-few-parts", "A JWS without its text.", [0, b"", [1, b"s" * 16], None])
    yield case("text-too-many-parts", "Text that nobody owns.", [0, user, b"t", None])
    yield case("user-not-json", "Not JSON.", [1, b"{", b"t", None])
    yield case("user-trailing", "White space after the object.", [1, user + b" ", b"t", None])
    yield case("user-leading", "White space before the object.", [1, b" " + user, b"t", None])
    yield case("user-byte-order-mark", "A byte order mark before the object.", [1, b"\xef\xbb\xbf" + user, b"t", None])
    yield case("user-list", "Not an object.", [1, b"[]", b"t", None])
    yield case("user-nan", "NaN is not JSON.", [1, b'{"a":NaN}', b"t", None])
    yield case("user-huge-float", "A number beyond double precision.", [1, b'{"a":1e999}', b"t", None])
    yield case("user-long-integer", "641 digits.", [1, b'{"a":' + b"9" * 641 + b"}", b"t", None])
    deep = b'{"a":' + b"[" * 32 + b"]" * 32 + b"}"
    yield case("user-33-deep", "33 containers inside each other.", [1, deep, b"t", None])
    many = b'{"a":[' + b",".join([b"[]"] * 40) + b"]," + deep[1:]
    yield case("user-33-deep-after-others", "Many containers, and 33 of them inside each other.", [1, many, b"t", None])
    brackets = deflate(b'{"a":' + b"[" * 60_000)
    yield case("user-deep", "Unfinished JSON, nested beyond any stack.", [1, brackets, b"t", None], number=1)
    yield case("extra-not-bin", "Extra as a map.", [8, b"", b"t", None, {"a": 1}])
    yield case("time-negative", "A negative time.", [4, b"", b"t", None, -1])
    yield case("time-milliseconds", "A time after the year 9999.", [4, b"", b"t", None, 253_402_300_800])
    yield case("session-id-empty", "No bytes.", [32, b"", b"t", None, b""])
    yield case("session-id-long", "65 bytes.", [32, b"", b"t", None, bytes(65)])
    yield case("tokens-odd", "A name without a token.", [16, b"", b"t", None, [b"a"]])
    yield case("tokens-twice", "The same name twice.", [16, b"", b"t", None, [b"a", b"t", b"a", b"t"]])
    yield case("tokens-nameless", "An empty name.", [16, b"", b"t", None, [b"", b"t"]])
    yield case("inflate-oversized", "65,537 bytes of text.", [1, bomb, b"t", None], number=1)
    yield case("inflate-cut-off", "The stream has no end.", [1, deflate(user)[:-1], b"t", None], number=1)
    yield case("inflate-trailing", "Bytes after the stream.", [1, deflate(user) + b"\0", b"t", None], number=1)
    yield case("inflate-garbage", "Not DEFLATE.", [1, b"\xff\xff\xff", b"t", None], number=1)
    whole: bytes = packb([0, b"", b"t", None])
    nested = b"\x94\x00\xc4\x00" + b"\x91" * 2000 + b"\xc4\x01t" + b"\xc0"
    later = b"\xcd\x01\x00"
    for case_id, payload in {
        "later-alone": b"\x91" + later,
        "later-short": b"\x93" + later + b"\x01\x02",
        "later-str": b"\x94" + later + b"\xa2\xff\xff\xc0\xc0",
        "later-array-key": b"\x94" + later + b"\x81\x90\xc0\xc0\xc0",
        "later-trailing": b"\x94" + later + b"\xc0\xc0\xc0\xc1",
        "later-cut-off": b"\x9f" + later,
    }.items():
        comment = "Bit 256, and then what only a later release understands."
        yield fail(case_id, comment, raw_body(0, payload), "unsupported_packing")
    yield fail("msgpack-nested", "2,000 arrays inside each other.", raw_body(0, nested), "payload")
    yield fail("msgpack-trailing", "Bytes after the array.", raw_body(0, whole + b"\xc0"), "payload")
    yield fail("msgpack-cut-off", "An array that goes on.", raw_body(0, whole[:-1]), "payload")
    yield fail(
        "msgpack-giant", "An array that claims 2^32 - 1 elements.", raw_body(0, b"\xdd\xff\xff\xff\xff"), "payload"
    )
    yield fail("msgpack-list-key", "A map with a list as key.", raw_body(0, b"\x81\x90\xc0"), "payload")
    yield from later_payload_failures()


def later_payload_failures() -> Iterator[dict[str, Any]]:
    """Of the bits 1024 and 2048, and of those around them."""

    def case(name: str, comment: str, present: int, *elements: Any, code: str = "payload") -> dict[str, Any]:
        return fail(name, comment, crafted([present, b"", b"t", None, *elements], packing_number=0), code)

    unsupported = "unsupported_packing"
    for bit in (256, 512, 4096, 2**31, 2**32, 2**53, 2**63):
        yield case(f"unknown-bit-beside-{bit}", "An unknown bit beside known ones.", bit + 1024, NOW, code=unsupported)
    yield case("authenticated-at-missing", "A bit without its element.", 1024)
    yield case("authenticated-at-too-late", "The year 10000.", 1024, 253_402_300_800)
    yield case("authenticated-at-negative", "A negative time.", 1024, -1)
    yield case("authenticated-at-bin", "A time as bin.", 1024, b"1790000000")
    yield case("subject-missing", "A bit without its element.", 2048)
    yield case("subject-empty", "No bytes.", 2048, b"")
    yield case("subject-not-utf8", "A byte that begins nothing.", 2048, b"\xff")
    yield case("subject-str", "A str of msgpack.", 2048, "user_1")
    yield case("subject-before-authenticated-at", "The elements in another order.", 3072, b"user_1", NOW)


def deflate(text: bytes) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY_1)
    return deflater.compress(text) + deflater.flush()


def crafted(array: Any, *, packing_number: int) -> str:
    return raw_body(packing_number, packb(array))


def raw_body(number: int, payload: bytes) -> str:
    return raw_serialised((number, NOW, NOW, payload))


def raw_serialised(body: native.Body) -> str:
    return envelope({"purpose": "session", "name": NAME, "context": "", "password": PASSWORD, "salt": SALT.hex()}, body)


def raw(plaintext: bytes) -> str:
    """Seal a body as it is, with nothing done for it."""
    block = RootKey(derive_root(PASSWORD)).expand(b"sealed-session/1 seal\0" + SALT)
    associated = native.associated_data(b"session", NAME.encode(), b"")
    return native.serialise(SALT, block[32:48], AESGCM(block[:32]).encrypt(bytes(12), plaintext, associated))


def fail(case: str, comment: str, sealed: str, error: str, **inputs: Any) -> dict[str, Any]:
    return {
        "id": case,
        "comment": comment,
        "password": PASSWORD,
        "name": NAME,
        "now": NOW,
        **inputs,
        "sealed": sealed,
        "error": error,
    }


def two_key_ciphertext() -> tuple[dict[str, Any], dict[str, Any]]:
    """Build one ciphertext and tag that AES-GCM accepts under the keys of two passwords.

    One block is free: a decoded opaque token may hold any bytes. It is chosen so that both tags agree, which is one
    linear equation in GF(2^128) (Dodis, Grubbs, Ristenpart, Woodage: Fast Message Franking, CRYPTO 2018).
    """
    first, second = (
        RootKey(derive_root(password)).expand(b"sealed-session/1 seal\0" + SALT) for password in (PASSWORD, OTHER)
    )
    associated = native.associated_data(b"session", NAME.encode(), b"")
    token = bytes(48)
    payload: bytes = packb([0, b"", [2, token], None])
    body = b"\0" + NOW.to_bytes(4, "big") * 2 + payload + b"\x80"
    body += bytes(-len(body) % 16)
    free = (body.index(token) + 15) // 16  # the first block that lies wholly inside the token
    ciphertext = bytearray(xor(body, keystream(first[:32], len(body))))
    ciphertext[16 * free : 16 * free + 16] = bytes(16)
    solution = solve(first[:32], second[:32], associated, bytes(ciphertext), free)
    ciphertext[16 * free : 16 * free + 16] = solution
    tag = gcm_tag(first[:32], associated, bytes(ciphertext))
    assert tag == gcm_tag(second[:32], associated, bytes(ciphertext))
    AESGCM(second[:32]).decrypt(bytes(12), bytes(ciphertext) + tag, associated)  # authentic under the second key too
    sealed = native.serialise(SALT, first[32:48], bytes(ciphertext) + tag)
    opened = xor(bytes(ciphertext), keystream(first[:32], len(body)))
    access = encoding.encode(opened[body.index(token) : body.index(token) + len(token)])
    good = {"sealed": sealed, "session": {"access_token": access}}
    bad = fail(
        "two-keys",
        "Authentic under this password's key too, but committed to another.",
        sealed,
        "unknown_key",
        password=OTHER,
    )
    return good, bad


def block_cipher(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305  # one block: the cipher itself
    return encryptor.update(block) + encryptor.finalize()


def keystream(key: bytes, length: int) -> bytes:
    blocks = (block_cipher(key, bytes(12) + counter.to_bytes(4, "big")) for counter in range(2, 2 + -(-length // 16)))
    return b"".join(blocks)[:length]


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def multiply(one: int, other: int) -> int:
    """Multiply in GF(2^128) with GCM's bit order (NIST SP 800-38D, section 6.3)."""
    product = 0
    for bit in range(127, -1, -1):
        if one >> bit & 1:
            product ^= other
        other = other >> 1 ^ (0xE1 << 120 if other & 1 else 0)
    return product


def power(base: int, exponent: int) -> int:
    result = 1 << 127  # one, in GCM's bit order
    while exponent:
        if exponent & 1:
            result = multiply(result, base)
        base, exponent = multiply(base, base), exponent >> 1
    return result


def hashed_blocks(associated: bytes, ciphertext: bytes) -> list[int]:
    padded = associated + bytes(-len(associated) % 16) + ciphertext
    lengths = (8 * len(associated)).to_bytes(8, "big") + (8 * len(ciphertext)).to_bytes(8, "big")
    data = padded + bytes(-len(padded) % 16) + lengths
    return [int.from_bytes(data[at : at + 16], "big") for at in range(0, len(data), 16)]


def gcm_tag(key: bytes, associated: bytes, ciphertext: bytes) -> bytes:
    hash_key, state = int.from_bytes(block_cipher(key, bytes(16)), "big"), 0
    for block in hashed_blocks(associated, ciphertext):
        state = multiply(state ^ block, hash_key)
    return xor(state.to_bytes(16, "big"), block_cipher(key, bytes(12) + b"\0\0\0\1"))


def solve(first: bytes, second: bytes, associated: bytes, ciphertext: bytes, free: int) -> bytes:
    """Return the block at ``free`` (zero until now) with which both tags agree."""
    difference = int.from_bytes(
        xor(gcm_tag(first, associated, ciphertext), gcm_tag(second, associated, ciphertext)), "big"
    )
    blocks = hashed_blocks(associated, ciphertext)
    exponent = len(blocks) - -(-len(associated) // 16) - free
    one, other = (power(int.from_bytes(block_cipher(key, bytes(16)), "big"), exponent) for key in (first, second))
    inverse = power(one ^ other, 2**128 - 2)
    return multiply(difference, inverse).to_bytes(16, "big")


def build() -> dict[str, Any]:
    """Return the whole file."""
    return {
        "format": "sealed-session native version 1",
        "note": "Test data. Fields are explained in docs/FORMAT.md, section Test vectors.",
        "seal": list(seal_cases()),
        "open": list(open_cases()),
        "fail": list(fail_cases()),
    }


if __name__ == "__main__":
    text = json.dumps(build(), indent=1)
    (HERE / "native_v1.json").write_text(text + "\n", encoding="ascii")

"""The settings of a verifier, checked where it is made: a mistake there would sign in whom it should not.

Not the check of a token, which is ``verifier.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from .arguments import wrong_type
from .errors import UsageError
from .exact_json import printable
from .hosts import is_this_machine
from .key_set import KEY_TYPES, KeySet, UnusableSet


def texts(name: str, values: Any, *, may_be_empty: bool = False) -> tuple[str, ...]:
    """Return a list of texts as a tuple.

    Raises:
        UsageTypeError, UsageError: Something else, one text for example; nothing in it (``empty_list``).
    """
    if isinstance(values, str) or not isinstance(values, Sequence):  # a text would be taken letter by letter
        raise wrong_type(name, "a list or a tuple of texts", values)
    for value in values:
        if type(value) is not str:
            raise wrong_type(f"an entry of {name}", "a str", value)
    if not all(values) or not (values or may_be_empty):
        raise UsageError(f"{name}: is empty, or has an empty entry.", code="empty_list")
    return tuple(values)


def check_algorithms(algorithms: tuple[str, ...]) -> tuple[str, ...]:
    """Return them, where each has public keys.

    Raises:
        UsageError: One has not (``bad_algorithm``).

    Source: RFC 8725, section 3.1.
    """
    for algorithm in algorithms:
        if algorithm not in KEY_TYPES:
            raise UsageError(
                f"algorithms: {printable(algorithm)!r} has no public keys, or is not known.",
                fix=f"Use {', '.join(KEY_TYPES)}.",
                code="bad_algorithm",
            )
    return algorithms


def check_url(url: Any, allow_http: bool) -> None:
    """Refuse an address that keys cannot safely come from.

    Raises:
        UsageTypeError, UsageError: Not a text; not https, or not an address at all (``bad_jwks_url``). It is not
            quoted, because it may hold a password.
    """
    if type(url) is not str:
        raise wrong_type("jwks_url", "a str", url)
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        host = None
    is_plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    is_safe = host is not None and is_plain and "@" not in parts.netloc and not parts.fragment
    if is_safe and (parts.scheme == "https" or (parts.scheme == "http" and (allow_http or is_this_machine(str(host))))):
        return
    raise UsageError(
        "jwks_url: expected an https address, without a user name and a fragment.",
        fix="http is for this machine, for example http://localhost:8080/jwks; allow_http=True is for tests.",
        code="bad_jwks_url",
    )


def parse_keys(keys: Mapping[str, Any], algorithms: tuple[str, ...]) -> KeySet:
    """Return the keys of a JSON Web Key Set.

    Raises:
        UsageTypeError, UsageError: Not a mapping; none of them is of use (``bad_keys``).
    """
    if not isinstance(keys, Mapping):
        raise wrong_type("keys", 'a JSON Web Key Set, {"keys": [...]}', keys)
    need("jwt")
    try:
        return KeySet(dict(keys), algorithms)
    except UnusableSet:
        pass  # leave the block first: an error that holds keys shall not come along
    raise UsageError(
        f"keys: no key in the JSON Web Key Set is of use for {', '.join(algorithms)}.",
        fix="Each needs a kid; see the provider's JWKS.",
        code="bad_keys",
    )


def need(module: str) -> None:
    """Say at the start, and not at the first token, that a package is missing. It is not loaded yet.

    Raises:
        UsageError: It is missing (``extra_missing``).
    """
    if find_spec(module) is None:
        package = "PyJWT" if module == "jwt" else module
        raise UsageError(
            f"access tokens are verified with the package {package}, which is missing.",
            fix="Run `pip install 'sealed-session[flask]'`.",
            code="extra_missing",
        )

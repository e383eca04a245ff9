"""The key ring: the password that seals, and the older ones that still open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from .errors import UsageError, UsageTypeError
from .keys import RootKey, refuse_to_serialise
from .passwords import derive_root


class KeyRing:
    """One password and its fallbacks. Derives every key when built and never changes.

    Safe to share between threads, across fork and without the GIL. Its repr shows no key and it refuses pickle and
    copy; Python cannot wipe memory, so it promises no more than that (docs/THREAT_MODEL.md).
    """

    __slots__ = ("_keys",)

    def __init__(self, password: str, fallbacks: list[str] | tuple[str, ...] = ()) -> None:
        """Derive the keys.

        Args:
            password: From ``generate_password()``, or at least 32 characters of your own.
            fallbacks: A list of former passwords, newest first. They open values and never seal one.

        Raises:
            UsageTypeError: A password that is not a str; fallbacks that are not a list (a str would be one password
                per character).
            UsageError: A weak or mistyped password, the same one twice, or the current one among the fallbacks.
        """
        if not isinstance(fallbacks, list | tuple):
            raise UsageTypeError(
                f"the fallbacks must be a list of passwords, got {type(fallbacks).__name__}. Write [old_password].",
                code="fallbacks_type",
            )
        roots = [derive_root(password), *(_derive_fallback(*numbered) for numbered in enumerate(fallbacks, 1))]
        for error in repetitions(roots):
            raise error
        self._keys = tuple(map(RootKey, roots))

    @property
    def keys(self) -> tuple[RootKey, ...]:
        """The root keys: the current one, then the fallbacks in their order."""
        return self._keys

    @property
    def current(self) -> RootKey:
        """The key that seals."""
        return self._keys[0]

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"KeyRing(<1 password, {len(self) - 1} fallbacks>)"

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        refuse_to_serialise(self)


def repetitions(roots: Sequence[bytes]) -> Iterator[UsageError]:
    """Yield an error for every fallback that is there already: as the password, or as an earlier fallback.

    Args:
        roots: The root of the password, then those of the fallbacks.
    """
    for position, root in enumerate(roots):
        same = roots.index(root)
        if same < position:
            earlier = f"fallback {same}" if same else "the password"
            yield UsageError(
                f"fallback {position} is the same as {earlier}.",
                fix="Remove it.",
                code="fallback_duplicate" if same else "fallback_is_password",
            )


def _derive_fallback(position: int, fallback: str) -> bytes:
    try:
        return derive_root(fallback)
    except UsageError as error:
        problem, fix, code, kind = error.problem, error.fix, error.code, type(error)
    raise kind(f"fallback {position}: {problem}", fix=fix, code=code)

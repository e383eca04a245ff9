"""Public suffixes: names such as ``co.uk`` and ``github.io`` under which strangers register names of their own.

Asked only about a configured Domain, once, at start-up; never about a request's host.

Source: the Public Suffix List, in the copy that the package publicsuffixlist brings along.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def is_public_suffix(domain: str) -> bool:
    """Tell whether browsers refuse a cookie for this Domain.

    The private section of the list counts, as it does in browsers, and so does every top-level name not on the list.

    Args:
        domain: A name in lower-case ASCII, without a dot at either end. An IP address gives no useful answer.

    Raises:
        UsageError: The package that holds the list is missing (``extra_missing``).

    Source: RFC 6265, section 5.3, step 5.
    """
    return _suffixes().is_public(domain)


@cache  # reading the list takes 30 ms
def _suffixes() -> PublicSuffixList:
    try:
        from publicsuffixlist import PublicSuffixList  # of an extra, and slow to load
    except ImportError:
        pass
    else:
        return PublicSuffixList()
    raise UsageError(
        "domain: whether it is a public suffix is looked up in the package publicsuffixlist, which is missing.",
        fix="Run `pip install 'sealed-session[flask]'`.",
        code="extra_missing",
    )

"""The preset dictionary of packing 1: what most tokens and user objects repeat, so that no cookie has to.

Raw DEFLATE carries no dictionary id (RFC 1950 has one, RFC 1951 none): with a wrong dictionary the text would come out
different without an error. So length and SHA-256 are checked once, on import.
"""

from __future__ import annotations

import os
from hashlib import sha256

LENGTH = 5951
SHA256 = "c64eac91f4350fb6e00219b4fa5316ae491fec07133f87f2c17447c428f7add1"


def verified(data: bytes) -> bytes:
    """Return the dictionary, or raise ImportError when these are not its bytes."""
    if len(data) != LENGTH or sha256(data).hexdigest() != SHA256:
        raise ImportError(
            "sealed_session/dictionary/v1.bin is damaged: cookies sealed with it would be unreadable elsewhere. "
            "Reinstall sealed-session; in a checkout, see that no tool rewrites binary files."
        )
    return data


# The loader's own way to read a file beside a module also works inside a zip archive.
DICTIONARY_1 = verified(__spec__.loader.get_data(os.path.join(os.path.dirname(__file__), "v1.bin")))  # type: ignore[union-attr]
"""The bytes. Frozen: another dictionary is another packing."""

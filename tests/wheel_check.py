"""Run by .ci/run in an environment that has the wheel, its two dependencies and nothing else."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from sealed_session import KeyRing, Sealer, Session, generate_password, seal, unseal


def main() -> None:
    """Seal and open from the installed package, and see that every part of it is there."""
    assert "site-packages" in str(importlib.util.find_spec("sealed_session")), "not the installed package"
    for absent in ("flask", "click", "rich", "redis", "httpx2", "jwt"):
        assert importlib.util.find_spec(absent) is None, f"{absent} is installed: this proves nothing"
    password = generate_password()
    session = Session("eyJhbGciOiJub25lIn0.e30.", "refresh", {"id": "user_1"})
    assert unseal(seal(session, password), password) == session
    assert Sealer(KeyRing(password)).measure(session).fits
    command = Path(sys.executable).with_name("sealed-session")
    made = subprocess.run([command, "generate-password"], capture_output=True, text=True, check=True).stdout
    assert made.startswith("ssk1_"), made
    refused = subprocess.run([command, "inspect"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2, refused
    assert "sealed-session[cli]" in refused.stderr, refused
    package = Path(importlib.util.find_spec("sealed_session").origin).parent  # type: ignore[union-attr,arg-type]
    assert (package / "py.typed").is_file()
    assert (package.parent / "flask_ext" / "py.typed").is_file()
    print("wheel: 1 passed, 0 failed")  # noqa: T201


if __name__ == "__main__":
    main()

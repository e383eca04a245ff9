"""Where a benchmark ran: the machine and the version of everything whose speed or output it measured."""

from __future__ import annotations

import os
import platform
import sysconfig
import zlib
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cryptography.hazmat.backends.openssl import backend

import sealed_session

from . import node


@dataclass(frozen=True, slots=True)
class Machine:
    """Versions and hardware. None: not at hand."""

    sealed_session: str
    python: str
    optimised: bool
    cryptography: str | None
    openssl: str
    msgpack: str | None
    zlib: str
    workos: str | None
    joserfc: str | None
    itsdangerous: str | None
    flask: str | None
    werkzeug: str | None
    flask_login: str | None
    node: str | None
    iron_session: str | None
    cpu: str
    cpus: int | None
    platform: str

    def to_mapping(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Say it in four lines, the machine in the last."""
        build = "built with" if self.optimised else "built without"
        return [
            f"{self.python}, {build} --enable-optimizations; sealed-session {self.sealed_session}, "
            f"cryptography {self.cryptography} ({self.openssl}), msgpack {self.msgpack}, zlib {self.zlib}",
            f"Peers: {self.peers() or 'none'}",
            f"Web: {self.web() or 'none'}",
            f"Machine: {self.cpu}, {self.cpus} CPUs, {self.platform}",
        ]

    def peers(self) -> str:
        """Name the peers at hand with their versions."""
        return _listed(
            {
                "workos": self.workos,
                "joserfc": self.joserfc,
                "itsdangerous": self.itsdangerous,
                "iron-session": self.iron_session,
                "Node": self.node,
            }
        )

    def web(self) -> str:
        """Name the web packages at hand with their versions."""
        return _listed({"Flask": self.flask, "Werkzeug": self.werkzeug, "Flask-Login": self.flask_login})


def inspect() -> Machine:
    """Look at this interpreter, its packages and the hardware."""
    return Machine(
        sealed_session=sealed_session.__version__,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        optimised="--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or ""),
        cryptography=_version("cryptography"),
        openssl=backend.openssl_version_text(),
        msgpack=_version("msgpack"),
        zlib=zlib.ZLIB_RUNTIME_VERSION,
        workos=_version("workos"),
        joserfc=_version("joserfc"),
        itsdangerous=_version("itsdangerous"),
        flask=_version("flask"),
        werkzeug=_version("werkzeug"),
        flask_login=_version("flask-login"),
        node=node.version(),
        iron_session=node.package_version("iron-session"),
        cpu=_cpu(),
        cpus=os.cpu_count(),
        platform=f"{platform.system()} {platform.machine()}",
    )


def _listed(named: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {number}" for name, number in named.items() if number)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    """Name the processor. Linux keeps it in a file; elsewhere the platform module has to do."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()

"""The house: nothing imports upward, the core is light, and nothing in the repository points outside it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Every module stands on one floor. A new module is added here on purpose, where its reader sees the whole order.
FLOORS: tuple[tuple[str, ...], ...] = (
    (
        "sealed_session.errors",
        "sealed_session.encoding",
        "sealed_session.arguments",
        "sealed_session.exact_json",
        "sealed_session.tokens",
        "sealed_session.dictionary",
        "sealed_session.dictionary.build_v1",
        "sealed_session.packing",
        "sealed_session.keys",
        "sealed_session.formats",
        "sealed_session.formats.native",
    ),
    (
        "sealed_session.session",
        "sealed_session.passwords",
        "sealed_session.keyring",
        "sealed_session.size",
        "sealed_session.peer_sizes",
        "sealed_session.sealer",
        "sealed_session.hosts",
        "sealed_session.public_suffix",
        "sealed_session.cookie_rules",
        "sealed_session.cookie",
        "sealed_session.transports",
        "sealed_session.reasons",
        "sealed_session.whereabouts",
        "sealed_session.forks",
        "sealed_session.counters",
        "sealed_session.login_state",
    ),
    (
        "sealed_session.providers",
        "sealed_session.refresh",
        "sealed_session.testing",
        "sealed_session.telemetry",
        "sealed_session.pytest_plugin",
        "sealed_session.key_set",
        "sealed_session.jwks",
        "sealed_session.verifier_settings",
        "sealed_session.verifier",
        "sealed_session.cli",
        "sealed_session.__main__",
    ),
    ("flask_ext",),
)
PACKAGES = (
    "sealed_session.providers",
    "sealed_session.refresh",
    "sealed_session.testing",
    "sealed_session.cli",
    "flask_ext",
)
FACADE = "sealed_session"
"""The package itself only re-exports: the floors below it never import it, and everything above may."""


def modules() -> dict[str, Path]:
    """Every module of the two packages."""
    found = {}
    for package in ("sealed_session", "flask_ext"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def floor(module: str) -> int:
    """The floor a module stands on; a package's modules stand where the package does."""
    for number, names in enumerate(FLOORS):
        if module in names or any(module.startswith(name + ".") for name in names if name in PACKAGES):
            return number
    raise AssertionError(f"{module} stands on no floor: add it to FLOORS")


def imports(module: str, path: Path) -> set[str]:
    """The modules of ours that a module imports, wherever in its text."""
    known, package = modules(), module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*base, *(node.module.split(".") if node.module else [])])
            for alias in node.names:
                found.add(f"{origin}.{alias.name}" if f"{origin}.{alias.name}" in known else origin)
    return {name for name in found if name in known} - {module}


@pytest.mark.parametrize("module", sorted(set(modules()) - {FACADE}))
def test_nothing_imports_upward(module: str) -> None:
    """A file imports from its own floor or below."""
    for imported in imports(module, modules()[module]):
        if imported == FACADE:
            assert floor(module) >= 2, f"{module} imports the package that is made of it"
        else:
            assert floor(imported) <= floor(module), f"{module} imports {imported}, which stands above it"


def test_imports_have_no_cycles() -> None:
    """Below the package there is an order in which the modules could be read."""
    graph = {module: imports(module, path) - {FACADE} for module, path in modules().items() if module != FACADE}
    read: set[str] = set()
    while ready := {module for module, needed in graph.items() if module not in read and needed <= read}:
        read |= ready
    assert set() == set(graph) - read


def run(code: str) -> str:
    """Run code in an interpreter of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_core_loads_nothing_but_its_two_dependencies() -> None:
    """Every other library that is installed stays out, and of the standard library what is slow to load."""
    theirs = run(
        "import sys, msgpack, zlib, hmac, json, dataclasses\n"
        "import cryptography.hazmat.primitives.ciphers.aead, cryptography.hazmat.primitives.hmac\n"
        "import cryptography.hazmat.primitives.kdf.scrypt\n"
        "print(*sys.modules)"
    ).split()
    ours = run("import sys, sealed_session; print(*sys.modules)").split()
    added = {name for name in set(ours) - set(theirs) if not name.startswith("sealed_session")}
    assert {name.partition(".")[0] for name in added} <= sys.stdlib_module_names
    assert set() == added & {"logging", "difflib", "pathlib", "importlib.resources", "random", "asyncio"}


def test_the_packages_are_typed() -> None:
    """Both carry the marker of PEP 561."""
    for package in ("sealed_session", "flask_ext"):
        assert (ROOT / package / "py.typed").is_file()


def test_every_public_name_is_described() -> None:
    """What ``__all__`` names has a docstring."""
    import sealed_session

    assert len(sealed_session.__all__) > 15
    for name in sealed_session.__all__:
        assert (getattr(sealed_session, name).__doc__ or "").strip(), name

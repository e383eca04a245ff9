"""A reader in another language, written from docs/FORMAT.md alone, opens what we seal and refuses what we refuse."""

from __future__ import annotations

import json
from pathlib import Path

from sealed_session import KeyRing, Sealer, generate_password
from tests.conftest import SAMPLES
from tests.programs import needs_node, node

HERE = Path(__file__).parent
VECTORS = HERE.parent / "vectors" / "native_v1.json"


@needs_node
def test_it_agrees_on_every_vector() -> None:
    """Every session, and every code of a failure."""
    vectors = json.loads(VECTORS.read_text(encoding="ascii"))
    result = json.loads(node(str(HERE / "run_vectors.mjs"), str(VECTORS)))
    assert {"passed": sum(len(vectors[kind]) for kind in ("seal", "open", "fail")), "failed": []} == result


OPEN = """
import { unseal } from './reader.mjs';
let text = '';
for await (const chunk of process.stdin) text += chunk;
const { sealed, password } = JSON.parse(text);
const opened = sealed.map((value) => unseal(value, { passwords: [password], name: 'sealed-session' }));
console.log(JSON.stringify(opened.map(({ session, json }) => ({ ...session, user: JSON.parse(json.user) }))));
"""


@needs_node
def test_it_opens_what_this_zlib_deflates(tmp_path: Path) -> None:
    """Freshly sealed and compressed here, inflated there."""
    password = generate_password()
    sealer = Sealer(KeyRing(password))
    program = tmp_path / "open.mjs"
    program.write_text(OPEN.replace("./reader.mjs", (HERE / "reader.mjs").as_uri()), encoding="utf-8")
    sealed = [sealer.seal(session) for session in SAMPLES.values()]
    opened = json.loads(node(str(program), text=json.dumps({"sealed": sealed, "password": password})))
    for session, other in zip(SAMPLES.values(), opened, strict=True):
        assert {key: session[key] for key in ("access_token", "refresh_token", "user")} == other

"""An environment for each peer, from `requirements-<peer>.txt`: made once, and again when that file changes."""

import os
import subprocess
import sys
from pathlib import Path

_BENCH = Path(__file__).resolve().parent


def peer_python(peer: str) -> str:
    """The Python of a peer's environment, which is made where it is not there."""
    folder, requirements = _BENCH / ".venvs" / peer, _BENCH / f"requirements-{peer}.txt"
    python, made_from = folder / "bin/python", folder / "made-from.txt"
    wanted = requirements.read_text()
    if not made_from.exists() or made_from.read_text() != wanted:
        print(f"making the environment of {peer}", flush=True)
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)], check=True)
        # Compiled now: else the first job would pay for it.
        install = [uv, "pip", "install", "-q", "--no-deps", "--compile-bytecode", "--python", str(python)]
        subprocess.run([*install, "-r", str(requirements)], check=True)
        made_from.write_text(wanted)
    return str(python)


def peer_environment(caches: Path) -> dict[str, str]:
    """The environment variables of a peer's job: none of our packages, no hub to ask, caches that go."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return kept | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(caches), "PYTHONPATH": str(_BENCH)}

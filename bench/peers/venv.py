"""A venv of its own for the programs that use other projects' detectors, from a lock with hashes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LOCK = HERE.parents[1] / "requirements-peers.lock"
VENV = Path("build") / "bench-venv"


def python() -> Path:
    """Its interpreter; the venv is made, or brought to what the lock says, first."""
    found, made = VENV / "bin" / "python", VENV / LOCK.name
    if not made.exists() or made.read_text() != LOCK.read_text():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(VENV)], check=True)
        # the lock leaves out a library of graphics cards, which is larger than all the rest: hence --no-deps
        install = [uv, "pip", "install", "-q", "--python", str(found), "--no-deps", "--require-hashes", "-r", str(LOCK)]
        subprocess.run(install, check=True)
        made.write_text(LOCK.read_text())
    return found


def told(program: str, *words: str) -> Any:
    """What a program of this directory prints, as JSON."""
    command = [str(python()), str(HERE / program), *words]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)

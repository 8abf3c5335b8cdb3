"""Ending a lab, running or dead, and taking away all it left on the machine."""

import json
import shutil
from pathlib import Path

from lab import cgroups, iptables, network, procs
from lab.configs import CNI_NETWORK
from lab.progress import say
from lab.settings import Settings
from lab.system import run

# The kubelet and containerd use these fixed places whatever their roots are.
_FIXED = (
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/lib/cni",
    "/run/containerd",
    "/opt/cni",
    "/var/log/pods",
)


def fixed_places() -> list[str]:
    """Those fixed places that were there before the lab came."""
    return [path for path in _FIXED if Path(path).exists()]


def mounts_below(mountinfo: str, roots: list[Path]) -> list[str]:
    """Mount points below any of the roots, the innermost first."""
    points = [line.split()[4].replace("\\040", " ") for line in mountinfo.splitlines()]
    ours = [point for point in points if any(Path(point).is_relative_to(root) for root in roots)]
    return sorted(ours, key=lambda point: point.count("/"), reverse=True)


def is_shim(cmdline: str, socket: str) -> bool:
    """Whether a NUL-separated command line is a containerd shim of ours."""
    words = cmdline.split("\0")
    return Path(words[0]).name.startswith("containerd-shim") and socket in words


def _shims(settings: Settings) -> list[procs.Identity]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            mine = is_shim((entry / "cmdline").read_text(), str(settings.containerd_socket))
        except (OSError, UnicodeDecodeError):
            continue
        if mine and (one := procs.identify(int(entry.name))):
            found.append(one)
    return found


def _roots(settings: Settings) -> list[Path]:
    return [settings.state, settings.run, settings.buildah_run]


def _mounted(settings: Settings) -> list[str]:
    return mounts_below(Path("/proc/self/mountinfo").read_text(), _roots(settings))


def _unmount(settings: Settings) -> None:
    for point in _mounted(settings):
        run(["umount", "-l", point], check=False)


def end_processes(settings: Settings) -> None:
    """End everything that was started, containers and shims included; files stay."""
    started = {**procs.recorded(settings.state / "jobs"), **procs.recorded(settings.state / "pids")}
    # First what would restart or report containers, then the containers, then what held them.
    procs.end([one for name, one in started.items() if name != "etcd"])
    procs.end(cgroups.processes(), grace=1.0)
    procs.end(_shims(settings))
    procs.end(started.values())


def _shim_sockets(settings: Settings) -> None:
    # Shims keep their sockets in a place that all containerds share; the bundle says which are ours.
    for record in (settings.run / "containerd").rglob("bootstrap.json"):
        try:
            address = json.loads(record.read_text())["address"]
        except (OSError, ValueError, KeyError):
            continue
        Path(address.removeprefix("unix://")).unlink(missing_ok=True)


def _outside(settings: Settings) -> None:
    """Files in fixed places that are ours by name or by target."""
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and str(settings.state) in str(link.readlink()):
            link.unlink()
    for result in Path("/var/lib/cni").rglob(f"{CNI_NETWORK}-*"):
        result.unlink(missing_ok=True)
    before = settings.state / "fixed-places"
    if before.exists():
        for path in set(_FIXED) - set(before.read_text().split()):
            shutil.rmtree(path, ignore_errors=True)


def exists(settings: Settings) -> bool:
    """Whether a lab, or what is left of one, is on this machine."""
    return settings.state.exists() or settings.run.exists() or network.bridge_exists()


def clear(settings: Settings) -> None:
    """End every process of the lab and remove all it made but its cache. Needs root.

    Safe to run on a lab that was killed at any point, or after a reboot.
    """
    end_processes(settings)
    _shim_sockets(settings)
    _unmount(settings)
    if exists(settings):
        network.remove(settings)
    cgroups.remove()
    _outside(settings)
    for root in _roots(settings):
        # Never through a mount that would not go: it may be a directory of the host's.
        if not any(Path(point).is_relative_to(root) for point in _mounted(settings)):
            shutil.rmtree(root, ignore_errors=True)
    for trace in leftovers(settings):
        say(f"still there: {trace}")


def leftovers(settings: Settings) -> list[str]:
    """What of a lab is on the machine now, each named for a person."""
    found = [f"mount {point}" for point in _mounted(settings)]
    found += [f"cgroup {path}" for path in cgroups.left()]
    found += [f"shim, pid {one.pid}" for one in _shims(settings)]
    found += [f"directory {root}" for root in _roots(settings) if root.exists()]
    found += ["bridge"] if network.bridge_exists() else []
    return found + [f"iptables: {table}" for table in iptables.leftovers()]

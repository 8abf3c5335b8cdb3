"""Debian packages that the lab needs, installed when they are missing."""

import shutil
from collections.abc import Collection
from pathlib import Path

from lab.progress import say
from lab.system import LabError, as_root, path_with_sbin, run

# A file or program of each package → the package.
PROGRAMS = {
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "openssl": "openssl",
    "docker-registry": "docker-registry",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "mount": "mount",
}
CNI_DIRECTORIES = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
_CNI_PACKAGE = "containernetworking-plugins"


def cni_directory() -> Path | None:
    """Where the `ptp` plugin is, if anywhere."""
    return next((path for path in CNI_DIRECTORIES if (path / "ptp").exists()), None)


def find(program: str) -> str:
    """The path of an installed program. Raises LabError where it is missing."""
    path = shutil.which(program, path=path_with_sbin())
    if path is None:
        raise LabError(f"{program} is not installed")
    return path


def missing(names: Collection[str] = (*PROGRAMS, _CNI_PACKAGE)) -> list[str]:
    """Packages, of those named, whose programs are not on this machine."""
    lacking = [name for name in names if name in PROGRAMS and not shutil.which(name, path=path_with_sbin())]
    plugins = [_CNI_PACKAGE] if _CNI_PACKAGE in names and not cni_directory() else []
    return [PROGRAMS[name] for name in lacking] + plugins


def install(*names: str) -> None:
    """Install what is missing of the named programs, by default of all.

    Raises LabError naming the packages where that cannot be done.
    """
    packages = missing(names) if names else missing()
    if not packages:
        return
    if not shutil.which("apt-get"):
        raise LabError(f"install these with your package manager: {', '.join(packages)}")
    say(f"installing {', '.join(packages)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    argv = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    try:
        run(as_root(["apt-get", "update", "-q"]), env=quiet)
        run(as_root(argv), env=quiet)
    except LabError as error:
        raise LabError(f"cannot install {', '.join(packages)}: {error}") from error
    if "docker-registry" in packages and Path("/run/systemd/system").exists():
        # Its package starts a registry of its own, which is not ours to leave behind.
        run(as_root(["systemctl", "disable", "--now", "docker-registry"]), check=False)
    say("Debian packages installed")

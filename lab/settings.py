"""What the lab is made of: versions, networks, places, and what the environment may change."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
BUILD = REPO / "build"

NODE = "kglab"
BRIDGE = "kglab0"
GATEWAY = "10.222.0.1"
POD_CIDR = "10.222.0.0/24"
SERVICE_CIDR = "10.223.0.0/24"
SERVICE_IP = "10.223.0.1"
# Marks our own iptables rules, so that cleaning finds them and nothing else.
COMMENT = "knowngood-lab"


@dataclass(frozen=True)
class Settings:
    """Places and choices of one lab; all paths absolute.

    state: everything a running lab owns on disk, gone after `down`.
    run: sockets and namespaces, on a tmpfs, gone after `down` and after a reboot.
    cache: what is slow to make (binaries, base image, registry), kept.
    base_image: a public image used instead of the debootstrap one, or "".
    scrape_interval: Prometheus duration between two scrapes.
    snapshotter: containerd's; `native` where overlayfs is not to be had.
    storage_driver: buildah's; `vfs` where overlay is not to be had.
    """

    state: Path
    run: Path
    cache: Path
    base_image: str = ""
    scrape_interval: str = "2s"
    snapshotter: str = "overlayfs"
    storage_driver: str = "overlay"

    @property
    def bin(self) -> Path:
        """Where built programs are kept, one directory a tool and version."""
        return self.cache / "bin"

    @property
    def logs(self) -> Path:
        """One log file a component."""
        return self.state / "logs"

    @property
    def pki(self) -> Path:
        """Certificates, keys and tokens; readable by root only."""
        return self.state / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.state / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """The apiserver's audit log, JSON lines."""
        return self.state / "audit" / "audit.log"

    @property
    def buildah_run(self) -> Path:
        """buildah's volatile state; not below `run`, since images may be built before a lab runs."""
        return self.run.with_name(f"{self.run.name}-buildah")

    @property
    def containerd_socket(self) -> Path:
        """containerd's address; it also marks our shims among others."""
        return self.run / "containerd.sock"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment (`KNOWNGOOD_LAB_*`), defaults elsewhere."""
    env = os.environ if environ is None else environ
    home = Path(env.get("HOME") or Path.home())
    cache = Path(env.get("XDG_CACHE_HOME") or home / ".cache") / "knowngood-lab"
    return Settings(
        state=Path(env.get("KNOWNGOOD_LAB_STATE") or "/var/lib/knowngood-lab").absolute(),
        run=Path(env.get("KNOWNGOOD_LAB_RUN") or "/run/knowngood-lab").absolute(),
        cache=Path(env.get("KNOWNGOOD_LAB_CACHE") or cache).absolute(),
        base_image=env.get("KNOWNGOOD_LAB_BASE", ""),
        scrape_interval=env.get("KNOWNGOOD_LAB_SCRAPE_INTERVAL") or "2s",
        snapshotter=env.get("KNOWNGOOD_LAB_SNAPSHOTTER") or "overlayfs",
        storage_driver=env.get("KNOWNGOOD_LAB_STORAGE_DRIVER") or "overlay",
    )

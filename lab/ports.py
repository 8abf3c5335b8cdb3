"""Free ports, remembered while the lab runs."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

# Below the ephemeral range and below NodePorts, so that nothing takes one between choice and use.
PREFERRED = {
    "apiserver": 26443,
    "etcd": 22379,
    "etcd-peer": 22380,
    "controller-manager": 20257,
    "scheduler": 20259,
    "kubelet": 20250,
    "kubelet-healthz": 20248,
    "proxy-healthz": 20256,
    "proxy-metrics": 20249,
    "registry": 25000,
    "prometheus": 29090,
}
_LAST = 29999


def is_free(port: int) -> bool:
    """Whether every address of this machine could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True


def choose(preferred: dict[str, int], free: Callable[[int], bool]) -> dict[str, int]:
    """A distinct free port for each name: the preferred one, or the next above it.

    Raises RuntimeError when nothing is free up to 29999.
    """
    wanted = set(preferred.values())
    chosen: dict[str, int] = {}
    for name, first in preferred.items():
        others = wanted - {first}
        for port in range(first, _LAST + 1):
            if port not in others and port not in chosen.values() and free(port):
                chosen[name] = port
                break
        else:
            raise RuntimeError(f"no free port for {name} in {first}-{_LAST}")
    return chosen


def remembered(path: Path) -> dict[str, int] | None:
    """The ports of the lab that runs, or None."""
    try:
        ports = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return ports if isinstance(ports, dict) and set(PREFERRED) <= set(ports) else None


def allot(path: Path) -> dict[str, int]:
    """Choose ports and remember them at `path`."""
    ports = choose(PREFERRED, is_free)
    path.write_text(json.dumps(ports))
    return ports

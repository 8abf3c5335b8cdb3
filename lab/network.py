"""The lab's gateway address, and the kernel settings that it changes and puts back."""

import json
from pathlib import Path

from lab import iptables
from lab.settings import BRIDGE, GATEWAY, POD_CIDR, Settings
from lab.system import run

_SYS = Path("/proc/sys")
# Set by us (ip_forward) or by the kubelet and kube-proxy as they start.
_CHANGED = (
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/route_localnet",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)


def _saved(settings: Settings) -> Path:
    return settings.state / "sysctl.json"


def make(settings: Settings) -> None:
    """The bridge with the gateway address, forwarding, our rules."""
    before = {name: (_SYS / name).read_text().strip() for name in _CHANGED if (_SYS / name).exists()}
    _saved(settings).write_text(json.dumps(before))
    run(["ip", "link", "add", BRIDGE, "type", "bridge"])
    run(["ip", "address", "add", f"{GATEWAY}/{POD_CIDR.rpartition('/')[2]}", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])
    (_SYS / "net/ipv4/ip_forward").write_text("1")
    iptables.add()


def bridge_exists() -> bool:
    """Whether the lab's bridge is there."""
    return Path("/sys/class/net", BRIDGE).exists()


def remove(settings: Settings) -> None:
    """Undo `make`, and what kube-proxy added; nothing where nothing is left."""
    iptables.remove()
    if bridge_exists():
        run(["ip", "link", "delete", BRIDGE])
    for side in ("-s", "-d"):
        run(["conntrack", "-D", side, POD_CIDR], check=False)
    if _saved(settings).exists():
        for name, value in json.loads(_saved(settings).read_text()).items():
            (_SYS / name).write_text(value)
        _saved(settings).unlink()

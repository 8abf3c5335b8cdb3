"""The lab's packet filter rules: made once, and found again to be removed."""

import shutil

from lab.settings import COMMENT, POD_CIDR
from lab.system import path_with_sbin, run

_TABLES = ("mangle", "nat", "filter")
_PREFIXES = ("KUBE-", "CNI-")


def _mark(*rule: str) -> list[str]:
    return [*rule, "-m", "comment", "--comment", COMMENT]


# Pods reach the world behind our address, and each other where a firewall drops forwarded packets.
RULES = (
    ["-t", "nat", "-A", "POSTROUTING", *_mark("-s", POD_CIDR, "!", "-d", POD_CIDR), "-j", "MASQUERADE"],
    ["-t", "filter", "-I", "FORWARD", *_mark("-s", POD_CIDR), "-j", "ACCEPT"],
    ["-t", "filter", "-I", "FORWARD", *_mark("-d", POD_CIDR), "-j", "ACCEPT"],
)


def add() -> None:
    """Add our own rules."""
    for rule in RULES:
        run(["iptables", "-w", *rule])


def kube_chains(saved: str) -> list[str]:
    """Names of kube-proxy's, the kubelet's and CNI's chains in an iptables-save text."""
    names = [line[1:].split()[0] for line in saved.splitlines() if line.startswith(":")]
    return [name for name in names if name.startswith(_PREFIXES)]


def _is_ours(rule: str) -> bool:
    words = rule.split()
    jumps = [words[place + 1] for place, word in enumerate(words[:-1]) if word in ("-j", "-g")]
    return any(target.startswith(_PREFIXES) for target in jumps) or COMMENT in rule


def cleanup_script(table: str, saved: str) -> str:
    """What `iptables-restore --noflush` has to read so that only foreign rules stay; "" if nothing."""
    chains = kube_chains(saved)
    rules = [line for line in saved.splitlines() if line.startswith("-A ")]
    builtin = [rule for rule in rules if rule.split()[1] not in chains and _is_ours(rule)]
    if not chains and not builtin:
        return ""
    flush = [f":{chain} - [0:0]" for chain in chains]
    return "\n".join(
        [
            f"*{table}",
            *flush,
            *(rule.replace("-A ", "-D ", 1) for rule in builtin),
            *(f"-X {chain}" for chain in chains),
            "COMMIT",
            "",
        ]
    )


def _families() -> list[str]:
    return [name for name in ("iptables", "ip6tables") if shutil.which(name, path=path_with_sbin())]


def kubernetes_present() -> bool:
    """Whether some kube-proxy's chains are in the NAT table."""
    return "KUBE-SERVICES" in kube_chains(run(["iptables-save", "-t", "nat"], check=False))


def leftovers() -> list[str]:
    """Tables that still hold rules or chains that cleaning would take away."""
    return [
        f"{family} {table}"
        for family in _families()
        for table in _TABLES
        if cleanup_script(table, run([f"{family}-save", "-t", table], check=False))
    ]


def remove() -> None:
    """Take away every rule and chain of a lab; others' stay."""
    for family in _families():
        for table in _TABLES:
            script = cleanup_script(table, run([f"{family}-save", "-t", table], check=False))
            if script:
                run([f"{family}-restore", "-w", "--noflush"], stdin=script)

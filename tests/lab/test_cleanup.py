"""Cleaning: what is ours is listed, what is another's is not."""

from pathlib import Path

from lab import cgroups, cleanup, iptables

MOUNTS = """\
24 1 8:1 / / rw - ext4 /dev/vda rw
90 24 0:50 / /var/lib/knowngood-lab/kubelet/pods/a/volumes/token rw - tmpfs tmpfs rw
91 24 0:51 / /run/knowngood-lab/containerd/x/rootfs rw - overlay overlay rw
92 91 0:52 / /run/knowngood-lab/containerd/x/rootfs/inner\\040one rw - tmpfs tmpfs rw
93 24 0:53 / /var/lib/knowngood-lab-of-another rw - tmpfs tmpfs rw
94 24 0:54 / /run/containerd/y rw - overlay overlay rw
31 24 0:28 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu
32 24 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""
ROOTS = [Path("/var/lib/knowngood-lab"), Path("/run/knowngood-lab")]

NAT = """\
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-X - [0:0]
:CNI-abc - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 10.222.0.0/24 ! -d 10.222.0.0/24 -m comment --comment knowngood-lab -j MASQUERADE
-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
-A KUBE-SERVICES -d 10.223.0.1/32 -j KUBE-SVC-X
COMMIT
"""


def test_only_mounts_below_our_roots_innermost_first() -> None:
    assert cleanup.mounts_below(MOUNTS, ROOTS) == [
        "/var/lib/knowngood-lab/kubelet/pods/a/volumes/token",
        "/run/knowngood-lab/containerd/x/rootfs/inner one",
        "/run/knowngood-lab/containerd/x/rootfs",
    ]


def test_cgroup_hierarchies_of_both_versions() -> None:
    assert cgroups.mounts(MOUNTS) == [Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup/unified")]


def test_a_shim_is_ours_only_by_our_socket() -> None:
    line = "/x/containerd-shim-runc-v2\0-namespace\0k8s.io\0-address\0{}\0"
    ours = "/run/knowngood-lab/containerd.sock"
    assert cleanup.is_shim(line.format(ours), ours)
    assert not cleanup.is_shim(line.format("/run/containerd/containerd.sock"), ours)
    assert not cleanup.is_shim(f"cat\0{ours}\0", ours)


def test_the_script_takes_our_rules_and_chains_and_leaves_others() -> None:
    assert iptables.cleanup_script("nat", NAT).splitlines() == [
        "*nat",
        ":KUBE-SERVICES - [0:0]",
        ":KUBE-SVC-X - [0:0]",
        ":CNI-abc - [0:0]",
        '-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        "-D POSTROUTING -s 10.222.0.0/24 ! -d 10.222.0.0/24 -m comment --comment knowngood-lab -j MASQUERADE",
        "-X KUBE-SERVICES",
        "-X KUBE-SVC-X",
        "-X CNI-abc",
        "COMMIT",
    ]


def test_a_clean_table_needs_no_script() -> None:
    rule = "-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE"
    clean = f"*nat\n:POSTROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n{rule}\nCOMMIT\n"
    assert iptables.cleanup_script("nat", clean) == ""
    assert iptables.cleanup_script("nat", "") == ""

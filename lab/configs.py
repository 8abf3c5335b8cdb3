"""Configuration files of the components, rendered from settings and ports."""

import json
from pathlib import Path

import yaml

from lab import pause
from lab.pki import kubeconfig_of
from lab.settings import GATEWAY, POD_CIDR, Settings

CGROUP = "/kglab"
CNI_NETWORK = "kglab"


def containerd(settings: Settings, runc: str, cni: Path) -> str:
    """containerd's TOML: everything below the lab's own directories."""
    state = settings.state / "containerd"
    return f"""\
version = 3
root = "{state}/root"
state = "{settings.run}/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "{settings.containerd_socket}"
[ttrpc]
  address = "{settings.run}/containerd.ttrpc.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "{state}/opt"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "{settings.snapshotter}"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{pause.NAME}"
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "{state}/certs.d"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  BinaryName = "{runc}"
  Root = "{settings.run}/runc"
  SystemdCgroup = false
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["{cni}"]
  conf_dir = "{state}/cni"
"""


def hosts(registry: str) -> str:
    """How containerd reaches the lab's registry: plain http."""
    return f'server = "http://{registry}"\n[host."http://{registry}"]\n  capabilities = ["pull", "resolve"]\n'


def cni(settings: Settings) -> str:
    """The pod network: a routed pair a pod, so that Services need no bridge netfilter."""
    ipam = {
        "type": "host-local",
        "dataDir": f"{settings.run}/ipam",
        "ranges": [[{"subnet": POD_CIDR, "gateway": GATEWAY}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugin = {"type": "ptp", "ipMasq": False, "ipam": ipam}
    return json.dumps({"cniVersion": "1.0.0", "name": CNI_NETWORK, "plugins": [plugin]})


def kubelet(settings: Settings, ports: dict[str, int]) -> str:
    """The kubelet's configuration."""
    resolved = Path("/run/systemd/resolve/resolv.conf")
    return yaml.safe_dump(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": GATEWAY,
            "port": ports["kubelet"],
            "healthzBindAddress": "127.0.0.1",
            "healthzPort": ports["kubelet-healthz"],
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(settings.pki / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupRoot": CGROUP,
            "cgroupDriver": "cgroupfs",
            "failCgroupV1": False,
            "failSwapOn": False,
            "localStorageCapacityIsolation": False,
            "containerRuntimeEndpoint": f"unix://{settings.containerd_socket}",
            "evictionHard": {
                "memory.available": "50Mi",
                "nodefs.available": "200Mi",
                "imagefs.available": "200Mi",
            },
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "makeIPTablesUtilChains": False,
            "maxPods": 200,
            "podLogsDir": f"{settings.state}/pod-logs",
            "resolvConf": str(resolved) if resolved.exists() else "/etc/resolv.conf",
            "serializeImagePulls": False,
            "volumePluginDir": f"{settings.state}/kubelet/volume-plugins",
        }
    )


def proxy(settings: Settings, ports: dict[str, int]) -> str:
    """kube-proxy's configuration: iptables, and no conntrack sysctl that a container may not set."""
    return yaml.safe_dump(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "clusterCIDR": POD_CIDR,
            "clientConnection": {"kubeconfig": str(kubeconfig_of(settings, "system:kube-proxy"))},
            "conntrack": {"maxPerCore": 0, "min": 0},
            "iptables": {"localhostNodePorts": False, "minSyncPeriod": "0s"},
            "healthzBindAddress": f"127.0.0.1:{ports['proxy-healthz']}",
            "metricsBindAddress": f"127.0.0.1:{ports['proxy-metrics']}",
        }
    )


def registry(settings: Settings, ports: dict[str, int]) -> str:
    """The image registry's configuration; what it holds outlives the lab."""
    return yaml.safe_dump(
        {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": f"{settings.cache}/registry"},
                "delete": {"enabled": True},
            },
            "http": {"addr": f"{GATEWAY}:{ports['registry']}"},
        }
    )


_WRITES = ["create", "update", "patch", "delete", "deletecollection"]


def audit() -> str:
    """The audit policy: who changed what of workloads and of our resources, with both bodies."""
    ours = [{"group": "apps"}, {"group": "knowngood.dev"}]
    leases = [{"group": "coordination.k8s.io", "resources": ["leases"]}]
    return yaml.safe_dump(
        {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [
                {"level": "RequestResponse", "resources": ours, "verbs": _WRITES},
                {"level": "Metadata", "resources": leases},
                # Bodies of reads would bury the writes: a list of 10,000 objects is one line.
                {"level": "Metadata", "resources": ours},
                {"level": "Metadata", "verbs": _WRITES},
                {"level": "None"},
            ],
        }
    )

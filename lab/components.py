"""The command line of each component."""

from dataclasses import dataclass
from pathlib import Path

from lab import configs, debian, prometheus
from lab.pki import kubeconfig_of
from lab.settings import GATEWAY, NODE, SERVICE_CIDR, Settings
from lab.system import LabError
from lab.tools.catalogue import CONTAINERD, ETCD, KUBERNETES_MODULE, PROMETHEUS, Module
from lab.tools.find import locate


@dataclass(frozen=True)
class Component:
    """A program to run: `flags` follow the program's path."""

    name: str
    program: Path
    flags: list[str]

    @property
    def argv(self) -> list[str]:
        """The whole command line."""
        return [str(self.program), *self.flags]


class Catalogue:
    """Makes each component of one lab, writing the configuration it needs."""

    def __init__(self, settings: Settings, ports: dict[str, int]) -> None:
        self._settings, self._ports = settings, ports

    def _program(self, module: Module, name: str) -> Path:
        return locate(self._settings.bin, module, name)

    def _write(self, relative: str, text: str) -> str:
        path = self._settings.state / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def etcd(self) -> Component:
        """etcd on loopback, without fsync: the lab's data die with it."""
        client = f"http://127.0.0.1:{self._ports['etcd']}"
        peer = f"http://127.0.0.1:{self._ports['etcd-peer']}"
        flags = [
            f"--data-dir={self._settings.state}/etcd",
            "--name=kglab",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=kglab={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]
        return Component("etcd", self._program(ETCD, "etcd"), flags)

    def containerd(self) -> Component:
        """containerd with its CRI plugin."""
        plugins = debian.cni_directory()
        if plugins is None:
            raise LabError("no CNI plugins: install containernetworking-plugins")
        registry = f"{GATEWAY}:{self._ports['registry']}"
        self._write("containerd/cni/10-kglab.conflist", configs.cni(self._settings))
        self._write(f"containerd/certs.d/{registry}/hosts.toml", configs.hosts(registry))
        runc = debian.find("runc")
        config = self._write("containerd/config.toml", configs.containerd(self._settings, runc, plugins))
        return Component("containerd", self._program(CONTAINERD, "containerd"), [f"--config={config}"])

    def registry(self) -> Component:
        """The image registry."""
        config = self._write("registry.yaml", configs.registry(self._settings, self._ports))
        return Component("registry", Path(debian.find("docker-registry")), ["serve", config])

    def apiserver(self) -> Component:
        """The API server, on an address that pods reach."""
        pki = self._settings.pki
        self._settings.audit_log.parent.mkdir(parents=True, exist_ok=True)
        flags = {
            "advertise-address": GATEWAY,
            "bind-address": GATEWAY,
            "secure-port": self._ports["apiserver"],
            "etcd-servers": f"http://127.0.0.1:{self._ports['etcd']}",
            "service-cluster-ip-range": SERVICE_CIDR,
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": pki / "sa.pub",
            "service-account-signing-key-file": pki / "sa.key",
            "authorization-mode": "Node,RBAC",
            "enable-admission-plugins": "NodeRestriction",
            "allow-privileged": "true",
            "client-ca-file": pki / "ca.crt",
            "tls-cert-file": pki / "apiserver.crt",
            "tls-private-key-file": pki / "apiserver.key",
            "token-auth-file": pki / "tokens.csv",
            "kubelet-preferred-address-types": "InternalIP",
            "kubelet-client-certificate": pki / "kubelet-client.crt",
            "kubelet-client-key": pki / "kubelet-client.key",
            "audit-policy-file": self._write("audit/policy.yaml", configs.audit()),
            "audit-log-path": self._settings.audit_log,
        }
        return self._kubernetes("apiserver", "kube-apiserver", flags)

    def controller_manager(self) -> Component:
        """The controller manager."""
        own = kubeconfig_of(self._settings, "system:kube-controller-manager")
        flags = {
            **self._client(own),
            "secure-port": self._ports["controller-manager"],
            "root-ca-file": self._settings.state / "ca.crt",
            "service-account-private-key-file": self._settings.pki / "sa.key",
            "use-service-account-credentials": "true",
        }
        return self._kubernetes("controller-manager", "kube-controller-manager", flags)

    def scheduler(self) -> Component:
        """The scheduler."""
        own = kubeconfig_of(self._settings, "system:kube-scheduler")
        flags = {**self._client(own), "secure-port": self._ports["scheduler"]}
        return self._kubernetes("scheduler", "kube-scheduler", flags)

    def _client(self, kubeconfig: Path) -> dict[str, object]:
        return {
            "kubeconfig": kubeconfig,
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "bind-address": "127.0.0.1",
            "cert-dir": self._settings.state / "certs",
            "leader-elect": "false",
        }

    def kubelet(self) -> Component:
        """The kubelet of the only node."""
        flags: dict[str, object] = {
            "config": self._write("kubelet.yaml", configs.kubelet(self._settings, self._ports)),
            "kubeconfig": kubeconfig_of(self._settings, f"system:node:{NODE}"),
            "hostname-override": NODE,
            "node-ip": GATEWAY,
            "root-dir": self._settings.state / "kubelet",
            "cert-dir": self._settings.state / "kubelet" / "pki",
        }
        return self._kubernetes("kubelet", "kubelet", flags)

    def proxy(self) -> Component:
        """kube-proxy: Services by iptables."""
        config = self._write("proxy.yaml", configs.proxy(self._settings, self._ports))
        return self._kubernetes("proxy", "kube-proxy", {"config": config, "hostname-override": NODE})

    def prometheus(self) -> Component:
        """Prometheus, its storage as short-lived as the lab."""
        address = f"{GATEWAY}:{self._ports['prometheus']}"
        kubeconfig = str(kubeconfig_of(self._settings, "knowngood-lab:prometheus"))
        text = prometheus.config(self._settings.scrape_interval, kubeconfig, address)
        flags = [
            f"--config.file={self._write('prometheus.yaml', text)}",
            f"--storage.tsdb.path={self._settings.state}/prometheus",
            f"--web.listen-address={address}",
            "--web.enable-lifecycle",
            "--web.enable-remote-write-receiver",
            "--enable-feature=exemplar-storage",
            # New pods are scraped a second after they have an address, not five.
            "--scrape.discovery-reload-interval=1s",
        ]
        return Component("prometheus", self._program(PROMETHEUS, "prometheus"), flags)

    def _kubernetes(self, name: str, program: str, flags: dict[str, object]) -> Component:
        words = [f"--{flag}={value}" for flag, value in flags.items()]
        return Component(name, self._program(KUBERNETES_MODULE, program), words)

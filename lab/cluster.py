"""Starting the components in order, each waited for by asking it."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lab import pause, procs
from lab.components import Catalogue, Component
from lab.probes import Api, answers
from lab.progress import say
from lab.settings import GATEWAY, Settings
from lab.system import LabError, path_with_sbin, run, tail
from lab.tools.catalogue import CONTAINERD, PAUSE
from lab.tools.find import locate

_PATIENCE = 120.0

_RBAC = "rbac.authorization.k8s.io"
_READER = {"name": "knowngood-lab-prometheus"}
_PROMETHEUS_ROLE = {
    "metadata": _READER,
    "rules": [{"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]}],
}
_PROMETHEUS_BINDING = {
    "metadata": _READER,
    "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", **_READER},
    "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": "knowngood-lab:prometheus"}],
}


def _grant(api: Api) -> bool:
    """Let Prometheus see pods; False until both objects are there."""
    wanted = {"clusterroles": _PROMETHEUS_ROLE, "clusterrolebindings": _PROMETHEUS_BINDING}
    path = f"/apis/{_RBAC}/v1"
    return all(
        api.call("GET", f"{path}/{kind}/{_READER['name']}") or api.call("POST", f"{path}/{kind}", body)
        for kind, body in wanted.items()
    )


@dataclass
class Cluster:
    """The components of one lab while they start."""

    settings: Settings
    ports: dict[str, int]
    started: dict[str, procs.Identity] = field(default_factory=dict)

    def start(self, component: Component) -> None:
        """Start a component and record it, so that `down` finds it even if we die now."""
        # containerd looks for its shim on PATH.
        shim = locate(self.settings.bin, CONTAINERD, "containerd-shim-runc-v2")
        path = f"{shim.parent}:{path_with_sbin()}"
        log = self.settings.logs / f"{component.name}.log"
        identity = procs.launch(component.argv, log, {**os.environ, "PATH": path})
        procs.save(self.settings.state / "pids", component.name, identity)
        self.started[component.name] = identity

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait for a condition. Raises LabError when a component dies meanwhile or it takes over 120 s."""

        def over() -> bool:
            self.check()
            return condition()

        if not procs.wait_for(over, _PATIENCE):
            raise LabError(f"{what} took longer than {_PATIENCE:.0f} s; logs are in {self.settings.logs}")
        say(what)

    def check(self) -> None:
        """Raise LabError with the last lines of the log of a component that died."""
        for name, identity in self.started.items():
            if not procs.alive(identity):
                raise LabError(f"{name} died; the end of its log:\n{self._end_of_log(name)}")

    def _end_of_log(self, name: str) -> str:
        path = self.settings.logs / f"{name}.log"
        return tail(path.read_text(errors="replace")) if path.exists() else "(no log)"

    def _containerd_answers(self) -> bool:
        return self.settings.containerd_socket.exists() and bool(self._ctr("version", check=False))

    def _ctr(self, *argv: str | Path, check: bool = True) -> str:
        ctr = locate(self.settings.bin, CONTAINERD, "ctr")
        return run([ctr, "-a", self.settings.containerd_socket, "-n", "k8s.io", *argv], check=check)

    def _sandbox_image(self) -> None:
        archive = self.settings.run / "pause.tar"
        pause.write(locate(self.settings.bin, PAUSE, "pause"), archive)
        self._ctr("images", "import", "--snapshotter", self.settings.snapshotter, archive)
        archive.unlink()

    def up(self) -> None:
        """Start everything and return when it is usable."""
        make = Catalogue(self.settings, self.ports)
        self.start(make.etcd())
        self.start(make.containerd())
        self.start(make.registry())
        self.wait("etcd ready", lambda: answers(f"http://127.0.0.1:{self.ports['etcd']}/health"))
        self.start(make.apiserver())
        self.wait("containerd ready", self._containerd_answers)
        self._sandbox_image()
        api = Api(self.settings, self.ports["apiserver"])
        self.wait("apiserver ready", api.ready)
        for component in (make.controller_manager(), make.scheduler(), make.kubelet(), make.proxy()):
            self.start(component)
        self.wait("access for Prometheus", lambda: _grant(api))
        self.start(make.prometheus())
        self._until_usable(api)

    def _until_usable(self, api: Api) -> None:
        self.wait("registry ready", lambda: answers(f"http://{GATEWAY}:{self.ports['registry']}/v2/"))
        self.wait("node ready", api.node_ready)
        self.wait("tokens issued", api.token_issued)
        proxy = f"http://127.0.0.1:{self.ports['proxy-healthz']}/healthz"
        self.wait("kube-proxy ready", lambda: answers(proxy))
        self.wait("Prometheus ready", lambda: answers(f"http://{GATEWAY}:{self.ports['prometheus']}/-/ready"))

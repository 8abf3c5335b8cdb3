"""A real API server with our definitions, and operators as processes on it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import requests
import yaml

from knowngood.api.crds import RESOURCES
from tests.conformance import apiserver
from tests.conformance.apiserver import Answer, ApiServer

ROOT = Path(__file__).resolve().parents[2]
KNOWNGOOD = "knowngood.dev/v1alpha1"
Raw = dict[str, Any]
_PLURALS = {r.kind: r.plural for r in RESOURCES} | {
    "CustomResourceDefinition": "customresourcedefinitions",
    "Namespace": "namespaces",
    "Deployment": "deployments",
    "Pod": "pods",
    "Secret": "secrets",
    "ConfigMap": "configmaps",
    "Event": "events",
}


def collection(kind: str, namespace: str = "") -> str:
    """The path of all objects of a kind."""
    version = KNOWNGOOD if kind in {r.kind for r in RESOURCES} else _VERSIONS.get(kind, "v1")
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return f"{root}/namespaces/{namespace}/{_PLURALS[kind]}" if namespace else f"{root}/{_PLURALS[kind]}"


_VERSIONS = {
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "Deployment": "apps/v1",
    "Event": "events.k8s.io/v1",
}


def path_of(raw: Raw) -> str:
    """The path of an object."""
    return f"{collection(raw['kind'], raw['metadata'].get('namespace', ''))}/{raw['metadata']['name']}"


def until(what: str, seconds: float, look: Callable[[], Any], every: float = 0.2) -> Any:
    """What ``look`` gives once it gives something; AssertionError with ``what`` after ``seconds``."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds:g} s")
        time.sleep(every)
    return found


@dataclass
class Process:
    """An operator as a process: its log, and the peers that it connected to."""

    process: subprocess.Popen[bytes]
    log: Path
    peers: Path
    port: int

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def ready(self) -> bool:
        """Whether it says so."""
        if not self.alive:
            raise AssertionError(f"the operator ended:\n{self.log.read_text()[-2000:]}")
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def metric(self, name: str) -> float:
        """The sum of a metric's series."""
        text = requests.get(f"http://127.0.0.1:{self.port}/metrics", timeout=10).text
        return sum(float(x.rsplit(" ", 1)[1]) for x in text.splitlines() if x.startswith((name + "{", name + " ")))

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def crashes(self) -> list[str]:
        """Lines of its log that no resource may cause."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line[:600] for line in lines if any(word in line for word in _CRASHES)]

    def stop(self) -> None:
        """End it at once: what it would still do is no part of what is measured."""
        self.process.kill()
        self.process.wait()


_CRASHES = ('"exception"', "Traceback", "poll cycle failed", "engine stopped", "does not settle", "panicked")


@dataclass
class Ground:
    """The API server and where everything is kept."""

    api: ApiServer
    directory: Path
    stack: ExitStack
    operators: list[Process] = field(default_factory=list)

    def namespace(self, *names: str) -> None:
        """Make namespaces."""
        for name in names:
            self.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def make(self, raw: Raw) -> Raw:
        """Create an object that must be accepted."""
        answer = self.send(raw)
        if answer.status != 201:
            raise AssertionError(f"{raw['kind']} {raw['metadata'].get('name')}: {answer.message}")
        return answer.body

    def send(self, raw: Raw) -> Answer:
        """Create as kubectl does."""
        return self.api.create(collection(raw["kind"], raw["metadata"].get("namespace", "")), raw)

    def each(self, work: Callable[[Any], Any], things: Iterable[Any]) -> list[Any]:
        """Several at once."""
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(work, things))

    def items(self, kind: str, namespace: str = "") -> list[Raw]:
        """All objects of a kind."""
        found: list[Raw] = self.api.get(collection(kind, namespace)).body["items"]
        return found

    def operate(self, settings: Mapping[str, Any]) -> Process:
        """Start an operator and wait until it is ready."""
        number = len(self.operators)
        (port,) = apiserver.free_ports(1)
        config, log = self.directory / f"config{number}.yaml", self.directory / f"operator{number}.log"
        base = {
            "http": {"host": "127.0.0.1", "port": port},
            "leaderElection": {"enabled": False, "namespace": "default"},
        }
        config.write_text(yaml.safe_dump({**base, **settings}))
        peers = self.directory / f"peers{number}"
        peers.touch()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("KNOWNGOOD_")}
        env = {
            **clean,
            "KNOWNGOOD_CONFIG": str(config),
            "KUBECONFIG": str(self._kubeconfig()),
            "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT}",
        }
        command = [sys.executable, "-m", "bench.hostile.watched", str(peers)]
        with log.open("ab") as out:
            made = Process(subprocess.Popen(command, env=env, stdout=out, stderr=out, cwd=ROOT), log, peers, port)
        self.stack.callback(made.stop)
        self.operators.append(made)
        until("the operator is ready", 60, made.ready)
        return made

    def _kubeconfig(self) -> Path:
        path = self.directory / "kubeconfig"
        cluster = {"server": self.api.url, "certificate-authority": str(self.api.authority)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "it",
            "clusters": [{"name": "it", "cluster": cluster}],
            "users": [{"name": "it", "user": {"token": self.api.operator_token}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        }
        path.write_text(yaml.safe_dump(content))
        return path

    @property
    def audit(self) -> Path:
        """The log of every request."""
        return self.directory / "audit.log"


_AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


@contextmanager
def ground() -> Iterator[Ground]:
    """A fresh one, all of whose processes end on leaving."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (directory / "audit.yaml").write_text(yaml.safe_dump(_AUDIT))
        options = (
            f"--audit-policy-file={directory / 'audit.yaml'}",
            f"--audit-log-path={directory / 'audit.log'}",
            "--disable-admission-plugins=ServiceAccount",
            "--max-requests-inflight=2000",
            "--max-mutating-requests-inflight=1000",
        )
        api = stack.enter_context(apiserver.running(directory, *options))
        made = Ground(api, directory, stack)
        for resource in RESOURCES:
            crd = yaml.safe_load((ROOT / "crds" / resource.file).read_text())
            made.make(crd)
            apiserver.until(partial(_served, api, resource.kind), resource.kind)
        with ExitStack() as operators:
            made.stack = operators
            yield made


def _served(api: ApiServer, kind: str) -> bool:
    return api.get(collection(kind, "default")).status == 200

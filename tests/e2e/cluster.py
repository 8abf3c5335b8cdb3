"""What the end-to-end tests do to the cluster and read from it; waits are for conditions, with a deadline."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Raw = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
SYSTEM, RELEASE = "knowngood-e2e", "knowngood-e2e"
# pytest writes its own environment with every test; a thread that starts a process of it then may get EFAULT
_ENVIRONMENT = dict(os.environ)


def eventually(what: str, seconds: float, look: Callable[[], Any]) -> Any:
    """What ``look`` gives once it gives something; fails with ``what`` after ``seconds``."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"{what}: not within {seconds:g} s"
        time.sleep(0.1)


@dataclass
class Cluster:
    """kubectl as the lab's administrator."""

    env: Mapping[str, str]

    def __call__(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        done = self.run(*words, stdin=stdin)
        assert not check or done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return done.stdout

    def run(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [self.env["KUBECTL"], "--kubeconfig", self.env["KUBECONFIG"], *words]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=180, check=False, env=_ENVIRONMENT
        )

    def get(self, *words: str) -> Raw:
        found: Raw = json.loads(self("get", *words, "-o", "json"))
        return found

    def apply(self, *objects: Raw) -> None:
        self("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


@dataclass
class Operator:
    """The operator as a process of its own, with nothing but the rights of the chart's ServiceAccount."""

    executable: str
    config: Path
    kubeconfig: Path
    log: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("KNOWNGOOD_")}  # ours are no settings
        env = {**clean, "KNOWNGOOD_CONFIG": str(self.config), "KUBECONFIG": str(self.kubeconfig)}
        with self.log.open("ab") as out:
            self.process = subprocess.Popen([self.executable], env=env, stdout=out, stderr=out)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        if self.process is not None and self.alive:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass
class Place:
    """One namespace with the digits model, its traffic and its policy."""

    cluster: Cluster
    namespace: str
    good: str
    bad: str
    better: str

    def objects(self, pin: str | None, mode: str = "Automatic") -> list[Raw]:
        return [*self._serving(), self.playbook(), self.model(pin), self.policy(mode)]

    def playbook(self) -> Raw:
        """The shipped one, in this namespace."""
        return shipped("pin-known-good", self.namespace)

    def _serving(self) -> Iterator[Raw]:
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        ports = [{"name": "http", "port": 80, "targetPort": 8080}]
        yield self._named("v1", "Service", "digits", {"selector": {"app": "digits"}, "ports": ports})
        probe = {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 1}
        yield self._deployment(
            "digits", 8080, {"readinessProbe": probe, "env": [{"name": "DRAIN_SECONDS", "value": "0"}]}
        )
        traffic = {"command": ["python", "-m", "lab.traffic.traffic"]}
        rate = [{"name": "RATE", "value": "20"}, {"name": "FEEDBACK_AFTER_SECONDS", "value": "0.2"}]
        yield self._deployment("traffic", 9102, {**traffic, "env": rate})

    def _named(self, version: str, kind: str, name: str, spec: Raw, labels: Raw | None = None) -> Raw:
        meta = {"name": name, "namespace": self.namespace, "labels": labels or {}}
        return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}

    def _deployment(self, name: str, port: int, container: Raw) -> Raw:
        scrape = {"prometheus.io/scrape": "true", "prometheus.io/port": str(port), "prometheus.io/path": "/metrics"}
        containers = [{"name": "model" if name == "digits" else name, "image": self.good, **container}]
        spec = {"containers": containers, "terminationGracePeriodSeconds": 2, "automountServiceAccountToken": False}
        template = {"metadata": {"labels": {"app": name}, "annotations": scrape}, "spec": spec}
        strategy = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        body = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template, "strategy": strategy}
        labels = {"knowngood.dev/model": "digits"} if name == "digits" else {}
        return self._named("apps/v1", "Deployment", name, body, labels)

    def model(self, pin: str | None) -> Raw:
        spec: Raw = {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "digits"}}
        if pin:
            spec["knownGood"] = {"containers": [{"name": "model", "image": pin}]}
        return self._named("knowngood.dev/v1alpha1", "ModelDeployment", "digits", spec, {"tier": "critical"})

    def policy(self, mode: str = "Automatic") -> Raw:
        accuracy = {
            "name": "accuracy",
            "type": "ModelFailure",
            "severity": "High",
            "ratio": {"good": "model_feedback_correct_total", "total": "model_feedback_total", "window": "8s"},
            "detector": {"threshold": {"below": 0.9, "for": "1s", "minSamples": 20}},
        }
        response = {"name": "pin", "playbookRef": {"name": "pin-known-good"}, "mode": mode}
        spec = {
            "selector": {"matchLabels": {"tier": "critical"}},
            "interval": "1s",
            "identity": {"model": "model", "release": "release"},
            "signals": [accuracy],
            "responses": [response],
        }
        return self._named("knowngood.dev/v1alpha1", "IncidentPolicy", "quality", spec)

    def kubectl(self, *words: str, check: bool = True) -> str:
        return self.cluster("-n", self.namespace, *words, check=check)

    def pin(self, image: str | None) -> None:
        """Name another known-good release, or none."""
        pinned = {"containers": [{"name": "model", "image": image}]} if image else None
        patch = json.dumps({"spec": {"knownGood": pinned}})
        self.kubectl("patch", "modeldeployment", "digits", "--type=merge", "-p", patch)

    def set_image(self, image: str) -> None:
        self.kubectl("set", "image", "deployment/digits", f"model={image}")

    def image(self) -> str:
        found = self.cluster.get("deployment", "digits", "-n", self.namespace)
        return str(found["spec"]["template"]["spec"]["containers"][0]["image"])

    def incidents(self) -> list[Raw]:
        return list(self.cluster.get("aiincidents", "-n", self.namespace)["items"])

    def incident(self) -> Raw | None:
        found = self.incidents()
        assert len(found) <= 1, [i["metadata"]["name"] for i in found]
        return found[0] if found else None

    def status(self) -> Raw:
        found = self.cluster.get("modeldeployment", "digits", "-n", self.namespace)
        return dict(found.get("status") or {})

    def condition(self, type: str) -> Raw:
        return condition(self.status(), type)

    def in_phase(self, phase: str) -> Raw | None:
        found = self.incident()
        return found if found and found.get("status", {}).get("phase") == phase else None

    def healthy(self) -> bool:
        return self.status().get("signals", {}).get("summary") == "1/1"

    def reset(self, pin: str | None, mode: str = "Automatic") -> None:
        """Back on the good release, with no incident, judged healthy. The operator has to be running."""
        self.kubectl(
            "patch", "modeldeployment", "digits", "--type=merge", "-p", '{"spec":{"suspend":true}}', check=False
        )
        self.kubectl("delete", "aiincidents", "--all")  # so that the operator does not act on what is put away here
        self.set_image(self.good)
        self.kubectl("label", "deployment", "digits", "knowngood.dev/model=digits", "--overwrite")
        self.kubectl("rollout", "status", "deployment/digits", "--timeout=90s")
        self.cluster.apply(self.policy(mode), self.model(pin))
        self.kubectl("patch", "modeldeployment", "digits", "--type=merge", "-p", '{"spec":{"suspend":false}}')
        eventually(f"{self.namespace} healthy", 60, self.healthy)
        self.kubectl("delete", "aiincidents", "--all")


def shipped(name: str, namespace: str, changed: Callable[[str], str] = str) -> Raw:
    """The shipped playbook of that name, for that namespace; ``changed`` may edit its text."""
    found: Raw = yaml.safe_load(changed((ROOT / "manifests" / "playbooks" / f"{name}.yaml").read_text()))
    return {**found, "metadata": {**found["metadata"], "namespace": namespace}}


def condition(status: Mapping[str, Any], type: str) -> Raw:
    """The condition of this type, or an empty one."""
    return next((c for c in status.get("conditions", []) if c["type"] == type), {})


@contextlib.contextmanager
def others_stopped(cluster: Cluster, system: str) -> Iterator[None]:
    """No other operator of this chart meanwhile: one that watches everything would answer for ours."""
    found = cluster.get("deployments", "-A", "-l", "app.kubernetes.io/name=knowngood")["items"]
    others = [d for d in found if d["metadata"]["namespace"] != system]
    for other in others:
        _scale(cluster, other, 0)
    try:
        yield
    finally:
        for other in others:
            _scale(cluster, other, other["spec"]["replicas"])


def _scale(cluster: Cluster, deployment: Raw, replicas: int) -> None:
    meta = deployment["metadata"]
    cluster("-n", meta["namespace"], "scale", f"deployment/{meta['name']}", f"--replicas={replicas}")


class Audit:
    """The API server's audit log, from where it stood when this was made; the server begins a new file at times."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._begun, self._offset = self._path.stat().st_ino, self._path.stat().st_size

    def _lines(self, part: bytes) -> Iterator[bytes]:
        """The whole lines since then that hold ``part``."""
        files = [*sorted(self._path.parent.glob(f"{self._path.stem}-*{self._path.suffix}")), self._path]
        known = [f.stat().st_ino for f in files]
        first = known.index(self._begun) if self._begun in known else 0
        for file in files[first:]:
            with file.open("rb") as log:
                if file.stat().st_ino == self._begun:
                    log.seek(self._offset)
                yield from (line for line in log if part in line and line.endswith(b"\n"))

    def patches(self, namespace: str, user: str) -> list[Raw]:
        """Accepted patches of Deployments in ``namespace`` by ``user``."""
        events = [json.loads(line) for line in self._lines(b'"deployments"')]
        return [
            e
            for e in events
            if e["stage"] == "ResponseComplete"
            and e["verb"] in {"patch", "update"}
            and e["user"]["username"] == user
            and e["objectRef"].get("namespace") == namespace
            and e["objectRef"]["resource"] == "deployments"
            and e["responseStatus"]["code"] == 200
        ]

    def writes(self, user: str) -> list[Raw]:
        """Every accepted write of ``user``, of whatever kind."""
        events = [json.loads(line) for line in self._lines(user.encode())]
        return [
            e
            for e in events
            if e["stage"] == "ResponseComplete"
            and e["verb"] in {"create", "update", "patch", "delete", "deletecollection"}
            and e["user"]["username"] == user
            and e["responseStatus"]["code"] < 300
        ]

    def pins(self, namespace: str, user: str) -> list[Raw]:
        """Those of them that touch more than the fencing annotation."""
        return [e for e in self.patches(namespace, user) if "spec" in e.get("requestObject", {})]

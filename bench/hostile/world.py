"""Models with a Deployment and a pod each as plain objects, and who acts as their controllers."""

import hashlib
import threading
from collections.abc import Mapping
from typing import Any

import yaml

from bench.hostile.ground import KNOWNGOOD, ROOT, Ground, Raw, collection

REGISTRY = "registry.local:5000"


def image(release: str) -> str:
    """The image of a release, by digest."""
    return f"{REGISTRY}/m@sha256:{hashlib.sha256(release.encode()).hexdigest()}"


GOOD, BAD = image("good"), image("bad")


def named(
    kind: str, namespace: str, name: str, spec: Mapping[str, Any], labels: Mapping[str, str] | None = None
) -> Raw:
    """An object; the version follows from the kind."""
    version = {"Deployment": "apps/v1", "Pod": "v1"}.get(kind, KNOWNGOOD)
    meta = {"name": name, "namespace": namespace, "labels": dict(labels or {})}
    return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": dict(spec)}


def deployment(namespace: str, name: str, model: str | None, running: str = BAD, container: Raw | None = None) -> Raw:
    """A Deployment of one replica; with ``model``, its owner consents to that one."""
    consent = {"knowngood.dev/model": model} if model else {}
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "model", "image": running, **(container or {})}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    return named("Deployment", namespace, name, spec, consent)


def model(namespace: str, name: str, labels: Mapping[str, str] | None = None, **spec: Any) -> Raw:
    """A ModelDeployment that pins the good release."""
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    pins = {"containers": [{"name": "model", "image": GOOD}]}
    return named("ModelDeployment", namespace, name, {"workloadRef": ref, "knownGood": pins, **spec}, labels)


def signal(name: str = "accuracy", **changes: Any) -> Raw:
    """A share of good answers that must not fall below 0.9."""
    return {
        "name": name,
        "type": "ModelFailure",
        "severity": "High",
        "ratio": {"good": "good_total", "total": "all_total", "window": "20s"},
        "detector": {"threshold": {"below": 0.9, "minSamples": 10}},
        **changes,
    }


def policy(namespace: str, name: str, **spec: Any) -> Raw:
    """A policy that pins at once whatever model falls below."""
    response = {"name": "pin", "playbookRef": {"name": "pin-known-good"}, "mode": "Automatic"}
    base = {"selector": {}, "interval": "1s", "signals": [signal()], "responses": [response]}
    return named("IncidentPolicy", namespace, name, {**base, **spec})


def playbook(namespace: str) -> Raw:
    """The shipped one that pins."""
    found: Raw = yaml.safe_load((ROOT / "manifests" / "playbooks" / "pin-known-good.yaml").read_text())
    return {**found, "metadata": {**found["metadata"], "namespace": namespace}}


def pod_name(name: str) -> str:
    """The pod of the Deployment called ``name``."""
    return f"{name}-0"


def deploy(ground: Ground, raw: Raw) -> None:
    """Create a Deployment with its pod, both rolled out."""
    made = ground.make(raw)
    meta, template = raw["metadata"], raw["spec"]["template"]
    spec = {**template["spec"], "nodeName": "node-1"}
    pod = named("Pod", meta["namespace"], pod_name(meta["name"]), spec, template["metadata"]["labels"])
    ground.make(pod)
    roll_out(ground, made)


def roll_out(ground: Ground, raw: Raw) -> None:
    """What controllers and the kubelet would write about the Deployment's template."""
    meta, template = raw["metadata"], raw["spec"]["template"]["spec"]
    replicas = raw["spec"]["replicas"]
    pod = f"{collection('Pod', meta['namespace'])}/{pod_name(meta['name'])}"
    if replicas:
        images = [{"name": c["name"], "image": c["image"]} for c in template["containers"]]
        _patch(ground, pod, {"spec": {"containers": images}})
        seen = [
            {"name": c["name"], "image": c["image"], "imageID": c["image"], "ready": True, "restartCount": 0}
            for c in template["containers"]
        ]
        ready = [{"type": "Ready", "status": "True"}]
        _patch(
            ground, f"{pod}/status", {"status": {"phase": "Running", "conditions": ready, "containerStatuses": seen}}
        )
    else:
        ground.api.call("DELETE", pod, {"gracePeriodSeconds": 0})
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
    status = {"status": {**counts, "observedGeneration": meta["generation"]}}
    _patch(ground, f"{collection('Deployment', meta['namespace'])}/{meta['name']}/status", status)


def set_image(ground: Ground, raw: Raw, image: str) -> None:
    """A person's `kubectl set image`."""
    body = {"spec": {"template": {"spec": {"containers": [{"name": "model", "image": image}]}}}}
    _patch(ground, f"{collection('Deployment', raw['metadata']['namespace'])}/{raw['metadata']['name']}", body)


def _patch(ground: Ground, path: str, body: Raw) -> None:
    headers = {"Content-Type": "application/strategic-merge-patch+json"}
    answer = ground.api.call("PATCH", path, body, headers=headers)
    if answer.status not in (200, 404):
        raise AssertionError(f"{path}: {answer.message}")


class Controllers(threading.Thread):
    """Rolls out what is patched, until ended."""

    def __init__(self, ground: Ground, every: float = 0.5) -> None:
        super().__init__(daemon=True)
        self._ground, self._every, self._end = ground, every, threading.Event()
        self.failed: list[str] = []
        self.images: dict[tuple[str, str], str] = {}  # what runs, by namespace and name

    def run(self) -> None:
        """Look, and roll out."""
        while not self._end.wait(self._every):
            try:
                for raw in self._ground.items("Deployment"):
                    meta = raw["metadata"]
                    if raw.get("status", {}).get("observedGeneration") != meta["generation"]:
                        roll_out(self._ground, {"kind": "Deployment", **raw})
                    image = raw["spec"]["template"]["spec"]["containers"][0]["image"]
                    self.images[(meta["namespace"], meta["name"])] = image
            except (AssertionError, OSError) as error:
                self.failed.append(str(error))

    def end(self) -> None:
        """Stop."""
        self._end.set()
        self.join()

"""What a world begins with, and what happens in it: a scene for each way to contain."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.faults.images import BAD, GOOD, NEVER_READY, RELEASES, REVISION

Raw = dict[str, Any]
API = "knowngood.dev/v1alpha1"
SHIPPED = Path(__file__).resolve().parents[2] / "manifests" / "playbooks"
EVIDENCE: Raw = {"name": "evidence", "action": "FreezeEvidence", "freezeEvidence": {"budget": "2s"}}
PIN: Raw = {"name": "pin", "action": "PinKnownGood", "timeout": "5m", "onFailure": "Escalate"}
TELL: Raw = {"name": "tell", "action": "Notify"}
AWAY: Raw = {"name": "away", "action": "ScaleToZero", "allowOutage": True}


@dataclass(frozen=True)
class Scene:
    """A model that breaks, how its policy answers, and what a person expects at the end."""

    name: str
    pinned: str | None = None  # spec.knownGood; without it the release that soaked
    mode: str = "Automatic"
    contain: tuple[Raw, ...] = (EVIDENCE, PIN, TELL)
    escalate: tuple[Raw, ...] = ()
    book: str | None = field(default=None, kw_only=True)  # the shipped playbook, as its file is
    of: str = field(default="ModelFailure", kw_only=True)
    pods: int = field(default=1, kw_only=True)
    declares: Raw = field(default_factory=dict, kw_only=True, hash=False)  # more of the ModelDeployment's spec
    around: tuple[Raw, ...] = field(default=(), kw_only=True, hash=False)  # objects of the model's owner
    refused: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)  # plural and name: no write is ever taken
    goes_on: str | None = field(default=None, kw_only=True)  # from which scene, whose writes are not spoiled again
    heals: bool = field(default=False, kw_only=True)  # by itself, once all is done
    phase: str = field(default="Contained", kw_only=True)
    holds: tuple[str, ...] = field(default=("Contained=True", "ContainmentEffective=True"), kw_only=True)
    replicas: int = field(default=1, kw_only=True)
    runs: str = field(default=GOOD, kw_only=True)
    effects: tuple[str, ...] = field(default=("image",), kw_only=True)  # in this order, each once
    stands: Raw = field(default_factory=dict, kw_only=True, hash=False)  # beside the workload


PROMOTED = Scene("pin-known-good", book="pin-known-good")
APPROVED = Scene("pin a named release once a person approved", pinned=GOOD, mode="Approval")
LADDER = Scene(
    "a pin that never gets ready, then to zero",
    pinned=NEVER_READY,
    contain=(EVIDENCE, {**PIN, "timeout": "2s"}, TELL),
    escalate=(AWAY,),
    replicas=0,
    runs=NEVER_READY,
    holds=("Contained=True",),
    effects=("image", "scale"),
)
UNDONE = Scene(
    "a pin that never gets ready, taken back, then to zero",
    pinned=NEVER_READY,
    contain=(EVIDENCE, {**PIN, "timeout": "2s", "onFailure": "Undo"}, AWAY, TELL),
    replicas=0,
    runs=BAD,
    holds=("Contained=True",),
    effects=("image", "image", "scale"),
)
SCENES = (PROMOTED, APPROVED, LADDER, UNDONE)


def template(name: str, image: str) -> Raw:
    """A pod template of one container."""
    container = {"name": "model", "image": image, "env": [{"name": REVISION, "value": RELEASES[image]}]}
    spec = {"automountServiceAccountToken": False, "containers": [container]}
    return {"metadata": {"labels": {"app": name}}, "spec": spec}


def deployment(namespace: str, name: str, pods: int = 1) -> Raw:
    """The workload, healthy, with its owner's consent."""
    meta = {"name": name, "namespace": namespace, "labels": {"app": name, "knowngood.dev/model": name}}
    spec = {"replicas": pods, "selector": {"matchLabels": {"app": name}}, "template": template(name, GOOD)}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def broken(name: str) -> Raw:
    """The patch that rolls out the release that fails silently."""
    return {"spec": {"template": template(name, BAD)}}


def model(namespace: str, name: str, scene: Scene, tier: str = "critical") -> Raw:
    """A ModelDeployment."""
    spec: Raw = {
        **scene.declares,
        "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "promotion": {"mode": "Automatic", "soak": "24h" if scene.pinned else "2s"},
    }
    if scene.pinned:
        env = [{"name": REVISION, "value": RELEASES[GOOD]}]
        spec["knownGood"] = {"containers": [{"name": "model", "image": scene.pinned, "env": env}]}
    return _named("ModelDeployment", namespace, name, spec, {"tier": tier})


def policy(namespace: str, scene: Scene, name: str = "quality", tier: str = "critical") -> Raw:
    """A policy that judges once a second."""
    accuracy = {
        "name": "accuracy",
        "type": scene.of,
        "severity": "High",
        "ratio": {"good": "model_correct_total", "total": "model_answers_total", "window": "1s"},
        "detector": {"threshold": {"below": 0.9, "minSamples": 100}},
    }
    spec = {
        "selector": {"matchLabels": {"tier": tier}},
        "interval": "1s",
        "identity": {"model": "model", "release": "release"},
        "signals": [accuracy],
        "responses": [{"name": "all", "playbookRef": {"name": scene.book or "answer"}, "mode": scene.mode}],
    }
    return _named("IncidentPolicy", namespace, name, spec)


def playbook(namespace: str, scene: Scene) -> Raw:
    """What is done about it."""
    if scene.book is not None:
        shipped: Raw = yaml.safe_load((SHIPPED / f"{scene.book}.yaml").read_text())
        return {**shipped, "metadata": {**shipped["metadata"], "namespace": namespace}}
    spec: Raw = {"contain": list(scene.contain)}
    if scene.escalate:
        spec["escalate"] = {"after": "10m", "steps": list(scene.escalate)}
    return _named("Playbook", namespace, "answer", spec)


def tellers(scene: Scene) -> frozenset[str]:
    """The steps that tell people; the next rung has one of its own."""
    spec = playbook("", scene)["spec"]
    rungs = (*spec["contain"], *(spec.get("escalate") or {}).get("steps", ()))
    return frozenset(step["name"] for step in rungs if step["action"] == TELL["action"])


def _named(kind: str, namespace: str, name: str, spec: Raw, labels: Raw | None = None) -> Raw:
    meta = {"name": name, "namespace": namespace, "labels": labels or {}}
    return {"apiVersion": API, "kind": kind, "metadata": meta, "spec": spec}

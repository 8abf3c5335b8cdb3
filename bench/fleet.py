"""A fleet of models for benchmarks: objects as the API server has them, in a store."""

from collections.abc import Sequence
from typing import Any

from knowngood.shell.policies import Policies
from knowngood.shell.store import Store

NAMESPACE = "bench"
API = "knowngood.dev/v1alpha1"
IMAGE = "registry.local:5000/m@sha256:" + "a" * 64
_IDENTITY = {"model": "model", "release": "release"}


def fleet(models: int, signals: Sequence[dict[str, Any]] = (), interval: str = "5s") -> tuple[Store, Policies]:
    """A store with as many models, each with its Deployment and pod, and one policy that selects them all.

    Without ``signals`` those of P1.
    """
    store = Store()
    policies = Policies(store)
    for i in range(models):
        for raw in (model(i), deployment(i), pod(i)):
            store.apply(raw)
    store.apply(policy(signals or three(), interval))
    return store, policies


def three() -> list[dict[str, Any]]:
    """Two ratios and a query of one's own."""
    ratio = {"good": "good_total", "total": "all_total", "window": "10s"}
    query = "avg by (namespace, model, release) (confidence)"
    return [
        below("accuracy", 0.5, 10, ratio=ratio),
        below("accuracy-long", 0.5, 10, ratio={**ratio, "window": "30s"}),
        below("confidence", 0.5, promql={"query": query}),
    ]


def below(name: str, limit: float, least: int | None = None, **given: Any) -> dict[str, Any]:
    """A signal of the input ``given`` with a lower limit."""
    return judged(name, {"threshold": {"below": limit, **({"minSamples": least} if least else {})}}, **given)


def judged(name: str, detector: dict[str, Any], **given: Any) -> dict[str, Any]:
    """A signal of the input ``given``."""
    return {"name": name, "type": "ModelFailure", "severity": "High", "detector": detector, **given}


def policy(signals: Sequence[dict[str, Any]], interval: str) -> dict[str, Any]:
    """The policy that selects every model."""
    spec = {
        "selector": {"matchLabels": {"tier": "bench"}},
        "interval": interval,
        "identity": _IDENTITY,
        "signals": list(signals),
        "responses": [],
    }
    return _object("IncidentPolicy", "bench", spec, {}, 1)


def model(index: int) -> dict[str, Any]:
    """A ModelDeployment."""
    spec = {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"m{index}"}}
    return _object("ModelDeployment", f"m{index}", spec, {"tier": "bench"}, 1_000 + index)


def deployment(index: int) -> dict[str, Any]:
    """Its Deployment."""
    name, labels = f"m{index}", {"app": f"m{index}"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "model", "image": IMAGE}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {**_object("Deployment", name, spec, {"knowngood.dev/model": name}, 1), "apiVersion": "apps/v1"}


def pod(index: int) -> dict[str, Any]:
    """Its pod."""
    spec = {"containers": [{"name": "model", "image": IMAGE}]}
    status = {"phase": "Running", "containerStatuses": [{"name": "model", "imageID": IMAGE}]}
    return {**_object("Pod", f"m{index}-0", spec, {"app": f"m{index}"}, 1), "apiVersion": "v1", "status": status}


def _object(kind: str, name: str, spec: dict[str, Any], labels: dict[str, str], version: int) -> dict[str, Any]:
    meta = {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"{kind}-{name}",
        "resourceVersion": str(version),
        "labels": labels,
    }
    return {"apiVersion": API, "kind": kind, "metadata": meta, "spec": spec}

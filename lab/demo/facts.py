"""What the cluster looks like at one moment, reduced to what the demo tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lab.demo.moments import parse

Object = dict[str, Any]


@dataclass(frozen=True)
class Incident:
    """An AIIncident as the timeline needs it."""

    name: str
    phase: str
    type: str
    severity: str
    signal: str
    created_at: datetime | None
    """The API server's time, whole seconds."""
    opened_at: datetime | None
    """The operator's own time; None until it has written a status."""
    frozen_at: datetime | None
    freeze_took: str
    missing: tuple[str, ...]
    contained_at: datetime | None
    conditions: dict[str, str]

    @property
    def frozen(self) -> bool:
        """Whether its evidence is frozen."""
        return self.conditions.get("EvidenceFrozen") == "True"

    @property
    def contained(self) -> bool:
        """Whether the workload is back on its known-good image."""
        return self.conditions.get("Contained") == "True"


@dataclass(frozen=True)
class Facts:
    """The workload and its incidents at one moment."""

    at: datetime
    image: str
    """The image that the Deployment asks for."""
    ready: dict[str, int]
    """Ready pods by image, those going away left out."""
    incidents: tuple[Incident, ...] = ()


def container_image(spec: Object, container: str) -> str:
    """The image of `container` in a pod spec; empty without such a container."""
    return next((c["image"] for c in spec.get("containers", []) if c["name"] == container), "")


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")


def ready_pods(pods: list[Object], container: str) -> dict[str, int]:
    """How many pods are ready for each image of `container`."""
    counts: dict[str, int] = {}
    for pod in filter(_is_ready, pods):
        image = container_image(pod["spec"], container)
        counts[image] = counts.get(image, 0) + 1
    return counts


def incident_of(item: Object) -> Incident:
    """An AIIncident object as the timeline needs it."""
    spec, status = item.get("spec", {}), item.get("status", {})
    evidence = status.get("evidence", {})
    return Incident(
        name=item["metadata"]["name"],
        phase=status.get("phase", ""),
        type=status.get("type") or spec.get("type", ""),
        severity=status.get("severity") or spec.get("severity", ""),
        signal=status.get("primarySignal", ""),
        created_at=parse(item["metadata"].get("creationTimestamp")),
        opened_at=parse(status.get("openedAt")),
        frozen_at=parse(evidence.get("frozenAt")),
        freeze_took=evidence.get("took", ""),
        missing=tuple(m.get("item", "") for m in evidence.get("missing", [])),
        contained_at=parse(status.get("containedAt")),
        conditions={c["type"]: c["status"] for c in status.get("conditions", [])},
    )


def facts_of(at: datetime, deployment: Object, pods: list[Object], incidents: list[Object], container: str) -> Facts:
    """The facts in objects as the API returns them."""
    return Facts(
        at=at,
        image=container_image(deployment["spec"]["template"]["spec"], container),
        ready=ready_pods(pods, container),
        incidents=tuple(incident_of(item) for item in incidents),
    )

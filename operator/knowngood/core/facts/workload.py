"""A workload (Deployment, StatefulSet or Rollout) and its pods, reduced to what decisions need."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from knowngood.api import GROUP, LABEL_MODEL
from knowngood.core.facts import argo, gitops
from knowngood.core.facts.clock import parse_time
from knowngood.core.facts.images import Image, parse_image
from knowngood.core.facts.labels import Selector, read_selector

Raw = Mapping[str, Any]
_LONGEST = 300  # characters of what a controller or a kubelet says
_USUAL = frozenset({None, "", "ContainerCreating", "PodInitializing"})
REPLACED_LABELS = f"{GROUP}/replaced-labels"
"""On a pod that was cut off: its labels before."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a pod template, or an init container: its image as written and its literal environment."""

    name: str
    image: str
    env: tuple[tuple[str, str | None], ...] = ()  # None: a reference, whose value is not ours to read


@dataclass(frozen=True, slots=True)
class Workload:
    """What a workload declares and how far its controller has come."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    observed_generation: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    selector: Selector
    containers: tuple[Container, ...]
    replicas: int
    status_replicas: int
    updated: int
    available: int
    paused: bool
    deleting: bool
    raw_template: Raw = field(default_factory=dict, compare=False, repr=False)
    scaled_at: float | None = None  # when the number of replicas was last set by itself
    init_containers: tuple[Container, ...] = ()
    on_delete: bool = False  # a StatefulSet that replaces a pod only when somebody deletes it
    partition: int = 0  # a StatefulSet keeps the pods below this number as they are
    problem: str = ""  # what its controller says stands in the way
    waits: str = ""  # at what a Rollout stays, and the command by which a person goes on
    elsewhere: str = ""  # the object that holds a Rollout's pod template, as kind and name
    image_writers: tuple[gitops.ImageWriter, ...] = field(default=(), compare=False)  # field managers of its images
    keepers: tuple[gitops.Keeper, ...] = ()  # by what Git or a chart keeps it as it is

    def consents(self, model: str) -> bool:
        """Whether its owner lets the operator watch and change it for that model."""
        return self.labels.get(LABEL_MODEL) == model

    @property
    def every(self) -> tuple[Container, ...]:
        """Containers and init containers; their names differ."""
        return (*self.containers, *self.init_containers)

    def declared(self, name: str) -> Container | None:
        """The container or init container called ``name``."""
        return next((c for c in self.every if c.name == name), None)

    def container(self, name: str | None) -> Container | None:
        """The container called ``name``; with no name, the only one (None where there are several)."""
        if name is None:
            return self.containers[0] if len(self.containers) == 1 else None
        return next((c for c in self.containers if c.name == name), None)

    @property
    def images(self) -> dict[str, str]:
        """Container name to image as the template declares it."""
        return {c.name: c.image for c in self.containers}

    @property
    def settled(self) -> bool:
        """Whether the declared template is fully rolled out: every replica updated, available, none left over."""
        return (
            self.observed_generation >= self.generation
            and self.updated == self.replicas
            and self.status_replicas == self.replicas
            and self.available >= self.replicas
        )


@dataclass(frozen=True, slots=True)
class PodContainer:
    """A running container: image as declared, and the imageID that the kubelet reports."""

    name: str
    image: str
    image_id: str
    restarts: int = 0

    @property
    def running(self) -> Image:
        """Repository and digest of what runs; the digest is empty until the kubelet has reported it.

        A bare imageID is the digest of an image's configuration, by which nothing can be pulled: then what was
        declared by digest is taken, and without that the repository stays empty.
        """
        reported, declared = parse_image(self.image_id), parse_image(self.image)
        if reported.digest and not reported.repository and declared.digest:
            return Image(declared.repository, digest=declared.digest)
        return Image(reported.repository, digest=reported.digest)


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of a workload."""

    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str]
    node: str
    started_at: float | None
    ready: bool
    terminating: bool
    phase: str
    containers: tuple[PodContainer, ...]
    env: tuple[tuple[str, str], ...] = ()
    resource_version: str = ""
    deadline: int | None = None  # seconds after its start, when Kubernetes ends it
    replaced_labels: str = ""  # what its labels were before a step cut it off, as its annotation notes them
    init_containers: tuple[PodContainer, ...] = ()
    waiting: str = ""  # why a container of it does not run, or it is not scheduled

    def container(self, name: str) -> PodContainer | None:
        """The container called ``name``, or None."""
        return next((c for c in self.containers if c.name == name), None)

    def declared(self, name: str) -> PodContainer | None:
        """The container or init container called ``name``."""
        return next((c for c in (*self.containers, *self.init_containers) if c.name == name), None)

    @property
    def live(self) -> bool:
        """Whether the pod may still answer requests."""
        return not self.terminating and self.phase not in {"Succeeded", "Failed"}


def read_workload(raw: Raw) -> Workload:
    """A Workload from the API's JSON of a Deployment, StatefulSet or Rollout."""
    meta, spec, status = raw.get("metadata", {}), raw.get("spec", {}), raw.get("status", {})
    template, rollout = spec.get("template", {}), raw.get("kind") == argo.KIND
    writers = gitops.image_writers(meta.get("managedFields"))
    return Workload(
        api_version=raw.get("apiVersion", "apps/v1"),
        kind=raw.get("kind", "Deployment"),
        namespace=meta.get("namespace", ""),
        name=meta.get("name", ""),
        uid=meta.get("uid", ""),
        resource_version=meta.get("resourceVersion", ""),
        generation=int(meta.get("generation") or 0),
        observed_generation=argo.observed(status) if rollout else int(status.get("observedGeneration") or 0),
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
        selector=read_selector(spec.get("selector") or {}),
        containers=tuple(_container(c) for c in (template.get("spec") or {}).get("containers") or ()),
        replicas=1 if spec.get("replicas") is None else int(spec["replicas"]),
        status_replicas=int(status.get("replicas") or 0),
        updated=int(status.get("updatedReplicas") or 0),
        available=int(status.get("availableReplicas") or 0),
        paused=bool(spec.get("paused")),
        deleting="deletionTimestamp" in meta,
        raw_template=template,
        scaled_at=_scaled_at(meta),
        init_containers=tuple(_container(c) for c in (template.get("spec") or {}).get("initContainers") or ()),
        on_delete=(spec.get("updateStrategy") or {}).get("type") == "OnDelete",
        partition=int(((spec.get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition") or 0),
        problem=_problem(status.get("conditions") or ()),
        waits=argo.waits(spec, status) if rollout else "",
        elsewhere=argo.elsewhere(spec) if rollout else "",
        image_writers=writers,
        keepers=gitops.keepers(meta, raw.get("kind", "Deployment"), writers),
    )


def _problem(conditions: Iterable[Raw]) -> str:
    """A Deployment's or Rollout's own word on why its roll-out does not go on."""
    for found in conditions:
        failed = found.get("type") in {"ReplicaFailure", "InvalidSpec"} and found.get("status") == "True"
        late = found.get("type") == "Progressing" and found.get("status") == "False"
        if failed or late:
            return f"{found.get('reason', '')}: {found.get('message', '')}"[:_LONGEST]
    return ""


def _scaled_at(meta: Raw) -> float | None:
    """By the subresource scale, or by a writer of nothing else; managedFields keep the time."""
    times = []
    for entry in meta.get("managedFields") or ():
        spec = (entry.get("fieldsV1") or {}).get("f:spec") or {}
        if entry.get("subresource") == "scale" or set(spec) == {"f:replicas"}:
            times.append(parse_time(entry.get("time")))
    return max((t for t in times if t is not None), default=None)


def _container(raw: Raw) -> Container:
    env = tuple((e["name"], e.get("value", "") if "valueFrom" not in e else None) for e in raw.get("env") or ())
    return Container(name=raw["name"], image=raw.get("image", ""), env=env)


def read_pod(raw: Raw) -> Pod:
    """A Pod from the API's JSON."""
    meta, spec, status = raw.get("metadata", {}), raw.get("spec", {}), raw.get("status", {})
    reported = {c["name"]: c for c in status.get("containerStatuses") or ()}
    started = {c["name"]: c for c in status.get("initContainerStatuses") or ()}
    declared = spec.get("containers") or ()
    return Pod(
        namespace=meta.get("namespace", ""),
        name=meta.get("name", ""),
        uid=meta.get("uid", ""),
        labels=meta.get("labels") or {},
        node=spec.get("nodeName", ""),
        started_at=parse_time(status.get("startTime")),
        ready=any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ()),
        terminating="deletionTimestamp" in meta,
        phase=status.get("phase", ""),
        containers=tuple(_pod_container(c, reported.get(c["name"], {})) for c in declared),
        env=tuple((e["name"], e["value"]) for c in declared for e in c.get("env") or () if e.get("value")),
        resource_version=meta.get("resourceVersion", ""),
        deadline=spec.get("activeDeadlineSeconds"),
        init_containers=tuple(_pod_container(c, started.get(c["name"], {})) for c in spec.get("initContainers") or ()),
        waiting=_waiting(status),
        replaced_labels=(meta.get("annotations") or {}).get(REPLACED_LABELS, ""),
    )


def _waiting(status: Raw) -> str:
    """The first reason that a person can do something about; a container that is only being made has none."""
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"{condition.get('reason', '')}: {condition.get('message', '')}"[:_LONGEST]
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        found = (container.get("state") or {}).get("waiting") or {}
        if found.get("reason") not in _USUAL:
            return f"{container['name']} {found['reason']}: {found.get('message', '')}"[:_LONGEST]
    return ""


def _pod_container(declared: Raw, reported: Raw) -> PodContainer:
    return PodContainer(
        name=declared["name"],
        image=declared.get("image", ""),
        image_id=reported.get("imageID", ""),
        restarts=int(reported.get("restartCount") or 0),
    )

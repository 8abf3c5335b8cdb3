"""AIIncident.status.evidence: what was recorded before the cluster was touched."""

from typing import Annotated

from pydantic import Field

from knowngood.api.base import ObservedModel, Timestamp
from knowngood.api.durations import Duration
from knowngood.api.observed import CauseKind, Image, Message, NamedImage, ShortText
from knowngood.api.schema import ATOMIC, by

Labels = Annotated[
    dict[Annotated[str, Field(max_length=128)], Annotated[str, Field(max_length=1024)]], Field(max_length=64)
]
"""A series' labels."""
Query = Annotated[str, Field(max_length=16384)]
"""A PromQL query as it was sent."""


class Missing(ObservedModel):
    """Something that could not be recorded."""

    item: ShortText = Field(description="What is missing.")
    reason: Message = Field(default="", description="Why.")


class SeenEnv(ObservedModel):
    """A variable as it was set; values that come from a Secret are never recorded."""

    name: ShortText = Field(description="Its name.")
    value: Annotated[str, Field(max_length=4096)] = Field(default="", description="Its value, or where it came from.")


class SeenContainer(NamedImage):
    """A container of the workload's pod template."""

    env: Annotated[list[SeenEnv], Field(max_length=128), ATOMIC] = Field(
        default_factory=list, description="Its environment."
    )


class SeenWorkload(ObservedModel):
    """The workload as it was."""

    api_version: ShortText = Field(description="API group and version.")
    kind: ShortText = Field(description="Kind.")
    name: ShortText = Field(description="Name.")
    uid: ShortText = Field(default="", description="Identity.")
    generation: int | None = Field(default=None, ge=0, description="Generation of its spec.")
    resource_version: ShortText = Field(default="", description="Version of the object that was read.")
    containers: Annotated[list[SeenContainer], Field(max_length=64), by("name")] = Field(
        default_factory=list, description="The containers of its pod template."
    )
    init_containers: Annotated[list[SeenContainer], Field(max_length=64), by("name")] = Field(
        default_factory=list, description="The init containers of its pod template."
    )
    replicas: int | None = Field(default=None, ge=0, description="How many pods it asked for.")
    scaled_at: Timestamp | None = Field(default=None, description="When its number of pods was last set by itself.")


class PodContainer(NamedImage):
    """A container of a pod, with what its image resolved to."""

    image_id: Image = Field(default="", description="The imageID in the pod's status.")


class SeenPod(ObservedModel):
    """A pod as it was."""

    name: ShortText = Field(description="Name.")
    node: ShortText = Field(default="", description="The node that it ran on.")
    started_at: Timestamp | None = Field(default=None, description="When it was started.")
    ready: bool = Field(default=False, description="Whether it took requests.")
    restarts: int = Field(default=0, ge=0, description="Restarts of all its containers.")
    containers: Annotated[list[PodContainer], Field(max_length=64), by("name")] = Field(
        default_factory=list, description="Its containers."
    )


class Change(ObservedModel):
    """A difference between two pod templates."""

    kind: CauseKind = Field(description="Release, Environment, Configuration, or Replicas: only a restart.")
    what: Message = Field(description="What differs; what may be secret is shown as a digest.")


class Rollout(ObservedModel):
    """A recent roll-out of the workload."""

    revision: ShortText = Field(default="", description="Its revision.")
    replica_set: ShortText = Field(description="The ReplicaSet or ControllerRevision that it made.")
    created_at: Timestamp | None = Field(default=None, description="When that was made.")
    containers: Annotated[list[NamedImage], Field(max_length=64), by("name")] = Field(
        default_factory=list, description="The containers' images in it."
    )
    replicas: int = Field(default=0, ge=0, description="How many pods it had.")
    changes: Annotated[list[Change], Field(max_length=16), ATOMIC] = Field(
        default_factory=list, description="What it changed, against the roll-out before it."
    )


class SeenConfig(ObservedModel):
    """Configuration that the pods mount."""

    kind: ShortText = Field(description="Kind.")
    name: ShortText = Field(description="Name.")
    sha256: ShortText = Field(description="SHA-256 of its data, in hexadecimal.")
    changed_at: Timestamp | None = Field(default=None, description="When it was last written, by its managedFields.")
    live: bool | None = Field(
        default=None, description="True: mounted, so that running pods see a change; otherwise only new ones do."
    )


class SeenDependency(ObservedModel):
    """A neighbour that spec.dependencies names, as it was."""

    name: ShortText = Field(description="What the model calls it.")
    kind: ShortText = Field(description="ConfigMap or ModelDeployment.")
    object: ShortText = Field(description="Its name.")
    contract: ShortText = Field(default="", description="The contract between them.")
    version: ShortText = Field(
        default="",
        description="The contract's version that it provided; of a ConfigMap's value only a digest and the size.",
    )
    required: ShortText = Field(default="", description="The version that spec.knownGood.requires.")
    changed_at: Timestamp | None = Field(
        default=None, description="When it was last written, or since when its release runs."
    )
    incident: ShortText = Field(default="", description="Its own open incident.")
    incident_opened_at: Timestamp | None = Field(default=None, description="When that was opened.")


class Point(ObservedModel):
    """A raw sample."""

    t: Timestamp = Field(description="When.")
    v: Annotated[str, Field(max_length=64)] = Field(description="Value, as Prometheus writes it.")


class Series(ObservedModel):
    """Raw samples around onset."""

    signal: ShortText = Field(description="The signal that they belong to.")
    part: ShortText = Field(default="", description="good or total, where the signal is a ratio of the two.")
    query: Query = Field(description="The query that was sent.")
    start: Timestamp = Field(description="First time asked for.")
    end: Timestamp = Field(description="Last time asked for.")
    step: Duration = Field(description="Time between points.")
    labels: Labels = Field(default_factory=dict, description="The series' labels.")
    points: Annotated[list[Point], Field(max_length=240), ATOMIC] = Field(
        default_factory=list, description="Samples, oldest first."
    )


class Evidence(ObservedModel):
    """What was recorded before the cluster was touched."""

    frozen_at: Timestamp | None = Field(default=None, description="When recording ended.")
    budget: Duration | None = Field(default=None, description="How long recording was allowed to take.")
    took: Duration | None = Field(default=None, description="How long it took.")
    missing: Annotated[list[Missing], Field(max_length=64), ATOMIC] = Field(
        default_factory=list, description="What could not be recorded, and why."
    )
    workload: SeenWorkload | None = Field(default=None, description="The workload as it was.")
    pods: Annotated[list[SeenPod], Field(max_length=50), by("name")] = Field(
        default_factory=list, description="Its pods as they were."
    )
    rollouts: Annotated[list[Rollout], Field(max_length=10), ATOMIC] = Field(
        default_factory=list, description="Its recent roll-outs, newest first."
    )
    configs: Annotated[list[SeenConfig], Field(max_length=32), ATOMIC] = Field(
        default_factory=list, description="Configuration that its pods mount, by hash."
    )
    dependencies: Annotated[list[SeenDependency], Field(max_length=32), by("name")] = Field(
        default_factory=list, description="The neighbours that spec.dependencies names, as they were."
    )
    series: Annotated[list[Series], Field(max_length=32), ATOMIC] = Field(
        default_factory=list, description="Raw samples around onset."
    )
    traces: Annotated[list[ShortText], Field(max_length=32), ATOMIC] = Field(
        default_factory=list, description="Trace ids of bad answers, from exemplars."
    )

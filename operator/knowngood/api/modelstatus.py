"""ModelDeployment.status: what runs, since when, how it is judged and what it could go back to."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from knowngood.api.base import ObservedModel, Timestamp
from knowngood.api.common import IncidentType
from knowngood.api.conditions import Conditions
from knowngood.api.durations import Duration
from knowngood.api.observed import (
    Message,
    NamedImage,
    Reason,
    RunningContainer,
    ShortText,
    Verdict,
)
from knowngood.api.schema import ATOMIC, by


class ModelPhase(StrEnum):
    """How a model is doing, for people; conditions are the truth."""

    LEARNING = "Learning"
    HEALTHY = "Healthy"
    INCONCLUSIVE = "Inconclusive"
    INCIDENT = "Incident"
    SUSPENDED = "Suspended"


class KnownGoodSource(StrEnum):
    """Who chose the known-good release."""

    SPEC = "Spec"
    PROMOTED = "Promoted"


NamedImages = Annotated[list[NamedImage], Field(max_length=64), by("name")]
RunningContainers = Annotated[list[RunningContainer], Field(max_length=64), by("name")]


class RunningStatus(ObservedModel):
    """The release that runs now."""

    containers: RunningContainers = Field(
        default_factory=list, description="The containers of the pods that run, with their images' digests."
    )
    short_digest: ShortText = Field(
        default="", description="First 12 digits of the answering container's digest; printed as RUNNING."
    )
    release: ShortText | None = Field(default=None, description="Its release label's value in the metrics, if known.")
    since: Timestamp | None = Field(default=None, description="Since when this release runs.")
    rolling_out: bool = Field(default=False, description="True while pods of more than one release run.")


class KnownGoodStatus(ObservedModel):
    """The release that a rollback goes to."""

    containers: NamedImages = Field(default_factory=list, description="Its containers' images, by digest.")
    source: KnownGoodSource = Field(description="Spec: pinned by a person or Git. Promoted: stayed healthy for soak.")
    short_digest: ShortText = Field(
        default="", description="First 12 digits of the answering container's digest; printed as KNOWN-GOOD."
    )
    since: Timestamp | None = Field(default=None, description="Since when it is the known-good release.")


class SignalItem(ObservedModel):
    """The last verdict of one signal of one policy."""

    policy: ShortText = Field(description="The IncidentPolicy's name.")
    name: ShortText = Field(description="The signal's name in that policy.")
    type: IncidentType = Field(description="The type of incident that it would open.")
    verdict: Verdict = Field(description="Healthy, Inconclusive, Error or Breach.")
    reason: Reason = Field(default="", description="Why, as one word.")
    message: Message = Field(default="", description="Why, as a sentence with value and threshold.")
    since: Timestamp | None = Field(default=None, description="Since when this verdict holds.")
    learned: ShortText | None = Field(
        default=None, description="Windows learned of those needed, in tenths; absent: nothing is being learned."
    )
    not_separable: bool | None = Field(
        default=None,
        description="True: the series do not tell releases apart, so that old answers count too.",
    )


class SignalsStatus(ObservedModel):
    """The signals that judge this model."""

    ok: int = Field(default=0, ge=0, description="How many are healthy.")
    total: int = Field(default=0, ge=0, description="How many there are.")
    summary: ShortText = Field(default="", description="ok/total, printed as SIGNALS.")
    items: Annotated[list[SignalItem], Field(max_length=256), by("policy", "name")] = Field(
        default_factory=list, description="Each signal's last verdict."
    )


class IncidentRef(ObservedModel):
    """An AIIncident of this namespace."""

    name: Annotated[str, Field(max_length=253)] = Field(description="Its name.")


class Ran(ObservedModel):
    """A time during which a release ran."""

    from_: Timestamp = Field(description="When it was first seen running.")
    to: Timestamp | None = Field(default=None, description="When it was last seen running; absent: it runs.")


class Release(ObservedModel):
    """One release in the model's history."""

    digest: ShortText = Field(description="sha256:… of the answering container's image.")
    containers: NamedImages = Field(default_factory=list, description="The workload's containers in that release.")
    release: ShortText | None = Field(default=None, description="Its release label's value in the metrics, if known.")
    first_seen: Timestamp | None = Field(default=None, description="When it first ran.")
    last_seen: Timestamp | None = Field(default=None, description="When it last ran.")
    healthy_for: Duration | None = Field(
        default=None,
        description="How long every signal was healthy while it alone ran, in eighths of promotion.soak.",
    )
    proven_at: Timestamp | None = Field(
        default=None, description="When it had stayed healthy for promotion.soak; absent: not proven."
    )
    implicated_in: Annotated[str, Field(max_length=253)] | None = Field(
        default=None,
        description="The open AIIncident that suspects it; it is neither proven nor gone back to.",
    )
    ran: Annotated[list[Ran], Field(max_length=20), ATOMIC] = Field(
        default_factory=list, description="When it ran, oldest first."
    )


class Quarantined(ObservedModel):
    """A digest that may not be rolled out any more."""

    digest: ShortText = Field(description="sha256:… of an image.")
    incident: Annotated[str, Field(max_length=253)] = Field(description="The AIIncident that put it there.")
    since: Timestamp = Field(description="When.")


class ModelDeploymentStatus(ObservedModel):
    """What the operator observed of a model."""

    observed_generation: int | None = Field(default=None, ge=0, description="The generation that this status is of.")
    phase: ModelPhase | None = Field(default=None, description="How the model is doing, as one word.")
    running: RunningStatus | None = Field(default=None, description="The release that runs now.")
    known_good: KnownGoodStatus | None = Field(default=None, description="The release that a rollback goes to.")
    signals: SignalsStatus | None = Field(default=None, description="The signals that judge this model.")
    incident_ref: IncidentRef | None = Field(default=None, description="The open incident of this model.")
    episode: int | None = Field(
        default=None, ge=0, description="Number of the last episode; incidents are named by it."
    )
    releases: Annotated[list[Release], Field(max_length=50), by("digest")] = Field(
        default_factory=list, description="Release history, newest first."
    )
    quarantined: Annotated[list[Quarantined], Field(max_length=16), by("digest")] = Field(
        default_factory=list,
        description="Digests that admission refuses for the workload, and every tag with them, until a person lifts "
        "them in spec.quarantine.lift.",
    )
    conditions: Conditions = Field(
        default_factory=list, description="Ready, SignalsAvailable, KnownGoodAvailable and BaselinesLearned."
    )

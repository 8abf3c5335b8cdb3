"""AIIncident.status: what the operator saw, planned and did."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from knowngood.api.analysis import Analysis
from knowngood.api.base import ObservedModel, Timestamp
from knowngood.api.common import IncidentType, Severity
from knowngood.api.conditions import Conditions
from knowngood.api.durations import Duration
from knowngood.api.evidence import Evidence, Labels, Query
from knowngood.api.modelstatus import RunningContainers
from knowngood.api.observed import Message, Reason, ShortText, Verdict
from knowngood.api.plan import Plan
from knowngood.api.schema import ATOMIC, by


class IncidentPhase(StrEnum):
    """How far an incident is, for people; conditions are the truth."""

    OPEN = "Open"
    AWAITING_APPROVAL = "AwaitingApproval"
    CONTAINING = "Containing"
    CONTAINED = "Contained"
    RECOVERING = "Recovering"
    VERIFYING = "Verifying"
    RESOLVED = "Resolved"
    CLOSED = "Closed"
    DISMISSED = "Dismissed"
    CONTAINMENT_FAILED = "ContainmentFailed"
    SELF_RECOVERED = "SelfRecovered"


class Actor(StrEnum):
    """Who did something."""

    OPERATOR = "Operator"
    PERSON = "Person"
    SYSTEM = "System"


class IncidentSignal(ObservedModel):
    """A signal that took part, with what it saw."""

    name: ShortText = Field(description="The signal's name in the policy.")
    policy: ShortText = Field(description="The IncidentPolicy's name.")
    type: IncidentType = Field(description="The signal's type.")
    severity: Severity = Field(description="The signal's severity.")
    first_breach_at: Timestamp | None = Field(default=None, description="When it was first out of its limits.")
    last_breach_at: Timestamp | None = Field(default=None, description="When it was last out of its limits.")
    verdict: Verdict = Field(description="Its last verdict.")
    reason: Reason = Field(default="", description="Why, as one word.")
    value: ShortText = Field(default="", description="The value at the last breach.")
    threshold: ShortText = Field(default="", description="The limit that it was held against.")
    window: Duration | None = Field(default=None, description="How far back the value looks.")
    samples: int | None = Field(default=None, ge=0, description="How many observations stand behind the value.")
    query: Query = Field(default="", description="The query that was sent.")
    segment: Labels = Field(default_factory=dict, description="The worst segment, by its labels.")
    release: ShortText = Field(default="", description="The release that was judged.")
    not_separable: bool | None = Field(
        default=None,
        description="True: the series do not tell releases apart, so that old answers count too.",
    )


class Suspect(ObservedModel):
    """The release that ran when it broke."""

    containers: RunningContainers = Field(default_factory=list, description="Its containers with their digests.")
    digest: ShortText = Field(default="", description="sha256:… of the answering container.")
    release: ShortText = Field(default="", description="Its release label's value in the metrics.")


class ApprovalStatus(ObservedModel):
    """The decision on the plan that counts."""

    by: ShortText = Field(description="Who decided.")
    decision: ShortText = Field(description="Approve or Reject.")
    plan_hash: ShortText = Field(description="The plan that it is about.")
    at: Timestamp = Field(description="When it was honoured.")


class TimelineEntry(ObservedModel):
    """Something that happened."""

    time: Timestamp = Field(description="When.")
    actor: Actor = Field(description="Who: Operator, Person or System.")
    reason: Reason = Field(description="What, as one word.")
    message: Message = Field(default="", description="What, as a sentence.")


class AIIncidentStatus(ObservedModel):
    """What the operator saw, planned and did."""

    observed_generation: int | None = Field(default=None, ge=0, description="The generation that this status is of.")
    phase: IncidentPhase | None = Field(
        default=None, description="How far it is, as one word for people; conditions are the truth."
    )
    episode: int | None = Field(default=None, ge=0, description="Which episode of the model this is.")
    type: IncidentType | None = Field(default=None, description="The type as assessed.")
    severity: Severity | None = Field(default=None, description="The severity as assessed.")
    model_uid: ShortText | None = Field(default=None, description="The ModelDeployment's uid.")
    policy: ShortText | None = Field(default=None, description="The IncidentPolicy whose responses apply.")
    opened_at: Timestamp | None = Field(default=None, description="When it was opened.")
    last_breach_at: Timestamp | None = Field(default=None, description="When a signal was last out of its limits.")
    approval: ApprovalStatus | None = Field(default=None, description="The approval that was honoured.")
    ignored_decisions: Annotated[list[ShortText], Field(max_length=16), ATOMIC] = Field(
        default_factory=list,
        description="Decisions that were written while admission did not check who wrote them; they never count.",
    )
    contained_at: Timestamp | None = Field(default=None, description="When the containment was in place.")
    contained_after: Duration | None = Field(
        default=None, description="How long after opening that was; printed as CONTAINED."
    )
    recovered_at: Timestamp | None = Field(default=None, description="When the model was healthy again.")
    primary_signal: ShortText | None = Field(default=None, description="The signal that opened it; printed as SIGNAL.")
    signals: Annotated[list[IncidentSignal], Field(max_length=32), by("policy", "name")] = Field(
        default_factory=list, description="The signals that took part, with query, value and threshold."
    )
    suspect: Suspect | None = Field(default=None, description="The release that ran when it broke.")
    evidence: Evidence | None = Field(default=None, description="What was recorded before the cluster was touched.")
    analysis: Analysis | None = Field(
        default=None, description="When it began, what changed near it, and what it therefore is."
    )
    plan: Plan | None = Field(
        default=None, description="What is to be done; each intent stands here before its effect."
    )
    timeline: Annotated[list[TimelineEntry], Field(max_length=200), ATOMIC] = Field(
        default_factory=list, description="What happened, oldest first."
    )
    conditions: Conditions = Field(
        default_factory=list,
        description="Ready, Acknowledged, EvidenceFrozen, Contained, ContainmentEffective, Contested, "
        "Recovered and Reviewed.",
    )

    @property
    def suspect_digest(self) -> str:
        """sha256:… of the suspect's answering container; empty where it is not known."""
        return self.suspect.digest if self.suspect else ""

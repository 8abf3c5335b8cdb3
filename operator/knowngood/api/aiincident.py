"""AIIncident: one episode of one model going wrong, what people decide and what was done."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from knowngood.api import API_VERSION
from knowngood.api.base import KnowngoodModel, ObjectMeta, Timestamp
from knowngood.api.common import ContainerPins, Digest, IncidentType, ItemName, NameRef, Origin, Person, Severity, Text
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.schema import Cel, by


class Decision(StrEnum):
    """What a person says to a plan."""

    APPROVE = "Approve"
    REJECT = "Reject"


class DispositionVerdict(StrEnum):
    """What an incident turned out to be."""

    TRUE_POSITIVE = "TruePositive"
    FALSE_POSITIVE = "FalsePositive"
    BENIGN_POSITIVE = "BenignPositive"


class FixKind(StrEnum):
    """What kind of thing mends it."""

    IMAGE = "Image"


class Acknowledgement(KnowngoodModel):
    """A person has seen it; needs the verb acknowledge."""

    by: Person = Field(description="Who; must be the user who writes this.")
    comment: Text | None = Field(default=None, description="What they want to add.")


class Approval(KnowngoodModel):
    """A person's word on the plan; needs the verb approve."""

    decision: Decision = Field(description="Approve or Reject.")
    by: Person = Field(description="Who; must be the user who writes this.")
    plan_hash: Digest = Field(description="status.plan.hash of the plan that was read; another plan is not approved.")
    expires_at: Timestamp | None = Field(
        default=None,
        description="When the approval ends if it was not used, for example 2026-11-23T06:00:00Z.",
    )
    comment: Text | None = Field(default=None, description="What they want to add.")


class GateDecision(KnowngoodModel):
    """A person's word on one gate of the plan; needs the verb approve."""

    name: ItemName = Field(description="The step of the plan that is a gate.")
    decision: Decision = Field(description="Approve: what follows begins. Reject: nothing more is done.")
    by: Person = Field(description="Who; must be the user who writes this.")
    plan_hash: Digest = Field(description="status.plan.hash of the plan that was read; in another it does not count.")
    comment: Text | None = Field(default=None, description="What they want to add.")


class Fix(KnowngoodModel):
    """What is meant to mend it."""

    kind: FixKind = Field(description="Image: a release with the containers below.")
    containers: ContainerPins = Field(description="The fixed release's containers, each by digest.")


class Disposition(KnowngoodModel):
    """What it turned out to be; needs the verb dismiss."""

    verdict: DispositionVerdict = Field(description="TruePositive, FalsePositive or BenignPositive.")
    by: Person = Field(description="Who; must be the user who writes this.")
    comment: Text | None = Field(default=None, description="What they want to add.")


class CloseRequest(KnowngoodModel):
    """A person wants it closed; needs the verb close."""

    by: Person = Field(description="Who; must be the user who writes this.")
    comment: Text | None = Field(default=None, description="What they want to add.")


class AIIncidentSpec(KnowngoodModel):
    """What was reported, and what people decide."""

    model_ref: Annotated[
        NameRef, Cel("self == oldSelf", "never changes: report another model in another AIIncident")
    ] = Field(description="The ModelDeployment of this namespace; never changes.")
    policy_ref: NameRef | None = Field(
        default=None,
        description="The IncidentPolicy whose responses apply; absent: the first that selects the model.",
    )
    type: IncidentType = Field(description="The type as reported; status.type holds the assessment.")
    severity: Severity = Field(description="The severity as reported; status.severity holds the assessment.")
    summary: Text | None = Field(default=None, description="What was seen, in a sentence.")
    origin: Annotated[Origin, Cel("self == oldSelf", "never changes: it says who reported the incident first")] = Field(
        description="Who or what reported it; a person writes User; never changes."
    )
    aware_at: Timestamp | None = Field(
        default=None,
        description="When somebody first knew, for regulatory clocks, for example 2026-11-23T06:00:00Z.",
    )
    acknowledgement: Acknowledgement | None = Field(default=None, description="A person has seen it.")
    approval: Approval | None = Field(default=None, description="A person's word on the plan.")
    gates: Annotated[list[GateDecision], Field(max_length=8), by("name")] = Field(
        default_factory=list, description="A person's word on gates of the plan."
    )
    fix: Fix | None = Field(default=None, description="What is meant to mend it.")
    disposition: Disposition | None = Field(default=None, description="What it turned out to be.")
    close_request: CloseRequest | None = Field(default=None, description="A person wants it closed.")


class AIIncident(KnowngoodModel):
    """One episode of one model going wrong: what was seen, what was done and what people decided."""

    model_config = ConfigDict(extra="ignore")

    api_version: str = Field(default=API_VERSION, description="knowngood.dev/v1alpha1.")
    kind: str = Field(default="AIIncident", description="AIIncident.")
    metadata: ObjectMeta = Field(default_factory=ObjectMeta, description="Standard object metadata.")
    spec: AIIncidentSpec = Field(description="What was reported, and what people decide.")
    status: AIIncidentStatus = Field(
        default_factory=AIIncidentStatus, description="What the operator saw and did; nobody else writes it."
    )

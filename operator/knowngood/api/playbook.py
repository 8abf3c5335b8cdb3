"""Playbook: what is done about an incident, step by step; the shipped ones are ordinary manifests."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, model_validator

from knowngood.api import API_VERSION
from knowngood.api.base import KnowngoodModel, ObjectMeta, ObservedModel
from knowngood.api.common import ItemName
from knowngood.api.conditions import Conditions
from knowngood.api.durations import Duration, PositiveDuration
from knowngood.api.schema import ATOMIC, by, rule, rules
from knowngood.api.steps import (
    BLOCKS,
    ActionName,
    FreezeEvidence,
    Gate,
    Isolate,
    RerouteTraffic,
    RunJob,
    SetFlag,
    block_problem,
    block_rules,
)


class OnFailure(StrEnum):
    """What follows when a step fails."""

    CONTINUE = "Continue"
    UNDO = "Undo"
    ESCALATE = "Escalate"


_OUTAGE: Final = "ScaleToZero empties the Service: write allowOutage: true on this step, or leave the step out"
_NO_OUTAGE: Final = "only ScaleToZero and Isolate may empty a Service: remove allowOutage from this step"
_MAY_EMPTY: Final = frozenset({ActionName.SCALE_TO_ZERO, ActionName.ISOLATE})


class Step(KnowngoodModel):
    """One step; its action's own block stands beside it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            *block_rules(),
            rule(
                "self.action != 'ScaleToZero' || (has(self.allowOutage) && self.allowOutage)",
                _OUTAGE,
                field=".allowOutage",
            ),
            rule(
                "self.action in ['ScaleToZero', 'Isolate'] || !has(self.allowOutage) || !self.allowOutage",
                _NO_OUTAGE,
                field=".allowOutage",
            ),
        )
    )

    name: ItemName = Field(description="What this step is called in the plan and in the timeline.")
    action: ActionName = Field(description="What it does, for example PinKnownGood.")
    freeze_evidence: FreezeEvidence | None = Field(default=None, description="For FreezeEvidence: its budget.")
    set_flag: SetFlag | None = Field(default=None, description="For SetFlag: which flag.")
    reroute_traffic: RerouteTraffic | None = Field(default=None, description="For RerouteTraffic: where to.")
    isolate: Isolate | None = Field(default=None, description="For Isolate: what is kept, and how long.")
    run_job: RunJob | None = Field(default=None, description="For RunJob: which template.")
    gate: Gate | None = Field(default=None, description="For Gate: who or what lets the next step through.")
    allow_outage: bool = Field(
        default=False, description="True: this step may leave the model without any pod that answers."
    )
    timeout: PositiveDuration | None = Field(
        default=None, description="How long it may take before it has failed; absent: 5m for what rolls out."
    )
    on_failure: OnFailure = Field(
        default=OnFailure.ESCALATE,
        description="Continue with the next step, Undo what this one did, or Escalate: the next rung at once.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if problem := block_problem(self.action, [f for f in BLOCKS if getattr(self, f) is not None]):
            raise ValueError(problem)
        if self.action is ActionName.SCALE_TO_ZERO and not self.allow_outage:
            raise ValueError(_OUTAGE)
        if self.action not in _MAY_EMPTY and self.allow_outage:
            raise ValueError(_NO_OUTAGE)
        return self


Steps = Annotated[list[Step], Field(min_length=1, max_length=16), by("name")]
"""At least one step, told apart by name."""


class Escalation(KnowngoodModel):
    """The next rung, for when the first did not help."""

    after: PositiveDuration = Field(
        default="5m", description="How long after containment the signal may stay out of its limits before this begins."
    )
    steps: Steps = Field(description="What is done then.")


class Validation(KnowngoodModel):
    """How a fix is tried before it gets traffic."""

    min_samples: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(
        default=200, description="How many observations of the fix are needed."
    )
    timeout: PositiveDuration = Field(default="1h", description="How long to wait for them.")


class RestoreStep(KnowngoodModel):
    """A share of the traffic, and how long it is held."""

    weight_percent: Annotated[int, Field(ge=1, le=100)] = Field(description="Share of the traffic, 1 to 100.")
    min_duration: Duration | None = Field(default=None, description="The least time at this share.")
    min_samples: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = Field(
        default=None, description="The least number of observations at this share."
    )


_RISING: Final = "weightPercent must rise from step to step and end at 100"
_ENDS: Final = "self.steps[self.steps.size() - 1].weightPercent == 100"
_RISES: Final = "self.steps.map(s, s.weightPercent).isSorted()"


class Restore(KnowngoodModel):
    """How traffic comes back."""

    model_config = ConfigDict(json_schema_extra=rules(rule(f"{_ENDS} && {_RISES}", _RISING, field=".steps")))

    steps: Annotated[list[RestoreStep], Field(min_length=1, max_length=16), ATOMIC] = Field(
        description="Shares of the traffic, rising to 100."
    )

    @model_validator(mode="after")
    def _rises(self) -> Self:
        weights = [step.weight_percent for step in self.steps]
        if weights != sorted(weights) or weights[-1] != 100:
            raise ValueError(_RISING)
        return self


class Verify(KnowngoodModel):
    """How long it must stay well."""

    for_: PositiveDuration = Field(default="10m", description="How long every signal must stay healthy.")


class Recovery(KnowngoodModel):
    """How a fix gets its traffic back."""

    validate_: Validation | None = Field(default=None, description="How the fix is tried before it gets traffic.")
    restore: Restore | None = Field(default=None, description="How traffic comes back, in steps.")
    verify: Verify | None = Field(default=None, description="How long it must stay well before the incident is over.")


class Review(KnowngoodModel):
    """What is due afterwards."""

    due_after: PositiveDuration = Field(default="5d", description="How long after its end the review is due.")


_ONCE: Final = "a step's name stands in contain and in escalate: the plan tells steps apart by name, so rename one"


class PlaybookSpec(KnowngoodModel):
    """What is done about an incident, rung by rung."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.escalate) || !self.contain.exists(c, self.escalate.steps.exists(e, e.name == c.name))",
                _ONCE,
                field=".escalate",
            )
        )
    )

    contain: Steps = Field(description="The first rung: what is done at once, in this order.")
    escalate: Escalation | None = Field(
        default=None, description="The next rung: when a step failed, or the signal did not recover in time."
    )
    recover: Recovery | None = Field(default=None, description="How a fix gets its traffic back.")
    review: Review | None = Field(default=None, description="What is due afterwards.")

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        first = {step.name for step in self.contain}
        if self.escalate is not None and any(step.name in first for step in self.escalate.steps):
            raise ValueError(_ONCE)
        return self


class PlaybookStatus(ObservedModel):
    """What the operator made of the playbook."""

    observed_generation: int | None = Field(default=None, ge=0, description="The generation that this status is of.")
    conditions: Conditions = Field(default_factory=list, description="Ready.")


class Playbook(KnowngoodModel):
    """What is done about an incident, step by step: contain, escalate, recover, review."""

    model_config = ConfigDict(extra="ignore")

    api_version: str = Field(default=API_VERSION, description="knowngood.dev/v1alpha1.")
    kind: str = Field(default="Playbook", description="Playbook.")
    metadata: ObjectMeta = Field(default_factory=ObjectMeta, description="Standard object metadata.")
    spec: PlaybookSpec = Field(description="What its author wants.")
    status: PlaybookStatus = Field(
        default_factory=PlaybookStatus, description="What the operator made of it; nobody else writes it."
    )

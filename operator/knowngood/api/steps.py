"""What an action's own block in a playbook's step may hold; plans carry the same blocks."""

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, model_validator

from knowngood.api.base import KnowngoodModel, OneOf, json_name
from knowngood.api.common import FlagName, ObjectName, Text
from knowngood.api.durations import PositiveDuration
from knowngood.api.schema import one_of, rule, rules

_LIMITLESS: Final = "write above, below or both, for example below: 0.1"


class ActionName(StrEnum):
    """What a step does; each has a page of its own in the reference."""

    FREEZE_EVIDENCE = "FreezeEvidence"
    PIN_KNOWN_GOOD = "PinKnownGood"
    REROUTE_TRAFFIC = "RerouteTraffic"
    ISOLATE = "Isolate"
    QUARANTINE_DIGEST = "QuarantineDigest"
    SCALE_TO_ZERO = "ScaleToZero"
    PAUSE_ROLLOUT = "PauseRollout"
    SET_FLAG = "SetFlag"
    RUN_JOB = "RunJob"
    NOTIFY = "Notify"
    GATE = "Gate"


class FreezeEvidence(KnowngoodModel):
    """How evidence is gathered."""

    budget: PositiveDuration = Field(
        default="2s",
        description="The longest that containment waits for it; what is missing then is listed. The administrator's "
        "evidence.maxBudget bounds it.",
    )


class SetFlag(KnowngoodModel):
    """Which flag is set."""

    flag: FlagName = Field(description="A flag of the ModelDeployment's spec.flags; its value is written.")


class Destination(StrEnum):
    """Where a Service leads."""

    STANDBY = "Standby"
    WORKLOAD = "Workload"


class RerouteTraffic(KnowngoodModel):
    """Where callers are led."""

    to: Destination = Field(
        default=Destination.STANDBY,
        description="Standby: to the workload of spec.standby. Workload: back, as the Service led before.",
    )


class Isolate(KnowngoodModel):
    """How many suspects are kept, and for how long."""

    keep: Annotated[int, Field(ge=1, le=64)] = Field(
        default=16, description="At most so many of the suspect's pods are kept; the others are left to the pin."
    )
    keep_for: PositiveDuration = Field(
        default="24h", description="How long they are kept; then Kubernetes ends them, and their records stay a while."
    )


class RunJob(KnowngoodModel):
    """Which template a Job is made from."""

    template: ObjectName = Field(
        description="A suspended CronJob of this namespace, whose jobTemplate is run; the administrator allows it."
    )


class PersonGate(KnowngoodModel):
    """A person decides, in spec.gates of the incident."""

    ask: Text | None = Field(default=None, description="What the person is asked.")


class PromQLGate(KnowngoodModel):
    """A query decides; its source is the policy's, and it sees this namespace alone."""

    model_config = ConfigDict(
        json_schema_extra=rules(rule("has(self.above) || has(self.below)", _LIMITLESS, field=".below"))
    )

    query: Annotated[str, Field(min_length=1, max_length=4096)] = Field(
        description="PromQL; $model stands for the ModelDeployment's name. Every series of the answer must be within."
    )
    above: float | None = Field(default=None, description="It opens when every value is greater than this.")
    below: float | None = Field(default=None, description="It opens when every value is less than this.")

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError(_LIMITLESS)
        return self


class Gate(OneOf):
    """Who or what lets the next step through."""

    model_config = ConfigDict(json_schema_extra=one_of("person", "promql", "job"))

    person: PersonGate | None = Field(default=None, description="A person.")
    promql: PromQLGate | None = Field(default=None, description="A query.")
    job: RunJob | None = Field(default=None, description="A Job, if it ends well.")


BLOCKS: Final = {
    "freeze_evidence": (ActionName.FREEZE_EVIDENCE, False),
    "set_flag": (ActionName.SET_FLAG, True),
    "reroute_traffic": (ActionName.REROUTE_TRAFFIC, False),
    "isolate": (ActionName.ISOLATE, False),
    "run_job": (ActionName.RUN_JOB, True),
    "gate": (ActionName.GATE, True),
}
"""By field of a step: whose block it is, and whether that action cannot do without it."""


def _others(action: ActionName) -> str:
    return f"is {action.value}'s own block: remove it, or write action: {action.value}"


def _missing(action: ActionName, block: str) -> str:
    return f"{action.value} needs it: write {block}, or another action"


def block_rules() -> list[dict[str, str]]:
    """CEL validations of a step's blocks."""
    made = []
    for field, (action, needed) in BLOCKS.items():
        block, its = json_name(field), f"self.action == '{action.value}'"
        made.append(rule(f"!has(self.{block}) || {its}", _others(action), field=f".{block}"))
        if needed:
            made.append(rule(f"has(self.{block}) || !({its})", _missing(action, block), field=f".{block}"))
    return made


def block_problem(action: ActionName, given: Collection[str]) -> str:
    """What is wrong with the blocks ``given`` (fields) of a step of that action; empty where nothing is."""
    for field, (whose, needed) in BLOCKS.items():
        if field in given and action is not whose:
            return f"{json_name(field)} {_others(whose)}"
        if needed and action is whose and field not in given:
            return f"{json_name(field)}: {_missing(whose, json_name(field))}"
    return ""

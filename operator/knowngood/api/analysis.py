"""AIIncident.status.analysis: when it began, what changed near it, and what it therefore is."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from knowngood.api.base import ObservedModel, Timestamp
from knowngood.api.common import IncidentType
from knowngood.api.evidence import Labels
from knowngood.api.observed import CauseKind, Message, ShortText, Verdict
from knowngood.api.schema import ATOMIC, by


class OnsetMethod(StrEnum):
    """How the onset was found."""

    CHANGE_POINT = "ChangePoint"
    FIRST_BREACH = "FirstBreach"
    BEFORE_SAMPLES = "BeforeSamples"
    REPORTED = "Reported"


class Cause(ObservedModel):
    """Something that changed near the onset."""

    kind: CauseKind = Field(
        description="Release, Configuration, Environment, Replicas, InputDistribution, Dependency, Upstream, or "
        "Unknown: nothing that can be seen changed."
    )
    summary: Message = Field(default="", description="What changed, as a sentence.")
    changed_at: Timestamp | None = Field(default=None, description="When it changed, as far as is known.")
    score: int = Field(
        ge=0,
        le=100,
        description="How well it fits, in percent: nearness to the onset times how often this kind is the cause. "
        "It ranks; it is no probability.",
    )
    evidence: Annotated[list[Message], Field(max_length=16), ATOMIC] = Field(
        default_factory=list, description="What speaks for it, and where it is to be seen."
    )


class HitSegment(ObservedModel):
    """A part of the traffic that went wrong."""

    labels: Labels = Field(default_factory=dict, description="The labels that tell it from the others.")
    before: ShortText = Field(default="", description="The signal's value before the onset.")
    after: ShortText = Field(default="", description="The signal's value since.")


class AgreeingSignal(ObservedModel):
    """Another signal that went wrong, or is about to, in the same stretch of time."""

    policy: ShortText = Field(description="The IncidentPolicy's name.")
    name: ShortText = Field(description="The signal's name in that policy.")
    type: IncidentType = Field(description="The signal's type.")
    verdict: Verdict = Field(description="Breach; or Inconclusive: out of its limits, but not yet for long enough.")
    since: Timestamp | None = Field(default=None, description="Since when.")


class Analysis(ObservedModel):
    """When it began, what changed near it, and what it therefore is: what a stack trace is elsewhere."""

    onset_at: Timestamp | None = Field(default=None, description="When it most likely began.")
    onset_earliest: Timestamp | None = Field(
        default=None, description="Not before this, with 95 % confidence; absent: not known."
    )
    onset_latest: Timestamp | None = Field(default=None, description="Not after this, with 95 % confidence.")
    method: OnsetMethod | None = Field(
        default=None,
        description="ChangePoint: in the raw samples. FirstBreach: too few of them, so between the last healthy poll "
        "and the first breach, or some time before it where the detector adds up evidence. BeforeSamples: it was out "
        "of its limits from the first sample on. Reported: somebody said so.",
    )
    signal: ShortText = Field(default="", description="The signal whose samples date the onset.")
    causes: Annotated[list[Cause], Field(max_length=16), ATOMIC] = Field(
        default_factory=list, description="What changed near the onset, the likeliest first."
    )
    segments: Annotated[list[HitSegment], Field(max_length=16), ATOMIC] = Field(
        default_factory=list, description="The parts of the traffic that were hit; empty: it has no parts."
    )
    segments_total: int | None = Field(default=None, ge=0, description="How many parts the traffic has.")
    agreeing_signals: Annotated[list[AgreeingSignal], Field(max_length=32), by("policy", "name")] = Field(
        default_factory=list, description="Other signals that went wrong in the same stretch of time."
    )
    assessed_type: IncidentType | None = Field(
        default=None, description="What it is, by the likeliest cause; copied to status.type."
    )
    sentence: Message = Field(default="", description="All of this in one sentence.")

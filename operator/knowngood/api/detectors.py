"""Detectors: how a signal's values become a verdict."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from knowngood.api.base import KnowngoodModel, OneOf
from knowngood.api.common import LabelName, LabelValue
from knowngood.api.durations import Duration, PositiveDuration
from knowngood.api.schema import one_of, rule, rules

MinSamples = Annotated[int, Field(ge=1, le=1_000_000_000)]
"""How many observations a verdict needs."""
FALSE_ALARM = "How long, on average, one model may be judged by this signal until one false alarm; 30d is one a month."
MIN_SAMPLES = "Fewer observations than this in the window are Inconclusive."


class Direction(StrEnum):
    """Which way of moving is bad."""

    UP = "Up"
    DOWN = "Down"
    BOTH = "Both"


class DriftTest(StrEnum):
    """How two distributions are compared."""

    KOLMOGOROV_SMIRNOV = "KolmogorovSmirnov"
    POPULATION_STABILITY_INDEX = "PopulationStabilityIndex"
    JENSEN_SHANNON = "JensenShannon"
    WASSERSTEIN = "Wasserstein"
    CHI_SQUARED = "ChiSquared"


class ChangeMethod(StrEnum):
    """How a small lasting shift is found."""

    CUSUM = "Cusum"
    EWMA = "Ewma"
    PAGE_HINKLEY = "PageHinkley"


class ReferenceGroup(StrEnum):
    """The group that the others are compared with."""

    BEST_GROUP = "BestGroup"
    LARGEST_GROUP = "LargestGroup"


class ComparedWith(StrEnum):
    """The release that the running one is compared with."""

    KNOWN_GOOD = "KnownGood"
    PREVIOUS_RELEASE = "PreviousRelease"


class ThresholdDetector(KnowngoodModel):
    """Breach when the value is below, or above, a limit for some time."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("has(self.below) || has(self.above)", "write below, above or both, for example below: 0.9"),
            rule(
                "!has(self.below) || !has(self.above) || self.below < self.above",
                "must be less than above: values between are healthy",
                "'%s must be less than above, which is %s: values between are healthy'"
                ".format([self.below, self.above])",
                field=".below",
            ),
        )
    )

    below: float | None = Field(default=None, description="Values less than this are a breach.")
    above: float | None = Field(default=None, description="Values greater than this are a breach.")
    for_: Duration = Field(default="0s", description="How long the value must stay out of its limits.")
    min_samples: MinSamples = Field(default=1, description=MIN_SAMPLES)

    @model_validator(mode="after")
    def _has_limits(self) -> Self:
        if self.below is None and self.above is None:
            raise ValueError("write below, above or both, for example below: 0.9")
        if self.below is not None and self.above is not None and self.below >= self.above:
            raise ValueError(f"below: {self.below} must be less than above, which is {self.above}")
        return self


class Baseline(KnowngoodModel):
    """The recorded healthy traffic of the known-good release."""


class Reference(OneOf):
    """What the window is compared with."""

    model_config = ConfigDict(json_schema_extra=one_of("baseline"))

    baseline: Baseline | None = Field(default=None, description="The recorded healthy traffic; has no settings: {}.")


class DriftDetector(KnowngoodModel):
    """Breach when a distribution has moved away from its reference."""

    test: DriftTest = Field(
        default=DriftTest.KOLMOGOROV_SMIRNOV,
        description="How the two distributions are compared. Outcomes have no order, so that KolmogorovSmirnov and "
        "Wasserstein cannot compare them: write another test there.",
    )
    reference: Reference = Field(
        default_factory=lambda: Reference(baseline=Baseline()),
        description="What the window is compared with; default: the baseline.",
        json_schema_extra={"default": {"baseline": {}}},
    )
    min_samples: MinSamples = Field(default=500, description=MIN_SAMPLES)
    min_effect: Annotated[float, Field(ge=0)] = Field(
        default=0.1,
        description="A smaller distance than this, in the test's own statistic, harms nobody. KolmogorovSmirnov: 0 to "
        "1; JensenShannon: 0 to 0.83; PopulationStabilityIndex and ChiSquared: 0.1 is a moderate shift; Wasserstein: "
        "in the metric's own unit.",
    )
    false_alarm_every: PositiveDuration = Field(default="30d", description=FALSE_ALARM)


class ChangeDetector(KnowngoodModel):
    """Breach when a value has shifted by little, but lastingly."""

    method: ChangeMethod = Field(
        default=ChangeMethod.CUSUM,
        description="Cusum: sums what exceeds the healthy level, quickest for the smallest shift and twice it. "
        "Ewma: a mean of the last windows that forgets. PageHinkley: a Cusum whose healthy level goes on being "
        "averaged while it judges, for short baselines; it follows slow slides.",
    )
    direction: Direction = Field(default=Direction.BOTH, description="Which way of moving is bad.")
    smallest_shift_sigmas: Annotated[float, Field(gt=0, le=100)] = Field(
        default=1,
        description="The smallest shift worth noticing, in standard deviations of the healthy value.",
    )
    min_samples: MinSamples = Field(default=1, description=MIN_SAMPLES)
    false_alarm_every: PositiveDuration = Field(default="30d", description=FALSE_ALARM)


class GroupReference(KnowngoodModel):
    """A group to compare with, by name."""

    group: Annotated[dict[LabelName, LabelValue], Field(min_length=1, max_length=8)] = Field(
        description="Labels and values that make the group; with fewer labels than groupLabels, all that have them."
    )


class DisparityDetector(KnowngoodModel):
    """Breach when a group gets favourable outcomes too rarely beside the reference group."""

    reference_group: ReferenceGroup = Field(
        default=ReferenceGroup.BEST_GROUP,
        description="The group that the others are compared with: the one with the largest favourable share, or the "
        "one with the most outcomes.",
    )
    reference: GroupReference | None = Field(
        default=None,
        description="The group that the others are compared with, by name; then referenceGroup is not used.",
    )
    min_ratio: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.8,
        description="The least ratio of a group's favourable share to the reference's, over 0 up to 1; "
        "0.8 is the four-fifths rule.",
    )
    max_difference: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="The largest difference of the favourable shares, 0 to 1, besides minRatio; absent: any.",
    )
    min_samples: MinSamples = Field(
        default=100, description="A group with fewer outcomes than this in the window is neither judged nor shown."
    )
    false_alarm_every: PositiveDuration = Field(default="30d", description=FALSE_ALARM)


class BurstDetector(KnowngoodModel):
    """Breach when events come far more often than is usual for the exposure."""

    false_alarm_every: PositiveDuration = Field(default="30d", description=FALSE_ALARM)


class OccurrenceDetector(KnowngoodModel):
    """Breach when it happens at all in the window."""


class TrendDetector(KnowngoodModel):
    """Breach when a value slides slowly and steadily."""

    direction: Direction = Field(default=Direction.BOTH, description="Which way of sliding is bad.")
    over: PositiveDuration = Field(default="7d", description="The time over which the slide is looked for.")
    limit: float | None = Field(
        default=None, description="The value at which it is bad; the message then says how much time is left."
    )
    min_samples: MinSamples = Field(default=1, description=MIN_SAMPLES)
    false_alarm_every: PositiveDuration = Field(default="30d", description=FALSE_ALARM)


class ComparisonDetector(KnowngoodModel):
    """Breach when the running release is worse than another one in the same windows."""

    against: ComparedWith = Field(
        default=ComparedWith.KNOWN_GOOD, description="The release that the running one is compared with."
    )
    direction: Direction = Field(default=Direction.BOTH, description="Which way of differing is bad.")
    min_samples: MinSamples = Field(default=100, description=MIN_SAMPLES)
    min_effect: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="A smaller difference than this, in the value's own unit, harms nobody."
    )
    false_alarm_every: PositiveDuration = Field(default="30d", description=FALSE_ALARM)


class Detector(OneOf):
    """Exactly one way to judge."""

    model_config = ConfigDict(
        json_schema_extra=one_of(
            "threshold", "drift", "change", "disparity", "burst", "occurrence", "trend", "comparison"
        )
    )

    threshold: ThresholdDetector | None = Field(
        default=None, description="Below or above a limit; judges the sliding window at every poll."
    )
    drift: DriftDetector | None = Field(
        default=None, description="A distribution has moved; needs histogram or outcomes."
    )
    change: ChangeDetector | None = Field(default=None, description="A small lasting shift of a value.")
    disparity: DisparityDetector | None = Field(
        default=None, description="Groups are treated differently; needs outcomes."
    )
    burst: BurstDetector | None = Field(default=None, description="Events come far too often; needs events.")
    occurrence: OccurrenceDetector | None = Field(
        default=None, description="It happened at all; needs events or promql; has no settings: {}."
    )
    trend: TrendDetector | None = Field(default=None, description="A slow steady slide of a value.")
    comparison: ComparisonDetector | None = Field(
        default=None, description="The running release is worse than another in the same windows."
    )

"""Signals: what is asked of Prometheus, and how the answer is judged."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from knowngood.api.base import KnowngoodModel, require_one
from knowngood.api.common import LABEL_PATTERN, IncidentType, ItemName, LabelName, LabelValue, MetricName, Severity
from knowngood.api.detectors import Detector, MinSamples, ThresholdDetector
from knowngood.api.durations import PositiveDuration
from knowngood.api.schema import AS_SET, Shape, exactly_one, rule, rules

__all__ = [
    "EventsInput",
    "HistogramInput",
    "Identity",
    "IdentityOverride",
    "MinSamples",
    "NoData",
    "NoDataAction",
    "OutcomesInput",
    "PromqlInput",
    "RatioInput",
    "Signal",
]

WINDOW = "How far back one value looks."
INPUTS = ("preset", "ratio", "events", "histogram", "outcomes", "promql")
PromQL = Annotated[str, Field(min_length=1, max_length=8192)]
"""A PromQL expression; the namespace matcher is added by the operator."""


class RatioInput(KnowngoodModel):
    """The share of good among all, from two counters."""

    good: MetricName = Field(description="Counter of the good ones; where it has no series, none was good.")
    total: MetricName = Field(description="Counter of all, the good ones included; its increase is the sample count.")
    window: PositiveDuration = Field(description=WINDOW)


class EventsInput(KnowngoodModel):
    """Events that should be rare, from a counter."""

    metric: MetricName = Field(description="Counter of the events.")
    exposure: MetricName | None = Field(
        default=None, description="Counter of the chances for such an event, for example requests."
    )
    window: PositiveDuration = Field(description=WINDOW)


class HistogramInput(KnowngoodModel):
    """A distribution, from a histogram."""

    metric: MetricName = Field(description="The histogram's name, without _bucket.")
    window: PositiveDuration = Field(description=WINDOW)


class OutcomesInput(KnowngoodModel):
    """Decisions by group, from one counter."""

    metric: MetricName = Field(description="Counter of the decisions.")
    outcome_label: LabelName = Field(description="The label that holds the outcome.")
    favourable: Annotated[list[LabelValue], Field(min_length=1, max_length=32), AS_SET] = Field(
        description="Values of that label that are good for whoever is judged."
    )
    group_labels: Annotated[list[LabelName], Field(min_length=1, max_length=8), AS_SET] = Field(
        description="Labels whose values make the groups."
    )
    window: PositiveDuration = Field(description=WINDOW)


class PromqlInput(KnowngoodModel):
    """A value by an expression of one's own."""

    query: PromQL = Field(
        description="The value, a series each model and release; keep namespace and identity's labels."
    )
    samples: PromQL | None = Field(
        default=None, description="How many observations stand behind the value, with the same labels."
    )


class Identity(KnowngoodModel):
    """The labels that tell models and releases apart."""

    model: LabelName = Field(default="model", description="The label that holds the model's name.")
    release: LabelName | None = Field(
        default=None,
        description="The label that holds the release; absent: the label pod, mapped to the pod's image.",
    )

    def overridden(self, by: "IdentityOverride | None") -> "Identity":
        """This identity with what `by` names; an empty release in `by` takes the release label away."""
        if by is None:
            return self
        release = self.release if by.release is None else (by.release or None)
        return Identity(model=by.model or self.model, release=release)


LabelNameOrNone = Annotated[
    str,
    Field(max_length=128),
    Shape(
        LABEL_PATTERN.replace("^(", "^(|"),
        "a Prometheus label name",
        "letters, digits and '_', no digit and no '__' first, or ''",
    ),
]


class IdentityOverride(KnowngoodModel):
    """What differs from the policy's identity for one signal."""

    model: LabelName | None = Field(
        default=None, description="The label that holds the model's name; absent: the policy's."
    )
    release: LabelNameOrNone | None = Field(
        default=None,
        description="The label that holds the release; absent: the policy's; '': this signal has none.",
    )


class NoDataAction(StrEnum):
    """What having nothing to judge means."""

    INCONCLUSIVE = "Inconclusive"
    IGNORE = "Ignore"
    INCIDENT = "Incident"


class NoData(KnowngoodModel):
    """What having nothing to judge means."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.action) || self.action != 'Incident' || has(self.__for__)",
                "action: Incident needs for: write how long there must be no data, for example for: 5m",
                field=".for",
                required=True,
            )
        )
    )

    action: NoDataAction = Field(
        default=NoDataAction.INCONCLUSIVE,
        description="Inconclusive: said so, nothing done. Ignore: not counted. Incident: one is opened.",
    )
    for_: PositiveDuration | None = Field(default=None, description="How long there must be no data.")

    @model_validator(mode="after")
    def _incident_needs_for(self) -> Self:
        if self.action is NoDataAction.INCIDENT and self.for_ is None:
            raise ValueError("action: Incident needs for: write how long there must be no data, for example for: 5m")
        return self


_NEEDS = {
    "drift": ("histogram", "outcomes"),
    "disparity": ("outcomes",),
    "burst": ("events",),
    "occurrence": ("events", "promql"),
}


def _needs(detector: str) -> dict[str, str]:
    """A detector can judge only some inputs; a preset brings an input of its own."""
    present = " || ".join(f"has(self.{name})" for name in ("preset", *_NEEDS[detector]))
    return rule(
        f"!has(self.detector) || !has(self.detector.{detector}) || {present}",
        _needs_text(detector),
        field=f".detector.{detector}",
    )


def _needs_text(detector: str) -> str:
    return f"{detector} needs the input {' or '.join(_NEEDS[detector])}: write that, or another detector"


_SHARE = "write a number between 0 and 1, 0.6 for 60 percent"


def _in_share(limit: str) -> dict[str, str]:
    at = f"self.detector.threshold.{limit}"
    has = f"has(self.ratio) && has(self.detector) && has(self.detector.threshold) && has({at})"
    return rule(
        f"!({has}) || ({at} >= 0.0 && {at} <= 1.0)",
        f"a ratio's threshold is a share: {_SHARE}",
        f"'%s is not a share of a ratio: {_SHARE}'.format([{at}])",
        field=f".detector.threshold.{limit}",
    )


_COMPLETE = "without a preset write {name}"


class Signal(KnowngoodModel):
    """One question to Prometheus, and how its answer is judged."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            exactly_one(*INPUTS),
            *(
                rule(
                    f"has(self.preset) || has(self.{name})",
                    _COMPLETE.format(name=name),
                    field=f".{name}",
                    required=True,
                )
                for name in ("type", "severity", "detector")
            ),
            *(_needs(detector) for detector in _NEEDS),
            _in_share("below"),
            _in_share("above"),
        )
    )

    name: ItemName = Field(description="What this signal is called.")
    type: IncidentType | None = Field(
        default=None, description="The type of incident that it opens; only a preset brings its own."
    )
    severity: Severity | None = Field(
        default=None, description="How bad such an incident is; only a preset brings its own."
    )
    preset: (
        Annotated[
            str,
            Field(min_length=3, max_length=128),
            Shape(
                r"^[a-z0-9-]+/[a-z0-9-]+$",
                "a preset",
                "<source>/<signal>, for example vllm/truncated-answers",
            ),
        ]
        | None
    ) = Field(default=None, description="A shipped signal, as <source>/<signal>; other fields override its own.")
    ratio: RatioInput | None = Field(default=None, description="The share of good among all, from two counters.")
    events: EventsInput | None = Field(default=None, description="Events that should be rare, from a counter.")
    histogram: HistogramInput | None = Field(default=None, description="A distribution, from a histogram.")
    outcomes: OutcomesInput | None = Field(default=None, description="Decisions by group, from one counter.")
    promql: PromqlInput | None = Field(default=None, description="A value by an expression of one's own.")
    detector: Detector | None = Field(
        default=None, description="How the answer is judged; only a preset brings its own."
    )
    no_data: NoData = Field(
        default_factory=NoData,
        description="What having nothing to judge means.",
        json_schema_extra={"default": {}},
    )
    identity: IdentityOverride | None = Field(
        default=None, description="What differs from the policy's identity for this signal."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        require_one(self, INPUTS)
        if self.preset is None:
            for name in ("type", "severity", "detector"):
                if getattr(self, name) is None:
                    raise ValueError(_COMPLETE.format(name=name))
        if self.detector is not None:
            self._require_fitting(self.detector)
        return self

    def _require_fitting(self, detector: Detector) -> None:
        name, _ = detector.chosen()
        given, _ = self.input()
        if name in _NEEDS and given not in ("preset", *_NEEDS[name]):
            raise ValueError(f"detector.{_needs_text(name)}")
        if given == "ratio" and detector.threshold is not None:
            _require_share(detector.threshold)

    def input(self) -> tuple[str, KnowngoodModel | str]:
        """The JSON name and the value of the input, or of the preset, that is present."""
        return next((name, value) for name in INPUTS if (value := getattr(self, name)) is not None)


def _require_share(threshold: ThresholdDetector) -> None:
    for name in ("below", "above"):
        limit = getattr(threshold, name)
        if limit is not None and not 0 <= limit <= 1:
            raise ValueError(f"detector.threshold.{name}: {limit} is not a share of a ratio: {_SHARE}")

"""IncidentPolicy: which models are judged by which signals, and what is done on a breach."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from knowngood.api import API_VERSION
from knowngood.api.base import KnowngoodModel, ObjectMeta, ObservedModel, Timestamp
from knowngood.api.common import IncidentType, ItemName, Mode, NameRef, Origin, Severity, Text
from knowngood.api.conditions import Conditions
from knowngood.api.durations import Duration, PositiveDuration
from knowngood.api.schema import AS_SET, ATOMIC, Shape, by, rule, rules
from knowngood.api.signals import Identity, Signal

LabelKey = Annotated[
    str,
    Field(min_length=1, max_length=317),
    Shape(
        r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
        "a label key",
        "an optional domain and '/', then at most 63 letters, digits, '-', '_' and '.'",
    ),
]
ObjectLabelValue = Annotated[
    str,
    Field(max_length=63),
    Shape(
        r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$",
        "a label value",
        "at most 63 letters, digits, '-', '_' and '.'",
    ),
]
IncidentTypes = Annotated[list[IncidentType], Field(max_length=6), AS_SET]


class SelectorOperator(StrEnum):
    """How a label is compared."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


_VALUES = "In and NotIn need values, Exists and DoesNotExist take none"


class SelectorRequirement(KnowngoodModel):
    """One requirement on a label."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)",
                _VALUES,
                field=".values",
            )
        )
    )

    key: LabelKey = Field(description="The label's key.")
    operator: SelectorOperator = Field(description="In, NotIn, Exists or DoesNotExist.")
    values: Annotated[list[ObjectLabelValue], Field(max_length=32), AS_SET] = Field(
        default_factory=list, description="Values for In and NotIn."
    )

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        if bool(self.values) != (self.operator in (SelectorOperator.IN, SelectorOperator.NOT_IN)):
            raise ValueError(_VALUES)
        return self


class LabelSelector(KnowngoodModel):
    """Objects by their labels; {} is all of them."""

    match_labels: Annotated[dict[LabelKey, ObjectLabelValue], Field(max_length=16)] = Field(
        default_factory=dict, description="Labels that an object must carry, with these values."
    )
    match_expressions: Annotated[list[SelectorRequirement], Field(max_length=16), ATOMIC] = Field(
        default_factory=list, description="Further requirements; all must hold."
    )


class Signature(KnowngoodModel):
    """How images are signed."""

    public_key: Annotated[
        str,
        Field(min_length=1, max_length=8192),
        Shape(
            r"^\s*-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$",
            "a public key in PEM",
            "what stands in cosign.pub, from -----BEGIN PUBLIC KEY----- to -----END PUBLIC KEY-----",
        ),
    ] = Field(description="The signer's public key in PEM.")


class Integrity(KnowngoodModel):
    """What runs, against what may run; opens SupplyChainCompromise."""

    severity: Severity = Field(default=Severity.CRITICAL, description="How bad such an incident is.")
    allowed_registries: Annotated[
        list[
            Annotated[
                str,
                Field(min_length=1, max_length=512),
                Shape(
                    r"^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9._-]+)*$",
                    "a registry",
                    "host, host:port or host/path, without https://",
                ),
            ]
        ],
        Field(max_length=32),
        AS_SET,
    ] = Field(
        default_factory=list,
        description="Where images may come from; narrows the administrator's list, never widens it.",
    )
    require_digest: bool = Field(default=False, description="True: an image by tag is a finding.")
    signature: Signature | None = Field(default=None, description="What images must be signed with.")


class Response(KnowngoodModel):
    """Which playbook runs for which incidents; what is absent matches everything."""

    name: ItemName = Field(description="What this response is called.")
    types: IncidentTypes = Field(default_factory=list, description="Types of incidents; absent: all.")
    min_severity: Severity | None = Field(default=None, description="The least severity; absent: every.")
    origins: Annotated[list[Origin], Field(max_length=6), AS_SET] = Field(
        default_factory=list,
        description="Who reported it. Absent: all, but what a person or an alert reported needs approval, "
        "whatever mode says, unless its origin is named here.",
    )
    playbook_ref: NameRef = Field(description="The playbook, in this namespace.")
    mode: Mode = Field(description="Automatic: at once. Approval: when a person approves the plan. DryRun: plan only.")


class Silence(KnowngoodModel):
    """Mutes acting and telling, never recording."""

    name: ItemName = Field(description="What this silence is called.")
    until: Timestamp = Field(description="When it ends, for example 2026-11-23T06:00:00Z.")
    reason: Annotated[Text, Field(min_length=1)] = Field(description="Why, for whoever reads the record.")
    types: IncidentTypes = Field(default_factory=list, description="Types of incidents; absent: all.")


class Limits(KnowngoodModel):
    """How much is done at once; the cluster's own limits are a setting of the operator."""

    max_concurrent_containments: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="How many containments of this policy may run at once; others wait."
    )
    cooldown: Duration | None = Field(
        default=None, description="How long after a containment of a model the next one waits."
    )


class Season(StrEnum):
    """After what traffic repeats itself, and in which parts it is learned."""

    HOUR_OF_DAY = "HourOfDay"
    DAY_OF_WEEK = "DayOfWeek"
    HOUR_OF_WEEK = "HourOfWeek"


class Learning(KnowngoodModel):
    """How much healthy traffic makes a baseline."""

    windows: Annotated[int, Field(ge=20, le=1000)] = Field(
        default=100, description="How many whole windows of healthy traffic of one release; with season: for each part."
    )
    season: Season | None = Field(
        default=None,
        description="Learn what is usual for each hour of the day, day of the week or hour of the week apart; UTC.",
    )


class Notification(KnowngoodModel):
    """Who is told."""

    name: ItemName = Field(description="What this is called.")
    sink_ref: NameRef = Field(description="A sink that the administrator named at install.")


_NOTHING = "a policy without signals and integrity does nothing: write at least one signal"


class IncidentPolicySpec(KnowngoodModel):
    """Which models are judged by which signals, and what is done on a breach."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.integrity) || (has(self.signals) && self.signals.size() > 0)",
                _NOTHING,
                field=".signals",
                required=True,
            )
        )
    )

    selector: LabelSelector = Field(description="ModelDeployments of this namespace, by their labels; {} is all.")
    source_ref: NameRef = Field(
        default_factory=lambda: NameRef(name="default"),
        description="A Prometheus that the administrator named at install.",
        json_schema_extra={"default": {"name": "default"}},
    )
    interval: PositiveDuration = Field(default="15s", description="How often the signals are judged.")
    identity: Identity = Field(
        default_factory=Identity,
        description="The labels that tell models and releases apart.",
        json_schema_extra={"default": {}},
    )
    signals: Annotated[list[Signal], Field(max_length=32), by("name")] = Field(
        default_factory=list, description="What is asked of Prometheus, and how the answers are judged."
    )
    integrity: Integrity | None = Field(default=None, description="What runs, against what may run.")
    responses: Annotated[list[Response], Field(max_length=32), by("name")] = Field(
        default_factory=list, description="What is done; the first that matches wins, none: recorded only."
    )
    silences: Annotated[list[Silence], Field(max_length=32), by("name")] = Field(
        default_factory=list, description="Times in which nothing is done or told; recording goes on."
    )
    learning: Learning | None = Field(
        default=None, description="How much healthy traffic makes a baseline; absent: 100 windows."
    )
    limits: Limits | None = Field(default=None, description="How much is done at once.")
    notify: Annotated[list[Notification], Field(max_length=16), by("name")] = Field(
        default_factory=list, description="Who is told."
    )

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.signals and self.integrity is None:
            raise ValueError(_NOTHING)
        return self


class IncidentPolicyStatus(ObservedModel):
    """What the operator made of the policy."""

    observed_generation: int | None = Field(default=None, ge=0, description="The generation that this status is of.")
    models: int | None = Field(default=None, ge=0, description="How many ModelDeployments it selects.")
    signals: int | None = Field(default=None, ge=0, description="How many signals it judges for each of them.")
    expected_false_alarms: Annotated[str, Field(max_length=64)] | None = Field(
        default=None,
        description="How many false alarms all models together may have, for example '3.2 in 30d': of each signal with "
        "falseAlarmEvery one a model in that time, whatever the number of segments. Absent: no signal has that dial.",
    )
    conditions: Conditions = Field(default_factory=list, description="Ready, SignalsAvailable and StateKept.")


class IncidentPolicy(KnowngoodModel):
    """Which models are judged by which signals, how, and what is done on a breach."""

    model_config = ConfigDict(extra="ignore")

    api_version: str = Field(default=API_VERSION, description="knowngood.dev/v1alpha1.")
    kind: str = Field(default="IncidentPolicy", description="IncidentPolicy.")
    metadata: ObjectMeta = Field(default_factory=ObjectMeta, description="Standard object metadata.")
    spec: IncidentPolicySpec = Field(description="What its author wants.")
    status: IncidentPolicyStatus = Field(
        default_factory=IncidentPolicyStatus,
        description="What the operator made of it; nobody else writes it.",
    )

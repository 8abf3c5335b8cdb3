"""Words and small blocks that several kinds share."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from knowngood.api.base import KnowngoodModel
from knowngood.api.schema import AS_SET, Cel, Shape, by, literal, rule, rules

DIGEST_PATTERN = r"^sha256:[0-9a-f]{64}$"
_HOST = r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?"
_PATH = r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*"
IMAGE_PATTERN = rf"^({_HOST}/)?{_PATH}@sha256:[0-9a-f]{{64}}$"


class IncidentType(StrEnum):
    """The six ways in which a model fails its users."""

    MODEL_FAILURE = "ModelFailure"
    ADVERSARIAL_ATTACK = "AdversarialAttack"
    DATA_DRIFT = "DataDrift"
    PRIVACY_BREACH = "PrivacyBreach"
    BIAS_INCIDENT = "BiasIncident"
    SUPPLY_CHAIN_COMPROMISE = "SupplyChainCompromise"


class Severity(StrEnum):
    """How bad; compare by `rank`, not as text."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"
    CRITICAL = "Critical"

    @property
    def rank(self) -> int:
        """0 for Low to 3 for Critical."""
        return tuple(Severity).index(self)


class Origin(StrEnum):
    """Who or what reported an incident."""

    SIGNAL = "Signal"
    INTEGRITY = "Integrity"
    USER = "User"
    ALERTMANAGER = "Alertmanager"
    CLOUD_EVENT = "CloudEvent"
    DRILL = "Drill"


class Mode(StrEnum):
    """How a response acts."""

    AUTOMATIC = "Automatic"
    APPROVAL = "Approval"
    DRY_RUN = "DryRun"


class WorkloadKind(StrEnum):
    """Workloads that can be put back on an image."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    ROLLOUT = "Rollout"


class WorkloadAPIVersion(StrEnum):
    """API groups of those workloads."""

    APPS_V1 = "apps/v1"
    ARGO_V1ALPHA1 = "argoproj.io/v1alpha1"


LABEL_PATTERN = r"^([a-zA-Z][a-zA-Z0-9_]*|_([a-zA-Z0-9][a-zA-Z0-9_]*)?)$"
_DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_TAGLESS = "self.split('@')[0]"
_REPOSITORY = (  # a ':' behind the last '/' begins a tag
    f"({_TAGLESS}.lastIndexOf(':') > {_TAGLESS}.lastIndexOf('/')"
    f" ? {_TAGLESS}.substring(0, {_TAGLESS}.lastIndexOf(':')) : {_TAGLESS})"
)

ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Shape(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "a name", "lower case letters, digits, '-' and '.'"),
]
"""The name of a Kubernetes object."""

ItemName = Annotated[
    str,
    Field(min_length=1, max_length=63),
    Shape(f"^{_DNS_LABEL}$", "a name", "at most 63 lower case letters, digits and '-'"),
]
"""The name of a thing in a list, or of a container."""

FlagName = Annotated[
    str,
    Field(min_length=1, max_length=48),
    Shape(r"^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$", "a flag's name", "at most 48 lower case letters, digits and '-'"),
]
"""The name of a flag of a model."""

LabelName = Annotated[
    str,
    Field(min_length=1, max_length=128),
    Shape(LABEL_PATTERN, "a Prometheus label name", "letters, digits and '_', no digit and no '__' first"),
]
"""The name of a label of a series; those that begin with '__' are Prometheus' own."""

MetricName = Annotated[
    str,
    Field(min_length=1, max_length=256),
    Shape(
        r"^[a-zA-Z_:][a-zA-Z0-9_:]*$",
        "a metric name",
        "the bare name, letters, digits, '_' and ':'; use the input promql for anything more",
    ),
]
"""The name of a metric, without matchers."""

Digest = Annotated[
    str,
    Field(max_length=71),
    Shape(DIGEST_PATTERN, "a digest", "sha256: and 64 hexadecimal digits in lower case"),
]
"""A content digest."""

URL = Annotated[
    str,
    Field(max_length=2048),
    Shape(r"^https?://[^\s/@]+(/\S*)?$", "a URL", "http:// or https://, a host and a path, without credentials"),
]
"""A web address for people; never fetched."""

Text = Annotated[str, Field(max_length=1024)]
"""A sentence or two by a person."""

Person = Annotated[str, Field(min_length=1, max_length=253)]
"""A user name as the API server knows it."""

LabelValue = Annotated[str, Field(max_length=1024)]
"""The value of a label of a series."""


class _PinnedImage(Shape):
    """An image by digest; whoever writes a tag is shown their own repository with a digest."""

    def check(self, value: str) -> str:
        """Return `value`; ValueError names it and what to write."""
        repository = value.split("@")[0]
        if ":" in repository.rpartition("/")[2]:
            repository = repository.rpartition(":")[0]
        shape = Shape(self.pattern, self.what, f"{repository}@sha256:<64 hexadecimal digits>")
        return shape.check(value)


PinnedImage = Annotated[
    str,
    Field(min_length=1, max_length=512),
    _PinnedImage(
        IMAGE_PATTERN,
        "pinned by digest (a tag can move)",
        "<repository>@sha256:<64 hexadecimal digits>",
        f"{_REPOSITORY} + {literal('@sha256:<64 hexadecimal digits>')}",
    ),
]
"""An image reference by digest, without a tag."""


class NameRef(KnowngoodModel):
    """A reference to something by its name; what and where is said by the field that holds it."""

    name: ObjectName = Field(description="Its name.")


_WRONG_GROUP = "a Rollout is of argoproj.io/v1alpha1, a Deployment or StatefulSet of apps/v1"


class WorkloadRef(KnowngoodModel):
    """A workload of the same namespace."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "(self.kind == 'Rollout') == (self.apiVersion == 'argoproj.io/v1alpha1')",
                _WRONG_GROUP,
                field=".apiVersion",
            )
        )
    )

    api_version: WorkloadAPIVersion = Field(
        description="API group and version: apps/v1, or argoproj.io/v1alpha1 of a Rollout."
    )
    kind: WorkloadKind = Field(
        description="Deployment, StatefulSet, or Argo Rollouts' Rollout where the installation watches those."
    )
    name: ObjectName = Field(description="Its name.")

    @model_validator(mode="after")
    def _of_its_group(self) -> Self:
        if (self.kind is WorkloadKind.ROLLOUT) != (self.api_version is WorkloadAPIVersion.ARGO_V1ALPHA1):
            raise ValueError(_WRONG_GROUP)
        return self


class ConfigMapKeyRef(KnowngoodModel):
    """A key of a ConfigMap of the same namespace."""

    name: ObjectName = Field(description="The ConfigMap's name.")
    key: Annotated[
        str,
        Field(min_length=1, max_length=253),
        Shape(r"^[-._a-zA-Z0-9]+$", "a ConfigMap key", "letters, digits, '-', '_' and '.'"),
    ] = Field(description="The key in its data.")


EnvName = Annotated[
    str,
    Field(min_length=1, max_length=128),
    Shape(r"^[-._a-zA-Z][-._a-zA-Z0-9]*$", "an environment variable's name", "letters, digits, '_', '-' and '.'"),
]
"""The name of an environment variable."""


class EnvVar(KnowngoodModel):
    """An environment variable with a plain value."""

    name: EnvName = Field(description="Its name.")
    value: Annotated[str, Field(max_length=4096)] = Field(default="", description="Its value, as it is.")


_TWICE = "a variable is in env and in removeEnv: write it in one of them"


class ContainerPin(KnowngoodModel):
    """One container's image by digest, and the environment that belongs to it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.env) || !has(self.removeEnv) || !self.env.exists(e, e.name in self.removeEnv)",
                _TWICE,
                field=".removeEnv",
            )
        )
    )

    name: ItemName = Field(description="The container's name in the workload's pod template.")
    image: PinnedImage = Field(
        description="Its image by digest, as repository@sha256:…; a tag is refused, because it can move."
    )
    env: Annotated[list[EnvVar], Field(max_length=32), by("name")] = Field(
        default_factory=list, description="Variables that go back together with the image."
    )
    remove_env: Annotated[list[EnvName], Field(max_length=32), AS_SET] = Field(
        default_factory=list, description="Variables to remove when the image goes back."
    )

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if {variable.name for variable in self.env} & set(self.remove_env):
            raise ValueError(_TWICE)
        return self


MOST_ENV = 32 * 1024
"""Characters of all variables of a release; in JSON one may take six bytes, and an object must stay below 1.5 MiB."""
_ENV = "self.map(c, has(c.env) ? c.env.map(e, e.name.size() + (has(e.value) ? e.value.size() : 0)).sum() : 0).sum()"
_ENV_TOO_LARGE = (
    "env: names and values of these containers have %d characters: write at most %d, and keep what is longer in a file"
)


def _bounded_env(pins: list[ContainerPin]) -> list[ContainerPin]:
    size = sum(len(e.name) + len(e.value) for pin in pins for e in pin.env)
    if size > MOST_ENV:
        raise ValueError(_ENV_TOO_LARGE % (size, MOST_ENV))
    return pins


ContainerPins = Annotated[
    list[ContainerPin],
    Field(min_length=1, max_length=16),
    AfterValidator(_bounded_env),
    by("name"),
    Cel(
        f"{_ENV} <= {MOST_ENV}",
        f"env: names and values of these containers have too many characters: write at most {MOST_ENV}",
        f"{literal(_ENV_TOO_LARGE)}.format([{_ENV}, {MOST_ENV}])",
    ),
]
"""At least one container's pin; small enough together that the object can be stored, and its status with it."""

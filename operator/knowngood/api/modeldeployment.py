"""ModelDeployment: a served model, the workload it runs in, and the release to go back to."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from knowngood.api import API_VERSION
from knowngood.api.base import KnowngoodModel, ObjectMeta, require_one
from knowngood.api.common import (
    URL,
    ConfigMapKeyRef,
    ContainerPins,
    Digest,
    EnvName,
    FlagName,
    ItemName,
    LabelName,
    LabelValue,
    NameRef,
    WorkloadKind,
    WorkloadRef,
)
from knowngood.api.durations import Duration
from knowngood.api.modelstatus import ModelDeploymentStatus
from knowngood.api.schema import AS_SET, by, exactly_one, rule, rules

Version = Annotated[str, Field(min_length=1, max_length=128)]
"""The version of a contract between neighbours; compared as text."""
Contract = Annotated[str, Field(min_length=1, max_length=63)]
"""The name of a contract between neighbours."""
Contracts = Annotated[dict[Contract, Version], Field(max_length=32)]
"""Contracts by name."""


class PromotionMode(StrEnum):
    """Who says that a release is known to be good."""

    AUTOMATIC = "Automatic"
    MANUAL = "Manual"


class SeriesSelector(KnowngoodModel):
    """Which series of the metrics are this model's."""

    match_labels: Annotated[dict[LabelName, LabelValue], Field(min_length=1, max_length=16)] = Field(
        description="Labels that every series of this model carries, with their values."
    )


class ArtifactPin(KnowngoodModel):
    """A file that the release loads besides its image."""

    name: ItemName = Field(description="What it is called, for example weights.")
    digest: Digest = Field(description="Digest of its content.")


class KnownGood(KnowngoodModel):
    """A release that is known to be good."""

    containers: ContainerPins = Field(description="The release's containers, each by digest.")
    artifacts: Annotated[list[ArtifactPin], Field(max_length=16), by("name")] = Field(
        default_factory=list, description="What the release loads besides its images."
    )
    requires: Contracts = Field(
        default_factory=dict,
        description="Contracts that this release needs of its neighbours, with versions.",
    )


class Candidate(KnowngoodModel):
    """An image that a fix names."""

    containers: ContainerPins = Field(description="The fix's containers, each by digest.")


class Promotion(KnowngoodModel):
    """How a release becomes known-good."""

    mode: PromotionMode = Field(
        default=PromotionMode.AUTOMATIC,
        description="Automatic: a release that stayed healthy for soak. Manual: only what knownGood names.",
    )
    soak: Duration = Field(
        default="24h", description="How long a release must have stayed healthy before it may be promoted."
    )


class Dependency(KnowngoodModel):
    """A neighbour whose version is read before a rollback."""

    model_config = ConfigDict(json_schema_extra=rules(exactly_one("configMapKeyRef", "modelRef")))

    name: ItemName = Field(description="What this neighbour is called here.")
    config_map_key_ref: ConfigMapKeyRef | None = Field(
        default=None, description="A ConfigMap's key that holds the neighbour's version."
    )
    model_ref: NameRef | None = Field(
        default=None, description="A ModelDeployment of this namespace, whose provides holds the version."
    )
    contract: Contract = Field(
        description="Which contract this is; compared with knownGood.requires before a rollback."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        return require_one(self, ("config_map_key_ref", "model_ref"))


_NO_STANDBY = "a Rollout cannot be a standby: write a Deployment or StatefulSet"


class Standby(KnowngoodModel):
    """A warm copy on an older release, which its user owns and runs."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("self.workloadRef.kind != 'Rollout'", _NO_STANDBY, field=".workloadRef.kind"),
        )
    )

    workload_ref: WorkloadRef = Field(
        description="The standby's workload in this namespace: a Deployment or StatefulSet."
    )

    @model_validator(mode="after")
    def _keeps_its_pods(self) -> Self:
        if self.workload_ref.kind is WorkloadKind.ROLLOUT:
            raise ValueError(_NO_STANDBY)
        return self


class Quarantine(KnowngoodModel):
    """What a person says about digests that are in quarantine."""

    lift: Annotated[list[Digest], Field(max_length=32), AS_SET] = Field(
        default_factory=list, description="Digests that may run again, although status.quarantined names them."
    )


class FlagVariable(KnowngoodModel):
    """An environment variable of the workload."""

    container: ItemName | None = Field(default=None, description="Which container's; absent: the one that answers.")
    name: EnvName = Field(description="Its name.")


class Flag(KnowngoodModel):
    """A switch that a playbook may set, and the value that it gets then."""

    model_config = ConfigDict(json_schema_extra=rules(exactly_one("configMapKeyRef", "env")))

    name: FlagName = Field(description="What playbooks call it, for example safe-mode.")
    config_map_key_ref: ConfigMapKeyRef | None = Field(
        default=None,
        description="A ConfigMap's key that is written. Its owner consents by the label knowngood.dev/model: <name of "
        "this ModelDeployment> on the ConfigMap.",
    )
    env: FlagVariable | None = Field(
        default=None, description="A plain variable that is written; the workload rolls out with it."
    )
    value: Annotated[str, Field(max_length=1024)] = Field(description="What is written while the flag is set.")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        return require_one(self, ("config_map_key_ref", "env"))


class Owner(KnowngoodModel):
    """Whom to ask."""

    team: Annotated[str, Field(max_length=128)] | None = Field(default=None, description="The team's name.")
    runbook_url: URL | None = Field(default=None, description="Where the model's runbook is; linked, never fetched.")


class ModelDeploymentSpec(KnowngoodModel):
    """What its owner declares of a served model."""

    workload_ref: WorkloadRef = Field(
        description="The workload that serves the model. Its owner consents to being patched by the label "
        "knowngood.dev/model: <name of this ModelDeployment> on that object, not on its pod template."
    )
    container: ItemName | None = Field(
        default=None, description="The container that answers; absent: the only one of the workload."
    )
    service_ref: NameRef | None = Field(
        default=None, description="The Service of this namespace by which callers reach the model."
    )
    series: SeriesSelector | None = Field(
        default=None,
        description="Which series are this model's; absent: those whose label identity.model of the policy "
        "holds this ModelDeployment's name.",
    )
    known_good: KnownGood | None = Field(
        default=None,
        description="A release pinned by a person or by Git; absent: the operator's own choice, from "
        "releases that stayed healthy, is in status.knownGood.",
    )
    promotion: Promotion = Field(
        default_factory=Promotion,
        description="How the operator chooses a known-good release of its own.",
        json_schema_extra={"default": {}},
    )
    provides: Contracts = Field(
        default_factory=dict, description="Contracts that this model's consumers rely on, with versions."
    )
    dependencies: Annotated[list[Dependency], Field(max_length=32), by("name")] = Field(
        default_factory=list,
        description="Neighbours to ask for their versions before a rollback; a mismatch needs approval.",
    )
    standby: Standby | None = Field(default=None, description="A warm copy on an older release, which its user owns.")
    flags: Annotated[list[Flag], Field(max_length=16), by("name")] = Field(
        default_factory=list,
        description="Switches that playbooks may set by SetFlag: a safe mode, a stricter guardrail, a rate limit.",
    )
    quarantine: Quarantine | None = Field(default=None, description="Which quarantines are lifted.")
    owner: Owner | None = Field(default=None, description="Who answers for the model.")
    candidate: Candidate | None = Field(
        default=None,
        description="An image that a fix names; set by whoever names the fix, never by the operator.",
    )
    suspend: bool = Field(default=False, description="True: not judged and not acted on.")


class ModelDeployment(KnowngoodModel):
    """A model that is served by a workload: what runs, what is known to be good, and how it is doing."""

    model_config = ConfigDict(extra="ignore")

    api_version: str = Field(default=API_VERSION, description="knowngood.dev/v1alpha1.")
    kind: str = Field(default="ModelDeployment", description="ModelDeployment.")
    metadata: ObjectMeta = Field(default_factory=ObjectMeta, description="Standard object metadata.")
    spec: ModelDeploymentSpec = Field(description="What its owner declares.")
    status: ModelDeploymentStatus = Field(
        default_factory=ModelDeploymentStatus,
        description="What the operator observed; nobody else writes it.",
    )

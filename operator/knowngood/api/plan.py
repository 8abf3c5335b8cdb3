"""AIIncident.status.plan: what is to be done, step by step; intent stands here before any effect."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from knowngood.api.base import ObservedModel, Timestamp
from knowngood.api.common import Mode, Severity
from knowngood.api.durations import Duration
from knowngood.api.modelstatus import KnownGoodSource
from knowngood.api.observed import Message, NamedImage, Reason, ShortText
from knowngood.api.playbook import OnFailure
from knowngood.api.schema import ATOMIC, by
from knowngood.api.steps import Gate, Isolate, RerouteTraffic, RunJob, SetFlag

ShownValue = Annotated[str, Field(max_length=256)]
NamedImages = Annotated[list[NamedImage], Field(max_length=64), by("name")]


class StepState(StrEnum):
    """How far a step is."""

    PENDING = "Pending"
    INTENDED = "Intended"
    DONE = "Done"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    UNDOING = "Undoing"
    UNDONE = "Undone"


class Rung(StrEnum):
    """The part of a playbook that a step belongs to."""

    CONTAIN = "Contain"
    ESCALATE = "Escalate"


class PlanTarget(ObservedModel):
    """The workload that the plan acts on."""

    api_version: ShortText = Field(description="API group and version.")
    kind: ShortText = Field(description="Kind.")
    namespace: ShortText = Field(description="Namespace.")
    name: ShortText = Field(description="Name.")
    uid: ShortText = Field(description="Identity; another workload of this name is not touched.")


class PlanVariable(ObservedModel):
    """A variable that goes back with an image: one of `value`, `digest` and `removed`."""

    container: ShortText = Field(description="The container that gets it.")
    name: ShortText = Field(description="Its name; …: the list ends here, and envDigest is of the others too.")
    value: ShownValue | None = Field(default=None, description="Its value.")
    digest: ShortText = Field(default="", description="sha256:… of a value that may be secret, or is long.")
    removed: bool = Field(default=False, description="True: it is taken away.")


class PlanKnownGood(ObservedModel):
    """The release that the plan goes back to."""

    containers: NamedImages = Field(default_factory=list, description="Its containers' images, by digest.")
    env: Annotated[list[PlanVariable], Field(max_length=64), by("container", "name")] = Field(
        default_factory=list, description="The variables that are set and removed with the images."
    )
    env_digest: ShortText = Field(
        default="", description="sha256:… of all their names and whole values; empty: no variable is touched."
    )
    source: KnownGoodSource = Field(description="Spec: pinned by a person or Git. Promoted: stayed healthy for soak.")


LabelMap = Annotated[dict[ShortText, ShortText], Field(max_length=64)]


class PodRef(ObservedModel):
    """A pod that a step is about."""

    name: ShortText = Field(description="Its name.")
    uid: ShortText = Field(description="Identity; another pod of this name is not touched.")


class StepObserved(ObservedModel):
    """What a step saw when its intent was written; its write is refused when this has moved."""

    resource_version: ShortText = Field(default="", description="Version of the target.")
    containers: NamedImages = Field(default_factory=list, description="The target's images.")
    replicas: int | None = Field(default=None, ge=0, description="How many pods the target asked for.")
    value: Message | None = Field(default=None, description="The value that stood there; absent: there was none.")
    selector: LabelMap = Field(default_factory=dict, description="The Service's selector.")
    pods: Annotated[list[PodRef], Field(max_length=64), by("name")] = Field(
        default_factory=list, description="The pods that are kept."
    )
    wanted: LabelMap = Field(default_factory=dict, description="The selector that the Service gets.")


class StepReverts(ObservedModel):
    """How a GitOps manager put back what a step had written; the intent of each further write stands here first."""

    by: Message = Field(description="Who put it back, for example Kustomization flux-system/models.")
    written_again: int = Field(default=0, ge=0, description="How often the step is written again, the next included.")
    answered: ShortText = Field(
        default="", description="When it was put back, by managedFields; another time is another revert."
    )
    due_at: Timestamp = Field(description="When the step is written again.")


class PlanStep(ObservedModel):
    """One step of the plan."""

    name: ShortText = Field(description="What this step is called.")
    action: ShortText = Field(description="What it does, for example PinKnownGood.")
    summary: Message = Field(default="", description="What it does, as a sentence with names and values.")
    set_flag: SetFlag | None = Field(default=None, description="For SetFlag: which flag.")
    reroute_traffic: RerouteTraffic | None = Field(default=None, description="For RerouteTraffic: where to.")
    isolate: Isolate | None = Field(default=None, description="For Isolate: what is kept, and how long.")
    run_job: RunJob | None = Field(default=None, description="For RunJob: which template.")
    template_digest: ShortText = Field(
        default="", description="For what runs a Job: sha256:… of the template's spec; empty: it was not read."
    )
    gate: Gate | None = Field(default=None, description="For Gate: who or what lets the next step through.")
    allow_outage: bool = Field(default=False, description="True: it may leave the model without any pod that answers.")
    state: StepState = Field(
        default=StepState.PENDING,
        description="Pending, Intended (written down before the effect), Done, Failed, Skipped, Undoing or Undone.",
    )
    rung: Rung = Field(default=Rung.CONTAIN, description="Contain, or Escalate: only if the first rung did not help.")
    on_failure: OnFailure = Field(default=OnFailure.ESCALATE, description="Continue, Undo or Escalate.")
    precondition: Message = Field(default="", description="What must hold for it to begin.")
    effect: Message = Field(default="", description="What is to be seen when it is done.")
    undo: Message = Field(default="", description="How it is undone.")
    reason: Reason = Field(default="", description="Why it is in this state, as one word.")
    message: Message = Field(default="", description="Why it is in this state, as a sentence.")
    intended_at: Timestamp | None = Field(default=None, description="When its intent was written.")
    started_at: Timestamp | None = Field(default=None, description="When its effect began.")
    finished_at: Timestamp | None = Field(default=None, description="When it was done, failed or skipped.")
    timeout: Duration | None = Field(default=None, description="How long it may take.")
    observed: StepObserved | None = Field(default=None, description="What it saw when its intent was written.")
    reverts: StepReverts | None = Field(default=None, description="Who put back what it wrote, and how often.")


class Plan(ObservedModel):
    """What is to be done, step by step."""

    hash: ShortText = Field(default="", description="sha256:… of what the plan does; an approval names it.")
    severity: Severity | None = Field(default=None, description="The severity that it was made for.")
    mode: Mode | None = Field(default=None, description="Automatic, Approval or DryRun.")
    response: ShortText = Field(default="", description="The policy's response that matched.")
    playbook: ShortText = Field(default="", description="The playbook that the steps come from.")
    target: PlanTarget | None = Field(default=None, description="The workload that the plan acts on.")
    known_good: PlanKnownGood | None = Field(default=None, description="The release that the plan goes back to.")
    notes: Annotated[list[Message], Field(max_length=32), ATOMIC] = Field(
        default_factory=list, description="What a person should know before approving."
    )
    escalate_after: Duration | None = Field(
        default=None, description="How long the signal may stay out of its limits before the next rung begins."
    )
    escalated_at: Timestamp | None = Field(default=None, description="When the next rung began.")
    steps: Annotated[list[PlanStep], Field(max_length=32), by("name")] = Field(
        default_factory=list, description="The steps, in order."
    )

"""Conditions, the vocabulary of their types and reasons, and the rule for changing one."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field

from knowngood.api.base import ObservedModel, Timestamp
from knowngood.api.observed import Message
from knowngood.api.schema import by


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Documented(StrEnum):
    """A word with its meaning: `NAME = "Word", "meaning"`."""

    meaning: str

    def __new__(cls, word: str, meaning: str = "") -> Self:
        """Make the member; `meaning` is a sentence for the reference documentation."""
        made = str.__new__(cls, word)
        made._value_ = word
        made.meaning = meaning
        return made


class ConditionType(Documented):
    """The types of conditions of all kinds."""

    READY = (
        "Ready",
        "The resource is valid and the operator works on it; otherwise the message says what to write.",
    )
    SIGNALS_AVAILABLE = "SignalsAvailable", "The sources answered; False says which did not, and how."
    KNOWN_GOOD_AVAILABLE = "KnownGoodAvailable", "There is a release to go back to."
    BASELINES_LEARNED = "BaselinesLearned", "Signals that need to know what is usual have learned it."
    STATE_KEPT = "StateKept", "What detectors remember is kept in the cluster; False says what a restart would forget."
    ACKNOWLEDGED = "Acknowledged", "A person has seen the incident."
    EVIDENCE_FROZEN = "EvidenceFrozen", "Evidence was recorded; the message says what is missing."
    CONTAINED = "Contained", "The containment is in place: every pod runs what the plan wanted."
    CONTAINMENT_EFFECTIVE = "ContainmentEffective", "The signal that fired is healthy since the containment."
    CONTESTED = "Contested", "Another writer keeps undoing the containment, or undid it."
    RECOVERED = "Recovered", "The model is healthy again."
    REVIEWED = "Reviewed", "A person has reviewed the incident."
    APPROVALS_GUARDED = (
        "ApprovalsGuarded",
        "Admission checks who decides; where it is False, no decision of a person is honoured.",
    )


class Reason(Documented):
    """The reasons of conditions, signals and steps."""

    # resources
    VALID = "Valid", "The resource is valid."
    INVALID = "Invalid", "A field has a value that cannot be used."
    NOT_SUPPORTED = "NotSupported", "This version cannot do what a field asks for."
    SUSPENDED = "Suspended", "spec.suspend is true."
    OBJECT_NOT_FOUND = "ObjectNotFound", "An object that a step needs does not exist."
    CANNOT_READ = "CannotRead", "An object that a step needs cannot be read."
    NOT_DECLARED = "NotDeclared", "The ModelDeployment does not declare what a step names."
    WORKLOAD_NOT_FOUND = "WorkloadNotFound", "The workload of workloadRef does not exist."
    CONSENT_MISSING = (
        "ConsentMissing",
        "The workload lacks the label knowngood.dev/model with this model's name.",
    )
    CONTAINER_NOT_FOUND = "ContainerNotFound", "The workload has no container of that name."
    CONTAINER_AMBIGUOUS = "ContainerAmbiguous", "The workload has several containers and none is named."
    SOURCE_NOT_FOUND = "SourceNotFound", "The administrator named no source like this."
    MODEL_NOT_FOUND = "ModelNotFound", "The namespace has no ModelDeployment of that name."
    POLICY_NOT_FOUND = "PolicyNotFound", "The namespace has no IncidentPolicy of that name."
    NO_POLICY = "NoPolicy", "No IncidentPolicy selects this model."
    NO_MODELS = "NoModels", "The policy selects no ModelDeployment."
    # data
    AVAILABLE = "Available", "Everything asked for is there."
    HEALTHY = "Healthy", "Judged, and within its limits."
    NAME_NOT_SEEN = (
        "NameNotSeen",
        "A metric, a label or an outcome that a signal names is nowhere: nothing to count yet, or misspelt.",
    )
    LEARNING = "Learning", "What is usual is still being learned from healthy traffic."
    LEARNED = "Learned", "What is usual was learned from healthy traffic."
    DETECTOR_FAILED = "DetectorFailed", "The detector itself failed on this data; the log says how."
    DRIFTED = "Drifted", "The distribution has moved away from its reference."
    BUCKETS_DIFFER = "BucketsDiffer", "Too few bucket edges of the histogram are those that the reference has."
    PENDING = "Pending", "Out of its limits, but not yet for as long as `for` says."
    BELOW_THRESHOLD = "BelowThreshold", "The value is below the threshold."
    ABOVE_THRESHOLD = "AboveThreshold", "The value is above the threshold."
    BURST = "Burst", "Far more events than usual for the exposure."
    OCCURRED = "Occurred", "What must never happen did happen."
    DISPARITY = "Disparity", "A group gets favourable outcomes too rarely beside the reference group."
    GROUP_MISSING = "GroupMissing", "The group to compare with has too few outcomes, or none."
    WORSE = "Worse", "The running release is worse than the other in the same windows."
    NO_COMPARISON = "NoComparison", "The release to compare with has no data in the same window."
    EMPTY = "Empty", "The source has no such series."
    RELEASE_UNKNOWN = "ReleaseUnknown", "Which image a release label stands for is not known."
    SHIFTED = "Shifted", "The value has shifted from its healthy level, by little perhaps, but lastingly."
    SLIDING = "Sliding", "The value slides slowly and steadily."
    NO_SPREAD = "NoSpread", "The healthy value never varied, so that there is no measure for a shift."
    IGNORED = "Ignored", "No data, which the policy ignores."
    NOT_A_NUMBER = "NotANumber", "The value is NaN."
    INFINITE = "Infinite", "The value is infinite."
    STALE = "Stale", "The newest sample is too old."
    TOO_FEW_SAMPLES = "TooFewSamples", "Fewer samples than minSamples."
    WARNINGS = "Warnings", "The source answered with warnings."
    BAD_REQUEST = "BadRequest", "The source refused the query (4xx)."
    UNAUTHORIZED = "Unauthorized", "The source refused the credentials (401 or 403)."
    THROTTLED = "Throttled", "The source asks for fewer requests (429)."
    SERVER_ERROR = "ServerError", "The source failed (5xx)."
    TIMEOUT = "Timeout", "The source did not answer in time."
    UNREACHABLE = "Unreachable", "No connection to the source."
    BAD_ANSWER = "BadAnswer", "The source's answer could not be understood."
    NO_DATA = "NoData", "Nothing to judge for as long as noData.for says, which the policy calls an incident."
    NOT_JUDGED = "NotJudged", "Not judged yet."
    # what is remembered
    KEPT = "Kept", "It was written, and what was kept before was read."
    TOO_LARGE = "TooLarge", "It does not fit into one ConfigMap; some of it is not kept."
    UNREADABLE = "Unreadable", "What was kept could not be read, or is another's; it was left out."
    NOT_WRITTEN = "NotWritten", "The API server does not take what is written; the message has its words."
    # known-good
    PINNED = "Pinned", "spec.knownGood names it."
    PROMOTED = "Promoted", "It stayed healthy for promotion.soak."
    PROOF_REFUSED = "ProofRefused", "Admission refused to mark a release as proven."
    NOTHING_PROVEN = "NothingProven", "No release has stayed healthy for promotion.soak yet."
    ALREADY_RUNNING = "AlreadyRunning", "The known-good release is what runs; going back cannot help."
    IMPLICATED = "Implicated", "An open incident suspects the known-good release."
    REGISTRY_NOT_ALLOWED = "RegistryNotAllowed", "The image's registry is not on the administrator's list."
    NOT_A_DIGEST = "NotADigest", "The image is named by a tag."
    PULLABILITY_UNKNOWN = "PullabilityUnknown", "Whether the image can be pulled could not be asked."
    NO_ROOM = "NoRoom", "The workload has no room to surge."
    # incidents
    FROZEN = "Frozen", "All evidence was recorded."
    INCOMPLETE = "Incomplete", "The evidence budget ended first; what is missing is listed."
    NOTHING_TO_CONTAIN = "NothingToContain", "No step of the plan changes what answers."
    NO_RESPONSE = "NoResponse", "No response of the policy matches."
    IN_PROGRESS = "InProgress", "It has begun and is not finished."
    STANDBY_NOT_READY = "StandbyNotReady", "No pod of the standby is ready."
    STANDBY_NOT_PROVEN = (
        "StandbyNotProven",
        "The standby runs a release that is neither pinned nor proven, or is suspect.",
    )
    SUSPECT_RUNS = "SuspectRuns", "Pods of the workload still run the suspect."
    NOBODY_ELSE = "NobodyElse", "Nobody else could answer the callers."
    NOT_CUT_OFF = "NotCutOff", "Whether the cluster's network enforces NetworkPolicies was not shown."
    GATE_WAITS = "GateWaits", "What a gate asks for is not so yet."
    GATE_CLOSED = "GateClosed", "Nobody and nothing let the next step through."
    JOB_FAILED = "JobFailed", "A Job that a step ran has failed, or was taken away."
    QUARANTINED = "Quarantined", "The release is in quarantine."
    ALREADY_SO = "AlreadySo", "What a step wants is so already; it changes nothing."
    DONE = "Done", "It is finished."
    FAILED = "Failed", "It failed; the message says why and what a person can do."
    DRY_RUN = "DryRun", "Planned only: the response's mode is DryRun."
    AWAITING_APPROVAL = "AwaitingApproval", "A person has to approve the plan."
    LIMIT_REACHED = "LimitReached", "As many containments run as the limits allow; it waits."
    WAITS = "Waits", "Another incident of the same model is worked on first."
    COOLING_DOWN = "CoolingDown", "The last containment is more recent than limits.cooldown; it waits."
    SILENCED = "Silenced", "A silence mutes acting and telling."
    PERSON_WROTE = "PersonWrote", "A person changed the workload, and wins."
    REVERTED = "Reverted", "A GitOps manager put the earlier value back."
    CONTESTED = (
        "Contested",
        "A GitOps manager put the earlier value back too often; the message holds the patch to commit.",
    )
    KEPT_ELSEWHERE = (
        "KeptElsewhere",
        "Git or a chart says what the workload is; the message says what to change there, so that a pin stays.",
    )
    SUSPECT_GONE = "SuspectGone", "The release that was out of its limits does not run any more."
    PAUSED = "Paused", "The workload is paused and does not roll out."
    HELD = "Held", "The roll-out waits for a person; the message says for what."
    ROLL_OUT_STUCK = "RollOutStuck", "The workload did not finish rolling out in time."
    SELF_RECOVERED = "SelfRecovered", "It passed before anyone acted."
    PLAYBOOK_NOT_FOUND = "PlaybookNotFound", "The namespace has no Playbook of that name."
    SCALED_TO_ZERO = "ScaledToZero", "No pod answers any more, as the playbook asked for."
    HANDING_BACK = "HandingBack", "The incident ends, and what stood only for it is taken back first."
    UNDONE = "Undone", "A step failed, and what it did was taken back."
    # people
    APPROVED = "Approved", "A person approved the plan."
    REJECTED = "Rejected", "A person rejected the plan."
    APPROVAL_EXPIRED = "ApprovalExpired", "The approval ended before it was used."
    PLAN_CHANGED = "PlanChanged", "The approval is of another plan than the one that stands here."
    GUARDED = "Guarded", "Admission checks who decides."
    NOT_GUARDED = "NotGuarded", "The admission policy or its binding is missing, so no decision is honoured."
    ACKNOWLEDGED = "Acknowledged", "A person has seen it."
    EMERGENCY_STOP = "EmergencyStop", "The administrator stopped everything that touches workloads."


class Condition(ObservedModel):
    """One aspect of an object's state, as everywhere in Kubernetes."""

    type: Annotated[str, Field(min_length=1, max_length=316)] = Field(description="The condition's type in CamelCase.")
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: Annotated[
        str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
    ] = Field(description="Why, as one word in CamelCase.")
    message: Message = Field(default="", description="Why, as a sentence for people.")
    last_transition_time: Timestamp = Field(description="When status last changed.")
    observed_generation: int | None = Field(
        default=None, ge=0, description="The generation of the object that this is about."
    )


Conditions = Annotated[list[Condition], Field(max_length=32), by("type")]
"""Conditions by type."""


def set_condition(
    conditions: Sequence[Condition],
    type_: str,
    status: ConditionStatus | str,
    reason: str,
    message: str,
    generation: int | None,
    now: datetime,
) -> list[Condition]:
    """`conditions` with the one of `type_` set; its time moves to `now` only when its status changes.

    Order is kept and a new type goes to the end, so that equal facts give equal lists.
    """
    old = find_condition(conditions, type_)
    wanted = ConditionStatus(status)
    since = old.last_transition_time if old is not None and old.status is wanted else now
    made = Condition(
        type=str(type_),
        status=wanted,
        reason=str(reason),
        message=message,
        last_transition_time=since,
        observed_generation=generation,
    )
    if old is None:
        return [*conditions, made]
    return [made if item.type == type_ else item for item in conditions]


def find_condition(conditions: Sequence[Condition], type_: str) -> Condition | None:
    """The condition of `type_`, or None."""
    return next((item for item in conditions if item.type == type_), None)


def is_true(conditions: Sequence[Condition], type_: str) -> bool:
    """Whether the condition of `type_` is there and True."""
    found = find_condition(conditions, type_)
    return found is not None and found.status is ConditionStatus.TRUE

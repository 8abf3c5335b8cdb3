"""How a step's end stands in the record: its state, the phase, the condition Contained and the timeline at once."""

from knowngood.api.conditions import ConditionStatus, ConditionType, Reason, find_condition, is_true
from knowngood.api.durations import text
from knowngood.api.incidentstatus import Actor, AIIncidentStatus, IncidentPhase
from knowngood.api.plan import PlanStep, StepState
from knowngood.api.steps import ActionName, Destination
from knowngood.core.incidents.record import conditioned, stepped, told
from knowngood.core.response.facts import Facts

BESIDE = frozenset({ActionName.PAUSE_ROLLOUT, ActionName.QUARANTINE_DIGEST, ActionName.RUN_JOB, ActionName.GATE})
"""Actions that change nothing of what answers, so that their end is no containment, their failure no loss of one."""

UNCHANGED = "no step of the plan changes what answers, which goes on"


def condition(
    status: AIIncidentStatus, value: ConditionStatus, reason: Reason, message: str, facts: Facts
) -> AIIncidentStatus:
    """With the condition Contained."""
    return conditioned(status, ConditionType.CONTAINED, value, reason, message, facts.now)


def not_contained(
    status: AIIncidentStatus, step: PlanStep, reason: Reason, message: str, facts: Facts
) -> AIIncidentStatus:
    """Not contained, and told so when the reason is a new one; what an earlier step contained stays so."""
    old = find_condition(status.conditions, ConditionType.CONTAINED)
    if old is not None and old.status is ConditionStatus.TRUE:
        about = f"{step.name} ({step.action}): {message}"
        return status if step.reason == reason.value else told(status, facts.now, "NotBegun", about)
    if old is None or old.reason != reason.value:
        status = told(status, facts.now, "NotContained", message)
    return condition(status, ConditionStatus.FALSE, reason, message, facts)


def waiting(status: AIIncidentStatus, step: PlanStep, reason: Reason, message: str, facts: Facts) -> AIIncidentStatus:
    """The step cannot begin yet, and says why."""
    status = stepped(status, step.name, {"reason": reason.value, "message": message})
    return not_contained(status, step, reason, message, facts)


def waits(status: AIIncidentStatus, message: str, facts: Facts) -> AIIncidentStatus:
    """Not even planned yet, because another incident comes first."""
    old = find_condition(status.conditions, ConditionType.CONTAINED)
    if old is None or old.reason != Reason.WAITS:
        status = told(status, facts.now, "NotContained", message)
    return condition(status, ConditionStatus.FALSE, Reason.WAITS, message, facts)


def skipped(status: AIIncidentStatus, step: PlanStep, reason: Reason, message: str, facts: Facts) -> AIIncidentStatus:
    """The step will not be done."""
    ended = {"state": StepState.SKIPPED, "reason": reason.value, "message": message, "finished_at": facts.now}
    return not_contained(stepped(status, step.name, ended), step, reason, message, facts)


def failed(status: AIIncidentStatus, step: PlanStep, reason: Reason, message: str, facts: Facts) -> AIIncidentStatus:
    """The step failed, loudly; what its onFailure asks for comes next."""
    ended = {"state": StepState.FAILED, "reason": reason.value, "message": message, "finished_at": facts.now}
    status = stepped(status, step.name, ended)
    if step.action in BESIDE:
        about = f"{step.name} ({step.action}): {message}"
        return not_contained(told(status, facts.now, "StepFailed", about), step, reason, message, facts)
    status = status.model_copy(update={"phase": IncidentPhase.CONTAINMENT_FAILED})
    status = told(status, facts.now, "ContainmentFailed", message)
    if step.reverts is not None and is_true(status.conditions, ConditionType.CONTESTED):
        status = contest(status, ConditionStatus.FALSE, reason, f"nothing is written again: {message}", facts)
    return condition(status, ConditionStatus.FALSE, reason, message, facts)


def person_wrote(status: AIIncidentStatus, step: PlanStep, message: str, facts: Facts) -> AIIncidentStatus:
    """Another writer was ahead of us, and wins."""
    status = told(status, facts.now, Reason.PERSON_WROTE, message, Actor.PERSON)
    return failed(status, step, Reason.PERSON_WROTE, message, facts)


def in_progress(
    status: AIIncidentStatus, step: PlanStep, message: str, facts: Facts, reason: Reason = Reason.IN_PROGRESS
) -> AIIncidentStatus:
    """The step is under way; while callers are led back, what is contained stays so."""
    if step.action in BESIDE or (_way_back(step) and is_true(status.conditions, ConditionType.CONTAINED)):
        return status
    return condition(status, ConditionStatus.FALSE, reason, message, facts)


def ended(status: AIIncidentStatus, step: PlanStep, message: str, facts: Facts) -> AIIncidentStatus:
    """The step is done; with it, perhaps, the containment."""
    return (_beside if step.action in BESIDE else contained)(status, step, message, facts)


def _beside(status: AIIncidentStatus, step: PlanStep, message: str, facts: Facts) -> AIIncidentStatus:
    done = {"state": StepState.DONE, "reason": Reason.DONE.value, "finished_at": facts.now, "message": message}
    status = told(stepped(status, step.name, done), facts.now, "StepDone", f"{step.name} ({step.action}): {message}")
    return nothing_yet(status, facts)


def nothing_yet(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """Where it was said that something is waited for, and that is over."""
    old = find_condition(status.conditions, ConditionType.CONTAINED)
    if old is None or old.status is ConditionStatus.TRUE:
        return status
    nothing = "what the plan has done so far changes nothing of what answers"
    return condition(status, ConditionStatus.FALSE, Reason.NOTHING_TO_CONTAIN, nothing, facts)


def contained(status: AIIncidentStatus, step: PlanStep, message: str, facts: Facts) -> AIIncidentStatus:
    """The containment is in place; whether it helps is asked of windows that begin now."""
    opened = status.opened_at or facts.now
    after = text(max(1.0, round((facts.now - opened).total_seconds())))
    done = {"state": StepState.DONE, "reason": Reason.DONE.value, "finished_at": facts.now, "message": message}
    status = stepped(status, step.name, done)
    update: dict[str, object] = {"phase": IncidentPhase.CONTAINED, "contained_at": facts.now}
    if status.contained_after is None:
        update["contained_after"] = after
    status = status.model_copy(update=update)
    status = told(status, facts.now, "Contained", f"{message}, {after} after opening")
    status = condition(status, ConditionStatus.TRUE, Reason.DONE, _contains(status, step, message), facts)
    fought_over = step.reverts is not None or step.reason == Reason.CONTESTED
    if fought_over and is_true(status.conditions, ConditionType.CONTESTED):
        status = contest(status, ConditionStatus.FALSE, Reason.DONE, f"nobody puts it back now: {message}", facts)
    return unjudged(status, "not judged yet on a window that began after the containment", facts)


def _contains(status: AIIncidentStatus, step: PlanStep, message: str) -> str:
    """That callers are led back contains nothing by itself: it is said after what does."""
    old = find_condition(status.conditions, ConditionType.CONTAINED)
    if not _way_back(step) or old is None or old.status is not ConditionStatus.TRUE or message in old.message:
        return message
    return f"{old.message}; {message}"


def _way_back(step: PlanStep) -> bool:
    return step.reroute_traffic is not None and step.reroute_traffic.to is Destination.WORKLOAD


def unjudged(status: AIIncidentStatus, why: str, facts: Facts) -> AIIncidentStatus:
    """Whether the containment helps is not known."""
    type = ConditionType.CONTAINMENT_EFFECTIVE
    return conditioned(status, type, ConditionStatus.UNKNOWN, Reason.NOT_JUDGED, why, facts.now)


def contest(
    status: AIIncidentStatus, value: ConditionStatus, reason: Reason, message: str, facts: Facts
) -> AIIncidentStatus:
    """With the condition Contested."""
    return conditioned(status, ConditionType.CONTESTED, value, reason, message, facts.now)


def why_not_contained(status: AIIncidentStatus) -> str:
    """What the condition Contained says, for a notification."""
    found = find_condition(status.conditions, ConditionType.CONTAINED)
    return f"not contained: {found.message if found else UNCHANGED}"

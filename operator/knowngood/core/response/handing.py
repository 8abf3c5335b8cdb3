"""What stands only while an incident is open is handed back before it ends; what stays is named."""

from collections.abc import Iterator

from knowngood.api.conditions import Reason
from knowngood.api.incidentstatus import AIIncidentStatus, IncidentPhase
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.incidents.record import stepped, told
from knowngood.core.response.changing import Changing, State
from knowngood.core.response.facts import Facts
from knowngood.core.response.registry import action

_BEGUN = frozenset({StepState.INTENDED, StepState.DONE, StepState.FAILED})
_WRITTEN = frozenset({State.THERE, State.PARTLY})


def back(status: AIIncidentStatus, end: IncidentPhase, facts: Facts) -> AIIncidentStatus | None:
    """With what is handed back before that end; unchanged while that is under way; None where nothing is left to do."""
    if any(_under_way(step) for step in (status.plan.steps if status.plan else ())):
        return status
    due = [step for step, found in standing(status, facts) if end in found.handed_back(step) and not _stays(step)]
    if not due:
        return None
    undoing = {"state": StepState.UNDOING, "reason": Reason.HANDING_BACK.value, "finished_at": None}
    for step in due:
        status = stepped(status, step.name, undoing)
    names = ", ".join(f"{step.name} ({step.action})" for step in due)
    return told(status, facts.now, "HandingBack", f"{names}: taken back before the incident ends")


def _under_way(step: PlanStep) -> bool:
    return step.state is StepState.UNDOING and step.reason == Reason.HANDING_BACK


def standing(status: AIIncidentStatus, facts: Facts) -> Iterator[tuple[PlanStep, Changing]]:
    """The steps whose effect stands, as far as can be seen now; also of those that have not ended well."""
    for step in status.plan.steps if status.plan else ():
        found = action(step.action)
        if not isinstance(found, Changing) or step.state not in _BEGUN or found.unread(facts, step):
            continue
        if found.gone(facts, step) or found.superseded(facts, step):
            continue
        if step.state is StepState.DONE or found.state(facts, step) in _WRITTEN:
            yield step, found


def _stays(step: PlanStep) -> bool:
    """Whether it could not be taken back once, or was refused: it is not tried again."""
    return step.state is StepState.FAILED and step.reason == Reason.FAILED


def covers(status: AIIncidentStatus, facts: Facts) -> bool:
    """Whether something stands under which health says nothing of the suspect: a flag, a route away from it."""
    return any(found.covers(step) for step, found in standing(status, facts))


def left(status: AIIncidentStatus, facts: Facts) -> str:
    """What stays as containment wrote it, and what a person does about it."""
    found = "; ".join(f"{step.name}: {step.message or step.summary}" for step, _ in standing(status, facts))
    return f"what containment wrote stays{f' ({found})' if found else ''}: roll out what is to run"

"""Which step of which rung comes next, and what follows when one fails."""

from datetime import timedelta

from knowngood.api.common import Mode
from knowngood.api.conditions import Reason
from knowngood.api.durations import seconds
from knowngood.api.incidentstatus import AIIncidentStatus, IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.api.plan import PlanStep, Rung, StepState
from knowngood.api.playbook import OnFailure
from knowngood.api.steps import ActionName
from knowngood.core.incidents.record import stepped, told
from knowngood.core.response import approval, effectiveness, outcome
from knowngood.core.response.effects import Effect, Record
from knowngood.core.response.facts import Facts
from knowngood.core.response.registry import action, changes_workload

_UNFINISHED = frozenset({StepState.PENDING, StepState.INTENDED, StepState.UNDOING})
_FINAL = frozenset({Reason.PERSON_WROTE, Reason.WORKLOAD_NOT_FOUND, Reason.DRY_RUN, Reason.REJECTED})
"""After these nothing more is done to the workload: somebody else decides, or there is nothing to decide on."""

_HELD = frozenset({Reason.LIMIT_REACHED, Reason.COOLING_DOWN, Reason.EMERGENCY_STOP, Reason.SUSPENDED})


def current(status: AIIncidentStatus) -> PlanStep | None:
    """The step to take further: what is taken back first; of the next rung, once it has begun; then of the first."""
    if status.plan is None:
        return None
    undoing = next((s for s in status.plan.steps if s.state is StepState.UNDOING), None)
    if undoing is not None:
        return undoing
    rungs = (Rung.ESCALATE, Rung.CONTAIN) if status.plan.escalated_at else (Rung.CONTAIN,)
    steps = [s for rung in rungs for s in status.plan.steps if s.rung is rung]
    return next((s for s in steps if s.state in _UNFINISHED), None)


def intended(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """With what follows from a step's end, and the intent of the next step, for the same write."""
    status = _after_failure(status, facts)
    step = current(status)
    if step is None or step.state is not StepState.PENDING:
        return status
    effect = begin(facts.with_status(status), step)
    return effect.status if isinstance(effect, Record) else status


def begin(facts: Facts, step: PlanStep) -> Effect:
    """A step's intent, or why it cannot begin; a step that may not be done at all is skipped with its reason."""
    status = facts.incident.status
    found = action(step.action)
    if found is None:
        why = f"this version has no action {step.action}; the step is skipped"
        skip = {"state": StepState.SKIPPED, "reason": Reason.NOT_SUPPORTED.value, "message": why}
        return Record(stepped(status, step.name, skip))
    if found.contains:
        forbidden = _forbidden(status) or _gated(status, step)
        if forbidden is not None:
            return Record(outcome.skipped(status, step, *forbidden, facts))
        if status.plan is not None and status.plan.mode is Mode.APPROVAL and status.approval is None:
            return Record(approval.awaited(status, step, facts))
    return found.begin(facts, step)


def _forbidden(status: AIIncidentStatus) -> tuple[Reason, str] | None:
    if status.plan is None:
        raise ValueError("no plan")
    if status.plan.mode is Mode.DRY_RUN:
        return Reason.DRY_RUN, "planned only: the response's mode is DryRun"
    if status.approval is not None and status.approval.decision == approval.REJECT:
        return Reason.REJECTED, f"{status.approval.by} rejected the plan; nothing is done"
    ended = next((s for s in status.plan.steps if s.state is StepState.FAILED and s.reason in _FINAL), None)
    if ended is not None:
        return Reason(ended.reason), f"not begun, because {ended.name} ended so: {ended.message}"
    return None


def _gated(status: AIIncidentStatus, step: PlanStep) -> tuple[Reason, str] | None:
    """A gate before the step that is closed, and does not say that it goes on all the same."""
    for before in status.plan.steps if status.plan else ():
        if before.name == step.name:
            return None
        shut = before.action == ActionName.GATE and before.state is StepState.FAILED
        if shut and before.rung is step.rung and before.on_failure is not OnFailure.CONTINUE:
            return Reason.GATE_CLOSED, f"not begun, because the gate {before.name} is closed: {before.message}"
    return None


def _after_failure(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """What the failed steps' onFailure asks for, the first that asks for something."""
    for step in status.plan.steps if status.plan else ():
        if step.state is not StepState.FAILED or step.reason in _FINAL or step.reason == Reason.UNDONE:
            continue
        written = step.started_at is not None and step.reason != Reason.CONTESTED
        if step.on_failure is OnFailure.UNDO and written and not _was_undone(status, step):
            said = f"{step.name} ({step.action}) failed; what it did is taken back"
            undoing = {"state": StepState.UNDOING, "finished_at": None}
            return stepped(told(status, facts.now, "Undoing", said), step.name, undoing)
        if step.on_failure is OnFailure.ESCALATE and step.rung is Rung.CONTAIN:
            again = escalated(status, f"{step.name} ({step.action}) failed", facts)
            if again is not status:
                return again
    return status


def _was_undone(status: AIIncidentStatus, step: PlanStep) -> bool:
    said = f"{step.name} ({step.action})"
    return any(e.reason == "Undoing" and e.message.startswith(said) for e in status.timeline)


def escalated(status: AIIncidentStatus, why: str, facts: Facts) -> AIIncidentStatus:
    """With the next rung begun, where there is one and it has not."""
    plan = status.plan
    if plan is None or plan.escalated_at is not None or not any(s.rung is Rung.ESCALATE for s in plan.steps):
        return status
    steps = [_given_up(s, facts) if _is_open_change(s) else s for s in plan.steps]
    plan = plan.model_copy(update={"escalated_at": facts.now, "steps": steps})
    status = status.model_copy(update={"plan": plan, "phase": IncidentPhase.CONTAINING})
    return told(status, facts.now, "Escalated", f"{why}; the next rung of the playbook begins")


def _is_open_change(step: PlanStep) -> bool:
    return step.rung is Rung.CONTAIN and step.state is StepState.PENDING and changes_workload(step.action)


def _given_up(step: PlanStep, facts: Facts) -> PlanStep:
    return step.model_copy(update={"state": StepState.SKIPPED, "finished_at": facts.now})


def escalate_in_time(facts: Facts) -> Effect | None:
    """The next rung, when the signal has stayed out of its limits for `escalate.after`."""
    status = facts.incident.status
    plan = status.plan
    if plan is None or plan.escalate_after is None or plan.escalated_at is not None or _forbidden(status):
        return None
    step = current(status)
    if step is not None and (not _is_open_change(step) or facts.hold is not None or step.reason in _HELD):
        return None  # what only waits for its turn has not been tried; the next rung may be an outage
    if plan.mode is Mode.APPROVAL and status.approval is None:
        return None
    since = status.contained_at or status.opened_at
    waited = since is not None and facts.now - since >= timedelta(seconds=seconds(plan.escalate_after))
    if not waited or not _in_breach(status, facts):
        return None
    what = "the signal is still out of its limits" if status.contained_at else "it is not contained"
    return Record(intended(escalated(status, f"after {plan.escalate_after} {what}", facts), facts))


def _in_breach(status: AIIncidentStatus, facts: Facts) -> bool:
    """Whether a signal that fired is out of its limits on what runs now, by data from after the containment."""
    since = status.contained_at
    fired = {(s.policy, s.name) for s in status.signals}
    return any(
        view.judgement.verdict is Verdict.BREACH and facts.running == {view.judgement.digest}
        for key, view in facts.signals.items()
        if key in fired and (since is None or effectiveness.window_passed(view, since, facts.now))
    )

"""After a step's end: a roll-out that was late is done after all, and what another writer undid is not."""

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import Actor, AIIncidentStatus, IncidentPhase
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.incidents.record import stepped, told
from knowngood.core.response import contested, outcome
from knowngood.core.response.changing import Changing, State
from knowngood.core.response.effects import Effect, Record
from knowngood.core.response.facts import Facts
from knowngood.core.response.onworkload import WorkloadAction
from knowngood.core.response.registry import action


def reconsider(facts: Facts) -> Effect | None:
    """The first step whose end no longer holds."""
    status = facts.incident.status
    if facts.workload is None or status.plan is None:
        return None
    for step in status.plan.steps:
        found = action(step.action)
        if isinstance(found, Changing) and (effect := _reconsidered(facts, step, found)) is not None:
            return effect
    return None


def _reconsidered(facts: Facts, step: PlanStep, found: Changing) -> Effect | None:
    status = facts.incident.status
    late = step.state is StepState.FAILED and step.reason in {Reason.ROLL_OUT_STUCK, Reason.CONTESTED}
    if not late and step.state is not StepState.DONE:
        return None
    if found.unread(facts, step) or found.superseded(facts, step):
        return None
    if not isinstance(found, WorkloadAction) and found.gone(facts, step):
        return None
    there = found.state(facts, step) is State.THERE
    if late and there and found.finished(facts, step):
        return Record(outcome.ended(status, step, found.done(facts, step), facts))
    if there or step.reason == Reason.CONTESTED:
        return None
    if (revert := found.reverted(facts, step)) is not None:
        return Record((contested.given_up if late else contested.answered)(status, step, revert, facts))
    return Record(_undone(status, step, found, facts))


def _undone(status: AIIncidentStatus, step: PlanStep, found: Changing, facts: Facts) -> AIIncidentStatus:
    """Another writer took the act's place: with the suspect again, or with a release that is judged where it runs."""
    now = found.found(facts, step)
    if step.state is StepState.DONE and isinstance(found, WorkloadAction) and _another_release(facts):
        why = f"another writer set {now} after {step.name} ({step.action}); it is judged where it runs"
        status = stepped(status, step.name, {"state": StepState.SKIPPED, "reason": Reason.PERSON_WROTE, "message": why})
        status = status.model_copy(update={"phase": IncidentPhase.VERIFYING})
        status = told(status, facts.now, Reason.PERSON_WROTE, why, Actor.PERSON)
        return outcome.condition(status, ConditionStatus.FALSE, Reason.PERSON_WROTE, why, facts)
    why = f"another writer set {now} after {step.name} ({step.action}); it is left as it is"
    return outcome.person_wrote(status, step, why, facts)


def _another_release(facts: Facts) -> bool:
    """Whether the workload declares anything but the suspect."""
    suspect = facts.incident.status.suspect
    images = {c.name: c.image for c in suspect.containers} if suspect else {}
    declared = facts.workload.images.get(facts.container, "") if facts.workload else ""
    return declared != images.get(facts.container)

"""What people decide on an incident: honoured only where admission checks who they are."""

from datetime import timedelta

from knowngood.api.aiincident import Approval, Decision, DispositionVerdict
from knowngood.api.common import Mode
from knowngood.api.conditions import ConditionStatus, ConditionType, Reason
from knowngood.api.incidentstatus import Actor, AIIncidentStatus, ApprovalStatus, IncidentPhase
from knowngood.api.plan import Plan, PlanStep, StepState
from knowngood.core.incidents.decisions import counts, ignored, is_ignored, with_guard, with_judgement
from knowngood.core.incidents.record import conditioned, told
from knowngood.core.response import handing, outcome
from knowngood.core.response.effects import Effect, Record
from knowngood.core.response.facts import Facts
from knowngood.core.response.registry import changes_workload
from knowngood.core.response.replanning import begun

APPROVE, REJECT = Decision.APPROVE.value, Decision.REJECT.value
PATIENCE = timedelta(minutes=15)
"""How long a plan waits until it is said that nobody has answered."""


def decisions(facts: Facts) -> Effect | None:
    """What people have written since the last look: seen, approved, judged, closed."""
    spec, status = facts.incident.spec, facts.incident.status
    if status.plan is None:
        return None
    written = (spec.acknowledgement, spec.approval, spec.disposition, spec.close_request, *spec.gates)
    if any(d is not None for d in written) or rests_on_people(status.plan):
        status = guarded(status, facts)
    if facts.unguarded:
        return Record(ignored(status, written))
    return Record(_closed(_judged(_approved(_acknowledged(status, facts), facts), facts), facts))


def rests_on_people(plan: Plan) -> bool:
    """Whether a person has to approve it, or to let a step of it through."""
    return plan.mode is Mode.APPROVAL or any(s.gate is not None and s.gate.person is not None for s in plan.steps)


def guarded(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """With the condition that says whether admission checks who decides."""
    return with_guard(status, facts.unguarded, facts.now)


def _acknowledged(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    seen = counts(facts.incident.spec.acknowledgement, status)
    if seen is None:
        return status
    message = f"seen by {seen.by}" + (f": {seen.comment}" if seen.comment else "")
    true = ConditionStatus.TRUE
    after = conditioned(status, ConditionType.ACKNOWLEDGED, true, Reason.ACKNOWLEDGED, message, facts.now)
    return after if after is status else told(after, facts.now, "Acknowledged", message, Actor.PERSON)


def _approved(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """Honour an approval of this very plan, once; after it was used its end does not matter."""
    given, plan = counts(facts.incident.spec.approval, status), status.plan
    if plan is None or plan.mode is not Mode.APPROVAL:
        return status
    status = _as_it_stands(status, plan, given, facts)
    if given is None or status.approval is not None:
        return status
    if why_not(given, plan.hash, facts) is not None:
        return status
    made = ApprovalStatus(by=given.by, decision=given.decision.value, plan_hash=given.plan_hash, at=facts.now)
    status = status.model_copy(update={"approval": made})
    word = "approved" if given.decision is Decision.APPROVE else "rejected"
    reason = Reason.APPROVED if given.decision is Decision.APPROVE else Reason.REJECTED
    if status.phase is IncidentPhase.AWAITING_APPROVAL:
        status = status.model_copy(update={"phase": IncidentPhase.OPEN})
    return told(status, facts.now, reason, f"{given.by} {word} the plan {plan.hash[:19]}", Actor.PERSON)


def _as_it_stands(status: AIIncidentStatus, plan: Plan, given: Approval | None, facts: Facts) -> AIIncidentStatus:
    """Without an approval that was taken back, rewritten or has ended before the plan began."""
    made = status.approval
    if made is None or begun(plan) or not any(_waits(s) for s in plan.steps):
        return status
    word = (made.by, made.decision, made.plan_hash)
    kept = given is not None and (given.by, given.decision.value, given.plan_hash) == word
    why = why_not(given, plan.hash, facts) if given is not None and kept else None
    if kept and why is None:
        return status
    told_as, about = why or ("ApprovalWithdrawn", f"{made.by}'s word was taken back or rewritten before the plan began")
    phase = IncidentPhase.AWAITING_APPROVAL if status.phase is IncidentPhase.OPEN else status.phase
    actor = Actor.OPERATOR if why else Actor.PERSON
    return told(status.model_copy(update={"approval": None, "phase": phase}), facts.now, told_as, about, actor)


def _waits(step: PlanStep) -> bool:
    return step.state is StepState.PENDING and changes_workload(step.action)


def why_not(given: Approval, plan_hash: str, facts: Facts) -> tuple[Reason, str] | None:
    """Why an approval does not count, or None."""
    if given.plan_hash != plan_hash:
        return Reason.PLAN_CHANGED, (
            f"{given.by} decided on the plan {given.plan_hash[:19]}, but the plan now is {plan_hash[:19]}: read "
            "status.plan and approve its hash"
        )
    if given.expires_at is not None and given.expires_at <= facts.now:
        return Reason.APPROVAL_EXPIRED, f"the approval by {given.by} ended before it could be used; approve again"
    return None


def awaited(status: AIIncidentStatus, step: PlanStep, facts: Facts) -> AIIncidentStatus:
    """The step waits for a person: which plan, why an approval that is there does not count, that nobody answered."""
    plan, given = status.plan, facts.incident.spec.approval
    if plan is None:
        raise ValueError("no plan")
    reason = Reason.AWAITING_APPROVAL
    message = f"approve the plan {plan.hash} in spec.approval, or reject it"
    if facts.unguarded:
        message = f"{facts.unguarded}, so that no approval counts; install the chart with admission.enabled"
    elif given is not None and is_ignored(given, status):
        message = f"{given.by} decided while admission did not check who writes; remove spec.approval and write it anew"
    elif given is not None and (why := why_not(given, plan.hash, facts)) is not None:
        reason, message = why
    elif status.opened_at is not None and facts.now - status.opened_at >= PATIENCE:
        message = f"nobody has answered for {int(PATIENCE.total_seconds() // 60)} minutes: {message}"
        if not any(e.reason == "NobodyAnswered" for e in status.timeline):
            status = told(status, facts.now, "NobodyAnswered", message)
    return outcome.waiting(status, step, reason, message, facts)


def _judged(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    found = counts(facts.incident.spec.disposition, status)
    after = with_judgement(status, found, facts.now)
    if found is None or found.verdict is not DispositionVerdict.FALSE_POSITIVE:
        return after
    back = handing.back(after, IncidentPhase.DISMISSED, facts)
    return _over(after, IncidentPhase.DISMISSED, facts) if back is None else back


def _closed(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    wanted = counts(facts.incident.spec.close_request, status)
    if wanted is None or status.phase in {IncidentPhase.CLOSED, IncidentPhase.DISMISSED}:
        return status
    if (back := handing.back(status, IncidentPhase.CLOSED, facts)) is not None:
        return back
    message = f"closed by {wanted.by}" + (f": {wanted.comment}" if wanted.comment else "")
    status = told(status, facts.now, "Closed", message, Actor.PERSON)
    return _over(status, IncidentPhase.CLOSED, facts)


def _over(status: AIIncidentStatus, phase: IncidentPhase, facts: Facts) -> AIIncidentStatus:
    """Over by a person's word; what was written stays written, and that is said."""
    if status.contained_at is not None or any(handing.standing(status, facts)):
        status = told(status, facts.now, "LeftAsIs", handing.left(status, facts))
    return status.model_copy(update={"phase": phase})

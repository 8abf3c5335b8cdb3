"""What the analysis changes: the assessed type, and the plan as long as nothing of it has begun."""

from knowngood.api.analysis import Analysis
from knowngood.api.common import Mode
from knowngood.api.evidence import Evidence
from knowngood.api.incidentstatus import AIIncidentStatus, IncidentPhase
from knowngood.api.plan import Plan, PlanStep, StepState
from knowngood.api.playbook import ActionName
from knowngood.core.incidents.analysis import analyse
from knowngood.core.incidents.record import clipped, told
from knowngood.core.response import approval
from knowngood.core.response.facts import Facts
from knowngood.core.response.plan import build
from knowngood.core.response.registry import changes_workload


def with_plan(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """With a plan for what it is taken for, waiting for a person where the response asks for one."""
    made = build(facts.with_status(status).ground)
    status = status.model_copy(update={"plan": made})
    if made.mode is Mode.APPROVAL and any(changes_workload(s.action) for s in made.steps):
        status = approval.guarded(status.model_copy(update={"phase": IncidentPhase.AWAITING_APPROVAL}), facts)
    return status


def assessed(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """With the analysis of the evidence that it holds, and the type that follows; the plan only if nothing began."""
    if status.evidence is None:
        return status
    made = _analysis(status, status.evidence, facts)
    status = status.model_copy(update={"analysis": made})
    status = told(status, facts.now, "Analysed", made.sentence)
    return _typed(status, made, facts)


def reassessed(before: AIIncidentStatus, status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """Analysed anew, on the evidence as it stands, where a signal has joined; what is equal stays."""
    if len(status.signals) == len(before.signals) or status.evidence is None or status.analysis is None:
        return status
    made = _analysis(status, status.evidence, facts)
    return _typed(status.model_copy(update={"analysis": made}), made, facts)


def _analysis(status: AIIncidentStatus, evidence: Evidence, facts: Facts) -> Analysis:
    """The analysis; one that fails is said to have failed, since nothing may hold up the containment."""
    incident = facts.with_status(status).incident
    identity = facts.policy.spec.identity if facts.policy else None
    apart = {identity.model, identity.release or ""} if identity else set()
    for view in facts.signals.values():
        apart |= {view.signal.model_label, view.signal.release_label}
    try:
        return analyse(incident, facts.model, evidence, facts.signals, apart, facts.now)
    except Exception as error:
        return Analysis(sentence=clipped(f"not analysed: {type(error).__name__}: {error}", 1024))


def _typed(status: AIIncidentStatus, made: Analysis, facts: Facts) -> AIIncidentStatus:
    """With the assessed type; a plan of which something has begun stays as it was made, and that is said."""
    old, new = status.type, made.assessed_type
    if new is None or new is old:
        return status
    status = status.model_copy(update={"type": new})
    was = old.value if old else "not known"
    plan = status.plan
    if plan is None or any(_begun(s) for s in plan.steps):
        stays = f"assessed as {new.value}, before as {was}; the plan stays as it was made"
        return told(status, facts.now, "Reassessed", stays)
    again = with_plan(status.model_copy(update={"phase": IncidentPhase.OPEN}), facts)
    if again.plan is None or again.plan.hash == plan.hash:
        return told(status, facts.now, "Reassessed", f"assessed as {new.value}, before as {was}; the plan is the same")
    why = f"assessed as {new.value}, before as {was}: {_response(again.plan)} instead of {_response(plan)}"
    steps = [_recorded(s, plan) for s in again.plan.steps]
    changed = again.plan.model_copy(update={"steps": steps, "notes": [*again.plan.notes, why][:32]})
    return told(again.model_copy(update={"plan": changed}), facts.now, "Reassessed", why)


def _begun(step: PlanStep) -> bool:
    return step.state is not StepState.PENDING and step.action != ActionName.FREEZE_EVIDENCE


def _response(plan: Plan) -> str:
    return f"response {plan.response} with playbook {plan.playbook}" if plan.response else "no response"


def _recorded(step: PlanStep, before: Plan) -> PlanStep:
    """The step as it stands already, where it only records evidence that is there."""
    done = next((s for s in before.steps if s.action == ActionName.FREEZE_EVIDENCE and s.finished_at), None)
    if done is None or step.action != ActionName.FREEZE_EVIDENCE or step.rung is not done.rung:
        return step
    kept = {k: getattr(done, k) for k in ("state", "reason", "message", "intended_at", "started_at", "finished_at")}
    return step.model_copy(update=kept)

"""What the analysis changes: the assessed type, and the plan as long as the workload is untouched."""

from knowngood.api.analysis import Analysis
from knowngood.api.common import Mode
from knowngood.api.evidence import Evidence
from knowngood.api.incidentstatus import AIIncidentStatus, IncidentPhase
from knowngood.api.plan import Plan
from knowngood.core.incidents.analysis import analyse
from knowngood.core.incidents.record import clipped, told
from knowngood.core.response import approval, outcome
from knowngood.core.response.effects import Effect, Record
from knowngood.core.response.facts import Facts
from knowngood.core.response.plan import build
from knowngood.core.response.registry import changes_workload
from knowngood.core.response.replanning import begun, in_place_of


def with_plan(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """With a plan for what it is taken for, waiting for a person where the response asks for one."""
    return _planned(status, build(facts.with_status(status).ground), facts)


def _planned(status: AIIncidentStatus, made: Plan, facts: Facts) -> AIIncidentStatus:
    status = status.model_copy(update={"plan": made})
    if made.mode is Mode.APPROVAL and any(changes_workload(s.action) for s in made.steps):
        status = approval.guarded(status.model_copy(update={"phase": IncidentPhase.AWAITING_APPROVAL}), facts)
    return status


def asked_again(facts: Facts) -> Effect | None:
    """While a plan waits: a worse breach, or another known-good release, makes a new plan, to be approved anew.

    Nobody is asked any more where the response has become one that asks nobody.
    """
    status = facts.incident.status
    if status.plan is None or status.plan.mode is not Mode.APPROVAL or status.approval is not None:
        return None
    if begun(status.plan):
        return None
    made = build(facts.ground)
    if made.hash == status.plan.hash:
        return None
    worse = made.severity != status.plan.severity
    why = f"it is {made.severity.value if made.severity else 'worse'} now" if worse else "what it would do has changed"
    again = _planned(status.model_copy(update={"phase": IncidentPhase.OPEN}), made, facts)
    again = again.model_copy(update={"plan": in_place_of(status.plan, made)})
    if again.phase is not IncidentPhase.AWAITING_APPROVAL:
        again = outcome.nothing_yet(again, facts)
    return Record(told(again, facts.now, "PlanChanged", f"{why}: the plan is {made.hash[:19]} ({made.mode})"))


def assessed(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """With the analysis of the evidence that it holds, and the type; the plan follows only if it touched nothing."""
    if status.evidence is None:
        return status
    made = _analysis(status, status.evidence, facts)
    status = status.model_copy(update={"analysis": made})
    status = told(status, facts.now, "Analysed", made.sentence)
    return _typed(status, made, facts)


def reassessed(before: AIIncidentStatus, status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """Analysed anew, on the evidence as it stands, and planned anew, where a signal has joined; what is equal stays."""
    if len(status.signals) == len(before.signals):
        return status
    if status.evidence is not None and status.analysis is not None:
        made = _analysis(status, status.evidence, facts)
        status = _typed(status.model_copy(update={"analysis": made}), made, facts)
    return _called_for(status, facts)


def _called_for(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """With the plan that the signals now call for, where nothing of the old one has touched the workload."""
    plan = status.plan
    if plan is None or begun(plan):
        return status
    made = build(facts.with_status(status).ground)
    if made.hash == plan.hash:
        return status
    severity = status.severity.value if status.severity else "worse"
    return _in_its_place(status, plan, made, "PlanChanged", f"a signal joined, it is {severity} now", facts)


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
    """With the assessed type, and the plan that it calls for."""
    old, new = status.type, made.assessed_type
    if new is None or new is old:
        return status
    was = old.value if old else "not known"
    why = f"assessed as {new.value}, before as {was}"
    return _planned_anew(status.model_copy(update={"type": new}), "Reassessed", why, facts)


def _planned_anew(status: AIIncidentStatus, word: str, why: str, facts: Facts) -> AIIncidentStatus:
    """With another plan, where another is called for; once the workload is touched it stays, and that is said."""
    plan = status.plan
    if plan is None or begun(plan):
        return told(status, facts.now, word, f"{why}; the plan stays as it was made")
    made = build(facts.with_status(status).ground)
    if made.hash == plan.hash:
        return told(status, facts.now, word, f"{why}; the plan is the same")
    return _in_its_place(status, plan, made, word, why, facts)


def _in_its_place(
    status: AIIncidentStatus, plan: Plan, made: Plan, word: str, why: str, facts: Facts
) -> AIIncidentStatus:
    """With the plan that was made in place of the one that touched nothing."""
    again = _planned(status.model_copy(update={"phase": IncidentPhase.OPEN, "approval": None}), made, facts)
    why = f"{why}: {_response(made)} instead of {_response(plan)}"
    changed = in_place_of(plan, made)
    changed = changed.model_copy(update={"notes": [*changed.notes, why][:32]})
    return told(again.model_copy(update={"plan": changed}), facts.now, word, why)


def _response(plan: Plan) -> str:
    return f"response {plan.response} with playbook {plan.playbook}" if plan.response else "no response"

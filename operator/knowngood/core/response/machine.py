"""The next thing to do for an incident: an ordered chain of pure checks, the first that has something to say wins.

Intent stands in the status before its effect, and each step first looks whether it is already done; a kill between
any two lines therefore loses nothing and doubles nothing.
"""

from collections.abc import Callable
from datetime import timedelta

from knowngood.api.common import Mode, Origin
from knowngood.api.conditions import ConditionStatus, ConditionType, Reason, is_true
from knowngood.api.durations import seconds
from knowngood.api.evidence import Evidence
from knowngood.api.incidentstatus import AIIncidentStatus, IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.incidents.opening import breaches, first_status, joined, suspect_of
from knowngood.core.incidents.record import conditioned, is_over, stepped, told
from knowngood.core.response import effectiveness, pinning
from knowngood.core.response.effects import Effect, FreezeEvidence, Record, Tell, Wait
from knowngood.core.response.facts import Facts
from knowngood.core.response.plan import build
from knowngood.core.response.playbooks import FREEZE_EVIDENCE, NOTIFY, PIN_KNOWN_GOOD

_LOOK_FOR_SIGNALS = 1.0
_PATIENCE = timedelta(minutes=1)
_UNFINISHED = {StepState.PENDING, StepState.INTENDED}
Check = Callable[[Facts], Effect | None]


def decide(facts: Facts) -> Effect:
    """What to do next. Never raises on any incident that the API server accepted."""
    if is_over(facts.incident):
        return Wait()
    for check in CHAIN:
        effect = check(facts)
        if effect is not None and not _is_idle(effect, facts):
            return effect
    return Wait(effectiveness.next_look(facts))


def _is_idle(effect: Effect, facts: Facts) -> bool:
    return isinstance(effect, Record) and effect.status == facts.incident.status


def follow_signals(facts: Facts) -> Effect | None:
    """Signals that joined or changed their verdict are recorded, unless a step is under way: that comes first."""
    step = _current(facts.incident.status)
    if step is not None and step.state is StepState.INTENDED:
        return None
    status = joined(facts.incident.status, facts.signals, facts.now)
    found = breaches(facts.signals.values())
    if status.suspect is None and found:
        status = status.model_copy(update={"suspect": suspect_of(found, facts.pods, facts.container)})
    return Record(status)


def plan(facts: Facts) -> Effect | None:
    """What is known, the plan and the intent of its first step go into one write, before anything is touched."""
    status = facts.incident.status
    if status.plan is not None:
        return None
    if status.phase is None:
        found = breaches(facts.signals.values())
        if not found and _not_seen_yet(facts):
            return Wait(_LOOK_FOR_SIGNALS)
        policy = facts.policy.metadata.name if facts.policy else ""
        status = first_status(
            facts.model, facts.incident, facts.episode, found, facts.pods, facts.container, facts.now, policy
        )
    made = build(facts.with_status(status).ground)
    status = status.model_copy(update={"plan": made})
    if made.mode is Mode.APPROVAL:
        status = status.model_copy(update={"phase": IncidentPhase.AWAITING_APPROVAL})
    return Record(_intend_next(status, facts.with_status(status)))


def _not_seen_yet(facts: Facts) -> bool:
    """Whether a new process has still to see the signal that opened the incident; the record would lack it."""
    created, spec = facts.incident.metadata.creation_timestamp, facts.incident.spec
    if spec.origin is not Origin.SIGNAL or created is None or facts.now - created > _PATIENCE:
        return False
    judged = [v for v in facts.signals.values() if v.signal.policy == (spec.policy_ref.name if spec.policy_ref else "")]
    return not judged or any(v.judgement.verdict is not Verdict.HEALTHY for v in judged)


def act(facts: Facts) -> Effect | None:
    """Take the current step further."""
    status = facts.incident.status
    step = _current(status)
    if step is None:
        return None
    if step.state is StepState.PENDING:
        return _begin(status, step, facts)
    if step.action == FREEZE_EVIDENCE:
        return FreezeEvidence(seconds(step.timeout) if step.timeout else 2.0)
    if step.action == PIN_KNOWN_GOOD:
        return _then_next(pinning.advance(facts, step), facts)
    if step.action == NOTIFY:
        return _tell(status, step, facts)
    why = f"this version has no action {step.action}; a newer one planned it"
    skipped = {"state": StepState.SKIPPED, "reason": Reason.NOT_SUPPORTED.value, "message": why}
    return Record(stepped(status, step.name, skipped))


def _current(status: AIIncidentStatus) -> PlanStep | None:
    return next((s for s in status.plan.steps if s.state in _UNFINISHED), None) if status.plan else None


def _begin(status: AIIncidentStatus, step: PlanStep, facts: Facts) -> Effect | None:
    """Write the intent of a step, or why it cannot begin."""
    if step.action == PIN_KNOWN_GOOD:
        return _then_next(pinning.begin(facts, step), facts)
    return Record(stepped(status, step.name, {"state": StepState.INTENDED, "intended_at": facts.now}))


def _intend_next(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """The intent of the step that follows, in the same write as the end of the one before."""
    step = _current(status)
    if step is None or step.state is not StepState.PENDING:
        return status
    if step.action == PIN_KNOWN_GOOD:
        effect = pinning.begin(facts.with_status(status), step)
        return effect.status if isinstance(effect, Record) else status
    return stepped(status, step.name, {"state": StepState.INTENDED, "intended_at": facts.now})


def _then_next(effect: Effect | None, facts: Facts) -> Effect | None:
    """When a step has just ended, the next one's intent goes into the same write."""
    if isinstance(effect, Record):
        return Record(_intend_next(effect.status, facts.with_status(effect.status)))
    return effect


def evidence_frozen(facts: Facts, evidence: Evidence) -> AIIncidentStatus:
    """The status after evidence was gathered, complete or not; containment goes on either way."""
    status = facts.incident.status.model_copy(update={"evidence": evidence})
    lacking = ", ".join(m.item for m in evidence.missing)
    reason = Reason.INCOMPLETE if lacking else Reason.FROZEN
    message = f"recorded in {evidence.took}" + (f"; missing: {lacking}" if lacking else "")
    status = conditioned(status, ConditionType.EVIDENCE_FROZEN, ConditionStatus.TRUE, reason, message, facts.now)
    step = next(s for s in status.plan.steps if s.action == FREEZE_EVIDENCE) if status.plan else None
    if step is not None:
        done = {"state": StepState.DONE, "reason": reason.value, "message": message, "finished_at": facts.now}
        status = stepped(status, step.name, done)
    status = told(status, facts.now, "EvidenceFrozen", message)
    return _intend_next(status, facts.with_status(status))


def _tell(status: AIIncidentStatus, step: PlanStep, facts: Facts) -> Effect:
    contained = is_true(status.conditions, ConditionType.CONTAINED)
    known_good = status.plan.known_good if status.plan else None
    images = ", ".join(c.image for c in known_good.containers) if known_good else ""
    lead = f"{facts.incident.spec.model_ref.name}: {facts.incident.spec.summary or 'incident'}"
    outcome = f"contained on {images}" if contained else pinning.why_not_contained(status)
    done = {"state": StepState.DONE, "reason": Reason.DONE.value, "finished_at": facts.now}
    return Tell(
        reason="IncidentContained" if contained else "IncidentNotContained",
        message=f"{lead}; {outcome}",
        warning=True,
        then=told(stepped(status, step.name, done), facts.now, "Notified", outcome),
    )


CHAIN: tuple[Check, ...] = (plan, act, pinning.reconsider, follow_signals, effectiveness.judge)

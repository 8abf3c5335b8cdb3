"""The next thing to do for an incident: an ordered chain of pure checks, the first that has something to say wins.

Intent stands in the status before its effect, and each step first looks whether it is already done; a kill between
any two lines therefore loses nothing and doubles nothing.
"""

import re
from collections.abc import Callable
from datetime import timedelta

from knowngood.api.common import Origin
from knowngood.api.conditions import ConditionStatus, ConditionType, Reason
from knowngood.api.evidence import Evidence
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.observed import Verdict
from knowngood.api.plan import StepState
from knowngood.api.steps import ActionName
from knowngood.core.incidents.opening import breaches, first_status, joined, suspect_of
from knowngood.core.incidents.ready import with_ready
from knowngood.core.incidents.record import conditioned, is_over, stepped, told
from knowngood.core.response import aftermath, approval, assessment, behind, effectiveness, ladder, outcome, untaken
from knowngood.core.response.effects import Effect, Record, Wait
from knowngood.core.response.facts import Facts
from knowngood.core.response.registry import action

_LOOK_FOR_SIGNALS = 1.0
_POLICY = re.compile(r".*? \w+AdmissionPolicy '(?P<name>[^']+)' .*?denied request: (?P<says>.+)", re.DOTALL)
_PATIENCE = timedelta(minutes=1)
_LONGEST = timedelta(minutes=10)  # however often the process begins anew
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
    step = ladder.current(facts.incident.status)
    if step is not None and step.state is StepState.INTENDED and step.action != ActionName.GATE:
        return None
    before = facts.incident.status
    status = assessment.reassessed(before, joined(before, facts.signals, facts.now), facts)
    found = breaches(facts.signals.values())
    if status.suspect is None and found:
        status = status.model_copy(update={"suspect": suspect_of(found, facts.pods, facts.container)})
    if status.plan != before.plan:
        status = ladder.intended(status, facts.with_status(status))
    return Record(status)


def plan(facts: Facts) -> Effect | None:
    """What is known, the plan, the evidence and the next step's intent: one write, before anything is touched."""
    status = facts.incident.status
    if status.plan is not None:
        return None
    if status.phase is None:
        found = breaches(facts.signals.values())
        if not found and _not_seen_yet(facts):
            return Wait(_LOOK_FOR_SIGNALS)
        policy = facts.policy.metadata.name if facts.policy else ""
        made = first_status(
            facts.model, facts.incident, facts.episode, found, facts.pods, facts.container, facts.now, policy
        )
        status = behind.taken_up(status, made)
        status = with_ready(status, facts.incident, facts.policy, facts.now)
    status = assessment.with_plan(status, facts)
    status = ladder.intended(status, facts.with_status(status))
    first = ladder.current(status)
    if first is None or first.action != ActionName.FREEZE_EVIDENCE:
        return Record(status)
    freeze = action(first.action)
    return freeze.advance(facts.with_status(status), first) if freeze else Record(status)


def _not_seen_yet(facts: Facts) -> bool:
    """Whether a new process has still to see the signal that opened the incident; the record would lack it."""
    created, spec = facts.incident.metadata.creation_timestamp, facts.incident.spec
    if spec.origin is not Origin.SIGNAL or created is None:
        return False
    if facts.now - created > _LONGEST or facts.now - max(created, facts.since or created) > _PATIENCE:
        return False
    judged = [v for v in facts.signals.values() if v.signal.policy == (spec.policy_ref.name if spec.policy_ref else "")]
    return not judged or any(v.judgement.verdict is not Verdict.HEALTHY for v in judged)


def follow_names(facts: Facts) -> Effect | None:
    """What the incident names may come and go."""
    return Record(with_ready(facts.incident.status, facts.incident, facts.policy, facts.now))


def act(facts: Facts) -> Effect | None:
    """Take the current step further; the end of one and the intent of the next go into one write."""
    step = ladder.current(facts.incident.status)
    if step is None:
        return None
    found = action(step.action)
    if step.state is StepState.PENDING or found is None:
        effect = ladder.begin(facts, step)
    else:
        effect = untaken.considered(found.advance(facts, step), facts, step, found.default_timeout)
    return _with_next(effect, facts)


def reconsider(facts: Facts) -> Effect | None:
    """What another writer undid, or time made good; what follows from it goes into the same write."""
    return _with_next(aftermath.reconsider(facts), facts)


def _with_next(effect: Effect | None, facts: Facts) -> Effect | None:
    """What changes the record, with the intent of the step that comes next because of it."""
    if isinstance(effect, Record) and not _is_idle(effect, facts):
        return Record(ladder.intended(effect.status, facts.with_status(effect.status)))
    return effect


def evidence_frozen(facts: Facts, evidence: Evidence) -> AIIncidentStatus:
    """The status after evidence was gathered, complete or not; containment goes on either way."""
    status = facts.incident.status.model_copy(update={"evidence": evidence})
    lacking = ", ".join(m.item for m in evidence.missing)
    reason = Reason.INCOMPLETE if lacking else Reason.FROZEN
    message = f"recorded in {evidence.took}" + (f"; missing: {lacking}" if lacking else "")
    status = conditioned(status, ConditionType.EVIDENCE_FROZEN, ConditionStatus.TRUE, reason, message, facts.now)
    step = ladder.current(status)
    if step is not None and step.action == ActionName.FREEZE_EVIDENCE:
        done = {"state": StepState.DONE, "reason": reason.value, "message": message, "finished_at": facts.now}
        status = stepped(status, step.name, done)
    status = told(status, facts.now, "EvidenceFrozen", message)
    status = assessment.assessed(status, facts)
    return ladder.intended(status, facts.with_status(status))


def said_by_admission(message: str) -> str:
    """What a policy says about the object, before which policy it is; an Event shows the beginning."""
    found = _POLICY.match(message)
    return f"{found['says']} (admission policy {found['name']})" if found else message


def refused_by_server(facts: Facts, message: str) -> AIIncidentStatus:
    """The API server will never accept this patch (forbidden, invalid): the step has failed, loudly."""
    step = ladder.current(facts.incident.status)
    if step is None:
        return facts.incident.status
    why = f"the API server refused the patch: {said_by_admission(message)}"[:4000]
    status = outcome.failed(facts.incident.status, step, Reason.FAILED, why, facts)
    return ladder.intended(status, facts.with_status(status))


CHAIN: tuple[Check, ...] = (
    plan,
    assessment.asked_again,
    approval.decisions,
    act,
    reconsider,
    follow_signals,
    follow_names,
    ladder.escalate_in_time,
    effectiveness.judge,
)

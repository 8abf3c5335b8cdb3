"""What the signals say once nothing more is to be done: did the containment work, is the incident over.

Only windows that began after the act count, and only what the running release did in them.
"""

from datetime import datetime, timedelta

from knowngood.api.common import Origin
from knowngood.api.conditions import ConditionStatus, ConditionType, Reason, is_true
from knowngood.api.incidentstatus import AIIncidentStatus, IncidentPhase, IncidentSignal
from knowngood.api.observed import Verdict
from knowngood.api.plan import StepState
from knowngood.core.facts.images import parse_image
from knowngood.core.incidents.opening import SignalView
from knowngood.core.incidents.record import conditioned, told
from knowngood.core.response import handing, outcome
from knowngood.core.response.effects import Effect, Record
from knowngood.core.response.facts import Facts
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.compiled import SLIDING

_LEAST_VERIFY = 60.0
_LOOK_AGAIN = 5.0
_UNTOUCHED = frozenset({IncidentPhase.OPEN, IncidentPhase.AWAITING_APPROVAL})
_SAID_BY_PLAN = frozenset({Reason.NOT_SUPPORTED.value, Reason.PLAYBOOK_NOT_FOUND.value, Reason.NO_RESPONSE.value})


def judge(facts: Facts) -> Effect | None:
    """Conditions that follow from the signals alone."""
    status = facts.incident.status
    if status.plan is None:
        return None
    status = _effective(status, facts) if status.contained_at else _nothing_contained(status, facts)
    return Record(_recovered(_regressed(status, facts), facts))


def next_look(facts: Facts) -> float | None:
    """Seconds until something may have changed by time alone."""
    return None if facts.incident.status.recovered_at else _LOOK_AGAIN


def _nothing_contained(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """A plan without containment says so, once its steps are done."""
    notes = [note.partition(": ") for note in (status.plan.notes if status.plan else ())]
    from_plan = next((note for note in notes if note[0] in _SAID_BY_PLAN), ("", "", ""))
    if any(c.type == ConditionType.CONTAINED for c in status.conditions):
        return status
    message = f"{outcome.UNCHANGED}; evidence is kept" + (f" ({from_plan[2]})" if from_plan[2] else "")
    named = from_plan[0] and from_plan[0] != Reason.NO_RESPONSE
    reason = Reason(from_plan[0]) if named else Reason.NOTHING_TO_CONTAIN
    return conditioned(status, ConditionType.CONTAINED, ConditionStatus.FALSE, reason, message, facts.now)


def _fired(status: AIIncidentStatus, facts: Facts) -> list[tuple[IncidentSignal, SignalView | None]]:
    return [(s, facts.signals.get((s.policy, s.name))) for s in status.signals]


def _watched(status: AIIncidentStatus, facts: Facts) -> list[SignalView | None]:
    """The signals that fired; where a kill lost which it was that opened the incident, all of its policy's."""
    if not status.signals and facts.incident.spec.origin is Origin.SIGNAL:
        return [v for v in facts.signals.values() if v.signal.policy == status.policy]
    return [v for _, v in _fired(status, facts)]


def _effective(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """ContainmentEffective, from whole windows after the containment, while the pinned release still runs."""
    since = status.contained_at
    if since is not None and not facts.running and facts.workload is not None and facts.workload.replicas == 0:
        return _effect(status, ConditionStatus.TRUE, Reason.SCALED_TO_ZERO, "no pod answers", facts)
    if since is None or facts.running != _pinned(facts):
        return status
    ready = [v for s, v in _fired(status, facts) if v and _current(v, facts) and window_passed(v, since, facts.now)]
    if not ready or len(ready) < len(status.signals):
        return status
    worst = max(ready, key=lambda v: v.judgement.verdict.rank)
    if worst.judgement.verdict is Verdict.BREACH:
        why = f"{worst.signal.name} is still out of its limits on the known-good release; a rollback does not help here"
        return _effect(status, ConditionStatus.FALSE, Reason.FAILED, why, facts)
    if all(_sound(v) for v in ready):
        why = "every signal that fired is healthy on windows that began after the containment"
        return _effect(status, ConditionStatus.TRUE, Reason.HEALTHY, why, facts)
    return status


def _regressed(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """A release that was rolled out in place of the pin, and is out of its limits too, is said loudly."""
    if status.phase is not IncidentPhase.VERIFYING:
        return status
    bad = [v for _, v in _fired(status, facts) if v and _current(v, facts) and v.judgement.verdict is Verdict.BREACH]
    if not bad:
        return status
    why = f"{bad[0].signal.name} is out of its limits on the release that took the pin's place; pin known-good by hand"
    status = status.model_copy(update={"phase": IncidentPhase.CONTAINMENT_FAILED})
    return told(status, facts.now, "ContainmentFailed", why)


def _effect(
    status: AIIncidentStatus, value: ConditionStatus, reason: Reason, message: str, facts: Facts
) -> AIIncidentStatus:
    after = conditioned(status, ConditionType.CONTAINMENT_EFFECTIVE, value, reason, message, facts.now)
    if after is status:
        return status
    name = "ContainmentEffective" if value is ConditionStatus.TRUE else "ContainmentIneffective"
    return told(after, facts.now, name, message)


def _pinned(facts: Facts) -> frozenset[str]:
    return frozenset(parse_image(p.image).digest for p in facts.pins() if p.container == facts.container)


def _current(view: SignalView, facts: Facts) -> bool:
    """Whether the verdict is about what runs now; after a roll-out the last one may still be about what was."""
    return facts.running == {view.judgement.digest}


def _all_judged(view: SignalView, facts: Facts) -> bool:
    """Whether the verdict is about each release that runs, of which there may be several, as with a canary."""
    judgement = view.judgement
    return judgement.digest in facts.running and facts.running <= {judgement.digest, *judgement.beside}


def _sound(view: SignalView) -> bool:
    return view.judgement.verdict is Verdict.HEALTHY and view.judgement.state is DataState.OK


def window_passed(view: SignalView, since: datetime, now: datetime) -> bool:
    """Whether the newest judged window began after ``since``; a whole window may be judged a window after its begin."""
    signal = view.signal
    spans = 1 if signal.detector.chosen()[0] in SLIDING else 2
    return now - since >= timedelta(seconds=spans * (signal.window + signal.interval))


def _recovered(status: AIIncidentStatus, facts: Facts) -> AIIncidentStatus:
    """Over by itself, or by a release that a person rolled out; a held pin is never over by its own health."""
    views = _watched(status, facts)
    if not views or (status.contained_at and facts.running <= _pinned(facts)):
        return status
    current = _all_judged if status.phase in _UNTOUCHED else _current
    if not facts.running or not all(v and _sound(v) and current(v, facts) and _lasted(v, facts) for v in views):
        return status
    suspect = status.suspect_digest
    fixed = bool(suspect) and suspect not in facts.running
    if handing.covers(status, facts) and not fixed:
        return status
    acted = status.contained_at is not None or is_true(status.conditions, ConditionType.CONTAINED)
    phase = IncidentPhase.RESOLVED if fixed or acted else IncidentPhase.SELF_RECOVERED
    if (back := handing.back(status, phase, facts)) is not None:
        return back
    reason = Reason.HEALTHY if phase is IncidentPhase.RESOLVED else Reason.SELF_RECOVERED
    what = "the release that now runs is healthy" if fixed else "it passed before anyone acted"
    if any(step.state is StepState.FAILED for step, _ in handing.standing(status, facts)):
        status = told(status, facts.now, "LeftAsIs", handing.left(status, facts))
    status = status.model_copy(update={"phase": phase, "recovered_at": facts.now})
    status = conditioned(status, ConditionType.RECOVERED, ConditionStatus.TRUE, reason, what, facts.now)
    return told(status, facts.now, "Recovered", what)


def _lasted(view: SignalView, facts: Facts) -> bool:
    """Healthy long enough that its whole window, and a minute, lie within the healthy time."""
    needed = max(2 * view.signal.window, _LEAST_VERIFY)
    return (facts.now - view.since).total_seconds() >= needed

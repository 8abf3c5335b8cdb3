"""What a person's word has settled: a breach that was there when its incident was dismissed or closed opens no other.

Until it has passed, which is written into that incident: a process that begins anew finds there what has not.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import Reason
from knowngood.api.incidentstatus import Actor, AIIncidentStatus, IncidentPhase, IncidentSignal
from knowngood.api.observed import Verdict
from knowngood.core.incidents.opening import SignalView

_BY_WORD = frozenset({IncidentPhase.DISMISSED, IncidentPhase.CLOSED})
_WORDS = frozenset({"JudgedFalsePositive", "Closed"})


def unsettled(views: Iterable[SignalView], incidents: Iterable[AIIncident]) -> list[SignalView]:
    """Those that no person's word has settled; ``incidents`` are the model's."""
    by_word = [i.status for i in incidents if i.status.phase in _BY_WORD]
    return [v for v in views if not any(_settles(status, v) for status in by_word)]


def passed(incident: AIIncident, views: Mapping[tuple[str, str], SignalView]) -> AIIncidentStatus:
    """The status with the breaches that it settled and that were seen healthy since; itself where there are none."""
    status = incident.status
    if status.phase not in _BY_WORD:
        return status
    signals = [_now(status, signal, views.get((signal.policy, signal.name))) for signal in status.signals]
    return status if signals == status.signals else status.model_copy(update={"signals": signals})


def _now(status: AIIncidentStatus, signal: IncidentSignal, view: SignalView | None) -> IncidentSignal:
    if signal.verdict is not Verdict.BREACH or view is None or not _has_passed(status, view):
        return signal
    return signal.model_copy(
        update={"verdict": Verdict.HEALTHY, "reason": Reason.HEALTHY.value, "last_breach_at": view.healthy_at}
    )


def _settles(status: AIIncidentStatus, view: SignalView) -> bool:
    """Whether the breach was there at the end, is of the same release as far as can be told, and has not passed."""
    if view.judgement.digest not in {"", status.suspect_digest} or _has_passed(status, view):
        return False
    key = (view.signal.policy, view.signal.name)
    return any((s.policy, s.name) == key and s.verdict is Verdict.BREACH for s in status.signals)


def _has_passed(status: AIIncidentStatus, view: SignalView) -> bool:
    ended = _ended(status)
    return view.healthy_at is not None and ended is not None and view.healthy_at > ended


def _ended(status: AIIncidentStatus) -> datetime | None:
    return max((e.time for e in status.timeline if e.actor is Actor.PERSON and e.reason in _WORDS), default=None)

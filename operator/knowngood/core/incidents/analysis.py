"""The analysis of an incident, from its evidence: when it began, what changed near it, and what it therefore is.

Pure, and a function of what the record holds, so that the same record always gives the same analysis.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from knowngood.api.aiincident import AIIncident
from knowngood.api.analysis import AgreeingSignal, Analysis, Cause, HitSegment, OnsetMethod
from knowngood.api.common import IncidentType, Origin
from knowngood.api.conditions import Reason
from knowngood.api.durations import seconds
from knowngood.api.evidence import Evidence
from knowngood.api.incidentstatus import IncidentSignal
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.observed import CauseKind, Verdict
from knowngood.core.incidents import inside, outside, segments, sentence
from knowngood.core.incidents.causes import blind, causes
from knowngood.core.incidents.evidence import moment
from knowngood.core.incidents.onset import Asked, Limit, Onset, limit_of, onset
from knowngood.core.incidents.opening import SignalView
from knowngood.core.incidents.scene import Scene, Sign, overlap

Views = Mapping[tuple[str, str], SignalView]
_SUMMING = frozenset({"change", "comparison", "trend"})
_WINDOWS = 10.0  # of a detector that adds up evidence, within which it still agrees
_POLLS = 2.0  # a breach is seen at a poll, and the one before it may have been lost
_UNKNOWN_REACH = 60.0
_OPEN = frozenset({IncidentType.MODEL_FAILURE, IncidentType.DATA_DRIFT})
_ROLLED_BACK = inside.KINDS - {CauseKind.REPLICAS}  # what a rollback may mend
_CLEAR, _FAINT = 40, 20  # scores: of a cause that decides, and of one that decides nothing


def analyse(
    incident: AIIncident,
    model: ModelDeployment,
    evidence: Evidence,
    views: Views,
    apart: Collection[str],
    now: datetime,
) -> Analysis:
    """The analysis; ``apart`` are labels that tell models and releases apart, not parts of the traffic."""
    status = incident.status
    signs = signs_of(status.signals, views)
    dated, began, limit = _onset(incident, evidence, signs, now)
    scene = Scene(evidence, began, status.suspect, model.status.releases, signs)
    ranked = causes(scene)
    wrong = [s for s in signs if s.name != dated]
    agreeing = [s for s in wrong if s.wrong and overlap(s.since - s.reach, s.since, began) == 1.0]
    hit, total = segments.hit([s for s in evidence.series if s.signal == dated], began.at, limit, apart)
    hit = hit or [_worst(s) for s in signs if s.name == dated and s.segment][:1]
    made = Analysis(
        onset_at=moment(began.at),
        onset_earliest=None if began.earliest is None else moment(began.earliest),
        onset_latest=moment(began.latest),
        method=began.method,
        signal=dated,
        causes=ranked,
        segments=hit,
        segments_total=total or None,
        agreeing_signals=[_agreeing(s) for s in agreeing],
        assessed_type=assessed(incident, ranked, signs, evidence),
    )
    return made.model_copy(update={"sentence": sentence.of(made, incident.spec.type)})


def signs_of(entries: Sequence[IncidentSignal], views: Views) -> list[Sign]:
    """Signals that took part, and those that are out of their limits now, in the order of their names."""
    found = {key: made for key, view in views.items() if (made := _seen(view)).wrong}
    for entry in entries:
        key = (entry.policy, entry.name)
        seen = found.get(key)
        since = entry.first_breach_at.timestamp() if entry.first_breach_at else None
        found[key] = Sign(
            policy=entry.policy,
            name=entry.name,
            type=entry.type,
            verdict=Verdict.BREACH,
            pending=False,
            since=since if since is not None else (seen.since if seen else 0.0),
            reach=_reach(views[key]) if key in views else _window(entry) + _UNKNOWN_REACH,
            value=entry.value,
            threshold=entry.threshold,
            sums=key in views and _sums(views[key]),
            segment=tuple(sorted(entry.segment.items())),
        )
    return [found[key] for key in sorted(found)]


def _seen(view: SignalView) -> Sign:
    judged = view.judgement
    return Sign(
        policy=view.signal.policy,
        name=view.signal.name,
        type=view.signal.type,
        verdict=judged.verdict,
        pending=judged.reason == Reason.PENDING,
        since=view.since.timestamp(),
        reach=_reach(view),
        value="" if judged.value is None else f"{judged.value:.4g}",
        threshold=judged.threshold,
        sums=_sums(view),
        segment=tuple(sorted(judged.segment.items())),
    )


def _reach(view: SignalView) -> float:
    """How long a breach may have been there before it is seen: its window, its `for`, and the polls."""
    name, settings = view.signal.detector.chosen()
    wait = getattr(settings, "for_", None)
    windows = _WINDOWS if name in _SUMMING else 1.0
    return windows * view.signal.window + (seconds(wait) if wait else 0.0) + _POLLS * view.signal.interval


def _sums(view: SignalView) -> bool:
    return view.signal.detector.chosen()[0] in _SUMMING


def _window(entry: IncidentSignal) -> float:
    return seconds(entry.window) if entry.window else 0.0


def _onset(
    incident: AIIncident, evidence: Evidence, signs: Sequence[Sign], now: datetime
) -> tuple[str, Onset, Limit | None]:
    """The signal that dates the onset, the onset, and its limit: of those in breach the first that shows a change."""
    status = incident.status
    breached = [s for s in signs if s.verdict is Verdict.BREACH]
    breached.sort(key=lambda s: (s.name != status.primary_signal, s.policy, s.name))
    found: list[tuple[str, Onset, Limit | None]] = []
    for sign in breached:
        series = [s for s in evidence.series if s.signal == sign.name]
        limit = limit_of(sign.threshold)
        found.append((sign.name, onset(Asked(series, sign.since, None if sign.sums else sign.reach, limit)), limit))
    for method in (OnsetMethod.CHANGE_POINT, OnsetMethod.BEFORE_SAMPLES, OnsetMethod.FIRST_BREACH):
        dated = next((f for f in found if f[1].method is method), None)
        if dated is not None:
            return dated
    known = (incident.spec.aware_at or status.opened_at or now).timestamp()
    return "", Onset(known, None, known, OnsetMethod.REPORTED), None


def _worst(sign: Sign) -> HitSegment:
    """The segment that the detector named, where the samples do not tell segments apart."""
    return HitSegment(labels=dict(sign.segment), after=sign.value)


def _agreeing(sign: Sign) -> AgreeingSignal:
    return AgreeingSignal(
        policy=sign.policy, name=sign.name, type=sign.type, verdict=sign.verdict, since=moment(sign.since)
    )


def assessed(incident: AIIncident, ranked: Sequence[Cause], signs: Sequence[Sign], evidence: Evidence) -> IncidentType:
    """What it is, by the likeliest cause, where the signals leave it open.

    ModelFailure and DataDrift both look like bad answers; the other types say themselves what happened, and what a
    person reported is a person's word. The type is always one that a signal in breach has, so that no response is
    called that no signal asked for; and it is drift only where a change of the workload can be excluded, since drift
    may call for less than a rollback.
    """
    known = incident.status.type or incident.spec.type
    breached = {s.type for s in signs if s.verdict is Verdict.BREACH}
    if known not in _OPEN or incident.spec.origin is not Origin.SIGNAL or not ranked:
        return known
    first = ranked[0]
    if first.kind in inside.KINDS and first.score >= _CLEAR and IncidentType.MODEL_FAILURE in breached:
        return IncidentType.MODEL_FAILURE
    own = max((c.score for c in ranked if c.kind in _ROLLED_BACK), default=0)
    drifted = IncidentType.DATA_DRIFT in breached and first.kind in outside.KINDS and first.score >= _CLEAR
    return IncidentType.DATA_DRIFT if drifted and own < _FAINT and not blind(evidence) else known

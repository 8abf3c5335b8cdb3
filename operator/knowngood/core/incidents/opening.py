"""A breach becomes an incident, or joins the one that is open."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from knowngood.api import AI_INCIDENTS, API_VERSION
from knowngood.api.aiincident import AIIncident
from knowngood.api.common import IncidentType, Origin, Severity
from knowngood.api.durations import text
from knowngood.api.incidentstatus import AIIncidentStatus, IncidentPhase, IncidentSignal, Suspect
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.observed import RunningContainer, Verdict
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.facts.workload import Pod
from knowngood.core.incidents.naming import incident_name
from knowngood.core.incidents.record import clipped, told
from knowngood.core.signals.compiled import CompiledSignal

__all__ = [
    "AI_INCIDENTS",
    "SignalView",
    "breaches",
    "current",
    "first_status",
    "incident_object",
    "joined",
    "suspect_of",
]


_LONGEST_LABEL, _LONGEST_SUMMARY, _MOST_SIGNALS = 63, 1024, 32
_TELLING = (
    IncidentType.SUPPLY_CHAIN_COMPROMISE,
    IncidentType.PRIVACY_BREACH,
    IncidentType.ADVERSARIAL_ATTACK,
    IncidentType.BIAS_INCIDENT,
    IncidentType.MODEL_FAILURE,
    IncidentType.DATA_DRIFT,
)
"""Types, from those that say what happened to those that only say that something is off."""


@dataclass(frozen=True, slots=True)
class SignalView:
    """The last verdict of a signal on a model; ``since`` when the verdict has been this.

    ``healthy_at`` is when this process last saw it healthy.
    """

    signal: CompiledSignal
    judgement: Judgement
    since: datetime
    healthy_at: datetime | None = None


def breaches(views: Iterable[SignalView]) -> list[SignalView]:
    """Those in breach, the most severe first, then the earliest; of equals, the one that says most of what happened."""
    found = [v for v in views if v.judgement.verdict is Verdict.BREACH]
    return sorted(found, key=_weight)


def _weight(view: SignalView) -> tuple[int, datetime, int, str]:
    signal = view.signal
    return -signal.severity.rank, view.since, _TELLING.index(signal.type), signal.name


def current(views: Iterable[SignalView], running: Collection[str]) -> list[SignalView]:
    """Breaches of what runs now: after a roll-out the last verdict may still be about what was."""
    return [v for v in breaches(views) if not v.judgement.digest or v.judgement.digest in running]


def incident_object(model: ModelDeployment, episode: int, first: SignalView, now: datetime) -> dict[str, object]:
    """The AIIncident to create for this episode."""
    meta = model.metadata
    shown = _shown(first.judgement)
    return {
        "apiVersion": API_VERSION,
        "kind": "AIIncident",
        "metadata": {
            "name": incident_name(meta.name, meta.uid, episode),
            "namespace": meta.namespace,
            "labels": {
                "knowngood.dev/model": meta.name[:_LONGEST_LABEL].rstrip("-."),
                "knowngood.dev/type": first.signal.type.value,
            },
        },
        "spec": {
            "modelRef": {"name": meta.name},
            "policyRef": {"name": first.signal.policy},
            "type": first.signal.type.value,
            "severity": first.signal.severity.value,
            "origin": "Signal",
            "summary": clipped(f"{first.signal.name}: {shown}", _LONGEST_SUMMARY),
        },
    }


def _shown(judgement: Judgement) -> str:
    value = "no data" if judgement.value is None else f"{judgement.value:.4g}"
    return f"{value}, {judgement.message}"


def first_status(
    model: ModelDeployment,
    incident: AIIncident,
    episode: int,
    found: list[SignalView],
    pods: tuple[Pod, ...],
    container: str,
    now: datetime,
    policy: str = "",
) -> AIIncidentStatus:
    """The status of a new incident, before anything is planned; ``policy`` is whose responses apply."""
    lead = found[0] if found else None
    spec = incident.spec
    status = AIIncidentStatus(
        observed_generation=incident.metadata.generation,
        phase=IncidentPhase.OPEN,
        episode=episode,
        type=spec.type,
        severity=max([spec.severity, *(v.signal.severity for v in found)], key=lambda s: s.rank),
        model_uid=model.metadata.uid,
        policy=spec.policy_ref.name if spec.policy_ref else (policy or None),
        opened_at=now,
        last_breach_at=now if found else None,
        primary_signal=lead.signal.name if lead else None,
        signals=[_entry(v, now) for v in _new(found, [])],
        # a signal opened it, but none is out of its limits now: what runs now is not what it was about
        suspect=None if spec.origin is Origin.SIGNAL and not found else suspect_of(found, pods, container),
    )
    summary = "; ".join(f"{v.signal.name} {_shown(v.judgement)}" for v in found) or (spec.summary or "reported")
    return told(status, now, "Opened", f"opened by {spec.origin.value}: {summary}")


def _entry(view: SignalView, now: datetime) -> IncidentSignal:
    judgement, signal = view.judgement, view.signal
    return IncidentSignal(
        name=signal.name,
        policy=signal.policy,
        type=signal.type,
        severity=signal.severity,
        first_breach_at=view.since,
        last_breach_at=now,
        verdict=judgement.verdict,
        reason=str(judgement.reason),
        value="" if judgement.value is None else f"{judgement.value:.6g}",
        threshold=judgement.threshold,
        window=text(signal.window),
        samples=None if judgement.count is None else round(judgement.count),
        query=signal.query,
        segment=dict(judgement.segment),
        release=judgement.release or "",
        not_separable=True if judgement.not_separable else None,
    )


def suspect_of(found: list[SignalView], pods: tuple[Pod, ...], container: str) -> Suspect | None:
    """The release that the worst signal judged, as its pods run it; with none judged apart, what most pods run."""
    judged = next((v.judgement for v in found if v.judgement.digest), None)
    live = [pod for pod in pods if pod.live]
    digests = [c.running.digest for pod in live if (c := pod.container(container)) and c.running.digest]
    digest = judged.digest if judged else max(sorted(set(digests)), key=digests.count, default="")
    for pod in live:
        answering = pod.container(container)
        if answering is not None and answering.running.digest == digest and digest:
            containers = [RunningContainer(name=c.name, image=c.image, digest=c.running.digest) for c in pod.containers]
            return Suspect(containers=containers, digest=digest, release=(judged.release or "") if judged else "")
    return Suspect(digest=digest, release=(judged.release or "") if judged else "") if digest else None


def joined(status: AIIncidentStatus, views: Mapping[tuple[str, str], SignalView], now: datetime) -> AIIncidentStatus:
    """With signals that joined, and with changed verdicts of those that take part."""
    changed: list[IncidentSignal] = []
    for entry in status.signals:
        view = views.get((entry.policy, entry.name))
        changed.append(_updated(entry, view, now) if view else entry)
    new = _new(breaches(views.values()), status.signals)
    for view in new:
        changed.append(_entry(view, now))
        status = told(status, now, "SignalJoined", f"{view.signal.name} {_shown(view.judgement)}")
    if changed == status.signals:
        return status
    severity = max([status.severity or Severity.LOW, *(v.signal.severity for v in new)], key=lambda s: s.rank)
    last = max((s.last_breach_at for s in changed if s.last_breach_at), default=None)
    lead = status.primary_signal or next((v.signal.name for v in new), None)
    update = {"signals": changed, "severity": severity, "last_breach_at": last, "primary_signal": lead}
    return status.model_copy(update=update)


def _new(found: Iterable[SignalView], known: Sequence[IncidentSignal]) -> list[SignalView]:
    """Those that the record has room for."""
    taken = {(s.policy, s.name) for s in known}
    new: list[SignalView] = []
    for view in found:
        key = (view.signal.policy, view.signal.name)
        if key not in taken and len(taken) < _MOST_SIGNALS:
            taken.add(key)
            new.append(view)
    return new


def _updated(entry: IncidentSignal, view: SignalView, now: datetime) -> IncidentSignal:
    verdict = view.judgement.verdict
    if verdict is entry.verdict:
        return entry
    update: dict[str, object] = {"verdict": verdict, "reason": str(view.judgement.reason)}
    if Verdict.BREACH in {verdict, entry.verdict}:
        update["last_breach_at"] = now
    return entry.model_copy(update=update)

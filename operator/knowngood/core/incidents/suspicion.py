"""What incidents say of releases: a suspect of an open one is not proven, and what one was right about is no longer.

What a person judged is taken from the record, which has only what admission guarded, and never from ``spec``.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from knowngood.api.aiincident import AIIncident, DispositionVerdict
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.modelstatus import Release
from knowngood.api.observed import NamedImage, RunningContainer
from knowngood.core.facts.images import parse_image
from knowngood.core.incidents.decisions import judged
from knowngood.core.incidents.record import is_over

_BLAMELESS = frozenset({IncidentPhase.DISMISSED, IncidentPhase.SELF_RECOVERED})


@dataclass(frozen=True, slots=True)
class Suspicion:
    """That an incident is about a release."""

    digest: str
    incident: str
    since: datetime
    ongoing: bool
    blameless: bool = False  # over, and it was not the release, or nobody had to act
    containers: tuple[NamedImage, ...] = ()  # of the release, by digest where it is known, while ongoing


def suspicions(incidents: Iterable[AIIncident]) -> tuple[Suspicion, ...]:
    """What these incidents of one model say of its releases."""
    found = []
    for incident in incidents:
        status = incident.status
        if status.suspect is None or not status.suspect.digest or status.opened_at is None:
            continue
        verdict = judged(status)
        blameless = status.phase in _BLAMELESS or verdict not in {None, DispositionVerdict.TRUE_POSITIVE}
        over = is_over(incident)
        ran = () if over else tuple(NamedImage(name=c.name, image=_by_digest(c)) for c in status.suspect.containers)
        name, since = incident.metadata.name, status.opened_at
        found.append(Suspicion(status.suspect.digest, name, since, not over, blameless, ran))
    return tuple(found)


def _by_digest(container: RunningContainer) -> str:
    return replace(parse_image(container.image), digest=container.digest).pinned or container.image


def ties_told(incidents: Iterable[AIIncident], by_release: Collection[tuple[str, str]]) -> dict[str, str]:
    """Release label values to digests, as the incidents remember them of their suspects.

    For a process that was killed before the model's history said so. ``by_release`` are the signals, by policy and
    name, whose series carry a release label: of others a pod stands there.
    """
    told: dict[str, str] = {}
    for status in (i.status for i in incidents):
        suspect = status.suspect
        if suspect is not None and suspect.digest and suspect.release:
            seen = ((s.policy, s.name) for s in status.signals if s.release == suspect.release)
            if any(key in by_release for key in seen):
                told.setdefault(suspect.release, suspect.digest)
    return told


def weighed(release: Release, known: Iterable[Suspicion]) -> Release:
    """The release as the incidents leave it: implicated, or no longer proven, or neither."""
    about = [s for s in known if s.digest == release.digest]
    changes: dict[str, object] = {}
    incident = next((s.incident for s in about if s.ongoing), None)
    if incident != release.implicated_in:
        changes["implicated_in"] = incident
    proven = release.proven_at
    if proven and any(not s.ongoing and not s.blameless and s.since >= proven for s in about):
        changes |= {"proven_at": None, "healthy_for": None}
    return release.model_copy(update=changes) if changes else release

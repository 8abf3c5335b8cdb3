"""Which release a series speaks of, and the history of the releases of a model.

A release label's value is text that a team chose; what runs is a digest. The two are tied together when the value is
first seen on a pod: a label can only appear first by running. Later a pod of the next release may export it too,
for true labels that arrive late; that must not move the tie.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from knowngood.api.durations import text
from knowngood.api.modelstatus import Ran, Release
from knowngood.api.observed import NamedImage
from knowngood.core.facts.workload import Pod

MAX_RELEASES = 50
MAX_RUNS = 20
_LONGEST_LABEL = 253
_SET_BY_KUBERNETES = frozenset(
    {
        "apps.kubernetes.io/pod-index",
        "controller-revision-hash",
        "pod-template-generation",
        "pod-template-hash",
        "rollouts-pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    }
)
"""Labels of a pod that say nothing of its release, though their values may look so: an ordinal 1."""


def learn(
    known: Mapping[str, str],
    seen: Iterable[tuple[str, str]],
    pods: Mapping[str, Pod],
    container: str,
) -> dict[str, str]:
    """``known`` (release label value to digest) with what ``seen`` pairs of (value, pod name) newly tell.

    A value that is already tied keeps its digest. Of several new values on the same digest, the one that the pods
    name in an environment variable, a label or their image tag is taken; with no such hint none is, since a guess
    could judge the wrong release. So it is with a value that pods of several digests export, as while a canary and the
    release before it both hear of late labels.
    """
    candidates: dict[str, set[str]] = {}
    for value, pod_name in seen:
        digest = _digest(pods.get(pod_name), container)
        if value not in known and digest and len(value) <= _LONGEST_LABEL:
            candidates.setdefault(value, set()).add(digest)
    tied = dict(known)
    for value, digests in candidates.items():
        if len(digests) > 1:
            candidates[value] = {d for d in digests if _hinted(value, d, pods.values(), container)}
    certain = {value: next(iter(digests)) for value, digests in candidates.items() if len(digests) == 1}
    for value, digest in certain.items():
        rivals = [v for v, d in certain.items() if d == digest]
        taken = digest in known.values()
        if (len(rivals) == 1 and not taken) or _hinted(value, digest, pods.values(), container):
            tied[value] = digest
    return tied


def _digest(pod: Pod | None, container: str) -> str:
    found = pod.container(container) if pod else None
    return found.running.digest if found else ""


def _hinted(value: str, digest: str, pods: Iterable[Pod], container: str) -> bool:
    for pod in pods:
        found = pod.container(container)
        if found is None or found.running.digest != digest:
            continue
        tag = found.image.partition("@")[0].rpartition(":")[2]
        labels = (v for k, v in pod.labels.items() if k not in _SET_BY_KUBERNETES)
        if value in {tag, *(v for _, v in pod.env), *labels}:
            return True
    return False


def label_of(digest: str, ties: Mapping[str, str]) -> str | None:
    """The release label's value that is tied to ``digest``, or None."""
    return next((value for value, tied in ties.items() if tied == digest), None)


def observe(
    history: Sequence[Release],
    running: Mapping[str, Sequence[NamedImage]],
    ties: Mapping[str, str],
    now: datetime,
) -> list[Release]:
    """``history`` (newest first) after ``running`` (digest to its containers) was seen at ``now``.

    Only a start or an end of a run changes anything, so that nothing is written while nothing changes.
    """
    updated = [_seen(r, r.digest in running, ties, now) for r in history]
    known = {r.digest for r in history}
    born = [
        Release(
            digest=digest,
            containers=list(containers),
            release=label_of(digest, ties),
            first_seen=now,
            ran=[Ran(from_=now)],
        )
        for digest, containers in running.items()
        if digest not in known
    ]
    return _bounded(born + updated, running)


def missed(
    digest: str, containers: Sequence[NamedImage], since: datetime, ties: Mapping[str, str], now: datetime
) -> Release:
    """A release that ran ``since`` then and is gone, while nobody could write that it ran."""
    ran = [Ran(from_=since, to=now)]
    label = label_of(digest, ties)
    return Release(digest=digest, containers=list(containers), release=label, first_seen=since, last_seen=now, ran=ran)


def _bounded(releases: list[Release], running: Mapping[str, object]) -> list[Release]:
    """The newest, and before them what runs and what has been proven, which a rollback may need."""
    if len(releases) <= MAX_RELEASES:
        return releases
    wanted = sorted(releases, key=lambda r: (r.digest not in running, r.proven_at is None))[:MAX_RELEASES]
    kept = {r.digest for r in wanted}
    return [r for r in releases if r.digest in kept]


def _seen(release: Release, running: bool, ties: Mapping[str, str], now: datetime) -> Release:
    changes: dict[str, object] = {}
    value = label_of(release.digest, ties)
    if value is not None and value != release.release:
        changes["release"] = value
    ongoing = bool(release.ran) and release.ran[-1].to is None
    if running and not ongoing:
        changes["ran"] = [*release.ran, Ran(from_=now)][-MAX_RUNS:]
    if not running and ongoing:
        changes["ran"] = [*release.ran[:-1], release.ran[-1].model_copy(update={"to": now})]
        changes["last_seen"] = now
    return release.model_copy(update=changes) if changes else release


def ties_of(history: Iterable[Release]) -> dict[str, str]:
    """Release label values to digests, as the history remembers them."""
    return {r.release: r.digest for r in history if r.release}


def filled(ties: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """``ties`` (release label values to digests) with what was ``told`` of values and digests that they lack."""
    digests = set(ties.values())
    return {**ties, **{value: digest for value, digest in told.items() if value not in ties and digest not in digests}}


SOAK_PARTS = 8  # a soak is remembered in as many parts, so that it costs few writes and survives a restart


def soaked(healthy: float, soak: float) -> int:
    """How many eighths of ``soak`` were seen healthy; all in seconds. Even no soak at all needs one healthy poll."""
    if soak <= 0:
        return SOAK_PARTS if healthy > 0 else 0
    return min(SOAK_PARTS, int(SOAK_PARTS * healthy / soak + 1e-9))


def prove(history: Sequence[Release], digest: str, healthy: float, soak: float, now: datetime) -> list[Release]:
    """``history`` with the health of ``digest`` noted, and with it proven once healthy for ``soak`` seconds.

    A release that an incident implicates is not proven, however healthy it looks.
    """
    parts = soaked(healthy, soak)
    noted = text(soak * parts / SOAK_PARTS) if parts else None
    return [_noted(r, noted, parts == SOAK_PARTS, now) if r.digest == digest else r for r in history]


def _noted(release: Release, healthy_for: str | None, enough: bool, now: datetime) -> Release:
    changes: dict[str, object] = {}
    if release.proven_at is None and release.healthy_for != healthy_for:
        changes["healthy_for"] = healthy_for
    if enough and release.proven_at is None and release.implicated_in is None:
        changes["proven_at"] = now
    return release.model_copy(update=changes) if changes else release

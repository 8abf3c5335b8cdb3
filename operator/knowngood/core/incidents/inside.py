"""What changed in the workload itself near an onset: releases, variables, configuration, pods."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from knowngood.api.analysis import Cause
from knowngood.api.evidence import Change, Rollout, SeenConfig
from knowngood.api.modelstatus import Release
from knowngood.api.observed import CauseKind
from knowngood.core.facts.images import same_image, short_digest
from knowngood.core.incidents.scene import Scene, cause, clock, how_near, nearness

KINDS = frozenset({CauseKind.RELEASE, CauseKind.ENVIRONMENT, CauseKind.CONFIGURATION, CauseKind.REPLICAS})
_PRIOR = {
    CauseKind.RELEASE: 0.9,
    CauseKind.ENVIRONMENT: 0.85,
    CauseKind.CONFIGURATION: 0.8,
    CauseKind.REPLICAS: 0.35,
}
_WORDS = {
    CauseKind.RELEASE: "another image was rolled out",
    CauseKind.ENVIRONMENT: "environment variables changed",
    CauseKind.CONFIGURATION: "the pods' configuration changed",
    CauseKind.REPLICAS: "the pods were restarted",
}
_UNREAD = 0.15  # of a change that no pod has read yet, as far as can be seen
_ROLLING = 600.0  # seconds within which a roll-out's pods begin


def found(scene: Scene) -> Iterator[Cause]:
    """Every change of the workload that is known, each with how well it fits."""
    yield from _rolled_out(scene)
    yield from _configured(scene)
    yield from _scaled(scene)


def _rolled_out(scene: Scene) -> Iterator[Cause]:
    """Roll-outs, of each kind of change the one that fits best; of the release, with what its history says."""
    best: dict[CauseKind, Cause] = {}
    history = _from_history(scene)
    for rollout in _of_the_suspect(scene):
        at = _rolled_out_at(scene, rollout)
        if at is None:
            continue
        for kind in {c.kind for c in rollout.changes} & KINDS:
            made = _of_rollout(scene, rollout, kind, at)
            if kind not in best or made.score > best[kind].score:
                best[kind] = made
    if history is not None:
        known = best.get(CauseKind.RELEASE)
        if known is None or history.score > known.score:
            best[CauseKind.RELEASE] = history
        else:
            best[CauseKind.RELEASE] = known.model_copy(update={"evidence": [*known.evidence, *history.evidence][:16]})
    yield from best.values()


def _of_the_suspect(scene: Scene) -> list[Rollout]:
    """The roll-outs of the images that were wrong; all of them where none is known to be one, or no image."""
    wrong = {c.name: c.image for c in scene.suspect.containers} if scene.suspect else {}
    found = [
        r for r in scene.evidence.rollouts if all(same_image(wrong.get(c.name, c.image), c.image) for c in r.containers)
    ]
    return found or list(scene.evidence.rollouts)


def _rolled_out_at(scene: Scene, rollout: Rollout) -> datetime | None:
    """When its ReplicaSet was made; where an older one was used again (a roll-back), when it began to run."""
    rollouts = scene.evidence.rollouts
    place = rollouts.index(rollout)
    before = rollouts[place + 1].created_at if place + 1 < len(rollouts) else None
    created = rollout.created_at
    if created is None or before is None or before <= created:
        return created
    starts, run = _starts(scene, rollout), _last_run(scene)
    if place == 0 and run is not None and run > before:
        return run
    return starts[0] if starts else None


def _starts(scene: Scene, rollout: Rollout) -> list[datetime]:
    own = (p for p in scene.evidence.pods if p.name.startswith(f"{rollout.replica_set}-"))
    return sorted(p.started_at for p in own if p.started_at is not None)


def _of_rollout(scene: Scene, rollout: Rollout, kind: CauseKind, at: datetime) -> Cause:
    near = nearness(at.timestamp(), scene.onset)
    revision = f" (revision {rollout.revision})" if rollout.revision else ""
    starts = _starts(scene, rollout)
    evidence = [
        f"roll-out {rollout.replica_set}{revision} at {clock(at)}, {how_near(at.timestamp(), scene.onset)}",
        f"{len(starts)} of its pods run, the first since {clock(starts[0])}" if starts else "",
        *(c.what for c in rollout.changes if c.kind is kind),
    ]
    summary = f"{_WORDS[kind]}: {_list(c for c in rollout.changes if c.kind is kind)}"
    return cause(kind, _PRIOR[kind] * near, summary, at, evidence)


def _list(changes: Iterable[Change]) -> str:
    texts = [c.what for c in changes]
    return "; ".join(texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")


def _suspect(scene: Scene) -> Release | None:
    digest = scene.suspect.digest if scene.suspect else ""
    return next((r for r in scene.releases if r.digest == digest), None) if digest else None


def _last_run(scene: Scene) -> datetime | None:
    release = _suspect(scene)
    return release.ran[-1].from_ if release and release.ran else None


def _from_history(scene: Scene) -> Cause | None:
    """That the suspect began to run after another release; the first that was ever seen is no change."""
    began, release = _last_run(scene), _suspect(scene)
    if began is None or release is None:
        return None
    others = [r for r in scene.releases if r.digest != release.digest and any(run.from_ < began for run in r.ran)]
    if not others:
        return None
    before = max(others, key=lambda r: (max(run.from_ for run in r.ran if run.from_ < began), r.digest))
    name = short_digest(release.digest)
    first = len(release.ran) == 1
    evidence = [
        f"release {name} began to run at {clock(began)}, {how_near(began.timestamp(), scene.onset)}"
        + (", for the first time" if first else ""),
        f"before it {short_digest(before.digest)} ran" + (", which is proven" if before.proven_at else ""),
    ]
    fit = _PRIOR[CauseKind.RELEASE] * nearness(began.timestamp(), scene.onset)
    summary = f"{_WORDS[CauseKind.RELEASE]}: {short_digest(before.digest)} → {name}"
    return cause(CauseKind.RELEASE, fit, summary, began, evidence)


def _configured(scene: Scene) -> Iterator[Cause]:
    """Writes to ConfigMaps that the pods mount or read; those that are dependencies are told there."""
    depended = {d.object for d in scene.evidence.dependencies if d.kind == "ConfigMap"}
    for config in scene.evidence.configs:
        if config.changed_at is not None and config.name not in depended:
            yield _of_config(scene, config, config.changed_at)


def _of_config(scene: Scene, config: SeenConfig, at: datetime) -> Cause:
    kind, seconds = CauseKind.CONFIGURATION, at.timestamp()
    fit = _PRIOR[kind] * nearness(seconds, scene.onset)
    said = f"{config.kind} {config.name} was last written at {clock(at)}, {how_near(seconds, scene.onset)}"
    read = "it is mounted: running pods see a change within about two minutes"
    if not config.live:
        starts = sorted(p.started_at for p in scene.evidence.pods if p.started_at is not None and p.started_at >= at)
        read = f"pods that began since have read it, the first at {clock(starts[0])}" if starts else ""
        read = read or "no pod has begun since, so that none has read it as far as can be seen"
        fit *= nearness(starts[0].timestamp(), scene.onset) if starts else _UNREAD
    return cause(kind, fit, f"{config.kind} {config.name} was written", at, [said, read, f"SHA-256 {config.sha256}"])


def _scaled(scene: Scene) -> Iterator[Cause]:
    """The number of pods was set, or pods began without a roll-out."""
    kind, workload = CauseKind.REPLICAS, scene.evidence.workload
    if workload is not None and workload.scaled_at is not None:
        at = workload.scaled_at
        evidence = [f"replicas were set at {clock(at)}, {how_near(at.timestamp(), scene.onset)}"]
        asked = "" if workload.replicas is None else f" to {workload.replicas}"
        fit = _PRIOR[kind] * nearness(at.timestamp(), scene.onset)
        yield cause(kind, fit, f"the number of pods was set{asked}", at, evidence)
    newest = [_rolled_out_at(scene, r) for r in scene.evidence.rollouts[:1]]
    rolled = [t.timestamp() for t in newest if t is not None]
    starts = [
        (p.started_at, p.name)
        for p in scene.evidence.pods
        if p.started_at is not None
        and nearness(p.started_at.timestamp(), scene.onset) >= 0.5
        and all(p.started_at.timestamp() - t > _ROLLING for t in rolled)
    ]
    if starts:
        at, name = max(starts)
        many = f"{len(starts)} of {len(scene.evidence.pods)} pods"
        evidence = [f"pod {name} began at {clock(at)}, {how_near(at.timestamp(), scene.onset)}"]
        fit = _PRIOR[kind] * nearness(at.timestamp(), scene.onset)
        yield cause(kind, fit, f"{many} began near the onset, with no roll-out", at, evidence)

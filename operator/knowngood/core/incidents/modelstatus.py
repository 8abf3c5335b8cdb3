"""A ModelDeployment's status from facts alone; equal facts give an equal status, so that idle models cost no write."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from knowngood.api import LABEL_MODEL
from knowngood.api.conditions import Condition, ConditionStatus, ConditionType, Reason, set_condition
from knowngood.api.modeldeployment import ModelDeployment, PromotionMode
from knowngood.api.modelstatus import (
    IncidentRef,
    KnownGoodSource,
    KnownGoodStatus,
    ModelDeploymentStatus,
    ModelPhase,
    Release,
    RunningStatus,
    SignalItem,
    SignalsStatus,
)
from knowngood.api.observed import NamedImage, RunningContainer, Verdict
from knowngood.core.facts import argo
from knowngood.core.facts.images import parse_image, short_digest
from knowngood.core.facts.workload import Pod, PodContainer, Workload
from knowngood.core.incidents.opening import SignalView
from knowngood.core.incidents.quarantine import kept, quarantined, unproven
from knowngood.core.incidents.record import clipped
from knowngood.core.incidents.releases import filled, missed, observe, prove, ties_of
from knowngood.core.incidents.signalconditions import Said, available, learned
from knowngood.core.incidents.suspicion import Suspicion, weighed


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model's status is made from. ``healthy_for`` is in seconds, by digest."""

    model: ModelDeployment
    workload: Workload | None
    pods: tuple[Pod, ...]
    container: str
    policies: int
    expected: tuple[tuple[str, str], ...]
    views: Mapping[tuple[str, str], SignalView]
    ties: Mapping[str, str]
    healthy_for: Mapping[str, float]
    soak: float
    incident: str | None
    suspicions: Sequence[Suspicion]
    episode: int
    now: datetime
    learns: bool = False  # whether any signal needs to know what is usual
    learned: Mapping[tuple[str, str], str] = field(default_factory=dict)  # of signals that learn, as ``20/50``
    ties_told: Mapping[str, str] = field(default_factory=dict)  # as incidents remember them
    pin_refused: tuple[Reason, str] | None = None  # why what spec.knownGood names could not be gone back to
    proof_refused: str = ""  # what the API server said when a release was to be marked as proven
    watched: bool = True  # whether this installation looks at workloads of that kind


def container_of(model: ModelDeployment, workload: Workload | None) -> str:
    """The container that answers: as declared, else the only one; empty where that is not to be told."""
    if workload is None:
        return model.spec.container or ""
    found = workload.container(model.spec.container)
    return found.name if found else ""


def status_of(facts: ModelFacts) -> ModelDeploymentStatus:
    """The status that these facts make."""
    old = facts.model.status
    releases = _releases(facts)
    running = _running(facts, old.running, releases)
    known_good = _known_good(facts, releases)
    signals = _signals(facts)
    return ModelDeploymentStatus(
        observed_generation=facts.model.metadata.generation,
        phase=_phase(facts, signals, known_good),
        running=running,
        known_good=known_good,
        signals=signals,
        incident_ref=IncidentRef(name=facts.incident) if facts.incident else None,
        episode=facts.episode or None,
        releases=releases,
        quarantined=kept(facts.model),
        conditions=_conditions(facts, known_good, signals),
    )


def _releases(facts: ModelFacts) -> list[Release]:
    if not facts.container:
        return list(facts.model.status.releases)
    running: dict[str, list[NamedImage]] = {}
    for pod in facts.pods:
        answering = pod.container(facts.container)
        if pod.live and answering and answering.running.digest:
            running.setdefault(
                answering.running.digest,
                [_named(c.name, c.running.pinned or c.image) for c in _all(pod) if _declared(c.name, facts)],
            )
    ties = filled({**ties_of(facts.model.status.releases), **facts.ties}, facts.ties_told)
    releases = observe(_history(facts, running, ties), running, ties, facts.now)
    bad = quarantined(facts.model)
    releases = [weighed(unproven(r) if r.digest in bad else r, facts.suspicions) for r in releases]
    for digest in running:
        # what a new process has not judged yet keeps the health that was noted
        judged = len(running) == 1 and digest in facts.healthy_for and digest not in bad
        if judged and _promotes(facts.model) and not facts.proof_refused:
            releases = prove(releases, digest, facts.healthy_for[digest], facts.soak, facts.now)
    return releases


def _history(facts: ModelFacts, running: Mapping[str, object], ties: Mapping[str, str]) -> list[Release]:
    """The history, and what an open incident saw run that is gone before anybody could write it there."""
    history = facts.model.status.releases
    known = {r.digest for r in history} | running.keys()
    gone = {s.digest: s for s in facts.suspicions if s.ongoing and s.digest not in known}
    added = [
        missed(s.digest, [c for c in s.containers if _declared(c.name, facts)], s.since, ties, facts.now)
        for s in gone.values()
    ]
    return [*added, *history]


def _declared(container: str, facts: ModelFacts) -> bool:
    """Whether the template has this container; one that was injected into the pod cannot be put back."""
    return facts.workload is None or facts.workload.declared(container) is not None


def _all(pod: Pod) -> Iterable[PodContainer]:
    """Containers, and init containers, which may bring what the release loads."""
    return (*pod.containers, *pod.init_containers)


def _promotes(model: ModelDeployment) -> bool:
    return model.spec.promotion.mode is PromotionMode.AUTOMATIC


def _named(name: str, image: str) -> NamedImage:
    return NamedImage(name=name, image=image)


def _running(facts: ModelFacts, old: RunningStatus | None, releases: Sequence[Release]) -> RunningStatus | None:
    live = [p for p in facts.pods if p.live]
    digests = [c.running.digest for p in live if (c := p.container(facts.container)) and c.running.digest]
    if not digests:
        return None
    digest = _leading(digests, facts)
    pod = next(p for p in live if (c := p.container(facts.container)) and c.running.digest == digest)
    short = short_digest(digest)
    release = next((r.release for r in releases if r.digest == digest), None)
    return RunningStatus(
        containers=[RunningContainer(name=c.name, image=c.image, digest=c.running.digest) for c in pod.containers],
        short_digest=short,
        release=release,
        since=old.since if old and old.short_digest == short else facts.now,
        rolling_out=len(set(digests)) > 1,
    )


def _leading(digests: Sequence[str], facts: ModelFacts) -> str:
    """The digest of most pods; of equals, the one that the template declares, then the first by text."""
    declared = facts.workload.images.get(facts.container, "") if facts.workload else ""
    return max(sorted(set(digests)), key=lambda d: (digests.count(d), d == parse_image(declared).digest))


def _known_good(facts: ModelFacts, releases: Sequence[Release]) -> KnownGoodStatus | None:
    old, pinned = facts.model.status.known_good, facts.model.spec.known_good
    if pinned is not None:
        containers = [_named(c.name, c.image) for c in pinned.containers]
        source, since = KnownGoodSource.SPEC, None
    else:
        proven = [r for r in releases if r.proven_at is not None and _promotes(facts.model)]
        best = max(proven, key=lambda r: r.proven_at or facts.now, default=None)
        if best is None:
            return None
        containers, source, since = list(best.containers), KnownGoodSource.PROMOTED, best.proven_at
    answering = next((c.image for c in containers if c.name == facts.container), "")
    if since is None:
        since = old.since if old and old.containers == containers else facts.now
    return KnownGoodStatus(containers=containers, source=source, short_digest=short_digest(answering), since=since)


def _signals(facts: ModelFacts) -> SignalsStatus:
    items = [_item(key, facts.views.get(key), facts.learned.get(key)) for key in sorted(facts.expected)]
    found = [item for item in items if item is not None]
    ok = sum(item.verdict is Verdict.HEALTHY for item in found)
    total = len(facts.expected) - sum(item.reason == Reason.IGNORED for item in found)
    return SignalsStatus(ok=ok, total=total, summary=f"{ok}/{total}", items=found)


def _item(key: tuple[str, str], view: SignalView | None, learned: str | None) -> SignalItem | None:
    if view is None:
        return None
    judgement = view.judgement
    segment = ", ".join(f"{k}={v}" for k, v in sorted(judgement.segment.items()))
    told, remark = judgement.message, f"; {judgement.remark}" if judgement.remark else ""
    if learned:
        told = f"{told.removesuffix(remark)}, {learned.replace('/', ' of ')} windows so far{remark}"
    return SignalItem(
        policy=key[0],
        name=key[1],
        type=view.signal.type,
        verdict=judgement.verdict,
        reason=str(judgement.reason),
        message=clipped(told + (f" ({segment})" if segment else "")),
        since=view.since,
        learned=learned,
        not_separable=True if judgement.not_separable else None,
    )


def _phase(facts: ModelFacts, signals: SignalsStatus, known_good: KnownGoodStatus | None) -> ModelPhase:
    if facts.model.spec.suspend:
        return ModelPhase.SUSPENDED
    if facts.incident:
        return ModelPhase.INCIDENT
    waiting = sum(item.reason == Reason.LEARNING for item in signals.items)
    if signals.ok + waiting < signals.total or not signals.total:
        return ModelPhase.INCONCLUSIVE
    if waiting:
        return ModelPhase.LEARNING
    return ModelPhase.HEALTHY if known_good else ModelPhase.LEARNING


def _conditions(facts: ModelFacts, known_good: KnownGoodStatus | None, signals: SignalsStatus) -> list[Condition]:
    generation = facts.model.metadata.generation
    conditions: list[Condition] = list(facts.model.status.conditions)
    for type, said in (
        (ConditionType.READY, _ready(facts)),
        (ConditionType.SIGNALS_AVAILABLE, available(facts.views)),
        (ConditionType.KNOWN_GOOD_AVAILABLE, _has_known_good(facts, known_good)),
        (ConditionType.BASELINES_LEARNED, learned(facts.learns, signals.items)),
    ):
        if said is None:
            conditions = [c for c in conditions if c.type != type]
            continue
        value, reason, message = said
        conditions = set_condition(conditions, type, value, reason, message, generation, facts.now)
    return conditions


def _ready(facts: ModelFacts) -> Said:
    spec = facts.model.spec
    ref = f"{spec.workload_ref.kind.value} {spec.workload_ref.name}"
    no = ConditionStatus.FALSE
    if (said := _unserved(facts, ref)) is not None:
        return said
    if spec.suspend:
        return ConditionStatus.TRUE, Reason.SUSPENDED, "spec.suspend is true: not judged, not acted on"
    if not facts.policies:
        labels = ", ".join(f"{k}={v}" for k, v in sorted(facts.model.metadata.labels.items())) or "none"
        return no, Reason.NO_POLICY, f"no IncidentPolicy of this namespace selects it (labels: {labels})"
    if unheeded := _unheeded(facts.model):
        why = f"{', '.join(unheeded)}: not supported by this version and not heeded; the rest of the spec works"
        return no, Reason.NOT_SUPPORTED, why
    return ConditionStatus.TRUE, Reason.VALID, "watched by the policies that select it"


def _unserved(facts: ModelFacts, ref: str) -> Said | None:
    """What is wrong with the workload, or with the containers that are named of it."""
    workload, name, no = facts.workload, facts.model.metadata.name, ConditionStatus.FALSE
    if not facts.watched:
        why = f"spec.workloadRef: this installation does not watch Rollouts: set watch.rollouts: true to serve {ref}"
        return no, Reason.NOT_SUPPORTED, why
    if workload is None:
        return (
            no,
            Reason.WORKLOAD_NOT_FOUND,
            (
                f"spec.workloadRef: there is no {ref} labelled {LABEL_MODEL}={name}; make it or label it so: the label "
                "is its owner's consent"
            ),
        )
    if not workload.consents(name):
        have = workload.labels.get(LABEL_MODEL, "")
        return (
            no,
            Reason.CONSENT_MISSING,
            f"{ref} is labelled {LABEL_MODEL}={have}; write {LABEL_MODEL}={name}",
        )
    if workload.elsewhere:
        return no, Reason.NOT_SUPPORTED, f"spec.workloadRef: {argo.no_template(ref, workload.elsewhere)}"
    return _uncontained(facts, workload, ref)


def _uncontained(facts: ModelFacts, workload: Workload, ref: str) -> Said | None:
    spec, no = facts.model.spec, ConditionStatus.FALSE
    if not facts.container:
        have = ", ".join(workload.images)
        if spec.container:
            return (
                no,
                Reason.CONTAINER_NOT_FOUND,
                f"spec.container: {spec.container!r} is not in {ref}; it has {have}",
            )
        return (
            no,
            Reason.CONTAINER_AMBIGUOUS,
            f"spec.container: missing, and {ref} has several; write one of {have}",
        )
    if unknown := _unknown_containers(facts.model, workload):
        why = f"{unknown[0]}: {ref} has no such container; write one of {', '.join(workload.images)}"
        return no, Reason.CONTAINER_NOT_FOUND, clipped(why)
    return None


def _unknown_containers(model: ModelDeployment, workload: Workload) -> list[str]:
    """Containers of the pin that the workload does not have, as fields."""
    pinned = model.spec.known_good.containers if model.spec.known_good else []
    return [f"spec.knownGood.containers[{c.name}]" for c in pinned if workload.declared(c.name) is None]


def _unheeded(model: ModelDeployment) -> list[str]:
    """Fields that ask for something that no code does yet."""
    spec, pinned = model.spec, model.spec.known_good
    asked = {
        "spec.knownGood.artifacts": pinned is not None and bool(pinned.artifacts),
        "spec.knownGood.requires": pinned is not None and bool(pinned.requires),
        "spec.dependencies": bool(spec.dependencies),
        "spec.candidate": spec.candidate is not None,
    }
    return [field for field, wanted in asked.items() if wanted]


def _has_known_good(facts: ModelFacts, known_good: KnownGoodStatus | None) -> Said:
    if known_good is None and not _promotes(facts.model):
        return ConditionStatus.FALSE, Reason.NOTHING_PROVEN, "spec.promotion.mode is Manual; name one in spec.knownGood"
    if facts.proof_refused:
        value = ConditionStatus.FALSE if known_good is None else ConditionStatus.TRUE
        why = f"a release cannot be marked as proven: {facts.proof_refused}; name one in spec.knownGood"
        return value, Reason.PROOF_REFUSED, clipped(why)
    if known_good is None:
        soak = facts.model.spec.promotion.soak
        why = f"no release has stayed healthy for {soak} yet; until then name one in spec.knownGood"
        return ConditionStatus.FALSE, Reason.NOTHING_PROVEN, why
    if known_good.source is KnownGoodSource.SPEC:
        if facts.pin_refused:
            reason, why = facts.pin_refused
            return ConditionStatus.FALSE, reason, clipped(f"spec.knownGood: {why}")
        return ConditionStatus.TRUE, Reason.PINNED, "named by spec.knownGood"
    return ConditionStatus.TRUE, Reason.PROMOTED, "it stayed healthy for promotion.soak"

"""Samples of one signal to the verdict on one model: only running releases, every segment, the worst named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from knowngood.api.conditions import Reason
from knowngood.api.durations import seconds
from knowngood.api.observed import Verdict
from knowngood.api.signals import NoDataAction
from knowngood.core.detectors.judgement import Judgement, undecided, worst
from knowngood.core.detectors.port import Case, Span
from knowngood.core.detectors.registry import detector
from knowngood.core.signals.answer import Answer, DataState
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.core.signals.sample import Key, Sample, key_of
from knowngood.core.signals.scope import NAMESPACE

_LONGEST, _MOST_LABELS = 128, 16  # of a segment's labels, which may hold anything

Memories = Mapping[Key, Any]


@dataclass(frozen=True, slots=True)
class Releases:
    """What is known of a model's releases: label value to digest, pod name to digest, and the digests that run."""

    ties: Mapping[str, str]
    pods: Mapping[str, str]
    running: frozenset[str]


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict of one signal on one model, and what to remember until the next poll."""

    judgement: Judgement
    memories: Memories
    no_data_since: float | None = None
    unknown_releases: frozenset[str] = frozenset()


def belongs(sample: Sample, matchers: Mapping[str, str]) -> bool:
    """Whether the sample is of the model that ``matchers`` describe."""
    return all(sample.labels.get(k) == v for k, v in matchers.items())


def judge(
    signal: CompiledSignal,
    answer: Answer,
    samples: Sequence[Sample],
    matchers: Mapping[str, str],
    releases: Releases,
    before: Judged | None,
    now: float,
) -> Judged:
    """Judge one signal for one model at ``now`` (seconds since the epoch); ``samples`` are those of this model."""
    if answer.state is not DataState.OK:
        return Judged(undecided(answer.state, answer.message), before.memories if before else {})
    unknown: set[str] = set()
    placed: list[tuple[Sample, str, bool]] = []
    for sample, digest, separable in _placed(signal, samples, releases):
        if digest is None:
            unknown.add(sample.labels.get(signal.release_label, ""))
        elif not separable or digest in releases.running:
            placed.append((sample, digest, separable))
    memories: dict[Key, Any] = {}
    verdicts: list[Judgement] = []
    found = _detect(signal, [sample for sample, _, _ in placed], before.memories if before else {}, now)
    for (sample, digest, separable), (judgement, memory) in zip(placed, found, strict=True):
        if memory is not None:
            memories[key_of(sample.labels)] = memory
        verdicts.append(_located(judgement, signal, sample, digest, separable, matchers))
    if not verdicts:
        verdicts.append(_nothing(samples, unknown))
    result = worst(verdicts)
    return _with_no_data(signal, Judged(result, memories, unknown_releases=frozenset(unknown)), before, now)


Placed = tuple[Sample, str | None, bool]


def _placed(signal: CompiledSignal, samples: Sequence[Sample], releases: Releases) -> list[Placed]:
    """Each sample with its release's digest, in a fixed order, since a source promises none.

    Where pods stand for releases, what one release's pods counted is one sample, so that many pods with little traffic
    each are not too few to judge.
    """
    ordered = sorted(samples, key=lambda s: key_of(s.labels))
    placed = [(s, *_release(s, signal, releases)) for s in ordered]
    if signal.by_release or signal.pool is None:
        return placed
    groups: dict[tuple[Key, str | None, bool], list[Sample]] = {}
    for sample, digest, separable in placed:
        rest = {k: v for k, v in sample.labels.items() if k != signal.release_label}
        groups.setdefault((key_of(rest), digest, separable), []).append(sample)
    return [(signal.pool(group, dict(key)), digest, sep) for (key, digest, sep), group in groups.items()]


def _release(sample: Sample, signal: CompiledSignal, releases: Releases) -> tuple[str | None, bool]:
    """(digest or None where unknown, whether the series tells releases apart)."""
    value = sample.labels.get(signal.release_label)
    if value is None:
        return next(iter(releases.running)) if len(releases.running) == 1 else "", False
    if not signal.by_release:
        return releases.pods.get(value, ""), True
    return releases.ties.get(value), True


def _detect(
    signal: CompiledSignal, samples: Sequence[Sample], memories: Memories, now: float
) -> Sequence[tuple[Judgement, Any]]:
    name, settings = signal.detector.chosen()
    cases = [Case(s, memories.get(key_of(s.labels)), segments=len(samples)) for s in samples]
    return detector(name).judge(settings, cases, Span(now, signal.window, signal.interval))


def _located(
    judgement: Judgement,
    signal: CompiledSignal,
    sample: Sample,
    digest: str,
    separable: bool,
    matchers: Mapping[str, str],
) -> Judgement:
    """The judgement with the segment and the release that it is about."""
    shared = {NAMESPACE, signal.model_label, signal.release_label} | set(matchers)
    segment = {k: v[:_LONGEST] for k, v in sample.labels.items() if k not in shared and len(k) <= _LONGEST}
    segment = dict(list({**segment, **judgement.segment}.items())[:_MOST_LABELS])
    label = sample.labels.get(signal.release_label)
    return replace(judgement, segment=segment, release=label, digest=digest, not_separable=not separable)


def _nothing(samples: Sequence[Sample], unknown: set[str]) -> Judgement:
    if unknown:
        names = ", ".join(name[:_LONGEST] for name in sorted(unknown)[:3])
        return undecided(
            DataState.RELEASE_UNKNOWN,
            f"which image the release label {names} stands for is not known; give the pods a label or an environment "
            "variable with that value",
        )
    if samples:
        return undecided(DataState.EMPTY, "no series of the running release yet")
    return undecided(DataState.EMPTY, "the source has no such series")


def _with_no_data(signal: CompiledSignal, judged: Judged, before: Judged | None, now: float) -> Judged:
    """Apply the policy's `noData` to data that is absent; a source that fails is never an incident."""
    if judged.judgement.state not in {DataState.EMPTY, DataState.STALE}:
        return judged
    since = before.no_data_since if before and before.no_data_since is not None else now
    judged = replace(judged, no_data_since=since)
    rule = signal.no_data
    if rule.action is NoDataAction.IGNORE:
        text = "no data, which the policy ignores: it counts neither for nor against the model"
        ignored = Judgement(Verdict.INCONCLUSIVE, Reason.IGNORED, text, state=judged.judgement.state)
        return replace(judged, judgement=ignored)
    if rule.action is NoDataAction.INCIDENT and now - since >= (seconds(rule.for_) if rule.for_ else 0.0):
        text = f"no data for {rule.for_}, which the policy calls an incident"
        return replace(
            judged,
            judgement=replace(judged.judgement, verdict=Verdict.BREACH, reason=Reason.NO_DATA, message=text),
        )
    return judged

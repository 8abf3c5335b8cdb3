"""Samples of one signal to verdicts on models: only running releases, every segment, the worst named.

All models of a policy are handed to the detector at once, so that it can compute over arrays.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from knowngood.api.conditions import Reason
from knowngood.api.detectors import ComparedWith, ComparisonDetector
from knowngood.api.durations import seconds
from knowngood.api.observed import Verdict
from knowngood.api.signals import NoDataAction
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.judgement import Judgement, undecided, worst
from knowngood.core.detectors.port import Case, DetectorPort, Span
from knowngood.core.detectors.port import Judged as Said
from knowngood.core.detectors.registry import detector
from knowngood.core.facts.images import short_digest
from knowngood.core.incidents.placing import Placed, Releases, SeriesKey, placed
from knowngood.core.signals.answer import Answer, DataState
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.core.signals.sample import Sample
from knowngood.core.signals.scope import NAMESPACE
from knowngood.core.signals.season import part
from knowngood.core.signals.series import Key

__all__ = ["Asked", "Judged", "Memories", "Outcome", "Releases", "Seen", "belongs", "judge", "judge_all"]
_LONGEST, _MOST_LABELS = 128, 16  # of a segment's labels, which may hold anything
_LONGEST_TEXT = 1024
_KEPT_WINDOWS = 100  # for which a series that is not there is remembered

Memories = Mapping[SeriesKey, Any]
Find = Callable[[str], DetectorPort]


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict of one signal on one model, and what to remember until the next poll."""

    judgement: Judgement
    memories: Memories
    no_data_since: float | None = None
    unknown_releases: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Asked:
    """One model to judge: its samples, and what is known of it. ``baselines`` are by digest and segment."""

    samples: Sequence[Sample]
    matchers: Mapping[str, str]
    releases: Releases
    before: Judged | None = None
    baselines: Mapping[SeriesKey, Baseline] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """One series of a running release as it was judged, by digest and segment: what may be learned from."""

    key: SeriesKey
    sample: Sample
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one model. ``failure`` says how the detector itself failed, if it did."""

    judged: Judged
    seen: tuple[Seen, ...] = ()
    failure: str = ""


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
    span = Span(now, signal.window, signal.interval)
    return judge_all(signal, answer, [Asked(samples, matchers, releases, before)], span)[0].judged


def judge_all(
    signal: CompiledSignal, answer: Answer, models: Sequence[Asked], span: Span, find: Find = detector
) -> list[Outcome]:
    """Judge one signal for many models, in their order. A model on which the detector fails spoils no other."""
    if answer.state is not DataState.OK:
        said = undecided(answer.state, answer.message)
        return [Outcome(_as_before(said, m)) for m in models]
    name, settings = signal.detector.chosen()
    port = find(name)
    try:
        return _together(signal, settings, port, models, span)
    except Exception:
        return [_alone(signal, settings, port, model, span) for model in models]


def _together(
    signal: CompiledSignal, settings: Any, port: DetectorPort, models: Sequence[Asked], span: Span
) -> list[Outcome]:
    parts = [_part(signal, settings, port, model, span) for model in models]
    cases = [case for _, _, of_model in parts for case in of_model]
    said = port.judge(settings, cases, span)
    if len(said) != len(cases):
        raise ValueError(f"{len(said)} judgements of {len(cases)} series")
    found = iter(said)
    return [
        _outcome(signal, port, model, here, unknown, list(islice(found, len(here))), span)
        for model, (here, unknown, _) in zip(models, parts, strict=True)
    ]


def _alone(signal: CompiledSignal, settings: Any, port: DetectorPort, model: Asked, span: Span) -> Outcome:
    try:
        return _together(signal, settings, port, [model], span)[0]
    except Exception as error:
        text = f"the detector failed on this data: {type(error).__name__}; the operator's log says more"
        said = Judgement(Verdict.ERROR, Reason.DETECTOR_FAILED, text)
        return Outcome(_as_before(said, model), failure=repr(error))


def _as_before(said: Judgement, model: Asked) -> Judged:
    """A verdict that no data stands behind: what is remembered stays, and since when there is no data."""
    before = model.before
    return Judged(said, before.memories, before.no_data_since) if before else Judged(said, {})


Part = tuple[list[Placed], frozenset[str], list[Case]]


def _part(signal: CompiledSignal, settings: Any, port: DetectorPort, model: Asked, span: Span) -> Part:
    """The series to judge, the release labels that nobody knows, and the cases for the detector."""
    releases, memories = model.releases, model.before.memories if model.before else {}
    everything = placed(signal, model.samples, releases)
    here = [p for p in everything if p.judged(releases)]
    label = signal.release_label
    unknown = frozenset(p.sample.labels.get(label, "") for p in everything if p.digest is None)
    references: dict[Key, Sample] = {}
    if isinstance(settings, ComparisonDetector):
        known_good = settings.against is ComparedWith.KNOWN_GOOD
        other = releases.known_good if known_good else releases.previous
        references = {p.segment(signal)[1]: p.sample for p in everything if other and p.digest == other}
    cases = [
        Case(
            p.sample,
            memories.get(p.key()) if memories else None,
            _reference(signal, model, p, span) if port.learns else None,
            len(here),
            references.get(p.segment(signal)[1]) if references else None,
        )
        for p in here
    ]
    return here, unknown, cases


def _learned_as(signal: CompiledSignal, of: Placed, span: Span) -> SeriesKey:
    """Under what is remembered what is usual of the series: with a season, its part too, by a name no label has."""
    digest, labels = of.segment(signal)
    return digest, (*labels, ("@season", part(signal.season, span.end, span.length))) if signal.season else labels


def _reference(signal: CompiledSignal, model: Asked, of: Placed, span: Span) -> Baseline | None:
    """What the series is held against: what the known-good release was like, else what its own was while healthy."""
    digest, labels = _learned_as(signal, of, span)
    digests = [model.releases.known_good, digest]
    if signal.season:  # a promotion comes long before each part was learned anew
        digests.append(model.releases.previous)
    return next((found for d in digests if (found := model.baselines.get((d, labels))) is not None), None)


def _outcome(
    signal: CompiledSignal,
    port: DetectorPort,
    model: Asked,
    here: Sequence[Placed],
    unknown: frozenset[str],
    found: Sequence[Said],
    span: Span,
) -> Outcome:
    memories: dict[SeriesKey, Any] = _absent(model, span) if port.whole_windows else {}
    verdicts: list[Judgement] = []
    shared = {NAMESPACE, signal.model_label, signal.release_label, *model.matchers}
    for one, (judgement, memory) in zip(here, found, strict=True):
        if memory is not None:
            memories[one.key()] = memory
        elif memories:
            memories.pop(one.key(), None)
        verdicts.append(_located(judgement, signal, port, one, shared))
    result = _worst(verdicts) if verdicts else _nothing(signal, model, unknown)
    judged = _with_no_data(signal, Judged(result, memories, unknown_releases=unknown), model.before, span.end)
    return Outcome(judged, tuple(_seen(signal, here, verdicts, span)) if port.learns else ())


def _worst(verdicts: list[Judgement]) -> Judgement:
    """The one that counts, with the other releases that it speaks for too."""
    if len(verdicts) == 1:
        return verdicts[0]
    result = worst(verdicts)
    beside = frozenset(v.digest for v in verdicts if v.digest) - {result.digest}
    return replace(result, beside=beside) if beside else result


def _absent(model: Asked, span: Span) -> dict[SeriesKey, Any]:
    """What is remembered of series of running releases that may be absent now, for a while."""
    if model.before is None:
        return {}
    running, oldest = model.releases.running, span.end - _KEPT_WINDOWS * span.length
    return {
        key: memory
        for key, memory in model.before.memories.items()
        if (not running or not key[0] or key[0] in running) and getattr(memory, "end", span.end) >= oldest
    }


def _seen(signal: CompiledSignal, here: Sequence[Placed], verdicts: Sequence[Judgement], span: Span) -> Iterable[Seen]:
    """The series whose release is certain; a detector that is learning need not have counted their samples."""
    least = getattr(signal.detector.chosen()[1], "min_samples", 0)
    for one, judgement in zip(here, verdicts, strict=True):
        if one.digest:
            few = one.sample.count is not None and one.sample.count < least
            reason = Reason.TOO_FEW_SAMPLES if few else judgement.reason
            verdict = Verdict.INCONCLUSIVE if few else judgement.verdict
            yield Seen(_learned_as(signal, one, span), one.sample, verdict, reason)


def _unlearned(signal: CompiledSignal, of: Placed, segment: bool) -> str:
    """Why a series is not judged yet, though others may be: a new release, or a group that was not there before."""
    label = of.sample.labels.get(signal.release_label) if signal.by_release else short_digest(of.digest or "")
    named = f"release {label[:_LONGEST]}" if label else "the running release"
    whose = f"this segment of {named}" if segment else named
    return (
        f"{whose} has no baseline yet, nor has a known-good release: what is usual is still being learned from healthy "
        "traffic"
    )


def _located(
    judgement: Judgement, signal: CompiledSignal, port: DetectorPort, of: Placed, shared: set[str]
) -> Judgement:
    """The judgement with the segment and the release that it is about."""
    labels = of.sample.labels
    remark = of.sample.message if of.sample.state is DataState.OK else ""
    segment = {k: v[:_LONGEST] for k, v in labels.items() if k not in shared and len(k) <= _LONGEST}
    if judgement.reason == Reason.LEARNING and port.learns:
        judgement = replace(judgement, message=_unlearned(signal, of, bool(segment)))
    if segment or judgement.segment:
        segment = dict(list({**segment, **judgement.segment}.items())[:_MOST_LABELS])
    return Judgement(
        judgement.verdict,
        judgement.reason,
        f"{judgement.message}; {remark}" if remark else judgement.message,
        judgement.value,
        judgement.count,
        judgement.threshold,
        segment,
        labels.get(signal.release_label),
        of.digest or "",
        not of.separable,
        judgement.state,
        remark,
    )


def _nothing(signal: CompiledSignal, model: Asked, unknown: frozenset[str]) -> Judgement:
    if unknown:
        names = ", ".join(name[:_LONGEST] for name in sorted(unknown)[:3])
        return undecided(
            DataState.RELEASE_UNKNOWN,
            f"which image the release label {names} stands for is not known yet; where it stays so, give the pods a "
            "label or an environment variable with that value",
        )
    if model.samples and not model.releases.running:
        return undecided(DataState.EMPTY, "which release runs is not known: see the ModelDeployment's Ready")
    if model.samples:
        return undecided(DataState.EMPTY, "no series of the running release yet")
    labels = ", ".join(f'{k}="{v}"' for k, v in sorted(model.matchers.items()))
    why = (
        f"the source has no series of {signal.selectors[-1]} with {labels}: check the metric's name, and by which "
        "labels the series name the model (spec.series.matchLabels of the ModelDeployment)"
    )
    return undecided(DataState.EMPTY, why[:_LONGEST_TEXT])


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

"""Run lengths and delays of a detector, measured through its own `judge` on data that a seed makes.

A null is what healthy traffic looks like: each replica is one series with a baseline of its own, estimated from as many
windows as the null says. A replica goes on after an alarm, and every replica is watched for equally long: windows over
alarms is then what a fleet has, not what its luckiest baselines have.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from knowngood.api.observed import Verdict
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.learning import Learner, baseline, begun, taught
from knowngood.core.detectors.port import Case, DetectorPort, Span
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample

WINDOW = 60.0  # seconds
START = 86_400.0
Values = NDArray[np.float64]
_NO_LABELS: dict[str, str] = {}


class Null(Protocol):
    """Healthy series, and the same after a shift."""

    def baselines(self, rng: np.random.Generator, replicas: int) -> Sequence[Baseline | None]:
        """What was recorded of each before."""

    def windows(self, rng: np.random.Generator, replicas: int) -> "Stream":
        """The windows of each, one after the other."""


class Stream(Protocol):
    """Windows of all replicas. ``shift`` is in standard deviations of the healthy value."""

    def next(self, shift: float) -> Sequence[Sample]:
        """The next window of each."""


@runtime_checkable
class Paired(Protocol):
    """Windows of two releases."""

    def references(self) -> Sequence[Sample]:
        """The same window of the other release; asked once for each ``next``."""


@dataclass(frozen=True)
class RunLength:
    """What was measured: ``windows`` of all models together, and how many ``alarms`` each model had."""

    windows: int
    by_model: Sequence[int]

    @property
    def alarms(self) -> int:
        """Of all models."""
        return sum(self.by_model)

    @property
    def mean(self) -> float:
        """Windows an alarm."""
        return self.windows / max(self.alarms, 1)

    @property
    def error(self) -> float:
        """The standard error of ``mean``, over it.

        From model to model: an unlucky baseline alarms again and again, so that alarms are fewer than they look.
        """
        models = len(self.by_model)
        return float(np.std(self.by_model) * np.sqrt(models) / max(self.alarms, 1)) or 1.0

    @property
    def least(self) -> float:
        """A lower bound of ``mean``: one standard error below; of no alarm, that of 95 % by the rule of three.

        Hanley and Lippman-Hand, JAMA 249 (1983) 1743.
        """
        return self.mean * (1 - self.error) if self.alarms else self.windows / 3


def run_length(
    detector: DetectorPort, settings: Any, null: Null, horizon: int, replicas: int, seed: int, segments: int = 1
) -> RunLength:
    """Windows an alarm on healthy data; ``horizon`` windows of each replica. ``segments`` replicas make one model.

    An alarm is the beginning of a breach of any segment, as an incident is; windows of a breach do not count.
    """
    rng = np.random.default_rng(seed)
    baselines, stream = null.baselines(rng, replicas), null.windows(rng, replicas)
    memories: list[Any] = [None] * replicas
    models = replicas // segments
    alarms, before, windows = np.zeros(models, int), np.zeros(models, bool), 0
    for number in range(horizon):
        samples = stream.next(0.0)
        others = stream.references() if isinstance(stream, Paired) else None
        found = _judged(detector, settings, samples, memories, baselines, number, segments, others)
        memories = [memory for _, memory in found]
        breached = np.array([judgement.verdict is Verdict.BREACH for judgement, _ in found])
        now = np.asarray(breached[: models * segments].reshape(models, segments).any(axis=1))
        alarms += now & ~before
        windows += int((~before).sum())
        before = now
    return RunLength(windows, alarms.tolist())


def delay(
    detector: DetectorPort, settings: Any, null: Null, shift: float, replicas: int, seed: int, before: int = 30
) -> float:
    """Mean windows from the shift to the alarm, both counted, ``before`` healthy windows after the start.

    Replicas that alarm before the shift do not count.
    """
    rng = np.random.default_rng(seed)
    baselines, stream = null.baselines(rng, replicas), null.windows(rng, replicas)
    memories: list[Any] = [None] * replicas
    delays: dict[int, int | None] = {}
    for number in range(1_000_000):
        after = number - before
        samples = stream.next(shift if after >= 0 else 0.0)
        found = _judged(detector, settings, samples, memories, baselines, number, 1)
        memories = [memory for _, memory in found]
        for i, (judgement, _) in enumerate(found):
            if i not in delays and judgement.verdict is Verdict.BREACH:
                delays[i] = after + 1 if after >= 0 else None
        if len(delays) == replicas:
            break
    return float(np.mean([d for d in delays.values() if d is not None]))


def _judged(
    detector: DetectorPort,
    settings: Any,
    samples: Sequence[Sample],
    memories: Sequence[Any],
    baselines: Sequence[Baseline | None],
    number: int,
    segments: int,
    others: Sequence[Sample] | None = None,
) -> Sequence[tuple[Any, Any]]:
    span = Span(START + number * WINDOW, WINDOW, WINDOW)
    beside: Sequence[Sample | None] = others or [None] * len(samples)
    rows = zip(samples, memories, baselines, beside, strict=True)
    cases = [Case(s, m, b, segments, o) for s, m, b, o in rows]
    return detector.judge(settings, cases, span)


def autoregressive(rng: np.random.Generator, replicas: int, phi: float) -> Iterator[Values]:
    """Standard normal values with autocorrelation ``phi`` at lag one, for all replicas, for ever."""
    values = rng.standard_normal(replicas)
    while True:
        yield values
        values = phi * values + np.sqrt(1 - phi**2) * rng.standard_normal(replicas)


def learnt(stream: "Stream", windows: int, shares: bool = False) -> list[Baseline]:
    """Baselines of the next ``windows`` windows, as the operator learns them."""
    learners: list[Learner] = []
    for number in range(windows):
        samples, end = stream.next(0.0), number * WINDOW
        learners = learners or [begun(-WINDOW)] * len(samples)
        learners = [taught(old, seen, end, WINDOW) for old, seen in zip(learners, samples, strict=True)]
    return [baseline(learner, shares) for learner in learners]


@dataclass(frozen=True)
class Gaussian:
    """A value with normal noise; ``estimated`` windows were recorded, None: its moments are known."""

    phi: float = 0.0
    estimated: int | None = None
    mean: float = 0.8
    sigma: float = 0.02

    def baselines(self, rng: np.random.Generator, replicas: int) -> Sequence[Baseline]:
        """Recorded before the windows that are judged, from traffic of its own."""
        if self.estimated is None:
            return [Baseline(10**9, self.mean, self.sigma**2, self.phi)] * replicas
        return learnt(self.windows(rng, replicas), self.estimated)

    def windows(self, rng: np.random.Generator, replicas: int) -> Stream:
        """Values of any size, with no count behind them."""
        return _Values(self, autoregressive(rng, replicas, self.phi))


@dataclass(frozen=True)
class _Values:
    null: Gaussian
    stream: Iterator[Values]

    def next(self, shift: float) -> Sequence[Sample]:
        values = self.null.mean + self.null.sigma * (next(self.stream) + shift)
        return [Sample(_NO_LABELS, DataState.OK, float(v)) for v in values]


@dataclass(frozen=True)
class Shares:
    """A share of binomial hits with traffic that changes day and night by ``swing`` (0 to 1) about ``count``."""

    p: float = 0.97
    count: int = 200
    swing: float = 0.6
    estimated: int = 200
    day: int = 288

    def baselines(self, rng: np.random.Generator, replicas: int) -> Sequence[Baseline]:
        """Recorded over ``estimated`` windows."""
        return learnt(self.windows(rng, replicas), self.estimated, shares=True)

    def counts(self, number: int) -> int:
        """How many observations window ``number`` has."""
        return max(1, round(self.count * (1 + self.swing * np.sin(2 * np.pi * number / self.day))))

    def windows(self, rng: np.random.Generator, replicas: int) -> Stream:
        """Hits of ever more windows."""
        return _Hits(self, rng, replicas, iter(range(10**9)))


@dataclass(frozen=True)
class _Hits:
    null: Shares
    rng: np.random.Generator
    replicas: int
    numbers: Iterator[int]

    def next(self, shift: float) -> Sequence[Sample]:
        null, count = self.null, self.null.counts(next(self.numbers))
        p = min(max(null.p - shift * np.sqrt(null.p * (1 - null.p) / null.count), 0.0), 1.0)
        hits = self.rng.binomial(count, p, self.replicas)
        return [Sample(_NO_LABELS, DataState.OK, h / count, count, hits=h) for h in hits.tolist()]

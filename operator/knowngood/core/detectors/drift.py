"""`drift`: a window's distribution against the baseline's, once a window.

A breach is a distance that chance would reach less than once in `falseAlarmEvery`, and that is not less than
`minEffect`. Buckets are compared as the whole counts that they are; the limits are in `core/stats/limits.py`. It
remembers nothing: the same window is always judged the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from knowngood.api.conditions import Reason
from knowngood.api.detectors import DriftDetector, DriftTest
from knowngood.api.durations import seconds
from knowngood.api.observed import Verdict
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.judgement import Judgement, learning, undecided
from knowngood.core.detectors.port import Case, Judged, Span
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.fitting import ORDERED, UNORDERED
from knowngood.core.signals.sample import Buckets, Cell
from knowngood.core.stats import bins, distances, limits
from knowngood.core.stats.distances import Numbers

LEAST_WINDOWS = 20  # of a baseline: with fewer, how much windows differ is hardly known
_MOST_ALPHA = 0.1  # of a window: falseAlarmEvery is not shorter than a few windows
_MOST_NAMED = 4  # edges in a message


@dataclass(frozen=True, slots=True)
class Pair:
    """Counts of now and of the baseline in the same bins; ``used`` is how many of all the baseline's bins hold any."""

    current: tuple[int, ...]
    reference: tuple[int, ...]
    positions: tuple[float, ...]
    used: int


@dataclass(frozen=True, slots=True)
class _Table:
    """All pairs as arrays; rows of fewer bins are padded with empty ones."""

    current: Numbers
    reference: Numbers
    positions: Numbers
    known: limits.Uncertainty


@dataclass(frozen=True, slots=True)
class _Found:
    """For each pair the distance, the limit, and the distance of a window that could not lie further away."""

    value: Numbers
    limit: Numbers
    farthest: Numbers


class Drift:
    """The detector."""

    name: ClassVar[str] = "drift"
    whole_windows: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    memory: ClassVar[type | None] = None

    def judge(self, settings: DriftDetector, cases: Sequence[Case], span: Span) -> list[Judged]:
        """Each series by itself, computed over all at once."""
        pairs = [_pair(settings, case) for case in cases]
        chosen = [(c, p) for c, p in zip(cases, pairs, strict=True) if isinstance(p, Pair)]
        said = iter(_compared(settings, chosen, span) if chosen else ())
        return [(next(said) if isinstance(p, Pair) else p, None) for p in pairs]


def _pair(settings: DriftDetector, case: Case) -> Pair | Judgement:
    """What is to be compared, or why nothing can be."""
    sample, baseline = case.sample, case.baseline
    if sample.state is not DataState.OK:
        return undecided(sample.state, sample.message)
    if baseline is None or baseline.windows < LEAST_WINDOWS:
        return learning()
    found: Pair | Judgement
    if sample.buckets is not None:
        found = _of_buckets(sample.buckets, baseline)
    elif sample.cells:
        found = _of_cells(settings.test, sample.cells, baseline)
    else:
        return undecided(DataState.EMPTY, "the sample holds neither a histogram nor outcomes")
    if isinstance(found, Pair) and sum(found.current) < settings.min_samples:
        return undecided(DataState.TOO_FEW, f"fewer than minSamples {settings.min_samples} in the window")
    return found


def _of_buckets(now: Buckets, baseline: Baseline) -> Pair | Judgement:
    known = baseline.buckets
    if known is None or not any(known.counts):
        return learning()
    if len(now.edges) != len(now.counts) or min(now.counts, default=-1) < 0:
        return undecided(DataState.GARBAGE, "the histogram's buckets do not rise")
    edges, current, reference = now.edges, now.counts, known.counts
    if now.edges != known.edges:
        edges = bins.common_edges(now.edges, known.edges)
        if len(edges) < max(2, len(known.edges) / 2) or edges[-1] != max(*now.edges, *known.edges):
            return _differing(now.edges, known.edges)
        current = bins.on_edges(edges, now.edges, now.counts)
        reference = bins.on_edges(edges, known.edges, known.counts)
    if len(edges) < 2:
        return _differing(now.edges, known.edges)
    return Pair(current, reference, bins.positions(edges), sum(c > 0 for c in known.counts))


def _differing(now: Sequence[float], known: Sequence[float]) -> Judgement:
    new, gone = _named(set(now) - set(known)), _named(set(known) - set(now))
    text = f"too few bucket edges are the baseline's: {new} came, {gone} went; keep the edges, or record a new baseline"
    if set(now) == set(known):
        text = "the histogram has one bucket only, which says nothing of the distribution; give it more"
    return Judgement(Verdict.INCONCLUSIVE, Reason.BUCKETS_DIFFER, text)


def _named(edges: set[float]) -> str:
    first = ", ".join(f"{edge:g}" for edge in sorted(edges)[:_MOST_NAMED])
    return (first or "none") + (", …" if len(edges) > _MOST_NAMED else "")


def _of_cells(test: DriftTest, now: Sequence[Cell], baseline: Baseline) -> Pair | Judgement:
    """Favourable and other outcomes of each group, those that were rarest first."""
    if test in ORDERED:
        text = f"{test} needs values that have an order, and outcomes have none; write test: {UNORDERED}"
        return Judgement(Verdict.INCONCLUSIVE, Reason.NOT_SUPPORTED, text)
    counts, known = _categories(now), _categories(baseline.cells)
    if not any(known.values()):
        return learning()
    if min(counts.values()) < 0:
        return undecided(DataState.GARBAGE, "there are more favourable outcomes than outcomes")
    order = sorted({*counts, *known}, key=lambda key: (known.get(key, 0), key))
    current, reference = (tuple(side.get(key, 0) for key in order) for side in (counts, known))
    return Pair(current, reference, (0.0,) * len(order), sum(c > 0 for c in reference))


def _categories(cells: Sequence[Cell]) -> Mapping[tuple[object, ...], int]:
    counts: dict[tuple[object, ...], int] = {}
    for cell in cells:
        group = tuple(sorted(cell.labels.items()))
        for key, number in (((group, True), cell.favourable), ((group, False), cell.total - cell.favourable)):
            counts[key] = counts.get(key, 0) + number
    return counts


def _compared(settings: DriftDetector, chosen: Sequence[tuple[Case, Pair]], span: Span) -> list[Judgement]:
    table = _table(settings, chosen, span)
    found = _TESTS[settings.test](table)
    sizes = table.current.sum(axis=1)
    rows = zip(found.value.tolist(), found.limit.tolist(), found.farthest.tolist(), sizes.tolist(), strict=True)
    return [_judgement(settings, *row) for row in rows]


def _judgement(settings: DriftDetector, value: float, limit: float, farthest: float, size: float) -> Judgement:
    if max(farthest, value) <= limit:
        text = f"too few in the window to tell drift from chance at falseAlarmEvery {settings.false_alarm_every}"
        return undecided(DataState.TOO_FEW, text)
    threshold = f"above {max(limit, settings.min_effect):.3g}"
    if value > limit and value >= settings.min_effect:
        text = f"the distribution has moved away from the baseline's, by {settings.test}"
        return Judgement(Verdict.BREACH, Reason.DRIFTED, text, value, size, threshold)
    text = f"the distribution is like the baseline's, by {settings.test}"
    return Judgement(Verdict.HEALTHY, Reason.HEALTHY, text, value, size, threshold)


def _table(settings: DriftDetector, chosen: Sequence[tuple[Case, Pair]], span: Span) -> _Table:
    known = [case.baseline or Baseline(0) for case, _ in chosen]
    current = _padded([pair.current for _, pair in chosen])
    reference = _padded([pair.reference for _, pair in chosen])
    positions = _padded([pair.positions for _, pair in chosen], repeat=True)
    segments = np.array([max(case.segments, 1) for case, _ in chosen], float)
    used = np.array([pair.used for _, pair in chosen], float)
    uncertainty = limits.uncertainty(
        alpha=np.minimum(span.length / seconds(settings.false_alarm_every) / segments, _MOST_ALPHA),
        size=current.sum(axis=1),
        pooled=reference.sum(axis=1),
        windows=np.array([b.windows for b in known], float),
        design_effect=np.array([b.design_effect for b in known], float),
        bins=used,
        phi=np.array([b.phi for b in known], float),
    )
    return _Table(current, reference, positions, uncertainty)


def _padded(rows: Sequence[Sequence[float]], repeat: bool = False) -> Numbers:
    """Rows of one length: filled up with 0, or with their last number."""
    width = max(len(row) for row in rows)
    return np.array([(*row, *((row[-1] if repeat else 0,) * (width - len(row)))) for row in rows], float)


def _kolmogorov_smirnov(table: _Table) -> _Found:
    up_to = np.cumsum(table.reference, axis=1) / table.reference.sum(axis=1, keepdims=True)
    inner = np.where(up_to < 1, up_to, 0.0).max(axis=1)  # nothing beyond the last bin that was ever filled
    return _Found(
        value=distances.kolmogorov_smirnov(table.current, table.reference),
        limit=limits.kolmogorov_smirnov_limit(table.known),
        farthest=np.maximum(1 - up_to[:, 0], inner),
    )


def _wasserstein(table: _Table) -> _Found:
    where, shares = table.positions, table.reference / table.reference.sum(axis=1, keepdims=True)
    middle = (shares * where).sum(axis=1)
    size = np.minimum(table.current.sum(axis=1), table.reference.sum(axis=1))
    return _Found(
        value=distances.wasserstein(table.current, table.reference, where),
        limit=limits.wasserstein_limit(table.known, table.reference, where, size),
        farthest=np.maximum(where[:, -1] - middle, middle - where[:, 0]),
    )


Statistic = Callable[[Numbers, Numbers], Numbers]


def _of_shares(statistic: Statistic, scale: Callable[[Numbers], Numbers]) -> Callable[[_Table], _Found]:
    """A test that is chi-squared near equality: rare bins are joined; ``scale`` makes that limit the statistic's."""

    def compare(table: _Table) -> _Found:
        size, pooled = table.current.sum(axis=1), table.reference.sum(axis=1)
        smaller = np.minimum(size, pooled)
        expected = table.reference * (smaller / pooled)[:, None]
        labels = bins.joined(expected, limits.least_expected(table.known, smaller))
        filled = np.arange(labels.shape[1]) <= labels.max(axis=1)[:, None]
        current, reference = (bins.gathered(side, labels) + 0.5 * filled for side in (table.current, table.reference))
        rarest = np.arange(labels.shape[1]) == np.where(filled, reference, np.inf).argmin(axis=1)[:, None]
        share = (reference * rarest).sum(axis=1) / pooled

        def with_rarest(count: Numbers) -> Numbers:
            """The statistic where ``count`` fell into the rarest bin, and the rest, if two are left, into the other."""
            rest = np.where(filled.sum(axis=1) == 2, size - count, 0.0)[:, None] * (filled & ~rarest)
            return statistic(count[:, None] * rarest + rest + 0.5 * filled, reference)

        limit = scale(limits.chi_squared_limit(table.known, filled.sum(axis=1), share * smaller))
        least, most = limits.count_bounds(table.known, share * size, size)
        reached = np.maximum(with_rarest(least), with_rarest(most))
        return _Found(
            value=statistic(current, reference),
            limit=np.where(filled.sum(axis=1) == 2, np.minimum(limit, reached), limit),
            farthest=with_rarest(size),
        )

    return compare


def _chi_squared_distance(current: Numbers, reference: Numbers) -> Numbers:
    """Chi-squared without the sample sizes: the sum of (p - q)² / p, p of both together."""
    per_observation = 1 / current.sum(axis=1) + 1 / reference.sum(axis=1)
    found: Numbers = distances.chi_squared(current, reference) * per_observation
    return found


_TESTS: Mapping[DriftTest, Callable[[_Table], _Found]] = {
    DriftTest.KOLMOGOROV_SMIRNOV: _kolmogorov_smirnov,
    DriftTest.WASSERSTEIN: _wasserstein,
    DriftTest.POPULATION_STABILITY_INDEX: _of_shares(distances.population_stability, lambda limit: limit),
    DriftTest.JENSEN_SHANNON: _of_shares(distances.jensen_shannon, lambda limit: np.sqrt(limit / 8)),
    DriftTest.CHI_SQUARED: _of_shares(_chi_squared_distance, lambda limit: limit),
}

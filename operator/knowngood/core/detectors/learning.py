"""Learning what is usual: a release's healthy windows, one at a time, into sums of a bounded size.

Means and variances by Welford's recurrence (Technometrics 4, 1962, 419-420), which does not cancel, and fourth moments
by Pébay's (Sandia Report SAND2008-6212); autocorrelation by the moment estimate at lag one over windows that follow
each other (Box and Jenkins, Time Series Analysis, ch. 2); dispersion and design effect as Pearson's chi-squared over
its degrees of freedom (McCullagh and Nelder, Generalized Linear Models, 4.5), written as sums of squares over exposures
so that no window has to be kept.
"""

import math
from dataclasses import dataclass, replace
from typing import TypeVar

from knowngood.core.detectors.baseline import Baseline
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Buckets, Cell, Sample
from knowngood.core.stats.dispersion import design_effect_of
from knowngood.core.stats.pearson import dispersion

_MOST_CELLS = 256
Group = tuple[tuple[tuple[str, str], ...], int, int, float, float]
_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class Learner:
    """Sums over the windows recorded so far, of one series of one release.

    ``squares``, ``cubes`` and ``fourths`` are of the values about their mean. ``end`` is the last window looked at,
    recorded or not; ``before`` is its value where it was recorded, since only
    neighbours tell of autocorrelation: ``pairs`` of them, summed about ``origin``. ``spread`` and ``scatter`` are the
    squares of hits and of each bucket's counts over what was observed. ``cells`` are (labels, favourable, total),
    with the squares of the favourable and of the other outcomes over those of all groups.
    """

    end: float
    windows: int = 0
    mean: float = 0.0
    squares: float = 0.0
    origin: float = 0.0
    before: float | None = None
    pairs: int = 0
    firsts: float = 0.0
    seconds: float = 0.0
    products: float = 0.0
    count: float = 0.0
    hits: float = 0.0
    total: float = 0.0
    spread: float = 0.0
    edges: tuple[float, ...] = ()
    buckets: tuple[int, ...] = ()
    scatter: tuple[float, ...] = ()
    cells: tuple[Group, ...] = ()
    cubes: float = 0.0
    fourths: float = 0.0


def begun(end: float) -> Learner:
    """A learner that counts from the window after ``end`` on: the first window of a release is seldom whole."""
    return Learner(end)


def taught(learner: Learner, sample: Sample, end: float, length: float, healthy: bool = True) -> Learner:
    """With the window of ``length`` that ends at ``end``; the same again where that was looked at already.

    A window that was not ``healthy``, or whose sample cannot be judged, is passed over, and so is one of whose
    histogram the edges are others than before.
    """
    if end <= learner.end:
        return learner
    value = sample.value
    if not healthy or sample.state is not DataState.OK or value is None or not math.isfinite(value):
        return replace(learner, end=end, before=None)
    if sample.buckets is not None and learner.windows and sample.buckets.edges != learner.edges:
        return replace(learner, end=end, before=None)
    if sample.hits is not None and sample.count:
        value = sample.hits / sample.count  # events of traffic that changes are alike in their rate, not their number
    neighbour = learner.before if math.isclose(end - learner.end, length, abs_tol=1e-3) else None
    return _counted(_valued(learner, value, neighbour, end), sample)


def _valued(learner: Learner, value: float, neighbour: float | None, end: float) -> Learner:
    windows = learner.windows + 1
    origin = learner.origin if learner.windows else value
    gap = value - learner.mean
    step = gap / windows
    mean = learner.mean + step
    square = gap * (value - mean)
    made = replace(
        learner,
        end=end,
        windows=windows,
        mean=mean,
        squares=learner.squares + square,
        cubes=learner.cubes + square * step * (windows - 2) - 3 * step * learner.squares,
        fourths=learner.fourths
        + square * step * step * (windows * windows - 3 * windows + 3)
        + 6 * step * step * learner.squares
        - 4 * step * learner.cubes,
        origin=origin,
        before=value,
    )
    if neighbour is None:
        return made
    first, second = neighbour - origin, value - origin
    return replace(
        made,
        pairs=made.pairs + 1,
        firsts=made.firsts + first,
        seconds=made.seconds + second,
        products=made.products + first * second,
    )


def _counted(learner: Learner, sample: Sample) -> Learner:
    changes: dict[str, object] = {"count": learner.count + (sample.count or 0.0)}
    if sample.hits is not None:
        exposure = 1.0 if sample.count is None else sample.count
        changes["hits"] = learner.hits + sample.hits
        changes["total"] = learner.total + exposure
        changes["spread"] = learner.spread + (sample.hits**2 / exposure if exposure > 0 else 0.0)
    if sample.buckets is not None:
        counts, within = sample.buckets.counts, sum(sample.buckets.counts)
        squares = tuple(c * c / within if within else 0.0 for c in counts)
        changes["edges"] = sample.buckets.edges
        changes["buckets"] = _added(learner.buckets, counts)
        changes["scatter"] = _added(learner.scatter, squares)
    if sample.cells:
        changes["cells"] = _regrouped(learner.cells, sample.cells)
    return replace(learner, **changes)  # type: ignore[arg-type]


def _added(known: tuple[_Number, ...], new: tuple[_Number, ...]) -> tuple[_Number, ...]:
    return tuple(a + b for a, b in zip(known, new, strict=True)) if known else new


def _regrouped(known: tuple[Group, ...], cells: tuple[Cell, ...]) -> tuple[Group, ...]:
    sums = {labels: (good, total, square, other) for labels, good, total, square, other in known}
    within = sum(cell.total for cell in cells)
    for cell in cells:
        labels = tuple(sorted(cell.labels.items()))
        favourable, total, square, other = sums.get(labels, (0, 0, 0.0, 0.0))
        if labels in sums or len(sums) < _MOST_CELLS:
            square += cell.favourable**2 / within if within else 0.0
            other += (cell.total - cell.favourable) ** 2 / within if within else 0.0
            sums[labels] = (favourable + cell.favourable, total + cell.total, square, other)
    return tuple((labels, *sums[labels]) for labels in sorted(sums))


def baseline(learner: Learner, shares: bool) -> Baseline:
    """What was learned; ``shares``: hits are some of what was observed, so that chance is a binomial's."""
    return Baseline(
        windows=learner.windows,
        mean=learner.mean,
        variance=learner.squares / (learner.windows - 1) if learner.windows > 1 else 0.0,
        phi=_phi(learner),
        kurtosis=_kurtosis(learner),
        count=learner.count / learner.windows if learner.windows else 0.0,
        hits=learner.hits,
        total=learner.total,
        dispersion=dispersion(learner.windows, learner.hits, learner.total, learner.spread, shares),
        buckets=Buckets(learner.edges, learner.buckets) if learner.edges else None,
        design_effect=_design_effect(learner),
        cells=tuple(Cell(dict(labels), favourable, total) for labels, favourable, total, _, _ in learner.cells),
    )


def _phi(learner: Learner) -> float:
    """The mean product of neighbours about the mean, over the variance."""
    if not learner.pairs or not 0 < learner.squares < math.inf:
        return 0.0
    middle = learner.mean - learner.origin
    products = learner.products - middle * (learner.firsts + learner.seconds) + learner.pairs * middle**2
    return max(-1.0, min(products / learner.pairs * learner.windows / learner.squares, 1.0))


def _kurtosis(learner: Learner) -> float:
    """Of the values, over a normal's, without the bias of few of them (Joanes and Gill, The Statistician 47, 1998)."""
    n, power = learner.windows, learner.squares * learner.squares
    if n < 4 or not 0 < power < math.inf:
        return 0.0
    plain = n * learner.fourths / power - 3
    found = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * plain + 6)
    return found if math.isfinite(found) else 0.0


def _design_effect(learner: Learner) -> float:
    """Of buckets, or of the favourable and the other outcomes of all groups."""
    if learner.buckets:
        return design_effect_of(learner.windows, learner.buckets, learner.scatter)
    counts = [count for _, good, total, _, _ in learner.cells for count in (good, total - good)]
    scatter = [square for *_, good, other in learner.cells for square in (good, other)]
    return design_effect_of(learner.windows, counts, scatter)

"""Learning in bounded sums equals what numpy says of all windows at once."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from knowngood.core.detectors.learning import Learner, baseline, begun, taught
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Buckets, Cell, Sample
from knowngood.core.stats.dispersion import design_effect

pytestmark = pytest.mark.unit
LENGTH = 60.0
OK = DataState.OK
VALUES = st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=60)
COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 500)), min_size=2, max_size=40)
TABLES = st.lists(st.lists(st.integers(1, 1000), min_size=4, max_size=4), min_size=2, max_size=30)


def learnt(samples: Sequence[Sample | None]) -> Learner:
    """All windows in order; None is a window that was not healthy."""
    learner = begun(0.0)
    for number, sample in enumerate(samples, 1):
        shown = sample or Sample({}, OK, 1.0)
        learner = taught(learner, shown, number * LENGTH, LENGTH, healthy=sample is not None)
    return learner


def valued(values: Sequence[float]) -> list[Sample]:
    return [Sample({}, OK, v, 10.0) for v in values]


@given(VALUES)
def test_moments(values: list[float]) -> None:
    found = baseline(learnt(valued(values)), shares=True)
    scale = max(1e-9, max(map(abs, values)))
    assert found.windows == len(values)
    assert found.count == 10.0
    assert math.isclose(found.mean, np.mean(values), rel_tol=1e-9, abs_tol=1e-9 * scale)
    assert math.isclose(found.variance, np.var(values, ddof=1), rel_tol=1e-6, abs_tol=1e-9 * scale**2)


@given(st.lists(st.floats(-1e3, 1e3), min_size=8, max_size=60))
def test_tails(values: list[float]) -> None:
    if np.std(values) < 1e-3 * max(1.0, float(np.max(np.abs(values)))):
        return
    found = baseline(learnt(valued(values)), shares=True).kurtosis
    assert math.isclose(found, stats.kurtosis(values, bias=False), rel_tol=1e-4, abs_tol=1e-4)


@pytest.mark.parametrize("values", [[], [1.0], [0.5] * 30, [1e300, -1e300] * 9, [1e-200, 0.0] * 9])
def test_tails_of_what_has_none_are_a_normals(values: list[float]) -> None:
    assert math.isfinite(baseline(learnt(valued(values)), shares=True).kurtosis)


@given(VALUES)
def test_autocorrelation(values: list[float]) -> None:
    array = np.array(values)
    if np.std(array) < 1e-3 * max(1.0, float(np.max(np.abs(array)))):
        return
    about = array - array.mean()
    expected = np.mean(about[1:] * about[:-1]) / np.mean(about**2)
    found = baseline(learnt(valued(values)), shares=True).phi
    assert math.isclose(found, min(1.0, max(-1.0, expected)), rel_tol=1e-6, abs_tol=1e-6)


def test_only_neighbours_tell_of_autocorrelation() -> None:
    values = [1.0, 2.0, 1.5, 3.0, 2.5, 4.0]
    gap: list[Sample | None] = [*valued(values[:3]), None, *valued(values[3:])]
    array = np.array(values) - np.mean(values)
    pairs = [array[i] * array[i + 1] for i in (0, 1, 3, 4)]
    assert math.isclose(baseline(learnt(gap), shares=True).phi, np.mean(pairs) / np.mean(array**2))


def test_windows_that_were_missed_are_no_neighbours() -> None:
    learner = learnt(valued([1.0, 2.0, 1.5]))
    missed = taught(learner, valued([3.0])[0], learner.end + 2 * LENGTH, LENGTH)
    assert (missed.windows, missed.pairs) == (4, learner.pairs)


@given(COUNTS)
def test_dispersion_of_events(windows: list[tuple[int, int]]) -> None:
    samples = [Sample({}, OK, hits / n, n, hits=hits) for hits, n in windows]
    found = baseline(learnt(samples), shares=False)
    hits, n = np.array([w[0] for w in windows], float), np.array([w[1] for w in windows], float)
    assert (found.hits, found.total) == (hits.sum(), n.sum())
    if hits.sum():
        expected = hits.sum() / n.sum() * n
        statistic = np.sum((hits - expected) ** 2 / expected) / (len(windows) - 1)
        assert math.isclose(found.dispersion, statistic, rel_tol=1e-6, abs_tol=1e-6)


@given(COUNTS)
def test_dispersion_of_shares(windows: list[tuple[int, int]]) -> None:
    pairs = [(min(hits, n), n) for hits, n in windows]
    found = baseline(learnt([Sample({}, OK, h / n, n, hits=h) for h, n in pairs]), shares=True)
    hits, n = np.array([w[0] for w in pairs], float), np.array([w[1] for w in pairs], float)
    rate = hits.sum() / n.sum()
    if 0 < rate < 1:
        statistic = np.sum((hits - rate * n) ** 2 / (n * rate * (1 - rate))) / (len(pairs) - 1)
        assert math.isclose(found.dispersion, statistic, rel_tol=1e-6, abs_tol=1e-6)


@given(TABLES)
def test_design_effect(table: list[list[int]]) -> None:
    edges = (1.0, 2.0, 3.0, math.inf)
    samples = [Sample({}, OK, 1.0, sum(c), buckets=Buckets(edges, tuple(c))) for c in table]
    found = baseline(learnt(samples), shares=False)
    counts = np.array(table, float)
    assert found.buckets == Buckets(edges, tuple(int(c) for c in counts.sum(axis=0)))
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    statistic = np.sum((counts - expected) ** 2 / expected) / ((len(table) - 1) * 3)
    assert math.isclose(found.design_effect, max(1.0, statistic), rel_tol=1e-6)


@given(TABLES)
def test_design_effect_of_outcomes(table: list[list[int]]) -> None:
    """Two groups whose favourable and other outcomes are the columns."""
    groups = [(Cell({"g": "a"}, a, a + b), Cell({"g": "b"}, c, c + d)) for a, b, c, d in table]
    samples = [Sample({}, OK, 0.5, float(sum(x.total for x in cells)), cells=cells) for cells in groups]
    assert math.isclose(baseline(learnt(samples), shares=True).design_effect, design_effect(table), rel_tol=1e-6)


def test_events_without_an_exposure_count_windows() -> None:
    found = baseline(learnt([Sample({}, OK, h, None, hits=h) for h in (2.0, 4.0)]), shares=False)
    assert (found.hits, found.total, found.count) == (6.0, 2.0, 0.0)


def test_groups_are_summed_by_their_labels() -> None:
    first = (Cell({"group": "a"}, 1, 10), Cell({"group": "b"}, 2, 10))
    second = (Cell({"group": "b"}, 3, 20), Cell({"group": "c"}, 1, 1))
    found = baseline(learnt([Sample({}, OK, 0.1, 20.0, cells=c) for c in (first, second)]), shares=True).cells
    assert found == (Cell({"group": "a"}, 1, 10), Cell({"group": "b"}, 5, 30), Cell({"group": "c"}, 1, 1))


@given(VALUES, st.lists(st.booleans(), min_size=60, max_size=60))
def test_what_is_not_healthy_teaches_nothing(values: list[float], healthy: list[bool]) -> None:
    marked = [v if fit else None for v, fit in zip(values, healthy, strict=False)]
    found = learnt([None if v is None else Sample({}, OK, v) for v in marked])
    kept = [v for v in marked if v is not None]
    assert found.windows == len(kept)
    if kept:
        assert math.isclose(found.mean, np.mean(kept), rel_tol=1e-9, abs_tol=1e-3)


@pytest.mark.parametrize("state", [s for s in DataState if s is not OK])
def test_what_cannot_be_judged_teaches_nothing(state: DataState) -> None:
    assert learnt([Sample({}, state)]).windows == 0


def test_no_number_teaches_nothing() -> None:
    assert learnt([Sample({}, OK, math.nan), Sample({}, OK, math.inf), Sample({}, OK, None)]).windows == 0


@given(VALUES)
def test_a_window_counts_once(values: list[float]) -> None:
    learner = learnt(valued(values))
    for end in (learner.end, learner.end - LENGTH, 0.0):
        assert taught(learner, Sample({}, OK, 7.0), end, LENGTH) == learner


def test_a_first_window_is_not_whole() -> None:
    learner = taught(begun(LENGTH), Sample({}, OK, 7.0), LENGTH, LENGTH)
    assert learner.windows == 0


def test_other_edges_are_another_histogram() -> None:
    first = Sample({}, OK, 1.0, 3, buckets=Buckets((1.0, math.inf), (1, 2)))
    second = Sample({}, OK, 1.0, 3, buckets=Buckets((2.0, math.inf), (1, 2)))
    assert learnt([first, second, first]).buckets == (2, 4)


def test_nothing_learned_divides_by_nothing() -> None:
    found = baseline(begun(0.0), shares=True)
    assert (found.windows, found.mean, found.variance, found.phi, found.count) == (0, 0.0, 0.0, 0.0, 0.0)
    assert (found.dispersion, found.design_effect, found.buckets) == (1.0, 1.0, None)


def test_events_are_learned_by_their_rate() -> None:
    """A day's traffic would else look like windows that resemble each other."""
    counts = [100.0 * (2 + math.sin(i / 10)) for i in range(200)]
    rates = [0.05 if i % 2 else 0.04 for i in range(200)]
    found = baseline(
        learnt([Sample({}, OK, r * c, c, hits=r * c) for r, c in zip(rates, counts, strict=True)]), shares=False
    )
    assert found.mean == pytest.approx(0.045)
    assert found.phi < -0.9

"""Looking as often as one likes: e-values of two shares, confidence sequences, and trials made of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from knowngood.api.detectors import Direction
from knowngood.core.detectors.trial import Outcome, compare
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Buckets, Sample
from knowngood.core.stats.sequential import log_e_below, radius, restarted

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("first", "other", "less"), [(0.5, 0.5, 0.0), (0.3, 0.4, 0.1), (0.95, 1.0, 0.05), (0.6, 0.5, -0.1)]
)
def test_an_e_value_is_at_most_one_on_average(first: float, other: float, less: float) -> None:
    """Over every outcome there can be, at the edge of the hypothesis."""
    n, m = 40, 25
    x, y = (a.ravel() for a in np.meshgrid(np.arange(n + 1), np.arange(m + 1), indexing="ij"))
    chance = stats.binom.pmf(x, n, first) * stats.binom.pmf(y, m, other)
    assert (chance * np.exp(log_e_below(x, n, y, m, less))).sum() <= 1


def test_it_is_a_ratio_of_likelihoods() -> None:
    """What stands above it is a probability: it sums to one over every outcome there can be."""
    n, m = 12, 9
    x, y = (a.ravel() for a in np.meshgrid(np.arange(n + 1), np.arange(m + 1), indexing="ij"))
    largest = stats.binom.pmf(x, n, x / n) * stats.binom.pmf(y, m, y / m)
    assert (largest * np.exp(log_e_below(x, n, y, m, 1.5))).sum() == pytest.approx(1)


def ever(limit: float, first: float, other: float, less: float) -> float:
    """Share of runs that pass 1/limit at any of 400 looks."""
    rng = np.random.default_rng(4)
    hits, alarmed = np.zeros((2, 500)), np.zeros(500, dtype=bool)
    for look in range(1, 401):
        hits += rng.binomial(10, [[first], [other]], hits.shape)
        alarmed |= log_e_below(hits[0], 10 * look, hits[1], 10 * look, less) >= -math.log(limit)
    return float(alarmed.mean())


def test_peeking_is_free_where_nothing_is_wrong_and_finds_what_is() -> None:
    assert ever(0.1, 0.85, 0.9, 0.05) <= 0.1
    assert ever(0.1, 0.8, 0.9, 0.0) == 1.0


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.floats(-1.2, 1.2))
def test_never_without_a_number(x: int, n: int, y: int, m: int, less: float) -> None:
    assert not math.isnan(log_e_below(min(x, n), n, min(y, m), m, less)[0])


def test_a_confidence_sequence_is_wider_than_an_interval_and_shrinks() -> None:
    widths = [radius(1 / math.sqrt(n), n, 0.05) for n in (100, 1_000, 10_000)]
    assert widths == sorted(widths, reverse=True)
    assert all(w > 1.645 / math.sqrt(n) for w, n in zip(widths, (100, 1_000, 10_000), strict=True))


def test_a_confidence_sequence_holds_at_every_look() -> None:
    rng = np.random.default_rng(5)
    sums = np.cumsum(rng.standard_normal((1_000, 3_000)), axis=1)
    at = np.arange(50, 3_000)
    reach = np.array([radius(1 / math.sqrt(n), float(n), 0.05) for n in at + 1])
    assert (sums[:, at] / (at + 1) > reach).any(axis=1).mean() <= 0.05


def test_sums_begun_anew_are_as_large_as_the_time_on_average() -> None:
    rng = np.random.default_rng(6)
    logs = np.full(20_000, -math.inf)
    for _ in range(30):
        logs = restarted(logs, 0.3 * rng.standard_normal(20_000) - 0.045)
    assert np.exp(logs).mean() == pytest.approx(30, rel=0.05)


def share(hits: float, count: float) -> Sample:
    return Sample({}, DataState.OK, hits / count, count, hits=hits)


def histogram(*counts: int) -> Sample:
    buckets = Buckets((1.0, 2.0, 3.0, math.inf), counts)
    return Sample({}, DataState.OK, 1.0, float(sum(counts)), buckets=buckets)


@pytest.mark.parametrize(
    ("ours", "theirs", "direction", "outcome"),
    [
        (share(950, 1_000), share(9_500, 10_000), Direction.DOWN, Outcome.PASS),
        (share(95, 100), share(9_500, 10_000), Direction.DOWN, Outcome.INCONCLUSIVE),
        (share(700, 1_000), share(9_500, 10_000), Direction.DOWN, Outcome.FAIL),
        (share(700, 1_000), share(9_500, 10_000), Direction.UP, Outcome.PASS),
        (share(700, 1_000), share(9_500, 10_000), Direction.BOTH, Outcome.FAIL),
        (share(2_850, 3_000), share(9_500, 10_000), Direction.BOTH, Outcome.PASS),
        (share(300, 1_000), share(500, 10_000), Direction.UP, Outcome.FAIL),
        (histogram(10, 30, 40, 20), histogram(1_000, 3_000, 4_000, 2_000), Direction.UP, Outcome.INCONCLUSIVE),
        (histogram(900, 2_700, 3_600, 1_800), histogram(1_000, 3_000, 4_000, 2_000), Direction.UP, Outcome.PASS),
        (histogram(10, 100, 300, 600), histogram(1_000, 3_000, 4_000, 2_000), Direction.UP, Outcome.FAIL),
        (histogram(10, 100, 300, 600), histogram(1_000, 3_000, 4_000, 2_000), Direction.DOWN, Outcome.PASS),
        (Sample({}, DataState.OK, 3.0), Sample({}, DataState.OK, 3.0), Direction.UP, Outcome.INCONCLUSIVE),
        (Sample({}, DataState.EMPTY), share(9, 10), Direction.UP, Outcome.INCONCLUSIVE),
        (share(9, 10), Sample({}, DataState.STALE), Direction.UP, Outcome.INCONCLUSIVE),
    ],
)
def test_trials(ours: Sample, theirs: Sample, direction: Direction, outcome: Outcome) -> None:
    found, why = compare(ours, theirs, direction, 0.05, 0.05)
    assert found is outcome
    assert why or Sample({}, DataState.EMPTY) in (ours, theirs) or theirs.state is DataState.STALE


def test_equal_releases_stay_undecided_without_a_harmless_difference() -> None:
    assert compare(share(950, 1_000), share(9_500, 10_000), Direction.DOWN, 0.0, 0.05)[0] is Outcome.INCONCLUSIVE


def test_a_trial_waits_for_its_samples() -> None:
    outcome, why = compare(share(1, 90), share(9_500, 10_000), Direction.DOWN, 0.05, 0.05, min_samples=100)
    assert outcome is Outcome.INCONCLUSIVE
    assert "minSamples 100" in why


def test_no_side_of_a_trial_is_told_apart_by_looking_at_it_the_other_way() -> None:
    """Ever more of equal shares of hits, and of misses, are the same trial."""
    rng = np.random.default_rng(7)
    for _ in range(20):
        x, y = rng.integers(0, 200), rng.integers(0, 200)
        down = compare(share(x, 200), share(y, 200), Direction.DOWN, 0.05, 0.05)
        up = compare(share(200 - x, 200), share(200 - y, 200), Direction.UP, 0.05, 0.05)
        assert down == up


def test_peeking_at_histograms_is_free() -> None:
    rng, alarmed = np.random.default_rng(8), 0
    for _ in range(100):
        ours, theirs = np.zeros((2, 4), dtype=int)
        for _ in range(60):
            ours, theirs = (counts + rng.multinomial(20, [0.1, 0.3, 0.4, 0.2]) for counts in (ours, theirs))
            found, _ = compare(histogram(*ours), histogram(*theirs), Direction.UP, 0.0, 0.2)
            if found is Outcome.FAIL:
                alarmed += 1
                break
    assert alarmed <= 20


def test_both_ways_share_what_may_go_wrong() -> None:
    def first(direction: Direction) -> int:
        outcomes = (compare(share(x, 1_000), share(500, 1_000), direction, 0.0, 0.05)[0] for x in range(500, 1_000))
        return next(i for i, outcome in enumerate(outcomes) if outcome is Outcome.FAIL)

    assert first(Direction.UP) < first(Direction.BOTH)

"""The chance of so many events: exact without unrest, wide where little is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from knowngood.core.stats.counts import Usual, _mixed, tails, usual
from knowngood.core.stats.families import holm, window_alpha
from knowngood.core.stats.pearson import dispersion

pytestmark = pytest.mark.unit


def one(hits: float, exposure: float, base: Usual, alpha: float = 1e-4) -> float:
    return float(tails([hits], [exposure], base, alpha)[0])


def known(rate: float, dispersion: float = 1.0, windows: float = 1e7, phi: float = 0.0) -> Usual:
    """A baseline of so many windows of one exposure that nothing about it is uncertain."""
    return usual([windows], [rate * windows], [windows], [dispersion], [phi])


@pytest.mark.parametrize(("hits", "size", "odds"), [(3, 11.0, 0.02), (1, 1.0, 0.01), (40, 1001.0, 0.02)])
def test_without_unrest_it_is_the_conditional_test_of_two_rates(hits: int, size: float, odds: float) -> None:
    found = _mixed(*(np.array([x]) for x in (float(hits), size, np.log(odds), 0.0)))[0]
    total = hits + round(size) - 1
    assert found == pytest.approx(stats.binom.sf(hits - 1, total, odds / (1 + odds)), rel=1e-10)


@pytest.mark.parametrize(
    ("hits", "size", "mean", "sigma"), [(3, 11, 0.5, 0.4), (40, 1001, 20, 0.3), (5e3, 1e9, 4e3, 0.05)]
)
def test_unrest_is_integrated_over(hits: float, size: float, mean: float, sigma: float) -> None:
    found = _mixed(*(np.array([float(x)]) for x in (hits, size, np.log(mean / size), sigma)))[0]
    u = np.linspace(-9, 12, 400_001)
    odds = mean / size * np.exp(sigma * u - sigma**2 / 2)
    summed = np.trapezoid(stats.norm.pdf(u) * stats.beta.cdf(odds / (1 + odds), hits, size), u)
    assert found == pytest.approx(summed, rel=1e-5)


def test_a_known_rate_without_unrest_is_a_poisson() -> None:
    """Within what even ten million windows leave open of the unrest."""
    assert one(60, 1.0, known(20.0)) == pytest.approx(stats.poisson.sf(59, 20.0), rel=0.05)


@given(st.floats(1.1, 50), st.floats(0.05, 500), st.integers(20, 500), st.floats(1, 5), st.floats(-0.2, 0.9))
def test_more_traffic_with_as_many_more_events_is_never_more_of_a_surprise_than_events_alone(
    factor: float, rate: float, windows: int, spread: float, phi: float
) -> None:
    base = usual([windows], [rate * windows], [windows], [spread], [phi])
    hits = np.ceil(factor * rate + 3 * np.sqrt(rate) + 1)
    assert one(hits, factor, base) >= one(hits, 1.0, base) - 1e-12


@given(st.floats(0.05, 500), st.integers(20, 500), st.floats(1, 5), st.floats(-0.2, 0.8))
def test_less_knowledge_widens(rate: float, windows: int, spread: float, phi: float) -> None:
    hits = np.ceil(2 * rate + 5 * np.sqrt(rate) + 3)
    base = usual([windows], [rate * windows], [windows], [spread], [phi])
    fewer = usual([windows / 2], [rate * windows / 2], [windows / 2], [spread], [phi])
    correlated = usual([windows], [rate * windows], [windows], [spread], [min(phi + 0.2, 0.9)])
    for wider in (fewer, correlated):
        assert one(hits, 1.0, wider) >= one(hits, 1.0, base) * (1 - 1e-6)


@pytest.mark.parametrize("hits", [1e4, 1e9, 1e18, 1e300])
def test_any_number_can_be_judged(hits: float) -> None:
    assert one(hits, 1.0, known(5.0, dispersion=3.0, windows=50)) < 1e-4


def test_an_event_after_none_is_no_surprise_but_many_are() -> None:
    never = usual([60], [0], [60], [1], [0])
    assert one(1, 1.0, never) > 1e-3
    assert one(9, 1.0, never) < 1e-5


def test_dispersion_by_sums_is_that_by_windows() -> None:
    rng = np.random.default_rng(1)
    exposure = rng.integers(50, 500, 200).astype(float)
    hits = rng.negative_binomial(5, 5 / (5 + 0.1 * exposure)).astype(float)
    rate = hits.sum() / exposure.sum()
    pearson = ((hits - rate * exposure) ** 2 / (rate * exposure)).sum() / 199
    sums = (200, hits.sum(), exposure.sum(), (hits**2 / exposure).sum())
    assert dispersion(*sums) == pytest.approx(pearson)
    assert dispersion(*sums, shares=True) == pytest.approx(pearson / (1 - rate))


@pytest.mark.parametrize("sums", [(1, 3.0, 10.0, 1.0), (50, 0.0, 10.0, 0.0), (50, 0.0, 0.0, 0.0)])
def test_what_is_unknown_is_chance(sums: tuple[int, float, float, float]) -> None:
    assert dispersion(*sums) == 1.0


def test_what_a_window_may_risk() -> None:
    assert window_alpha(3_600, 60) == pytest.approx(1 / 60)
    assert window_alpha(3_600, 60, 10) == pytest.approx(1 / 600)
    assert window_alpha(60, 60) == 0.5


def test_holm_rejects_step_by_step() -> None:
    p = np.array([0.04, 0.001, 0.02, 0.9])
    assert holm(p, 0.05).tolist() == [False, True, False, False]
    assert holm(p, 0.07).tolist() == [False, True, True, False]
    assert holm(np.array([0.001, 0.01]), 0.05, tests=4).tolist() == [True, True]
    assert holm(np.array([0.02]), 0.05, tests=4).tolist() == [False]
    assert holm(np.zeros(0), 0.05).tolist() == []

"""Exact tests of two shares, and which of two binned samples is larger."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from knowngood.core.stats.proportions import below
from knowngood.core.stats.rank import superiority

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("n", "m"), [(30, 30), (100, 40), (25, 200)])
@pytest.mark.parametrize(("factor", "less"), [(0.8, 0.0), (1.0, 0.1), (0.5, 0.0)])
@pytest.mark.parametrize("other", [0.2, 0.5, 0.9, 1.0])
def test_its_level_holds_whatever_the_shares_are(n: int, m: int, factor: float, less: float, other: float) -> None:
    """Summed over every outcome there can be, at the edge of the hypothesis."""
    x, y = np.meshgrid(np.arange(n + 1), np.arange(m + 1), indexing="ij")
    p = below(x.ravel(), n, y.ravel(), m, factor, less).reshape(x.shape)
    chance = np.outer(
        stats.binom.pmf(np.arange(n + 1), n, factor * other - less), stats.binom.pmf(range(m + 1), m, other)
    )
    for alpha in (0.1, 0.01, 0.001):
        assert chance[p <= alpha].sum() <= alpha


def test_its_price_is_small() -> None:
    """Beside a test by the normal approximation, which is a little too bold at such levels."""
    n, m, other = 2_000, 2_000, 0.6
    hits = np.arange(800, 1_000)
    p = below(hits, n, 1_200, m, 0.8)
    share, edge = hits / n, 0.8 * other
    z = (share - edge) / np.sqrt(edge * (1 - edge) / n + 0.64 * other * (1 - other) / m)
    found, normal = hits[p < 1e-4].max(), hits[stats.norm.cdf(z) < 1e-4].max()
    assert 0 <= normal - found <= 0.12 * (edge * n - normal)


@given(st.integers(0, 400), st.integers(1, 400), st.integers(0, 400), st.integers(1, 400), st.floats(0.05, 1))
def test_it_is_a_probability_and_falls_with_the_share(x: int, n: int, y: int, m: int, factor: float) -> None:
    x, y = min(x, n), min(y, m)
    (p,) = below(x, n, y, m, factor)
    assert 0 <= p <= 1
    if x / n >= factor * y / m:
        assert p == 1
    if x > 0:
        assert below(x - 1, n, y, m, factor)[0] <= p + 1e-9


def test_many_at_once_are_each_alone() -> None:
    x, n, y, m = (np.array(v) for v in ([3, 40, 0, 90], [100, 100, 50, 100], [60, 80, 50, 5], [100, 90, 50, 10]))
    alone = [below(a, b, c, d, 0.8)[0] for a, b, c, d in zip(x, n, y, m, strict=True)]
    assert below(x, n, y, m, 0.8).tolist() == alone


def test_ranks_are_those_of_scipy() -> None:
    rng = np.random.default_rng(2)
    first, other = rng.integers(0, 6, 300), rng.integers(0, 7, 200)
    bins = np.arange(8) - 0.5
    found = superiority(np.histogram(first, bins)[0], np.histogram(other, bins)[0])
    peer = stats.mannwhitneyu(first, other, use_continuity=False, method="asymptotic")
    assert float(found.share) == pytest.approx(peer.statistic / 300 / 200)
    assert 2 * stats.norm.sf(abs(float(found.z))) == pytest.approx(peer.pvalue)


def test_rows_are_compared_with_rows() -> None:
    a, b = np.array([[5, 1, 0], [1, 1, 4]]), np.array([[1, 1, 4], [5, 1, 0]])
    both = superiority(a, b)
    assert both.share[0] == pytest.approx(1 - both.share[1])
    assert [float(superiority(x, y).share) for x, y in zip(a, b, strict=True)] == pytest.approx(both.share.tolist())


def test_the_standard_error_is_that_of_repetitions() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.multinomial(150, [0.5, 0.3, 0.2], 4_000), rng.multinomial(250, [0.2, 0.4, 0.4], 4_000)
    found = superiority(a, b)
    assert float(found.error.mean()) == pytest.approx(float(found.share.std()), rel=0.04)


def test_all_alike_is_even() -> None:
    found = superiority([0, 9], [0, 4])
    assert (float(found.share), float(found.z), float(found.error)) == (0.5, 0.0, 0.0)

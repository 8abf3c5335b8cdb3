"""Distances of many pairs at once: what scipy says of each pair, and what must hold for any pair."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

from knowngood.core.stats import distances

pytestmark = pytest.mark.unit
CLOSE = 1e-12
WIDTH = 6
POSITIONS = np.array([-3.0, 0.0, 0.5, 2.0, 7.0, 7.25])
Table = NDArray[np.float64]

filled = st.lists(st.integers(1, 10_000), min_size=WIDTH, max_size=WIDTH)
some = st.lists(st.integers(0, 10_000), min_size=WIDTH, max_size=WIDTH).filter(any)
value = st.one_of(st.floats(-1e3, 1e3), st.integers(-3, 3).map(float))
sample = st.lists(value, min_size=1, max_size=40)


unhurried = settings(deadline=None)  # scipy's first call loads half of it


def repeated(counts: list[int]) -> Table:
    return np.repeat(POSITIONS, counts)


def wasserstein(current: Any, reference: Any) -> Table:
    return distances.wasserstein(current, reference, POSITIONS)


SHARES: tuple[Callable[[Any, Any], Table], ...] = (
    distances.kolmogorov_smirnov,
    wasserstein,
    distances.population_stability,
    distances.jensen_shannon,
)


@unhurried
@given(some, some)
def test_binned_distances_are_scipys(a: list[int], b: list[int]) -> None:
    ks = stats.ks_2samp(repeated(a), repeated(b), method="asymp").statistic
    assert distances.kolmogorov_smirnov([a], [b])[0] == pytest.approx(ks, abs=CLOSE)
    area = stats.wasserstein_distance(POSITIONS, POSITIONS, a, b)
    assert wasserstein([a], [b])[0] == pytest.approx(area, abs=CLOSE)
    # the divergence, since its root turns a rounding of 1e-16 into 1e-8 where the two are equal
    assert distances.jensen_shannon([a], [b])[0] ** 2 == pytest.approx(
        np.nan_to_num(jensenshannon(a, b)) ** 2, abs=CLOSE
    )


@unhurried
@given(filled, filled)
def test_those_of_filled_bins_are_scipys(a: list[int], b: list[int]) -> None:
    index = stats.entropy(a, b) + stats.entropy(b, a)
    assert distances.population_stability([a], [b])[0] == pytest.approx(index, rel=CLOSE, abs=CLOSE)
    squared = stats.chi2_contingency(np.array([a, b]), correction=False).statistic
    assert distances.chi_squared([a], [b])[0] == pytest.approx(squared, rel=CLOSE, abs=CLOSE)


@unhurried
@given(sample, sample)
def test_distances_of_samples_are_scipys(x: list[float], y: list[float]) -> None:
    ks = stats.ks_2samp(x, y, method="asymp").statistic
    assert distances.kolmogorov_smirnov_samples([x], [y])[0] == pytest.approx(ks, abs=CLOSE)
    area = stats.wasserstein_distance(x, y)
    assert distances.wasserstein_samples([x], [y])[0] == pytest.approx(area, rel=CLOSE, abs=CLOSE * 1e3)


@unhurried
@given(st.lists(st.tuples(some, some), min_size=2, max_size=5))
def test_many_are_as_each_alone(pairs: list[tuple[list[int], list[int]]]) -> None:
    current, reference = ([pair[side] for pair in pairs] for side in (0, 1))
    for distance in (*SHARES, distances.chi_squared):
        alone = [distance([a], [b])[0] for a, b in pairs]
        assert distance(current, reference).tolist() == pytest.approx(alone, rel=CLOSE)


@unhurried
@given(some, some)
def test_the_same_from_either_side(a: list[int], b: list[int]) -> None:
    for distance in (*SHARES, distances.chi_squared):
        assert distance([a], [b])[0] == pytest.approx(distance([b], [a])[0], rel=CLOSE, abs=CLOSE)


@unhurried
@given(some, st.integers(1, 50))
def test_nothing_between_equal_shares(a: list[int], times: int) -> None:
    for distance in (*SHARES, distances.chi_squared):
        assert distance([a], [[times * c for c in a]])[0] == pytest.approx(0.0, abs=1e-7)


@unhurried
@given(some, some, st.integers(1, 4))
def test_padding_with_empty_bins_changes_nothing(a: list[int], b: list[int], more: int) -> None:
    for distance in (*SHARES[:1], *SHARES[2:], distances.chi_squared):
        assert distance([a + [0] * more], [b + [0] * more])[0] == pytest.approx(distance([a], [b])[0], rel=CLOSE)


@unhurried
@given(some, some, st.permutations(range(WIDTH)))
def test_where_order_means_nothing_it_changes_nothing(a: list[int], b: list[int], order: list[int]) -> None:
    for distance in (distances.population_stability, distances.jensen_shannon, distances.chi_squared):
        moved = distance([[a[i] for i in order]], [[b[i] for i in order]])[0]
        assert moved == pytest.approx(distance([a], [b])[0], rel=1e-9, abs=CLOSE)


@unhurried
@given(filled, st.integers(0, WIDTH - 2), st.integers(1, 100))
def test_the_further_mass_moves_the_greater(a: list[int], at: int, percent: int) -> None:
    """Of mass that goes from one bin to the last: more of it is further away, by every distance."""

    def moved(share: float) -> list[float]:
        gone = a[at] * share
        return [c - gone * (i == at) + gone * (i == WIDTH - 1) for i, c in enumerate(a)]

    for distance in (*SHARES, distances.chi_squared):
        assert distance([moved(percent / 100)], [a])[0] >= distance([moved(percent / 200)], [a])[0] - CLOSE


def test_a_bin_that_one_side_lacks_makes_the_index_infinite() -> None:
    assert distances.population_stability([[1, 0]], [[1, 1]])[0] == np.inf


def test_shifted_samples_lie_their_shift_apart() -> None:
    x = np.linspace(0, 1, 37)[None, :]
    y = np.linspace(0, 1, 37).repeat(3)[None, :] + 2.5
    assert distances.wasserstein_samples(x, y)[0] == pytest.approx(2.5, abs=CLOSE)
    assert distances.kolmogorov_smirnov_samples(x, y)[0] == 1.0

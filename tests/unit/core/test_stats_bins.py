"""Bins made comparable, and how much windows differ."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.core.stats.bins import common_edges, gathered, joined, on_edges, positions
from knowngood.core.stats.dispersion import design_effect, design_effect_of

pytestmark = pytest.mark.unit
INF = math.inf


def test_counts_on_fewer_edges_are_added_up() -> None:
    edges, counts = (1.0, 2.0, 5.0, 10.0, INF), (1, 2, 3, 4, 5)
    wanted = common_edges(edges, (2.0, 3.0, 10.0, INF))
    assert wanted == (2.0, 10.0, INF)
    assert on_edges(wanted, edges, counts) == (3, 7, 5)


def test_a_bin_lies_in_its_middle_and_an_open_one_at_its_edge() -> None:
    assert positions((1.0, 3.0, 7.0, INF)) == (1.0, 2.0, 5.0, 7.0)
    assert positions((INF,)) == (0.0,)
    assert positions((2.0, INF)) == (2.0, 2.0)


@pytest.mark.parametrize(
    ("expected", "least", "labels"),
    [
        ([30, 30, 30], 20, [0, 1, 2]),
        ([5, 30, 5, 5, 30, 4], 20, [0, 0, 1, 1, 1, 1]),
        ([1, 1, 98, 0], 20, [1, 1, 0, 1]),
        ([98, 2, 0, 0], 20, [0, 1, 1, 1]),
        ([0, 0, 50, 50], 20, [0, 0, 0, 1]),
    ],
)
def test_rare_bins_join_their_neighbours(expected: list[float], least: float, labels: list[int]) -> None:
    assert joined(np.array([expected], float), np.array([float(least)]))[0].tolist() == labels


@given(st.lists(st.integers(0, 100), min_size=2, max_size=12).filter(any), st.floats(0.1, 60))
def test_joining_loses_nothing_and_leaves_two(counts: list[int], least: float) -> None:
    table = np.array([counts], float)
    labels = joined(table, np.array([least]))
    together = gathered(table, labels)[0]
    assert together.sum() == sum(counts)
    assert labels.max() >= 1
    if (number := labels.max() + 1) > 2:
        assert together[:number].min() >= least


def test_multinomial_windows_have_no_design_effect() -> None:
    windows = np.random.default_rng(7).multinomial(500, [0.1, 0.2, 0.3, 0.4], size=2_000)
    assert design_effect(windows) == pytest.approx(1.0, abs=0.05)


def test_it_is_the_factor_by_which_shares_vary_more() -> None:
    """Each draw counted thrice: three times the variance, in all directions."""
    windows = 3 * np.random.default_rng(8).multinomial(500, [0.1, 0.2, 0.3, 0.4], size=2_000)
    assert design_effect(windows) == pytest.approx(3.0, rel=0.05)


@given(st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=1, max_size=9))
def test_sums_say_the_same_as_the_windows(windows: list[list[int]]) -> None:
    seen = [w for w in windows if sum(w)]
    counts = [float(sum(w[i] for w in windows)) for i in range(3)]
    scatter = [sum(w[i] ** 2 / sum(w) for w in seen) for i in range(3)]
    assert design_effect(windows) == pytest.approx(design_effect_of(len(seen), counts, scatter))
    assert design_effect(windows) >= 1


def test_sizes_may_differ() -> None:
    random = np.random.default_rng(9)
    windows = [random.multinomial(n, [0.5, 0.3, 0.2]) for n in random.integers(0, 2_000, size=2_000)]
    assert design_effect(windows) == pytest.approx(1.0, abs=0.07)

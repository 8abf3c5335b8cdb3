"""Queries a cycle are counted by whole bursts."""

import pytest

from lab.demo.cycles import per_cycle

pytestmark = pytest.mark.unit


def steps(*moves: tuple[float, float], until: float = 25.0) -> list[tuple[float, float]]:
    """Readings every 0.2 s of a counter that moves by `by` at each time `at`."""
    times = [0.2 * i for i in range(int(until / 0.2))]
    return [(t, sum(by for at, by in moves if at <= t)) for t in times]


def test_whole_bursts_are_averaged_and_cut_ones_left_out():
    assert per_cycle(steps((1, 1), (6, 2), (11, 2), (16, 2), (21, 1)), 5) == 2.0


def test_a_burst_may_take_a_moment():
    assert per_cycle(steps((1, 9), (6, 1), (6.6, 1), (11, 1), (11.4, 1), (16, 5)), 5) == 2.0


def test_without_a_whole_burst_nothing_is_said():
    assert per_cycle(steps(), 5) is None
    assert per_cycle(steps((1, 2), (6, 2)), 5) is None
    assert per_cycle([], 5) is None

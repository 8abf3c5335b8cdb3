"""Run lengths of control charts against printed tables, and limits against run lengths."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowngood.core.stats.estimated import cusum, ewma
from knowngood.core.stats.runlength import (
    cusum_arl,
    cusum_limit,
    ewma_arl,
    ewma_limit,
    overlap,
    pair_arl,
    shewhart_limit,
)

pytestmark = pytest.mark.unit
SHIFTS = (0.0, 0.5, 1.0, 2.0)
CUSUM = {4.0: (167.7, 26.6, 8.38, 3.34), 5.0: (465.0, 38.0, 10.4, 4.01)}
EWMA = [(0.1, 2.814, 10.3), (0.25, 2.998, 11.1), (0.4, 3.054, 14.3)]
KNOWN = 1e9
PRINTED = [(h, shift, arl) for h, arls in CUSUM.items() for shift, arl in zip(SHIFTS, arls, strict=True)]


@pytest.mark.parametrize(("h", "shift", "printed"), PRINTED)
def test_cusum_as_printed(h: float, shift: float, printed: float) -> None:
    assert cusum_arl(0.5, h, shift, 2) == pytest.approx(printed, rel=0.01)


@pytest.mark.parametrize("h", CUSUM)
def test_one_side_alarms_half_as_often_as_two(h: float) -> None:
    assert cusum_arl(0.5, h) == pytest.approx(2 * cusum_arl(0.5, h, 0.0, 2))


@pytest.mark.parametrize(("weight", "limit", "printed"), EWMA)
def test_ewma_as_printed(weight: float, limit: float, printed: float) -> None:
    assert ewma_arl(weight, limit) == pytest.approx(500, rel=0.01)
    assert ewma_arl(weight, limit, 1.0) == pytest.approx(printed, rel=0.01)
    assert ewma_limit(weight, 500.0) == pytest.approx(limit, rel=0.002)


def test_without_memory_it_is_shewharts_chart() -> None:
    """An EWMA of weight 1 alarms where one value passes three sigmas: once in 370."""
    assert ewma_arl(1.0, 3.0) == pytest.approx(370.4, rel=0.001)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 1.5), st.floats(30, 1e5), st.sampled_from([1, 2]))
def test_a_limit_gives_the_run_length_asked_for(k: float, arl: float, sides: int) -> None:
    assert cusum_arl(k, cusum_limit(k, arl, sides), 0.0, sides) == pytest.approx(arl, rel=1e-3)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.05, 1.0), st.floats(30, 1e5))
def test_an_ewmas_limit_gives_it_too(weight: float, arl: float) -> None:
    assert ewma_arl(weight, ewma_limit(weight, arl)) == pytest.approx(arl, rel=1e-3)


def test_one_window_may_be_all_that_was_asked_for() -> None:
    assert cusum_limit(0.5, 1.5) == 0.0
    assert cusum_arl(0.5, 0.0) == pytest.approx(1 / 0.3085, rel=1e-3)


@pytest.mark.parametrize("chart", [cusum, ewma])
def test_the_less_is_known_the_wider_the_limit(chart: object) -> None:
    assert callable(chart)
    limits = [chart(2_000.0, 1.0, float(w), 0.0).limits[0] for w in (50, 100, 200, 500, KNOWN)]
    assert limits == sorted(limits, reverse=True)
    assert limits[-2] < 1.2 * limits[-1], "500 windows are nearly as good as knowing"


@pytest.mark.parametrize("windows", [30.0, 50.0, 200.0])
def test_so_are_the_limits_of_large_shifts_and_single_windows(windows: float) -> None:
    known, estimated = cusum(2_000.0, 1.0, KNOWN, 0.0), cusum(2_000.0, 1.0, windows, 0.0)
    assert estimated.limits[1] > known.limits[1]
    assert estimated.alone > known.alone


def test_with_a_known_baseline_nothing_is_added() -> None:
    (weight,), (limit,) = ewma(1_000.0, 1.0, KNOWN, 0.0).references, ewma(1_000.0, 1.0, KNOWN, 0.0).limits
    assert limit == pytest.approx(ewma_limit(weight, 1_000.0))


@pytest.mark.parametrize(("arl", "shift"), [(400.0, 1.0), (2_000.0, 1.0), (2_000.0, 2.0), (400.0, 0.5)])
def test_charts_together_run_as_long_as_was_asked(arl: float, shift: float) -> None:
    chart = cusum(arl, shift, KNOWN, 0.0)
    first, second = chart.references
    assert pair_arl((first, second), chart.limits, chart.alone) == pytest.approx(arl, rel=0.05)  # type: ignore[arg-type]
    assert min(cusum_arl(k, h) for k, h in zip(chart.references, chart.limits, strict=True)) > arl
    assert chart.alone > shewhart_limit(arl)


def test_a_chart_that_never_alarms_adds_nothing() -> None:
    h = cusum_limit(0.6, 500.0)
    alone = pair_arl((0.6, 1.4), (h, 40.0), math.inf)
    assert alone == pytest.approx(500, rel=0.05)
    assert overlap((0.6, 1.4), (h, 40.0), math.inf) == pytest.approx(1, abs=1e-3)
    assert overlap((0.6, 0.6), (h, h), math.inf) == pytest.approx(2, rel=0.15), "one chart twice alarms once"


@pytest.mark.parametrize("shift", [1.0, 1.5, 2.0, 3.0, 4.0])
@pytest.mark.parametrize("arl", [500.0, 20_000.0])
def test_no_shift_takes_much_longer_than_the_best_chart_for_it(arl: float, shift: float) -> None:
    chart = cusum(arl, 1.0, KNOWN, 0.0)
    first, second = chart.references
    best = cusum_arl(shift / 2, cusum_limit(shift / 2, arl), shift)
    assert pair_arl((first, second), chart.limits, chart.alone, shift) <= 1.15 * best  # type: ignore[arg-type]

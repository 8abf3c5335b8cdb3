"""`change`: sums advance once a window, end by themselves, and keep the run length that was asked for."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.simulate import Gaussian, Null, Shares, delay, run_length
from knowngood.api.conditions import Reason
from knowngood.api.detectors import ChangeDetector, ChangeMethod, Direction
from knowngood.api.observed import Verdict
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.change import Change, Memory
from knowngood.core.detectors.charts import charts, windows_asked
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.detectors.port import Case, Span
from knowngood.core.detectors.standard import healthy
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample

pytestmark = pytest.mark.unit
WINDOW = 60.0
BASELINE = Baseline(windows=200, mean=0.8, variance=0.0004, phi=0.2)
SHARE = Baseline(200, 0.9, 0.0009, 0.0, 100, 18_000, 20_000, 1.0)
DOWN = ChangeDetector(direction="Down", false_alarm_every="1d")
HEALTHY, WAIT, BREACH = Verdict.HEALTHY, Verdict.INCONCLUSIVE, Verdict.BREACH


def sample(value: float, **more: Any) -> Sample:
    return Sample({}, DataState.OK, value, **more)


def judged(
    seen: Sample,
    memory: Memory | None,
    end: float,
    detector: ChangeDetector = DOWN,
    baseline: Baseline | None = BASELINE,
) -> tuple[Judgement, Memory]:
    ((found, after),) = Change().judge(detector, [Case(seen, memory, baseline)], Span(end, WINDOW, 15.0))
    return found, after


def run(
    samples: Sequence[Sample | None], detector: ChangeDetector = DOWN, memory: Memory | None = None, begin: int = 0
) -> tuple[list[Verdict], Memory | None]:
    """Verdicts of windows one after the other; None is a window that was missed."""
    found = []
    for number, seen in enumerate(samples, begin):
        if seen is not None:
            verdict, memory = judged(seen, memory, 86_400 + number * WINDOW, detector)
            found.append(verdict.verdict)
    return found, memory


@pytest.mark.parametrize("method", ChangeMethod)
def test_a_small_shift_is_found_that_no_single_window_shows(method: ChangeMethod) -> None:
    detector = replace_settings(DOWN, method=method)
    found, memory = run([sample(0.77)] * 60, detector)
    assert found[:3] == [HEALTHY] * 3
    assert found[-1] is BREACH
    assert judged(sample(0.77), memory, 86_400 + 60 * WINDOW, detector)[0].reason is Reason.SHIFTED


def replace_settings(detector: ChangeDetector, **changes: Any) -> ChangeDetector:
    return ChangeDetector.model_validate({**detector.model_dump(by_alias=True), **changes})


@pytest.mark.parametrize(("direction", "expected"), [("Down", HEALTHY), ("Up", BREACH), ("Both", BREACH)])
@pytest.mark.parametrize("method", ChangeMethod)
def test_only_the_bad_way_counts(direction: str, expected: Verdict, method: ChangeMethod) -> None:
    found, _ = run([sample(0.86)] * 60, replace_settings(DOWN, direction=direction, method=method))
    assert found[-1] is expected


@pytest.mark.parametrize("method", ChangeMethod)
@pytest.mark.parametrize(("direction", "bad"), [("Down", 0.7), ("Up", 0.9), ("Both", 0.9)])
def test_it_ends_by_itself_however_long_it_lasted(method: ChangeMethod, direction: str, bad: float) -> None:
    detector = replace_settings(DOWN, method=method, direction=direction)
    _, after = run([sample(bad)] * 1_000, detector)
    found, _ = run([sample(0.8)] * 60, detector, after, 1_000)
    assert found[0] is BREACH
    assert found[-1] is HEALTHY
    assert found == sorted(found, key=lambda v: v is HEALTHY), "and does not come back"


def test_a_window_far_out_is_a_breach_and_passes() -> None:
    found, _ = run([sample(0.8), sample(-50.0), *[sample(0.8)] * 10])
    assert found[:3] == [HEALTHY, BREACH, HEALTHY]
    assert set(found[2:]) == {HEALTHY}


@pytest.mark.parametrize("method", ChangeMethod)
def test_where_healthy_windows_have_freaks_one_is_no_shift(method: ChangeMethod) -> None:
    heavy = replace(BASELINE, kurtosis=8.0)
    memory: Memory | None = None
    for number, value in enumerate([0.8, 0.6, *[0.8] * 10]):
        found, memory = judged(sample(value), memory, number * WINDOW, replace_settings(DOWN, method=method), heavy)
        assert found.verdict is HEALTHY


def test_freaks_of_few_windows_are_as_rare_as_was_asked_even_so() -> None:
    """Student's t with ten degrees of freedom: one window in a hundred is past three deviations."""

    class Heavy(Gaussian):
        def windows(self, rng: Any, replicas: int) -> Any:
            null = self

            class Values:
                def next(self, shift: float) -> Sequence[Sample]:
                    drawn = null.mean + null.sigma * rng.standard_t(10, replicas)
                    return [sample(value) for value in drawn.tolist()]

            return Values()

    detector = ChangeDetector(false_alarm_every="150m")
    assert run_length(Change(), detector, Heavy(0.0, 100), 450, 150, seed=2).mean > 0.85 * 150


@pytest.mark.parametrize(("sigmas", "windows"), [(6.0, 1), (4.5, 3), (3.0, 5)])
def test_a_large_shift_shows_in_few_windows(sigmas: float, windows: int) -> None:
    detector = replace_settings(DOWN, falseAlarmEvery="30d")
    found, _ = run([sample(0.8 - 0.02 * sigmas)] * 20, detector)
    assert found.index(BREACH) < windows


def test_what_was_found_is_over_and_not_half_found() -> None:
    _, after = run([sample(0.7)] * 5)
    memory: Memory | None = after
    for number in range(5, 40):
        found, memory = judged(sample(0.8), memory, 86_400 + number * WINDOW)
        if found.verdict is HEALTHY:
            break
    assert memory is not None
    assert (memory.up, memory.down) == ((), ())


@given(st.lists(st.floats(0.7, 0.9), min_size=1, max_size=40), st.integers(1, 4))
def test_a_window_counts_once(values: list[float], times: int) -> None:
    once: Memory | None = None
    often: Memory | None = None
    for number, value in enumerate(values):
        first, once = judged(sample(value), once, number * WINDOW)
        for _ in range(times):
            again, often = judged(sample(value), often, number * WINDOW)
            assert (again, often) == (first, once)


def test_an_earlier_window_changes_nothing() -> None:
    _, memory = run([sample(0.78)] * 5)
    assert memory is not None
    assert judged(sample(0.1), memory, memory.end - 2 * WINDOW)[1] == memory


def test_a_short_gap_stops_the_sum_and_a_long_one_ends_it() -> None:
    _, memory = run([sample(0.76)] * 3)
    assert memory is not None
    _, near = judged(sample(0.8), memory, memory.end + 10 * WINDOW)
    _, far = judged(sample(0.8), memory, memory.end + 30 * WINDOW)
    assert 0 < near.down[0] < memory.down[0]
    assert far.down[0] == 0


def test_after_a_gap_no_window_explains_the_next() -> None:
    _, memory = run([sample(0.76)] * 2)
    assert memory is not None
    _, next_to = judged(sample(0.76), memory, memory.end + WINDOW)
    _, later = judged(sample(0.76), memory, memory.end + 2 * WINDOW)
    assert later.down[0] > next_to.down[0]


@pytest.mark.parametrize("baseline", [None, replace(BASELINE, windows=19)])
def test_it_learns_first(baseline: Baseline | None) -> None:
    found, memory = judged(sample(0.1), None, 0.0, baseline=baseline)
    assert (found.verdict, found.reason, memory) == (WAIT, Reason.LEARNING, None)


def test_a_value_that_never_varied_is_no_measure() -> None:
    found, _ = judged(sample(0.1), None, 0.0, baseline=replace(BASELINE, variance=0.0))
    assert (found.verdict, found.reason) == (WAIT, Reason.NO_SPREAD)


def test_a_share_that_was_always_perfect_still_has_a_standard_error() -> None:
    perfect = Baseline(200, 1.0, 0.0, 0.0, 100, 20_000, 20_000, 1.0)
    memory: Memory | None = None
    for number in range(30):
        found, memory = judged(sample(0.95, count=100, hits=95), memory, number * WINDOW, baseline=perfect)
    assert found.verdict is BREACH


def test_few_observations_say_little() -> None:
    known = healthy(SHARE, sample(0.5, count=100, hits=50))
    many, few = (known.standardised(sample(0.85, count=n, hits=0.85 * n)) for n in (400, 25))
    assert many == pytest.approx(4 * few)
    assert few == pytest.approx(-0.05 / (0.9 * 0.1 / 25) ** 0.5, rel=0.01)


def test_over_dispersion_does_not_go_away_with_more_traffic() -> None:
    over = replace(SHARE, dispersion=10.0)
    known = healthy(over, sample(0.5, count=100, hits=50))
    much, more = (known.standardised(sample(0.85, count=n, hits=0.85 * n)) for n in (10_000, 1_000_000))
    assert more == pytest.approx(much, rel=0.05)


def test_the_limit_follows_the_dial_and_the_segments() -> None:
    known = healthy(BASELINE, sample(0.8))

    def limit(every: str, segments: int, direction: Direction = Direction.BOTH) -> float:
        detector = ChangeDetector(direction=direction, false_alarm_every=every)
        return charts(detector, windows_asked(every, WINDOW), segments, known).up[0]

    assert limit("1d", 1) < limit("30d", 1) < limit("30d", 10)
    assert limit("1d", 10) == pytest.approx(limit("10d", 1))
    assert limit("2d", 1, Direction.UP) == pytest.approx(limit("1d", 1)), "two sides alarm twice as often as one"


def test_a_dial_shorter_than_a_chart_can_keep_is_no_endless_alarm() -> None:
    found, _ = run([sample(0.8)] * 50, ChangeDetector(false_alarm_every="1s"))
    assert set(found) == {HEALTHY}


def test_the_longer_tail_of_a_share_has_the_wider_limit() -> None:
    rare = Baseline(200, 0.98, 0.0004, 0.0, 50, 9_800, 10_000, 1.0)
    seen = sample(0.98, count=50, hits=49)
    found = charts(ChangeDetector(), 1_000, 1, healthy(rare, seen))
    assert all(down > 1.1 * up for down, up in zip(found.down, found.up, strict=True))
    assert found.alone[1] > 1.1 * found.alone[0]


NULLS = [
    pytest.param(Gaussian(), ChangeMethod.CUSUM, 100, id="known"),
    pytest.param(Gaussian(), ChangeMethod.EWMA, 100, id="known-ewma"),
    pytest.param(Gaussian(0.5, 100), ChangeMethod.CUSUM, 100, id="estimated"),
    pytest.param(Gaussian(0.5, 100), ChangeMethod.EWMA, 100, id="estimated-ewma"),
    pytest.param(Gaussian(0.5, 50), ChangeMethod.PAGE_HINKLEY, 60, id="page-hinkley"),
    pytest.param(Shares(p=0.95, count=60), ChangeMethod.CUSUM, 100, id="shares"),
]


@pytest.mark.parametrize(("null", "method", "replicas"), NULLS)
def test_false_alarms_are_as_rare_as_asked(null: Null, method: ChangeMethod, replicas: int) -> None:
    """A seeded sample; D1 measures it closely."""
    detector = ChangeDetector(method=method, false_alarm_every="150m")
    assert run_length(Change(), detector, null, 450, replicas, seed=2).mean > 0.85 * 150


def test_residuals_are_needed_where_windows_resemble_each_other() -> None:
    """The same data, as if its windows were independent, alarm far too often."""

    class Blind(Gaussian):
        def baselines(self, rng: Any, replicas: int) -> Sequence[Baseline]:
            return [replace(each, phi=0.0) for each in super().baselines(rng, replicas)]

    detector = ChangeDetector(false_alarm_every="150m")
    assert run_length(Change(), detector, Blind(0.5), 450, 50, seed=2).mean < 0.6 * 150


def test_larger_shifts_are_found_sooner() -> None:
    detector = ChangeDetector(false_alarm_every="1d")
    delays = [delay(Change(), detector, Gaussian(), shift, 40, seed=4, before=0) for shift in (1.0, 2.0, 4.0)]
    assert delays == sorted(delays, reverse=True)
    assert delays[0] < 20


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(-1e300, 1e300), st.floats(1, 1e9) | st.none()), max_size=20))
def test_sums_stay_bounded_on_any_data(windows: list[tuple[float, float | None]]) -> None:
    for method, baseline in itertools.product(ChangeMethod, (BASELINE, SHARE)):
        memory: Memory | None = None
        limits = charts(ChangeDetector(method=method), 1_440, 1, healthy(baseline, sample(0.8)))
        for number, (value, count) in enumerate(windows):
            seen = sample(value, count=count, hits=value if count else None)
            _, memory = judged(seen, memory, number * WINDOW, ChangeDetector(method=method), baseline)
            assert all(abs(seen) <= 3 * most for seen, most in zip(memory.up, limits.up, strict=False))
            assert all(abs(seen) <= 3 * most for seen, most in zip(memory.down, limits.down, strict=False))

"""`trend`: slow slides are found, noise is not, and what was slid back is healthy again."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.simulate import Gaussian, autoregressive, run_length
from knowngood.api.conditions import Reason
from knowngood.api.detectors import TrendDetector
from knowngood.api.observed import Verdict
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.detectors.port import Case, Span
from knowngood.core.detectors.trend import Memory, Trend
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample
from knowngood.core.stats.trend import limit, slide

pytestmark = pytest.mark.unit
WINDOW = 60.0
DETECTOR = TrendDetector(over="100m", direction="Down", false_alarm_every="2d")
HEALTHY, WAIT, BREACH = Verdict.HEALTHY, Verdict.INCONCLUSIVE, Verdict.BREACH


def noise(number: int, phi: float = 0.0, seed: int = 5) -> np.ndarray[Any, np.dtype[np.float64]]:
    stream = autoregressive(np.random.default_rng(seed), 1, phi)
    return np.array([next(stream)[0] for _ in range(number)])


def run(
    values: Iterable[float | None], detector: TrendDetector = DETECTOR, memory: Memory | None = None, begin: int = 1
) -> tuple[list[Judgement], Memory | None]:
    """Judgements of windows one after the other; None is a window that was missed."""
    found = []
    for number, value in enumerate(values, begin):
        if value is not None:
            seen = Sample({}, DataState.OK, float(value), 100)
            ((judged, memory),) = Trend().judge(detector, [Case(seen, memory)], Span(number * WINDOW, WINDOW, 15))
            found.append(judged)
    return found, memory


def verdicts(found: Sequence[Judgement]) -> list[Verdict]:
    return [each.verdict for each in found]


SLIDING = 0.9 - 0.0005 * np.arange(200) + 0.01 * noise(200)


def test_a_slow_slide_is_found() -> None:
    found, _ = run(SLIDING)
    assert verdicts(found)[:11] == [WAIT] * 11
    assert verdicts(found)[11] is HEALTHY
    assert found[-1].verdict is BREACH
    assert found[-1].reason is Reason.SLIDING


def test_the_good_way_is_no_breach() -> None:
    up = TrendDetector(over="100m", direction="Up", false_alarm_every="2d")
    assert BREACH not in verdicts(run(SLIDING, up)[0])
    assert BREACH in verdicts(run(-SLIDING, up)[0])


def test_it_says_how_much_time_is_left_in_steps() -> None:
    detector = TrendDetector(over="100m", direction="Down", limit=0.3, false_alarm_every="2d")
    found, _ = run(0.9 - 0.0005 * np.arange(1_180) + 0.01 * noise(1_180), detector)
    said = list(dict.fromkeys(each.message for each in found if each.verdict is BREACH))
    assert said == [
        "the value slides steadily down; at this pace it reaches 0.3 in about a day",
        "the value slides steadily down; at this pace it reaches 0.3 in hours",
        "the value slides steadily down; at this pace it reaches 0.3 in less than an hour",
    ]


def test_what_an_incident_keeps_of_it_has_the_time_left_too() -> None:
    detector = TrendDetector(over="100m", direction="Down", limit=0.8, false_alarm_every="2d")
    found, _ = run(0.9 - 0.0005 * np.arange(160) + 0.01 * noise(160), detector)
    first = next(each for each in found if each.verdict is BREACH)
    assert first.threshold.startswith("a steady slide over 100m; at this pace it reaches 0.8 in ")
    assert next(each for each in found if each.verdict is HEALTHY).threshold == "a steady slide over 100m"


def test_a_limit_that_it_slid_past_is_said_to_be_passed() -> None:
    detector = TrendDetector(over="100m", direction="Down", limit=0.8, false_alarm_every="2d")
    found, _ = run(0.9 - 0.0005 * np.arange(400) + 0.01 * noise(400), detector)
    said = [text for text, _ in groupby(each.message for each in found if each.verdict is BREACH)]
    assert said[-1] == "the value slides steadily down; it has passed 0.8"
    assert len(said) == len(set(said)), "what was passed stays so"


def test_the_time_left_is_not_said_to_grow_again() -> None:
    """A slide that slows down would otherwise be told anew with every step back."""
    fast = 0.9 - 0.002 * np.arange(150)
    slow = fast[-1] - 0.0002 * np.arange(100)
    detector = TrendDetector(over="100m", direction="Down", limit=0.3, false_alarm_every="2d")
    found, _ = run(np.concatenate([fast, slow]) + 0.01 * noise(250), detector)
    said = list(dict.fromkeys(each.message for each in found if each.verdict is BREACH))
    assert found[-1].verdict is BREACH
    assert said == ["the value slides steadily down; at this pace it reaches 0.3 in hours"]


def test_no_time_is_named_to_a_limit_it_slides_away_from() -> None:
    detector = TrendDetector(over="100m", direction="Down", limit=2.0, false_alarm_every="2d")
    assert run(SLIDING, detector)[0][-1].message == "the value slides steadily down"


def test_it_is_a_breach_while_it_stays_down_and_healthy_when_it_is_back() -> None:
    _, slid = run(SLIDING)
    down, slid = run(0.8 + 0.01 * noise(60), memory=slid, begin=201)
    assert set(verdicts(down)) == {BREACH}
    back, _ = run(0.9 + 0.01 * noise(60, seed=6), memory=slid, begin=261)
    assert back[0].verdict is BREACH
    assert set(verdicts(back[10:])) == {HEALTHY}


def test_a_level_that_lasts_as_long_as_over_is_a_slide_no_more() -> None:
    _, slid = run(SLIDING)
    found, _ = run(0.8 + 0.01 * noise(300), memory=slid, begin=201)
    assert set(verdicts(found[:100])) == {BREACH}
    assert found[-1].verdict is HEALTHY


def test_windows_are_joined_so_that_memory_is_small() -> None:
    week = TrendDetector(over="7d", direction="Down")
    _, memory = run(0.9 + 0.01 * noise(2_000), week)
    assert memory is not None
    assert memory.each == 101
    assert len(memory.times) == 2_000 // 101
    _, memory = run(0.9 + 0.01 * noise(500))
    assert memory is not None
    assert len(memory.times) == 100


def test_missed_windows_leave_holes_and_no_more() -> None:
    values = [None if i % 3 == 0 else v for i, v in enumerate(SLIDING)]
    found, memory = run(values)
    assert found[-1].verdict is BREACH
    assert memory is not None
    assert len(memory.times) == 67


def test_over_that_holds_too_few_windows_says_what_to_write() -> None:
    found, _ = run([0.5] * 3, TrendDetector(over="5m"))
    assert verdicts(found) == [WAIT] * 3
    assert "write a longer one" in found[0].message


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=12, max_size=30))
def test_a_window_counts_once(values: list[float]) -> None:
    memory: Memory | None = None
    for number, value in enumerate(values, 1):
        seen, span = Sample({}, DataState.OK, value), Span(number * WINDOW, WINDOW, 15)
        first = Trend().judge(DETECTOR, [Case(seen, memory)], span)
        memory = first[0][1]
        assert Trend().judge(DETECTOR, [Case(seen, memory)], span) == first


@given(st.lists(st.floats(-10, 10), min_size=12, max_size=40))
def test_reversed_values_slide_the_other_way(values: list[float]) -> None:
    times = np.arange(len(values), dtype=float)
    found, turned = slide(times, np.array(values)), slide(times, -np.array(values))
    assert turned.z == pytest.approx(-found.z, abs=0.01 * abs(found.z) + 1e-9)
    assert turned.slope == pytest.approx(-found.slope)


def test_sens_slope_is_the_lines() -> None:
    times = np.array([0.0, 1, 2, 4, 5, 6, 7, 8, 9, 12, 13, 14])
    found = slide(times, 3 + 0.5 * times)
    assert (found.slope, found.first, found.last) == pytest.approx((0.5, 3, 10))
    spoilt = 3 + 0.5 * times
    spoilt[3] = 1e6
    assert slide(times, spoilt).slope == pytest.approx(0.5, rel=0.2), "one freak value moves it little"


def test_the_textbooks_score_without_ties() -> None:
    """Twelve rising values: S = 66, variance 12·11·29/18."""
    found = slide(np.arange(12.0), np.arange(12.0))
    assert found.phi == 0
    assert found.z == pytest.approx(66 / (12 * 11 * 29 / 18) ** 0.5)


def test_the_limit_rises_with_the_dial() -> None:
    assert limit(100.0, 100, 0.0) < limit(1_000.0, 100, 0.0) < limit(1_000.0, 20, 0.0)


@pytest.mark.parametrize("phi", [0.0, 0.5])
def test_false_alarms_are_as_rare_as_asked(phi: float) -> None:
    """A seeded sample through judge; D1 measures it closely."""
    detector = TrendDetector(over="60m", false_alarm_every="200m")
    assert run_length(Trend(), detector, Gaussian(phi), 600, 12, seed=3).mean > 0.9 * 200


def test_autocorrelation_is_taken_for_no_slide() -> None:
    """Without its correction the same data would look like slides: this is what the correction is for."""
    scores = [slide(np.arange(100.0), noise(100, 0.5, seed)) for seed in range(40)]
    raw = [found.z * (1 + 2 * 0.5 / 0.5) ** 0.5 for found in scores]
    assert np.std([found.z for found in scores]) < 1.2
    assert np.std(raw) > 1.4

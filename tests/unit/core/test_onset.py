"""When it began: found in the samples where they tell, else said to lie between two polls; never a guess."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowngood.api.analysis import OnsetMethod
from knowngood.api.evidence import Series
from knowngood.core.incidents.onset import Limit, Onset, change_point, limit_of, onset
from knowngood.core.incidents.tracks import Track, tracks
from tests import builders as b
from tests import samples as s

pytestmark = pytest.mark.unit
T = b.START.timestamp()


def test_a_drop_is_found_within_a_scrape() -> None:
    found = onset(s.asked(s.ratio(s.drop(250))))
    assert found.method is OnsetMethod.CHANGE_POINT
    assert abs(found.at - T - 250) <= 5
    assert found.earliest is not None
    assert T + 235 <= found.earliest <= T + 250 <= found.latest <= T + 265


@pytest.mark.parametrize("moment", [202.0, 203.5, 227.5, 281.0, 288.9])
def test_the_interval_holds_the_moment_wherever_it_lies_between_scrapes(moment: float) -> None:
    found = onset(s.asked(s.ratio(s.drop(moment))))
    assert found.earliest is not None
    assert found.earliest <= T + moment <= found.latest


def test_releases_are_looked_at_together_since_the_one_that_fails_never_was_good() -> None:
    old = s.ratio(lambda _: 0.97, end=250, labels={"release": "1"})
    new = s.ratio(lambda _: 0.2, first=250, labels={"release": "2"})
    found = onset(s.asked([*old, *new]))
    assert found.method is OnsetMethod.CHANGE_POINT
    assert abs(found.at - T - 250) <= 5


def test_a_release_that_is_always_wrong_has_no_good_series() -> None:
    old = s.ratio(lambda _: 0.97, end=250, labels={"release": "1"})
    new = s.ratio(lambda _: 0.0, first=250, labels={"release": "2"})[1:]
    assert abs(onset(s.asked([*old, *new])).at - T - 250) <= 5
    alone = onset(s.asked(s.ratio(lambda _: 0.0)[1:]))
    assert alone.method is OnsetMethod.BEFORE_SAMPLES


def test_what_is_wrong_from_the_first_sample_on_began_before() -> None:
    found = onset(s.asked(s.ratio(lambda _: 0.2)))
    assert found == Onset(T, None, T, OnsetMethod.BEFORE_SAMPLES)


def test_what_was_well_in_between_did_not_begin_before() -> None:
    """The bad release was there once before, and is rolled out again."""
    found = onset(s.asked(s.ratio(lambda t: 0.1 if t < 120 or t > 280 else 0.97)))
    assert found.method is not OnsetMethod.BEFORE_SAMPLES
    assert found.at >= T + 250


@pytest.mark.parametrize("points", [0, 1, 3, 7])
def test_with_few_points_it_lies_between_the_last_healthy_poll_and_the_breach(points: int) -> None:
    found = onset(s.asked(s.ratio(lambda _: 0.95, first=300 - 5 * points) if points else [], since=300, reach=40))
    assert found == Onset(T + 280, T + 260, T + 300, OnsetMethod.FIRST_BREACH)


def test_a_detector_that_adds_up_evidence_does_not_say_how_long_before() -> None:
    assert onset(s.asked([], reach=None)) == Onset(T + 300, None, T + 300, OnsetMethod.FIRST_BREACH)


def test_an_improvement_is_no_onset() -> None:
    better = s.ratio(s.drop(100, 0.2, 0.99))
    assert onset(s.asked(better, limit=s.BELOW)).method is not OnsetMethod.CHANGE_POINT
    assert onset(s.asked(better, limit=Limit(False, 0.5))).method is OnsetMethod.CHANGE_POINT


def test_what_changed_after_the_breach_was_seen_is_not_its_onset() -> None:
    assert onset(s.asked(s.ratio(s.drop(250)), since=230)).method is OnsetMethod.FIRST_BREACH


def test_the_first_events_of_a_counter_that_is_born_later_count() -> None:
    old = s.series([float(n) for n in range(20)], name="x_total")
    born = s.series([7.0, 9.0], first=50, name="x_total", labels={"pod": "new"})
    (found,) = tracks([old, born])
    assert found.values.sum() == 19 + 9
    assert found.values[found.ends == T + 50] == 1 + 7


def test_a_counter_that_was_there_before_the_samples_counts_from_them_on() -> None:
    (found,) = tracks([s.series([100.0, 101.0, 103.0], name="x_total"), s.series([50.0, 51.0], name="x_total")])
    assert list(found.values) == [2, 2]


def test_a_counter_that_begins_again_counts_from_zero() -> None:
    (found,) = tracks([s.series([10.0, 12.0, 3.0, 4.0], name="x_total")])
    assert list(found.values) == [2, 3, 1]


def test_a_reset_of_a_counter_is_no_onset() -> None:
    good, total = s.ratio(lambda _: 0.97)
    assert onset(s.asked([_restarted(good), _restarted(total)])).method is OnsetMethod.FIRST_BREACH


def _restarted(counter: Series) -> Series:
    """The counter, begun again half way."""
    before, after = counter.points[:31], counter.points[31:]
    again = [p.model_copy(update={"v": str(float(p.v) - float(before[-1].v))}) for p in after]
    return counter.model_copy(update={"points": [*before, *again]})


def test_gauges_rates_and_histograms_are_dated_too() -> None:
    rng = np.random.default_rng(5)
    gauge = [s.series([float(v) for v in (*rng.normal(0.9, 0.02, 50), *rng.normal(0.5, 0.02, 11))])]
    rate = [s.counter(lambda t: 1.0 if t < 250 else 9.0, name="blocked_total")]
    low = s.counter(lambda t: 15.0 if t < 250 else 2.0, name="score_bucket", labels={"le": "0.5"})
    every = s.counter(lambda _: 20.0, name="score_bucket", labels={"le": "+Inf"})
    for found in (gauge, rate, [low, every]):
        made = onset(s.asked(found, limit=None))
        assert made.method is OnsetMethod.CHANGE_POINT, found[0].labels
        assert abs(made.at - T - 250) <= 5


def _noisy(rng: Any, bins: int, at: float, before: float, after: float, many: float) -> Track:
    weights = rng.poisson(many, bins).astype(float)
    share = np.clip(at - np.arange(bins), 0, 1)
    hits = rng.binomial(weights.astype(int), before * share + after * (1 - share))
    kept = weights > 0
    edges = np.arange(bins + 1.0)
    values = np.divide(hits, weights, out=np.zeros(bins), where=kept)
    return Track(edges[:-1][kept], edges[1:][kept], values[kept], weights[kept], share=True)


@pytest.mark.parametrize(("bins", "after", "many"), [(60, 0.2, 20), (60, 0.8, 10), (150, 0.5, 3), (30, 0.6, 10)])
def test_the_interval_holds_the_moment_nineteen_times_in_twenty(bins: int, after: float, many: float) -> None:
    rng = np.random.default_rng(11)
    held = found = 0
    for _ in range(400):
        at = rng.uniform(bins * 0.5, bins * 0.93)
        made = change_point(_noisy(rng, bins, at, 0.95, after, many), s.BELOW)
        if made is not None:
            found += 1
            held += (made[1].earliest or 0.0) <= at <= made[1].latest
    assert found >= 0.8 * 400
    assert held >= 0.95 * found


@pytest.mark.parametrize("bins", [8, 30, 150])
def test_where_nothing_changed_nothing_is_found(bins: int) -> None:
    rng = np.random.default_rng(12)
    found = sum(change_point(_noisy(rng, bins, bins, 0.95, 0.95, 20)) is not None for _ in range(500))
    assert found <= 0.02 * 500


def test_a_limit_is_read_from_what_the_detector_wrote() -> None:
    assert limit_of("below 0.9") == Limit(True, 0.9)
    assert limit_of("above 5") == Limit(False, 5.0)
    assert [limit_of(t) for t in ("", "below", "below NaN", "p < 0.01", "below 0.1 or above 0.9")] == [None] * 5


VALUES = st.one_of(st.floats(), st.integers(0, 50).map(float), st.just(float("nan")))
NAMED = st.fixed_dictionaries({}, optional={"le": st.sampled_from(["1", "+Inf", ""]), "group": st.text(max_size=2)})


@st.composite
def any_series(draw: Any) -> Series:
    values = draw(st.lists(VALUES, max_size=30))
    return s.series(
        values,
        first=draw(st.floats(-1e6, 1e6)),
        step=draw(st.floats(0, 1e4)),
        part=draw(st.sampled_from(["", "good", "total"])),
        labels=draw(NAMED),
        name=draw(st.sampled_from(["x", "x_total", "x_bucket"])),
    )


@settings(max_examples=300)
@given(st.lists(any_series(), max_size=6), st.floats(-1e5, 1e5), st.floats(0, 1e4), st.sampled_from([None, s.BELOW]))
def test_any_samples_give_an_onset_that_is_no_later_than_the_breach(
    found: list[Series], since: float, reach: float, limit: Limit | None
) -> None:
    made = onset(s.asked(found, since, reach, limit))
    assert made.at <= made.latest <= T + since + 1e-6
    assert made.earliest is None or made.earliest <= made.at
    if made.method is OnsetMethod.CHANGE_POINT:
        times = [p.t.timestamp() for one in found for p in one.points]
        assert min(times) - 1e-6 <= (made.earliest or made.at)
    for track in tracks(found):
        assert len(track.starts) == len(track.ends) == len(track.values) == len(track.weights)

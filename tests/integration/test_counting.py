"""Counters against a real Prometheus: each observation counts once, whatever the counter does meanwhile."""

import random

import pytest

from knowngood.core.signals import never
from knowngood.core.signals.answer import DataState
from tests.integration.conftest import EVERY, START, Value, World

pytestmark = pytest.mark.integration
WINDOW, STEPS = 60.0, 4  # seconds, and scrapes in them


def risen(increments: list[float], start: float = 0.0) -> list[Value]:
    """A counter at each scrape."""
    values: list[Value] = []
    for increment in increments:
        start += increment
        values.append(start)
    return values


def scrapes(minutes: float) -> int:
    """How many scrapes there are in as many minutes, both ends included."""
    return round(minutes * 60 / EVERY) + 1


@pytest.mark.parametrize("late", [0.0, 7.0])
def test_windows_add_up_to_what_was_counted(world: World, late: float) -> None:
    rolls = random.Random(7)
    increments = [float(rolls.choice([0, 0, 0, 1, 40])) for _ in range(scrapes(10))]
    world.scraped("x_total", risen(increments, 1e6), first=late - 15 if late else 0)
    request = world.request("events", metric="x_total", window="1m")
    assert world.total(request, 10) == sum(increments[1:])


def lived(rolls: random.Random) -> tuple[list[Value], float]:
    """A counter that is born some time, and restarts now and then; with what it counted after the first scrape."""
    born = rolls.choice([0, 0, rolls.randrange(1, 30)])
    value, true = (0.0, 0.0) if born else (100.0, 0.0)
    values: list[Value] = [None] * born
    for scrape in range(born, scrapes(10)):
        increment = float(rolls.choice([0, 1, 2, 25]))
        if rolls.random() < 0.1 and scrape > born + STEPS and value > 25:
            value = 0.0  # a restart that can be seen
        value += increment
        true += increment if scrape else 0.0
        values.append(value)
    return values, true


def test_many_counters_with_resets_and_births_add_up(world: World) -> None:
    rolls = random.Random(11)
    world.up([1.0] * scrapes(10))
    lives = {f"r{number}": lived(rolls) for number in range(60)}
    for release, (values, _) in lives.items():
        world.scraped("x_total", values, release=release)
    request = world.request("events", metric="x_total", window="1m")
    counted = dict.fromkeys(lives, 0.0)
    for window in range(1, 11):
        for sample in world.samples(request, window * WINDOW):
            counted[sample.labels["release"]] += sample.hits or 0.0
    assert counted == {release: true for release, (_, true) in lives.items()}


class TestBirths:
    def test_a_counter_born_at_one_is_one_once(self, world: World) -> None:
        world.up([1.0] * scrapes(10))
        world.scraped("x_total", [None] * 14 + [1.0] * 20)
        request = world.request("events", metric="x_total", window="1m")
        found = [s.hits for end in range(1, 8) for s in world.samples(request, end * WINDOW)]
        assert found == [1, 0, 0, 0], "absent until then, then counted once"

    @pytest.mark.parametrize("whole", [True, False])
    def test_also_on_a_pod_that_is_new(self, world: World, whole: bool) -> None:
        world.up([1.0] * scrapes(10))
        world.up([None] * 30 + [1.0] * 10, pod="b")
        world.scraped("x_total", [None] * 30 + [3.0] * 10, pod="b")
        request = world.request("events", whole=whole, metric="x_total", window="1m")
        assert world.one(request, 30 * EVERY + 30).hits == 3

    def test_again_after_a_restart_that_forgot_the_counter(self, world: World) -> None:
        world.up([1.0] * scrapes(10))
        world.scraped("x_total", [None] * 10 + [1.0] * 10 + [None] * 8 + [1.0] * 12)
        request = world.request("events", metric="x_total", window="1m")
        assert world.total(request, 10) == 2

    def test_a_source_that_has_just_begun_believes_no_counter_to_be_new(self, world: World) -> None:
        for pod, first in (("a", 0.0), ("b", 13.0)):
            world.up([1.0] * scrapes(10), pod=pod, first=first)
            world.scraped("x_total", [1e6] * scrapes(10), pod=pod, first=first)
        for whole in (True, False):
            request = world.request("events", whole=whole, metric="x_total", window="1m")
            for after in range(5, 300, 5):
                assert sum(s.hits or 0 for s in world.samples(request, after)) == 0, after

    def test_a_target_that_could_not_be_scraped_comes_back_with_no_new_life(self, world: World) -> None:
        gap = 40  # scrapes: ten minutes
        world.up([1.0] * scrapes(30), pod="other")
        world.up([1.0] * 20 + [0.0] * gap + [1.0] * 40)
        world.scraped("x_total", [1e6] * 20 + [None] * gap + [1e6 + 5 * n for n in range(40)])
        for whole in (True, False):
            request = world.request("events", whole=whole, metric="x_total", window="1m")
            counted = [s.hits or 0 for end in range(1, 25) for s in world.samples(request, end * WINDOW)]
            assert max(counted) <= 30, counted

    def test_nor_does_a_source_that_was_away(self, world: World) -> None:
        for pod, first in (("a", 0.0), ("b", 13.0)):
            values: list[Value] = [1e6] * 20
            world.scraped("x_total", values, pod=pod, first=first)
            world.up([1.0] * 20, pod=pod, first=first)
            world.scraped("x_total", values, pod=pod, first=first + 660)
            world.up([1.0] * 20, pod=pod, first=first + 660)
        request = world.request("events", whole=False, metric="x_total", window="1m")
        for after in range(0, 960, 5):
            assert sum(s.hits or 0 for s in world.samples(request, after)) == 0, after

    def test_without_up_the_siblings_tell(self, world: World) -> None:
        world.scraped("all_total", risen([10.0] * scrapes(10)))
        world.scraped("x_total", [None] * 30 + [2.0] * 10)
        request = world.request("events", metric="x_total", exposure="all_total", window="1m")
        assert world.one(request, 30 * EVERY + 30).hits == 2


class TestGaps:
    @pytest.mark.parametrize("failed", [range(8, 9), range(7, 10), range(9, 11), range(6, 15)])
    def test_scrapes_that_failed_lose_little(self, world: World, failed: range) -> None:
        wanted = risen([1.0] * scrapes(10), 50.0)
        world.scraped("x_total", [None if n in failed else v for n, v in enumerate(wanted)])
        world.up([0.0 if n in failed else 1.0 for n in range(scrapes(10))])
        request = world.request("events", metric="x_total", window="1m")
        assert 40 - len(failed) <= world.total(request, 10) <= 40
        after = world.total(request, 5, first=6)
        assert after == 20, "windows that are covered are exact again"

    def test_a_pod_that_ends_keeps_what_it_counted(self, world: World) -> None:
        world.up([1.0] * 18)
        world.scraped("x_total", [*risen([10.0] * 18), None])
        request = world.request("events", metric="x_total", window="1m")
        assert world.total(request, 10) == pytest.approx(170, abs=10), "within what one step holds"

    def test_a_reset_between_two_points_loses_what_one_step_holds(self, world: World) -> None:
        world.scraped("x_total", risen([1.0] * 34, 500.0) + risen([1.0] * 30), every=5.0)
        request = world.request("events", metric="x_total", window="1m")
        assert world.total(request, 5) == pytest.approx(60, abs=3)


class TestEvents:
    def test_absent_events_are_none_where_their_exposure_is_there(self, world: World) -> None:
        world.scraped("all_total", risen([10.0] * scrapes(3)))
        request = world.request("events", metric="x_total", exposure="all_total", window="1m")
        found = world.one(request, 120)
        assert (found.state, found.value, found.hits, found.count) == (DataState.OK, 0, 0, 40)

    def test_two_pods_are_one_series(self, world: World) -> None:
        for pod in ("a", "b"):
            world.scraped("all_total", risen([10.0] * scrapes(3)), pod=pod)
            world.scraped("x_total", risen([1.0] * scrapes(3)), pod=pod)
        request = world.request("events", metric="x_total", exposure="all_total", window="1m")
        found = world.one(request, 120)
        assert (found.hits, found.count) == (8, 80)

    def test_a_release_that_is_gone_is_a_sample_of_its_own(self, world: World) -> None:
        world.scraped("all_total", risen([10.0] * scrapes(3)), release="2")
        world.scraped("all_total", risen([1.0] * scrapes(3)), release="1")  # feedback that arrives late
        request = world.request("events", metric="x_total", exposure="all_total", window="1m")
        assert {s.labels["release"]: s.count for s in world.samples(request, 120)} == {"1": 4, "2": 40}

    def test_what_is_no_more_scraped_is_stale_then_gone(self, world: World) -> None:
        world.source.write(
            "x_total",
            {"namespace": world.namespace, "model": "digits", "release": "1"},
            [(START + n * 15, float(n)) for n in range(5)],
        )
        request = world.request("events", whole=False, metric="x_total", window="2m")
        assert world.one(request, 60).state is DataState.OK
        assert world.one(request, 100).state is DataState.STALE
        assert world.samples(request, 600) == []

    def test_another_namespace_is_not_read(self, world: World) -> None:
        world.scraped("x_total", risen([1.0] * scrapes(3)), namespace="somebody-else")
        assert world.samples(world.request("events", metric="x_total", window="1m"), 120) == []


class TestRatio:
    def test_a_release_that_was_always_wrong_is_zero(self, world: World) -> None:
        world.scraped("all_total", risen([10.0] * scrapes(3)))
        for whole in (True, False):
            request = world.request("ratio", whole=whole, good="good_total", total="all_total", window="1m")
            found = world.one(request, 120)
            assert (found.value, found.hits) == (0, 0)

    def test_the_first_right_answer_counts(self, world: World) -> None:
        world.up([1.0] * scrapes(10))
        world.scraped("all_total", risen([1.0] * scrapes(10)))
        world.scraped("good_total", [None] * 30 + [1.0] * 10)
        request = world.request("ratio", good="good_total", total="all_total", window="1m")
        found = world.one(request, 480)
        assert (found.value, found.hits, found.count) == (1 / 4, 1, 4)


@pytest.mark.parametrize(("name", "rows"), [("right_total", 0), ("rigth_total", 1)])
def test_a_counter_that_went_is_told_from_one_that_was_never_there(world: World, name: str, rows: int) -> None:
    """A release that is always wrong has no counter of right answers; the one before it had."""
    world.scraped("all_total", risen([10.0] * 240))
    world.scraped("right_total", risen([9.0] * 20), release="0")
    vital = world.request("ratio", good=name, total="all_total", window="1m").vital
    assert vital is not None
    found = world.source.ask(never.absent(vital[0]), START + 3600)
    assert found.state is DataState.OK
    assert len(found.rows) == rows

"""Histograms and outcomes against a real Prometheus: whole observations, by edge and by group."""

import math
import random
from typing import Any

import pytest

from knowngood.core.signals.answer import DataState, parse_answer
from tests.integration.conftest import EVERY, START, Value, World
from tests.integration.prometheus import Native
from tests.integration.test_counting import risen, scrapes

pytestmark = pytest.mark.integration
OUTCOMES: dict[str, Any] = {
    "metric": "decisions_total",
    "outcomeLabel": "outcome",
    "favourable": ["approve", "maybe"],
    "groupLabels": ["group"],
    "window": "1m",
}


def observe(world: World, increments: dict[str, list[float]], pod: str = "a") -> None:
    """A classic histogram: what fell into each bucket, not cumulative, at each scrape."""
    below: list[float] = [0.0] * scrapes(10)
    for le, values in increments.items():
        below = [b + v for b, v in zip(below, values, strict=False)]
        world.scraped("score_bucket", risen(below), le=le, pod=pod)
    world.scraped("score_count", risen(below), pod=pod)
    world.scraped("score_sum", risen([n / 2 for n in below]), pod=pod)


class TestClassic:
    @pytest.mark.parametrize("whole", [True, False])
    def test_counts_are_whole_and_add_up(self, world: World, whole: bool) -> None:
        observe(world, {"0.5": [3.0] * 41, "1": [0.0] * 41, "+Inf": [2.0] * 41})
        found = world.one(world.request("histogram", whole=whole, metric="score", window="1m"), 300)
        assert found.buckets is not None
        assert found.buckets.edges == (0.5, 1.0, math.inf)
        assert found.buckets.counts == (12, 0, 8)
        assert (found.value, found.count) == (pytest.approx(0.5), 20)

    def test_windows_add_up_through_restarts_of_pods(self, world: World) -> None:
        rolls = random.Random(3)
        edges = ["0.1", "0.5", "0.9", "+Inf"]
        world.up([1.0] * scrapes(10))
        world.up([None] * 17 + [1.0] * 24, pod="b")
        falls = {le: [float(rolls.randrange(6)) for _ in range(scrapes(10))] for le in edges}
        observe(world, falls)
        late: dict[str, list[Value]] = {}
        below = [0.0] * 24
        for le in edges:
            below = [b + v for b, v in zip(below, falls[le][17:], strict=True)]
            late[le] = [None] * 17 + risen(below)
        for le, values in late.items():
            world.scraped("score_bucket", values, le=le, pod="b")
        request = world.request("histogram", metric="score", window="1m")
        sums = [0, 0, 0, 0]
        for window in range(1, 11):
            found = world.one(request, window * 60).buckets
            assert found is not None
            sums = [a + b for a, b in zip(sums, found.counts, strict=True)]
        assert sums == [sum(falls[le][1:]) + sum(falls[le][17:]) for le in edges]

    def test_the_same_edge_written_twice_is_one(self, world: World) -> None:
        observe(world, {"1": [4.0] * 41, "+Inf": [1.0] * 41})
        observe(world, {"1.0": [2.0] * 41, "+Inf": [1.0] * 41}, pod="b")
        found = world.one(world.request("histogram", metric="score", window="1m"), 300).buckets
        assert found is not None
        assert (found.edges, found.counts) == ((1.0, math.inf), (24, 8))

    def test_without_observations_nothing_is_judged(self, world: World) -> None:
        observe(world, {"1": [0.0] * 41, "+Inf": [0.0] * 41})
        found = world.one(world.request("histogram", metric="score", window="1m"), 300)
        assert (found.state, found.count) == (DataState.TOO_FEW, 0)


class TestNative:
    def test_counts_fall_into_a_fixed_grid(self, world: World) -> None:
        values: list[Value] = [Native([n, 2.0 * n], sum=4.0 * n, offset=1) for n in range(41)]
        world.scraped("score", values)
        found = world.one(world.request("histogram", metric="score", window="1m"), 300)
        assert found.buckets is not None
        # with schema 0 the buckets 1 and 2 are (1, 2] and (2, 4]
        used = {e: c for e, c in zip(found.buckets.edges, found.buckets.counts, strict=True) if c}
        assert used == {2.0: 4, 4.0: 8}
        assert (found.value, found.count) == (pytest.approx(4 / 3, rel=1e-4), 12)

    def test_the_grid_is_the_same_for_every_window(self, world: World) -> None:
        rolls = random.Random(5)
        counts = [0.0] * 30
        values: list[Value] = []
        for _ in range(scrapes(10)):
            counts[rolls.randrange(30)] += 5.0
            values.append(Native(list(counts), sum=sum(counts), offset=-20, schema=3))
        world.scraped("score", values)
        request = world.request("histogram", metric="score", window="1m")
        found = [world.one(request, window * 60).buckets for window in range(1, 11)]
        assert {b.edges for b in found if b} == {found[0].edges if found[0] else ()}
        assert sum(sum(b.counts) for b in found if b) == 40 * 5

    def test_one_that_is_born_counts(self, world: World) -> None:
        world.up([1.0] * scrapes(10))
        world.scraped("score", [None] * 30 + [Native([3.0], sum=3.0)] * 11)
        request = world.request("histogram", metric="score", window="1m")
        assert sum(s.count or 0 for w in range(1, 11) for s in world.samples(request, w * 60)) == 3

    def test_both_kinds_of_one_histogram_count_once(self, world: World) -> None:
        world.scraped("score", [Native([float(n)], sum=float(n)) for n in range(41)])
        observe(world, {"1": [1.0] * 41, "+Inf": [0.0] * 41})
        found = world.one(world.request("histogram", metric="score", window="1m"), 300)
        assert found.count == 4

    def test_a_range_tells_the_same(self, world: World) -> None:
        world.scraped("score", [Native([float(n)], sum=float(n)) for n in range(41)])
        request = world.request("histogram", metric="score", window="1m")
        form = {"query": request.query, "start": START + 120, "end": START + 300, "step": 60}
        raw = world.source.session.post(f"{world.source.url}/api/v1/query_range", data=form, timeout=10)
        answer = parse_answer(raw.status_code, raw.content)
        rows = [row for series in answer.series for row in series.rows()]
        for end in (120, 180, 240, 300):
            then = [row for row in rows if row.at == START + end]
            assert request.decoder(then, START + end, 30) == world.samples(request, end)

    def test_by_an_expression_it_is_no_number(self, world: World) -> None:
        world.scraped("score", [Native([float(n)], sum=float(n)) for n in range(41)])
        found = world.one(world.request("promql", query="score"), 300)
        assert (found.state, found.value) == (DataState.NAN, None)
        assert "histogram_avg" in found.message
        assert world.one(world.request("promql", query="histogram_count(score)"), 300).value == 20


class TestOutcomes:
    def test_each_group_is_a_cell(self, world: World) -> None:
        for group, outcome, each in (("a", "approve", 8), ("a", "deny", 2), ("b", "maybe", 5), ("b", "deny", 5)):
            world.scraped("decisions_total", risen([float(each)] * scrapes(10)), group=group, outcome=outcome)
        found = world.one(world.request("outcomes", **OUTCOMES), 300)
        assert [(c.labels, c.favourable, c.total) for c in found.cells] == [
            ({"group": "a"}, 32, 40),
            ({"group": "b"}, 20, 40),
        ]
        assert (found.value, found.hits, found.count) == (0.65, 52, 80)
        assert found.labels == {"namespace": world.namespace, "model": "digits", "release": "1"}

    def test_a_group_that_was_never_approved_has_none(self, world: World) -> None:
        world.scraped("decisions_total", risen([3.0] * scrapes(10)), group="c", outcome="deny")
        (cell,) = world.one(world.request("outcomes", **OUTCOMES), 300).cells
        assert (cell.favourable, cell.total) == (0, 12)

    def test_the_first_outcome_of_a_group_counts(self, world: World) -> None:
        world.up([1.0] * scrapes(10))
        world.scraped("decisions_total", risen([3.0] * scrapes(10)), group="a", outcome="deny")
        world.scraped("decisions_total", [None] * 30 + [1.0] * 11, group="b", outcome="approve")
        request = world.request("outcomes", **OUTCOMES)
        cells = [c for w in range(1, 11) for s in world.samples(request, w * 60) for c in s.cells]
        assert sum(c.favourable for c in cells if c.labels == {"group": "b"}) == 1
        assert sum(c.total for c in cells if c.labels == {"group": "a"}) == 120


def test_what_is_read_of_a_window(world: World) -> None:
    """Of the whole windows of a long signal hardly more than its new samples is read, and that once."""
    world.up([1.0] * scrapes(120))
    for pod in ("a", "b", "c"):
        world.scraped("x_total", risen([1.0] * scrapes(120)), pod=pod)
    request = world.request("events", metric="x_total", window="30m")
    new = 3 * 30 * 60 / EVERY
    assert world.source.samples_read(request.query, START + 5400) <= 1.1 * new

"""The inputs `events`, `histogram` and `outcomes`: samples from the rows of an answer, whatever the rows are."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.core.signals import buckets, events, histogram, outcomes, pooling
from knowngood.core.signals.answer import DataState, NativeHistogram, Row
from knowngood.core.signals.sample import Buckets, Cell, Sample
from tests import builders as b

pytestmark = pytest.mark.unit
NOW = b.START.timestamp()
LABELS = {"namespace": "vision", "model": "digits"}
OUTCOMES: dict[str, Any] = {"outcome": "outcome", "favourable": {"approve"}, "groups": ("group",)}
NUMBERS = st.floats() | st.floats(0, 1e6)


def sound(found: Sample) -> None:
    """What every sample keeps, whatever the source said."""
    assert (found.state is DataState.OK) == (found.value is not None)
    for number in (found.value, found.count, found.hits):
        assert number is None or math.isfinite(number)
    assert found.state is DataState.OK or found.message
    assert not any(name.startswith("knowngood_") for name in found.labels)


class TestEvents:
    def decoded(self, *rows: Row) -> Sample:
        (found,) = events.decode(rows, NOW, 30)
        return found

    def test_events_with_their_exposure(self) -> None:
        found = self.decoded(b.row(3.2, "events"), b.row(99.7, "exposure"), b.row(NOW, "time"))
        assert found == Sample(LABELS, DataState.OK, value=3, count=100, newest=NOW, hits=3)

    def test_absent_events_are_none(self) -> None:
        assert self.decoded(b.row(50, "exposure")).value == 0

    def test_a_counter_that_nobody_has_is_said_to_count_as_zero_of_all_together(self) -> None:
        nobody = events.decode([b.row(50, "exposure")], NOW, 30, counter="blokced_total")
        assert (nobody[0].state, nobody[0].value, nobody[0].message) == (DataState.OK, 0, "")
        (said,) = nobody.remarks
        assert said.startswith("no model has a series of blokced_total"), "its name may be misspelt"
        born = [b.row(50, "exposure"), b.row(50, "exposure", model="other"), b.row(0, "events", model="other")]
        assert list(events.decode(born, NOW, 30).remarks) == [], "what others have is rare, not misspelt"

    def test_an_exposure_that_is_named_and_not_there_is_said(self) -> None:
        (found,) = events.decode([b.row(2, "events")], NOW, 30, chances="reqests_total")
        assert (found.value, found.count) == (2, None)
        assert "no series of reqests_total" in found.message
        (known,) = events.decode([b.row(2, "events"), b.row(9, "exposure")], NOW, 30, chances="requests_total")
        assert known.message == ""

    def test_without_an_exposure_nothing_is_known_of_it(self) -> None:
        assert self.decoded(b.row(2, "events")).count is None

    def test_no_exposure_and_no_events_are_nothing_to_judge(self) -> None:
        assert self.decoded(b.row(0, "exposure")).state is DataState.TOO_FEW
        assert self.decoded(b.row(0, "exposure"), b.row(1, "events")).value == 1, "an event is one all the same"

    @pytest.mark.parametrize(
        ("count", "age", "state"),
        [
            (math.nan, 0, DataState.NAN),
            (math.inf, 0, DataState.INF),
            (2.0**53, 0, DataState.INF),
            (1.0, 31, DataState.STALE),
        ],
    )
    def test_states(self, count: float, age: float, state: DataState) -> None:
        assert self.decoded(b.row(count, "events"), b.row(NOW - age, "time")).state is state

    def test_events_that_do_not_tell_releases_apart_have_all_of_the_exposure(self) -> None:
        exposure = [b.row(10, "exposure", release=r) for r in ("1", "2")]
        found = self.decoded(b.row(1, "events"), *exposure)
        assert (found.labels, found.hits, found.count) == (LABELS, 1, 20)

    def test_an_exposure_that_does_not_tell_releases_apart_is_every_releases(self) -> None:
        found = self.decoded(b.row(1, "events", release="1"), b.row(10, "exposure"))
        assert (found.labels["release"], found.hits, found.count) == ("1", 1, 10)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["events", "exposure", "time", "", "x"]),
                NUMBERS,
                st.dictionaries(st.sampled_from(["release", "pod"]), st.sampled_from("12"), max_size=2),
            ),
            max_size=8,
        )
    )
    def test_any_rows(self, rows: list[tuple[str, float, dict[str, str]]]) -> None:
        given_rows = [b.row(v, part, 0, **labels) for part, v, labels in rows]
        found = events.decode(given_rows, NOW, 30)
        for one in found:
            sound(one)
            assert one.hits is None or one.hits == one.value == round(one.hits)
        assert len({tuple(sorted(s.labels.items())) for s in found}) == len(found), "one a series"


def row_of(histogram_: NativeHistogram, **labels: str) -> Row:
    return Row({**LABELS, **labels, "knowngood_part": "native"}, math.nan, NOW, histogram_)


class TestHistogram:
    def decoded(self, *rows: Row) -> Sample:
        (found,) = histogram.decode(rows, NOW, 30)
        return found

    def classic(self, **cells: float) -> list[Row]:
        return [b.row(v, "bucket", le=le.replace("inf", "+Inf").strip("_")) for le, v in cells.items()]

    def test_counts_are_whole_not_cumulative_and_add_up(self) -> None:
        rows = self.classic(_1=3.4, _2=3.3999, inf=8.6)
        found = self.decoded(*rows, b.row(17.2, "sum"), b.row(NOW, "time"))
        assert found.buckets == Buckets((1.0, 2.0, math.inf), (3, 0, 6))
        assert (found.count, found.value, found.labels) == (9, 2.0, LABELS)

    def test_the_order_of_rows_says_nothing(self) -> None:
        rows = self.classic(inf=8.0, _10=7.0, _2=3.0)
        assert self.decoded(*rows).buckets == Buckets((2.0, 10.0, math.inf), (3, 4, 1))

    def test_an_edge_that_not_every_series_has_is_left_out(self) -> None:
        rows = self.classic(_1=20.0, _2=15.0, _5=18.0, inf=40.0)
        assert self.decoded(*rows).buckets == Buckets((1.0, math.inf), (20, 20))

    @pytest.mark.parametrize("cells", [{"_1": 5.0}, {"x": 5.0}, {"nan": 5.0}])
    def test_without_all_observations_nothing_is_judged(self, cells: dict[str, float]) -> None:
        found = self.decoded(*self.classic(**cells))
        assert found.state is DataState.EMPTY
        assert "+Inf" in found.message

    def test_the_mean_stays_within_the_buckets(self) -> None:
        rows = self.classic(_1=0.0, _2=10.0, inf=10.0)
        assert self.decoded(*rows, b.row(99, "sum")).value == 2
        assert self.decoded(*rows, b.row(-99, "sum")).value == 1
        assert self.decoded(*rows, b.row(math.nan, "sum")).value == 1.5
        assert self.decoded(*rows).value == 1.5

    def test_a_sum_of_negative_observations_is_no_counter(self) -> None:
        rows = [b.row(v, "bucket", le=le) for le, v in (("-1", 4.0), ("1", 8.0), ("+Inf", 8.0))]
        assert self.decoded(*rows, b.row(8, "sum")).value == -0.5

    def test_a_native_histogram_stands_before_a_classic_one(self) -> None:
        native = NativeHistogram(4, 6, ((1, 2, 4),))
        found = self.decoded(row_of(native), *self.classic(_1=20.0, inf=20.0))
        assert (found.count, found.value) == (4, 1.5)

    def test_negative_observations_have_edges_too(self) -> None:
        native = NativeHistogram(9, -3, ((-2, -1, 4), (-0.001, 0.001, 3), (1, 2, 2)))
        found = self.decoded(row_of(native)).buckets
        assert found is not None
        used = {e: c for e, c in zip(found.edges, found.counts, strict=True) if c}
        assert used == {-1.0: 4, 2.0**-9: 3, 2.0: 2}

    @pytest.mark.parametrize("schema", range(-4, 9))
    def test_every_resolution_falls_on_its_grid(self, schema: int) -> None:
        base = 2.0 ** (2.0**-schema)
        used = tuple((base**n, base ** (n + 1), 1.0) for n in range(5))
        found = self.decoded(row_of(NativeHistogram(5, 5 * base, used))).buckets
        assert found is not None
        assert sum(found.counts) == 5
        assert found.edges == tuple(edge for edge, _ in buckets.native(NativeHistogram(1, 1, used[2:3])))

    def test_custom_edges_are_kept(self) -> None:
        native = NativeHistogram(9, 20, ((-math.inf, 0.3, 4), (0.3, 5, 3), (5, math.inf, 2)))
        assert self.decoded(row_of(native)).buckets == Buckets((0.3, 5.0, math.inf), (4, 3, 2))

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["bucket", "sum", "time", "native", "x"]),
                NUMBERS,
                st.sampled_from(["1", "1.0", "2", "-1", "+Inf", "NaN", "x", ""]),
            ),
            max_size=10,
        ),
        st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=4),
    )
    def test_any_rows(self, rows: list[tuple[str, float, str]], native: list[tuple[float, float, float]]) -> None:
        given_rows = [b.row(v, part, 0, **({"le": le} if part == "bucket" else {})) for part, v, le in rows]
        if native:
            given_rows.append(row_of(NativeHistogram(1.0, 1.0, tuple(native)), pod="x"))
        for found in histogram.decode(given_rows, NOW, 30):
            sound(found)
            if found.buckets is not None:
                assert found.buckets.edges[-1] == math.inf
                assert list(found.buckets.edges) == sorted(set(found.buckets.edges))
                assert min(found.buckets.counts) >= 0
                assert sum(found.buckets.counts) == found.count
                assert len(found.buckets.counts) == len(found.buckets.edges)

    @given(st.lists(st.floats(0, 1e5), min_size=1, max_size=12))
    def test_rounding_keeps_the_total(self, counts: list[float]) -> None:
        edges = [*(str(n) for n in range(len(counts) - 1)), "+Inf"]
        below = [math.fsum(counts[: n + 1]) for n in range(len(counts))]
        found = buckets.whole(buckets.classic(zip(edges, below, strict=True)))
        assert sum(found.counts) == round(below[-1])


class TestOutcomes:
    def decoded(self, *rows: Row) -> Sample:
        (found,) = outcomes.decode(rows, NOW, 30, **OUTCOMES)
        return found

    def outcome(self, value: float, group: str, outcome: str) -> Row:
        return b.row(value, "outcomes", group=group, outcome=outcome)

    def test_each_group_is_a_cell(self) -> None:
        rows = [self.outcome(8, "a", "approve"), self.outcome(2, "a", "deny"), self.outcome(5, "b", "deny")]
        found = self.decoded(*rows, b.row(NOW, "time"))
        assert found.cells == (Cell({"group": "a"}, 8, 10), Cell({"group": "b"}, 0, 5))
        assert (found.value, found.count, found.hits, found.labels) == (8 / 15, 15, 8, LABELS)

    def test_releases_are_samples_of_their_own(self) -> None:
        rows = [b.row(1, "outcomes", group="a", outcome="deny", release=r) for r in ("1", "2")]
        assert [s.labels["release"] for s in outcomes.decode(rows, NOW, 30, **OUTCOMES)] == ["1", "2"]

    def test_without_outcomes_nothing_is_judged(self) -> None:
        assert self.decoded(self.outcome(0.2, "a", "deny")).state is DataState.TOO_FEW
        assert self.decoded(self.outcome(math.nan, "a", "deny")).state is DataState.NAN
        assert self.decoded(self.outcome(5, "a", "deny"), b.row(NOW - 31, "time")).state is DataState.STALE

    def test_a_favourable_outcome_that_nobody_has_is_said_with_those_that_there_are(self) -> None:
        found = self.decoded(self.outcome(8, "a", "approved"), self.outcome(2, "b", "deny"))
        assert (found.state, found.value) == (DataState.OK, 0), "a release that approves nobody is one all the same"
        assert found.message.startswith("no outcome is one of favourable (approve), so that none counts")
        assert found.message.endswith("there are approved, deny")
        assert self.decoded(self.outcome(0, "a", "approve"), self.outcome(2, "b", "deny")).message == ""

    def test_a_label_of_groups_that_no_series_has_is_said(self) -> None:
        found = self.decoded(b.row(8, "outcomes", outcome="approve"), b.row(2, "outcomes", outcome="deny"))
        assert found.cells == (Cell({"group": ""}, 8, 10),)
        assert found.message == "no series has the label group (groupLabels): write one that they have"

    def test_without_the_label_of_the_outcome_nothing_is_judged(self) -> None:
        found = self.decoded(b.row(8, "outcomes", group="a"), b.row(2, "outcomes", group="b"))
        assert (found.state, found.count) == (DataState.EMPTY, None)
        assert found.message == "no series has the label outcome (outcomeLabel): write the one that holds the outcome"

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["outcomes", "time", ""]),
                NUMBERS,
                st.dictionaries(st.sampled_from(["group", "outcome"]), st.sampled_from(["approve", "a"]), max_size=2),
            ),
            max_size=8,
        )
    )
    def test_any_rows(self, rows: list[tuple[str, float, dict[str, str]]]) -> None:
        for found in outcomes.decode([b.row(v, part, 0, **labels) for part, v, labels in rows], NOW, 30, **OUTCOMES):
            sound(found)
            assert all(0 <= c.favourable <= c.total for c in found.cells)
            assert found.value is None or sum(c.total for c in found.cells) == found.count


class TestPooling:
    def test_what_is_remarked_on_every_pod_is_remarked_on_all_of_them(self) -> None:
        said = Sample({}, DataState.OK, value=0.0, count=9, hits=0, message="no series")
        unsaid = Sample({}, DataState.OK, value=1.0, count=9, hits=9)
        for pool in (pooling.pooled, pooling.summed, pooling.regrouped):
            cells = (Cell({"group": "a"}, 0, 9),) if pool is pooling.regrouped else ()
            one, other = replace(said, cells=cells), replace(unsaid, cells=cells)
            assert pool([one, one], LABELS).message == "no series"
            assert pool([one, other], LABELS).message == ""

    def test_events_add_up_with_their_exposure(self) -> None:
        pods = [events.decode([b.row(2, "events"), b.row(9, "exposure")], NOW, 30)[0]] * 3
        found = pooling.summed(pods, LABELS)
        assert (found.value, found.hits, found.count) == (6, 6, 27)

    def test_histograms_add_up_on_the_edges_they_share(self) -> None:
        one = Sample({}, DataState.OK, value=1.0, count=6, buckets=Buckets((1.0, 2.0, math.inf), (1, 2, 3)))
        two = Sample({}, DataState.OK, value=4.0, count=3, buckets=Buckets((2.0, 5.0, math.inf), (0, 1, 2)))
        found = pooling.merged([one, two], LABELS)
        assert found.buckets == Buckets((2.0, math.inf), (3, 6))
        assert (found.value, found.count) == (2.0, 9)

    def test_groups_add_up(self) -> None:
        cells = (Cell({"group": "a"}, 1, 4), Cell({"group": "b"}, 2, 2))
        pod = Sample({}, DataState.OK, value=0.5, count=6, hits=3, cells=cells)
        other = Sample({}, DataState.OK, value=0.0, count=1, hits=0, cells=(Cell({"group": "a"}, 0, 1),))
        found = pooling.regrouped([pod, other], LABELS)
        assert found.cells == (Cell({"group": "a"}, 1, 5), Cell({"group": "b"}, 2, 2))
        assert (found.value, found.hits, found.count) == (3 / 7, 3, 7)

    @pytest.mark.parametrize("pool", [pooling.pooled, pooling.summed, pooling.merged, pooling.regrouped])
    def test_where_nothing_can_be_judged_the_first_says_why(self, pool: Any) -> None:
        pods = [
            Sample({"pod": p}, DataState.NAN, message="the value is NaN", newest=n) for p, n in (("a", 1.0), ("b", 2.0))
        ]
        assert pool(pods, LABELS) == Sample(LABELS, DataState.NAN, message="the value is NaN", newest=2.0)

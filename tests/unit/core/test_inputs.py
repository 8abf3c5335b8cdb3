"""The inputs `ratio` and `promql`: what is asked, and samples with their data state from the rows of the answer."""

import math

import promql_parser as promql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.signals import RatioInput
from knowngood.core.signals import expression, ratio
from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.request import Ask
from knowngood.core.signals.sample import Sample
from knowngood.core.signals.scope import QueryError, scoped
from tests import builders as b

pytestmark = pytest.mark.unit
NOW = b.START.timestamp()
BY = ("model", "namespace", "release")


def decoded(*rows: Row) -> Sample:
    (sample,) = ratio.decode(rows, NOW, 30)
    return sample


class TestRatio:
    def test_good_over_total(self) -> None:
        found = decoded(b.row(90, "good"), b.row(100, "total"), b.row(NOW, "time"))
        assert (found.state, found.value, found.count, found.hits) == (DataState.OK, 0.9, 100, 90)
        assert found.labels == {"namespace": "vision", "model": "digits"}

    def test_a_release_that_is_always_wrong_has_no_good_series_and_is_zero(self) -> None:
        found = decoded(b.row(100, "total"), b.row(NOW, "time"))
        assert (found.state, found.value) == (DataState.OK, 0.0)
        assert "no series of good" in found.message, "its name may be misspelt"

    def test_extrapolation_does_not_pass_one(self) -> None:
        assert decoded(b.row(100.4, "good"), b.row(100, "total"), b.row(NOW, "time")).value == 1.0

    @pytest.mark.parametrize(
        ("good", "total", "age", "state"),
        [
            (0.0, 0.0, 0, DataState.TOO_FEW),
            (math.nan, 5.0, 0, DataState.NAN),
            (5.0, math.nan, 0, DataState.NAN),
            (5.0, math.inf, 0, DataState.INF),
            (-math.inf, 5.0, 0, DataState.INF),
            (5.0, 5.0, 31, DataState.STALE),
            (0.0, 0.0, 31, DataState.STALE),
        ],
    )
    def test_states(self, good: float, total: float, age: float, state: DataState) -> None:
        found = decoded(b.row(good, "good"), b.row(total, "total"), b.row(NOW - age, "time"))
        assert (found.state, found.value) == (state, None)
        assert found.message

    def test_releases_are_samples_of_their_own(self) -> None:
        rows = [b.row(n, part, release=r) for r, n in (("1", 10.0), ("2", 20.0)) for part in ("good", "total")]
        found = ratio.decode([*rows, b.row(5, "good", release="3")], NOW, 30)
        assert {s.labels["release"] for s in found} == {"1", "2"}, "good alone, without a total, judges nothing"

    def test_nothing_is_nothing(self) -> None:
        assert ratio.decode([], NOW, 30) == []

    def test_the_request_is_valid_and_in_its_namespace(self) -> None:
        ask = Ask("vision", BY, 15, whole=True)
        query = ratio.request(RatioInput(good="good_total", total="all_total", window="1m"), ask).query
        assert promql.parse(query)
        assert query.count('namespace="vision"') == sum(
            query.count(f"{n}{{") for n in ("good_total", "all_total", "up")
        )

    @given(st.lists(st.tuples(st.sampled_from(["good", "total", "time", "", "x"]), st.floats()), max_size=8))
    def test_any_rows_give_a_share_or_a_state(self, rows: list[tuple[str, float]]) -> None:
        for found in ratio.decode([b.row(v, part) for part, v in rows], NOW, 30):
            assert (found.state is DataState.OK) == (found.value is not None)
            assert found.value is None or (math.isfinite(found.value) and 0 <= found.value <= 1)


class TestPromql:
    def decoded(self, *rows: Row, counted: bool = False, aged: bool = True) -> Sample:
        (sample,) = expression.decode(rows, NOW, 30, counted, aged)
        return sample

    def test_a_value_with_its_samples(self) -> None:
        found = self.decoded(
            b.row(0.4, "value"), b.row(120, "samples"), b.row(NOW - 5, "time0"), b.row(NOW - 9, "time1"), counted=True
        )
        assert found == Sample(
            {"namespace": "vision", "model": "digits"}, DataState.OK, value=0.4, count=120, newest=NOW - 9
        )

    @pytest.mark.parametrize(
        ("value", "count", "age", "state"),
        [
            (math.nan, 9.0, 0, DataState.NAN),
            (-math.inf, 9.0, 0, DataState.INF),
            (0.5, math.nan, 0, DataState.NAN),
            (0.5, math.inf, 0, DataState.INF),
            (0.5, 9.0, 31, DataState.STALE),
        ],
    )
    def test_states(self, value: float, count: float, age: float, state: DataState) -> None:
        rows = b.row(value, "value"), b.row(count, "samples"), b.row(NOW - age, "time0")
        found = self.decoded(*rows, counted=True)
        assert (found.state, found.value) == (state, None)

    def test_the_oldest_of_what_it_reads_decides(self) -> None:
        rows = b.row(0.5, "value"), b.row(NOW, "time0"), b.row(NOW - 31, "time1")
        assert self.decoded(*rows).state is DataState.STALE

    def test_a_range_that_still_holds_what_a_dead_target_said_is_stale(self) -> None:
        assert self.decoded(b.row(0.5, "value")).state is DataState.STALE
        assert self.decoded(b.row(1, "value"), aged=False).state is DataState.OK

    def test_where_samples_are_counted_none_is_zero(self) -> None:
        other = Row({"namespace": "vision", "model": "other", "knowngood_part": "samples"}, 500, NOW)
        rows = b.row(0.5, "value"), other, b.row(NOW, "time0")
        assert self.decoded(*rows, counted=True).count == 0
        assert self.decoded(*rows).count is None

    def test_a_value_that_lacks_a_label_takes_the_age_of_those_that_have_it(self) -> None:
        value = Row({"model": "digits", "knowngood_part": "value"}, 0.5, NOW)
        assert self.decoded(value, b.row(NOW - 3, "time0", release="1")).newest == NOW - 3

    @pytest.mark.parametrize("query", ["x[5m]", "x[5m:1m]", "(x[5m])", "scalar(x)", "count_values('a', x) == bool 1 "])
    def test_only_an_instant_vector_will_do(self, query: str) -> None:
        if query.startswith("count_values"):
            assert promql.parse(expression.query(scoped(query, "vision"), None, BY))
            return
        with pytest.raises(QueryError, match="instant vector"):
            expression.query(scoped(query, "vision"), None, BY)

    def test_too_many_selectors(self) -> None:
        with pytest.raises(QueryError, match="at most 8"):
            expression.query(scoped(" + ".join(f"x{i}" for i in range(9)), "vision"), None, BY)

    def test_a_request_that_no_record_could_hold_is_refused(self) -> None:
        long = " + ".join(f'x{{a="{i:05}{"y" * 990}"}}' for i in range(8))
        with pytest.raises(QueryError, match="characters"):
            expression.query(scoped(long, "vision"), scoped(long, "vision"), BY)

    @pytest.mark.parametrize(
        ("query", "seconds"),
        [
            ("x", 0),
            ("rate(x[5m])", 300),
            ("rate(x[5m] offset 1h)", 3900),
            ("rate(x[5m]) / rate(y[10m])", 600),
            ("max_over_time(rate(x[5m])[1h:1m])", 3900),
            ("x offset -5m", 0),
        ],
    )
    def test_how_far_back_it_reaches(self, query: str, seconds: float) -> None:
        assert expression.window(scoped(query, "vision")) == seconds

    def test_absence_may_be_asked_for(self) -> None:
        assert expression.asks_for_absence(scoped("absent(x)", "vision"))
        assert expression.asks_for_absence(scoped("sum(absent_over_time(x[5m]))", "vision"))
        assert not expression.asks_for_absence(scoped("sum(rate(absent_total[5m]))", "vision"))

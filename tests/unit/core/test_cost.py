"""What would cost too much is refused before it is read, in little time, and says what to write instead."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.conditions import Reason
from knowngood.core.signals import cost
from knowngood.core.signals.compiled import Problem, compile_policy
from knowngood.core.signals.scope import QueryError, parse, scoped
from tests import builders as b

pytestmark = pytest.mark.unit
SECONDS = 2.0  # far more than any of these takes, far less than what they took before they were bounded


def problem_of(query: str, **spec: object) -> Problem | None:
    """What a policy says of a signal with this query."""
    made = b.policy([b.signal(ratio=None, promql={"query": query})], **spec)
    found = compile_policy(made, [b.model()])
    assert len(found.signals) + len(found.problems) == 1
    return found.problems[0] if found.problems else None


DEEP = {
    "brackets": "(" * 4_000 + "x" + ")" * 4_000,
    "signs": "-" * 8_000 + "x",
    "sums": "+".join(["a"] * 4_000),
    "words": " or ".join(["a"] * 1_300),
    "powers": "^".join(["a"] * 4_000),
    "calls": "abs(" * 1_300 + "x" + ")" * 1_300,
    "subqueries": "max_over_time(" * 300 + "x" + "[5m:1m])" * 300,
    "few subqueries": "max_over_time(" * 20 + "x" + "[5m:1m])" * 20,
    "behind a quote": "'\"'" + "(" * 4_000,
    "an open quote": '"' + "(" * 4_000,
}
REGEXES = {
    "nested": r"(((a{100}){100}){100})",
    "classes": r"\\w{300}",
    "Unicode": r"\\pL{300}",
    "written out": r"\\w" * 300,
    "long": "a|" * 700 + "b",
}


@pytest.mark.parametrize("query", DEEP.values(), ids=DEEP)
def test_what_is_too_deep_is_refused_at_once(query: str) -> None:
    began = time.monotonic()
    found = problem_of(query)
    assert time.monotonic() - began < SECONDS
    assert found is not None
    assert found.reason is Reason.INVALID
    assert found.field == "spec.signals[accuracy].promql.query"


@pytest.mark.parametrize("regex", REGEXES.values(), ids=REGEXES)
@pytest.mark.parametrize("matcher", ["=~", "!~", "=~  "])
def test_regexes_that_grow_are_refused_before_they_are_compiled(regex: str, matcher: str) -> None:
    began = time.monotonic()
    found = problem_of(f'x{{a{matcher}"{regex}"}}')
    assert time.monotonic() - began < SECONDS
    assert found is not None
    assert "regular expression" in found.message


@pytest.mark.parametrize(
    "regex", ["(a+)+$", "(a|aa)+$", ".*.*.*", r"\\d{4}-\\d{2}-\\d{2}", "[0-9a-f]{64}", r"m-\\w{10}", "a{2}{2}", "a{,"]
)
def test_regexes_that_are_linear_in_the_source_are_left_alone(regex: str) -> None:
    found = problem_of(f'x{{a=~"{regex}"}}')
    assert found is None or "illegal regex" in found.message


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ('{a="b"}', "names no metric"),
        ('{__name__=~"a.*"}', "names no metric"),
        ('{__name__!="a",b="c"}', "names no metric"),
        ('count({a="b"})', "names no metric"),
        ('sum_over_time({a="b"}[5m])', "names no metric"),
        ("max_over_time(x[30d:1ms])", "larger step"),
        ("max_over_time(max_over_time(x[1d:1m])[1d:1m])", "larger step"),
        ("max_over_time(rate(x[30d])[7d:1m])", "shorter range or a larger step"),
        ("rate(x[91d])", "shorter range"),
        ("rate(x[9999y])", "shorter range"),
        ("max_over_time(x[292y:292y])", "write a shorter one"),
        ("max_over_time(x[5m:1m] offset 10y)", "write a shorter one"),
        ("x offset 2y", "write a shorter one"),
        ("x offset -2y", "write a shorter one"),
        ("info(x)", "group_left"),
        ("sum(info(x))", "group_left"),
        ("x{" + ",".join(f'a{i}=~"b"' for i in range(17)) + "}", "match with ="),
    ],
)
def test_what_the_source_should_not_evaluate_is_refused(query: str, says: str) -> None:
    found = problem_of(query)
    assert found is not None
    assert says in found.message


@pytest.mark.parametrize(
    "query",
    [
        "max_over_time(rate(x[5m])[7d:1m])",
        "rate(x[90d])",
        "x / x offset 52w",
        '{__name__="x"}',
        '{"my.metric"}',
        " + ".join(f"a{i % 8}" for i in range(33)),
        "(" * 31 + "x" + ")" * 31,
        'x{a="' + "(" * 1_000 + '"} # ' + "(" * 1_000,
        "x{" + ",".join(f'a{i}=~"b"' for i in range(16)) + "}",
    ],
)
def test_what_people_write_is_left_alone(query: str) -> None:
    assert problem_of(query) is None


@pytest.mark.parametrize("field", ["ratio"])
def test_a_window_that_reads_years_is_refused(field: str) -> None:
    found = compile_policy(b.policy([b.signal(**{field: {"window": "292y"}})]), [b.model()])
    assert [p.field for p in found.problems] == ["spec.signals[accuracy].ratio.window"]
    assert "write a shorter window" in found.problems[0].message


def test_an_interval_below_a_second_judges_nothing_and_says_so() -> None:
    found = compile_policy(b.policy(interval="999ms"), [b.model()])
    assert found.signals == ()
    assert [p.field for p in found.problems] == ["spec.interval"]
    assert "999ms" in found.problems[0].message
    assert "write at least 1s" in found.problems[0].message


PIECES = st.lists(
    st.sampled_from(
        ["(", ")", "{", "}", "[", "]", "[5m:1m]", "[1y]", "'", '"', "`", "\\", "x", "-", "+", "or", "a=~", "\\w{99}",
         "abs(", "#", "\n", ",", "=", "0", " ", "sum by (a) ", "{2,3}", "{,9}"]
    ),
    max_size=400,
).map("".join)  # fmt: skip


@given(PIECES)
def test_any_text_is_measured_and_then_read_or_refused(text: str) -> None:
    cost.text_problem(text)
    try:
        tree = parse(scoped(text, "vision"))
    except QueryError:
        return
    cost.tree_problem(tree)

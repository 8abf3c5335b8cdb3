"""The namespace's matcher stands on every selector, and the tree is otherwise what was written."""

import promql_parser as promql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.core.signals.scope import MAX_LENGTH, QueryError, bare, narrowed, parse, scoped, selectors

pytestmark = pytest.mark.unit
NS = 'namespace="vision"'


def pretty(query: str) -> str:
    return str(promql.parse(query).prettify())


NAMES = st.sampled_from(["a", "model_confidence", "job:x:rate5m", "by_", "offset_total"])
VALUES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)


def literal(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


MATCHERS = st.lists(
    st.tuples(st.sampled_from(["model", "pod", "namespace", "le"]), st.sampled_from(["=", "!="]), VALUES),
    max_size=3,
).map(lambda ms: [f"{n}{op}{literal(v)}" for n, op, v in ms])
RANGES = st.sampled_from(["5m", "1h30m", "90s", "500ms", "1d"])
OFFSETS = st.sampled_from(["", " offset 5m", " offset -1h", " @ 1700000000", " @ end()", " @ start() offset 1m"])


@st.composite
def selector(draw: st.DrawFn, ranged: bool = False) -> tuple[str, str]:
    """(as written, as it must become)."""
    name, matchers, offset = draw(NAMES), draw(MATCHERS), draw(OFFSETS)
    reach = f"[{draw(RANGES)}]" if ranged else ""
    plain = name + ("{" + ",".join(matchers) + "}" if matchers or draw(st.booleans()) else "")
    return f"{plain}{reach}{offset}", f"{name}{{{','.join([NS, *matchers])}}}{reach}{offset}"


def wrapped(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    def one(shape: str) -> st.SearchStrategy[tuple[str, str]]:
        return inner.map(lambda pair: (shape.format(pair[0]), shape.format(pair[1])))

    def two(shape: str) -> st.SearchStrategy[tuple[str, str]]:
        return st.tuples(inner, inner).map(lambda p: (shape.format(p[0][0], p[1][0]), shape.format(p[0][1], p[1][1])))

    return st.one_of(
        *map(
            one,
            [
                "sum by (model) ({})",
                "avg without (pod) ({})",
                "topk(3, {})",
                "-({})",
                "abs({})",
                "quantile_over_time(0.9, ({})[5m:1m])",
                "max_over_time(({})[1h:] offset 5m)",
                "clamp_max({}, 1e9)",
                'label_replace({}, "dst", "$1", "src", "(.*)\\\\.x")',
                "({}) > bool 0.5",
                "histogram_quantile(0.99, {})",
                'absent({}) * scalar(vector(3)) # {{namespace="other"}}\n',
            ],
        ),
        *map(
            two,
            [
                "({}) / on (model) group_left (pod) ({})",
                "({}) or ({})",
                "({}) unless ignoring (pod) ({})",
                "({}) ^ ({}) ^ 2",
            ],
        ),
    )


RANGED = selector(ranged=True).map(lambda pair: (f"rate({pair[0]})", f"rate({pair[1]})"))
QUERIES = st.recursive(selector() | RANGED, wrapped, max_leaves=5)


@given(QUERIES)
def test_only_the_matcher_is_added(pair: tuple[str, str]) -> None:
    written, wanted = pair
    assert pretty(scoped(written, "vision")) == pretty(wanted)


@given(QUERIES)
def test_every_selector_holds_the_matcher(pair: tuple[str, str]) -> None:
    for node in selectors(parse(scoped(pair[0], "vision"))):
        held = [m for m in node.matchers.matchers if m.name == "namespace" and m.op == promql.MatchOp.Equal]
        assert "vision" in [m.value for m in held]


@given(QUERIES)
def test_scoping_twice_reads_no_more_than_once(pair: tuple[str, str]) -> None:
    for node in selectors(parse(scoped(scoped(pair[0], "other"), "vision"))):
        held = {m.value for m in node.matchers.matchers if m.name == "namespace" and m.op == promql.MatchOp.Equal}
        assert {"other", "vision"} <= held


@given(st.text(max_size=60))
def test_any_text_is_refused_or_scoped(text: str) -> None:
    try:
        result = scoped(text, "vision")
    except QueryError:
        return
    assert all(NS in node.prettify() for node in selectors(parse(result)))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "not valid PromQL"),
        ("sum(", "not valid PromQL"),
        ("rate(x)", "not valid PromQL"),
        ("1 + 1", "selects no series"),
        ("vector(1)", "selects no series"),
        ('x{a="b" or c="d"}', "not supported"),
        ("x" * (MAX_LENGTH + 1), "characters"),
    ],
)
def test_what_cannot_be_scoped_is_refused_with_a_reason(query: str, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        scoped(query, "vision")


@pytest.mark.parametrize("query", ['{"my.metric"}', '{__name__="my.metric"}', '{__name__=~".+"}'])
def test_a_selector_without_a_plain_name_is_scoped_too(query: str) -> None:
    (node,) = selectors(parse(scoped(query, "vision")))
    assert NS in node.prettify()
    assert "__name__" in node.prettify()


@pytest.mark.parametrize("namespace", ["", "a.b", 'a"', 'x",b="', "A", "a\n", "-a", "a" * 64])
def test_a_namespace_is_a_namespace(namespace: str) -> None:
    with pytest.raises(QueryError):
        scoped("x", namespace)


@given(st.dictionaries(st.sampled_from(["model", "release", "pod"]), VALUES, max_size=3))
def test_hostile_label_values_leave_the_tree_alone(labels: dict[str, str]) -> None:
    made = narrowed(bare(selectors(parse(scoped('x{le="1"}', "vision")))[0]), labels)
    (node,) = selectors(parse(made))
    assert isinstance(parse(made), promql.VectorSelector)
    assert sorted((m.name, m.value) for m in node.matchers.matchers) == sorted(
        [("le", "1"), ("namespace", "vision"), *labels.items()]
    )
    assert not node.matchers.or_matchers

"""Each data state of rule 1, and an answer that is anything at all."""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowngood.api.conditions import ConditionType, Reason
from knowngood.core.signals.answer import Answer, DataState, Known, NativeHistogram, Row, parse_answer

pytestmark = pytest.mark.unit
T = 1_800_000_000


def vector(*result: Any, **more: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": list(result)}, **more}).encode()


def error(kind: str, text: str = "why") -> bytes:
    return json.dumps({"status": "error", "errorType": kind, "error": text}).encode()


ROW = {"metric": {"model": "digits"}, "value": [T, "0.5"]}


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, vector(ROW), DataState.OK),
        (200, vector(), DataState.OK),
        (200, vector(ROW, infos=["a remark"]), DataState.OK),
        (200, vector(ROW, warnings=["a store did not answer"]), DataState.PARTIAL),
        (200, vector(ROW, warnings={"a": 1}), DataState.PARTIAL),
        (200, vector(ROW, warnings=7), DataState.PARTIAL),
        (200, b"<html>log in</html>", DataState.GARBAGE),
        (200, b"", DataState.GARBAGE),
        (200, b"[]", DataState.GARBAGE),
        (200, b'{"status": ["success"]}', DataState.GARBAGE),
        (200, b'{"status": "success"}', DataState.GARBAGE),
        (200, b'{"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}}', DataState.GARBAGE),
        (200, b'{"status": "success", "data": {"resultType": "vector", "result": ""}}', DataState.GARBAGE),
        (200, vector({"metric": {"model": 5}, "value": [T, "1"]}), DataState.GARBAGE),
        (200, vector({"metric": {}, "value": [T, "word"]}), DataState.GARBAGE),
        (200, vector({"metric": {}, "value": [T, True]}), DataState.GARBAGE),
        (200, vector({"metric": {}, "value": [1e300, "1"]}), DataState.GARBAGE),
        (200, vector({"metric": {}}), DataState.GARBAGE),
        (400, error("bad_data"), DataState.BAD_QUERY),
        (422, error("execution"), DataState.BAD_QUERY),
        (404, error("not_found"), DataState.BAD_QUERY),
        (404, b"page not found", DataState.BAD_QUERY),
        (302, b"", DataState.BAD_QUERY),
        (401, b"", DataState.UNAUTHORIZED),
        (403, vector(ROW), DataState.UNAUTHORIZED),
        (429, vector(ROW), DataState.THROTTLED),
        (500, error("internal"), DataState.UNAVAILABLE),
        (500, error("execution"), DataState.UNAVAILABLE),
        (503, error("timeout"), DataState.TIMEOUT),
        (503, b"upstream", DataState.UNAVAILABLE),
        (500, vector(ROW), DataState.UNAVAILABLE),
        (206, vector(ROW), DataState.UNAVAILABLE),
    ],
)
def test_states(status: int, body: bytes, state: DataState) -> None:
    found = parse_answer(status, body)
    assert found.state is state
    assert state is DataState.OK or found.message
    assert state is DataState.OK or (found.rows, found.series) == ((), ())


def test_rows_keep_what_prometheus_said() -> None:
    found = parse_answer(200, vector(ROW, {"metric": {}, "value": [T, "NaN"]}, {"metric": {}, "value": [T, "-Inf"]}))
    assert [r.labels for r in found.rows] == [{"model": "digits"}, {}, {}]
    assert found.rows[0].value == 0.5
    assert found.rows[0].at == T
    assert math.isnan(found.rows[1].value)
    assert found.rows[2].value == -math.inf


HISTOGRAM = {"count": "3", "sum": "4.5", "buckets": [[0, "1", "2", "2"], [3, "-0.001", "0.001", "1"]]}
READ = NativeHistogram(3, 4.5, ((1, 2, 2), (-0.001, 0.001, 1)))


def test_native_histograms_are_read_and_are_no_numbers() -> None:
    (row,) = parse_answer(200, vector({"metric": {}, "histogram": [T, HISTOGRAM]})).rows
    assert (row.at, row.histogram) == (T, READ)
    assert math.isnan(row.value)
    body = {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "histograms": [[T, HISTOGRAM]]}]}
    (series,) = parse_answer(200, json.dumps({"status": "success", "data": body}).encode()).series
    assert series.histograms == ((T, READ),)
    assert [(row.labels, row.at, row.histogram) for row in series.rows()] == [({"a": "b"}, T, READ)]


@pytest.mark.parametrize("broken", [{}, [], {**HISTOGRAM, "sum": 4}, {**HISTOGRAM, "buckets": [["1"]]}, None])
def test_a_broken_histogram_is_garbage(broken: object) -> None:
    assert parse_answer(200, vector({"metric": {}, "histogram": [T, broken]})).state is DataState.GARBAGE


def test_a_matrix() -> None:
    body = {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": [[T, "1"], [T + 5, "2"]]}]}
    found = parse_answer(200, json.dumps({"status": "success", "data": body}).encode())
    assert found.series[0].points == ((T, 1.0), (T + 5, 2.0))


LABELS = st.dictionaries(
    st.sampled_from(["model", "knowngood_part", "__name__", "é", 'a"b']), st.text(max_size=3), max_size=3
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "metric": LABELS,
            "value": st.tuples(st.integers(0, T) | st.floats(0, T), st.sampled_from(["1", "NaN", "-Inf"])),
        }
    ),
    max_size=5,
)


@example([("p", [{"metric": {"model": ": "}, "value": (0, "1")}], False)])
@given(st.lists(st.tuples(st.sampled_from("pq"), ROWS, st.booleans()), max_size=5))
def test_what_is_known_of_earlier_answers_changes_nothing(answers: list[tuple[str, Any, bool]]) -> None:
    known = Known()
    for question, rows, spaced in answers:
        body = vector(*rows)
        if not spaced:
            body = json.dumps(json.loads(body), separators=(",", ":")).encode()
        found = parse_answer(200, body, question, known)
        wanted = [Row(r["metric"], float(r["value"][1]), r["value"][0]) for r in rows]
        assert found.state is DataState.OK
        assert list(map(repr, found.rows)) == list(map(repr_of, wanted))


def repr_of(row: Row) -> str:
    """With the labels in the order in which they are given back: the marks first."""
    marks = {k: v for k, v in row.labels.items() if k in {"knowngood_part", "__name__"}}
    ordered = {k: marks[k] for k in ("knowngood_part", "__name__") if k in marks}
    return repr(
        Row({**ordered, **dict(sorted(i for i in row.labels.items() if i[0] not in marks))}, row.value, float(row.at))
    )


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ENVELOPE = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["success", "error"]) | JSON,
        "data": st.fixed_dictionaries(
            {
                "resultType": st.sampled_from(["vector", "matrix"]) | JSON,
                "result": st.lists(
                    st.fixed_dictionaries(
                        {"metric": JSON, "value": st.tuples(JSON, JSON) | JSON, "values": st.lists(JSON) | JSON},
                        optional={"histogram": JSON, "histograms": JSON},
                    )
                )
                | JSON,
            }
        )
        | JSON,
    },
    optional={"warnings": JSON, "errorType": JSON, "error": JSON},
)
STATUS = st.sampled_from([200, 204, 302, 400, 401, 404, 422, 429, 500, 503])


def sound(found: Answer) -> None:
    assert found.state is DataState.OK or (found.rows, found.series) == ((), ())
    for row in found.rows:
        assert all(isinstance(v, str) for v in row.labels.values())
        assert math.isfinite(row.at)


@given(STATUS, st.binary(max_size=64))
def test_any_bytes_are_read(status: int, body: bytes) -> None:
    found = parse_answer(status, body)
    sound(found)
    assert found.state is not DataState.OK


@given(STATUS, ENVELOPE)
@example(200, {"status": "success", "warnings": {"x": 1}, "data": {}})
def test_any_json_is_read(status: int, envelope: object) -> None:
    found = parse_answer(status, json.dumps(envelope).encode())
    sound(found)
    assert status == 200 or found.state is not DataState.OK


@pytest.mark.parametrize("state", list(DataState))
def test_every_data_state_is_a_documented_reason(state: DataState) -> None:
    assert Reason(state.value).meaning


@pytest.mark.parametrize("word", [*Reason, *ConditionType])
def test_every_word_of_the_vocabulary_has_a_meaning(word: Reason | ConditionType) -> None:
    assert word.meaning.endswith(".")
    assert word.value[0].isupper()


def test_failures_of_a_source_are_told_from_data_that_cannot_be_judged() -> None:
    data = {DataState.OK, DataState.EMPTY, DataState.NAN, DataState.INF, DataState.STALE, DataState.TOO_FEW}
    assert {s for s in DataState if not s.is_error} == data | {DataState.PARTIAL, DataState.RELEASE_UNKNOWN}

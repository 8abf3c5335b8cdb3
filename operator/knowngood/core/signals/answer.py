"""What a metrics source answered: rows, or the reason why there is nothing to judge by.

The whole envelope of the HTTP API is read (https://prometheus.io/docs/prometheus/latest/querying/api/): warnings
mean that an answer is partial, so it is not judged; infos are remarks on style and are ignored.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import msgspec
import numpy as np
import orjson

from knowngood.api.conditions import Reason
from knowngood.core.signals.rows import Arrangement, Rows
from knowngood.core.signals.series import Key, Name, Names, NativeHistogram, Row, Series

__all__ = ["Answer", "DataState", "Key", "Known", "NativeHistogram", "Row", "Series", "failed", "parse_answer"]

_EXCERPT = 160
_MOST_QUESTIONS = 4096
_LAST_SECOND = 253_402_300_800  # the year 10000, which no record can write


class DataState(StrEnum):
    """Why data can or cannot be judged; the value is the reason that people read."""

    OK = Reason.AVAILABLE
    EMPTY = Reason.EMPTY
    NAN = Reason.NOT_A_NUMBER
    INF = Reason.INFINITE
    STALE = Reason.STALE
    TOO_FEW = Reason.TOO_FEW_SAMPLES
    PARTIAL = Reason.WARNINGS
    UNREACHABLE = Reason.UNREACHABLE
    TIMEOUT = Reason.TIMEOUT
    UNAUTHORIZED = Reason.UNAUTHORIZED
    THROTTLED = Reason.THROTTLED
    UNAVAILABLE = Reason.SERVER_ERROR
    GARBAGE = Reason.BAD_ANSWER
    BAD_QUERY = Reason.BAD_REQUEST
    NO_SOURCE = Reason.SOURCE_NOT_FOUND
    RELEASE_UNKNOWN = Reason.RELEASE_UNKNOWN

    @property
    def is_error(self) -> bool:
        """Whether the source failed, as against data that is there and cannot be judged."""
        return self in _ERRORS


_ERRORS = frozenset(
    {
        DataState.UNREACHABLE,
        DataState.TIMEOUT,
        DataState.UNAUTHORIZED,
        DataState.THROTTLED,
        DataState.UNAVAILABLE,
        DataState.GARBAGE,
        DataState.BAD_QUERY,
        DataState.NO_SOURCE,
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a source; rows and series are empty unless ``state`` is OK."""

    state: DataState
    message: str = ""
    rows: Sequence[Row] = ()
    series: tuple[Series, ...] = ()


def failed(state: DataState, message: str) -> Answer:
    """An answer that holds nothing to judge."""
    return Answer(state=state, message=message)


class Known:
    """What is remembered of a source's answers: names, and how the last answer to each question was arranged.

    Answers are read one after the other: two threads would make two groups of the same labels.
    """

    def __init__(self) -> None:
        self.names = Names()
        self._arranged: dict[str, tuple[bytes, Arrangement]] = {}

    def arrangement(self, question: str, spellings: Sequence["msgspec.Raw"]) -> Arrangement:
        """The arrangement of rows whose labels are spelled so; the last one of this question if it is the same."""
        spelled = b"".join(spellings)
        before = self._arranged.pop(question, None)
        if before is None or before[0] != spelled:
            before = spelled, Arrangement([self._name(bytes(one)) for one in spellings], self.names)
        self._arranged[question] = before
        if len(self._arranged) > _MOST_QUESTIONS:
            self._arranged.pop(next(iter(self._arranged)), None)
        return before[1]

    def _name(self, spelling: bytes) -> Name:
        found = self.names.known(spelling)
        if found is None:
            found = self.names.of(_read_labels(spelling))
            self.names.learn(spelling, found)
        return found


class _Number(msgspec.Struct, gc=False):
    """A series whose value is a number; its labels are left as they are spelled."""

    metric: msgspec.Raw
    value: tuple[float, str]


class _Vector(msgspec.Struct):
    resultType: Literal["vector"]
    result: list[_Number]


class _Success(msgspec.Struct):
    """An answer that is an instant vector of numbers, as nearly all are."""

    status: Literal["success"]
    data: _Vector
    warnings: msgspec.Raw | None = None


_SUCCESS = msgspec.json.Decoder(_Success)
_LABELS = msgspec.json.Decoder(dict[str, str])


def _read_labels(spelling: bytes) -> Mapping[str, str]:
    return _LABELS.decode(spelling)


def parse_answer(status: int, body: bytes, question: str = "", known: Known | None = None) -> Answer:
    """Parse an HTTP answer of ``/api/v1/query`` or ``/api/v1/query_range``. Never raises.

    What is ``known`` of earlier answers to the same ``question`` saves reading their labels again.
    """
    if status in {401, 403}:
        return failed(DataState.UNAUTHORIZED, f"HTTP {status}: the source's credentials were not accepted")
    if 300 <= status < 400:
        return failed(DataState.BAD_QUERY, f"HTTP {status}: a redirect, which is not followed; write the final URL")
    if status == 429:
        return failed(DataState.THROTTLED, "HTTP 429: the source asks for fewer requests")
    rows = _numbers(body, question, known or Known()) if status == 200 else None
    return _whole(status, body) if rows is None else Answer(state=DataState.OK, rows=rows)


def _numbers(body: bytes, question: str, known: Known) -> Rows | None:
    """The rows of an answer that holds numbers and nothing to remark; None of any other."""
    try:
        read = _SUCCESS.decode(body)
        return None if read.warnings is not None else _columns(read.data.result, question, known)
    except (msgspec.MsgspecError, ValueError):
        return None


def _columns(found: Sequence[_Number], question: str, known: Known) -> Rows:
    """Raises ValueError where a value is no number, and MsgspecError where a label is no text."""
    values = np.fromiter(map(float, [one.value[1] for one in found]), np.float64, len(found))
    times = np.array([one.value[0] for one in found], np.float64)
    if not ((times >= 0) & (times < _LAST_SECOND)).all():
        raise ValueError("a time that no record can write")
    return Rows(known.arrangement(question, [one.metric for one in found]), values, times)


def _whole(status: int, body: bytes) -> Answer:
    """The whole envelope, whatever is in it: what failed and why, histograms, ranges."""
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _unreadable(status, body)
    if not isinstance(envelope, dict) or envelope.get("status") not in ("success", "error"):
        return _unreadable(status, body)
    if envelope["status"] == "error":
        return _error(status, envelope)
    if status != 200:
        return failed(DataState.UNAVAILABLE, f"HTTP {status} with status success")
    if warnings := envelope.get("warnings"):
        first = warnings[0] if isinstance(warnings, list) else warnings
        return failed(DataState.PARTIAL, f"the answer carries warnings: {first}"[:_EXCERPT])
    try:
        return _data(envelope["data"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        return failed(DataState.GARBAGE, f"the answer is not an instant vector or matrix: {error!r}"[:_EXCERPT])


def _unreadable(status: int, body: bytes) -> Answer:
    excerpt = body[:_EXCERPT].decode("utf-8", "replace").strip()
    if status == 200:
        return failed(DataState.GARBAGE, f"HTTP 200, but no Prometheus answer: {excerpt!r}")
    if 400 <= status < 500:
        return failed(DataState.BAD_QUERY, f"HTTP {status}: {excerpt!r}; is the source's URL right?")
    return failed(DataState.UNAVAILABLE, f"HTTP {status}: {excerpt!r}")


def _error(status: int, envelope: Mapping[str, Any]) -> Answer:
    kind, text = str(envelope.get("errorType", "")), str(envelope.get("error", ""))[:_EXCERPT]
    if kind == "timeout":
        return failed(DataState.TIMEOUT, f"the source gave up: {text}")
    if status < 500:
        return failed(DataState.BAD_QUERY, f"{kind}: {text}")
    return failed(DataState.UNAVAILABLE, f"HTTP {status}, {kind}: {text}")


def _data(data: Mapping[str, Any]) -> Answer:
    if not isinstance(data["result"], list):
        raise ValueError("result is not a list")
    if data["resultType"] == "vector":
        return Answer(state=DataState.OK, rows=Rows.of(_row(entry) for entry in data["result"]))
    if data["resultType"] == "matrix":
        return Answer(state=DataState.OK, series=tuple(_series(entry) for entry in data["result"]))
    raise ValueError(f"resultType is {data['resultType']!r}")


def _row(entry: Mapping[str, Any]) -> Row:
    if "histogram" in entry:
        at, found = entry["histogram"]
        return Row(_labels(entry), math.nan, _time(at), _histogram(found))
    at, value = entry["value"]
    return Row(_labels(entry), _value(value), _time(at))


def _series(entry: Mapping[str, Any]) -> Series:
    if "values" not in entry and "histograms" not in entry:
        raise ValueError("a series without values")
    points = tuple((_time(at), _value(value)) for at, value in entry.get("values", ()))
    histograms = tuple((_time(at), _histogram(found)) for at, found in entry.get("histograms", ()))
    return Series(_labels(entry), points, histograms)


def _histogram(found: Mapping[str, Any]) -> NativeHistogram:
    buckets = tuple(
        (_value(lower), _value(upper), _value(count)) for _, lower, upper, count in found.get("buckets", ())
    )
    return NativeHistogram(_value(found["count"]), _value(found["sum"]), buckets)


def _time(seconds: object) -> float:
    if not isinstance(seconds, int | float) or not 0 <= seconds < _LAST_SECOND:
        raise ValueError(f"{seconds!r} is no time")
    return float(seconds)


def _value(text: object) -> float:
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no value")
    return float(text)


def _labels(entry: Mapping[str, Any]) -> Mapping[str, str]:
    labels = entry["metric"]
    if not isinstance(labels, dict) or not all(isinstance(v, str) for v in labels.values()):
        raise ValueError("metric is not an object of texts")
    return labels

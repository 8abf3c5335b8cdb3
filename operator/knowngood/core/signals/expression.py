"""The `promql` input: any expression a person wrote, kept inside its namespace, with the age of what it read.

An instant selector reads samples up to five minutes old without a word, so each selector's own timestamps are asked
for in the same request, and the oldest decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial

import promql_parser as promql

from knowngood.api.signals import PromqlInput
from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.request import Ask, FieldError, Request
from knowngood.core.signals.sample import Key, Sample, part, plain, split_parts, stale, value_state
from knowngood.core.signals.scope import QueryError, bare, parse, selectors

MAX_SELECTORS = 8
_DEAD = "none of the series that it reads has a sample now"
_NO_VECTOR = "the query must yield an instant vector, one row a series; write for example rate(x[5m])"
_NATIVE = "a native histogram is no number; write for example histogram_avg(…) or histogram_quantile(0.9, …)"


def request(source: PromqlInput, ask: Ask) -> Request:
    """One request for all models: rows of the parts `value`, `samples` and `time0`…"""
    value = ask.selector("query", source.query)
    samples = ask.selector("samples", source.samples) if source.samples else None
    field = "query"
    try:
        query(value, None, ask.by)
        field = "samples"
        whole = query(value, samples, ask.by)
    except QueryError as error:
        raise FieldError(field, error) from error
    decoder = partial(decode, counted=samples is not None, aged=not asks_for_absence(value))
    read = tuple(sources(value))
    return Request(whole, read, read, max(window(value), ask.interval), 0.0, decoder)


def sources(scoped_query: str) -> list[str]:
    """The distinct selectors that a query reads, bare. Raises QueryError where there are too many."""
    found = list(dict.fromkeys(bare(node) for node in selectors(parse(scoped_query))))
    if len(found) > MAX_SELECTORS:
        raise QueryError(f"the query reads {len(found)} different selectors; at most {MAX_SELECTORS} are supported")
    return found


def query(value: str, samples: str | None, by: Sequence[str]) -> str:
    """One request: rows of the parts `value`, `samples` and `time0`…, from queries that are scoped already.

    Raises QueryError where the expression yields no instant vector.
    """
    group = f"by ({', '.join(by)})"
    parts = [_vector("value", value)]
    if samples:
        parts.append(_vector("samples", samples))
    parts += [part(f"time{i}", f"max {group} (timestamp({source}))") for i, source in enumerate(sources(value))]
    whole = " or ".join(parts)
    parse(whole)  # for its length
    return whole


def _vector(name: str, text: str) -> str:
    marked = part(name, f"({text})")
    try:
        parse(marked)
    except QueryError as error:
        raise QueryError(_NO_VECTOR) from error
    return marked


def window(scoped_query: str) -> float:
    """How far back the query reaches at most, in seconds: its longest range with its offset; 0 without ranges."""
    longest = 0.0

    def visit(node: promql.Expr) -> None:
        nonlocal longest
        if isinstance(node, promql.MatrixSelector):
            longest = max(longest, _seconds(node.range) + _seconds(node.vector_selector.offset))
        elif isinstance(node, promql.SubqueryExpr):
            longest = max(longest, _seconds(node.range) + _seconds(node.offset) + window(node.expr.prettify()))

    promql.walk(parse(scoped_query), visit)
    return longest


def _seconds(time: timedelta | None) -> float:
    return max(0.0, time.total_seconds()) if time else 0.0


def asks_for_absence(scoped_query: str) -> bool:
    """Whether a value may mean that there are no samples, so that their age says nothing."""
    found: list[str] = []
    promql.walk(parse(scoped_query), lambda n: found.append(n.func.name) if isinstance(n, promql.Call) else None)
    return any(name.startswith("absent") for name in found)


def decode(
    rows: Iterable[Row], now: float, stale_after: float, counted: bool = False, aged: bool = True
) -> list[Sample]:
    """Samples of the expression, one a row.

    ``counted``: the part `samples` was asked for; where it has no row for a value, nothing was counted. ``aged``: a
    value whose samples' age is not to be told is stale, since a range still holds what a dead target said long ago.
    """
    uncounted = 0.0 if counted else None
    parts = split_parts(rows)
    times = [cells for name, cells in parts.items() if name.startswith("time")]
    counts = parts.get("samples", {})
    return [
        _sample(row, uncounted if (n := _best(counts, key)) is None else n, _oldest(times, key), now, stale_after, aged)
        for key, row in parts.get("value", {}).items()
    ]


def _sample(row: Row, count: float | None, newest: float | None, now: float, stale_after: float, aged: bool) -> Sample:
    labels = plain(row.labels)
    if row.histogram is not None:
        return Sample(labels, DataState.NAN, count=count, newest=newest, message=_NATIVE)
    old = stale(newest, now, stale_after) or (_DEAD if aged and newest is None else "")
    for value, what in ((row.value, ""), (count or 0.0, "the number of samples: ")):
        state, why = value_state(value)
        if state is not DataState.OK:
            return Sample(labels, state, newest=newest, message=what + why)
    if old:
        return Sample(labels, DataState.STALE, count=count, newest=newest, message=old)
    return Sample(labels, DataState.OK, value=row.value, count=count, newest=newest)


def _best(cells: Mapping[Key, Row], key: Key) -> float | None:
    """The value of the cell with the same labels, else of the finest one whose labels the key contains."""
    if key in cells:
        return cells[key].value
    within = [other for other in cells if set(other) <= set(key)]
    return cells[max(within, key=len)].value if within else None


def _oldest(times: Iterable[Mapping[Key, Row]], key: Key) -> float | None:
    known = [t for t in (_newest(cells, key) for cells in times) if t is not None]
    return min(known, default=None)


def _newest(cells: Mapping[Key, Row], key: Key) -> float | None:
    """The time of the cell that fits best; a value that lacks some labels is as new as the newest that has them."""
    found, labels = _best(cells, key), dict(key)
    if found is not None:
        return found
    agreeing = (row.value for other, row in cells.items() if all(labels.get(k, v) == v for k, v in other))
    return max(agreeing, default=None)

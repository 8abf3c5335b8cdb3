"""The `promql` input: any expression a person wrote, kept inside its namespace, with the age of what it read.

An instant selector reads samples up to five minutes old without a word, so each selector's own timestamps are asked
for in the same request, and the oldest decides.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial, reduce

import numpy as np
import promql_parser as promql

from knowngood.api.signals import PromqlInput
from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.fitness import Fitness
from knowngood.core.signals.matching import Found, Matching
from knowngood.core.signals.request import Ask, FieldError, Request
from knowngood.core.signals.rows import Arrangement, Floats, Rows
from knowngood.core.signals.sample import Samples
from knowngood.core.signals.scope import QueryError, bare, parse, selectors
from knowngood.core.signals.series import part

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


def decode(rows: Iterable[Row], now: float, stale_after: float, counted: bool = False, aged: bool = True) -> Samples:
    """Samples of the expression, one a row.

    ``counted``: the part `samples` was asked for; where it has no row for a value, nothing was counted. ``aged``: a
    value whose samples' age is not to be told is stale, since a range still holds what a dead target said long ago.
    """
    columns = Rows.of(rows)
    arranged = columns.arrangement
    groups = arranged.part("value").groups
    samples, ages = arranged.once("expression", lambda: _found(arranged))
    value, newest = columns.column("value", groups, np.nan), _oldest(columns, ages, len(groups))
    count = np.where(samples.known, samples.sums(columns), 0.0 if counted else np.nan)
    fitness = Fitness(len(groups))
    native = np.isin(arranged.part("value").rows, list(columns.histograms))
    fitness.say(native, DataState.NAN, _NATIVE)
    fitness.numbers(value)
    fitness.numbers(np.where(samples.known, count, 0.0), "the number of samples: ")
    told = fitness.ok | native
    fitness.fresh(newest, now, stale_after)
    if aged:
        fitness.say(np.isnan(newest), DataState.STALE, _DEAD)
    value, count = np.where(fitness.ok, value, np.nan), np.where(told, count, np.nan)
    return Samples(groups, fitness, value, count, newest)


def _found(arranged: Arrangement) -> tuple[Found, Sequence[Found]]:
    """The rows that counted each value's samples, and those that tell the age of each selector's.

    Rows with the same labels, else the finest whose labels the value has. A value that lacks some labels is as new as
    the newest that has them.
    """
    keys = [group.key for group in arranged.part("value").groups]
    counts = Matching(arranged.part("samples"))
    ages = [Matching(part) for name, part in arranged.parts().items() if name.startswith("time")]
    return Found(counts.same(k) or counts.coarser(k) for k in keys), [
        Found(of.same(k) or of.coarser(k) or of.agreeing(k) for k in keys) for of in ages
    ]


def _oldest(columns: Rows, ages: Sequence[Found], count: int) -> Floats:
    """The newest sample of the selector whose newest is oldest; NaN where none has any."""
    return reduce(np.fmin, (found.largest(columns) for found in ages), np.full(count, np.nan))

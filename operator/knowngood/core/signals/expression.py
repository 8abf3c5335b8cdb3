"""The `promql` input: any expression a person wrote, kept inside its namespace, with the age of what it read.

An instant selector reads samples up to five minutes old without a word, so each selector's own timestamps are asked
for in the same request, and the oldest decides.
"""

from collections.abc import Iterable, Mapping, Sequence

import promql_parser as promql

from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.sample import Key, Sample, part, split_parts, stale, value_state
from knowngood.core.signals.scope import QueryError, bare, parse, selectors

MAX_SELECTORS = 8
_NO_VECTOR = (promql.NumberLiteral, promql.StringLiteral, promql.MatrixSelector)


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
    for text in filter(None, (value, samples)):
        if isinstance(parse(text), _NO_VECTOR):
            raise QueryError("the query must yield an instant vector, one row a series; write for example rate(x[5m])")
    group = f"by ({', '.join(by)})"
    parts = [part("value", f"({value})")]
    if samples:
        parts.append(part("samples", f"({samples})"))
    parts += [part(f"time{i}", f"max {group} (timestamp({source}))") for i, source in enumerate(sources(value))]
    return " or ".join(parts)


def decode(rows: Iterable[Row], now: float, stale_after: float) -> list[Sample]:
    """Samples of the expression, one a row; ``count`` from the part `samples` where it was asked for."""
    parts = split_parts(rows)
    times = [cells for name, cells in parts.items() if name.startswith("time")]
    counts = parts.get("samples", {})
    return [
        _sample(row, _best(counts, key), _oldest(times, key), now, stale_after)
        for key, row in parts.get("value", {}).items()
    ]


def _sample(row: Row, count: float | None, newest: float | None, now: float, stale_after: float) -> Sample:
    labels = {k: v for k, v in row.labels.items() if not k.startswith("knowngood_") and k != "__name__"}
    state, why = value_state(row.value)
    old = stale(newest, now, stale_after)
    if state is not DataState.OK:
        return Sample(labels, state, count=count, newest=newest, message=why)
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
    known = [t for t in (_best(cells, key) for cells in times) if t is not None]
    return min(known, default=None)

"""Signals' own values from a CSV file, for where there is no Prometheus to evaluate raw samples.

A row is what a signal's request would have answered for one window. Documented in docs/reference/backtest.md.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from knowngood.cli.backtest.samples import SampleError, labels_of, moment, number, within
from knowngood.cli.errors import InputError
from knowngood.core.signals.answer import Answer, DataState, Series, failed
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.core.signals.scope import NAMESPACE
from knowngood.core.signals.series import PART, Key
from knowngood.shell.replay.survey import LOOK_BACK

SIGNAL = "signal"
_OWN = ("timestamp", SIGNAL, "value", "hits", "count")
_PARTS: Mapping[str, tuple[str, str, str]] = {
    "ratio": ("good", "total", "time"),
    "events": ("events", "exposure", "time"),
    "promql": ("value", "samples", "time0"),
}
"""What a request's parts are called, by input: of hits or value, of the count, and of the newest sample's time."""
_CLOSE = 1e-3  # seconds


@dataclass(frozen=True, slots=True)
class Row:
    """A window that ends ``at`` (seconds since the epoch): hits or a value, and how many observations it holds."""

    at: float
    main: float
    count: float | None


@dataclass
class Values:
    """Rows by signal and labels, each in the order of time; ``main`` is the column that a signal's rows fill."""

    rows: dict[str, dict[Key, list[Row]]] = field(default_factory=dict)
    main: dict[str, str] = field(default_factory=dict)

    def span(self) -> tuple[float, float]:
        """From the first row to the last. Raises ValueError where there is none."""
        times = [row.at for series in self.rows.values() for rows in series.values() for row in (rows[0], rows[-1])]
        return min(times), max(times)


def is_values(header: Sequence[str]) -> bool:
    """Whether the header is of signals' values, and not of raw samples."""
    return SIGNAL in header and "metric" not in header and "__name__" not in header


def parse(header: Sequence[str], rows: Iterable[list[str]]) -> Values:
    """The rows below a header. Raises SampleError."""
    names = [name for name in header if name not in _OWN]
    labels_of(names)
    for wanted in ("timestamp", SIGNAL):
        if header.count(wanted) != 1:
            raise SampleError(f"the header needs one column {wanted}; it is {','.join(header)}")
    if not {"value", "hits"} & set(header):
        raise SampleError("the header needs a column value, or hits, beside the columns timestamp and signal")
    found = Values()
    for row in rows:
        if row:
            if len(row) != len(header):
                raise SampleError(f"{len(row)} cells below a header of {len(header)}")
            _take(found, {name: cell.strip() for name, cell in zip(header, row, strict=True)}, names)
    return found


def _take(found: Values, cells: Mapping[str, str], names: Sequence[str]) -> None:
    signal = cells[SIGNAL]
    filled = [name for name in ("value", "hits") if cells.get(name)]
    if not signal or len(filled) != 1:
        raise SampleError("a row names its signal and has either a value or hits")
    if found.main.setdefault(signal, filled[0]) != filled[0]:
        raise SampleError(f"signal {signal} has rows with a value and rows with hits; write one of the two")
    count = number(cells["count"]) if cells.get("count") else None
    at = within(moment(cells["timestamp"]))
    key = tuple(sorted((name, cells[name]) for name in names if cells[name]))
    rows = found.rows.setdefault(signal, {}).setdefault(key, [])
    if rows and at <= rows[-1].at:
        raise SampleError(f"signal {signal} goes back to {at:.3f}; write each series' rows in the order of time")
    rows.append(Row(at, number(cells[filled[0]]), count))


class ValuesSource:
    """Answers the signals' requests with the rows of a file: at a time the newest row that is no window older."""

    def __init__(self, values: Values, signals: Sequence[CompiledSignal], inputs: Mapping[str, str]) -> None:
        self._values, self._namespace = values, signals[0].namespace if signals else ""
        self._requests: dict[str, list[CompiledSignal]] = {}
        self._owners: dict[str, list[CompiledSignal]] = {}
        self._inputs = inputs
        for signal in signals:
            self._check(signal.name)
            self._requests.setdefault(signal.query, []).append(signal)
            self._owners.setdefault(signal.owners, []).append(signal)

    def _check(self, signal: str) -> None:
        given = self._inputs[signal]
        if given not in _PARTS:
            raise InputError(f"signal {signal}: values of {given} cannot be read from CSV; write raw samples instead")
        main = self._values.main.get(signal)
        wanted = "value" if given == "promql" else "hits"
        if main is not None and main != wanted:
            raise InputError(f"signal {signal}: its input is {given}: write the column {wanted} instead of {main}")
        if given == "ratio" and any(
            r.count is None for rows in self._values.rows.get(signal, {}).values() for r in rows
        ):
            raise InputError(
                f"signal {signal}: its input is ratio: each row needs a count of all, the good ones included"
            )

    async def query(self, text: str, timeout: float | None = None, at: float | None = None) -> Answer:
        """Not asked in a replay, which asks for ranges."""
        return failed(DataState.NO_SOURCE, "a file has no present")

    async def query_range(
        self, text: str, start: float, end: float, step: float, timeout: float | None = None
    ) -> Answer:
        """The rows at each step."""
        times = [start + n * step for n in range(round((end - start) / step) + 1)]
        owners = [s for signal in self._owners.get(text, ()) for s in self._seen(signal, times)]
        return Answer(
            DataState.OK, series=(*owners, *(s for r in self._requests.get(text, ()) for s in self._rows(r, times)))
        )

    def _seen(self, signal: CompiledSignal, times: Sequence[float]) -> Iterable[Series]:
        for key, rows in self._values.rows.get(signal.name, {}).items():
            points = tuple((at, 1.0) for at in times if _newest(rows, at, LOOK_BACK) is not None)
            yield Series({NAMESPACE: self._namespace, **dict(key)}, points)

    def _rows(self, signal: CompiledSignal, times: Sequence[float]) -> Iterable[Series]:
        main, count, time = _PARTS[self._inputs[signal.name]]
        held = max(signal.window, signal.interval)
        for key, rows in self._values.rows.get(signal.name, {}).items():
            here = [(at, row) for at in times if (row := _newest(rows, at, held)) is not None]
            labels = {NAMESPACE: self._namespace, **dict(key)}
            yield Series({**labels, PART: main}, tuple((at, row.main) for at, row in here))
            yield Series({**labels, PART: time}, tuple((at, row.at) for at, row in here))
            counted = tuple((at, row.count) for at, row in here if row.count is not None)
            if counted:
                yield Series({**labels, PART: count}, counted)


def _newest(rows: Sequence[Row], at: float, held: float) -> Row | None:
    """The newest row at a time, unless it is older than ``held`` seconds."""
    place = bisect_right(rows, at + _CLOSE, key=lambda row: row.at)
    row = rows[place - 1] if place else None
    return row if row is not None and row.at > at - held + _CLOSE else None

"""The `events` input: how many rare events a window holds, and how many chances there were for them.

A counter of events that is absent while its exposure exists is 0. Without an exposure nothing tells a counter that
has nothing to count yet from one that is lost, so that there is no sample then.
"""

from collections.abc import Iterable, Mapping

from knowngood.api.signals import EventsInput
from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.counter import counted
from knowngood.core.signals.pooling import summed
from knowngood.core.signals.request import Ask, Request, joined
from knowngood.core.signals.sample import Key, Sample, part, plain, split_parts, unfit


def request(source: EventsInput, ask: Ask) -> Request:
    """One request for all models: rows of the parts `events`, `exposure` and `time`."""
    metric = ask.selector("metric", source.metric)
    exposure = ask.selector("exposure", source.exposure) if source.exposure else None
    up, window = ask.selector("metric", "up"), ask.window(source.window)
    counters = {"events": metric} | ({"exposure": exposure} if exposure else {})
    parts = (
        counted(counters, exposure or metric, up, window, ask.by),
        part("time", f"max by ({', '.join(ask.by)}) (timestamp({exposure or metric}))"),
    )
    length = window.length / 1000
    read = (metric, exposure) if exposure else (metric,)
    return Request(joined("metric", parts), read, read, length, length, decode, summed)


def decode(rows: Iterable[Row], now: float, stale_after: float) -> list[Sample]:
    """Samples of the number of events, one a group; ``count`` is the exposure, None where none is named."""
    parts = split_parts(rows)
    events, exposure, time = parts.get("events", {}), parts.get("exposure", {}), parts.get("time", {})
    chances, happened = _Sums(exposure), _Sums(events)
    found = [_sample(r, r.value, chances.of(k), time.get(k), now, stale_after) for k, r in events.items()]
    for key, row in exposure.items():
        if happened.of(key) is None:
            found.append(_sample(row, 0.0, row.value, time.get(key), now, stale_after))
    return found


class _Sums:
    """Cells by their labels, or by some of them: one side may tell releases apart and the other may not."""

    def __init__(self, cells: Mapping[Key, Row]) -> None:
        self._cells = cells
        self._shapes = {_names(key) for key in cells}
        self._sums: dict[frozenset[str], dict[Key, float]] = {}

    def of(self, key: Key) -> float | None:
        """The cell with these labels, else the sum of those with more of them, else the one with the most of them."""
        if key in self._cells:
            return self._cells[key].value
        names = _names(key)
        if any(shape > names for shape in self._shapes) and key in (sums := self._summed(names)):
            return sums[key]
        coarser = (_only(key, shape) for shape in self._shapes if shape < names)
        return next((self._cells[k].value for k in sorted(coarser, key=len, reverse=True) if k in self._cells), None)

    def _summed(self, names: frozenset[str]) -> Mapping[Key, float]:
        if names not in self._sums:
            sums = self._sums[names] = {}
            for key, row in self._cells.items():
                if _names(key) > names:
                    sums[_only(key, names)] = sums.get(_only(key, names), 0.0) + row.value
        return self._sums[names]


def _names(key: Key) -> frozenset[str]:
    return frozenset(name for name, _ in key)


def _only(key: Key, names: frozenset[str]) -> Key:
    return tuple(pair for pair in key if pair[0] in names)


def _sample(row: Row, events: float, chances: float | None, time: Row | None, now: float, stale_after: float) -> Sample:
    labels = plain(row.labels)
    newest = time.value if time else None
    bad = unfit(labels, (events, chances or 0.0), newest, now, stale_after)
    if bad:
        return bad
    hits, count = max(0.0, float(round(events))), None if chances is None else max(0.0, float(round(chances)))
    if not hits and count == 0:
        return Sample(labels, DataState.TOO_FEW, count=0.0, newest=newest, message="no exposure in the window")
    return Sample(labels, DataState.OK, value=hits, count=count, newest=newest, hits=hits)

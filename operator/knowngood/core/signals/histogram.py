"""The `histogram` input: the distribution of what was observed in a window, in whole observations.

Classic histograms are counters by their upper edge (``le``), native ones come as one value; one request asks for
both. The edges of native ones are those of a fixed grid, so that windows can be compared: an answer names only the
buckets that are not empty.
"""

from collections.abc import Iterable, Mapping

from knowngood.api.signals import HistogramInput
from knowngood.core.signals.answer import DataState, NativeHistogram, Row
from knowngood.core.signals.buckets import Cumulative, classic, mean, native, whole
from knowngood.core.signals.counter import counted
from knowngood.core.signals.pooling import merged
from knowngood.core.signals.request import Ask, Request, joined
from knowngood.core.signals.sample import Key, Sample, key_of, part, plain, split_parts, unfit

EDGE = "le"


def request(source: HistogramInput, ask: Ask) -> Request:
    """One request for all models: rows of the parts `bucket`, `sum`, `native` and `time`."""
    bucket, count, total, full = (
        ask.selector("metric", source.metric + suffix) for suffix in ("_bucket", "_count", "_sum", "")
    )
    up, window = ask.selector("metric", "up"), ask.window(source.window)
    parts = (
        counted({"bucket": bucket, "sum": total, "native": full}, count, up, window, [*ask.by, EDGE]),
        part("time", f"max by ({', '.join(ask.by)}) (timestamp({count}) or timestamp({full}))"),
    )
    length = window.length / 1000
    read = (count, total, full, bucket)
    return Request(joined("metric", parts), read, (count, full), length, length, decode, merged)


def decode(rows: Iterable[Row], now: float, stale_after: float) -> list[Sample]:
    """Samples of the mean observation, one a group, with their buckets; ``count`` is how many were observed."""
    parts = split_parts(rows)
    time, sums, natives = parts.get("time", {}), parts.get("sum", {}), parts.get("native", {})
    found = [
        _native(row.labels, row.histogram, time.get(key), now, stale_after)
        for key, row in natives.items()
        if row.histogram is not None
    ]
    groups: dict[Key, tuple[dict[str, str], list[tuple[str, float]]]] = {}
    for row in parts.get("bucket", {}).values():
        labels = {k: v for k, v in plain(row.labels).items() if k != EDGE}
        _, cells = groups.setdefault(key_of(labels), (labels, []))
        cells.append((row.labels.get(EDGE, ""), row.value))
    for key, (labels, cells) in groups.items():
        if key not in natives or natives[key].histogram is None:
            found.append(_classic(labels, cells, sums.get(key), time.get(key), now, stale_after))
    return found


def _native(
    labels: Mapping[str, str], found: NativeHistogram, time: Row | None, now: float, stale_after: float
) -> Sample:
    newest = time.value if time else None
    values = [found.count, *(count for _, _, count in found.buckets)]
    bad = unfit(plain(labels), values, newest, now, stale_after)
    return bad or _sample(plain(labels), native(found), found.sum, newest)


def _classic(
    labels: Mapping[str, str],
    cells: Iterable[tuple[str, float]],
    total: Row | None,
    time: Row | None,
    now: float,
    stale_after: float,
) -> Sample:
    newest = time.value if time else None
    found = classic(cells)
    bad = unfit(labels, [count for _, count in found], newest, now, stale_after)
    # with negative observations the sum is no counter: it falls, which an increase takes for a reset
    known = total is not None and not any(edge < 0 for edge, _ in found)
    return bad or _sample(labels, found, total.value if known and total else None, newest)


def _sample(labels: Mapping[str, str], found: Cumulative, total: float | None, newest: float | None) -> Sample:
    if not found:
        text = 'the histogram has no bucket le="+Inf", which holds all observations'
        return Sample(labels, DataState.EMPTY, newest=newest, message=text)
    buckets = whole(found)
    count = float(sum(buckets.counts))
    if not count:
        return Sample(labels, DataState.TOO_FEW, count=0.0, newest=newest, message="no observations in the window")
    value = mean(buckets, found[-1][1], total)
    if value is None:
        text = "the histogram has neither a sum nor an edge"
        return Sample(labels, DataState.EMPTY, newest=newest, message=text)
    return Sample(labels, DataState.OK, value=value, count=count, newest=newest, buckets=buckets)

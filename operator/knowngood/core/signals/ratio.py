"""The `ratio` input: good events over all events within a window.

A `good` counter that is absent while its `total` exists is 0: a release that is always wrong has none.
"""

from collections.abc import Iterable
from functools import partial

from knowngood.api.signals import RatioInput
from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.counter import counted
from knowngood.core.signals.pooling import pooled
from knowngood.core.signals.request import Ask, Request, joined
from knowngood.core.signals.sample import Sample, part, plain, split_parts, unfit


def request(source: RatioInput, ask: Ask) -> Request:
    """One request for all models: rows of the parts `good`, `total` and `time`."""
    good, total = ask.selector("good", source.good), ask.selector("total", source.total)
    up, window = ask.selector("total", "up"), ask.window(source.window)
    parts = (
        counted({"good": good, "total": total}, total, up, window, ask.by),
        part("time", f"max by ({', '.join(ask.by)}) (timestamp({total}))"),
    )
    length = window.length / 1000
    both = (good, total)
    decoder = partial(decode, whole=ask.whole, counter=source.good)
    return Request(joined("total", parts), both, both, length, length, decoder, pooled, shares=True)


def decode(
    rows: Iterable[Row], now: float, stale_after: float, whole: bool = False, counter: str = "good"
) -> list[Sample]:
    """Samples of the ratio (0 to 1), one a group; ``count`` is the number of events in the window.

    ``whole``: nothing was extrapolated but a millisecond, so that they are whole numbers. ``counter`` is what the good
    ones are called, for a person who has to find out that it was misspelt.
    """
    parts = split_parts(rows)
    good, total, time = parts.get("good", {}), parts.get("total", {}), parts.get("time", {})
    return [_sample(row, good.get(key), time.get(key), counter, now, stale_after, whole) for key, row in total.items()]


def _sample(
    total: Row, right: Row | None, time: Row | None, counter: str, now: float, stale_after: float, whole: bool
) -> Sample:
    labels, good = plain(total.labels), right.value if right else 0.0
    newest = time.value if time else None
    bad = unfit(labels, (total.value, good), newest, now, stale_after)
    if bad:
        return bad
    count = float(round(total.value)) if whole else total.value
    if count <= 0:
        return Sample(labels, DataState.TOO_FEW, count=0.0, newest=newest, message="no events in the window")
    # Prometheus extrapolates each counter on its own, so that good may pass total by a hair.
    hits = max(0.0, min(float(round(good)) if whole else good, count))
    said = "" if right else f"there is no series of {counter} beside the total's, which counts as 0"
    return Sample(labels, DataState.OK, value=hits / count, count=count, newest=newest, message=said, hits=hits)

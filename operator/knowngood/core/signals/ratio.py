"""The `ratio` input: good events over all events within a window.

A `good` counter that is absent while its `total` exists is 0: a release that is always wrong has none. One that nobody
has had for long is a name that was misspelt.
"""

from collections.abc import Iterable
from functools import partial

import numpy as np

from knowngood.api.signals import RatioInput
from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.counter import counted
from knowngood.core.signals.fitness import Fitness
from knowngood.core.signals.pooling import pooled
from knowngood.core.signals.request import Ask, Request, joined
from knowngood.core.signals.rows import Rows
from knowngood.core.signals.sample import Samples
from knowngood.core.signals.series import part


def request(source: RatioInput, ask: Ask) -> Request:
    """One request for all models: rows of the parts `good`, `total` and `time`."""
    good, total = ask.selector("good", source.good), ask.selector("total", source.total)
    window = ask.window(source.window)
    found = counted("total", {"good": good, "total": total}, total, window, ask.by, ask)
    time = part("time", f"max by ({', '.join(ask.by)}) (timestamp({ask.some(total)}))")
    length = window.length / 1000
    both = (good, total)
    decoder = partial(decode, whole=ask.whole, counter=source.good)
    query, mostly = joined("total", (found.all, time)), joined("total", (*found.mostly, time))
    return Request(query, both, both, length, length, decoder, pooled, shares=True, mostly=mostly, vital=(good, "good"))


def decode(rows: Iterable[Row], now: float, stale_after: float, whole: bool = False, counter: str = "good") -> Samples:
    """Samples of the ratio (0 to 1), one a group; ``count`` is the number of events in the window.

    ``whole``: nothing was extrapolated but a millisecond, so that they are whole numbers. ``counter`` is what the good
    ones are called, for a person who has to find out that it was misspelt.
    """
    columns = Rows.of(rows)
    groups = columns.arrangement.part("total").groups
    total, good = columns.column("total", groups, 0.0), columns.column("good", groups, 0.0)
    newest, fitness = columns.newest(groups), Fitness(len(groups))
    fitness.counts(total)
    fitness.counts(good)
    fitness.fresh(newest, now, stale_after)
    count = np.rint(total) if whole else total
    none = fitness.say(count <= 0, DataState.TOO_FEW, "no events in the window")
    fitness.hint(~columns.has("good", groups), f"there is no series of {counter} beside the total's, which counts as 0")
    # Prometheus extrapolates each counter on its own, so that good may pass total by a hair.
    hits = np.maximum(0.0, np.minimum(np.rint(good) if whole else good, count))
    value = np.divide(hits, count, out=np.full(len(groups), np.nan), where=fitness.ok)
    count = np.where(fitness.ok, count, np.where(none, 0.0, np.nan))
    return Samples(groups, fitness, value, count, newest, np.where(fitness.ok, hits, np.nan))

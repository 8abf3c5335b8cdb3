"""The `events` input: how many rare events a window holds, and how many chances there were for them.

A counter of events that is absent while its exposure exists is 0. Without an exposure nothing tells a counter that
has nothing to count yet from one that is lost, so that there is no sample then.
"""

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from knowngood.api.signals import EventsInput
from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.counter import counted
from knowngood.core.signals.fitness import Fitness
from knowngood.core.signals.matching import Found, Matching
from knowngood.core.signals.pooling import summed
from knowngood.core.signals.request import Ask, Request, joined
from knowngood.core.signals.rows import Arrangement, Rows
from knowngood.core.signals.sample import Samples
from knowngood.core.signals.series import Group, Groups, part

_NOBODY = (
    "no model has a series of {0} in the window, which counts as 0: it has counted nothing yet, or events.metric is "
    "not the name that they export"
)
_BY_TIME = (
    "there is no series of {0} beside the events', which are judged by time alone: events.exposure is not the name or "
    "has not the labels that the model exports"
)


def request(source: EventsInput, ask: Ask) -> Request:
    """One request for all models: rows of the parts `events`, `exposure` and `time`."""
    metric = ask.selector("metric", source.metric)
    exposure = ask.selector("exposure", source.exposure) if source.exposure else None
    window = ask.window(source.window)
    counters = {"events": metric} | ({"exposure": exposure} if exposure else {})
    found = counted("metric", counters, exposure or metric, window, ask.by, ask)
    time = part("time", f"max by ({', '.join(ask.by)}) (timestamp({ask.some(exposure or metric)}))")
    length = window.length / 1000
    read = (metric, exposure) if exposure else (metric,)
    query, mostly = joined("metric", (found.all, time)), joined("metric", (*found.mostly, time))
    decoder = partial(decode, counter=source.metric, chances=source.exposure)
    return Request(query, read, read, length, length, decoder, summed, mostly=mostly)


def decode(
    rows: Iterable[Row], now: float, stale_after: float, counter: str = "events", chances: str | None = None
) -> Samples:
    """Samples of the number of events, one a group; ``count`` is the exposure, None where none is named.

    ``counter`` and ``chances`` are what both are called, for a person who has to find out that one was misspelt.
    """
    columns = Rows.of(rows)
    arranged = columns.arrangement
    groups, exposed = arranged.once("events", lambda: _found(arranged))
    events, newest = columns.column("events", groups, 0.0), columns.newest(groups)
    exposure, fitness = exposed.sums(columns), Fitness(len(groups))
    fitness.counts(events)
    fitness.counts(exposure)
    fitness.fresh(newest, now, stale_after)
    hits, count = np.maximum(0.0, np.rint(events)), np.maximum(0.0, np.rint(exposure))
    idle = exposed.known & (hits == 0) & (count == 0)
    none = fitness.say(idle, DataState.TOO_FEW, "no exposure in the window")
    if not arranged.part("events").groups:
        fitness.together.append(_NOBODY.format(counter))  # told of each, the first event would change all statuses
    if chances is not None:
        fitness.hint(~exposed.known, _BY_TIME.format(chances))
    hits = np.where(fitness.ok, hits, np.nan)
    count = np.where(fitness.ok & exposed.known, count, np.where(none, 0.0, np.nan))
    return Samples(groups, fitness, hits, count, newest, hits)


def _found(arranged: Arrangement) -> tuple[Groups, Found]:
    """Whoever has events or only chances for them, with the rows of its exposure: its own, finer ones or a coarser one.

    One side may tell releases apart and the other not.
    """
    happened, chances = Matching(arranged.part("events")), Matching(arranged.part("exposure"))
    silent = (g for g in arranged.part("exposure").groups if not _rows(happened, g))
    groups = Groups((*arranged.part("events").groups, *silent))
    return groups, Found(_rows(chances, group) for group in groups)


def _rows(of: Matching, group: Group) -> Sequence[int]:
    return of.same(group.key) or of.finer(group.key) or of.coarser(group.key)

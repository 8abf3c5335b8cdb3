"""The `ratio` input: good events over all events within a sliding window.

Counters are counted as people mean it: one that is born at 1 within the window counts as 1 (``increase`` says 0),
resets are followed, and a `good` counter that is absent while its `total` exists is 0.

A birth is a series that was not there before the window, while others of the metric were: without the second half,
a gap in the source's own data would make every old counter look newly born, with its whole life in one window.
"""

from collections.abc import Iterable, Sequence

from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.sample import Sample, part, split_parts, stale, value_state

_LOOK_BEHIND = "5m"  # as far back as Prometheus itself looks for a series' last sample


def increase(selector: str, sibling: str, window: str) -> str:
    """PromQL of the events that a counter counted within ``window``, births included, one row a series."""
    born = f"(last_over_time({selector}[{window}]) unless last_over_time({selector}[{_LOOK_BEHIND}] offset {window}))"
    witnessed = f"{born} and on () group({sibling} offset {window})"
    return f"(({witnessed}) or increase({selector}[{window}]))"


def query(good: str, total: str, window: str, by: Sequence[str]) -> str:
    """One request for all models: rows of the parts `good`, `total` and `time`, grouped by ``by``.

    ``good`` and ``total`` are selectors that carry their namespace already.
    """
    group = f"by ({', '.join(by)})"
    return " or ".join(
        (
            part("good", f"sum {group} {increase(good, total, window)}"),
            part("total", f"sum {group} {increase(total, total, window)}"),
            part("time", f"max {group} (timestamp({total}))"),
        )
    )


def decode(rows: Iterable[Row], now: float, stale_after: float) -> list[Sample]:
    """Samples of the ratio (0 to 1), one a group; ``count`` is the number of events in the window."""
    parts = split_parts(rows)
    good, total, time = parts.get("good", {}), parts.get("total", {}), parts.get("time", {})
    return [
        _sample(row, good[key].value if key in good else 0.0, time.get(key), now, stale_after)
        for key, row in total.items()
    ]


def _sample(total: Row, good: float, time: Row | None, now: float, stale_after: float) -> Sample:
    labels = {k: v for k, v in total.labels.items() if not k.startswith("knowngood_")}
    newest = time.value if time else None
    for value in (total.value, good):
        state, why = value_state(value)
        if state is not DataState.OK:
            return Sample(labels, state, newest=newest, message=why)
    old = stale(newest, now, stale_after)
    if old:
        return Sample(labels, DataState.STALE, newest=newest, message=old)
    if total.value <= 0:
        return Sample(labels, DataState.TOO_FEW, count=0.0, newest=newest, message="no events in the window")
    # Prometheus extrapolates each counter on its own, so that good may pass total by a hair.
    return Sample(labels, DataState.OK, value=max(0.0, min(good / total.value, 1.0)), count=total.value, newest=newest)

"""Queries a cycle, from Prometheus' own counter: the operator's polls come in bursts."""

from __future__ import annotations

from itertools import pairwise


def per_cycle(counts: list[tuple[float, float]], interval: float) -> float | None:
    """Mean queries in a burst, from (seconds, counter) readings; None with no whole burst.

    A burst ends where nothing moved for half an interval. The first and the last one may be cut
    off by the measurement's own start and end and do not count.
    """
    bursts: list[float] = []
    last_move: float | None = None
    for (_, before), (at, count) in pairwise(counts):
        if count <= before:
            continue
        if last_move is None or at - last_move > interval / 2:
            bursts.append(0.0)
        bursts[-1] += count - before
        last_move = at
    whole = bursts[1:-1]
    return round(sum(whole) / len(whole), 2) if whole else None

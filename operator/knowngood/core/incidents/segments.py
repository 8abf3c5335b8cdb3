"""Which parts of the traffic went wrong at the onset, and which did not."""

import math
from collections.abc import Collection, Sequence

import numpy as np

from knowngood.api.analysis import HitSegment
from knowngood.api.evidence import Labels, Series
from knowngood.core.incidents.onset import Limit
from knowngood.core.incidents.tracks import Track, tracks

_INFRASTRUCTURE = frozenset(
    {"__name__", "namespace", "pod", "instance", "job", "container", "endpoint", "service", "node", "le", "uid"}
)
_MOST = 16
_SURE = 3.0  # standard errors between before and after


def hit(
    series: Sequence[Series], at: float, limit: Limit | None, apart: Collection[str] = ()
) -> tuple[list[HitSegment], int]:
    """The segments that are worse since ``at``, the worst first, and how many there are.

    Segments are told apart by the labels that vary, but for those that say where it runs and those in ``apart``.
    """
    groups: dict[tuple[tuple[str, str], ...], list[Series]] = {}
    for one in series:
        rest = {k: v for k, v in one.labels.items() if k not in _INFRASTRUCTURE and k not in apart}
        groups.setdefault(tuple(sorted(rest.items())), []).append(one)
    shared = set.intersection(*(set(key) for key in groups)) if groups else set()
    if len(groups) < 2:
        return [], 0
    found: list[tuple[float, HitSegment]] = []
    for key, group in sorted(groups.items()):
        track = next((t for t in tracks(group) if t.share), None)
        made = _compared(track, at, limit, {k: v for k, v in key if (k, v) not in shared}) if track else None
        if made is not None:
            found.append(made)
    found.sort(key=lambda f: (-f[0], sorted(f[1].labels.items())))
    return [segment for _, segment in found[:_MOST]], len(groups)


def _compared(track: Track, at: float, limit: Limit | None, labels: Labels) -> tuple[float, HitSegment] | None:
    """How many standard errors it is worse, with both values; None where it is not."""
    before, after = track.ends <= at, track.starts >= at
    old, new = float(track.weights[before].sum()), float(track.weights[after].sum())
    if not (0 < old < math.inf and 0 < new < math.inf):
        return None
    was = float(np.average(track.values[before], weights=track.weights[before]))
    now = float(np.average(track.values[after], weights=track.weights[after]))
    pooled = (was * old + now * new) / (old + new)
    error = math.sqrt(max(pooled * (1 - pooled), 1.0 / (old + new)) * (1 / old + 1 / new))
    worse = (was - now if limit.below else now - was) if limit else abs(now - was)
    if not worse / error >= _SURE:
        return None
    return worse / error, HitSegment(labels=labels, before=f"{was:.4g}", after=f"{now:.4g}")

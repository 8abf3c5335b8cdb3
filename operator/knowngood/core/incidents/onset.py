"""When it began: the change point of the signal's raw samples.

One change of the mean at an unknown time, by least squares over every place where it may be (J. Bai, "Least squares
estimation of a shift in linear processes", 1994), each bin weighted by its observations. The interval holds every place
whose likelihood ratio to the best is below the 95 % point of its limit distribution, P(x) = (1 - exp(-x/2))²
(D. Siegmund, "Confidence sets in change-point problems", 1988). Errors are scaled by what the two halves scatter, and
by their correlation, so that noisy data gives a wide interval and not a wrong one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from knowngood.api.analysis import OnsetMethod
from knowngood.api.evidence import Series
from knowngood.core.incidents.tracks import Floats, Track, tracks

_CERTAIN = -2.0 * math.log(1.0 - math.sqrt(0.95))  # 7.35: Siegmund's 95 % point
_CHANGED = 15.0  # a likelihood ratio that unchanged data passes about once in a hundred times
_LEAST_BINS = 8
_MARGIN = 2  # bins on either side
_MOST_CORRELATED = 0.9
_QUARTERS = 4


@dataclass(frozen=True, slots=True)
class Onset:
    """When it began, in seconds since the epoch, and how that was found; ``earliest`` None: not known."""

    at: float
    earliest: float | None
    latest: float
    method: OnsetMethod


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that a value passed: ``below`` or above ``value``."""

    below: bool
    value: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A signal whose samples may date the onset.

    Its breach was seen first at ``since``, ``reach`` seconds at most after it began (None: any time, as of a detector
    that adds up evidence over windows); ``limit`` where it has one.
    """

    series: Sequence[Series]
    since: float
    reach: float | None
    limit: Limit | None = None


def limit_of(threshold: str) -> Limit | None:
    """The limit that a threshold's text names, as the detector `threshold` writes it."""
    word, _, number = threshold.partition(" ")
    try:
        value = float(number)
    except ValueError:
        return None
    return Limit(word == "below", value) if word in {"below", "above"} and math.isfinite(value) else None


def onset(asked: Asked) -> Onset:
    """When the signal began to go wrong. Never raises on any samples."""
    with np.errstate(all="ignore"):
        found = tracks(asked.series)
        best: tuple[float, Onset] | None = None
        for track in found:
            made = change_point(track, asked.limit)
            if made is not None and made[1].at < asked.since and (best is None or made[0] > best[0]):
                best = made
        if best is not None:
            return _before(best[1], asked.since)
        bad = next((t for t in found if _always_bad(t, asked.limit)), None)
    if bad is not None:
        start = min(float(bad.starts[0]), asked.since)
        return Onset(start, None, start, OnsetMethod.BEFORE_SAMPLES)
    if asked.reach is None:
        return Onset(asked.since, None, asked.since, OnsetMethod.FIRST_BREACH)
    earliest = asked.since - max(0.0, asked.reach)
    return Onset((earliest + asked.since) / 2, earliest, asked.since, OnsetMethod.FIRST_BREACH)


def _before(found: Onset, since: float) -> Onset:
    """It began no later than its breach was seen."""
    earliest = found.earliest if found.earliest is not None else found.at
    return Onset(min(found.at, since), min(earliest, since), min(found.latest, since), found.method)


def change_point(track: Track, limit: Limit | None = None) -> tuple[float, Onset] | None:
    """The change of the mean with its likelihood ratio, or None where there is none that chance would not make."""
    n = len(track.values)
    if n < _LEAST_BINS:
        return None
    gains, step = _gains(track)
    allowed = np.zeros(n - 1, dtype=bool)
    allowed[_MARGIN - 1 : n - _MARGIN] = True
    if limit is not None and track.share:
        allowed &= step < 0 if limit.below else step > 0
    gains = np.where(allowed & np.isfinite(gains), gains, -np.inf)
    best = int(np.argmax(gains))
    if not gains[best] > 0.0:
        return None
    noise, most = _noise(track, best + 1)
    ratio = float(gains[best]) / noise
    if not ratio > _CHANGED * (1.0 + _LEAST_BINS / n):
        return None
    splits = np.flatnonzero(gains >= gains[best] - _CERTAIN * most * n / (n - 2)) + 1
    made = Onset(
        at=float(track.starts[best + 1]),
        earliest=float(track.starts[splits[0] - 1]),  # the last bin before may hold the beginning
        latest=float(track.ends[splits[-1]]),
        method=OnsetMethod.CHANGE_POINT,
    )
    return ratio, made


def _gains(track: Track) -> tuple[Floats, Floats]:
    """By split (before the second bin first): what it takes off the squared errors, and the step of the mean."""
    weights, sums = np.cumsum(track.weights), np.cumsum(track.weights * track.values)
    before, after = weights[:-1], weights[-1] - weights[:-1]
    step = (sums[-1] - sums[:-1]) / after - sums[:-1] / before
    return before * after / weights[-1] * step**2, step


def _noise(track: Track, split: int) -> tuple[float, float]:
    """The variance of one observation about the two means: of both halves together, and of the noisier one.

    Widened for correlation; what chance alone makes is the least.
    """
    halves = [(track.values[s], track.weights[s]) for s in (slice(None, split), slice(split, None))]
    means = [float(np.average(v, weights=w)) for v, w in halves]
    errors = [np.sqrt(w) * (v - m) for (v, w), m in zip(halves, means, strict=True)]
    own = [float(e @ e) / (len(e) - 1) for e in errors]
    both = np.concatenate(errors)
    squares = float(both @ both)
    smallest = 1e-9 * float(np.abs(track.values).max()) + 1e-150
    least = [smallest * smallest] * 2
    if track.share:
        total = float(track.weights.sum())
        least = [max(m * (1 - m), 1.0 / total) for m in means]
    share = float(halves[0][1].sum() / track.weights.sum())
    together = float(both[:-1] @ both[1:]) / squares if squares > 0 else 0.0
    together = min(max(together, 0.0), _MOST_CORRELATED)
    wider = (1 + together) / (1 - together)
    pooled = max(squares / (len(both) - 2) * wider, share * least[0] + (1 - share) * least[1])
    return pooled, max(pooled, *least, *(o * wider for o, e in zip(own, errors, strict=True) if len(e) >= _LEAST_BINS))


def _always_bad(track: Track, limit: Limit | None) -> bool:
    """Whether the samples are beyond the limit from the first to the last: it began before them."""
    if limit is None or not track.share:
        return False
    parts = [p for p in np.array_split(np.arange(len(track.values)), _QUARTERS) if len(p)]
    means = np.array([np.average(track.values[p], weights=track.weights[p]) for p in parts])
    return bool((means < limit.value).all() if limit.below else (means > limit.value).all())

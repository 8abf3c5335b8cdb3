"""Whether one release may take another's place: pass, fail, or not enough seen yet.

Asked with all that both have shown so far, as often as one likes: the chance of ever saying something wrong is at
most ``alpha`` for each of both answers. Unlike `comparison` it needs no baseline and no memory, and comes to an end.
"""

from enum import StrEnum

import numpy as np

from knowngood.api.detectors import Direction
from knowngood.core.detectors.usable import too_few, unusable
from knowngood.core.signals.sample import Buckets, Sample
from knowngood.core.stats.rank import superiority
from knowngood.core.stats.sequential import log_e_below, radius

_FEWEST = 30  # observations; with fewer, ranks are not yet normal


class Outcome(StrEnum):
    """What a trial says."""

    PASS = "Pass"  # noqa: S105
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"


def compare(
    sample: Sample, other: Sample, direction: Direction, min_effect: float, alpha: float, min_samples: int = 1
) -> tuple[Outcome, str]:
    """Whether ``sample`` is worse than ``other`` by more than ``min_effect``, and why in a sentence.

    Both are of everything since the trial began: shares (hits of count), or histograms over the same edges, of which
    the effect is how far the chance to be the larger of two is from one half. With a ``min_effect`` of 0 equal releases
    stay undecided: that two are exactly alike cannot be shown.
    """
    for each in (sample, other):
        if (found := unusable(each) or too_few(each, min_samples)) is not None:
            return Outcome.INCONCLUSIVE, found.message
    ways = {Direction.UP: (1,), Direction.DOWN: (-1,), Direction.BOTH: (1, -1)}[direction]
    each_alpha = alpha / len(ways)
    worse = [_worse(sample, other, way, min_effect, each_alpha) for way in ways]
    if None in worse:
        return Outcome.INCONCLUSIVE, "nothing to compare: no counts and no histogram with the same edges"
    if any(w is True for w, _ in filter(None, worse)):
        return Outcome.FAIL, "worse than the release it is compared with"
    if all(fine for _, fine in filter(None, worse)):
        return Outcome.PASS, "not worse than the release it is compared with"
    return Outcome.INCONCLUSIVE, "too little was seen to tell them apart"


def _worse(sample: Sample, other: Sample, way: int, effect: float, alpha: float) -> tuple[bool, bool] | None:
    """(shown to be worse by more than the effect, shown not to be)."""
    if sample.hits is not None and other.hits is not None and sample.count and other.count:
        return _shares((sample.hits, sample.count), (other.hits, other.count), way, effect, alpha)
    if sample.buckets and other.buckets and sample.buckets.edges == other.buckets.edges:
        return _ranks(sample.buckets, other.buckets, way, effect, alpha)
    return None


def _shares(
    ours: tuple[float, float], theirs: tuple[float, float], way: int, effect: float, alpha: float
) -> tuple[bool, bool]:
    """A larger share is worse for ``way`` 1; misses of a share are a share too, so that one test does for both."""
    needed = -np.log(alpha)
    (x, n), (y, m) = (_within(*ours), _within(*theirs))
    if way < 0:
        x, y = n - x, m - y
    # now a larger share is worse: worse by more than the effect, unless theirs is at least ours less the effect
    worse = bool(log_e_below(y, m, x, n, effect)[0] >= needed)
    fine = bool(log_e_below(x, n, y, m, -effect)[0] >= needed)
    return worse, fine


def _within(hits: float, count: float) -> tuple[float, float]:
    return min(max(hits, 0.0), count), count


def _ranks(ours: Buckets, theirs: Buckets, way: int, effect: float, alpha: float) -> tuple[bool, bool]:
    sizes = sum(ours.counts), sum(theirs.counts)
    if min(sizes) < _FEWEST:
        return False, False
    found = superiority(ours.counts, theirs.counts)
    above = way * (float(found.share) - 0.5) - effect
    reach = radius(max(float(found.error), 0.5 / min(sizes)), float(min(sizes)), alpha)
    return above > reach, above < -reach

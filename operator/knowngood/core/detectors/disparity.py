"""`disparity`: a group gets favourable outcomes too rarely beside another.

The four-fifths rule (29 CFR 1607.4 D, Uniform Guidelines on Employee Selection Procedures) asks whether a group's
share is less than `minRatio` of the reference's. Shares of few outcomes differ by chance, so that here it must be
proven, by the exact tests of `stats.proportions`, that the true ratio is less; Holm's procedure over all comparisons
keeps the chance that any group is accused wrongly within what one window may risk. Which group is best is seen in the
same data: each is compared with each, and all of that is counted. A disparity that was found lasts until it would be
no finding at 5 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from knowngood.api.conditions import Reason
from knowngood.api.detectors import DisparityDetector
from knowngood.api.durations import seconds
from knowngood.api.observed import Verdict
from knowngood.core.detectors.groups import Pair, pairs, reference_missing
from knowngood.core.detectors.judgement import Judgement, undecided
from knowngood.core.detectors.port import Case, Judged, Span
from knowngood.core.detectors.usable import unusable
from knowngood.core.signals.answer import DataState
from knowngood.core.stats.families import Floats, holm, window_alpha
from knowngood.core.stats.proportions import below

_LASTS = 0.05


@dataclass(frozen=True, slots=True)
class Memory:
    """The end of the window in which the disparity was found, in seconds since the epoch."""

    since: float


class Disparity:
    """The detector."""

    name: ClassVar[str] = "disparity"
    whole_windows: ClassVar[bool] = True
    learns: ClassVar[bool] = False
    memory: ClassVar[type | None] = Memory

    def judge(self, settings: DisparityDetector, cases: Sequence[Case], span: Span) -> list[Judged]:
        """Each release by itself, with all of its groups; the tests of all at once."""
        found = [_undecided(settings, case) for case in cases]
        compared = [
            pairs(settings, case.sample.cells) if f is None else [] for case, f in zip(cases, found, strict=True)
        ]
        chances = _chances(settings, [pair for some in compared for pair in some])
        ends = np.cumsum([len(some) for some in compared]).tolist()
        judged: list[Judged] = []
        for case, f, some, end in zip(cases, found, compared, ends, strict=True):
            if f is None and some:
                judged.append(_judge(settings, case, some, chances[end - len(some) : end], span))
            else:
                judged.append((f or _nobody(settings), case.memory))
        return judged


def _undecided(settings: DisparityDetector, case: Case) -> Judgement | None:
    if (found := unusable(case.sample)) is not None:
        return found
    if reference_missing(settings, case.sample.cells):
        text = f"the reference group has fewer than minSamples {settings.min_samples} outcomes in the window"
        return Judgement(Verdict.INCONCLUSIVE, Reason.GROUP_MISSING, text, state=DataState.TOO_FEW)
    return None


def _nobody(settings: DisparityDetector) -> Judgement:
    few = f"no two groups to compare have minSamples {settings.min_samples} outcomes in the window"
    return undecided(DataState.TOO_FEW, few)


def _judge(settings: DisparityDetector, case: Case, compared: Sequence[Pair], chances: Floats, span: Span) -> Judged:
    alpha = window_alpha(seconds(settings.false_alarm_every), span.length, case.segments)
    tests = len(compared) * (1 if settings.max_difference is None else 2)
    guilty = _rejected(compared, chances, alpha, tests)
    if not guilty and case.memory is not None:
        guilty = _rejected(compared, chances, max(alpha, _LASTS), tests)
    if guilty:
        text = "a group gets favourable outcomes too rarely beside the reference group"
        return _said(settings, Verdict.BREACH, Reason.DISPARITY, text, guilty), case.memory or Memory(span.end)
    text = "no group is shown to get favourable outcomes too rarely"
    return _said(settings, Verdict.HEALTHY, Reason.HEALTHY, text, compared), None


def _chances(settings: DisparityDetector, compared: Sequence[Pair]) -> Floats:
    """The smaller p value of each pair's tests."""
    if not compared:
        return np.ones(0)
    columns = [(p.group.favourable, p.group.total, p.other.favourable, p.other.total) for p in compared]
    x, n, y, m = np.array(columns, dtype=np.float64).T
    chances = below(x, n, y, m, settings.min_ratio)
    if settings.max_difference is None:
        return chances
    return np.minimum(chances, below(x, n, y, m, 1.0, settings.max_difference))


def _rejected(compared: Sequence[Pair], chances: Floats, alpha: float, tests: int) -> list[Pair]:
    return [pair for pair, guilty in zip(compared, holm(chances, alpha, tests), strict=True) if guilty]


def _said(settings: DisparityDetector, verdict: Verdict, reason: Reason, text: str, among: Sequence[Pair]) -> Judgement:
    """The judgement, which names the group that is worst off among those."""
    worst = min(among, key=lambda pair: (pair.ratio, pair.group.labels))
    limit = f"ratio below {settings.min_ratio:g}"
    if settings.max_difference is not None:
        limit += f" or difference above {settings.max_difference:g}"
    group = worst.group
    return Judgement(verdict, reason, text, worst.ratio, group.total, limit, dict(group.labels))

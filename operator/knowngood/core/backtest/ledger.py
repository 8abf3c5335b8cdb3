"""How long each signal said what of each model, and what its value was: kept while a history passes."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from knowngood.api.conditions import Reason
from knowngood.api.observed import Verdict
from knowngood.core.backtest.limits import limits
from knowngood.core.incidents.opening import SignalView

MOST_BINS = 600  # of a history, for a picture


@dataclass
class Track:
    """One signal on one model; times in seconds since the epoch, durations in seconds.

    ``armed`` is when it first judged: with data, and with what is usual learned. ``spans`` are (word, from, to) of what
    is no plain health; ``low`` and ``high`` the values' extremes by bin, NaN where there was none. ``why`` is what was
    last said with each word, ``remarks`` for how long what was remarked on the data.
    """

    detector: str
    bins: int
    armed: float | None = None
    threshold: str | None = None  # as last said
    limits: Sequence[float] = ()  # values at which the verdict turns
    words: dict[str, float] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, float] = field(default_factory=dict)
    spans: list[tuple[str, float, float]] = field(default_factory=list)
    low: list[float] = field(init=False)
    high: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self.low, self.high = [math.nan] * self.bins, [math.nan] * self.bins

    def note(self, view: SignalView, at: float, interval: float, place: int) -> None:
        """What was said at a poll, and stays said until the next one."""
        judgement = view.judgement
        word = word_of(view)
        self.words[word] = self.words.get(word, 0.0) + interval
        self.why[word] = judgement.message
        if judgement.remark:
            self.remarks[judgement.remark] = self.remarks.get(judgement.remark, 0.0) + interval
        if self.armed is None and word in ARMED:
            self.armed = at
        self._span(word, at, interval)
        if self.threshold is None or judgement.threshold not in ("", self.threshold):
            self.threshold = judgement.threshold
            self.limits = limits(view.signal.detector.chosen()[1], self.threshold)
        value = judgement.value
        if value is not None and math.isfinite(value):
            self.low[place] = value if math.isnan(self.low[place]) else min(self.low[place], value)
            self.high[place] = value if math.isnan(self.high[place]) else max(self.high[place], value)

    def _span(self, word: str, at: float, interval: float) -> None:
        if word == Verdict.HEALTHY:
            return
        if self.spans and self.spans[-1][0] == word and at - self.spans[-1][2] < interval / 2:
            word, since, _ = self.spans.pop()
            self.spans.append((word, since, at + interval))
        else:
            self.spans.append((word, at, at + interval))


_JUDGED = frozenset({Verdict.HEALTHY, Verdict.BREACH})
ARMED = frozenset({Verdict.HEALTHY.value, Verdict.BREACH.value, Reason.PENDING.value})
"""Words of a signal that has data, and knows what is usual."""


def word_of(view: SignalView) -> str:
    """What a verdict says in one word: Healthy, Breach, or the reason why it is neither."""
    verdict, reason = view.judgement.verdict, view.judgement.reason
    return verdict.value if verdict in _JUDGED else str(reason)


class Ledger:
    """Tracks by model and signal, over a history from ``first`` to ``last``."""

    def __init__(self, first: float, last: float, interval: float) -> None:
        self._first, self._interval = first, interval
        length = max(last - first, interval)
        self.bins = max(1, min(MOST_BINS, int(length / interval)))
        self._width = length / self.bins
        self.tracks: dict[tuple[str, str], Track] = {}

    def note(self, at: float, model: str, views: Iterable[SignalView]) -> None:
        """The views of a model at a poll."""
        place = min(self.bins - 1, int((at - self._first) / self._width))
        for view in views:
            key = (model, view.signal.name)
            track = self.tracks.get(key)
            if track is None:
                track = self.tracks[key] = Track(view.signal.detector.chosen()[0], self.bins)
            track.note(view, at, self._interval, place)

    def words(self) -> Iterable[tuple[str, str, Track]]:
        """Model, signal and track, in order."""
        return ((model, signal, self.tracks[(model, signal)]) for model, signal in sorted(self.tracks))

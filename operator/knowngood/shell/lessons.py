"""What was learned of each model: learners that go on, and the baselines that came of them.

Kept apart from the board, which forgets a model as soon as it is suspended.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from knowngood.api.conditions import Reason
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.learning import Learner, baseline, begun, taught
from knowngood.core.incidents.judge import Seen
from knowngood.core.incidents.opening import SignalView
from knowngood.core.incidents.placing import SeriesKey
from knowngood.core.incidents.recording import teaches, tenths
from knowngood.core.incidents.statetext import Baselines
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.shell.store import Key

MOST_SERIES = 256  # of one model and signal
MOST_OF_SEASONS = 1024  # where each is learned in parts: an hour of the week of six series
_MOST_LESSONS = 256
SignalKey = tuple[str, str]  # policy, signal


@dataclass
class Lesson:
    """What one signal taught of one model, by release and segment, for as long as the same is ``measured``."""

    measured: str
    shares: bool
    most: int = MOST_SERIES
    learners: dict[SeriesKey, Learner] = field(default_factory=dict)
    baselines: dict[SeriesKey, Baseline] = field(default_factory=dict)

    def learn(self, seen: Iterable[Seen], end: float, length: float, needed: int, healthy: bool) -> bool:
        """Take in one window of each series; True where a baseline became whole."""
        whole = False
        for one in seen:
            if one.key in self.baselines:
                continue
            known = self.learners.get(one.key)
            if known is None:
                if len(self.learners) < self.most:
                    self.learners[one.key] = begun(end)
                continue
            learner = taught(known, one.sample, end, length, healthy and teaches(one.verdict, one.reason))
            self.learners[one.key] = learner
            whole |= self._settle(one.key, learner, needed)
        return whole

    def _settle(self, key: SeriesKey, learner: Learner, needed: int) -> bool:
        if learner.windows < needed:
            return False
        self.baselines[key] = baseline(learner, self.shares)
        return True

    def restore(self, learners: Mapping[SeriesKey, Learner], needed: int = 0) -> None:
        """Take in what was kept, unless more is known already; whole are those of ``needed`` windows."""
        for key, learner in learners.items():
            known = self.learners.get(key)
            if known is None or known.windows < learner.windows:
                self.learners[key] = learner
                self._settle(key, learner, needed)

    def keep_only(self, digests: Collection[str], suspects: Collection[str]) -> bool:
        """Forget other releases, and what a suspect has not finished; True where a baseline was forgotten."""
        gone = [k for k in self.learners if k[0] not in digests or (k[0] in suspects and k not in self.baselines)]
        for key in gone:
            del self.learners[key]
        return any(self.baselines.pop(key, None) is not None for key in gone)

    def unfinished(self) -> dict[SeriesKey, Learner]:
        """What is still being learned."""
        return {k: x for k, x in self.learners.items() if k not in self.baselines}

    def finished(self) -> dict[SeriesKey, Learner]:
        """What baselines were made of."""
        return {k: self.learners[k] for k in self.baselines}

    def progress(self, running: Collection[str]) -> int | None:
        """The fewest windows learned of a running release's series; None where none is being learned."""
        going_on = (x.windows for k, x in self.learners.items() if k[0] in running and k not in self.baselines)
        return min(going_on, default=None)


class Lessons:
    """All models' lessons."""

    def __init__(self) -> None:
        self._of: dict[Key, dict[SignalKey, Lesson]] = {}
        self._kept: dict[Key, Baselines] = {}  # what was kept, until its signal is judged
        self.changed: set[Key] = set()  # models whose baselines are others than those that were kept

    def of(self, model: Key, signal: CompiledSignal) -> Lesson:
        """The lesson of a signal; a new one where something else is measured than before."""
        lessons, key = self._of.setdefault(model, {}), (signal.policy, signal.name)
        found = lessons.get(key)
        if found is None or found.measured != signal.measured:
            if len(lessons) >= _MOST_LESSONS:
                lessons.pop(next(iter(lessons)))  # of a signal that no policy has any more, or will have again
            most = MOST_OF_SEASONS if signal.season else MOST_SERIES
            found = lessons[key] = Lesson(signal.measured, signal.shares, most)
            measured, learners = self._kept.get(model, {}).get(key, ("", {}))
            if measured == signal.measured:
                found.restore(learners)
        return found

    def restore(self, model: Key, kept: Baselines) -> None:
        """Take in the baselines of a model that were kept."""
        self._kept[model] = kept
        for key, lesson in self._of.get(model, {}).items():
            measured, learners = kept.get(key, ("", {}))
            if measured == lesson.measured:
                lesson.restore(learners)

    def baselines(self, model: Key, wanted: Collection[SignalKey]) -> Baselines:
        """What is to be kept of a model, of signals that there are."""
        made = {k: (x.measured, x.finished()) for k, x in self._of.get(model, {}).items()}
        found = {k: v for k, v in {**self._kept.get(model, {}), **made}.items() if k in wanted and v[1]}
        self._kept[model] = found
        return found

    def told(
        self, model: Key, signals: Iterable[CompiledSignal], views: Mapping[SignalKey, SignalView]
    ) -> dict[SignalKey, str]:
        """How far the signals are that are learning, for people."""
        found: dict[SignalKey, str] = {}
        for signal in signals:
            key = (signal.policy, signal.name)
            view = views.get(key)
            if view is not None and view.judgement.reason == Reason.LEARNING:
                lesson, digest = self.of(model, signal), view.judgement.digest
                whole = any(known[0] == digest for known in lesson.baselines)  # since the last window
                windows = lesson.progress({digest})
                found[key] = tenths(signal.needed if windows is None and whole else windows or 0, signal.needed)
        return found

    def drop(self, model: Key) -> None:
        """The model is gone."""
        self._of.pop(model, None)
        self._kept.pop(model, None)
        self.changed.discard(model)

"""The last verdicts, in memory: what the poller saw, by model and signal. Lost on a restart, and soon seen again."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from knowngood.api.conditions import Reason
from knowngood.api.observed import Verdict
from knowngood.core.incidents.judge import Judged
from knowngood.core.incidents.opening import SignalView
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.shell.store import Key

SignalKey = tuple[str, str]  # policy, signal


@dataclass
class ModelBoard:
    """One model's verdicts, its release labels' digests, and how long each digest was seen healthy (seconds).

    ``doubted_at`` is the last tick at which anything spoke against the model, or before which nobody watched.
    """

    views: dict[SignalKey, SignalView] = field(default_factory=dict)
    judged: dict[SignalKey, Judged] = field(default_factory=dict)
    judged_by: dict[SignalKey, str] = field(default_factory=dict)
    ties: dict[str, str] = field(default_factory=dict)
    tentative: dict[str, object] = field(default_factory=dict)  # ties that one poll saw, and its tick
    healthy_for: dict[str, float] = field(default_factory=dict)
    counted_at: float = 0.0  # the tick up to which it was counted
    doubted_at: float | None = None

    def keep_only(self, wanted: Collection[SignalKey]) -> None:
        """Forget signals that no policy has any more."""
        for known in [k for k in self.judged if k not in wanted]:
            self.views.pop(known, None)
            self.judged.pop(known)
            self.judged_by.pop(known)

    def before(self, signal: CompiledSignal) -> Judged | None:
        """What the signal said last, unless it asks or judges otherwise now."""
        key = (signal.policy, signal.name)
        return self.judged.get(key) if self.judged_by.get(key) == signal.judged_by else None

    def remember(self, signal: CompiledSignal, judged: Judged) -> None:
        """Take in what is to be remembered, without showing it."""
        key = (signal.policy, signal.name)
        self.judged[key], self.judged_by[key] = judged, signal.judged_by

    def lags_behind(self, running: Collection[str]) -> bool:
        """Whether a verdict is still about a release that does not run any more."""
        return any(v.judgement.digest and v.judgement.digest not in running for v in self.views.values())

    def record(self, signal: CompiledSignal, judged: Judged, now: datetime) -> bool:
        """Take in a verdict; True where people would see a difference."""
        key = (signal.policy, signal.name)
        old = self.views.get(key)
        self.remember(signal, judged)
        verdict = judged.judgement.verdict
        same = old is not None and old.judgement.verdict is verdict and old.judgement.digest == judged.judgement.digest
        healthy_at = now if verdict is Verdict.HEALTHY else old.healthy_at if old else None
        self.views[key] = SignalView(signal, judged.judgement, old.since if same and old else now, healthy_at)
        if old is None or not same:
            return True
        return (old.judgement.reason, old.judgement.message, old.judgement.segment) != (
            judged.judgement.reason,
            judged.judgement.message,
            judged.judgement.segment,
        )

    @property
    def healthy(self) -> bool:
        """Every signal that is not ignored for want of data is healthy, and at least one of them on data."""
        judgements = [v.judgement for v in self.views.values() if v.judgement.reason != Reason.IGNORED]
        return (
            bool(judgements)
            and all(j.verdict is Verdict.HEALTHY for j in judgements)
            and any(j.state is DataState.OK for j in judgements)
        )


class Board:
    """All models' boards."""

    def __init__(self) -> None:
        self._models: dict[Key, ModelBoard] = {}

    def of(self, key: Key) -> ModelBoard:
        """The board of a model; an empty one at first."""
        return self._models.setdefault(key, ModelBoard())

    def drop(self, key: Key) -> None:
        """The model is gone."""
        self._models.pop(key, None)

    def verdicts(self) -> dict[str, int]:
        """How many signals have each verdict."""
        counts = {verdict.value: 0 for verdict in Verdict}
        for board in self._models.values():
            for view in board.views.values():
                counts[view.judgement.verdict.value] += 1
        return counts

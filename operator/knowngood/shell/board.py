"""The last verdicts, in memory: what the poller saw, by model and signal. Lost on a restart, and soon seen again.

Verdicts are kept by model. What moves at each poll of a model of which nothing else is new, how long it was healthy,
is kept in columns, so that all models move at once.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from knowngood.api.conditions import Reason
from knowngood.api.observed import Verdict
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.incidents.judge import Judged
from knowngood.core.incidents.opening import SignalView
from knowngood.core.incidents.recording import speaks_against
from knowngood.core.incidents.seating import Seating
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.shell.store import Key

SignalKey = tuple[str, str]  # policy, signal
_LEAST_ROWS = 64
_SAYS_NOTHING = frozenset({Reason.IGNORED, Reason.NO_COMPARISON})
_NEVER = np.nan


def _same(old: Judgement, new: Judgement) -> bool:
    """Whether it has been so since: of the same release, and of no other that it was not about before."""
    return (old.verdict, old.digest) == (new.verdict, new.digest) and new.beside <= old.beside


class Columns:
    """One row a model; times in seconds since the epoch, NaN for never.

    ``healthy`` is for how many seconds the one release that runs was seen healthy, ``soak`` how many it needs;
    ``counted_at`` is the tick up to which it was counted. ``doubted_at`` is the last tick at which anything spoke
    ``against`` the model, or before which nobody watched. ``sound``: the next tick counts, unless a verdict changes.
    """

    def __init__(self) -> None:
        self.healthy, self.soak, self.counted_at, self.doubted_at = (np.zeros(_LEAST_ROWS) for _ in range(4))
        self.sound, self.against = (np.zeros(_LEAST_ROWS, np.bool_) for _ in range(2))
        self._used, self._free = (
            1,
            list[int](),
        )  # the first row is nobody's: a model that is gone may still be written of

    def take(self) -> int:
        """A row for another model."""
        row = self._free.pop() if self._free else self._used
        if row == self._used:
            self._used += 1
        if row == len(self.healthy):
            for name, column in vars(self).items():
                if isinstance(column, np.ndarray):
                    setattr(self, name, np.concatenate([column, np.zeros_like(column)]))
        self.healthy[row] = self.soak[row] = self.counted_at[row] = 0.0
        self.doubted_at[row] = _NEVER
        self.sound[row] = self.against[row] = False
        return row

    def free(self, row: int) -> None:
        """The model is gone."""
        self._free.append(row)


@dataclass(frozen=True, slots=True)
class Tentative:
    """The ties of release labels to digests that one poll saw, and its tick."""

    ties: Mapping[str, str]
    tick: float


class ModelBoard:
    """One model's verdicts, its release labels' digests, and how long each digest was seen healthy (seconds)."""

    def __init__(self, columns: Columns, counts: Counter[Verdict]) -> None:
        self._views: dict[SignalKey, SignalView] = {}
        self._settled: dict[SignalKey, tuple[Seating, int]] = {}
        self.judged: dict[SignalKey, Judged] = {}
        self.judged_by: dict[SignalKey, str] = {}
        self.ties: dict[str, str] = {}
        self.tentative: Tentative | None = None
        self.row = columns.take()
        self._columns, self._counts = columns, counts
        self._past: dict[str, float] = {}  # how long other digests were healthy
        self._counted = ""  # the digest whose time the columns have

    @property
    def views(self) -> dict[SignalKey, SignalView]:
        """The last verdicts."""
        for key, (seating, number) in self._settled.items():
            if key in self._views:
                self._views[key] = seating.shown(number, self._views[key])
        return self._views

    def settle(self, signal: CompiledSignal, seating: Seating, number: int) -> None:
        """Since now ``seating`` knows how healthy the signal is, under this ``number``."""
        self._settled[(signal.policy, signal.name)] = seating, number

    @property
    def healthy_for(self) -> Mapping[str, float]:
        """How long each digest was seen healthy, in seconds."""
        return {**self._past, **({self._counted: self.healthy} if self._counted else {})}

    @property
    def healthy(self) -> float:
        """How long the digest was that is counted now."""
        return float(self._columns.healthy[self.row])

    def count(self, digest: str, healthy: float | None = None) -> None:
        """Count the time of ``digest`` from now on; ``healthy`` seconds of it are known, or as many as before."""
        if self._counted:
            self._past[self._counted] = self.healthy
        self._counted = digest
        known = self._past.pop(digest, 0.0)
        self._columns.healthy[self.row] = known if healthy is None else healthy

    def distrust(self, digest: str) -> None:
        """It was not healthy: its time begins anew."""
        if digest == self._counted:
            self._columns.healthy[self.row] = 0.0
        else:
            self._past[digest] = 0.0

    @property
    def doubted_at(self) -> float | None:
        """The last tick at which anything spoke against the model; None where nobody has watched yet."""
        at = float(self._columns.doubted_at[self.row])
        return None if np.isnan(at) else at

    def doubt(self, tick: float) -> None:
        """Something speaks against the model, or nobody watched until now."""
        self._columns.doubted_at[self.row] = tick

    def keep_only(self, wanted: Collection[SignalKey]) -> bool:
        """Forget signals that no policy has any more; True where there were any."""
        gone = [k for k in self.judged if k not in wanted]
        for known in gone:
            self._show(known, None)
            self.judged.pop(known)
            self.judged_by.pop(known)
        return bool(gone)

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
        return any(v.judgement.digest and v.judgement.digest not in running for v in self._views.values())

    def record(self, signal: CompiledSignal, judged: Judged, now: datetime) -> bool:
        """Take in a verdict; True where people would see a difference."""
        key = (signal.policy, signal.name)
        old = self.views.get(key)
        self.remember(signal, judged)
        verdict = judged.judgement.verdict
        same = old is not None and _same(old.judgement, judged.judgement)
        healthy_at = now if verdict is Verdict.HEALTHY else old.healthy_at if old else None
        self._show(key, SignalView(signal, judged.judgement, old.since if same and old else now, healthy_at))
        if old is None or not same:
            return True
        return (old.judgement.reason, old.judgement.message, old.judgement.segment) != (
            judged.judgement.reason,
            judged.judgement.message,
            judged.judgement.segment,
        )

    def _show(self, key: SignalKey, view: SignalView | None) -> None:
        old = self._views.pop(key, None) if view is None else self._views.get(key)
        if old is not None:
            self._counts[old.judgement.verdict] -= 1
        if view is None:
            self._settled.pop(key, None)
        else:
            self._views[key] = view
            self._counts[view.judgement.verdict] += 1

    def forget(self) -> None:
        """The model is gone."""
        for key in list(self._views):
            self._show(key, None)
        self._columns.free(self.row)
        self.row = 0

    @property
    def all_healthy(self) -> bool:
        """Every signal that says anything is healthy, and at least one of them on data.

        One that is ignored for want of data says nothing; nor does one that has no release to compare with, which is
        what a model that has never proven any meets first.
        """
        judgements = [v.judgement for v in self._views.values() if v.judgement.reason not in _SAYS_NOTHING]
        return (
            bool(judgements)
            and all(j.verdict is Verdict.HEALTHY for j in judgements)
            and any(j.state is DataState.OK for j in judgements)
        )

    @property
    def doubtful(self) -> bool:
        """Whether any verdict speaks against the model."""
        return any(speaks_against(view.judgement) for view in self._views.values())


class Board:
    """All models' boards."""

    def __init__(self) -> None:
        self._models: dict[Key, ModelBoard] = {}
        self._counts: Counter[Verdict] = Counter()
        self.columns = Columns()
        self.changes = 0  # so far, of which models there are and how their releases are told

    def of(self, key: Key) -> ModelBoard:
        """The board of a model; an empty one at first."""
        found = self._models.get(key)
        if found is None:
            found = self._models[key] = ModelBoard(self.columns, self._counts)
        return found

    def drop(self, key: Key) -> None:
        """The model is gone."""
        found = self._models.pop(key, None)
        if found is not None:
            found.forget()
            self.changes += 1

    def verdicts(self) -> dict[str, int]:
        """How many signals have each verdict."""
        return {verdict.value: self._counts[verdict] for verdict in Verdict}

"""Which models a signal need not look at one by one: where each one's series stand in an answer, and who is settled.

A model is settled once its judgement is healthy and leaves nothing to remember. For as long as its series, its
releases and the signal stay what they are, and its values stay where the detector says nothing (``quiet``), judging it
again would say the same: columns tell so for all models at once. So is everybody for as long as the source fails in the
same way. Everybody else is judged as a model.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from knowngood.api.observed import Verdict
from knowngood.core.incidents.evidence import moment
from knowngood.core.incidents.judge import Outcome
from knowngood.core.incidents.opening import SignalView
from knowngood.core.incidents.placing import Releases, places
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.core.signals.pooling import in_columns
from knowngood.core.signals.sample import Codes, Flags, Samples
from knowngood.core.signals.series import Group, Groups, Key

Quiet = Callable[[Samples], Flags]
Remarked = tuple[Groups, Codes, Sequence[tuple[DataState, str]]]
"""Groups, which remark is made on each (0: none), and what the remarks say."""
Rows = tuple[int, ...]
"""The rows of one case: one, or those of several pods."""
_Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class _Seats:
    """The cases of all settled models in one row: their ``rows``, where each case ``starts``, and whose it is.

    ``firsts`` are the first cases of the models ``numbers``, by which they are shown.
    """

    rows: _Places
    starts: _Places
    owners: _Places
    numbers: _Places
    firsts: _Places


class Seating:
    """One signal's models, by their numbers."""

    def __init__(self, signal: CompiledSignal, models: int) -> None:
        self.signal = signal
        self.settled: Flags = np.zeros(models, np.bool_)
        # of who was settled: when last (seconds since the epoch), by which value, on how many observations
        self.healthy_at, self.values, self.counts = np.zeros(models), np.zeros(models), np.zeros(models)
        self._places: list[Sequence[Rows]] = [()] * models
        self._groups: Groups | None = None
        self._seats: _Seats | None = None
        self._pooled = not signal.by_release and signal.pool is not None
        self._failed: tuple[DataState, str] | None = None
        self._remarked: Remarked | None = None

    def follow(self, samples: Samples, quiet: Quiet, whose: Callable[[Group], Iterable[int]], at: float) -> None:
        """Whom these ``samples`` show otherwise than healthy is settled no more; the others are ``at`` (epoch seconds).

        ``whose`` says which models a series may be of.
        """
        if self._failed is not None:
            self.clear()
        self._heed(samples, whose)
        self._arrange(samples.groups, whose)
        seats = self._seats = self._seats or self._seated()
        cases = in_columns(self.signal.pool, samples, seats.rows, seats.starts) if self._pooled else samples
        if cases is None:
            self.settled[:] = False
            return
        said = quiet(cases)
        self.settled[seats.owners[~(said if self._pooled else said[seats.rows])]] = False
        still = self.settled[seats.numbers]
        numbers, firsts = seats.numbers[still], seats.firsts[still]
        shown = firsts if self._pooled else seats.rows[firsts]
        self.healthy_at[numbers], self.values[numbers], self.counts[numbers] = (
            at,
            cases.values[shown],
            cases.counts[shown],
        )

    def shown(self, number: int, view: SignalView) -> SignalView:
        """A view as it is now, if it was settled since it was made."""
        at, count = float(self.healthy_at[number]), float(self.counts[number])
        if view.healthy_at is not None and at <= view.healthy_at.timestamp():
            return view
        known = None if math.isnan(count) else count
        judgement = replace(view.judgement, value=float(self.values[number]), count=known)
        return replace(view, judgement=judgement, healthy_at=moment(at))

    def grow(self, models: int) -> None:
        """There are so many models now."""
        more = models - len(self.settled)
        if more > 0:
            self.settled = np.concatenate([self.settled, np.zeros(more, np.bool_)])
            for name in ("healthy_at", "values", "counts"):
                setattr(self, name, np.concatenate([getattr(self, name), np.zeros(more)]))
            self._places += [()] * more

    def clear(self) -> None:
        """Nobody is settled any more."""
        self.settled[:], self._failed = False, None

    def fail(self, state: DataState, message: str) -> None:
        """There is no answer; who was told so with these words is settled."""
        if self._failed != (state, message):
            self.clear()
            self._failed = state, message

    def _heed(self, samples: Samples, whose: Callable[[Group], Iterable[int]]) -> None:
        """Who has something else remarked on its data than before is settled no more: it is part of what was said."""
        codes, before = samples.states.remarked, self._remarked
        now = self._remarked = None if codes is None else (samples.groups, codes, samples.states.said)
        if _same(before, now):
            return
        then, since = _remarks(before), _remarks(now)
        for made in then.keys() ^ since.keys():
            self.unsettle(whose(then.get(made) or since[made]))

    def _arrange(self, groups: Groups, whose: Callable[[Group], Iterable[int]]) -> None:
        """Follow what moved; whoever has series more or less than before is settled no more."""
        before, self._groups = self._groups, groups
        if before is groups or before is None:
            return
        now = {group.key: place for place, group in enumerate(groups)}
        then = {group.key for group in before}
        for group in chain((g for g in before if g.key not in now), (g for g in groups if g.key not in then)):
            self.unsettle(whose(group))
        moved = [now.get(group.key, -1) for group in before]
        for number in np.flatnonzero(self.settled):
            self._places[number] = [tuple([moved[row] for row in place]) for place in self._places[number]]
        self._seats = None

    def _seated(self) -> _Seats:
        numbers = np.flatnonzero(self.settled)
        cases = [place for number in numbers for place in self._places[number]]
        sizes = np.fromiter(map(len, cases), np.intp, len(cases))
        of_each = np.array([len(self._places[number]) for number in numbers], np.intp)
        rows = np.fromiter(chain.from_iterable(cases), np.intp, int(sizes.sum()))
        return _Seats(rows, _starts(sizes), np.repeat(numbers, of_each), numbers, _starts(of_each))

    def unsettle(self, numbers: Iterable[int]) -> None:
        """These have to be looked at again."""
        for number in numbers:
            self.settled[number] = False

    def settle(self, number: int, outcome: Outcome, groups: Groups, rows: Sequence[int], releases: Releases) -> bool:
        """Take in the judgement of the model's samples, which stand in these ``rows`` of the ``groups``.

        True where it is settled as healthy.
        """
        if self._failed is not None:
            self.settled[number] = True
            return False
        judged = outcome.judged
        silent = not (judged.memories or judged.unknown_releases or judged.no_data_since is not None)
        healthy = judged.judgement.verdict is Verdict.HEALTHY
        self.settled[number] = healthy and silent and groups is self._groups
        if self.settled[number]:
            found = places(self.signal, [groups[row].labels for row in rows], releases)
            self._places[number] = [tuple([rows[row] for row in p.rows]) for p in found if p.judged(releases)]
            self._seats = None
        return bool(self.settled[number])


def _same(before: Remarked | None, now: Remarked | None) -> bool:
    """Whether the same is remarked on the same groups, as is told without a look at each."""
    if before is None or now is None:
        return before is now
    (groups, codes, said), (groups_now, codes_now, said_now) = before, now
    return (
        groups is groups_now
        and np.array_equal(codes, codes_now)
        and all(said[code] == said_now[code] for code in np.unique(codes) if code)
    )


def _remarks(remarked: Remarked | None) -> dict[tuple[Key, str], Group]:
    """The groups that something is remarked on, by what they are called and what it is."""
    if remarked is None:
        return {}
    groups, codes, said = remarked
    made = np.flatnonzero(codes)
    return {(groups[at].key, said[code][1]): groups[at] for at, code in zip(made, codes[made], strict=True)}


def _starts(sizes: _Places) -> _Places:
    """Where each of several stretches begins, one after the other."""
    return np.cumsum(sizes) - sizes

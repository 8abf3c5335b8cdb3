"""The models of one policy as they are judged, poll after poll: only what changed is looked at again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from knowngood.core.incidents.judge import Outcome
from knowngood.core.incidents.placing import Releases
from knowngood.core.incidents.seating import Seating
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.core.signals.series import Group
from knowngood.shell.board import ModelBoard
from knowngood.shell.reads import Read
from knowngood.shell.store import Key
from knowngood.shell.subjects import Subject

Numbers = NDArray[np.intp]


@dataclass(slots=True)
class Turn:
    """One model while it is judged. ``ties`` are those that its ``releases`` were made with."""

    subject: Subject
    board: ModelBoard
    releases: Releases
    ties: dict[str, str]
    number: int = -1
    changed: bool = False
    seen: list[tuple[Read, Outcome]] = field(default_factory=list)  # what the newest whole windows showed


Look = Callable[[Key, Turn | None], Turn | None]
"""The turn of a model: the one that it had, if all is as it was; None where it is not judged."""


class Roster:
    """Models by number: what is kept of them in columns stays where it is while others come and go."""

    def __init__(self) -> None:
        self.turns: list[Turn | None] = []
        self._models: Sequence[Key] = ()
        self._looked_at: object = None
        self._numbers: dict[Key, int] = {}
        self._free: list[int] = []
        self._seatings: dict[str, Seating] = {}
        self._by_labels: dict[str, dict[tuple[str, ...], dict[tuple[str, ...], list[int]]]] = {}
        self.numbers: Numbers = np.zeros(0, np.intp)  # of those that are judged
        self.rows: Numbers = np.zeros(0, np.intp)  # of each of the numbers, on the board

    def refresh(self, models: Sequence[Key], at: object, look: Look) -> set[int]:
        """Take in which ``models`` there are and how they are, unless all is as it was ``at``; who is another now."""
        if models is self._models and at == self._looked_at:
            return set()
        self._admit(models)
        touched = {number for key, number in self._numbers.items() if self._looked(key, number, look)}
        judged = [turn for turn in self.turns if turn is not None]
        self.numbers = np.fromiter((turn.number for turn in judged), np.intp, len(judged))
        self.rows = np.fromiter((turn.board.row for turn in judged), np.intp, len(judged))
        self._by_labels = {}
        for seating in self._seatings.values():
            seating.grow(len(self.turns))
            seating.unsettle(touched)
        self._models, self._looked_at = models, at
        return {number for number in touched if self.turns[number] is not None}

    def _admit(self, models: Sequence[Key]) -> None:
        if models is self._models:
            return
        for key in self._numbers.keys() - set(models):
            number = self._numbers.pop(key)
            self.turns[number] = None
            for seating in self._seatings.values():
                seating.unsettle([number])
            self._free.append(number)
        for key in models:
            if key not in self._numbers:
                self._numbers[key] = self._free.pop() if self._free else len(self.turns)
                if self._numbers[key] == len(self.turns):
                    self.turns.append(None)

    def _looked(self, key: Key, number: int, look: Look) -> bool:
        before = self.turns[number]
        found = self.turns[number] = look(key, before)
        if found is not None:
            found.number = number
        return found is not before

    def seating(self, signal: CompiledSignal) -> Seating:
        """Who is settled for a signal; nobody where it is another one than before."""
        found = self._seatings.get(signal.name)
        if found is None or found.signal is not signal:
            found = self._seatings[signal.name] = Seating(signal, len(self.turns))
        return found

    def unsettle(self, number: int) -> None:
        """The model has to be looked at again, whatever signal is judged."""
        for seating in self._seatings.values():
            seating.unsettle([number])

    def of(self, numbers: Iterable[int]) -> list[Turn]:
        """The models with these numbers, of those that are judged."""
        return [turn for number in numbers if (turn := self.turns[number]) is not None]

    def number(self, key: Key) -> int | None:
        """The number of a model."""
        return self._numbers.get(key)

    def whose(self, label: str) -> Callable[[Group], Iterable[int]]:
        """What tells the models that a series may be of, where ``label`` names the model."""
        known = self._by_labels.get(label)
        if known is None:
            known = self._by_labels[label] = {}
            for turn in self.of(self.numbers.tolist()):
                matchers = turn.subject.matched_by(label)
                known.setdefault(matchers.names, {}).setdefault(matchers.values, []).append(turn.number)
        found = known
        return lambda group: [
            number
            for names, by_values in found.items()
            for number in by_values.get(tuple([group.labels.get(name, "") for name in names]), ())
        ]

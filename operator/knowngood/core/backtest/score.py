"""Openings against incidents that are known to have happened: found and how late, missed, or a false alarm."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from knowngood.core.backtest.openings import Opening


@dataclass(frozen=True, slots=True)
class Known:
    """An incident that happened from ``start`` to ``end`` (seconds since the epoch); ``model`` empty: of any model.

    With no ``end`` it is over when what opened on it is; then it explains one opening a model.
    """

    start: float
    end: float | None = None
    model: str = ""


class Outcome(StrEnum):
    """What became of a known incident."""

    FOUND = "Found"
    MISSED = "Missed"
    ALREADY_OPEN = "AlreadyOpen"


@dataclass(frozen=True, slots=True)
class Found:
    """A known incident, with the openings that it explains; ``delay`` in seconds to the first of them."""

    known: Known
    outcome: Outcome
    openings: tuple[Opening, ...] = ()

    @property
    def delay(self) -> float | None:
        """None where it was not found."""
        return self.openings[0].at - self.known.start if self.openings else None


@dataclass(frozen=True, slots=True)
class Score:
    """All known incidents in the order of time, and the openings that none of them explains."""

    found: tuple[Found, ...]
    false_alarms: tuple[Opening, ...]

    def count(self, outcome: Outcome) -> int:
        """How many known incidents came out like this."""
        return sum(f.outcome is outcome for f in self.found)

    @property
    def mean_delay(self) -> float | None:
        """Of those that were found, in seconds; None where none was."""
        delays = [f.delay for f in self.found if f.delay is not None]
        return math.fsum(delays) / len(delays) if delays else None


def score(openings: Sequence[Opening], known: Sequence[Known]) -> Score:
    """Hold ``openings``, in the order of time, against what is ``known``.

    An opening belongs to the first known incident that explains it. One that was open before its start is a false
    alarm all the same, but nothing more could open on it: that is neither found nor missed.
    """
    left = list(openings)
    found: list[Found] = []
    ordered = sorted(known, key=lambda k: (k.start, k.model))
    for number, one in enumerate(ordered):
        explained = _explained(one, left, _until(one, ordered[number + 1 :]))
        left = [o for o in left if not any(o is e for e in explained)]
        outcome = Outcome.FOUND if explained else _unfound(one, openings)
        found.append(Found(one, outcome, tuple(explained)))
    return Score(tuple(found), tuple(left))


def _until(known: Known, later: Sequence[Known]) -> float:
    """Up to when openings may belong to it."""
    if known.end is not None:
        return known.end
    following = (k.start for k in later if k.start > known.start and _of_one(k.model, known.model))
    return math.nextafter(next(following, math.inf), known.start)


def _of_one(model: str, other: str) -> bool:
    return not model or not other or model == other


def _explained(known: Known, openings: Sequence[Opening], until: float) -> list[Opening]:
    here = [o for o in openings if known.start <= o.at <= until and _of_one(known.model, o.model)]
    if known.end is not None:
        return here
    first: dict[str, Opening] = {}
    for opening in here:
        first.setdefault(opening.model, opening)
    return list(first.values())


def _unfound(known: Known, openings: Sequence[Opening]) -> Outcome:
    there = any(
        o.at < known.start and (o.end is None or o.end > known.start) and _of_one(known.model, o.model)
        for o in openings
    )
    return Outcome.ALREADY_OPEN if there else Outcome.MISSED

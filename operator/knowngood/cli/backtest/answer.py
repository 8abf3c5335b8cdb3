"""The answer of a backtest, ready to be shown: the same for terminals, machines and pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knowngood.cli.errors import InputError
from knowngood.core.backtest.ledger import Ledger
from knowngood.core.backtest.openings import Opening
from knowngood.core.backtest.score import Outcome, Score


@dataclass(frozen=True)
class Turned:
    """One value of a sweep, and what came of it; ``written`` is the policy as it stands."""

    value: str
    written: bool
    openings: Sequence[Opening]
    score: Score


@dataclass(frozen=True)
class Sweep:
    """A field of the detectors of these signals, from value to value."""

    field: str
    signals: Sequence[str]
    values: Sequence[Turned]


@dataclass(frozen=True)
class Answer:
    """Times in seconds since the epoch. ``since`` is when each model was first there."""

    policy: str
    namespace: str
    source: str
    first: float
    last: float
    interval: float
    polls: int
    since: Mapping[str, float]
    openings: Sequence[Opening]
    score: Score
    ledger: Ledger
    sweep: Sweep | None
    expected: str
    notes: Sequence[str]

    @property
    def labelled(self) -> bool:
        """Whether incidents are known."""
        return bool(self.score.found)

    @property
    def watched(self) -> float:
        """Seconds, over all models, in which one could have opened an incident."""
        return sum(self.last - at for at in self.since.values())

    @property
    def met(self) -> bool:
        """Whether it came out as expected."""
        match self.expected:
            case "any":
                return True
            case "none":
                return not self.openings
            case "incidents":
                return not self.score.false_alarms and not self.score.count(Outcome.MISSED)
            case number:
                return len(self.openings) == int(number)


def expectation(text: str | None, labelled: bool) -> str:
    """What ``--expect`` says; without it, the known incidents and nothing else. Raises InputError."""
    if text is None:
        return "incidents" if labelled else "none"
    if text == "incidents" and not labelled:
        raise InputError("--expect incidents: none is known; write them as --incident START[/END]")
    if text not in ("any", "none", "incidents") and not (text.isascii() and text.isdigit()):
        raise InputError(f"--expect {text}: write none, incidents, any, or how many")
    return text

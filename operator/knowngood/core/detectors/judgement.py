"""What a detector says of one sample."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from knowngood.api.conditions import Reason
from knowngood.api.observed import Verdict
from knowngood.core.signals.answer import DataState


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with what it rests on.

    ``value`` and ``count`` are None where the data could not be judged; ``reason`` is a word of the vocabulary;
    ``message`` is a sentence in which nothing changes from poll to poll unless the verdict does; ``remark`` is its part
    that tells of data that can be judged and yet may not be what was meant, such as a counter that nobody has.
    """

    verdict: Verdict
    reason: str
    message: str = ""
    value: float | None = None
    count: float | None = None
    threshold: str = ""
    segment: Mapping[str, str] = field(default_factory=dict)
    release: str | None = None
    digest: str = ""
    not_separable: bool = False
    state: DataState = DataState.OK
    remark: str = ""
    beside: frozenset[str] = frozenset()  # digests of the other releases that were judged too, and are no worse


def undecided(state: DataState, message: str) -> Judgement:
    """The judgement of data that is not there or cannot be judged: never healthy, never a breach."""
    verdict = Verdict.ERROR if state.is_error else Verdict.INCONCLUSIVE
    return Judgement(verdict=verdict, reason=state.value, message=message, state=state)


def learning() -> Judgement:
    """The judgement of a series for which it is not known yet what is usual."""
    text = "what is usual is still being learned from healthy traffic"
    return Judgement(verdict=Verdict.INCONCLUSIVE, reason=Reason.LEARNING, message=text)


def worst(judgements: list[Judgement]) -> Judgement:
    """The worst of several segments, each judged by its own limits; the first of equals. Raises on an empty list."""
    return max(judgements, key=lambda j: j.verdict.rank)

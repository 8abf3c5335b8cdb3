"""What an input asks for: one request for all models of a policy, and what reads the answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from knowngood.api.durations import milliseconds, text
from knowngood.core.signals import cost
from knowngood.core.signals.answer import Row
from knowngood.core.signals.sample import Sample, Samples
from knowngood.core.signals.scope import QueryError, parse, scoped

Decoder = Callable[[Iterable[Row], float, float], Samples]
"""Samples of rows, at a time, with the age from which on they are stale; both in seconds."""
Pool = Callable[[Sequence[Sample], Mapping[str, str]], Sample]
"""One sample of several, with the labels that it shall carry."""

_MOST_STEPS = 20


@lru_cache(maxsize=8192)  # policies are compiled anew whenever a model changes; a query that is dear to read is not
def _held(query: str, namespace: str) -> str | QueryError:
    try:
        held = scoped(query, namespace)
    except QueryError as error:
        return error.with_traceback(None)
    problem = cost.tree_problem(parse(held))
    return QueryError(problem) if problem else held


class FieldError(Exception):
    """A field of an input that cannot be used; the text says why and what to write instead."""

    def __init__(self, field: str, problem: object) -> None:
        super().__init__(f"{field}: {problem}")
        self.field, self.problem = field, problem


@dataclass(frozen=True, slots=True)
class Ask:
    """How to ask: in which ``namespace``, grouped ``by`` which labels, polled each ``interval`` seconds.

    ``whole``: of aligned windows, each at its end, so that windows may be summed; else of the window that slides.
    """

    namespace: str
    by: tuple[str, ...]
    interval: float
    whole: bool
    only: str = ""  # a further matcher, where it is about some models

    def selector(self, field: str, query: str) -> str:
        """``query`` kept inside the namespace. Raises FieldError."""
        held = _held(query, self.namespace)
        if isinstance(held, QueryError):
            raise FieldError(field, held)
        return held

    def some(self, selector: str) -> str:
        """A selector of this namespace's series of one metric, of only those models that it is about."""
        return f"{selector[:-1]},{self.only}}}" if self.only else selector

    def window(self, written: str) -> "Window":
        """The window that a policy has ``written``. Raises FieldError."""
        if milliseconds(written) > cost.MAX_REACH.total_seconds() * 1000:
            raise FieldError("window", f"{written} is longer than {cost.MAX_REACH.days}d; write a shorter window")
        return Window(milliseconds(written), self._step(milliseconds(written)) if self.whole else None)

    def _step(self, window: int) -> int:
        """The longest part of ``window`` (in ms) that divides it, is no shorter than a poll and not too short."""
        most = max(1, min(_MOST_STEPS, int(window / (self.interval * 1000))))
        return window // next(n for n in range(most, 0, -1) if window % n == 0)


@dataclass(frozen=True, slots=True)
class Window:
    """How far back a value looks, in milliseconds, and by which ``step`` if it is of whole windows."""

    length: int
    step: int | None = None

    @property
    def text(self) -> str:
        """The length as PromQL writes it."""
        return text(self.length / 1000)

    @property
    def reach(self) -> str:
        """What stands in the brackets of a range.

        Of whole windows: points on a grid, the window's very ends among them, so that nothing is extrapolated and
        nothing falls between two windows. A range leaves its start out: hence the millisecond.
        """
        return self.text if self.step is None else f"{self.length + 1}ms:{text(self.step / 1000)}"

    def before(self, seconds: float) -> str:
        """``seconds`` before the window begins, as an offset."""
        return text(self.length / 1000 + seconds)


@dataclass(frozen=True, slots=True)
class Request:
    """A question to a metrics source.

    ``selectors`` are what it reads, the last one with exemplars; ``owned`` those of them that tell which pods export
    it. ``window`` and ``patience`` are in seconds: how far back it looks, and how old its newest sample may be at
    least. ``pool`` makes one sample of several pods'; None where that cannot be done. ``shares``: hits are some of
    what is counted. ``mostly`` is asked first, where it is enough but for models of which it has a part ``newborn``.
    ``vital`` is a selector, and the part with its series: one without any says something, all without do not.
    """

    query: str
    selectors: tuple[str, ...]
    owned: tuple[str, ...]
    window: float
    patience: float
    decoder: Decoder
    pool: Pool | None = None
    shares: bool = False
    mostly: str = ""
    vital: tuple[str, str] | None = None


def joined(field: str, parts: Iterable[str]) -> str:
    """The parts of one request. Raises FieldError where no source and no record would take it."""
    whole = " or ".join(parts)
    try:
        parse(whole)
    except QueryError as error:
        raise FieldError(field, error) from error
    return whole

"""A signal's answer, read once for all models: its samples by window, indexed by the labels of a model."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from copy import copy

import structlog

from knowngood.core.detectors.port import Span
from knowngood.core.signals.answer import Answer, DataState, Row, failed
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.core.signals.sample import Sample, Samples
from knowngood.shell.store import Key
from knowngood.shell.subjects import Matchers
from knowngood.shell.windows import Question, frames

log = structlog.get_logger()
Ask = Callable[[Question], Awaitable[Answer]]
_Names = tuple[str, ...]


class Frame:
    """The samples of one evaluation time."""

    def __init__(self, span: Span, samples: Samples) -> None:
        self.span, self.samples = span, samples

    def rows(self, matchers: Matchers) -> Sequence[int]:
        """Where the samples are that carry these labels."""
        return self.samples.groups.places(matchers.names).get(matchers.values, ())

    def of(self, matchers: Matchers) -> Sequence[Sample]:
        """The samples that carry these labels."""
        return [self.samples[row] for row in self.rows(matchers)]


class Read:
    """An answer with its frames, oldest first; ``whole`` where they are whole windows, ``current`` with the newest."""

    def __init__(
        self, signal: CompiledSignal, question: Question, answer: Answer, tick: float, now: float, newest: float = 0.0
    ) -> None:
        self.signal, self.question, self.answer = signal, question, answer
        self.whole = not question.sliding
        self.current = question.sliding or question.last >= newest
        self.only: frozenset[Key] | None = None  # the models that it is read again for
        try:
            self.frames = list(self._frames(tick, now))
        except Exception as error:
            log.exception("answer not understood", policy=signal.policy, signal=signal.name)
            self.answer = failed(DataState.GARBAGE, f"the answer is not what was asked for: {type(error).__name__}")
            self.frames = [Frame(Span(question.last or tick, signal.window, signal.interval), Samples.of(()))]
        self._owners: Owners | None = None

    def _frames(self, tick: float, now: float) -> Sequence[Frame]:
        signal, length = self.signal, self.signal.window
        if not self.whole:
            span = Span(tick, length, signal.interval)
            return [Frame(span, signal.decode(self.answer.rows, now))]
        if self.answer.state is not DataState.OK:
            return [Frame(Span(self.question.last, length, signal.interval), Samples.of(()))]
        found = frames(self.question, self.answer)
        return [Frame(Span(end, length, signal.interval), signal.decode(rows, end)) for end, rows in found]

    async def owners(self, ask: Ask) -> "Owners":
        """Which pods export this signal's series, asked once a cycle however many models want to know."""
        if self._owners is None:
            self._owners = Owners((await ask(Question(self.signal.source, self.signal.owners))).rows)
        return self._owners

    def again(self, models: Iterable[Key]) -> "Read":
        """The newest window once more, for models of which a release was not known yet."""
        made = copy(self)
        made.only, made.frames, made._owners = frozenset(models), self.frames[-1:], None
        return made


class Owners:
    """Rows of an owners query, indexed by a model's labels when they are first asked for."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._indices: dict[_Names, dict[tuple[str, ...], list[Row]]] = {}

    def of(self, matchers: Matchers) -> Sequence[Row]:
        """The rows that carry these labels."""
        index = self._indices.get(matchers.names)
        if index is None:
            index = self._indices[matchers.names] = {}
            for row in self._rows:
                index.setdefault(tuple([row.labels.get(n, "") for n in matchers.names]), []).append(row)
        return index.get(matchers.values, ())

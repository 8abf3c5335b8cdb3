"""A signal's question to its source: the cheap one first, and what that cannot tell for the few models that need it."""

from collections.abc import Awaitable, Callable

from knowngood.core.signals import never
from knowngood.core.signals.answer import Answer, DataState
from knowngood.core.signals.births import many, newborn, with_births
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.core.signals.rows import Rows
from knowngood.shell.windows import Question

Ask = Callable[[Question], Awaitable[Answer]]
Asking = Callable[[Ask, Question, CompiledSignal], Awaitable[Answer]]


async def asked(ask: Ask, question: Question, signal: CompiledSignal) -> Answer:
    """The answer to a signal's ``question``; where births may be in it, the whole one's of the same moment.

    Where all lack a counter of which the absence counts, it is asked whether it was ever there.
    """
    answer = await _asked(ask, question, signal)
    query = never.doubt(answer, signal)
    if not query:
        return answer
    return never.settled(answer, signal, await ask(Question(question.source, query)))


async def _asked(ask: Ask, question: Question, signal: CompiledSignal) -> Answer:
    if not signal.mostly or question.first != question.last:
        return await ask(question)
    answer = await ask(question._replace(query=signal.mostly))
    rows = Rows.of(answer.rows)
    models = newborn(rows, signal.model_label)
    if answer.state is not DataState.OK or not models:
        return answer
    query, at = signal.query if many(models) else signal.about(models), float(rows.times[0])
    whole = await ask(Question(question.source, query, at, at, signal.window))
    if whole.state is not DataState.OK or query == signal.query:
        return whole
    return Answer(DataState.OK, rows=with_births(rows, Rows.of(whole.rows), signal.model_label, models))


async def asked_whole(ask: Ask, question: Question, signal: CompiledSignal) -> Answer:
    """The answer to the ``question`` as it is written: where the past is asked, of all moments of a query at once."""
    return await ask(question)

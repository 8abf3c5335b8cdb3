"""Counters of which the absence counts as none, where nobody has ever had one: that is a name, and no failure.

A release without a single right answer has no series of right answers, and is wrong; the one before it had some.
"""

from knowngood.api.durations import text
from knowngood.core.signals.answer import Answer, DataState, failed
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.core.signals.rows import Rows

_LONG = 86_400.0  # seconds; who is wrong for longer was found out when it began


def doubt(answer: Answer, signal: CompiledSignal) -> str:
    """The query that tells whether what all lack was ever there; empty where nothing is to be asked."""
    if signal.vital is None or answer.state is not DataState.OK or not len(answer.rows):
        return ""
    selector, part = signal.vital
    return "" if Rows.of(answer.rows).arrangement.part(part).groups else absent(selector)


def absent(selector: str) -> str:
    """PromQL with a result where there was no such series for long."""
    return f"absent_over_time({selector}[{text(_LONG)}])"


def settled(answer: Answer, signal: CompiledSignal, never: Answer) -> Answer:
    """The ``answer``, unless that of the doubt says that it is about a counter that was ``never`` there."""
    if signal.vital is None or never.state is not DataState.OK or not len(never.rows):
        return answer
    why = (
        f"no model has had a series of {signal.vital[0]} for {text(_LONG)}, so that nothing is judged: is it the name "
    )
    return failed(DataState.EMPTY, why + "that they export? It is judged once one of them has it")

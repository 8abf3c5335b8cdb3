"""What is asked besides the request itself: whether a counter that all lack was ever there."""

import pytest

from knowngood.core.signals.answer import Answer, DataState, Row, failed
from knowngood.shell.asking import asked
from knowngood.shell.windows import Question
from tests import builders as b

pytestmark = pytest.mark.unit
SIGNAL = b.compiled()
LABELS = {"namespace": b.NAMESPACE, "model": b.MODEL, "release": "1"}
LACKING = [("total", 100.0), ("time", 1_000.0)]
WHOLE = [("good", 97.0), *LACKING]


class Source:
    """Answers the signal with some parts, and what is asked of the past with ``past``."""

    def __init__(self, parts: list[tuple[str, float]], past: Answer) -> None:
        self.parts, self.past = parts, past
        self.asked: list[str] = []

    async def __call__(self, question: Question) -> Answer:
        self.asked.append(question.query)
        if question.query.startswith("absent_over_time"):
            return self.past
        rows = (Row({**LABELS, "knowngood_part": part}, value, 1_000.0) for part, value in self.parts)
        return Answer(DataState.OK, rows=tuple(rows))


NEVER = Answer(DataState.OK, rows=(Row({}, 1.0, 1_000.0),))
ONCE = Answer(DataState.OK)


async def answered(source: Source) -> Answer:
    return await asked(source, Question(SIGNAL.source, SIGNAL.query), SIGNAL)


async def test_a_counter_that_was_never_there_is_a_name_and_nothing_is_judged() -> None:
    source = Source(LACKING, NEVER)
    found = await answered(source)
    assert (found.state, tuple(found.rows)) == (DataState.EMPTY, ())
    assert "good" in found.message
    assert "is it the name" in found.message
    assert source.asked[-1] == f"absent_over_time({SIGNAL.selectors[0]}[1d])"
    assert f'namespace="{b.NAMESPACE}"' in source.asked[-1]


@pytest.mark.parametrize("past", [ONCE, failed(DataState.TIMEOUT, "no answer within 2s")], ids=["was there", "unknown"])
async def test_a_release_that_is_always_wrong_is_judged(past: Answer) -> None:
    found = await answered(Source(LACKING, past))
    assert found.state is DataState.OK
    (sample,) = SIGNAL.decode(found.rows, 1_000.0)
    assert (sample.value, sample.count) == (0.0, 100.0)


@pytest.mark.parametrize("parts", [WHOLE, []], ids=["there", "no data"])
async def test_nothing_more_is_asked_where_there_is_nothing_to_doubt(parts: list[tuple[str, float]]) -> None:
    source = Source(parts, NEVER)
    found = await answered(source)
    assert found.state is DataState.OK
    assert len(source.asked) == 1

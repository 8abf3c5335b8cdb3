"""A source's past, moment by moment, in few requests."""

from collections.abc import Callable, Sequence

import pytest

from knowngood.core.signals.answer import Answer, DataState, NativeHistogram, Series, failed
from knowngood.shell.replay.history import History, HistoryError

EVERY, LAST = 15.0, 30_000.0
Value = Callable[[float], float | None]


class Past:
    """Answers ranges of some series, each a function of time; ``broken`` says what is wrong at a moment."""

    def __init__(self, *values: Value, broken: Callable[[float], DataState | None] = lambda _: None) -> None:
        self.values, self.broken = values, broken
        self.asked: list[tuple[float, float, float]] = []
        self.most = 1_000_000

    async def query(self, text: str, timeout: float | None = None, at: float | None = None) -> Answer:
        raise AssertionError("a past has no present")

    async def query_range(
        self, text: str, start: float, end: float, step: float, timeout: float | None = None
    ) -> Answer:
        self.asked.append((start, end, step))
        times = [start + n * step for n in range(round((end - start) / step) + 1)]
        if len(times) > self.most:
            return failed(DataState.GARBAGE, "too much")
        for at in times:
            if (state := self.broken(at)) is not None:
                return failed(state, f"{state.value} at {at:g}")
        return Answer(DataState.OK, series=tuple(self._series(n, v, times) for n, v in enumerate(self.values)))

    def _series(self, number: int, value: Value, times: Sequence[float]) -> Series:
        return Series({"n": str(number)}, tuple((t, v) for t in times if (v := value(t)) is not None))


def history(past: Past, **steps: float) -> History:
    return History(past, EVERY, LAST, steps)


async def told(of: History, polls: int, text: str = "x") -> list[list[float]]:
    """The values at each poll."""
    found = []
    for number in range(polls):
        of.clock = number * EVERY
        answer = await of.query(text)
        assert answer.state is DataState.OK
        assert all(row.at == of.clock for row in answer.rows)
        found.append([row.value for row in answer.rows])
    return found


async def test_each_moment_has_what_was_there_then() -> None:
    past = Past(lambda t: t, lambda t: 1.0 if 300 <= t < 600 else None)
    found = await told(history(past), 2_000)
    assert found == [[n * EVERY] + ([1.0] if 300 <= n * EVERY < 600 else []) for n in range(2_000)]
    assert len(past.asked) <= 4, "few requests, ever longer ones"


async def test_it_never_asks_beyond_the_end() -> None:
    past = Past(lambda t: t)
    await told(history(past), round(LAST / EVERY) + 1)
    assert max(end for _, end, _ in past.asked) == LAST


async def test_an_answer_that_is_too_much_is_asked_for_in_parts() -> None:
    past = Past(lambda t: t)
    past.most = 50
    assert await told(history(past), 300) == [[n * EVERY] for n in range(300)]


async def test_answers_with_many_series_cover_less_time() -> None:
    past = Past(*[(lambda t: t)] * 400)
    await told(history(past), 2_000)
    assert all((end - start) / step <= 1_000 for start, end, step in past.asked)


async def test_windows_are_asked_for_by_their_length() -> None:
    past = Past(lambda t: t)
    of = history(past, windows=300.0)
    for number in range(1, 90):
        of.clock = number * 300 + EVERY
        answer = await of.query("windows", at=number * 300.0)
        assert [row.value for row in answer.rows] == [number * 300.0]
    assert len(past.asked) <= 2


async def test_a_range_of_windows_is_the_answers_at_their_ends() -> None:
    past = Past(lambda t: t, lambda t: None if t == 10 else 1.0)
    answer = await history(past, x=5.0).query_range("x", 5.0, 15.0, 5.0)
    assert [series.points for series in answer.series] == [
        ((5.0, 5.0), (10.0, 10.0), (15.0, 15.0)),
        ((5.0, 1.0), (15.0, 1.0)),
    ]


async def test_histograms_are_handed_out_with_their_moment() -> None:
    found = NativeHistogram(1.0, 1.0, ())

    class Native(Past):
        def _series(self, number: int, value: Value, times: Sequence[float]) -> Series:
            return Series({}, (), tuple((t, found) for t in times))

    of = history(Native(lambda t: t))
    of.clock = 30.0
    (row,) = (await of.query("x")).rows
    assert (row.at, row.histogram) == (30.0, found)


@pytest.mark.parametrize("state", [DataState.PARTIAL, DataState.BAD_QUERY])
async def test_what_is_wrong_at_one_moment_is_wrong_at_that_one_only(state: DataState) -> None:
    past = Past(lambda t: t, broken=lambda t: state if t == 1_500 else None)
    of, states = history(past), []
    for number in range(400):
        of.clock = number * EVERY
        states.append((await of.query("x")).state)
    assert [n * EVERY for n, found in enumerate(states) if found is not DataState.OK] == [1_500]
    assert states[100] is state
    assert len(past.asked) < 40


async def test_a_query_that_is_wrong_throughout_is_given_up() -> None:
    past = Past(broken=lambda _: DataState.BAD_QUERY)
    with pytest.raises(HistoryError, match=r"BadRequest at .*asked: x"):
        await told_states(history(past))
    assert len(past.asked) < 60


@pytest.mark.parametrize("state", [DataState.UNREACHABLE, DataState.UNAUTHORIZED, DataState.THROTTLED])
async def test_a_source_that_is_away_is_given_up_at_once(state: DataState) -> None:
    past = Past(broken=lambda _: state)
    with pytest.raises(HistoryError, match=state.value):
        await told_states(history(past))
    assert len(past.asked) == 1


async def test_a_moment_that_takes_too_long_alone_is_given_up() -> None:
    past = Past(broken=lambda t: DataState.TIMEOUT if t == 0 else None)
    with pytest.raises(HistoryError, match="Timeout"):
        await told_states(history(past))


async def told_states(of: History) -> list[DataState]:
    states = []
    for number in range(400):
        of.clock = number * EVERY
        states.append((await of.query("x")).state)
    return states

"""`threshold`: below or above, for as long as `for`, on enough samples."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.conditions import Reason
from knowngood.api.detectors import ThresholdDetector
from knowngood.api.observed import Verdict
from knowngood.core.detectors.threshold import Memory, judge
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample

pytestmark = pytest.mark.unit
POLL = 5.0
DETECTOR = ThresholdDetector(below=0.9, for_="10s", min_samples=50)
BAD, FINE = Sample({}, DataState.OK, 0.2, 200), Sample({}, DataState.OK, 0.95, 200)


def run(*samples: Sample | None, detector: ThresholdDetector = DETECTOR) -> list[Verdict]:
    """Verdicts of polls one interval apart; None is a poll that did not take place."""
    memory: Memory | None = None
    found = []
    for number, sample in enumerate(samples):
        if sample is not None:
            judged, memory = judge(detector, sample, memory, number * POLL, POLL)
            found.append(judged.verdict)
    return found


HEALTHY, WAIT, ERROR, BREACH = Verdict.HEALTHY, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.BREACH


def undecided(state: DataState) -> Sample:
    return Sample({}, state, message="why")


@pytest.mark.parametrize(
    ("samples", "verdicts"),
    [
        ([FINE], [HEALTHY]),
        ([BAD], [WAIT]),
        ([BAD, BAD], [WAIT, WAIT]),
        ([BAD, BAD, BAD, BAD], [WAIT, WAIT, BREACH, BREACH]),
        ([BAD, BAD, FINE, BAD, BAD, BAD], [WAIT, WAIT, HEALTHY, WAIT, WAIT, BREACH]),
        ([BAD, undecided(DataState.NAN), BAD], [WAIT, WAIT, BREACH]),
        ([BAD, None, None, BAD, BAD, BAD], [WAIT, WAIT, WAIT, BREACH]),
        ([BAD, *[undecided(DataState.TIMEOUT)] * 2, BAD, BAD, BAD], [WAIT, ERROR, ERROR, WAIT, WAIT, BREACH]),
        ([replace(BAD, count=49)] * 5, [WAIT] * 5),
        ([replace(BAD, count=None)] * 5, [WAIT] * 5),
        ([replace(BAD, value=0.9)] * 5, [HEALTHY] * 5),
    ],
)
def test_sequences(samples: list[Sample | None], verdicts: list[Verdict]) -> None:
    assert run(*samples) == verdicts


def test_no_for_breaches_at_once() -> None:
    assert run(BAD, detector=ThresholdDetector(below=0.9)) == [BREACH]


def test_above_and_both() -> None:
    both = ThresholdDetector(below=0.1, above=0.9)
    assert run(*(replace(FINE, value=v) for v in (0.05, 0.1, 0.5, 0.9, 0.95)), detector=both) == [
        BREACH,
        HEALTHY,
        HEALTHY,
        HEALTHY,
        BREACH,
    ]
    judged, _ = judge(both, replace(FINE, value=0.95), None, 0, POLL)
    assert (judged.reason, judged.threshold) == (Reason.ABOVE_THRESHOLD, "above 0.9")


def test_a_breach_says_what_it_rests_on() -> None:
    judged, _ = judge(ThresholdDetector(below=0.9), BAD, None, 0, POLL)
    assert (judged.value, judged.count, judged.threshold) == (0.2, 200, "below 0.9")
    assert judged.reason is Reason.BELOW_THRESHOLD
    assert "0.2" not in judged.message, "what changes from poll to poll would cost a write a poll"


STATES = st.sampled_from([s for s in DataState if s is not DataState.OK])
SAMPLES = st.one_of(
    st.just(BAD),
    st.just(FINE),
    st.just(replace(BAD, count=3)),
    STATES.map(undecided),
    st.builds(lambda v: replace(BAD, value=v), st.floats(0, 1)),
)


@given(STATES, st.booleans(), st.floats() | st.none(), st.floats(0) | st.none())
def test_data_that_is_not_there_is_never_healthy_and_never_a_breach(
    state: DataState, remembered: bool, value: float | None, count: float | None
) -> None:
    memory = Memory(0, 10_000) if remembered else None
    judged, _ = judge(DETECTOR, Sample({}, state, value, count), memory, 10_000, POLL)
    assert judged.verdict in {WAIT, ERROR}
    assert judged.verdict is (ERROR if state.is_error else WAIT)
    assert judged.reason == state.value


@given(st.lists(st.tuples(SAMPLES, st.floats(0.5, 30)), min_size=1, max_size=30))
def test_for_is_never_shortened(polls: list[tuple[Sample, float]]) -> None:
    """At a breach, every sample that could be judged within `for` before it was out of its limits."""
    memory: Memory | None = None
    now, seen = 0.0, list[tuple[float, bool]]()
    for sample, pause in polls:
        now += pause
        judged, memory = judge(DETECTOR, sample, memory, now, POLL)
        judgeable = sample.state is DataState.OK and sample.count is not None and sample.count >= 50
        if judgeable:
            seen.append((now, sample.value is not None and sample.value < 0.9))
        if judged.verdict is Verdict.BREACH:
            run_began = now
            for when, out in reversed(seen):
                if not out or run_began - when > 2.5 * POLL:
                    break
                run_began = when
            assert now - run_began >= 10 - 1e-3


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_undecided_even_where_its_state_says_otherwise(value: float) -> None:
    assert run(replace(BAD, value=value), replace(BAD, count=abs(value)), detector=ThresholdDetector(below=0.9)) == [
        WAIT,
        WAIT,
    ]

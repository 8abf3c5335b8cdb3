"""What every detector must hold: silent on benign data, undecided on absent data, deterministic, never raising."""

import dataclasses
import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.conditions import Reason
from knowngood.api.detectors import Detector
from knowngood.api.observed import Verdict
from knowngood.core.detectors.port import Case as Seen
from knowngood.core.detectors.port import Span, quiet_port
from knowngood.core.detectors.registry import DETECTORS, supported
from knowngood.core.signals import compiled
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample, Samples
from tests.conformance.detectors.cases import burst, change, comparison, disparity, drift, occurrence, threshold, trend
from tests.conformance.detectors.cases.case import START, Case, run

pytestmark = pytest.mark.conformance
CASES: tuple[Case, ...] = (
    *threshold.CASES,
    *drift.CASES,
    *change.CASES,
    *disparity.CASES,
    *burst.CASES,
    *occurrence.CASES,
    *trend.CASES,
    *comparison.CASES,
)
cases = pytest.mark.parametrize("case", CASES, ids=str)


def repeated(samples: Sequence[Sample], number: int) -> list[Sample]:
    return list(itertools.islice(itertools.cycle(samples), number))


def test_every_detector_is_here() -> None:
    assert {case.detector.name for case in CASES} == {d.name for d in DETECTORS}
    assert supported() == compiled.DETECTORS
    assert set(supported()) <= set(Detector.model_fields)


@cases
def test_silent_on_benign_data(case: Case) -> None:
    """What a detector learns of the series itself comes first, and once."""
    found = run(case, repeated(case.benign, 1_000))
    judged = list(itertools.dropwhile(lambda j: j.reason == Reason.LEARNING, found))
    assert len(judged) > 900
    assert {j.verdict for j in judged} == {Verdict.HEALTHY}


@cases
def test_it_finds_what_it_is_for(case: Case) -> None:
    found = run(case, repeated(case.broken, 100))
    assert found[-1].verdict is Verdict.BREACH
    first = next(i for i, j in enumerate(found) if j.verdict is Verdict.BREACH)
    assert {j.verdict for j in found[first:]} == {Verdict.BREACH}, "and does not flap while it lasts"
    assert found[-1].message
    assert found[-1].threshold


@cases
def test_says_the_same_in_the_same_words(case: Case) -> None:
    """A message that changes from poll to poll would be a write to the API server at every poll."""
    for samples in (case.benign[:1], case.broken[:1]):
        found = run(case, repeated(samples, 60))[-5:]
        assert len({(j.verdict, j.reason, j.message) for j in found}) == 1


@cases
def test_needs_its_baseline(case: Case) -> None:
    if case.detector.learns:
        alone = dataclasses.replace(case, baseline=None)
        assert {j.verdict for j in run(alone, repeated(case.broken, 20))} == {Verdict.INCONCLUSIVE}


@cases
@pytest.mark.parametrize("state", [s for s in DataState if s is not DataState.OK])
def test_undecided_on_absent_data(case: Case, state: DataState) -> None:
    for samples in ([], repeated(case.broken, 20)):
        judged = run(case, [*samples, Sample({}, state, message="why")])[-1]
        assert judged.verdict is (Verdict.ERROR if state.is_error else Verdict.INCONCLUSIVE)
        assert judged.reason == state.value
        assert judged.value is None


@cases
def test_many_at_once_are_judged_as_each_alone(case: Case) -> None:
    samples = repeated((*case.benign, *case.broken), 12)
    seen = [Seen(s, None, case.baseline, reference=case.reference) for s in samples]
    span = Span(START, case.window, 5.0)
    together = case.detector.judge(case.settings, seen, span)
    assert together == [case.detector.judge(case.settings, [one], span)[0] for one in seen]


SAMPLE = st.builds(
    Sample,
    st.just({}),
    st.sampled_from(DataState),
    st.floats() | st.none(),
    st.floats(0) | st.none(),
    st.none(),
    st.just(""),
    st.floats() | st.none(),
)


@cases
@given(st.lists(SAMPLE, max_size=12))
def test_deterministic_on_anything(case: Case, samples: list[Sample]) -> None:
    first, second = run(case, samples), run(case, samples)
    assert repr(first) == repr(second)
    for sample, judged in zip(samples, first, strict=True):
        if sample.state is not DataState.OK or sample.value is None or math.isnan(sample.value):
            assert judged.verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}


SPAN = Span(START, 60.0, 5.0)
QUIET = [case for case in CASES if quiet_port(case.detector)]
NUMBER = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 0.1, 0.9, 2.5, 1.0, 49.0, 50.0])
OK = st.builds(
    Sample,
    labels=st.just({}),
    state=st.just(DataState.OK),
    value=NUMBER,
    count=st.none() | NUMBER.map(abs),
    hits=st.none() | NUMBER.map(abs),
)
ANY = OK | st.builds(
    Sample,
    labels=st.just({}),
    state=st.sampled_from([s for s in DataState if s is not DataState.OK]),
    count=st.none() | NUMBER.map(abs),
    message=st.just("why"),
)


@pytest.mark.parametrize("case", QUIET, ids=str)
@given(st.lists(ANY, max_size=6))
def test_quiet_is_exactly_where_it_is_healthy_with_nothing_to_remember(case: Case, samples: list[Sample]) -> None:
    """Whatever it remembered before."""
    port = quiet_port(case.detector)
    assert port is not None
    remembered = [None]
    for sample in (*case.broken, *case.benign):
        seen = Seen(sample, None, case.baseline, reference=case.reference)
        remembered += [memory for _, memory in case.detector.judge(case.settings, [seen], SPAN)]
    quiet = port.quiet(case.settings, Samples.of(samples))
    for memory in remembered:
        found = case.detector.judge(case.settings, [Seen(s, memory) for s in samples], SPAN)
        assert [j.verdict is Verdict.HEALTHY and after is None for j, after in found] == quiet.tolist()

"""What every detector must hold: silent on benign data, undecided on absent data, deterministic, never raising."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.detectors import Detector, ThresholdDetector
from knowngood.api.observed import Verdict
from knowngood.core.detectors import threshold
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.signals import compiled
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample

pytestmark = pytest.mark.conformance
POLL = 5.0


@dataclass(frozen=True)
class Case:
    """A detector as users set it up, with data that is as it should be and data that is not."""

    name: str
    settings: Any
    judge: Callable[[Any, Sample, Any, float, float], tuple[Judgement, Any]]
    benign: tuple[float, ...]
    broken: float


DETECTORS: tuple[Case, ...] = (
    Case(
        "threshold",
        ThresholdDetector(below=0.9, for_="15s", min_samples=50),
        threshold.judge,
        (0.97, 0.91, 0.9, 1.0, 0.95),
        0.4,
    ),
    Case("threshold", ThresholdDetector(above=2.5, for_="0s"), threshold.judge, (0.0, 2.5, 1.0, -3.0), 2.6),
    Case("threshold", ThresholdDetector(below=0.1, above=0.9, for_="1m"), threshold.judge, (0.1, 0.5, 0.9), 0.05),
)
cases = pytest.mark.parametrize("case", DETECTORS, ids=lambda c: f"{c.name}-{c.settings.for_}")


def run(case: Case, samples: Sequence[Sample]) -> list[Judgement]:
    memory, found = None, []
    for number, sample in enumerate(samples):
        judged, memory = case.judge(case.settings, sample, memory, 1_000.0 + number * POLL, POLL)
        found.append(judged)
    return found


def test_every_detector_that_is_compiled_is_here() -> None:
    assert {case.name for case in DETECTORS} == set(compiled._DETECTORS)
    assert set(compiled._DETECTORS) <= set(Detector.model_fields)


@cases
def test_silent_on_benign_data(case: Case) -> None:
    benign = [Sample({}, DataState.OK, v, 1_000) for v in case.benign * 200]
    assert {j.verdict for j in run(case, benign)} == {Verdict.HEALTHY}


@cases
def test_it_finds_what_it_is_for(case: Case) -> None:
    broken = [Sample({}, DataState.OK, case.broken, 1_000)] * 100
    found = run(case, broken)
    assert found[-1].verdict is Verdict.BREACH
    first = next(i for i, j in enumerate(found) if j.verdict is Verdict.BREACH)
    assert {j.verdict for j in found[first:]} == {Verdict.BREACH}, "and does not flap while it lasts"


@cases
@pytest.mark.parametrize("state", [s for s in DataState if s is not DataState.OK])
def test_undecided_on_absent_data(case: Case, state: DataState) -> None:
    after = [Sample({}, DataState.OK, case.broken, 1_000)] * 20
    for samples in ([], after):
        judged = run(case, [*samples, Sample({}, state, message="why")])[-1]
        assert judged.verdict is (Verdict.ERROR if state.is_error else Verdict.INCONCLUSIVE)
        assert judged.reason == state.value
        assert judged.value is None


SAMPLE = st.builds(
    Sample,
    st.just({}),
    st.sampled_from(DataState),
    st.floats() | st.none(),
    st.floats(0) | st.none(),
    st.none(),
)


@cases
@given(st.lists(SAMPLE, max_size=12))
def test_deterministic_on_anything(case: Case, samples: list[Sample]) -> None:
    first, second = run(case, samples), run(case, samples)
    assert repr(first) == repr(second)
    for sample, judged in zip(samples, first, strict=True):
        if sample.state is not DataState.OK or sample.value is None or math.isnan(sample.value):
            assert judged.verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}

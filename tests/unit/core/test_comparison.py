"""`comparison`: evidence of pairs of windows, each counted once."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bench.nulls import Known
from bench.nulls_counts import Releases
from bench.peeking import Fleet
from knowngood.api.conditions import Reason
from knowngood.api.detectors import ComparisonDetector, Direction
from knowngood.api.observed import Verdict
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.comparison import Comparison, Memory
from knowngood.core.detectors.differences import difference
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.detectors.port import Case, Span
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample

pytestmark = pytest.mark.unit
BASE = Baseline(100, 0.95, 2.4e-4, 0.1, 200.0, 19_000, 20_000, 1.1)
DOWN = ComparisonDetector(direction=Direction.DOWN)
BREACH, HEALTHY, WAIT = Verdict.BREACH, Verdict.HEALTHY, Verdict.INCONCLUSIVE


def share(hits: float, count: float = 200, release: str = "9") -> Sample:
    return Sample({"release": release}, DataState.OK, hits / count, count, hits=hits)


OTHER = share(1_900, 2_000, "8")


def run(
    samples: Sequence[Sample],
    settings: ComparisonDetector = DOWN,
    others: Sequence[Sample | None] = (OTHER,),
    memory: Memory | None = None,
    base: Baseline | None = BASE,
) -> tuple[list[Judgement], Memory | None]:
    found = []
    for number, sample in enumerate(samples):
        span = Span((number + 1) * 60.0 + (memory.end if memory and not number else 0.0), 60.0, 60.0)
        case = Case(sample, memory, base, 1, others[number % len(others)])
        ((judgement, memory),) = Comparison().judge(settings, [case], span)
        found.append(judgement)
    return found, memory


def verdicts(*arguments: Sequence[Sample], **more: object) -> list[Verdict]:
    return [j.verdict for j in run(*arguments, **more)[0]]  # type: ignore[arg-type]


def test_a_release_that_is_worse_is_found_soon_and_one_that_is_not_never() -> None:
    worse = verdicts([share(150)] * 20)
    assert HEALTHY in worse[:1]
    assert worse[8:] == [BREACH] * 12
    assert set(verdicts([share(190)] * 300)) == {HEALTHY}
    assert set(verdicts([share(198)] * 300)) == {HEALTHY}, "better is not worse"
    assert verdicts([share(198)] * 300, settings=ComparisonDetector())[-1] is BREACH, "but it differs"


def test_a_small_difference_takes_longer() -> None:
    def first(hits: int) -> int:
        return verdicts([share(hits)] * 400).index(BREACH)

    assert first(150) < first(175) < first(184)


def test_what_moves_both_is_no_difference() -> None:
    samples, others = [share(190), share(120)], [OTHER, share(1_200, 2_000, "8")]
    assert set(verdicts(samples * 100, others=others)) == {HEALTHY}


def test_a_harmless_difference_is_none() -> None:
    harmless = ComparisonDetector(direction=Direction.DOWN, min_effect=0.1)
    assert set(verdicts([share(178)] * 300, settings=harmless)) == {HEALTHY}
    assert verdicts([share(178)] * 300)[-1] is BREACH


def test_the_same_window_again_counts_once() -> None:
    memory = None
    for number in range(12):
        case = Case(share(160), memory, BASE, 1, OTHER)
        span = Span(60.0 * (number + 1), 60.0, 60.0)
        first = Comparison().judge(DOWN, [case], span)[0]
        for _ in range(50):
            assert Comparison().judge(DOWN, [replace(case, memory=first[1])], span)[0] == first
        memory = first[1]


def test_it_passes_when_the_release_is_no_worse_any_more() -> None:
    found = verdicts([*[share(150)] * 10, *[share(190)] * 60])
    assert found[9] is BREACH
    assert found[-1] is HEALTHY
    assert found[10:].index(HEALTHY) < 40
    assert BREACH not in found[10 + found[10:].index(HEALTHY) :]


def test_another_release_to_compare_with_begins_anew() -> None:
    _, memory = run([share(150)] * 20)
    found, after = run([share(190)], others=[share(1_900, 2_000, "7")], memory=memory)
    assert found[0].verdict is HEALTHY
    assert after is not None
    assert after.other != (memory.other if memory else "")


@pytest.mark.parametrize(
    ("sample", "other", "base", "reason"),
    [
        (share(190), None, BASE, Reason.NO_COMPARISON),
        (share(190), OTHER, None, Reason.LEARNING),
        (share(90, 99), OTHER, BASE, Reason.TOO_FEW_SAMPLES),
        (share(190), share(90, 99), BASE, Reason.TOO_FEW_SAMPLES),
        (share(190), Sample({}, DataState.STALE), BASE, Reason.STALE),
        (Sample({}, DataState.EMPTY), OTHER, BASE, Reason.EMPTY),
        (Sample({}, DataState.OK, 3.0, 500), Sample({}, DataState.OK, 3.0, 500), Baseline(50), Reason.TOO_FEW_SAMPLES),
    ],
)
def test_what_cannot_be_compared(sample: Sample, other: Sample | None, base: Baseline | None, reason: Reason) -> None:
    found, memory = run([sample], others=[other], base=base)
    assert (found[0].verdict, found[0].reason, memory) == (WAIT, reason.value, None)


def test_a_gap_keeps_what_was_seen() -> None:
    _, memory = run([share(160)] * 3)
    found, after = run([Sample({}, DataState.EMPTY)], memory=memory)
    assert (found[0].verdict, after) == (WAIT, memory)


def test_memory_stays_small() -> None:
    _, memory = run([share(188)] * 2_000)
    assert memory is not None
    assert len(memory.logs) <= 8
    assert all(np.isfinite(memory.logs))


def test_the_error_is_at_least_the_binomial_one() -> None:
    apart = difference(share(190), OTHER, BASE)
    assert apart is not None
    assert apart.error > (0.95 * 0.05 * (1 / 200 + 1 / 2_000)) ** 0.5
    less_known = difference(share(190), OTHER, replace(BASE, windows=20))
    assert less_known is not None
    assert less_known.error > apart.error


@pytest.mark.parametrize(
    "null", [Releases(), Releases(phi=0.0, unrest=0.0, share=0.01), Releases(others=3_000)], ids=["phi", "rare", "more"]
)
def test_false_alarms_are_as_rare_as_was_asked_with_an_estimated_baseline(null: Releases) -> None:
    windows, models, every = 150, 200, 50
    fleet = Fleet(Known(Comparison(), ComparisonDetector, null), models, 1, every, np.random.default_rng(7))
    stream = fleet.windows()
    alarms = sum(len(next(stream).alarms()) for _ in range(windows))
    assert alarms <= windows * models / every

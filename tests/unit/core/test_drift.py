"""`drift`: when it is a breach, when it cannot be said, and what is compared with what."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowngood.api.conditions import Reason
from knowngood.api.detectors import DriftDetector, DriftTest
from knowngood.api.observed import Verdict
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.drift import LEAST_WINDOWS, Drift
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.detectors.port import Case, Span
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Buckets, Cell, Sample

pytestmark = pytest.mark.unit
SPAN = Span(86_400.0, 300.0, 15.0)
INF = math.inf
EDGES = (0.2, 0.4, 0.6, 0.8, INF)
USUAL = (200, 500, 800, 400, 100)
MOVED = (100, 300, 600, 600, 400)
each = pytest.mark.parametrize("test", list(DriftTest))


def known(counts: tuple[int, ...] = USUAL, edges: tuple[float, ...] = EDGES, windows: int = 100) -> Baseline:
    return Baseline(windows, buckets=Buckets(edges, tuple(windows * c for c in counts)))


def seen(counts: tuple[int, ...], edges: tuple[float, ...] = EDGES) -> Sample:
    return Sample({}, DataState.OK, 0.5, float(sum(counts)), buckets=Buckets(edges, counts))


def judge(settings: DriftDetector, sample: Sample, baseline: Baseline, segments: int = 1) -> Judgement:
    return Drift().judge(settings, [Case(sample, None, baseline, segments)], SPAN)[0][0]


def limit(judged: Judgement) -> float:
    return float(judged.threshold.removeprefix("above "))


def sensitive(test: DriftTest) -> DriftDetector:
    return DriftDetector(test=test, min_samples=1, min_effect=0)


@each
def test_a_moved_distribution_is_a_breach(test: DriftTest) -> None:
    judged = judge(sensitive(test), seen(MOVED), known())
    assert (judged.verdict, judged.reason) == (Verdict.BREACH, Reason.DRIFTED)
    assert judged.value is not None
    assert judged.value > limit(judged) * 0.99
    assert judged.count == sum(MOVED)


@each
def test_a_small_effect_harms_nobody_however_certain_it_is(test: DriftTest) -> None:
    counts = tuple(1_000 * c for c in (205, 505, 800, 395, 95))
    found = judge(sensitive(test), seen(counts), known(tuple(1_000 * c for c in USUAL)))
    assert found.verdict is Verdict.BREACH
    asked = sensitive(test).model_copy(update={"min_effect": 0.1})
    held = judge(asked, seen(counts), known(tuple(1_000 * c for c in USUAL)))
    assert (held.verdict, held.threshold) == (Verdict.HEALTHY, "above 0.1")


def test_the_kolmogorov_smirnov_statistic_is_exact() -> None:
    judged = judge(sensitive(DriftTest.KOLMOGOROV_SMIRNOV), seen(MOVED), known())
    assert judged.value == pytest.approx(0.25)  # up to 0.6: 1,000 of 2,000 where 1,500 were usual


@each
def test_what_makes_the_limit_wider(test: DriftTest) -> None:
    asked, base = sensitive(test), known()
    plain = limit(judge(asked, seen(USUAL), base))
    assert limit(judge(asked, seen(USUAL), base, segments=5)) > plain
    assert limit(judge(asked, seen(USUAL), replace(base, design_effect=3.0))) > plain
    assert limit(judge(asked, seen(USUAL), known(windows=25))) > plain
    assert limit(judge(asked, seen(tuple(c // 4 for c in USUAL)), base)) > plain
    rarer = asked.model_copy(update={"false_alarm_every": "365d"})
    assert limit(judge(rarer, seen(USUAL), base)) > plain
    assert limit(judge(asked, seen(USUAL), replace(base, design_effect=2.0, phi=0.8))) > plain


def test_segments_share_what_one_may_have() -> None:
    asked = sensitive(DriftTest.KOLMOGOROV_SMIRNOV)
    shared = judge(asked, seen(USUAL), known(), segments=5)
    alone = judge(asked.model_copy(update={"false_alarm_every": "150d"}), seen(USUAL), known())
    assert shared.threshold == alone.threshold


def test_what_is_latent_does_not_shrink_as_a_window_grows() -> None:
    asked, base = sensitive(DriftTest.KOLMOGOROV_SMIRNOV), replace(known(), design_effect=4.0)
    plain = limit(judge(asked, seen(USUAL), base))
    assert limit(judge(asked, seen(tuple(100 * c for c in USUAL)), base)) > 0.8 * plain


@pytest.mark.parametrize(
    ("sample", "baseline", "reason"),
    [
        (seen(MOVED), known(windows=LEAST_WINDOWS - 1), Reason.LEARNING),
        (seen(MOVED), Baseline(100), Reason.LEARNING),
        (seen(MOVED), known((0,) * 5), Reason.LEARNING),
        (seen((1, 2, 3, 4, 5)), known(), Reason.TOO_FEW_SAMPLES),
        (seen((0,) * 5), known(), Reason.TOO_FEW_SAMPLES),
        (Sample({}, DataState.OK, 0.5, 2_000), known(), Reason.EMPTY),
        (seen((9_000,), (INF,)), known((900,), (INF,)), Reason.BUCKETS_DIFFER),
        (seen((900, -1), (1.0, INF)), known((900, 1), (1.0, INF)), Reason.BAD_ANSWER),
    ],
)
def test_what_cannot_be_judged(sample: Sample, baseline: Baseline, reason: Reason) -> None:
    judged = judge(DriftDetector(), sample, baseline)
    assert judged.reason == reason
    assert judged.verdict is (Verdict.ERROR if reason is Reason.BAD_ANSWER else Verdict.INCONCLUSIVE)
    assert judged.message
    assert judged.value is None


@each
def test_too_few_to_find_anything_is_never_healthy(test: DriftTest) -> None:
    judged = judge(sensitive(test), seen((1, 1, 1, 1, 1)), known())
    assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, Reason.TOO_FEW_SAMPLES)


def test_other_edges_are_brought_to_those_that_both_have() -> None:
    finer = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 0.9, INF)
    asked = sensitive(DriftTest.CHI_SQUARED)
    split = judge(asked, seen((50, 50, 200, 100, 600, 600, 100, 300), finer), known())
    assert split == judge(asked, seen(MOVED), known())


def test_edges_that_are_too_different_are_named() -> None:
    judged = judge(DriftDetector(), seen((1_000, 1_000, 1_000), (1.0, 10.0, INF)), known())
    assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, Reason.BUCKETS_DIFFER)
    assert "1, 10 came, 0.2, 0.4, 0.6, 0.8 went" in judged.message


@each
def test_all_beyond_the_last_edge_is_found_also_where_nothing_ever_was(test: DriftTest) -> None:
    judged = judge(sensitive(test), seen((0, 0, 0, 0, 600)), known((200, 500, 800, 0, 0)))
    assert judged.verdict is Verdict.BREACH


@each
def test_one_observation_in_a_bin_that_was_empty_is_no_drift(test: DriftTest) -> None:
    assert judge(sensitive(test), seen((200, 500, 800, 0, 1)), known((200, 500, 800, 0, 0))).verdict is Verdict.HEALTHY


@each
def test_a_distribution_all_in_one_bin_can_leave_it(test: DriftTest) -> None:
    base = known((0, 0, 1_000, 0, 0))
    assert judge(sensitive(test), seen((0, 0, 1_000, 0, 0)), base).verdict is not Verdict.BREACH
    assert judge(sensitive(test), seen((0, 0, 400, 600, 0)), base).verdict is Verdict.BREACH


def outcomes(**groups: tuple[int, int]) -> tuple[Cell, ...]:
    return tuple(Cell({"group": name}, *counts) for name, counts in groups.items())


@each
def test_outcomes_have_no_order(test: DriftTest) -> None:
    sample = Sample({}, DataState.OK, 0.5, 2_000.0, cells=outcomes(a=(700, 1_000), b=(200, 1_000)))
    baseline = Baseline(100, cells=outcomes(a=(70_000, 100_000), b=(60_000, 100_000)))
    judged = judge(sensitive(test), sample, baseline)
    if test in {DriftTest.KOLMOGOROV_SMIRNOV, DriftTest.WASSERSTEIN}:
        assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, Reason.NOT_SUPPORTED)
        assert "write test:" in judged.message
    else:
        assert judged.verdict is Verdict.BREACH


def test_a_new_group_is_a_new_category() -> None:
    cells = outcomes(a=(700, 1_000), b=(600, 1_000), c=(300, 500))
    baseline = Baseline(100, cells=outcomes(a=(70_000, 100_000), b=(60_000, 100_000)))
    sample = Sample({}, DataState.OK, 0.5, 2_500.0, cells=cells)
    assert judge(sensitive(DriftTest.JENSEN_SHANNON), sample, baseline).verdict is Verdict.BREACH


edges = st.lists(st.floats(-5, 5), max_size=5, unique=True).map(lambda e: (*sorted(e), INF))
buckets = edges.flatmap(
    lambda e: st.lists(st.integers(-1, 2_000), min_size=len(e), max_size=len(e)).map(lambda c: Buckets(e, tuple(c)))
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(DriftTest), st.lists(st.tuples(buckets, buckets, st.floats(0, 50)), min_size=1, max_size=6))
def test_never_raises_and_judges_many_as_each_alone(
    test: DriftTest, pairs: list[tuple[Buckets, Buckets, float]]
) -> None:
    cases = []
    for now, then, effect in pairs:
        healthy = Buckets(then.edges, tuple(30 * max(c, 0) for c in then.counts))
        baseline = Baseline(30, buckets=healthy, design_effect=effect)
        cases.append(Case(Sample({}, DataState.OK, 0.5, 1.0, buckets=now), None, baseline))
    together = Drift().judge(sensitive(test), cases, SPAN)
    for case, (judged, memory) in zip(cases, together, strict=True):
        ((alone, _),) = Drift().judge(sensitive(test), [case], SPAN)
        assert memory is None
        assert (alone.verdict, alone.reason, alone.message) == (judged.verdict, judged.reason, judged.message)
        assert (alone.value is None) == (judged.value is None)
        if judged.value is not None:
            assert math.isfinite(judged.value)
            assert alone.value == pytest.approx(judged.value, rel=1e-9, abs=1e-12)

"""`burst`: the exposure counts, the promise holds with estimated baselines, and a verdict does not flap."""

from dataclasses import replace

import numpy as np
import pytest

from bench.nulls import Known
from bench.nulls_counts import Events
from bench.peeking import Fleet
from knowngood.api.conditions import Reason
from knowngood.api.detectors import BurstDetector
from knowngood.api.observed import Verdict
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.burst import Burst, Memory
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.detectors.port import Case, Span
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample

pytestmark = pytest.mark.unit
BASE = Baseline(200, phi=0.2, hits=4_000, total=200_000, dispersion=1.5)  # 20 of 1,000 requests a window
SPAN = Span(600.0, 300.0, 300.0)


def events(hits: float, count: float | None = 1_000.0) -> Sample:
    return Sample({}, DataState.OK, hits, count, hits=hits)


def judged(
    sample: Sample, base: Baseline | None = BASE, segments: int = 1, memory: Memory | None = None, every: str = "30d"
) -> tuple[Judgement, Memory | None]:
    (found,) = Burst().judge(BurstDetector(false_alarm_every=every), [Case(sample, memory, base, segments)], SPAN)
    return found


def test_traffic_growth_is_no_attack() -> None:
    assert judged(events(400, 20_000))[0].verdict is Verdict.HEALTHY
    assert judged(events(400, 1_000))[0].verdict is Verdict.BREACH


def test_without_exposure_time_is_it() -> None:
    base = Baseline(200, hits=4_000, total=0)
    assert judged(events(25, None), base)[0].verdict is Verdict.HEALTHY
    assert judged(events(90, None), base)[0].verdict is Verdict.BREACH


@pytest.mark.parametrize("base", [None, Baseline(0), Baseline(1, hits=3, total=10), Baseline(100, hits=3, total=0)])
def test_what_is_not_known_is_being_learned(base: Baseline | None) -> None:
    assert judged(events(900), base)[0].reason is Reason.LEARNING


def test_no_exposure_is_nothing_to_judge() -> None:
    assert judged(events(3, 0.0))[0].reason == DataState.TOO_FEW.value


def least(segments: int = 1, every: str = "30d", base: Baseline = BASE, memory: Memory | None = None) -> int:
    """The fewest events that are a breach."""
    verdicts = (judged(events(n), base, segments, memory, every)[0].verdict for n in range(1, 2_000))
    return 1 + next(i for i, v in enumerate(verdicts) if v is Verdict.BREACH)


def test_the_limit_follows_from_the_dial() -> None:
    assert least(every="1d") < least(every="30d") < least(every="365d")
    assert least() < least(segments=10) == least(every="300d")


def test_the_limit_widens_with_unrest_and_ignorance() -> None:
    assert least() < least(base=replace(BASE, dispersion=3.0))
    assert least() < least(base=replace(BASE, windows=20, hits=400, total=20_000))
    assert least() < least(base=replace(BASE, phi=0.7))


def test_a_burst_lasts_until_it_is_no_surprise() -> None:
    _, memory = judged(events(200))
    assert memory == Memory(600.0)
    for hits, verdict in ((45, Verdict.BREACH), (20, Verdict.HEALTHY)):
        found, after = judged(events(hits), memory=memory)
        assert found.verdict is verdict
        assert (after == memory) is (verdict is Verdict.BREACH)
    assert judged(events(45))[0].verdict is Verdict.HEALTHY


def test_a_gap_changes_nothing() -> None:
    found, after = judged(Sample({}, DataState.EMPTY), memory=Memory(300.0))
    assert (found.verdict, after) == (Verdict.INCONCLUSIVE, Memory(300.0))


@pytest.mark.parametrize("hits", range(0, 200, 20))
@pytest.mark.parametrize("memory", [None, Memory(300.0)])
def test_the_same_window_again_changes_nothing(hits: int, memory: Memory | None) -> None:
    found, after = judged(events(hits), memory=memory)
    assert judged(events(hits), memory=after) == (found, after)


@pytest.mark.parametrize(
    "null",
    [
        Events(),
        Events(mean=0.3, unrest=0.6, estimated=100),
        Events(mean=1_000, unrest=0.1, phi=0.0),
        Events(mean=2.0, unrest=0.0, traffic=0.8),
    ],
    ids=["unrest", "rare", "frequent", "traffic"],
)
def test_false_alarms_are_as_rare_as_was_asked_with_an_estimated_baseline(null: Events) -> None:
    """Each alarm counts, whichever baseline it is of; 2.6 standard errors are allowed to chance."""
    windows, models, every = 60, 1_000, 100
    fleet = Fleet(Known(Burst(), BurstDetector, null), models, 1, every, np.random.default_rng(5))
    stream = fleet.windows()
    alarms = sum(len(next(stream).alarms()) for _ in range(windows))
    allowed = windows * models / every
    assert alarms <= allowed + 2.6 * allowed**0.5

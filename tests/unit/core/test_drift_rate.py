"""How often `drift` alarms where nothing has drifted: no more than `falseAlarmEvery` allows, through the detector.

Scores are normal with a mean that moves between windows as an AR(1), the usual way in which healthy windows resemble
their neighbours; baselines are estimated from as many windows as they would be.
"""

from collections import Counter
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr

from knowngood.api.detectors import DriftDetector, DriftTest
from knowngood.api.observed import Verdict
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.drift import Drift
from knowngood.core.detectors.port import Case, Span
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Buckets, Sample
from knowngood.core.stats.dispersion import design_effect

pytestmark = pytest.mark.unit
LENGTH, SIZE, AFTER = 60.0, 1_000, 50
EDGES = (*(round(-2 + 0.5 * i, 1) for i in range(9)), float("inf"))
Counts = NDArray[np.int64]


def windows(series: int, number: int, phi: float, inflation: float) -> Counts:
    """(series × windows × bins); shares vary ``inflation`` times as much as chance makes them along the moving mean."""
    random = np.random.default_rng([series, number, int(10 * phi), int(10 * inflation)])
    mean = random.normal(size=(series, number))
    for at in range(1, number):
        mean[:, at] = phi * mean[:, at - 1] + np.sqrt(1 - phi**2) * mean[:, at]
    moved = np.array(EDGES) - mean[:, :, None] * np.sqrt((inflation - 1) / SIZE)
    return random.multinomial(SIZE, np.diff(ndtr(moved), axis=2, prepend=0.0))


@lru_cache(maxsize=8)
def cases(recorded: int, phi: float, inflation: float, segments: int) -> list[Case]:
    made = []
    for counts in windows(200, recorded + AFTER, phi, inflation):
        then, now = counts[:recorded], counts[recorded:]
        buckets = Buckets(EDGES, tuple(then.sum(axis=0).tolist()))
        baseline = Baseline(recorded, buckets=buckets, design_effect=design_effect(then))
        for row in now.tolist():
            sample = Sample({}, DataState.OK, 0.0, float(SIZE), buckets=Buckets(EDGES, tuple(row)))
            made.append(Case(sample, None, baseline, segments))
    return made


def alarms(test: DriftTest, judged: list[Case], every: int) -> float:
    """The share of windows in breach, with one false alarm asked for in ``every`` windows."""
    settings = DriftDetector(test=test, min_samples=1, min_effect=0, false_alarm_every=f"{every * LENGTH:.0f}s")
    found = Counter(j.verdict for j, _ in Drift().judge(settings, judged, Span(6_000.0, LENGTH, LENGTH)))
    assert set(found) <= {Verdict.HEALTHY, Verdict.BREACH}
    return found[Verdict.BREACH] / len(judged)


@pytest.mark.parametrize("test", list(DriftTest))
@pytest.mark.parametrize("segments", [1, 5])
@pytest.mark.parametrize(
    ("recorded", "phi", "inflation"),
    [(100, 0.0, 1.0), (100, 0.5, 3.0), (50, 0.5, 1.5), (20, 0.5, 5.0), (20, 0.5, 10.0)],
)
def test_no_more_than_was_asked_for(
    test: DriftTest, segments: int, recorded: int, phi: float, inflation: float
) -> None:
    every = 100
    rate = alarms(test, cases(recorded, phi, inflation, segments), every)
    assert rate * segments <= 1 / (0.95 * every)


@pytest.mark.parametrize("test", list(DriftTest))
def test_nor_with_two_bins_and_a_short_baseline(test: DriftTest) -> None:
    """Where the limits are closest: one share moves, and 20 windows are all that is known of how much."""
    recorded, series, every = 20, 600, 500
    random = np.random.default_rng(3)
    latent = random.normal(size=(series, recorded + AFTER))
    for at in range(1, latent.shape[1]):
        latent[:, at] = 0.5 * latent[:, at - 1] + np.sqrt(0.75) * latent[:, at]
    hits = random.binomial(SIZE, 0.3 + latent * np.sqrt(0.21 * 3 / SIZE))
    made = []
    for counts in np.stack([hits, SIZE - hits], axis=2):
        buckets = Buckets((0.5, 1.0), tuple(counts[:recorded].sum(axis=0).tolist()))
        baseline = Baseline(recorded, buckets=buckets, design_effect=design_effect(counts[:recorded]))
        made += [
            Case(Sample({}, DataState.OK, 0.0, 1.0, buckets=Buckets((0.5, 1.0), tuple(row))), None, baseline)
            for row in counts[recorded:].tolist()
        ]
    assert alarms(test, made, every) <= 1 / (0.95 * every)


@pytest.mark.parametrize("test", list(DriftTest))
def test_a_drift_is_found_all_the_same(test: DriftTest) -> None:
    """Half a standard deviation, at one false alarm a month of windows of five minutes."""
    base = windows(1, 100, 0.5, 1.5)[0]
    shares = np.diff(ndtr(np.array(EDGES) - 0.5), prepend=0.0)
    now = np.random.default_rng(4).multinomial(SIZE, shares, size=50)
    buckets = Buckets(EDGES, tuple(base.sum(axis=0).tolist()))
    baseline = Baseline(100, buckets=buckets, design_effect=design_effect(base))
    made = [
        Case(Sample({}, DataState.OK, 0.0, 1.0, buckets=Buckets(EDGES, tuple(row))), None, baseline)
        for row in now.tolist()
    ]
    assert alarms(test, made, 8_640) > 0.9

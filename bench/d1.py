"""D1: `falseAlarmEvery` holds. Windows an alarm, over what was asked, for every detector with the dial.

Every measurement goes through the detector's own `judge`. A detector takes part by an entry in SIMULATIONS. A plain run
is a seeded sample of each, which may miss the goal by two standard errors; a proof holds only where it is kept by more
than one. Errors are from model to model.
"""

import math
from dataclasses import dataclass
from typing import Any

from bench.nulls import NULLS
from bench.nulls_scores import TWELVE, TWO, Scores
from bench.result import Result, result
from bench.simulate import Gaussian, Null, RunLength, Shares, run_length
from knowngood.api.detectors import ChangeDetector, DriftDetector, DriftTest, TrendDetector
from knowngood.core.detectors.change import Change
from knowngood.core.detectors.drift import Drift
from knowngood.core.detectors.port import DetectorPort
from knowngood.core.detectors.trend import Trend
from knowngood.core.stats.runlength import cusum_arl, ewma_arl

LEAST, KNOWN_WITHIN, PRINTED_WITHIN = 0.95, 0.05, 0.01
CUSUM = {4.0: (167.7, 26.6, 8.38, 3.34), 5.0: (465.0, 38.0, 10.4, 4.01)}
EWMA = {(0.1, 2.814): 10.3, (0.25, 2.998): 11.1, (0.4, 3.054): 14.3}
SHIFTS = (0.0, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Simulation:
    """A detector on healthy data. ``asked`` is its dial in windows of a minute; ``seen`` how often that is watched.

    ``known``: the baseline is exact, so that the run length must be what was asked, not only no less.
    """

    name: str
    detector: DetectorPort
    settings: Any
    null: Null
    asked: int
    seen: int = 80
    segments: int = 1
    known: bool = False

    def run(self, prove: bool) -> RunLength:
        """Measure; ten times as much to prove."""
        replicas = self.seen * (10 if prove else 1) // 2 * self.segments
        return run_length(
            self.detector, self.settings, self.null, 2 * self.asked, replicas, seed=1, segments=self.segments
        )


def _change(method: str, null: Null, name: str, asked: int = 400, **more: Any) -> Simulation:
    settings = ChangeDetector(method=method, false_alarm_every=f"{asked}m", **more.pop("settings", {}))
    return Simulation(f"change {method}, {name}", Change(), settings, null, asked, **more)


def _drift(test: str, null: Scores, name: str) -> Simulation:
    settings = DriftDetector(test=test, min_samples=1, min_effect=0, false_alarm_every="200m")
    return Simulation(f"drift {test}, {name}", Drift(), settings, null, 200)


_TRENDS = (Gaussian(0.5, 20), Gaussian(0.7, 20))
_SCORES = {
    "phi 0.5, 20 windows, 2 buckets": Scores(TWO, estimated=20),
    "phi 0.5, 50 windows, 12 buckets": Scores(TWELVE),
}

SIMULATIONS: tuple[Simulation, ...] = (
    _change("Cusum", Gaussian(), "known baseline", known=True, seen=400),
    _change("Ewma", Gaussian(), "known baseline", known=True, seen=400),
    *(
        _change(method, Gaussian(phi, windows), f"phi {phi:g}, {windows} windows")
        for method in ("Cusum", "Ewma", "PageHinkley")
        for phi, windows in ((0.5, 50), (0.5, 100), (0.5, 200))
    ),
    _change("Cusum", Gaussian(0.0, 100), "phi 0, 100 windows"),
    _change("Cusum", Gaussian(0.7, 100), "phi 0.7, 100 windows"),
    _change("Cusum", Gaussian(0.7, 200), "phi 0.7, 200 windows"),
    _change("Cusum", Shares(), "shares of changing counts, 200 windows", settings={"direction": "Down"}),
    _change("Cusum", Gaussian(0.5, 200), "phi 0.5, 200 windows, 4 segments", asked=200, segments=4, seen=40),
    *(_drift(test, null, name) for test in DriftTest for name, null in _SCORES.items()),
    *(
        Simulation(
            f"trend, phi {null.phi:g}, over 100 windows",
            Trend(),
            TrendDetector(over="100m", false_alarm_every="430m"),
            null,
            430,
            seen=20,
        )
        for null in _TRENDS
    ),
    *(
        Simulation(f"{name}, phi 0.5", of.detector, of.set(200), of.null, 200)
        for name, of in NULLS.items()
        if name.split(",")[0] in ("burst", "disparity", "comparison")
    ),
)


def _printed() -> float:
    """The largest relative distance of our run lengths from printed ones."""
    off = [
        cusum_arl(0.5, h, shift, 2) / printed - 1
        for h, row in CUSUM.items()
        for shift, printed in zip(SHIFTS, row, strict=True)
    ]
    for (weight, limit), printed in EWMA.items():
        off += [ewma_arl(weight, limit, 1.0) / printed - 1, ewma_arl(weight, limit) / 500 - 1]
    return max(abs(each) for each in off)


def _holds(simulation: Simulation, ratio: float, error: float, surely: float, prove: bool) -> bool:
    """``error`` is the ratio's own, ``surely`` what the ratio is at least."""
    if simulation.known:
        return abs(ratio - 1) <= KNOWN_WITHIN + (0.0 if prove else 2 * error)
    return surely >= LEAST if prove else ratio >= LEAST - 2 * error


def run(prove: bool) -> Result:
    """The least run length over what was asked."""
    printed = _printed()
    rows = [("largest distance from a printed run length", f"{printed:.2%}")]
    ok, least = printed <= PRINTED_WITHIN, math.inf
    for simulation in SIMULATIONS:
        found = simulation.run(prove)
        ratio = found.mean / simulation.asked
        error = ratio * found.error
        surely = found.least / simulation.asked
        ok, least = ok and _holds(simulation, ratio, error, surely, prove), min(least, ratio)
        text = f"{ratio:.3f} ± {error:.3f}" if found.alarms else f"more than {ratio:.3g}"
        rows.append((simulation.name, f"{text} of what was asked ({found.alarms} alarms)"))
    goal = ">= 0.95 of what was asked; known baselines within 5 %; printed tables within 1 %"
    return result("D1", round(least, 3), "x asked", goal, ok, floor=1.0, rows=rows)

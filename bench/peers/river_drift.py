"""river's drift detectors, tuned to one run length, and their delays; a program of its own, in a venv that has river.

Usage: river_drift.py ARL SCALE; prints a JSON object of detector to {x: parameter, arl: its run length, delays: {shift:
mean delay}}. Each has HEALTHY windows to learn from first.
"""

import json
import math
import random
import statistics
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from river import drift
from river.drift import binary

HEALTHY = 200
SHIFTS = (1.0, 2.0, 3.0, 4.0)
Make = Callable[[float], Any]
_STEPS = 7


def adwin(x: float) -> Any:
    """More sensitive with a smaller ``x``; it looks at every window, not at every 32nd."""
    return drift.ADWIN(delta=10**-x, clock=1)


def page_hinkley(x: float) -> Any:
    """Told half the smallest shift to look for, as is best."""
    return drift.PageHinkley(min_instances=30, delta=0.5, threshold=x, alpha=1.0, mode="up")


def kswin(x: float) -> Any:
    """Its own sizes of windows."""
    return drift.KSWIN(alpha=10**-x, window_size=100, stat_size=30, seed=1)


def ddm(x: float) -> Any:
    """Its own warm start."""
    return binary.DDM(warm_start=30, drift_threshold=x, warning_threshold=x / 2)


@dataclass(frozen=True)
class Tuned:
    """How to tune one: between which parameters, and on how many run lengths of windows; delays are of ten times."""

    low: float
    high: float
    runs: int


RANGES: Mapping[Make, Tuned] = {
    adwin: Tuned(0.0, 4.0, 200),
    page_hinkley: Tuned(2.0, 20.0, 400),
    kswin: Tuned(1.5, 5.0, 15),
    ddm: Tuned(1.0, 6.0, 400),
}


def takes(make: Make, detector: Any, value: float) -> bool:
    """Feed one window; DDM takes only right or wrong, so that a window above the healthy mean is wrong."""
    detector.update(value > 0 if make is ddm else value)
    return bool(detector.drift_detected)


def learned(make: Make, x: float, rng: random.Random) -> Any:
    """A detector after HEALTHY windows; one that alarms meanwhile begins anew."""
    detector = make(x)
    for _ in range(HEALTHY):
        if takes(make, detector, rng.gauss(0, 1)):
            detector = make(x)
    return detector


def run_length(make: Make, x: float, windows: int, seed: int) -> float:
    """Windows an alarm on healthy data; each detector learns anew after its alarm, and these windows do not count."""
    rng, alarms = random.Random(seed), 0
    detector = learned(make, x, rng)
    for _ in range(windows):
        if takes(make, detector, rng.gauss(0, 1)):
            alarms, detector = alarms + 1, learned(make, x, rng)
    return windows / max(alarms, 0.5)


def tuned(make: Make, arl: float, how: Tuned, scale: int) -> tuple[float, float]:
    """(the parameter with that run length, the run length that it has on other data): by halving."""
    low, high = how.low, how.high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if run_length(make, middle, int(arl * how.runs * scale / 4), 7) < arl else (low, middle)
        )
    x = (low + high) / 2
    return x, run_length(make, x, int(arl * how.runs * scale / 2), 8)


def delay(make: Make, x: float, shift: float, replicas: int, most: int) -> float:
    """Mean windows from the shift to the alarm, at most ``most`` each."""
    rng, found = random.Random(11), []
    for _ in range(replicas):
        detector = learned(make, x, rng)
        found.append(next((n for n in range(1, most) if takes(make, detector, rng.gauss(shift, 1))), most))
    return statistics.fmean(found)


def main(arl: float, scale: int) -> dict[str, Any]:
    """All four."""
    told: dict[str, Any] = {}
    for make, how in RANGES.items():
        x, seen = tuned(make, arl, how, scale)
        replicas = math.ceil(how.runs * scale)
        delays = {str(s): delay(make, x, s, replicas, int(arl)) for s in SHIFTS}
        told[make.__name__] = {"x": x, "arl": seen, "delays": delays}
    return told


if __name__ == "__main__":
    print(json.dumps(main(float(sys.argv[1]), int(sys.argv[2]))))

"""river's drift detectors, tuned to one run length, and their delays; a program of its own, in a venv that has river.

Usage: river_drift.py ARL SCALE; prints a JSON object of detector to {shift: mean delay}. Each has HEALTHY windows
to learn from first.
"""

import json
import random
import statistics
import sys
from collections.abc import Callable
from typing import Any

from river import drift
from river.drift import binary

HEALTHY = 200
SHIFTS = (1.0, 2.0)
Make = Callable[[float], Any]


def _takes(make: Make, detector: Any, value: float) -> bool:
    """Feed one window; DDM takes only right or wrong, so that a window above the healthy mean is wrong."""
    detector.update(value > 0 if make is ddm else value)
    return bool(detector.drift_detected)


def adwin(x: float) -> Any:
    """More sensitive with a larger ``x``; it looks at every window, not at every 32nd."""
    return drift.ADWIN(delta=10**-x, clock=1)


def page_hinkley(x: float, delta: float = 0.5) -> Any:
    """Told half the shift to look for, as is best."""
    return drift.PageHinkley(min_instances=30, delta=delta, threshold=x, alpha=1.0, mode="up")


def kswin(x: float) -> Any:
    """Its own sizes of windows."""
    return drift.KSWIN(alpha=10**-x, window_size=100, stat_size=30, seed=1)


def ddm(x: float) -> Any:
    """Its own warm start."""
    return binary.DDM(warm_start=30, drift_threshold=x, warning_threshold=x / 2)


def run_length(make: Make, x: float, windows: int, seed: int) -> float:
    """Windows an alarm on healthy data; each detector learns anew after its alarm, and until then alarms are free."""
    rng, alarms, seen, age, detector = random.Random(seed), 0, 0, 0, make(x)
    while seen < windows:
        age += 1
        seen += age > HEALTHY
        if _takes(make, detector, rng.gauss(0, 1)):
            alarms += age > HEALTHY
            age, detector = 0, make(x)
    return seen / max(alarms, 1)


def tuned(make: Make, arl: float, windows: int, low: float, high: float) -> float:
    """The parameter with that run length: by halving, since a higher one alarms less often."""
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (middle, high) if run_length(make, middle, windows, 7) < arl else (low, middle)
    return high


def delay(make: Make, x: float, shift: float, replicas: int, most: int) -> float:
    """Mean windows from the shift to the alarm, at most ``most`` each."""
    rng, found = random.Random(11), []
    for _ in range(replicas):
        detector = make(x)
        for _ in range(HEALTHY):
            if _takes(make, detector, rng.gauss(0, 1)):
                detector = make(x)
        steps = (n for n in range(1, most) if _takes(make, detector, rng.gauss(shift, 1)))
        found.append(next(steps, most))
    return statistics.fmean(found)


def main(arl: float, scale: int) -> dict[str, dict[str, float]]:
    """All four."""
    ranges: dict[Make, tuple[float, float, int]] = {
        adwin: (0.0, 8.0, 20),
        page_hinkley: (1.0, 60.0, 20),
        kswin: (1.0, 8.0, 3),
        ddm: (0.5, 8.0, 20),
    }
    told = {}
    for make, (low, high, share) in ranges.items():
        x = tuned(make, arl, int(arl * share * scale), low, high)
        told[make.__name__] = {str(s): delay(make, x, s, 5 * share * scale, int(arl)) for s in SHIFTS}
    return told


if __name__ == "__main__":
    print(json.dumps(main(float(sys.argv[1]), int(sys.argv[2]))))

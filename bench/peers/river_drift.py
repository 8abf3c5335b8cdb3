"""river's drift detectors, tuned to one run length, and their delays; a program of its own, in a venv that has river.

Usage: river_drift.py ARL SCALE PHI; prints a JSON object of detector to {x: parameter, arl: its run length, delays:
{shift: mean delay}}. Each has HEALTHY windows to learn from first. Their parameters are in the values' unit, so that
they are given values in standard deviations of these windows, which is all that anybody knows of it.
"""

import itertools
import json
import math
import random
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from river import drift
from river.drift import binary

HEALTHY, WATCHED = 200, 1_000  # windows
SHIFTS = (1.0, 2.0, 3.0, 4.0)
Make = Callable[[float], Any]
_TRIES = 20


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
    """How to tune one: between which parameters, in how many steps, and on how many run lengths of windows each."""

    low: float
    high: float
    steps: int
    runs: int


RANGES: Mapping[Make, Tuned] = {
    adwin: Tuned(-1.0, 7.0, 8, 400),
    page_hinkley: Tuned(2.0, 26.0, 9, 600),
    kswin: Tuned(1.6, 6.4, 5, 16),
    ddm: Tuned(0.5, 6.5, 8, 400),
}


def noise(rng: random.Random, phi: float) -> Iterator[float]:
    """Standard normal values with autocorrelation ``phi`` at lag one, for ever."""
    value, fresh = rng.gauss(0, 1), math.sqrt(1 - phi * phi)
    while True:
        yield value
        value = phi * value + fresh * rng.gauss(0, 1)


class Learned:
    """A detector after HEALTHY windows in which it did not alarm, and those windows' mean and deviation."""

    def __init__(self, make: Make, x: float, stream: Iterator[float]) -> None:
        self._binary = make is ddm
        for _ in range(_TRIES):
            seen = list(itertools.islice(stream, HEALTHY))
            self._mean, self._sd, self._detector = statistics.fmean(seen), statistics.stdev(seen), make(x)
            if not any(self.takes(value) for value in seen):
                break

    def takes(self, value: float) -> bool:
        """Feed one window; DDM takes only right or wrong, so that a window above the healthy mean is wrong."""
        standardised = (value - self._mean) / self._sd
        self._detector.update(standardised > 0 if self._binary else standardised)
        return bool(self._detector.drift_detected)


def run_length(make: Make, x: float, windows: int, seed: int, phi: float) -> float:
    """Windows an alarm on healthy data.

    Each learns anew after its alarm, and after WATCHED windows, so that lucky and unlucky ones are watched as those of
    a fleet are; the windows learned from do not count.
    """
    stream, alarms = noise(random.Random(seed), phi), 0
    learned = Learned(make, x, stream)
    for age in range(windows):
        alarm = learned.takes(next(stream))
        alarms += alarm
        if alarm or age % WATCHED == 0:
            learned = Learned(make, x, stream)
    return windows / max(alarms, 0.5)


def tuned(make: Make, arl: float, how: Tuned, scale: int, phi: float) -> tuple[float, float]:
    """(the parameter with that run length, the run length that it has on other data): by halving."""
    low, high = how.low, how.high
    windows = int(arl * how.runs * scale)
    for _ in range(how.steps + (scale > 1)):
        middle = (low + high) / 2
        low, high = (middle, high) if run_length(make, middle, windows, 7, phi) < arl else (low, middle)
    x = (low + high) / 2
    return x, run_length(make, x, windows, 8, phi)


def delay(make: Make, x: float, shift: float, replicas: int, most: int, phi: float) -> float:
    """Mean windows from the shift to the alarm, at most ``most`` each."""
    stream, found = noise(random.Random(11), phi), []
    for _ in range(replicas):
        learned = Learned(make, x, stream)
        found.append(next((n for n in range(1, most) if learned.takes(next(stream) + shift)), most))
    return statistics.fmean(found)


def main(arl: float, scale: int, phi: float) -> dict[str, Any]:
    """All four."""
    told: dict[str, Any] = {}
    for make, how in RANGES.items():
        x, seen = tuned(make, arl, how, scale, phi)
        delays = {str(s): delay(make, x, s, 5 * how.runs * scale, int(arl), phi) for s in SHIFTS}
        told[make.__name__] = {"x": x, "arl": seen, "delays": delays}
    return told


if __name__ == "__main__":
    print(json.dumps(main(float(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))

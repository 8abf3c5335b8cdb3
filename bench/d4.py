"""D4: how often a model of many segments has a false alarm, over what one segment may have."""

from dataclasses import replace

import numpy as np

from bench.nulls import NULLS, Known
from bench.nulls_counts import Outcomes
from bench.peeking import Fleet
from bench.result import Result, result

EVERY = 50  # windows a false alarm
SEGMENTS = (1, 10, 100)
SERIES_WINDOWS, QUICK = 400_000, 20_000
_Z = 1.645


def _rate(known: Known, segments: int, budget: int) -> tuple[float, float]:
    """(false alarms over what is allowed, standard error), per model and window."""
    if isinstance(known.null, Outcomes):  # its segments are groups, all in one sample
        known = replace(known, null=replace(known.null, groups=max(2, segments)))
        models, windows, segments = max(20, budget // 200 // max(2, segments)), 200, 1
    else:
        windows = max(400, 2 * known.least)
        models = max(4, budget // windows // segments)
    every = max(EVERY, known.least)
    fleet = Fleet(known, models, segments, every, np.random.default_rng(4))
    stream = fleet.windows()
    alarms = np.zeros(models)
    for _ in range(windows):
        alarms[next(stream).alarms()] += 1
    rates = alarms * every / windows
    least = every / windows / models  # of a single alarm, where there was none
    return float(rates.mean()), max(float(rates.std()) / models**0.5, least)


def run(prove: bool) -> Result:
    """The largest rate of false alarms a model, over what one segment may have."""
    rows, largest, ok = [], 0.0, True
    for name, known in NULLS.items():
        for segments in SEGMENTS:
            rate, error = _rate(known, segments, SERIES_WINDOWS if prove else QUICK)
            largest = max(largest, rate)
            ok = ok and rate - _Z * error <= 1.0
            rows.append((f"{name}, {segments} segments", f"{rate:.3f} ± {error:.3f}"))
    goal = "<= 1 with 1, 10 and 100 segments"
    return result("D4", round(largest, 3), "x allowed", goal, ok, floor=1.0, rows=rows)

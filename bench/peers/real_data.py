"""Real data that river and nannyml ship, and their detectors on it; a program of its own, in a venv that has them.

Usage: real_data.py data | annotated MOST_FALSE | employment WINDOW EVERY; prints JSON.
"""

import json
import math
import os
import random
import statistics
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from annotated import Case, Score, best, cases, marked, scored
from river_drift import adwin, ddm, kswin, page_hinkley

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # nannyml would tell its makers of each run
GRIDS = {
    adwin: [x / 4 for x in range(-4, 25)],
    page_hinkley: [1.3**x for x in range(2, 22)],
    kswin: [x / 2 for x in range(2, 20)],
}
METHODS = ("kolmogorov_smirnov", "jensen_shannon", "wasserstein", "hellinger")
YOUNG = (16, 24)  # years: of all ages those on whom the model errs most


def series() -> dict[str, dict[str, Any]]:
    """Annotated series by name: values, and the changes that at least two people marked.

    Left out is Brent's price, whose marks are of a thinned series that cannot be told from the file.
    """
    from river.drift import datasets

    columns: dict[str, tuple[Any, str, int]] = {
        "airline passengers": (datasets.AirlinePassengers(), "", 1),
        "apple": (datasets.Apple(), "Close", 3),  # every third day was marked
        "bitcoin": (datasets.Bitcoin(), "", 1),
        "run log": (datasets.RunLog(), "Pace", 1),
        "coal employment": (datasets.UKCoalEmploy(), "", 1),
        **{f"occupancy {v}": (datasets.Occupancy(), v, 1) for v in ("V1", "V2", "V3", "V4")},
    }
    found = {}
    for name, (data, column, step) in columns.items():
        values = [float(y[column] if column else y) for _, y in data][::step]
        found[name] = {"values": values, "changes": marked(data.annotations, len(values))}
    return found


def employment() -> dict[str, dict[str, list[float]]]:
    """Whether answers were right, and scores, in the file's order: of 2015, which is healthy, of 2018, of the young."""
    from nannyml.datasets import load_us_census_ma_employment_data

    reference, later, truth = load_us_census_ma_employment_data()
    later = later.merge(truth, on="id")
    target = next(column for column in later.columns if column.startswith("employed"))
    last = later[later["year"] == later["year"].max()]
    parts = {"2015": reference, "2018": last, "2018, young": last[last["AGEP"].between(*YOUNG)]}
    return {
        name: {
            "right": [int(x) for x in part["prediction"] == part[target if target in part else "employed"]],
            "scores": [round(float(x), 4) for x in part["predicted_probability"]],
        }
        for name, part in parts.items()
    }


def annotated(most_false: int) -> dict[str, Any]:
    """river's detectors on all series, each at its best parameter for so many false alarms; one for both ways."""
    given = [case for one in series().values() for case in cases(one["values"], one["changes"])]
    told = {}
    for make, grid in GRIDS.items():
        scores: dict[float, Score] = {x: scored(given, partial(_alarm, make, x)) for x in grid}
        x, score = best(scores, most_false)
        told[make.__name__] = {"x": x, **asdict(score)}
    return told


def _alarm(make: Callable[[float], Any], x: float, case: Case) -> int | None:
    mean, sd = statistics.fmean(case.learnt), statistics.stdev(case.learnt) or 1.0
    detectors = [(make(x), 1)] + ([(make(x), -1)] if make is page_hinkley else [])
    for at, value in enumerate([*case.learnt, *case.before, *case.after], -len(case.learnt)):
        for detector, way in detectors:
            detector.update(way * (value - mean) / sd)
        if at >= 0 and any(detector.drift_detected for detector, _ in detectors):
            return at
    return None


def stretch(values: Sequence[float], begin: int) -> Iterator[float]:
    """All of them from ``begin`` on, and round again, for ever."""
    while True:
        yield from values[begin:]
        begin = 0


def watched(window: int, every: int, replicas: int) -> dict[str, Any]:
    """river's detectors on whether answers were right, tuned to one false alarm in ``every`` windows."""
    data = employment()
    healthy = data["2015"]["right"]
    told: dict[str, Any] = {}
    for make, (low, high) in {adwin: (0.0, 6.0), page_hinkley: (5.0, 100.0), ddm: (0.5, 8.0)}.items():
        for _ in range(7):
            x = (low + high) / 2
            low, high = (x, high) if _run(make, x, healthy, None, window, every, replicas)[0] < every else (low, x)
        x = (low + high) / 2
        told[make.__name__] = {"every": _run(make, x, healthy, None, window, every, replicas)[0]} | {
            name: _run(make, x, healthy, part["right"], window, every, replicas)[1]
            for name, part in data.items()
            if name != "2015"
        }
    return told


def _run(
    make: Any, x: float, healthy: Sequence[float], after: Sequence[float] | None, window: int, every: int, replicas: int
) -> tuple[float, float]:
    """(windows a false alarm, mean windows to the alarm after the change), each after 100 windows to learn from."""
    rng, alarms, seen, delays = random.Random(5), 0, 0, []
    for _ in range(replicas):
        detector, stream = _makes(make, x), stretch(healthy, rng.randrange(len(healthy)))
        for _ in range(100 * window):
            detector.update(1 - next(stream))
        most = (2 if after is None else 5) * every * window
        stream = stream if after is None else stretch(after, rng.randrange(len(after)))
        at = next((n for n in range(1, most + 1) if _wrong(detector, next(stream))), 0)
        alarms += at > 0
        seen += at or most
        delays.append(math.ceil((at or most) / window))
    return seen / window / max(alarms, 0.5), statistics.fmean(delays)


def _wrong(detector: Any, right: float) -> bool:
    detector.update(1 - right)
    return bool(detector.drift_detected)


def _makes(make: Any, x: float) -> Any:
    """Page and Hinkley's test looks for a rise of the share of wrong answers by a fiftieth or more."""
    from river import drift

    if make is page_hinkley:
        return drift.PageHinkley(min_instances=30, delta=0.01, threshold=x, alpha=1.0, mode="up")
    return drift.ADWIN(delta=10**-x) if make is adwin else make(x)


def drifted(window: int, every: int) -> dict[str, Any]:
    """nannyml's distances of scores, each with the limit that healthy windows pass once in ``every``."""
    warnings.simplefilter("ignore")
    import nannyml
    import pandas

    data = {name: part["scores"] for name, part in employment().items()}
    half = len(data["2015"]) // 2
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=["score"], chunk_size=window, continuous_methods=list(METHODS)
    ).fit(pandas.DataFrame({"score": data["2015"][:half]}))

    def distances(scores: Sequence[float]) -> Any:
        whole = scores[: len(scores) // window * window]
        table = calculator.calculate(pandas.DataFrame({"score": whole})).filter(period="analysis").to_df()
        return {method: table["score"][method]["value"].to_numpy() for method in METHODS}

    healthy = distances(data["2015"][half:])
    told: dict[str, Any] = {}
    for method in METHODS:
        limit = statistics.quantiles(healthy[method], n=every)[-1]
        told[method] = {"every": len(healthy[method]) / max(sum(healthy[method] > limit), 0.5)} | {
            name: float((distances(scores)[method] > limit).mean()) for name, scores in data.items() if name != "2015"
        }
    return told


def main(words: Sequence[str]) -> Any:
    """What was asked for."""
    if words[0] == "data":
        return {"series": series(), "employment": employment()}
    if words[0] == "annotated":
        return annotated(int(words[1]))
    window, every = int(words[1]), int(words[2])
    return {"right": watched(window, every, int(words[3])), "scores": drifted(int(words[4]), int(words[5]))}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))

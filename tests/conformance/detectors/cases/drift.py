"""`drift` by each of its tests, on histograms, and on outcomes by those that need no order."""

from knowngood.api.detectors import DriftDetector, DriftTest
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.drift import Drift
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Buckets, Cell, Sample
from tests.conformance.detectors.cases.case import Case

EDGES = (0.2, 0.4, 0.6, 0.8, float("inf"))
USUAL = (200, 500, 800, 400, 100)
ORDERED = (DriftTest.KOLMOGOROV_SMIRNOV, DriftTest.WASSERSTEIN)
WINDOWS = 100


def scores(*counts: int) -> Sample:
    return Sample({}, DataState.OK, 0.5, float(sum(counts)), buckets=Buckets(EDGES, counts))


def decisions(**groups: tuple[int, int]) -> Sample:
    cells = tuple(Cell({"group": name}, favourable, total) for name, (favourable, total) in groups.items())
    return Sample({}, DataState.OK, 0.5, float(sum(c.total for c in cells)), cells=cells)


HISTOGRAMS = Baseline(WINDOWS, buckets=Buckets(EDGES, tuple(WINDOWS * c for c in USUAL)), design_effect=1.2)
OUTCOMES = Baseline(WINDOWS, cells=(Cell({"group": "a"}, 70_000, 100_000), Cell({"group": "b"}, 60_000, 100_000)))
CASES = (
    *(
        Case(
            Drift(),
            DriftDetector(test=test, min_samples=500, min_effect=0.05),
            (scores(*USUAL), scores(210, 480, 810, 390, 110), scores(95, 255, 405, 190, 55)),
            (scores(0, 100, 400, 800, 700), scores(0, 0, 0, 0, 2_000)),
            HISTOGRAMS,
            window=300.0,
            label=test,
        )
        for test in DriftTest
    ),
    *(
        Case(
            Drift(),
            DriftDetector(test=test, min_samples=500, min_effect=0.05),
            (decisions(a=(700, 1_000), b=(600, 1_000)), decisions(a=(720, 1_000), b=(570, 980))),
            (decisions(a=(700, 1_000), b=(200, 1_000)), decisions(a=(40, 50), b=(1_000, 2_000), c=(500, 900))),
            OUTCOMES,
            window=300.0,
            label=f"outcomes-{test}",
        )
        for test in DriftTest
        if test not in ORDERED
    ),
)

"""Draws docs/images/<detector>.svg: what each detector says of simulated windows before and after something happens.

PYTHONPATH=operator:. .venv/bin/python docs/images/make_detectors.py
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from picture import BLUE, COLOURS, GREY, Panel, Picture

from bench.simulate import learnt
from knowngood.api.detectors import (
    BurstDetector,
    ChangeDetector,
    ComparisonDetector,
    DisparityDetector,
    OccurrenceDetector,
    ThresholdDetector,
    TrendDetector,
)
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.burst import Burst
from knowngood.core.detectors.change import Change
from knowngood.core.detectors.charts import charts, windows_asked
from knowngood.core.detectors.comparison import Comparison
from knowngood.core.detectors.disparity import Disparity
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.detectors.occurrence import Occurrence
from knowngood.core.detectors.port import Case, DetectorPort, Span
from knowngood.core.detectors.standard import healthy
from knowngood.core.detectors.threshold import Threshold
from knowngood.core.detectors.trend import Trend
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Cell, Sample
from knowngood.core.stats.families import window_alpha

IMAGES = Path(__file__).resolve().parent
MINUTES = 300.0  # seconds of a window of five minutes


def judged(
    detector: DetectorPort,
    settings: Any,
    samples: Sequence[Sample],
    length: float,
    baseline: Baseline | None = None,
    others: Sequence[Sample] | None = None,
    interval: float = 15.0,
    step: float | None = None,
) -> list[tuple[Judgement, Any]]:
    """(judgement, memory) of samples one after the other; whole windows unless a ``step`` of polls is given."""
    found, memory = [], None
    for number, sample in enumerate(samples, 1):
        case = Case(sample, memory, baseline, 1, others[number - 1] if others else None)
        ((said, memory),) = detector.judge(settings, [case], Span(number * (step or length), length, interval))
        found.append((said, memory))
    return found


def colours(found: Sequence[tuple[Judgement, Any]]) -> list[str]:
    """A dot's colour: green is healthy, red a breach, grey neither."""
    return [COLOURS[said.verdict.value] for said, _ in found]


def shares(hits: Sequence[int], counts: Sequence[int]) -> list[Sample]:
    """Samples of a ratio."""
    return [
        Sample({}, DataState.OK, h / n if n else None, n, hits=h) if n else Sample({}, DataState.EMPTY)
        for h, n in zip(hits, counts, strict=True)
    ]


class Given:
    """Samples as a stream to learn from."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._left = iter(samples)

    def next(self, shift: float) -> Sequence[Sample]:
        """The next one, of one series."""
        return [next(self._left)]


def baseline(samples: Sequence[Sample], of_shares: bool = False) -> Baseline:
    """What the operator learns from these windows."""
    return learnt(Given(samples), len(samples), of_shares)[0]


def threshold() -> Picture:
    """A dip that passes, and a fall that stays."""
    random = np.random.default_rng(5)
    true = np.full(120, 0.95)
    true[30:34], true[75:] = 0.84, 0.82
    counts = random.poisson(400, 120)
    counts[52:60] = random.poisson(30, 8)
    samples = shares(random.binomial(counts, true).tolist(), counts.tolist())
    settings = ThresholdDetector(below=0.9, for_="2m", min_samples=100)
    found = judged(Threshold(), settings, samples, 60.0, step=15.0)
    at = np.arange(1, 121) / 4
    panel = Panel("accuracy in the last minute, every 15 s", 0.7, 1.0, (0.7, 0.8, 0.9, 1.0), 190)
    panel.limit(0.9, "below 0.9 for 2m", right=True)
    panel.dots(zip(at, [s.value or 0.0 for s in samples], strict=True), colours(found))
    panel.note((6.5, 0.79), "a short dip: not for 2m")
    panel.note((11, 0.86), "too few samples")
    return Picture(30, "minutes", [panel], [(75 / 4, "the bad release is here")])


def occurrence() -> Picture:
    """One leak."""
    events = np.zeros(120)
    events[40], events[44] = 1, 2
    within = [events[max(0, i - 19) : i + 1].sum() for i in range(120)]
    samples = [Sample({}, DataState.OK, v, hits=v) for v in within]
    found = judged(Occurrence(), OccurrenceDetector(), samples, MINUTES, step=15.0)
    at = np.arange(120) / 4
    panel = Panel("answers with personal data in the last 5 minutes, every 15 s", -0.2, 4, (0, 1, 2, 3, 4), 150)
    panel.limit(0.0, "")
    panel.dots(zip(at, within, strict=True), colours(found))
    return Picture(30, "minutes", [panel], [(10, "the first one")])


def change() -> Picture:
    """A shift that no single window shows."""
    random = np.random.default_rng(18)
    noise = np.zeros(320)
    for i in range(320):
        noise[i] = 0.3 * noise[i - 1] + math.sqrt(1 - 0.09) * random.standard_normal()
    values = 0.92 + 0.01 * noise
    values[200 + 50 :] -= 0.0125
    samples = [Sample({}, DataState.OK, float(v)) for v in values]
    known, settings = baseline(samples[:200]), ChangeDetector(direction="Down")
    found = judged(Change(), settings, samples[200:], MINUTES, known)
    limits = charts(settings, windows_asked("30d", MINUTES), 1, healthy(known, samples[0])).down
    sums = [max([0.0, *(s / most for s, most in zip(m.down, limits, strict=False))]) for _, m in found]
    value = Panel("the value, one dot a window of 5 minutes", 0.87, 0.96, (0.88, 0.9, 0.92, 0.94, 0.96))
    value.dots(enumerate(values[200:].tolist(), 1), colours(found))
    value.line([(0, known.mean), (120, known.mean)], GREY, "2 3")
    summed = Panel("what is left of the sum of all that was too low, over its limit", 0, 1.25, (0, 0.5, 1), 110)
    summed.limit(1.0, "breach")
    summed.line(enumerate(sums, 1))
    summed.dots(enumerate(sums, 1), colours(found), 1.8)
    return Picture(120, "windows", [value, summed], [(50.5, "from here on 1.25 σ lower")])


def trend() -> Picture:
    """A slide of a week."""
    random = np.random.default_rng(1)
    days = np.arange(1, 14 * 24 + 1) / 24
    values = 0.9 + 0.006 * random.standard_normal(len(days)) - 0.0022 * np.maximum(0, days - 6)
    samples = [Sample({}, DataState.OK, float(v)) for v in values]
    settings = TrendDetector(direction="Down", over="7d", limit=0.85)
    found = judged(Trend(), settings, samples, 3_600.0)
    panel = Panel("mean confidence, one dot an hour", 0.84, 0.93, (0.85, 0.87, 0.89, 0.91, 0.93), 190)
    panel.dots(zip(days, values, strict=True), colours(found), 2.0)
    first = next(i for i, (said, _) in enumerate(found) if said.verdict.value == "Breach")
    panel.note((days[first], 0.92), found[first][0].message.split("; ")[-1])
    panel.note((0.05, 0.921), "learning")
    return Picture(14, "days", [panel], [(6, "from here on it slides")])


def burst() -> Picture:
    """Busy hours, and an attack."""
    random = np.random.default_rng(9)
    hours = np.arange(288)
    traffic = 900 * (1 + 0.6 * np.sin(2 * np.pi * hours / 144))
    counts = random.poisson(traffic)
    rates = 0.02 * np.exp(0.3 * random.standard_normal(288))
    rates[240:252] *= 4
    events = random.poisson(counts * rates)
    samples = [Sample({}, DataState.OK, float(e), float(n), hits=float(e)) for e, n in zip(events, counts, strict=True)]
    known, settings = baseline(samples[:144]), BurstDetector()
    found = judged(Burst(), settings, samples[144:], MINUTES, known)
    most = [(i, _least_burst(known, settings, float(n))) for i, n in enumerate(counts[144:], 1)]
    panel = Panel("blocked prompts in a window of 5 minutes", 0, 160, (0, 40, 80, 120, 160), 170)
    panel.line(most, COLOURS["Breach"], "6 4")
    panel.bars(enumerate(events[144:].tolist(), 1), colours(found))
    panel.note((8, 112), "so many are a breach: it follows the traffic", COLOURS["Breach"])
    requests = Panel("requests", 0, 1_600, (0, 800, 1_600), 60)
    requests.line(enumerate(counts[144:].tolist(), 1))
    return Picture(144, "windows", [panel, requests], [(96.5, "an attack begins")])


def _least_burst(known: Baseline, settings: BurstDetector, count: float) -> int:
    low, high = 0, 10_000
    while high - low > 1:
        middle = (low + high) // 2
        sample = Sample({}, DataState.OK, float(middle), count, hits=float(middle))
        ((said, _),) = Burst().judge(settings, [Case(sample, None, known)], Span(0.0, MINUTES, 15.0))
        low, high = (low, middle) if said.verdict.value == "Breach" else (middle, high)
    return high


def disparity() -> Picture:
    """A group that is treated worse from some window on."""
    random = np.random.default_rng(3)
    samples, ratios = [], []
    for i in range(96):
        totals = random.poisson((600, 450))
        good = random.binomial(totals, (0.55, 0.55 * (0.9 if i < 60 else 0.55)))
        cells = tuple(Cell({"sex": s}, int(g), int(n)) for s, g, n in zip("mf", good, totals, strict=True))
        total, favourable = int(totals.sum()), int(good.sum())
        samples.append(Sample({}, DataState.OK, favourable / total, total, hits=favourable, cells=cells))
        ratios.append(good[1] / totals[1] / (good[0] / totals[0]))
    found = judged(Disparity(), DisparityDetector(min_ratio=0.8), samples, 1_800.0)
    panel = Panel("approvals of women over those of men, a window of 30 minutes", 0.4, 1.1, (0.4, 0.6, 0.8, 1.0), 180)
    panel.limit(0.8, "minRatio 0.8", right=True)
    panel.dots(enumerate(ratios, 1), colours(found))
    low = min(range(60), key=lambda i: ratios[i])
    panel.note((low + 2, ratios[low] - 0.06), "below, but not shown: such groups differ by chance", anchor="end")
    return Picture(96, "windows", [panel], [(60.5, "from here on treated worse")])


def comparison() -> Picture:
    """Two releases under the same weather."""
    random = np.random.default_rng(12)
    weather = 0.02 * np.sin(np.arange(170) / 9) + 0.004 * random.standard_normal(170)
    other = np.clip(0.93 + weather, 0, 1)
    mine = other.copy()
    mine[50 + 60 :] -= 0.05
    ours = shares(random.binomial(250, mine).tolist(), [250] * 170)
    theirs = shares(random.binomial(1_500, other).tolist(), [1_500] * 170)
    known, settings = baseline(ours[:50], True), ComparisonDetector(direction="Down", min_samples=100)
    found = judged(Comparison(), settings, ours[50:], 60.0, known, theirs[50:])
    value = Panel(
        "accuracy of the known-good release (line) and of the running one (dots)", 0.8, 1, (0.8, 0.85, 0.9, 0.95, 1)
    )
    value.line([(i, s.value or 0.0) for i, s in enumerate(theirs[50:], 1)])
    value.dots([(i, s.value or 0.0) for i, s in enumerate(ours[50:], 1)], colours(found))
    needed = -math.log(window_alpha(30 * 86_400.0, 60.0))
    evidence = Panel("evidence that it is worse, over its limit (logarithms)", 0, 1.25, (0, 0.5, 1), 100)
    evidence.limit(1.0, "breach")
    sums = [
        (i, (float(np.logaddexp.reduce(m.logs)) - math.log(len(m.logs))) / needed)
        for i, (_, m) in enumerate(found, 1)
        if m.logs
    ]
    evidence.line([*sums, (sums[-1][0] + 1, 1.0)] if len(sums) < 120 else sums, BLUE)
    return Picture(120, "windows of a minute", [value, evidence], [(60.5, "the running release is worse by 0.05")])


PICTURES: Sequence[Callable[[], Picture]] = (threshold, occurrence, change, trend, burst, disparity, comparison)

if __name__ == "__main__":
    for picture in PICTURES:
        picture().write(IMAGES / f"{picture.__name__}.svg")

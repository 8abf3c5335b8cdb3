"""Draws docs/images/drift.svg: what `drift` says of simulated windows before and after their scores move.

PYTHONPATH=operator .venv/bin/python docs/images/make_drift.py
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import ndtr

from knowngood.api.detectors import DriftDetector
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.drift import Drift
from knowngood.core.detectors.port import Case, Span
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Buckets, Sample
from knowngood.core.stats.dispersion import design_effect

IMAGE = Path(__file__).resolve().parent / "drift.svg"
FONT = 'font-family="sans-serif" font-size="12"'
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 260, 46, 34, 16
RECORDED, SHOWN, FROM, SIZE, MOST = 100, 120, 70, 800, 0.3
EDGES = (*(round(-2 + 0.5 * i, 1) for i in range(9)), float("inf"))


def windows() -> list[list[int]]:
    """Counts of windows whose mean wanders a little, and from one window on slides away."""
    random = np.random.default_rng(11)
    mean = 0.0
    counts = []
    for at in range(RECORDED + SHOWN):
        mean = 0.5 * mean + random.normal(0, 0.03)
        moved = mean + 0.02 * max(0, at - RECORDED - FROM)
        counts.append(random.multinomial(SIZE, np.diff(ndtr(np.array(EDGES) - moved), prepend=0.0)).tolist())
    return counts


def judged() -> list[tuple[float, float, bool]]:
    """(distance, limit, whether it is a breach) of each window shown."""
    counts = windows()
    then = counts[:RECORDED]
    pooled = Buckets(EDGES, tuple(np.sum(then, axis=0).tolist()))
    baseline = Baseline(RECORDED, buckets=pooled, design_effect=design_effect(then))
    samples = [Sample({}, DataState.OK, 0.0, SIZE, buckets=Buckets(EDGES, tuple(c))) for c in counts[RECORDED:]]
    found = Drift().judge(DriftDetector(), [Case(s, None, baseline) for s in samples], Span(0.0, 300.0, 15.0))
    return [(j.value or 0.0, float(j.threshold.split()[1]), j.verdict.value == "Breach") for j, _ in found]


def x(window: float) -> float:
    """Where a window stands."""
    return LEFT + (WIDTH - LEFT - 10) * window / SHOWN


def y(distance: float) -> float:
    """Where a distance stands."""
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * min(distance, MOST) / MOST


def drawn(rows: Sequence[tuple[float, float, bool]]) -> str:
    """The picture."""
    limit = rows[0][1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for tick in (0.0, 0.1, 0.2, 0.3):
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end" fill="#444">{tick:g}</text>')
    parts.append(
        f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y(limit):.1f}" y2="{y(limit):.1f}" stroke="#b00" '
        f'stroke-dasharray="6 4"/><text x="{LEFT + 6}" y="{y(limit) - 5:.1f}" fill="#b00">above {limit:g}</text>'
    )
    parts.append(
        f'<line x1="{x(FROM):.1f}" x2="{x(FROM):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#888" '
        f'stroke-dasharray="2 3"/><text x="{x(FROM) - 6:.1f}" y="{TOP + 10}" text-anchor="end" fill="#444">'
        "from here on scores slide</text>"
    )
    for at, (value, _, breach) in enumerate(rows):
        colour = "#b00" if breach else "#2a6"
        parts.append(f'<circle cx="{x(at + 0.5):.1f}" cy="{y(value):.1f}" r="2.6" fill="{colour}"/>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 10}" fill="#444">windows of 5 minutes, {SIZE} scores each</text>')
    parts.append(
        f'<text x="{WIDTH - 10}" y="{HEIGHT - 10}" text-anchor="end" fill="#444">'
        "Kolmogorov-Smirnov distance to the baseline</text></svg>\n"
    )
    return "\n".join(parts)


if __name__ == "__main__":
    IMAGE.write_text(drawn(judged()))

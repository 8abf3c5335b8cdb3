"""D2: looking again and again, at a window that does not change and at ever more data of two like releases."""

import math

import numpy as np

from bench.nulls import NULLS
from bench.peeking import Fleet
from bench.result import Result, result
from knowngood.api.observed import Verdict
from knowngood.core.stats.sequential import log_e_below

LOOKS, QUICK = 10_000, 300
ALPHA = 0.05
EVERY = 100  # windows a false alarm of a detector
MODELS = 200
PAIRS, BATCH = 1_000, 20


def _changed(name: str, looks: int) -> tuple[int, float]:
    """(series of which a verdict or memory moved by looking again, share of series with a false alarm)."""
    fleet = Fleet(NULLS[name], MODELS, 1, EVERY, np.random.default_rng(2))
    windows = fleet.windows()
    for _ in range(5):
        next(windows).judge()
    last = next(windows)
    first = last.judge()
    moved = [False] * MODELS
    for _ in range(looks - 1):
        again = last.judge()
        moved = [m or a != f for m, a, f in zip(moved, again, first, strict=True)]
    return sum(moved), sum(j.verdict is Verdict.BREACH for j, _ in first) / MODELS


def _growing(looks: int) -> tuple[float, float]:
    """Share of pairs for which the sequential test ever alarmed, and a fixed test at the same level."""
    rng = np.random.default_rng(3)
    hits, total = np.zeros((2, PAIRS)), 0
    alarmed, fixed = np.zeros(PAIRS, dtype=bool), np.zeros(PAIRS, dtype=bool)
    limit = 1.6449  # one-sided 5 %
    for _ in range(looks):
        hits += rng.binomial(BATCH, 0.9, hits.shape)
        total += BATCH
        pooled = hits.sum(axis=0) / (2 * total)
        z = (hits[1] - hits[0]) / np.sqrt(np.maximum(2 * total * pooled * (1 - pooled), 1e-9))
        fixed |= z > limit
        near = z > 1.0  # below that the e-value is far from 1/alpha
        alarmed[near] |= log_e_below(hits[0, near], total, hits[1, near], total) >= -math.log(ALPHA)
    return float(alarmed.mean()), float(fixed.mean())


def run(prove: bool) -> Result:
    """The share of pairs of alike releases with a false alarm at any of the looks."""
    looks = LOOKS if prove else QUICK
    rows, moved = [], 0
    for name in NULLS:
        changes, alarms = _changed(name, looks if prove else 20)
        moved += changes
        rows.append((f"{name}: of {MODELS} series, moved by looking at one window again", str(changes)))
        rows.append((f"{name}: false alarms in that window (may be {1 / EVERY:g} a window)", f"{alarms:.3f}"))
    share, fixed = _growing(looks)
    rows.append((f"looks at growing data of {PAIRS} alike pairs, {BATCH} more each time", str(looks)))
    rows.append(
        ("of them ever alarmed: the sequential test, a fixed test at the same level", f"{share:.3f}, {fixed:.3f}")
    )
    goal = f"<= {ALPHA} after {looks} looks, and nothing moves by looking again"
    return result("D2", share, "of pairs", goal, share <= ALPHA and not moved, peer=fixed, floor=0, rows=rows)

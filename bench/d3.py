"""D3: delay at an equal run length, beside the optimal CUSUM that knows the shift, and beside river's detectors.

Ours is set to a smallest shift of one standard deviation and sees larger ones too; the optimal CUSUM is set to each of
them (Moustakides, Annals of Statistics 14, 1986), and its delay is computed, not simulated. river's are tuned to the
same run length on the same kind of data, in a venv that this benchmark makes; they have 200 windows to learn from, and
so has ours where it is held against them, watching both sides as most of them do.
"""

from bench.peers.venv import told
from bench.result import Result, result
from bench.simulate import Gaussian, delay
from knowngood.api.detectors import ChangeDetector
from knowngood.core.detectors.change import Change
from knowngood.core.stats.runlength import cusum_arl, cusum_limit

ARL = 500
SHIFTS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
MOST = 1.15


def optimal(shift: float) -> float:
    """The delay of the CUSUM that knows the shift, at the run length ARL."""
    k = shift / 2
    return cusum_arl(k, cusum_limit(k, float(ARL)), shift)


def ours(shift: float, replicas: int, null: Gaussian, method: str = "Cusum", direction: str = "Up") -> float:
    """Ours, told that a shift of one standard deviation is the smallest worth noticing."""
    settings = ChangeDetector(method=method, direction=direction, smallest_shift_sigmas=1, false_alarm_every=f"{ARL}m")
    return delay(Change(), settings, null, shift, replicas, seed=3, before=0)


def run(prove: bool) -> Result:
    """The largest delay over the optimal one."""
    replicas = 40_000 if prove else 8_000
    rows, ratios, learnt = [], [], {}
    for shift in SHIFTS:
        mine, best = ours(shift, replicas, Gaussian()), optimal(shift)
        ratios.append(mine / best)
        ewma = ours(shift, replicas // 4, Gaussian(), "Ewma")
        learnt[shift] = ours(shift, replicas // 8, Gaussian(0.0, 200), direction="Both")
        text = f"Cusum {mine:.2f}, optimal {best:.2f} ({ratios[-1]:.3f} x); Ewma {ewma:.2f}"
        told_too = f"; Cusum with 200 windows of baseline, both sides watched, {learnt[shift]:.2f}"
        rows.append((f"windows to find {shift:g} sigma", text + told_too))
    peers = told("river_drift.py", str(ARL), "8" if prove else "1")
    better = True
    for name, found in peers.items():
        delays = {float(shift): mean for shift, mean in found["delays"].items()}
        text = ", ".join(f"{shift:g} sigma {mean:.1f}" for shift, mean in delays.items())
        rows.append((f"river {name}, tuned to a run length of {found['arl']:.0f}", text))
        better = better and all(mean > learnt[shift] for shift, mean in delays.items())
    nearest = min(found["delays"]["1.0"] for found in peers.values())
    goal = f"<= {MOST} x the optimal CUSUM's delay at 1 to 4 sigma, and less than each of river's"
    worst = max(ratios)
    ok = worst <= MOST and better
    peer = f"{nearest / learnt[1.0]:.2f} x ours, the nearest of river's at 1 sigma"
    return result("D3", round(worst, 3), "x optimal", goal, ok, peer=peer, floor=1.0, rows=rows)

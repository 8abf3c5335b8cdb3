"""D3: delay at an equal run length, beside the optimal CUSUM that knows the shift, and beside river's detectors.

Ours is set to a smallest shift of one standard deviation and sees larger ones too; the optimal CUSUM is set to each of
them (Moustakides, Annals of Statistics 14, 1986), and its delay is computed, not simulated. river's are tuned to the
same run length on the same kind of data, in a venv that this benchmark makes; they have 200 windows to learn from, and
so has ours where it is held against them.
"""

import json
import subprocess
import sys
from pathlib import Path

from bench.result import Result, result
from bench.simulate import Gaussian, delay
from knowngood.api.detectors import ChangeDetector
from knowngood.core.detectors.change import Change
from knowngood.core.stats.runlength import cusum_arl, cusum_limit

ARL = 500
SHIFTS = (1.0, 1.5, 2.0)
MOST = 1.15
RIVER = "river==0.26.1"
VENV = Path("build") / "bench-venv"
PEERS = Path(__file__).resolve().parent / "peers" / "river_drift.py"


def optimal(shift: float) -> float:
    """The delay of the CUSUM that knows the shift, at the run length ARL."""
    k = shift / 2
    return cusum_arl(k, cusum_limit(k, float(ARL)), shift)


def ours(shift: float, replicas: int, null: Gaussian, method: str = "Cusum") -> float:
    """Ours, told that a shift of one standard deviation upwards is the smallest worth noticing."""
    settings = ChangeDetector(method=method, direction="Up", smallest_shift_sigmas=1, false_alarm_every=f"{ARL}m")
    return delay(Change(), settings, null, shift, replicas, seed=3, before=0)


def river(scale: int) -> dict[str, dict[str, float]]:
    """Delays of river's detectors by name and shift."""
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", RIVER], check=True)
    told = subprocess.run([str(python), str(PEERS), str(ARL), str(scale)], check=True, capture_output=True, text=True)
    found: dict[str, dict[str, float]] = json.loads(told.stdout)
    return found


def run(prove: bool) -> Result:
    """The largest delay over the optimal one."""
    replicas = 20_000 if prove else 3_000
    rows, ratios, slowest = [], [], {}
    for shift in SHIFTS:
        mine, best = ours(shift, replicas, Gaussian()), optimal(shift)
        ratios.append(mine / best)
        ewma = ours(shift, replicas, Gaussian(), "Ewma")
        learnt = slowest[shift] = ours(shift, replicas // 10, Gaussian(0.0, 200))
        text = f"Cusum {mine:.2f}, optimal {best:.2f} ({ratios[-1]:.3f} x); Ewma {ewma:.2f}"
        rows.append((f"windows to find {shift:g} sigma", f"{text}; Cusum with 200 windows of baseline {learnt:.2f}"))
    peers = river(10 if prove else 2)
    better = True
    for name, delays in peers.items():
        text = ", ".join(f"{shift} sigma {found:.1f}" for shift, found in delays.items())
        rows.append((f"river {name}, tuned to the same run length", text))
        better = better and all(found > slowest[float(shift)] for shift, found in delays.items())
    nearest = min(delays["1.0"] for delays in peers.values())
    goal = f"<= {MOST} x the optimal CUSUM's delay, and less than each of river's"
    worst = max(ratios)
    ok = worst <= MOST and better
    return result(
        "D3", round(worst, 3), "x optimal", goal, ok, peer=round(nearest / slowest[1.0], 2), floor=1.0, rows=rows
    )

"""D3: delay at an equal run length, beside the optimal CUSUM that knows the shift, and beside river's detectors.

Ours is set to a smallest shift of one standard deviation and sees larger ones too; the optimal CUSUM is set to each of
them (Moustakides, Annals of Statistics 14, 1986), and its delay is computed, not simulated.

river's are tuned to a run length on windows that are independent, and on windows with an autocorrelation of 0.5, in a
venv that this benchmark makes; all learn from 200 windows, ours too, and ours is tuned to the same run length, watching
one side or both as each of them does. Page and Hinkley's test is told the smallest shift as ours is.
"""

import math
from dataclasses import dataclass

from bench.peers.venv import told
from bench.result import Result, result
from bench.simulate import Gaussian, delay, run_length
from knowngood.api.detectors import ChangeDetector
from knowngood.core.detectors.change import Change
from knowngood.core.stats.runlength import cusum_arl, cusum_limit

ARL = 500
SHIFTS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
PEER_SHIFTS = (1.0, 2.0, 3.0, 4.0)
PHIS = (0.0, 0.5)
SIDES = {"adwin": "Both", "kswin": "Both", "page_hinkley": "Up", "ddm": "Up"}
MOST = 1.15
LEARNT = 200


def optimal(shift: float) -> float:
    """The delay of the CUSUM that knows the shift, at the run length ARL."""
    k = shift / 2
    return cusum_arl(k, cusum_limit(k, float(ARL)), shift)


def settings(method: str = "Cusum", direction: str = "Up", every: int = ARL) -> ChangeDetector:
    """Ours, told that a shift of one standard deviation is the smallest worth noticing."""
    return ChangeDetector(method=method, direction=direction, smallest_shift_sigmas=1, false_alarm_every=f"{every}m")


@dataclass(frozen=True)
class Tuned:
    """Ours after LEARNT windows: the run length that it has, and its delays by shift."""

    arl: float
    delays: dict[float, float]


def tuned(direction: str, phi: float, scale: int) -> Tuned:
    """With a dial that gives the run length ARL; with an estimated baseline alarms are rarer than what is asked for."""
    null = Gaussian(phi, LEARNT)

    def seen(every: int, seed: int) -> float:
        return run_length(Change(), settings(direction=direction, every=every), null, ARL, 250 * scale, seed).mean

    first = round(0.6 * ARL)
    every = round(first * ARL / seen(first, 5))
    asked = settings(direction=direction, every=every)
    delays = {shift: delay(Change(), asked, null, shift, 500 * scale, seed=3) for shift in PEER_SHIFTS}
    return Tuned(seen(every, 6), delays)


def run(prove: bool) -> Result:
    """The largest delay over the optimal one."""
    replicas, scale = (30_000, 2) if prove else (8_000, 1)
    rows, ratios = [], []
    for shift in SHIFTS:
        best = optimal(shift)
        mine, ewma = (
            delay(Change(), settings(method), Gaussian(), shift, number, seed=3, before=0)
            for method, number in (("Cusum", replicas), ("Ewma", replicas // 4))
        )
        ratios.append(mine / best)
        text = f"Cusum {mine:.2f}, optimal {best:.2f} ({ratios[-1]:.3f} x); Ewma {ewma:.2f}"
        rows.append((f"windows to find {shift:g} sigma", text))
    better, nearest = True, math.inf
    for phi in PHIS:
        ours = {direction: tuned(direction, phi, scale) for direction in ("Up", "Both")}
        for direction, found in ours.items():
            rows.append(
                (f"ours, phi {phi:g}, {direction}, tuned to a run length of {found.arl:.0f}", _text(found.delays))
            )
        for name, peer in told("river_drift.py", str(ARL), str(scale), str(phi)).items():
            delays = {float(shift): mean for shift, mean in peer["delays"].items()}
            times = _times(delays, ours[SIDES[name]].delays)
            better, nearest = better and times > 1, min(nearest, times)
            text = f"{_text(delays)}: {times:.2f} x ours"
            rows.append((f"river {name}, phi {phi:g}, tuned to a run length of {peer['arl']:.0f}", text))
    goal = f"<= {MOST} x the optimal CUSUM's delay at 1 to 4 sigma, and over these less than each of river's"
    worst = max(ratios)
    ok = worst <= MOST and better
    peer_text = f"{nearest:.2f} x ours, the nearest of river's"
    return result("D3", round(worst, 3), "x optimal", goal, ok, peer=peer_text, floor=1.0, rows=rows)


def _text(delays: dict[float, float]) -> str:
    return ", ".join(f"{shift:g} sigma {mean:.2f}" for shift, mean in delays.items())


def _times(delays: dict[float, float], ours: dict[float, float]) -> float:
    """How many times as long as ours, as a geometric mean over the shifts."""
    return math.exp(sum(math.log(mean / ours[shift]) for shift, mean in delays.items()) / len(delays))

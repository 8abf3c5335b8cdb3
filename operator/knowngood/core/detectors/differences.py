"""How much worse one release's window is than the other's, in standard errors that are rather too large than too small.

Windows are compared in pairs: what moves both releases at once (traffic, time of day) takes itself out. The error of
a share is its binomial one, with what windows differ by beyond that in healthy traffic; of any other value, what
healthy windows differ by. Autocorrelation makes a sum of windows vary more than its windows say, and so enlarges
both, and so does not knowing either well.
"""

import math
from dataclasses import dataclass

from knowngood.api.detectors import Direction
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.signals.sample import Sample

_MOST_PHI = 0.9
_FEWEST = 20.0  # windows that a baseline counts as, at least
_DEVIATIONS = 1.0


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the value is above the other's, ``error`` its standard error; ``step``: what one observation adds."""

    above: float
    error: float
    step: float

    def worse(self, direction: Direction, harmless: float) -> tuple[float, ...]:
        """What is beyond ``harmless``, in standard errors, for each way of being worse."""
        ways = {Direction.UP: (1.0,), Direction.DOWN: (-1.0,), Direction.BOTH: (1.0, -1.0)}[direction]
        return tuple((way * self.above - harmless) / self.error for way in ways)


def difference(sample: Sample, other: Sample, base: Baseline) -> Difference | None:
    """Both windows' difference; None where nothing tells how large an error it has."""
    phi = min(max(base.phi, 0.0) + 1 / math.sqrt(max(base.windows, 1)), _MOST_PHI)
    freedom = max(base.windows, _FEWEST) * (1 - phi**2) / (1 + phi**2)
    enlarged = (1 + phi) / (1 - phi) * (1 + _DEVIATIONS * math.sqrt(2 / freedom))
    if sample.hits is not None and other.hits is not None and sample.count and other.count:
        return _of_shares(sample.hits, sample.count, other.hits, other.count, base, enlarged)
    variance = base.variance * enlarged * (_scarcer(sample, base) + _scarcer(other, base))
    if not variance > 0 or not math.isfinite(variance):
        return None
    return Difference((sample.value or 0.0) - (other.value or 0.0), math.sqrt(variance), 0.0)


def _of_shares(hits: float, count: float, others: float, other: float, base: Baseline, enlarged: float) -> Difference:
    pooled = min(max((hits + others + 0.5) / (count + other + 1), 0.0), 1.0)
    known = (base.hits + 0.5) / (base.total + 1) if 0 <= base.hits <= base.total else pooled
    chance = max(pooled * (1 - pooled), known * (1 - known))
    unrest = max(base.dispersion, 1.0) - 1
    variance = sum(chance / n * (1 + unrest * (n / base.count if base.count > 0 else 1.0)) for n in (count, other))
    error = math.sqrt(variance * enlarged)
    return Difference(hits / count - others / other, error, (1 + unrest) / min(count, other) / error)


def _scarcer(sample: Sample, base: Baseline) -> float:
    """A window with fewer observations than usual varies more."""
    return max(1.0, base.count / sample.count) if sample.count and base.count else 1.0

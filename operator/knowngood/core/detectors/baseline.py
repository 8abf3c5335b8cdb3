"""What healthy traffic looked like: the reference of every detector that has to know what is usual."""

from dataclasses import dataclass

from knowngood.core.signals.sample import Buckets, Cell


@dataclass(frozen=True, slots=True)
class Baseline:
    """Moments over whole windows of healthy traffic of one release, for one series of a signal.

    ``windows`` is how many windows were recorded; detectors widen their limits for it, since a mean that is estimated
    is not known. ``mean`` and ``variance`` (unbiased) are of the windows' values, ``phi`` is their autocorrelation at
    lag one (-1 to 1), ``kurtosis`` is by how much their tails are heavier than a normal's (excess; 0: no heavier).
    ``count`` is the mean number of observations in a window; ``hits`` and ``total`` are sums over all windows.
    ``dispersion`` is the variance of the windows' hits about what their exposure lets expect, over a Poisson's (for
    shares: a binomial's); 1 is what chance alone gives. ``buckets`` and ``cells`` are sums over all windows;
    ``design_effect`` is how much more histograms differ from window to window than a multinomial's would (1: no more).
    """

    windows: int
    mean: float = 0.0
    variance: float = 0.0
    phi: float = 0.0
    count: float = 0.0
    hits: float = 0.0
    total: float = 0.0
    dispersion: float = 1.0
    buckets: Buckets | None = None
    design_effect: float = 1.0
    cells: tuple[Cell, ...] = ()
    kurtosis: float = 0.0

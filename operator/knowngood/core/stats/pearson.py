"""How much more counts vary from window to window than chance alone lets them.

Pearson's chi-squared over its degrees of freedom (McCullagh and Nelder, Generalized Linear Models, 2nd ed., 4.5 and
6.2), written by sums, so that no window has to be kept.
"""


def dispersion(windows: int, hits: float, exposure: float, squares: float, shares: bool = False) -> float:
    """The dispersion of ``windows`` counts; 1 is a Poisson's (``shares``: a binomial's), and what is unknown is 1.

    ``hits`` and ``exposure`` are sums over the windows, ``squares`` is the sum of hits² / exposure; where time is the
    exposure each window counts 1. A new window adds to the three sums, nothing else is remembered.
    """
    if windows < 2 or hits <= 0 or exposure <= 0:
        return 1.0
    rate = hits / exposure
    chance = 1.0 - rate if shares else 1.0
    if chance <= 0:
        return 1.0
    return max(0.0, squares / rate - hits) / chance / (windows - 1)

"""Counters counted as people mean it, whatever they do meanwhile.

``increase`` alone says 0 of a counter that is born at 1. Here a birth counts: a series that was not there when the
window began, where that is known to be true and no gap in what was scraped. It is known of a target that was scraped
well at that moment (``up`` is 1): its series was not there. Of a target that was not known then, as a new pod is not,
it is believed where the source has been at work for some time, and had not heard of the series within the hour: else
an old counter that is seen for the first time, or again, would count its whole life in one window.

Whole windows are counted on a grid of points that includes both of their ends, so that the sum over windows is what
was counted: from one end to the other, through resets, gaps and scrapes that failed. What is lost of a series that
is reset or ends within the window is what it counted since the last point of the grid; where an end of the window is
not covered, Prometheus extrapolates by half a step, or less. Sliding windows are extrapolated as ``increase`` does.
"""

from knowngood.core.signals.request import Window

_SETTLED_SECONDS = 120.0  # in which a source that has just started scrapes all of its targets
_TARGET = "on (job, instance)"


def increase(selector: str, sibling: str, targets: str, window: Window) -> str:
    """PromQL of what a counter counted within ``window``, births included, one row a series.

    ``sibling`` selects series that are there if the source knows this namespace at all, and ``targets`` is the
    selector of ``up``; all carry their namespace already.
    """
    before = f"offset {window.text}"
    fresh = f"{selector} unless {selector} {before}"
    sure = f"({fresh}) and {_TARGET} ({targets} {before} == 1)"
    unheard = f"({fresh}) unless present_over_time({selector}[1h:10m] {before}) unless {_TARGET} {targets} {before}"
    settled = f"offset {window.before(_SETTLED_SECONDS)}"
    known = f"(group({sibling} {settled}) or group({targets} {settled}))"
    return f"(({sure}) or ({unheard} and on () {known}) or increase({selector}[{window.reach}]))"

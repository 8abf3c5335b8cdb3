"""Counters counted as people mean it, whatever they do meanwhile.

``increase`` alone says 0 of a counter that is born at 1. Here a birth counts: a series that is there now and was not
when the window began, where its target tells that this is no gap in what was scraped. Then it was scraped well
(``up`` is 1), or other series of it were there; or else it is a new target, as a new pod is: none that was known a
while before, of a source that had been at work by then. Else an old counter that is seen for the first time, or
again, would count its whole life in one window.

Whole windows are counted on a grid of points that includes both of their ends, so that the sum over windows is what
was counted: from one end to the other, through resets, gaps and scrapes that failed. What is lost of a series that
is reset or ends within the window is what it counted since the last point of the grid; where an end of the window is
not covered, Prometheus extrapolates by a step at most. Sliding windows are extrapolated as ``increase`` does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from knowngood.core.signals.request import Ask, Window
from knowngood.core.signals.series import NEWBORN, PART, part

_SETTLED_SECONDS = 120.0  # in which a source that has just started scrapes all of its targets
_KNOWN = "20m:5m"  # each point looks back five minutes, so that together they miss nothing
TARGET = ("job", "instance")
"""The labels that a scrape gives a target."""
_TARGET = ", ".join(TARGET)


@dataclass(frozen=True, slots=True)
class Counted:
    """PromQL of ``all`` that was counted, and of what is enough ``mostly``: without births, and whose there may be.

    Whether a series that is new was born costs more to find out than all the rest.
    """

    all: str
    mostly: tuple[str, str]


def counted(
    field: str, counters: Mapping[str, str], sibling: str, window: Window, by: Iterable[str], ask: Ask
) -> Counted:
    """What the ``counters`` counted within ``window``: rows of one part each, summed ``by`` these labels.

    ``sibling`` selects series that each target has that knows this model; all carry their namespace already.
    Raises FieldError.
    """
    up, counters = ask.selector(field, "up"), {name: ask.some(counter) for name, counter in counters.items()}
    before, labels = f"offset {window.text}", ", ".join([PART, *by])
    new = {name: f"{counter} unless {counter} {before}" for name, counter in counters.items()}
    fresh = " or ".join(part(name, series) for name, series in new.items())
    grown = " or ".join(part(name, f"increase({counter}[{window.reach}])") for name, counter in counters.items())
    born = f"({fresh}) and on ({_TARGET}) ({_trusted(sibling, up, window)})"
    newborn = part(NEWBORN, f"group by ({', '.join(ask.by)}) ({' or '.join(new.values())})")
    return Counted(f"sum by ({labels}) ({born} or {grown})", (f"sum by ({labels}) ({grown})", newborn))


def _trusted(sibling: str, up: str, window: Window) -> str:
    """The targets of which a series that was not there when the window began did not exist."""
    before = f"offset {window.text}"
    new = f"{up} unless present_over_time({up}[{_KNOWN}] {before})"
    at_work = f"group({up} offset {window.before(_SETTLED_SECONDS)})"
    return f"{up} {before} == 1 or group by ({_TARGET}) ({sibling} {before}) or {new} and on () {at_work}"

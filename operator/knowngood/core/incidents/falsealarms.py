"""How many false alarms a fleet may have when each of its dials holds."""

from collections.abc import Iterable

from knowngood.api.durations import seconds
from knowngood.core.signals.compiled import CompiledSignal

PERIOD = "30d"


def expected(signals: Iterable[CompiledSignal], models: int) -> str | None:
    """As text, `3.2 in 30d`; None where no signal has a `falseAlarmEvery`.

    The dial is for one model and signal, all segments together, so that segments add nothing. A detector that is asked
    once a window has no more alarms than windows, however short its dial.
    """
    dials = [
        max(seconds(every), signal.window)
        for signal in signals
        if (every := getattr(signal.detector.chosen()[1], "false_alarm_every", None)) is not None
    ]
    if not dials:
        return None
    return f"{_rounded(models * sum(seconds(PERIOD) / each for each in dials))} in {PERIOD}"


def _rounded(number: float) -> str:
    """Two figures of what is no count yet, whole numbers above: 0.0033, 3.2, 120."""
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"

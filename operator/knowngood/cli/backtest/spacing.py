"""Histories whose samples are too far apart for the windows that are to be filled with them: told, not just empty."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

from knowngood.cli.backtest.samples import Samples
from knowngood.cli.backtest.values import Values
from knowngood.cli.backtest.words import long
from knowngood.core.signals.compiled import SLIDING, CompiledSignal
from knowngood.shell.replay.survey import LOOK_BACK

_MUCH = 1.5  # times what may lie between two; a row that is missing now and then is no sign


def sparse(found: Samples | Values, signals: Sequence[CompiledSignal], inputs: Mapping[str, str]) -> dict[str, str]:
    """By signal, why a file's rows seldom fill its window, and what to write; ``inputs`` are the signals'."""
    told: dict[str, str] = {}
    for signal in signals:
        text = (
            _of_values(found, signal, inputs[signal.name])
            if isinstance(found, Values)
            else _of_samples(found, signal, inputs[signal.name])
        )
        if text:
            told[signal.name] = text
    return told


def _of_values(found: Values, signal: CompiledSignal, given: str) -> str:
    each = [_gap([row.at for row in rows]) for rows in found.rows.get(signal.name, {}).values()]
    gap, held = max((g for g in each if g), default=0.0), max(signal.window, signal.interval)
    if gap <= _MUCH * held:
        return ""
    longer = f"interval: {long(gap)}" if given == "promql" else f"window: {long(gap)}"
    return (
        f"its rows are {long(gap)} apart, and each counts for {long(held)}, so that nothing is known in between; write "
        f"a row every {long(held)}, or {longer} in the policy"
    )


def _of_samples(found: Samples, signal: CompiledSignal, given: str) -> str:
    names = {selector.partition("{")[0] for selector in signal.selectors}
    mine = [series for labels, series in found.series.items() if dict(labels)["__name__"] in names]
    each = [_gap([time / 1000 for time in series.times]) for series in mine]
    gap = max((g for g in each if g), default=0.0)
    needed = 2 if signal.detector.chosen()[0] in SLIDING else 1  # the ends of whole windows look back for theirs
    if given != "promql" and needed * gap > _MUCH * signal.window:
        return (
            f"its samples are {long(gap)} apart, too far to count anything in a window of {long(signal.window)}; write "
            f"samples that are closer, or window: {long(2 * gap)} or longer in the policy"
        )
    if gap > LOOK_BACK:
        return (
            f"its samples are {long(gap)} apart, and Prometheus looks back {long(LOOK_BACK)} for the newest, so that "
            "nothing is known in between; write samples that are closer"
        )
    return ""


def _gap(times: Sequence[float]) -> float:
    """The usual time between two, in seconds; 0 where there are no two."""
    return median(b - a for a, b in pairwise(times)) if len(times) > 1 else 0.0

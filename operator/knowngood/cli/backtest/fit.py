"""Whether a history holds what a policy asks of it; else which name or label is missing, and what there is instead."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from knowngood.api.modeldeployment import ModelDeployment
from knowngood.cli.backtest.sources import Opened
from knowngood.cli.errors import InputError
from knowngood.core.signals.compiled import CompiledSignal, model_matchers
from knowngood.core.signals.counter import TARGET
from knowngood.core.signals.scope import NAMESPACE
from knowngood.shell.replay.survey import Survey, labels, there

_SUFFIXES = ("_total", "_bucket", "_count")
_MOST = 12  # names in one line
_UNTOLD = (
    "a counter that is seen for the first time cannot be told to be new, so that what it then holds counts only where "
    "other series were there before"
)
Times = tuple[float, float]


async def require(found: Survey, signals: Sequence[CompiledSignal], opened: Opened, times: Times) -> None:
    """Raises InputError where a signal has no series, or none that names a model."""
    by_name = {signal.name: signal for signal in signals}
    for name in found.missing():
        selectors = by_name[name].selectors
        near = [n for s in selectors for n in _near(s) if await there(opened.source, n, *times)]
        meant = f" There is {' and '.join(dict.fromkeys(map(_name, near)))}: is that meant?" if near else ""
        raise InputError(
            f"signal {name}: {opened.told} has no series of {' or '.join(selectors)} in this time; is the namespace "
            f"that the scrape assigns, the metric's name, and the time right?{meant}"
        )
    for name in found.unnamed():
        signal = by_name[name]
        have = set(found.labels.get(name, ()))
        for selector in signal.selectors:
            have |= await labels(opened.source, selector, *times)
        raise InputError(
            f"signal {name}: spec.identity.model: no series of {' or '.join(signal.selectors)} has the label "
            f"{signal.model_label}, which is to hold the model's name; write a label that they have: "
            f"{_listed(have - {NAMESPACE, '__name__'}) or 'they have none'}"
        )


async def births(signals: Sequence[CompiledSignal], opened: Opened, times: Times) -> Sequence[str]:
    """What keeps counters that begin above 0 from being counted, of signals that count.

    Where Prometheus names no target, or not whether it was scraped, nothing tells a counter that was born from one that
    was only not seen before.
    """
    known = {s: await labels(opened.source, s, *times) for signal in signals for s in signal.selectors}
    lacking: dict[str, tuple[list[str], list[str]]] = {}
    for signal in signals:
        for selector in (selector for selector in signal.selectors if known[selector]):
            if names := " and ".join(label for label in TARGET if label not in known[selector]):
                of, metrics = lacking.setdefault(names, ([], []))
                of.append(signal.name)
                metrics.append(_name(selector))
    told = [
        f"{', '.join(dict.fromkeys(of))}: series of {' and '.join(dict.fromkeys(metrics))} have no {names}: {_UNTOLD}"
        for names, (of, metrics) in lacking.items()
    ]
    if any(known.values()) and not lacking:
        (namespace,) = {signal.namespace for signal in signals}
        if not await there(opened.source, f'up{{{NAMESPACE}="{namespace}"}}', *times):
            told.append(f"there is no series of up in namespace {namespace}: {_UNTOLD}")
    return told


def require_models(
    found: Survey, signals: Sequence[CompiledSignal], models: Sequence[ModelDeployment], written: Collection[str]
) -> None:
    """Raises InputError where a model that ``--model`` has ``written``, or every other one, is in no series."""
    unknown = [m for m in models if not any(_value(m, s) in found.of.get(s.name, ()) for s in signals)]
    for model in unknown:
        name, label = model.metadata.name, signals[0].model_label
        if name in written or len(unknown) == len(models):
            field = f"--model {name}" if name in written else f"ModelDeployment {name}: spec.series.matchLabels"
            have = {value for values in found.of.values() for value in values if value}
            raise InputError(
                f"{field}: no series has {label}={_value(model, signals[0])}; write one that they have: {_listed(have)}"
            )


def _value(model: ModelDeployment, signal: CompiledSignal) -> str:
    return model_matchers(model, signal.model_label)[signal.model_label]


def _near(selector: str) -> Iterator[str]:
    """Selectors of the metrics that may be meant where one with or without a suffix was written."""
    name = _name(selector)
    if not name:  # it is among the matchers
        return
    for suffix in _SUFFIXES:
        yield selector.replace(name, name + suffix, 1)
        if name.endswith(suffix):
            yield selector.replace(name, name.removesuffix(suffix), 1)


def _name(selector: str) -> str:
    return selector.partition("{")[0]


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:_MOST]) + (", …" if len(ordered) > _MOST else "")

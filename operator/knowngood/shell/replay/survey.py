"""What a history holds before it is replayed: which models export the series of which signals, and when."""

import math
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.signals.answer import Answer, DataState
from knowngood.core.signals.compiled import POD, CompiledSignal, model_matchers
from knowngood.shell.replay.history import HistoryError
from knowngood.shell.replay.roster import Sighting
from knowngood.shell.sources import MetricsSource
from knowngood.shell.store import Key

LOOK_BACK = 300.0  # seconds: so far back an instant selector looks, so that nothing falls between such steps
_MOST_STEPS = 10_000
Labels = Mapping[str, str]


@dataclass
class Survey:
    """First and last times in seconds since the epoch at which a signal's series were seen, by model label's value."""

    of: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    label: dict[str, str] = field(default_factory=dict)  # a value's label
    labels: dict[str, set[str]] = field(default_factory=dict)  # by signal, those that its series were seen to have

    def missing(self) -> list[str]:
        """Signals of which there is no series at all."""
        return [name for name, found in self.of.items() if not found]

    def unnamed(self) -> list[str]:
        """Signals of which no series names a model."""
        return [name for name, found in self.of.items() if set(found) == {""}]

    def span(self) -> tuple[float, float]:
        """From the first to the last series of any signal. Raises ValueError where there is none."""
        times = [times for found in self.of.values() for times in found.values()]
        return min(first for first, _ in times), max(last for _, last in times)


async def survey(source: MetricsSource, signals: Sequence[CompiledSignal], first: float, last: float) -> Survey:
    """Look through the history. Raises HistoryError where the source does not answer."""
    found = Survey()
    answers: dict[str, list[Answer]] = {}
    for signal in signals:
        if signal.owners not in answers:
            answers[signal.owners] = [a async for a in _ranges(source, signal.owners, first, last)]
        values = found.of.setdefault(signal.name, {})
        for series in (series for answer in answers[signal.owners] for series in answer.series):
            value = series.labels.get(signal.model_label, "")
            if not series.points:
                continue
            since, until = values.get(value, (math.inf, -math.inf))
            values[value] = min(since, series.points[0][0]), max(until, series.points[-1][0])
            found.label.setdefault(value, signal.model_label)
            found.labels.setdefault(signal.name, set()).update(series.labels)
    return found


async def labels(source: MetricsSource, selector: str, first: float, last: float) -> set[str]:
    """Labels that series of a selector have. Raises HistoryError where the source does not answer."""
    some = _ranges(source, f"topk(1, {selector})", first, last)
    return {name for answer in [a async for a in some] for series in answer.series for name in series.labels}


async def there(source: MetricsSource, selector: str, first: float, last: float) -> bool:
    """Whether a selector has any series. Raises HistoryError where the source does not answer."""
    return any([bool(a.series) async for a in _ranges(source, f"count({selector})", first, last)])


async def absent(
    source: MetricsSource, signals: Sequence[CompiledSignal], first: float, last: float
) -> dict[str, list[str]]:
    """By signal, those of its selectors of which there is no series at all; none where the signal's values alone are
    held. Raises HistoryError where the source does not answer."""
    selectors = dict.fromkeys(selector for signal in signals for selector in signal.selectors)
    known = {selector: await there(source, selector, first, last) for selector in selectors}
    found = {signal.name: [s for s in signal.selectors if not known[s]] for signal in signals}
    return {s.name: found[s.name] for s in signals if len(found[s.name]) < len(s.selectors)}


async def _ranges(source: MetricsSource, query: str, first: float, last: float) -> AsyncIterator[Answer]:
    start, most = math.floor(first / LOOK_BACK) * LOOK_BACK, _MOST_STEPS
    while start < last + LOOK_BACK:
        end = start + (min(most, math.ceil((last - start) / LOOK_BACK) + 1) - 1) * LOOK_BACK
        answer = await source.query_range(query, start, end, LOOK_BACK)
        if answer.state is DataState.OK:
            yield answer
            start = end + LOOK_BACK
        elif answer.state in (DataState.GARBAGE, DataState.TIMEOUT, DataState.UNAVAILABLE) and most > 1:
            most //= 4
        else:
            raise HistoryError(answer.message or answer.state.value)


class Sightings:
    """What each model exports, read from the answers to the signals' owners queries."""

    def __init__(self, signals: Sequence[CompiledSignal]) -> None:
        self._signals = signals
        self._models: dict[Key, ModelDeployment] = {}
        self._index: dict[tuple[int, tuple[str, ...]], dict[tuple[str, ...], list[Key]]] = {}

    @property
    def queries(self) -> list[str]:
        """Every distinct owners query."""
        return list(dict.fromkeys(signal.owners for signal in self._signals))

    def add(self, key: Key, model: ModelDeployment) -> None:
        """A model to be told from others by its labels."""
        self._models[key] = model
        for number, signal in enumerate(self._signals):
            matchers = model_matchers(model, signal.model_label)
            names = tuple(sorted(matchers))
            values = tuple(matchers[n] for n in names)
            self._index.setdefault((number, names), {}).setdefault(values, []).append(key)

    def read(self, labels: Mapping[str, Iterable[Labels]]) -> dict[Key, set[Sighting]]:
        """By model, what is exported; ``labels`` are those of the rows of each owners query."""
        found: dict[Key, set[Sighting]] = {key: set() for key in self._models}
        for (number, names), index in self._index.items():
            signal = self._signals[number]
            for row in labels[signal.owners]:
                release = row.get(signal.release_label, "") if signal.by_release else ""
                for key in index.get(tuple([row.get(n, "") for n in names]), ()):
                    found[key].add((release, row.get(POD, "")))
        return found

    def values(self, labels: Mapping[str, Iterable[Labels]]) -> set[str]:
        """The values of the model labels that are exported."""
        return {row.get(s.model_label, "") for s in self._signals for row in labels[s.owners]} - {""}

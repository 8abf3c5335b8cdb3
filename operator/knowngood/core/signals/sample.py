"""One judged quantity of one series: its value, how many observations stand behind it, and its data state."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
from numpy.typing import NDArray

from knowngood.core.signals.answer import DataState
from knowngood.core.signals.series import Groups, Names

Floats = NDArray[np.float64]
Codes = NDArray[np.int16]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Buckets:
    """A histogram of the observations of one window: how many fell up to each edge and above the one before.

    ``edges`` rise, the last is +Inf; ``counts`` are whole numbers, one an edge, and not cumulative.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """The outcomes of one group within a window."""

    labels: Mapping[str, str]
    favourable: int
    total: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A value at an evaluation time. ``value`` is None unless ``state`` is OK; ``count`` is None where unknown.

    ``hits`` are the events behind the value (good ones, rare ones, favourable ones). ``buckets`` come of a histogram,
    ``cells`` of outcomes: then one sample holds all groups of a release.
    """

    labels: Mapping[str, str]
    state: DataState
    value: float | None = None
    count: float | None = None
    newest: float | None = None
    message: str = ""
    hits: float | None = None
    buckets: Buckets | None = None
    cells: tuple[Cell, ...] = ()


def value_state(value: float) -> tuple[DataState, str]:
    """The data state that a value alone implies."""
    if math.isnan(value):
        return DataState.NAN, "the value is NaN"
    if math.isinf(value):
        return DataState.INF, f"the value is {'+' if value > 0 else '-'}Inf"
    return DataState.OK, ""


@dataclass(slots=True)
class States:
    """The state and the message of each of several samples: which ``codes`` of what was ``said``; 0 is OK.

    Of a sample that is OK there may be something to remark all the same; what is remarked of all ``together`` is told
    of none of them.
    """

    codes: Codes
    said: list[tuple[DataState, str]] = field(default_factory=lambda: [(DataState.OK, "")])
    together: list[str] = field(default_factory=list)

    @property
    def ok(self) -> Flags:
        """Those that can be judged."""
        fit = [code for code, (state, _) in enumerate(self.said) if state is DataState.OK]
        found: Flags = self.codes == 0 if len(fit) == 1 else np.isin(self.codes, fit)
        return found

    @property
    def remarked(self) -> Codes | None:
        """Which remark is made on each that can be judged (0: none); None where none is made on any."""
        made = [bool(code and state is DataState.OK) for code, (state, _) in enumerate(self.said)]
        return np.where(np.array(made)[self.codes], self.codes, 0).astype(np.int16) if any(made) else None

    def code(self, state: DataState, message: str) -> int:
        """The code that stands for it."""
        if (state, message) not in self.said:
            self.said.append((state, message))
        return self.said.index((state, message))


class Samples(Sequence[Sample]):
    """Samples as columns, one a group; a Sample is made of those that somebody looks at.

    In ``values``, ``counts``, ``newest`` and ``hits`` NaN stands for None.
    """

    def __init__(
        self,
        groups: Groups,
        states: States,
        values: Floats,
        counts: Floats,
        newest: Floats,
        hits: Floats | None = None,
        buckets: Sequence[Buckets | None] = (),
        cells: Sequence[tuple[Cell, ...]] = (),
    ) -> None:
        self.groups, self.states = groups, states
        self.values, self.counts, self.newest = values, counts, newest
        self.hits = np.full(len(values), np.nan) if hits is None else hits
        self.buckets, self.cells = buckets, cells

    @staticmethod
    def of(samples: Sequence[Sample]) -> "Samples":
        """Columns of samples, which are given back as they are where they are columns already."""
        if isinstance(samples, Samples):
            return samples
        names = Names()
        states = States(np.zeros(len(samples), np.int16))
        states.codes[:] = [states.code(s.state, s.message) for s in samples]
        return Samples(
            Groups(names.of(s.labels).group for s in samples),
            states,
            _column([s.value for s in samples]),
            _column([s.count for s in samples]),
            _column([s.newest for s in samples]),
            _column([s.hits for s in samples]),
            [s.buckets for s in samples],
            [s.cells for s in samples],
        )

    @property
    def remarks(self) -> Sequence[str]:
        """What is remarked on all that can be judged, together or each."""
        together, said = self.states.together, self.states.remarked
        if said is None:
            return together
        made = dict.fromkeys(said[self.states.ok].tolist())
        return together + [self.states.said[code][1] for code in made] if 0 not in made else together

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, at: int) -> Sample: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Sample]: ...
    def __getitem__(self, at: int | slice) -> Sample | Sequence[Sample]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        i = range(len(self))[at]
        state, message = self.states.said[self.states.codes[i]]
        return Sample(
            self.groups[i].labels,
            state,
            _number(self.values[i]),
            _number(self.counts[i]),
            _number(self.newest[i]),
            message,
            _number(self.hits[i]),
            self.buckets[i] if self.buckets else None,
            self.cells[i] if self.cells else (),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def _column(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _number(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)

"""An instant vector as columns: one array of numbers, and an arrangement that says what each of them is.

The same question is answered by the same series in the same order, nearly always. What their labels say, which rows
stand for the same thing and where they are found is worked out once for an arrangement, and kept for as long as it
stands; a cycle then touches numbers only.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from knowngood.core.signals.series import Group, Groups, Name, Names, NativeHistogram, Row

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
_Made = TypeVar("_Made")


@dataclass(slots=True, eq=False)
class Part:
    """The rows of one part of a request: each group once, in the order in which they came; the last row counts."""

    groups: Groups = field(default_factory=Groups)
    rows: Places = field(default_factory=lambda: np.zeros(0, np.intp))
    place: Mapping[Group, int] = field(default_factory=dict)  # the row of a group


class Arrangement:
    """What each row of an answer is, whatever its value; where histograms are among the values it serves one answer."""

    def __init__(self, names: Sequence[Name], known: Names) -> None:
        self.names, self._known = names, known
        self._parts: dict[str, Part] | None = None
        self._made: dict[Hashable, Any] = {}
        self._rows: dict[tuple[str, int], tuple[Sequence[Group], Places]] = {}
        self._beside: tuple[Arrangement, tuple[Arrangement, Places]] | None = None

    def part(self, name: str) -> Part:
        """The rows of a part; an empty one where there are none."""
        return self.parts().get(name) or Part()

    def parts(self) -> Mapping[str, Part]:
        """All parts by name; rows without a mark are of the part ``""``."""
        if self._parts is None:
            last: dict[str, dict[Group, int]] = {}
            for row, name in enumerate(self.names):
                last.setdefault(name.part, {})[name.group] = row
            self._parts = {name: _part(rows) for name, rows in last.items()}
        return self._parts

    def once(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        """What ``make`` gives, made once for this arrangement."""
        if key not in self._made:
            self._made[key] = make()
        found: _Made = self._made[key]
        return found

    def only(self, rows: Sequence[int], more: "Arrangement") -> "Arrangement":
        """That of these ``rows``, followed by ``more``; equal labels are the same groups throughout."""
        others = (self._known.of(name.labels()) for name in more.names)
        return Arrangement([*(self.names[row] for row in rows), *others], self._known)

    def beside(
        self, other: "Arrangement", make: Callable[[], tuple["Arrangement", Places]]
    ) -> tuple["Arrangement", Places]:
        """What ``make`` gives of this arrangement and the ``other``, made once for as long as it is the same."""
        if self._beside is None or self._beside[0] is not other:
            self._beside = other, make()
        return self._beside[1]

    def group(self, labels: Mapping[str, str]) -> Group:
        """The group that rows with these labels have."""
        return self._known.of(labels).group

    def rows(self, name: str, onto: Sequence[Group]) -> Places:
        """For each of the groups ``onto`` its row in the part ``name``; -1 where there is none.

        ``onto`` is the groups of a part, or something else that was made ``once``.
        """
        part = self.part(name)
        if onto is part.groups:
            return part.rows
        known = self._rows.get((name, id(onto)))
        if known is None or known[0] is not onto:
            known = onto, np.fromiter((part.place.get(group, -1) for group in onto), np.intp, len(onto))
            self._rows[(name, id(onto))] = known
        return known[1]


def _part(rows: Mapping[Group, int]) -> Part:
    return Part(Groups(rows), np.fromiter(rows.values(), np.intp, len(rows)), rows)


def summed(places: Places, values: Floats, count: int) -> Floats:
    """The sum of the ``values`` at each of ``count`` places."""
    return np.bincount(places, values, count).astype(np.float64)


class Rows(Sequence[Row]):
    """Rows as a source gave them, all evaluated at one time; ``values`` are NaN where a histogram stands."""

    def __init__(
        self,
        arrangement: Arrangement,
        values: Floats,
        times: Floats,
        histograms: Mapping[int, NativeHistogram] | None = None,
    ) -> None:
        self.arrangement, self.values, self.times = arrangement, values, times
        self.histograms = histograms or {}

    @staticmethod
    def of(rows: Iterable[Row]) -> "Rows":
        """Columns of rows, which are given back as they are where they are columns already."""
        if isinstance(rows, Rows):
            return rows
        found = list(rows)
        names = Names()
        return Rows(
            Arrangement([names.of(row.labels) for row in found], names),
            np.array([row.value for row in found], np.float64),
            np.array([row.at for row in found], np.float64),
            {i: row.histogram for i, row in enumerate(found) if row.histogram is not None},
        )

    def column(self, name: str, onto: Sequence[Group], absent: float) -> Floats:
        """The values of a part for the groups ``onto``, with ``absent`` where it has no row."""
        rows = self.arrangement.rows(name, onto)
        if not len(self.values):
            return np.full(len(rows), absent)
        return np.where(rows >= 0, self.values[rows], absent)

    def has(self, name: str, onto: Sequence[Group]) -> NDArray[np.bool_]:
        """Which of the groups ``onto`` have a row in a part."""
        found: NDArray[np.bool_] = self.arrangement.rows(name, onto) >= 0
        return found

    def newest(self, onto: Sequence[Group]) -> Floats:
        """The part `time` for the groups ``onto``: NaN where it is not known, long ago where it is no time."""
        found = self.column("time", onto, np.nan)
        strange = np.isnan(found) & self.has("time", onto)
        return np.where(strange, -np.inf, found)

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> "Sequence[Row]": ...
    def __getitem__(self, at: int | slice) -> "Row | Sequence[Row]":
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        row = range(len(self))[at]
        labels = self.arrangement.names[row].labels()
        return Row(labels, float(self.values[row]), float(self.times[row]), self.histograms.get(row))

    def __iter__(self) -> Iterator[Row]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

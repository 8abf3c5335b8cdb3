"""Finding, for a set of labels, the rows of another part that speak of the same, where one side has labels more.

One expression may tell releases apart and another not. Found by labels alone, so once for an arrangement.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from knowngood.core.signals.rows import Arrangement, Floats, Part, Rows, summed
from knowngood.core.signals.series import Key

Shape = frozenset[str]


class Matching:
    """The rows of a part, by all of their labels or by some."""

    def __init__(self, part: Part) -> None:
        self._rows = {group.key: row for group, row in part.place.items()}
        self._shapes = list(dict.fromkeys(map(_shape, self._rows)))
        self._by: dict[tuple[Shape, Shape], dict[Key, list[int]]] = {}

    def same(self, key: Key) -> Sequence[int]:
        """The row with these labels."""
        return [self._rows[key]] if key in self._rows else []

    def finer(self, key: Key) -> Sequence[int]:
        """The rows with these labels and more."""
        names = _shape(key)
        return [row for shape in self._shapes if shape > names for row in self._projected(shape, names).get(key, ())]

    def coarser(self, key: Key) -> Sequence[int]:
        """The row with some of these labels, the most of them, and no other; the first of equals."""
        names = _shape(key)
        within = (shape for shape in self._shapes if shape < names)
        found = [(-len(shape), self._rows[only]) for shape in within if (only := _only(key, shape)) in self._rows]
        return [min(found)[1]] if found else []

    def agreeing(self, key: Key) -> Sequence[int]:
        """The rows that contradict none of these labels."""
        names, found = _shape(key), list[int]()
        for shape in self._shapes:
            found += self._projected(shape, shape & names).get(_only(key, shape), ())
        return found

    def _projected(self, shape: Shape, names: Shape) -> dict[Key, list[int]]:
        """The rows with labels of this shape, by some of those."""
        known = self._by.get((shape, names))
        if known is None:
            known = self._by[(shape, names)] = {}
            for key, row in self._rows.items():
                if _shape(key) == shape:
                    known.setdefault(_only(key, names), []).append(row)
        return known


def _shape(key: Key) -> Shape:
    return frozenset([name for name, _ in key])


def _only(key: Key, names: Shape) -> Key:
    return tuple(pair for pair in key if pair[0] in names)


def matching(arrangement: Arrangement, name: str) -> Matching:
    """The rows of the part ``name``."""
    return arrangement.once(("matching", name), lambda: Matching(arrangement.part(name)))


class Found:
    """The rows that were found for each of several groups."""

    def __init__(self, rows: Iterable[Sequence[int]]) -> None:
        found = list(rows)
        self.known = np.array([bool(of) for of in found], np.bool_)
        self._rows = np.array([row for of in found for row in of], np.intp)
        self._owners = np.repeat(np.arange(len(found)), [len(of) for of in found])

    def sums(self, columns: Rows) -> Floats:
        """The sum of what was found; 0 where that is nothing."""
        return summed(self._owners, columns.values[self._rows], len(self.known))

    def largest(self, columns: Rows) -> Floats:
        """The largest of what was found; NaN where that is nothing, and never else."""
        most = np.full(len(self.known), -np.inf)
        np.fmax.at(most, self._owners, columns.values[self._rows])
        most[~self.known] = np.nan
        return most

"""Series as a source names them, and the one object that stands for equal labels wherever they occur."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

PART = "knowngood_part"  # tells the parts of one combined request apart; never a label of anybody's series
NEWBORN = "newborn"  # the part that says of which groups there are series that are new
METRIC = "__name__"
_OWN = "knowngood_"
_KEPT = 150_000  # spellings, in each of two generations; 10,000 models with six signals have about as many

Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class NativeHistogram:
    """A native histogram: its buckets that are not empty, as (lower, upper, count), and their ``count`` and ``sum``."""

    count: float
    sum: float
    buckets: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One series of an instant vector; ``at`` is the evaluation time in seconds since the epoch.

    Where the value is a ``histogram`` it is no number: ``value`` is NaN.
    """

    labels: Mapping[str, str]
    value: float
    at: float
    histogram: NativeHistogram | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a range answer: points of (seconds since the epoch, value), and such of native histograms."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]
    histograms: tuple[tuple[float, NativeHistogram], ...] = ()

    def rows(self) -> Iterator[Row]:
        """Each point as the instant vector of its time would show it."""
        yield from (Row(self.labels, value, at) for at, value in self.points)
        yield from (Row(self.labels, math.nan, at, histogram) for at, histogram in self.histograms)


def key_of(labels: Mapping[str, str]) -> Key:
    """The labels of a row without the part marker and the metric name, in a fixed order."""
    pairs = [pair for pair in labels.items() if pair[0] != PART and pair[0] != METRIC]
    pairs.sort()
    return tuple(pairs)


def plain(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of somebody's series: without the marks of a request's parts, and without the metric's name."""
    return {k: v for k, v in labels.items() if not k.startswith(_OWN) and k != METRIC}


def part(name: str, expression: str) -> str:
    """``expression`` marked as one part of a combined request."""
    return f'label_replace({expression}, "{PART}", "{name}", "", "")'


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Group:
    """Rows with the same labels but for the part marker and the metric's name. Told by identity within one Names."""

    key: Key
    labels: Mapping[str, str]


class Groups(tuple[Group, ...]):
    """Groups in an order; those with some labels are found without a look at each."""

    def places(self, names: tuple[str, ...]) -> Mapping[tuple[str, ...], Sequence[int]]:
        """Where the groups with these labels' values stand; a label that is not there is empty."""
        made: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = self.__dict__.setdefault("_places", {})
        known = made.get(names)
        if known is None:
            known = made[names] = {}
            for place, group in enumerate(self):
                known.setdefault(tuple([group.labels.get(name, "") for name in names]), []).append(place)
        return known


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """All labels of a row: its group, and what it has besides."""

    group: Group
    marks: Mapping[str, str]

    @property
    def part(self) -> str:
        """Which part of a request it is of."""
        return self.marks.get(PART, "")

    def labels(self) -> Mapping[str, str]:
        """As the source gave them."""
        return {**self.marks, **dict(self.group.key)}


class Names:
    """Who is who: each distinct set of labels has one Group, and each spelling of it one Name."""

    def __init__(self) -> None:
        self._groups: WeakValueDictionary[Key, Group] = WeakValueDictionary()
        self._marks: dict[Key, Mapping[str, str]] = {}  # a few: the parts of requests
        self._young: dict[bytes, Name] = {}
        self._old: dict[bytes, Name] = {}

    def of(self, labels: Mapping[str, str]) -> Name:
        """The name that these labels are."""
        key = key_of(labels)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(key, plain(dict(key)))
        marks = tuple((k, labels[k]) for k in (PART, METRIC) if k in labels)
        return Name(group, self._marks.setdefault(marks, dict(marks)))

    def known(self, spelling: bytes) -> Name | None:
        """The name that was spelled so before, if that is remembered."""
        found = self._young.get(spelling)
        if found is None and (found := self._old.get(spelling)) is not None:
            self.learn(spelling, found)
        return found

    def learn(self, spelling: bytes, name: Name) -> None:
        """Remember how a name was spelled; those not met for long are forgotten."""
        if len(self._young) >= _KEPT:
            self._old, self._young = self._young, {}
        self._young[spelling] = name

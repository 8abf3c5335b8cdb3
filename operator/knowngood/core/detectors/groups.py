"""Who is compared with whom: the groups of one release's outcomes, crossed and by each label alone.

Groups of several labels (women over 60) are judged as they are, and so is each label by itself (women; people over
60), since a difference can hide in either. Groups under ``least`` outcomes take no part, and nothing here names them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from knowngood.api.detectors import DisparityDetector, ReferenceGroup
from knowngood.core.signals.sample import Cell

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A group and its outcomes."""

    labels: Labels
    favourable: int
    total: int

    @property
    def share(self) -> float:
        """How many of its outcomes were favourable, 0 to 1."""
        return self.favourable / self.total


@dataclass(frozen=True, slots=True)
class Pair:
    """A group, and the one that it is compared with."""

    group: Group
    other: Group

    @property
    def ratio(self) -> float:
        """The group's share over the other's; 1 where nobody has a favourable outcome."""
        return self.group.share / self.other.share if self.other.favourable else 1.0


def pairs(detector: DisparityDetector, cells: Sequence[Cell]) -> list[Pair]:
    """Every comparison that the detector makes.

    The best group is not known before the data is seen, so that there each group is compared with each other.
    """
    least = detector.min_samples
    families = list(_families(cells, least))
    if detector.reference is not None:
        return _with_named(detector.reference.group, families, cells, least)
    if detector.reference_group is ReferenceGroup.LARGEST_GROUP:
        return [pair for family in families for pair in _with_largest(family)]
    return [Pair(a, b) for family in families for a in family for b in family if a is not b]


def reference_missing(detector: DisparityDetector, cells: Sequence[Cell]) -> bool:
    """Whether the group to compare with is named, and has too few outcomes."""
    if detector.reference is None:
        return False
    return _pooled(detector.reference.group, cells).total < detector.min_samples


def _families(cells: Iterable[Cell], least: int) -> Iterator[list[Group]]:
    """All groups by all labels, then by each label alone where there are several."""
    known = [cell for cell in cells if cell.total > 0]
    names = sorted({name for cell in known for name in cell.labels})
    for chosen in [names, *([name] for name in names if len(names) > 1)]:
        sums: dict[Labels, tuple[int, int]] = {}
        for cell in known:
            labels = tuple((name, cell.labels[name]) for name in chosen if name in cell.labels)
            favourable, total = sums.get(labels, (0, 0))
            good = min(max(cell.favourable, 0), cell.total)
            sums[labels] = (favourable + good, total + cell.total)
        yield [Group(labels, *sums[labels]) for labels in sorted(sums) if labels and sums[labels][1] >= least]


def _with_largest(family: Sequence[Group]) -> list[Pair]:
    if not family:
        return []
    largest = max(family, key=lambda group: group.total)
    return [Pair(group, largest) for group in family if group is not largest]


def _with_named(
    wanted: Mapping[str, str], families: Iterable[Sequence[Group]], cells: Sequence[Cell], least: int
) -> list[Pair]:
    """Families without all of the reference's labels have nobody to be compared with."""
    named = _pooled(wanted, cells)
    if named.total < max(least, 1):
        return []
    found = []
    for group in (group for family in families for group in family):
        labels = dict(group.labels)
        if wanted.keys() <= labels.keys() and any(labels[k] != v for k, v in wanted.items()):
            found.append(Pair(group, named))
    return found


def _pooled(wanted: Mapping[str, str], cells: Iterable[Cell]) -> Group:
    chosen = [c for c in cells if c.total > 0 and all(c.labels.get(k) == v for k, v in wanted.items())]
    good = sum(min(max(c.favourable, 0), c.total) for c in chosen)
    return Group(tuple(sorted(wanted.items())), good, sum(c.total for c in chosen))

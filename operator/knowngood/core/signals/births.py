"""Births, looked into only where there may be some: most of the time a cycle has none.

The cheap question counts what grew and names the models that have series that were not there when the window began.
For those alone the whole question is asked, as of the same moment, and its rows stand in place of theirs.
"""

import numpy as np

from knowngood.core.signals.rows import Arrangement, Places, Rows
from knowngood.core.signals.series import NEWBORN

MOST = 50  # models, from which on the whole question is asked for all
_LONGEST = 1_000  # characters of their names together


def newborn(rows: Rows, label: str) -> tuple[str, ...]:
    """The values of ``label`` of the models with series that are new; an empty one where they lack it."""
    groups = rows.arrangement.part(NEWBORN).groups
    return tuple(sorted({group.labels.get(label, "") for group in groups}))


def many(models: tuple[str, ...]) -> bool:
    """Whether they are too many to be asked for by name."""
    return len(models) > MOST or sum(map(len, models)) > _LONGEST


def with_births(rows: Rows, more: Rows, label: str, models: tuple[str, ...]) -> Rows:
    """The ``rows``, with ``more`` in place of those of these ``models``."""
    arrangement, kept = rows.arrangement.beside(more.arrangement, lambda: _beside(rows, more, label, models))
    offset = len(kept)
    moved = {place: found for place, row in enumerate(kept.tolist()) if (found := rows.histograms.get(row)) is not None}
    return Rows(
        arrangement,
        np.concatenate([rows.values[kept], more.values]),
        np.concatenate([rows.times[kept], more.times]),
        {**moved, **{offset + row: found for row, found in more.histograms.items()}}
        if moved or more.histograms
        else {},
    )


def _beside(rows: Rows, more: Rows, label: str, models: tuple[str, ...]) -> tuple[Arrangement, Places]:
    gone, names = frozenset(models), rows.arrangement.names
    kept = [row for row, name in enumerate(names) if name.group.labels.get(label, "") not in gone]
    return rows.arrangement.only(kept, more.arrangement), np.array(kept, np.intp)

"""Bins of two distributions made comparable: common edges, positions, rare bins joined."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Labels = NDArray[np.int64]


def common_edges(edges: Sequence[float], others: Sequence[float]) -> tuple[float, ...]:
    """The edges that both have, rising."""
    return tuple(sorted(set(edges) & set(others)))


def on_edges(wanted: Sequence[float], edges: Sequence[float], counts: Sequence[int]) -> tuple[int, ...]:
    """``counts`` between ``wanted``, which are some of ``edges`` with the last: bins are only added up."""
    up_to = dict(zip(edges, accumulate(counts), strict=True))
    reached = [up_to[edge] for edge in wanted]
    return tuple(b - a for a, b in zip([0, *reached], reached, strict=False))


@lru_cache(maxsize=1024)
def positions(edges: tuple[float, ...]) -> tuple[float, ...]:
    """Where the mass of each bin lies: in its middle, and at its one edge for the bins that are open."""
    finite = [e for e in edges if np.isfinite(e)]
    if not finite:
        return (0.0,) * len(edges)
    ends = np.clip(np.asarray(edges, np.float64), finite[0], finite[-1])
    return tuple(((ends + np.concatenate([ends[:1], ends[:-1]])) / 2).tolist())


def joined(expected: Numbers, least: Numbers) -> Labels:
    """To which bin each bin of a row belongs, so that each holds ``least`` of ``expected``: neighbours are joined.

    Where one bin would be left, the largest stays alone and the others are one: two can be compared, one cannot.
    """
    labels = np.zeros(expected.shape, np.int64)
    number, held = np.zeros(len(expected), np.int64), np.zeros(len(expected))
    for at in range(expected.shape[1]):
        labels[:, at] = number
        held += expected[:, at]
        full = held >= least
        number += full
        held[full] = 0.0
    labels = np.minimum(labels, np.maximum(number - 1, 0)[:, None])
    alone = np.arange(expected.shape[1]) != expected.argmax(axis=1)[:, None]
    return np.where(number[:, None] < 2, alone.astype(np.int64), labels)


def gathered(counts: Numbers, labels: Labels) -> Numbers:
    """``counts`` added up by their labels; as many columns as before, empty ones last."""
    rows, width = counts.shape
    place = labels + width * np.arange(rows)[:, None]
    flat: Numbers = np.bincount(place.ravel(), counts.ravel(), rows * width).astype(np.float64)
    return flat.reshape(rows, width)

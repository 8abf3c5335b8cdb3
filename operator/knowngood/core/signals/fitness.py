"""Which values of an answer can be judged, and why the others cannot: the same words for every input."""

import numpy as np
from numpy.typing import NDArray

from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Flags, Floats, States, value_state

_MOST = 2.0**53  # from which on floats pass over whole numbers
_TOO_MANY = DataState.INF, "the value is more than can be counted"


class Fitness(States):
    """The states of samples while they are found out: the first thing that is said against a sample stands."""

    def __init__(self, count: int) -> None:
        super().__init__(np.zeros(count, np.int16))

    def say(self, where: Flags, state: DataState, message: str) -> Flags:
        """Say it of those ``where`` it holds and nothing was said yet; which they are."""
        new: Flags = where & self.ok
        if new.any():
            self.codes[new] = self.code(state, message)
        return new

    def hint(self, where: Flags, message: str) -> None:
        """Remark it on those that can be judged."""
        if where.any():
            self.codes[where & (self.codes == 0)] = self.code(DataState.OK, message)

    def numbers(self, values: Floats, what: str = "") -> None:
        """Say of which samples ``values`` are no numbers; ``what`` they are stands before it."""
        for index in np.flatnonzero(~np.isfinite(values) & self.ok):
            state, why = value_state(float(values[index]))
            self.codes[index] = self.code(state, what + why)

    def counts(self, values: Floats, owners: NDArray[np.intp] | None = None) -> None:
        """Say of which samples ``values`` are no counts: one of each, or several, whose ``owners`` are told."""
        for index in np.flatnonzero(~(np.abs(values) < _MOST)):
            owner = index if owners is None else owners[index]
            if self.said[self.codes[owner]][0] is DataState.OK:
                state, why = value_state(float(values[index]))
                self.codes[owner] = self.code(*((state, why) if state is not DataState.OK else _TOO_MANY))

    def fresh(self, newest: Floats, now: float, limit: float) -> Flags:
        """Say which are older than ``limit``, where that is known; which they are. All in seconds."""
        return self.say(now - newest > limit, DataState.STALE, f"the newest sample is older than {limit:g}s")

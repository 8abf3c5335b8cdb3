"""What something costs: time, our CPU, and Prometheus'."""

import time
from dataclasses import dataclass

from bench.filled import Served


@dataclass(frozen=True)
class Cost:
    """Of one cycle, in seconds: until it was over, CPU of this process, CPU of Prometheus."""

    wall: float
    ours: float
    theirs: float


class Meter:
    """Takes the costs of what is done between ``begin`` and ``end``."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def begin(self) -> None:
        """Look at the clocks."""
        self._at = time.monotonic(), time.process_time(), self._served.cpu()

    def end(self) -> Cost:
        """What it took since."""
        wall, ours, theirs = self._at
        return Cost(time.monotonic() - wall, time.process_time() - ours, self._served.cpu() - theirs)

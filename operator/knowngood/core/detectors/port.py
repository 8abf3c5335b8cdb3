"""What every detector is: a pure judge of many series at once, with a small memory that survives a restart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, cast

from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.signals.sample import Flags, Sample, Samples

Judged = tuple[Judgement, Any]
"""A judgement, and the memory for the next time (None: nothing to remember)."""


@dataclass(frozen=True, slots=True)
class Span:
    """The span of time that samples are of, in seconds: its ``end`` since the epoch, its ``length``.

    ``interval`` is the time between polls. For detectors of whole windows ``end`` is a multiple of ``length``.
    """

    end: float
    length: float
    interval: float


@dataclass(frozen=True, slots=True)
class Case:
    """One series, as a detector sees it.

    ``memory`` is what the detector returned for this series the last time. ``segments`` is how many series of this
    model and signal are judged beside each other: ``falseAlarmEvery`` is for all of them together. ``reference`` is the
    same window's sample of the release to compare with, for the detector that compares.
    """

    sample: Sample
    memory: Any = None
    baseline: Baseline | None = None
    segments: int = 1
    reference: Sample | None = None


class DetectorPort(Protocol):
    """A detector.

    ``whole_windows``: it counts each observation once, so that it is asked once a window, at aligned times; the others
    judge the sliding window at every poll. ``learns``: it needs a baseline, and says ``Learning`` without one.
    ``memory`` is the frozen dataclass of numbers, texts and tuples of numbers that it remembers, or None.
    """

    name: ClassVar[str]
    whole_windows: ClassVar[bool]
    learns: ClassVar[bool]
    memory: ClassVar[type | None]

    def judge(self, settings: Any, cases: Sequence[Case], span: Span) -> list[Judged]:
        """One judgement a case, in their order. Pure, and never raises on any sample."""


class QuietPort(DetectorPort, Protocol):
    """A detector that tells of many samples at once which ones it has nothing to say of."""

    def quiet(self, settings: Any, samples: Samples) -> Flags:
        """Exactly those that ``judge`` calls healthy, with nothing to remember, whatever it remembered before."""


def quiet_port(port: DetectorPort) -> QuietPort | None:
    """The detector, if it tells of many samples at once."""
    return cast(QuietPort, port) if hasattr(port, "quiet") else None

"""A detector as users set it up, with data that is as it should be and data that is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.detectors.port import Case as Seen
from knowngood.core.detectors.port import DetectorPort, Span
from knowngood.core.signals.sample import Sample

START = 86_400.0


@dataclass(frozen=True)
class Case:
    """One way to use a detector. ``benign`` is repeated; ``broken`` goes on until it is found.

    ``window`` is in seconds; detectors of the sliding window are polled every 5 s, the others once a window.
    """

    detector: DetectorPort
    settings: Any
    benign: tuple[Sample, ...]
    broken: tuple[Sample, ...]
    baseline: Baseline | None = None
    reference: Sample | None = None
    window: float = 60.0
    label: str = ""

    def __str__(self) -> str:
        return self.detector.name + (f"-{self.label}" if self.label else "")


def run(case: Case, samples: Sequence[Sample]) -> list[Judgement]:
    """The judgements on one series, with the memory handed on."""
    step = case.window if case.detector.whole_windows else 5.0
    memory, found = None, []
    for number, sample in enumerate(samples):
        span = Span(START + number * step, case.window, step)
        seen = Seen(sample, memory, case.baseline, reference=case.reference)
        ((judged, memory),) = case.detector.judge(case.settings, [seen], span)
        found.append(judged)
    return found

"""The values at which each detector's verdict turns, read of what it says itself."""

from typing import Any

import pytest

from knowngood.api.detectors import Detector
from knowngood.core.backtest.limits import limits
from knowngood.core.detectors.baseline import Baseline
from knowngood.core.detectors.change import Change
from knowngood.core.detectors.port import Case, Span
from knowngood.core.detectors.registry import DETECTORS
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Sample

pytestmark = pytest.mark.unit
SETTINGS: dict[str, tuple[Any, str, list[float]]] = {
    "threshold": ({"below": 0.1, "above": 0.9}, "below 0.1 or above 0.9", [0.1, 0.9]),
    "occurrence": ({}, "above 0", [0.0]),
    "disparity": ({"minRatio": 0.7}, "ratio below 0.7", [0.7]),
    "trend": ({"limit": 0.8}, "a steady slide over 7d", [0.8]),
    "drift": ({}, "above 0.125", [0.125]),
    "change": ({"direction": "Down"}, "a lasting shift of 0.01 from 0.97", [0.96]),
    "burst": ({}, "more than chance gives once in 30d", []),
    "comparison": ({}, "worse by more than 0", []),
}


@pytest.mark.parametrize("name", [d.name for d in DETECTORS])
def test_each_detector_has_its_limits(name: str) -> None:
    raw, said, wanted = SETTINGS[name]
    settings = Detector.model_validate({name: raw}).chosen()[1]
    assert limits(settings, said) == pytest.approx(wanted)
    assert limits(settings, "") == ([] if name in ("drift", "change") else pytest.approx(wanted)), "not judged yet"


def test_what_change_says_is_what_is_read() -> None:
    settings = Detector.model_validate({"change": {}}).chosen()[1]
    base = Baseline(windows=50, mean=0.9, variance=1e-4)
    ((judged, _),) = Change().judge(settings, [Case(Sample({}, DataState.OK, 0.9, 100), None, base)], Span(60, 60, 15))
    assert limits(settings, judged.threshold) == pytest.approx([0.89, 0.91], abs=0.001)

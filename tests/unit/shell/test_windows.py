"""The windows of a range answer: each with the rows that an instant query at its end would have given."""

import math

import pytest

from knowngood.core.signals.answer import Answer, DataState, NativeHistogram, Row, Series
from knowngood.shell.windows import Question, frames

pytestmark = pytest.mark.unit
FOUND = NativeHistogram(3, 4.5, ((1, 2, 3),))


def test_numbers_and_native_histograms_fall_into_their_windows() -> None:
    labels = {"model": "digits"}
    answer = Answer(DataState.OK, series=(Series(labels, ((60, 1.0),), ((180, FOUND),)),))
    found = dict(frames(Question("default", "x", 60, 180, 60), answer))
    assert list(found) == [60, 120, 180]
    assert found[60] == (Row(labels, 1.0, 60),)
    assert found[120] == ()
    (row,) = found[180]
    assert (row.labels, row.at, row.histogram) == (labels, 180, FOUND)
    assert math.isnan(row.value)

"""What was said for how long, and what the values were."""

import math

import pytest

from knowngood.api.conditions import Reason
from knowngood.api.observed import Verdict
from knowngood.core.backtest.ledger import MOST_BINS, Ledger
from tests import builders as b

EVERY = 15.0
LEARNING = {"reason": Reason.LEARNING, "value": None}


def ledger(polls: int = 8) -> Ledger:
    return Ledger(0.0, polls * EVERY, EVERY)


def note(of: Ledger, *views: object) -> None:
    for number, view in enumerate(views):
        of.note(number * EVERY, "digits", [view] if view else [])  # type: ignore[list-item]


def test_time_is_counted_by_what_was_said() -> None:
    of = ledger()
    learning = b.view(Verdict.INCONCLUSIVE, **LEARNING)
    note(of, learning, learning, b.view(Verdict.HEALTHY), b.view(), b.view(), b.view(Verdict.HEALTHY))
    (track,) = of.tracks.values()
    assert track.words == {"Learning": 30, "Healthy": 30, "Breach": 30}
    assert track.armed == 30
    assert track.spans == [("Learning", 0, 30), ("Breach", 45, 75)]


@pytest.mark.parametrize("reason", [Reason.LEARNING, Reason.EMPTY, Reason.TOO_FEW_SAMPLES, Reason.RELEASE_UNKNOWN])
def test_what_cannot_judge_is_not_armed(reason: Reason) -> None:
    of = ledger()
    note(of, b.view(Verdict.INCONCLUSIVE, reason=reason, value=None))
    assert next(iter(of.tracks.values())).armed is None


def test_what_waits_for_its_time_is() -> None:
    of = ledger()
    note(of, b.view(Verdict.INCONCLUSIVE, reason=Reason.PENDING))
    assert next(iter(of.tracks.values())).armed == 0


def test_each_value_has_its_place() -> None:
    of = ledger(4)
    note(of, *(b.view(Verdict.HEALTHY, value=float(n)) for n in range(4)))
    (track,) = of.tracks.values()
    assert track.low == track.high == [0, 1, 2, 3]


def test_of_many_values_the_extremes_are_kept() -> None:
    of = Ledger(0.0, 10 * MOST_BINS * EVERY, EVERY)
    note(of, *(b.view(Verdict.HEALTHY, value=float(n)) for n in range(10)), *[None] * 5)
    (track,) = of.tracks.values()
    assert (track.low[0], track.high[0]) == (0, 9)
    assert len(track.low) == MOST_BINS
    assert math.isnan(track.low[1])


def test_a_value_that_is_no_number_is_left_out() -> None:
    of = ledger(1)
    note(of, b.view(Verdict.HEALTHY, value=math.inf), b.view(Verdict.HEALTHY, value=None))
    assert math.isnan(next(iter(of.tracks.values())).low[0])

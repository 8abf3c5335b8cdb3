"""What may be learned from, and which release is whose reference."""

import pytest

from knowngood.api.conditions import Reason
from knowngood.api.observed import Verdict
from knowngood.core.detectors.judgement import Judgement, learning, undecided
from knowngood.core.incidents.recording import (
    known_good_of,
    previous_of,
    remembered,
    speaks_against,
    teaches,
    tenths,
)
from knowngood.core.signals.answer import DataState
from tests import builders as b

pytestmark = pytest.mark.unit
SILENT = {DataState.EMPTY, DataState.STALE, DataState.TOO_FEW}


@pytest.mark.parametrize("state", [s for s in DataState if s is not DataState.OK])
def test_no_data_says_nothing_against_a_model_and_everything_else_does(state: DataState) -> None:
    assert speaks_against(undecided(state, "why")) is (state not in SILENT)


def test_a_signal_that_learns_does_not_keep_the_others_from_learning() -> None:
    assert not speaks_against(learning())
    assert not speaks_against(Judgement(Verdict.INCONCLUSIVE, Reason.NO_COMPARISON))
    assert not speaks_against(b.judgement(Verdict.HEALTHY))


def test_breach_and_what_may_become_one_speak_against_it() -> None:
    assert speaks_against(b.judgement(Verdict.BREACH))
    assert speaks_against(Judgement(Verdict.INCONCLUSIVE, Reason.PENDING))
    assert speaks_against(Judgement(Verdict.ERROR, Reason.DETECTOR_FAILED))


def test_a_series_teaches_while_it_is_healthy_or_learning() -> None:
    assert teaches(Verdict.HEALTHY, Reason.HEALTHY)
    assert teaches(Verdict.INCONCLUSIVE, Reason.LEARNING)
    for verdict, reason in (
        (Verdict.INCONCLUSIVE, Reason.TOO_FEW_SAMPLES),
        (Verdict.BREACH, Reason.BELOW_THRESHOLD),
        (Verdict.ERROR, Reason.LEARNING),
    ):
        assert not teaches(verdict, reason)


def test_known_good_is_what_a_person_pinned_and_else_what_was_promoted() -> None:
    pinned = b.model({"knownGood": b.pinned("good")})
    assert known_good_of(pinned, b.CONTAINER) == b.GOOD
    assert known_good_of(pinned, "other") == ""
    assert known_good_of(b.model(), b.CONTAINER) == ""


def test_the_previous_release_is_the_one_that_ran_last_and_no_suspect() -> None:
    history = [
        b.release("bad"),
        b.release("good", last_seen=b.at(10)),
        b.release("older", last_seen=b.at(5)),
        b.release("fix", last_seen=b.at(20), implicated_in="i"),
    ]
    assert previous_of(history, {b.BAD}) == b.GOOD
    assert previous_of(history[:1], {b.BAD}) == ""


def test_few_releases_are_remembered_whatever_runs() -> None:
    history = [b.release(str(n)) for n in range(50)]
    kept = remembered(history, {b.BAD}, b.GOOD)
    assert {b.BAD, b.GOOD, b.digest("0")} <= kept
    assert "" not in remembered([], set(), "")
    assert len(kept) == 7


@pytest.mark.parametrize(("windows", "told"), [(0, "0/50"), (4, "0/50"), (5, "5/50"), (49, "45/50"), (60, "50/50")])
def test_progress_in_tenths(windows: int, told: str) -> None:
    assert tenths(windows, 50) == told

"""R1, a seeded sample: whatever write is spoiled, one incident, one patch, told once, and the same end."""

import os

from tests.faults import matrix
from tests.faults.cluster import Surroundings
from tests.faults.matrix import Recording
from tests.faults.proxy import Faults
from tests.faults.run import Case
from tests.faults.takeover import INTENT, PATCH

SEED = int(os.environ.get("KNOWNGOOD_SEED", "1"))
OPENED = "POST aiincidents [open]"
ANSWERS = (Faults.CONFLICT, Faults.THROTTLED, Faults.LOST, Faults.COMMITTED_500)


def told(around: Surroundings, recording: Recording, cases: list[Case]) -> list[str]:
    """What was wrong with these cases, each with its name."""
    outcomes = matrix.run(around, cases)
    assert all(o.reached for o in outcomes), [str(o.case) for o in outcomes if not o.reached]
    return [f"{o.case}: {said}" for o in outcomes for said in matrix.complaints(o, recording)]


def test_a_kill_at_any_write_loses_and_doubles_nothing(around: Surroundings, recording: Recording) -> None:
    certain = [Case(recording.scene, PATCH, Faults.KILL_AFTER), Case(recording.scene, INTENT, Faults.KILL_AFTER)]
    by_chance = matrix.sample([recording], (Faults.KILL_BEFORE, Faults.KILL_AFTER), 3, SEED)
    assert told(around, recording, certain + by_chance) == []


def test_a_false_or_lost_answer_changes_no_end(around: Surroundings, recording: Recording) -> None:
    certain = [Case(recording.scene, place, Faults.LOST) for place in (OPENED, INTENT, PATCH)]
    assert told(around, recording, certain + matrix.sample([recording], ANSWERS, 1, SEED)) == []


def test_a_patch_that_is_refused_for_good_is_said_to_have_failed(around: Surroundings, recording: Recording) -> None:
    (outcome,) = matrix.run(around, [Case(recording.scene, PATCH, Faults.INVALID)])
    assert matrix.complaints(outcome, recording) == []
    assert outcome.image_patches == 0
    assert outcome.end is not None
    assert outcome.end.phase == "ContainmentFailed"

"""R6: a leader that is stopped in the middle, and continued, gets nothing accepted; the successor ends it."""

from tests.faults import takeover
from tests.faults.cluster import Surroundings
from tests.faults.matrix import Recording
from tests.faults.proxy import Faults
from tests.faults.takeover import INTENT, PATCH, RENEWAL, Stopped


def test_a_leader_stopped_and_continued_writes_nothing(around: Surroundings, recording: Recording) -> None:
    cases = [
        Stopped(recording.scene, INTENT, Faults.STOP_AFTER),
        Stopped(recording.scene, PATCH, Faults.STOP_BEFORE),
        Stopped(recording.scene, RENEWAL, Faults.STOP_BEFORE),
    ]
    done = takeover.run_all(around, cases)
    assert all(one.reached for one in done)
    assert [f"{one.case}: {said}" for one in done for said in takeover.complaints(one, recording)] == []
    assert done[1].refused >= 1, "the patch that was on its way came too late, and was to be refused"
    assert all(one.acted_after is not None for one in done[:2])

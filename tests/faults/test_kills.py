"""R1, a seeded sample: whatever write is spoiled, one incident, one patch, told once, and the same end."""

import os
import random

from tests.faults import matrix
from tests.faults.cluster import Surroundings
from tests.faults.matrix import Recording
from tests.faults.proxy import KILLS, Faults
from tests.faults.run import Case, Outcome
from tests.faults.scenes import SHIPPED
from tests.faults.shipped import PLAYBOOKS
from tests.faults.takeover import INTENT, PATCH
from tests.faults.writes import effect_of

SEED = int(os.environ.get("KNOWNGOOD_SEED", "1"))
OPENED, TOLD = "POST aiincidents [open]", "POST events [IncidentContained]"
ANSWERS = (Faults.CONFLICT, Faults.THROTTLED, Faults.LOST, Faults.COMMITTED_500)


def played(around: Surroundings, cases: list[Case], recording: Recording) -> list[Outcome]:
    outcomes = matrix.run(around, cases, {recording.scene.name: recording})
    assert all(o.reached for o in outcomes), [str(o.case) for o in outcomes if not o.reached]
    return outcomes


def told(outcomes: list[Outcome], recording: Recording) -> list[str]:
    """What was wrong with these, each with its name."""
    return [f"{o.case}: {said}" for o in outcomes for said in matrix.complaints(o, recording)]


def test_a_kill_at_any_write_loses_and_doubles_nothing(around: Surroundings, recording: Recording) -> None:
    certain = [Case(recording.scene, place, Faults.KILL_AFTER) for place in (INTENT, PATCH, TOLD)]
    by_chance = matrix.sample([recording], KILLS, 2, SEED)
    assert told(played(around, certain + by_chance, recording), recording) == []


def test_a_kill_in_any_shipped_playbook_loses_and_doubles_nothing(
    around: Surroundings, shipped: dict[str, Recording]
) -> None:
    chance = random.Random(SEED)
    cases = []
    for recording in shipped.values():
        acting = recording.places[recording.places.index(OPENED) :]
        effects = [place for place in acting if effect_of(place)] or acting
        cases.append(Case(recording.scene, chance.choice(effects), chance.choice(KILLS)))
    outcomes = matrix.run(around, cases, shipped)
    assert [str(o.case) for o in outcomes if not o.reached] == []
    assert [f"{o.case}: {said}" for o in outcomes for said in matrix.complaints(o, shipped[o.case.scene.name])] == []


def test_every_shipped_playbook_has_a_scene() -> None:
    files = {path.stem for path in SHIPPED.glob("*.yaml")} - {"kustomization"}
    assert {scene.book for scene in PLAYBOOKS} == files


def test_a_false_or_lost_answer_changes_no_end(around: Surroundings, recording: Recording) -> None:
    certain = [Case(recording.scene, place, Faults.LOST) for place in (OPENED, INTENT, PATCH)]
    refused = Case(recording.scene, PATCH, Faults.INVALID)
    outcomes = played(around, [refused, *certain, *matrix.sample([recording], ANSWERS, 1, SEED)], recording)
    assert told(outcomes, recording) == []
    assert outcomes[0].effects == ()
    assert outcomes[0].end is not None
    assert outcomes[0].end.phase == "ContainmentFailed", "a patch that is refused for good is said to have failed"

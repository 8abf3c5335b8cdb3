"""From a breach to `Contained`, whatever happens on the way: one patch, one end."""

import dataclasses

import pytest

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.api.plan import StepState
from knowngood.core.response.effects import Apply, Effect, FreezeEvidence, Tell
from tests import builders as b
from tests.scenarios.world import World

pytestmark = pytest.mark.scenarios
EFFECTS = 8  # more than a whole containment has, so that every boundary is met


class Once:
    """A fault at the effect of this number, once."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.met: Effect | None = None

    def due(self, effect: Effect) -> bool:
        if self.met is not None:
            return False
        self.left -= 1
        if self.left >= 0:
            return False
        self.met = effect
        return True


def contained(world: World) -> None:
    """The one end that there may be."""
    assert world.status.phase is IncidentPhase.CONTAINED
    assert world.condition("Contained").status is ConditionStatus.TRUE
    assert world.condition("EvidenceFrozen").status is ConditionStatus.TRUE
    assert len(world.patches) == 1
    assert world.image == b.image("good")
    assert [s.state for s in world.status.plan.steps] == [StepState.DONE] * 3  # type: ignore[union-attr]
    assert [s.name for s in world.status.signals] == [b.SIGNAL]
    assert world.status.primary_signal == b.SIGNAL
    assert world.status.suspect is not None
    assert world.status.suspect.digest == b.BAD


def test_a_breach_is_contained() -> None:
    world = World()
    world.live(60)
    contained(world)
    assert world.condition("ContainmentEffective").status is ConditionStatus.TRUE
    assert world.frozen == 1
    assert [t.reason for t in world.told] == ["IncidentContained"]
    assert [e.reason for e in world.status.timeline] == [
        "Opened",
        "EvidenceFrozen",
        "Analysed",
        "Pinned",
        "Contained",
        "Notified",
        "ContainmentEffective",
    ]


def test_nothing_is_written_once_nothing_changes() -> None:
    world = World()
    world.live(60)
    records = world.records
    world.live(600)
    assert world.records == records


def test_intent_and_evidence_stand_in_the_status_before_the_patch() -> None:
    world = World()

    def at_apply(world: World, effect: Effect) -> bool:
        if isinstance(effect, Apply):
            assert world.status.plan is not None
            step = next(s for s in world.status.plan.steps if s.name == "pin")
            assert step.state is StepState.INTENDED
            assert step.observed is not None
            assert {c.name: c.image for c in step.observed.containers} == {b.CONTAINER: b.image("bad")}
            assert world.status.plan.known_good is not None
            assert world.condition("EvidenceFrozen").status is ConditionStatus.TRUE
        return False

    world.live(60, at_apply)
    contained(world)


def test_from_a_breach_to_the_patch_there_are_two_writes() -> None:
    """Each is a round trip in the time to contain: plan, evidence and intent in one, then the patch."""
    kinds: list[type[Effect]] = []

    def note(world: World, effect: Effect) -> bool:
        kinds.append(type(effect))
        return False

    World().settle(note)
    assert kinds[:2] == [FreezeEvidence, Apply]


@pytest.mark.parametrize("number", range(EFFECTS))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_any_boundary_changes_nothing(number: int, moment: str) -> None:
    world, fault = World(), Once(number)

    def kill(world: World, effect: Effect) -> bool:
        if not fault.due(effect):
            return False
        if moment == "after":
            world.do(effect)
        world.restart()
        return True

    world.live(60, kill)
    contained(world)


@pytest.mark.parametrize("kind", [FreezeEvidence, Tell])
def test_a_kill_between_an_effect_and_its_record_repeats_only_what_may_be_repeated(kind: type[Effect]) -> None:
    world = World()
    done: list[Effect] = []

    def kill(world: World, effect: Effect) -> bool:
        if done or not isinstance(effect, kind):
            return False
        done.append(effect)
        world.do(effect, lost=True)
        world.restart()
        return True

    world.live(60, kill)
    contained(world)
    assert done


def test_who_comes_long_after_the_incident_was_opened_looks_at_the_signal_before_it_says_anything() -> None:
    world = World(seconds=300.0)
    world.restart()
    assert world.settle() is not None
    assert world.status.phase is None, "nothing is said of an incident whose signal nobody has seen yet"
    world.live(60)
    contained(world)
    assert "NotContained" not in [e.reason for e in world.status.timeline]


def test_where_the_signal_never_comes_it_is_said_in_time() -> None:
    world = World(seconds=300.0, policy=None)
    world.restart()
    world.verdict_on = lambda _: Verdict.INCONCLUSIVE
    world.live(70)
    assert world.status.phase is not None
    assert world.condition("Contained").status is ConditionStatus.FALSE


@pytest.mark.parametrize("seed", range(EFFECTS * EFFECTS))
def test_two_kills_change_nothing(seed: int) -> None:
    world, first, second = World(), Once(seed // EFFECTS), Once(seed % EFFECTS)

    def kill(world: World, effect: Effect) -> bool:
        if first.due(effect):
            world.do(effect)
            world.restart()
            return True
        if first.met is not None and second.due(effect):
            world.restart()
            return True
        return False

    world.live(90, kill)
    contained(world)


@pytest.mark.parametrize("number", range(EFFECTS))
def test_a_conflict_with_a_harmless_writer_is_overcome(number: int) -> None:
    """An autoscaler writes between what was read and what is written: the write is refused, read again, done."""
    world, fault = World(), Once(number)

    def touch(world: World, effect: Effect) -> bool:
        if fault.due(effect):
            world.touch()
            world.do(effect)
            return True
        return False

    world.live(60, touch)
    contained(world)
    assert world.refused == (1 if isinstance(fault.met, Apply) else 0)


@pytest.mark.parametrize("number", range(EFFECTS))
@pytest.mark.parametrize("release", ["fix", "older"])
def test_a_persons_edit_is_never_overwritten(number: int, release: str) -> None:
    world, fault = World(), Once(number)

    def edit(world: World, effect: Effect) -> bool:
        if fault.due(effect):
            world.person_sets(release)
            world.do(effect)
            return True
        return False

    world.live(300, edit)
    if fault.met is None:
        world.person_sets(release)
        world.live(300)
    assert world.image == b.image(release)
    assert len(world.patches) <= 1
    assert world.condition("Contained").status is ConditionStatus.FALSE
    assert world.condition("Contained").reason in {Reason.PERSON_WROTE, Reason.SUSPECT_GONE}
    assert world.status.phase is IncidentPhase.RESOLVED
    assert any(e.reason in {Reason.PERSON_WROTE, "NotContained"} for e in world.status.timeline)


@pytest.mark.parametrize("number", range(EFFECTS))
def test_a_person_who_pins_by_hand_is_not_patched_over(number: int) -> None:
    world, fault = World(), Once(number)

    def pin(world: World, effect: Effect) -> bool:
        if fault.due(effect):
            world.person_sets("good")
            world.do(effect)
            return True
        return False

    world.live(120, pin)
    assert world.image == b.image("good")
    assert len(world.patches) <= 1
    assert world.condition("Contained").status is ConditionStatus.TRUE or world.status.phase is IncidentPhase.RESOLVED


def test_the_suspect_put_back_after_containment_is_loud() -> None:
    world = World()
    world.live(60)
    contained(world)
    world.person_sets("bad")
    world.live(60)
    assert world.image == b.image("bad")
    assert len(world.patches) == 1
    assert world.condition("Contained").status is ConditionStatus.FALSE
    assert world.status.phase is IncidentPhase.CONTAINMENT_FAILED


def test_a_stuck_roll_out_fails_loudly_and_late_success_counts() -> None:
    world = World(rolls_out=False)
    world.live(290)
    assert world.status.phase is IncidentPhase.CONTAINING
    world.live(30)
    assert world.status.phase is IncidentPhase.CONTAINMENT_FAILED
    assert world.condition("Contained").reason == Reason.ROLL_OUT_STUCK
    assert "look at the pods of Deployment digits" in world.condition("Contained").message
    assert any("not contained" in t.message for t in world.told)
    world.roll_out()
    world.live(60)
    assert world.status.phase is IncidentPhase.CONTAINED
    assert world.condition("Contained").status is ConditionStatus.TRUE
    assert len(world.patches) == 1


def test_pods_that_are_not_ready_do_not_count_as_contained() -> None:
    world = World(rolls_out=False)
    world.live(20)
    assert world.workload is not None
    world.workload = dataclasses.replace(world.workload, observed_generation=world.workload.generation)
    world.pods = tuple(dataclasses.replace(p, ready=False) for p in b.pods("good"))
    world.live(20)
    assert world.status.phase is IncidentPhase.CONTAINING
    world.pods = (*b.pods("good"), b.pod("left-over", "bad"))
    world.live(20)
    assert world.status.phase is IncidentPhase.CONTAINING
    world.pods = b.pods("good")
    world.live(20)
    assert world.status.phase is IncidentPhase.CONTAINED


def test_a_breach_that_goes_on_after_the_pin_says_that_a_rollback_does_not_help() -> None:
    world = World(verdict_on=lambda running: Verdict.BREACH)
    world.live(120)
    assert world.status.phase is IncidentPhase.CONTAINED
    effective = world.condition("ContainmentEffective")
    assert effective.status is ConditionStatus.FALSE
    assert "a rollback does not help" in effective.message
    assert len(world.patches) == 1


def test_a_held_pin_is_not_over_by_its_own_health() -> None:
    world = World()
    world.live(24 * 3600 / 24)
    assert world.status.phase is IncidentPhase.CONTAINED
    assert world.status.recovered_at is None


def test_a_fix_that_a_person_rolls_out_resolves_it() -> None:
    world = World()
    world.live(60)
    world.person_sets("fix")
    world.live(30)
    assert world.status.phase is not IncidentPhase.RESOLVED, "healthy, but not yet for long enough"
    world.live(120)
    assert world.status.phase is IncidentPhase.RESOLVED
    assert world.condition("Recovered").status is ConditionStatus.TRUE
    assert world.image == b.image("fix")


def test_another_workload_of_the_same_name_is_not_touched() -> None:
    world = World()

    def remade(world: World, effect: Effect) -> bool:
        if isinstance(effect, Apply) and world.workload is not None and world.workload.uid == b.WORKLOAD_UID:
            world.workload = dataclasses.replace(world.workload, uid="remade", resource_version="900")
            world.do(effect)
            return True
        return False

    world.live(60, remade)
    assert world.patches == []
    assert world.image == b.image("bad")
    assert world.condition("Contained").reason == Reason.WORKLOAD_NOT_FOUND


def test_a_revert_before_our_own_patch_was_recorded_is_not_patched_again() -> None:
    world = World()

    def reverted(world: World, effect: Effect) -> bool:
        if isinstance(effect, Apply):
            world.do(effect)
            world.person_sets("bad")
            world.restart()
            return True
        return False

    world.live(60, reverted)
    assert len(world.patches) == 1
    assert world.image == b.image("bad")
    assert world.condition("Contained").reason == Reason.PERSON_WROTE


def test_a_release_that_took_the_suspects_place_before_the_pin_began_is_not_patched() -> None:
    world = World(model=b.model())
    world.live(20)
    world.person_sets("fix")
    world.model = b.model({"knownGood": b.pinned()})
    world.live(30)
    assert world.patches == []
    assert world.condition("Contained").reason == Reason.SUSPECT_GONE
    world.live(120)
    assert world.status.phase is IncidentPhase.RESOLVED
    assert world.image == b.image("fix")


def test_a_release_in_place_of_the_pin_is_judged_and_its_breach_is_loud() -> None:
    world = World(verdict_on=lambda running: Verdict.BREACH if running & {b.BAD, b.FIX} else Verdict.HEALTHY)
    world.live(60)
    contained(world)
    world.person_sets("fix")
    world.settle()
    assert world.status.phase is IncidentPhase.VERIFYING
    world.live(300)
    assert world.status.phase is IncidentPhase.CONTAINMENT_FAILED
    assert world.image == b.image("fix")
    assert len(world.patches) == 1


def test_a_persons_roll_out_that_has_only_begun_is_not_overwritten() -> None:
    """The suspect's pods still run, but the template has moved on."""
    world = World(rolls_out=False)
    world.person_sets("fix")
    world.live(60)
    assert world.patches == []
    assert world.image == b.image("fix")
    assert world.condition("Contained").reason == Reason.PERSON_WROTE


def test_containment_is_judged_on_windows_that_began_after_it() -> None:
    world = World()
    world.settle()
    for seconds, effective in ((5, "Unknown"), (10, "Unknown"), (5, "Unknown"), (5, "True")):
        world.live(seconds)
        assert str(world.condition("ContainmentEffective").status) == effective


def test_a_fix_is_not_proven_by_the_health_of_what_it_replaced() -> None:
    world = World()
    world.live(300)
    world.person_sets("fix")
    world.settle()
    assert world.status.recovered_at is None

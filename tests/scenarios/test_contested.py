"""A GitOps manager that puts the suspect back: written again a few times, then `Contested`; a person always wins."""

import dataclasses
import itertools

import pytest
import yaml

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.facts.gitops import ImageWriter, Keeper, Reverts
from knowngood.core.facts.workload import Container
from knowngood.core.response.contested import PAUSES
from knowngood.core.response.effects import Apply, Effect, Record
from knowngood.core.response.facts import Hold
from tests import builders as b
from tests.scenarios.world import Fault, World, killed_at

pytestmark = pytest.mark.scenarios
FLUX = "kustomize-controller"
MODELS = Keeper("Kustomization", "flux-system", "models", Reverts.ALWAYS)
LONG = 1200.0  # seconds: more than all pauses and roll-outs together
ENV = [("MODEL_REVISION", "8")]
PINNED = b.pinned("good", env=[{"name": "MODEL_REVISION", "value": "7"}])


def kept(by: str = FLUX, **changes: object) -> World:
    """The suspect, rolled out from Git."""
    found = b.workload(
        image_writers=(ImageWriter(b.CONTAINER, by, "2026-11-23T05:00:00Z"),), keepers=(MODELS,), **changes
    )
    return World(workload=found)


class Reverter:
    """Puts the suspect back whenever it sees something else, ``times`` times."""

    def __init__(self, times: int = 10_000, by: str = FLUX, to: str = "bad", after: Fault | None = None) -> None:
        self.left, self.by, self.to, self.after = times, by, to, after

    def __call__(self, world: World, effect: Effect) -> bool:
        swallowed = self.after is not None and self.after(world, effect)
        if not swallowed:
            world.do(effect)
        self.look(world)
        return True

    def look(self, world: World) -> None:
        """What it does at its next reconciliation."""
        if self.left and world.image == b.image("good"):
            self.left -= 1
            world.person_sets(self.to, self.by)


def pin(world: World) -> PlanStep:
    assert world.status.plan is not None
    return next(s for s in world.status.plan.steps if s.name == "pin")


def reasons(world: World) -> list[str]:
    return [e.reason for e in world.status.timeline]


def contested(world: World) -> None:
    """The end of a fight that is lost."""
    assert world.image == b.image("bad")
    assert len(world.patches) == 1 + len(PAUSES)
    assert pin(world).state is StepState.FAILED
    assert pin(world).reason == Reason.CONTESTED
    assert world.status.phase is IncidentPhase.CONTAINMENT_FAILED
    for type, value in (("Contained", ConditionStatus.FALSE), ("Contested", ConditionStatus.TRUE)):
        assert world.condition(type).status is value
        assert world.condition(type).reason == Reason.CONTESTED
    assert reasons(world).count("Contested") == 1
    assert reasons(world).count("Reverted") == len(PAUSES)


def test_who_keeps_the_workload_and_what_to_commit_stands_in_the_plan_before_the_first_patch() -> None:
    world = kept()

    def at_apply(world: World, effect: Effect) -> bool:
        if isinstance(effect, Apply):
            assert world.status.plan is not None
            (note,) = [n for n in world.status.plan.notes if n.startswith("KeptElsewhere: ")]
            assert "Kustomization flux-system/models puts the old images back" in note
            assert "flux suspend kustomization models -n flux-system" in note
        return False

    world.live(30, at_apply)
    assert len(world.patches) == 1


def test_what_nobody_keeps_has_no_such_note() -> None:
    world = World()
    world.live(30)
    assert world.status.plan is not None
    assert not [n for n in world.status.plan.notes if n.startswith("KeptElsewhere")]


@pytest.mark.parametrize("by", [FLUX, "helm-controller", "argocd-controller", "argocd-application-controller"])
def test_one_that_always_reverts_is_contested_and_nothing_is_written_ever_after(by: str) -> None:
    world = kept(by)
    world.live(LONG, Reverter(by=by))
    contested(world)
    records = world.records
    world.live(LONG, Reverter(by=by))
    contested(world)
    assert world.records == records


def test_the_message_holds_the_patch_for_git() -> None:
    world = kept()
    world.live(LONG, Reverter())
    message = world.condition("Contested").message
    assert message.startswith("Kustomization flux-system/models put the old images back after it was written again 3 ")
    patch = yaml.safe_load(message[message.index("apiVersion:") :])
    assert patch["metadata"] == {"name": b.MODEL, "namespace": b.NAMESPACE}
    assert patch["spec"]["template"]["spec"]["containers"] == [{"name": b.CONTAINER, "image": b.image("good")}]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_one_that_stops_is_contained(times: int) -> None:
    world = kept()
    world.live(LONG, Reverter(times))
    assert world.image == b.image("good")
    assert len(world.patches) == 1 + times
    assert world.status.phase is IncidentPhase.CONTAINED
    assert world.condition("Contained").status is ConditionStatus.TRUE
    assert world.condition("Contested").status is ConditionStatus.FALSE
    assert world.condition("ContainmentEffective").status is ConditionStatus.TRUE
    assert "Contested" not in reasons(world)
    assert reasons(world).count("Pinned") in {1, 1 + times}, "what was reverted at once was never seen to stand"


def test_the_pauses_grow() -> None:
    world, at = kept(), list[float]()

    def note(world: World, effect: Effect) -> bool:
        if isinstance(effect, Apply):
            at.append(world.seconds)
        return False

    world.live(LONG, Reverter(after=note))
    waited = [after - before for before, after in itertools.pairwise(at)]
    assert [seconds >= pause for seconds, pause in zip(waited, PAUSES, strict=True)] == [True] * len(PAUSES)
    assert waited == sorted(waited)
    assert waited[-1] > waited[0]


def test_one_that_comes_long_after_the_containment_is_answered_too() -> None:
    world = kept()
    world.live(60)
    assert world.status.phase is IncidentPhase.CONTAINED
    world.person_sets("bad", FLUX)
    world.settle()
    assert world.condition("ContainmentEffective").status is ConditionStatus.UNKNOWN
    world.live(60)
    assert world.image == b.image("good")
    assert world.status.phase is IncidentPhase.CONTAINED


def test_a_slow_one_has_no_more_tries_than_a_quick_one() -> None:
    world = kept()
    slowly(world)
    contested(world)
    assert reasons(world).count("Pinned") == 1 + len(PAUSES)


@pytest.mark.parametrize("by", ["kubectl-set", "kubectl-edit", "kubectl-client-side-apply", "helm", "", "unknown"])
def test_another_writer_of_the_same_images_is_a_person_and_wins(by: str) -> None:
    world = kept()
    world.live(60)
    world.person_sets("bad", by)
    world.live(LONG)
    assert world.image == b.image("bad")
    assert len(world.patches) == 1
    assert world.condition("Contained").reason == Reason.PERSON_WROTE
    assert pin(world).reverts is None


def test_where_a_person_holds_the_image_too_nothing_is_written() -> None:
    """Server-side apply of the same value: the field has two managers."""
    world = kept()
    world.live(60)
    world.person_sets("bad", FLUX)
    world.settle()
    assert pin(world).reverts is not None
    assert world.workload is not None
    both = (*world.workload.image_writers, ImageWriter(b.CONTAINER, "kubectl", "2026-11-23T06:02:00Z"))
    world.workload = dataclasses.replace(world.workload, image_writers=both)
    world.touch()
    world.live(LONG)
    assert len(world.patches) == 1
    assert world.condition("Contained").reason == Reason.PERSON_WROTE


@pytest.mark.parametrize("release", ["fix", "older"])
@pytest.mark.parametrize("by", ["kubectl-set", FLUX])
def test_a_third_image_is_never_overwritten(release: str, by: str) -> None:
    world = kept()
    world.live(60)
    world.person_sets(release, by)
    world.live(LONG)
    assert world.image == b.image(release)
    assert len(world.patches) == 1
    assert Reason.PERSON_WROTE in reasons(world)


@pytest.mark.parametrize("moment", range(9))
@pytest.mark.parametrize("release", ["fix", "bad"])
def test_a_persons_edit_between_two_writes_is_not_overwritten(moment: int, release: str) -> None:
    """At every effect from the first write on: what the person wrote is not read yet when the effect was decided."""
    world, numbers, met = kept(), itertools.count(), list[Effect]()

    def edit(world: World, effect: Effect) -> bool:
        if world.patches and next(numbers) == moment:
            met.append(effect)
            world.person_sets("older")
            world.person_sets(release)
        return False

    world.live(LONG, Reverter(2, after=edit))
    assert met, "there are so many effects"
    assert world.image == b.image(release)
    assert Reason.PERSON_WROTE in reasons(world)


@pytest.mark.parametrize("times", [1, 10_000])
@pytest.mark.parametrize("number", range(1, 16))
@pytest.mark.parametrize("of", [Apply, Record])
def test_a_kill_at_any_effect_neither_loses_nor_doubles_a_write(number: int, of: type, times: int) -> None:
    """After the effect, and after what the manager does upon it; what was only in memory is gone."""
    world = kept()
    world.live(LONG, Reverter(times, after=killed_at(number, of=of)))
    if times == 1:
        assert world.image == b.image("good")
        assert len(world.patches) == 2
        assert world.status.phase is IncidentPhase.CONTAINED
        assert reasons(world).count("Reverted") == 1
    else:
        contested(world)


@pytest.mark.parametrize("number", range(1, 12))
def test_a_kill_before_the_write_of_a_recorded_intent_loses_nothing(number: int) -> None:
    world, numbers = kept(), itertools.count(1)

    def kill(world: World, effect: Effect) -> bool:
        if next(numbers) != number:
            return False
        world.restart()
        world.poll()
        return True

    world.live(LONG, Reverter(after=kill))
    contested(world)


def test_another_write_of_the_manager_costs_at_most_a_try() -> None:
    """A commit that changes something else of the same object moves the time by which reverts are told apart."""
    world = kept()
    world.live(60)
    world.person_sets("bad", FLUX)
    world.settle()
    assert world.workload is not None
    moved = tuple(dataclasses.replace(w, time="2026-11-23T09:00:00Z") for w in world.workload.image_writers)
    world.workload = dataclasses.replace(world.workload, image_writers=moved)
    world.touch()
    world.live(LONG)
    assert world.image == b.image("good")
    assert len(world.patches) == 2
    assert pin(world).reverts is not None
    assert pin(world).reverts.written_again == 2  # type: ignore[union-attr]


def test_one_that_replaces_the_whole_object_takes_our_marks_and_is_recognised_all_the_same() -> None:
    world = kept()

    class Replacer(Reverter):
        def look(self, world: World) -> None:
            super().look(world)
            if world.workload is not None and world.image == b.image("bad"):
                world.workload = dataclasses.replace(world.workload, annotations={})

    world.live(30)
    world.live(LONG, Replacer())
    world.person_sets("bad", FLUX)
    world.live(LONG, Replacer())
    contested(world)


def test_the_emergency_stop_holds_what_is_to_be_written_again() -> None:
    world = kept()
    world.live(60)
    world.person_sets("bad", FLUX)
    world.hold = Hold(Reason.EMERGENCY_STOP, "stopped")
    world.live(600)
    assert len(world.patches) == 1
    assert world.condition("Contained").reason == Reason.EMERGENCY_STOP
    world.hold = None
    world.live(60)
    assert len(world.patches) == 2
    assert world.status.phase is IncidentPhase.CONTAINED


def test_the_commit_of_the_patch_contains_what_was_contested() -> None:
    world = kept()
    world.live(LONG, Reverter())
    contested(world)
    world.person_sets("good", FLUX)
    world.live(60)
    assert world.status.phase is IncidentPhase.CONTAINED
    assert world.condition("Contested").status is ConditionStatus.FALSE
    assert len(world.patches) == 1 + len(PAUSES)


def test_a_fix_in_git_resolves_what_was_contested() -> None:
    world = kept()
    world.live(LONG, Reverter())
    world.person_sets("fix", FLUX)
    world.live(300)
    assert world.status.phase is IncidentPhase.RESOLVED
    assert world.image == b.image("fix")


def test_the_next_rung_begins_where_the_pin_is_contested() -> None:
    """Nobody decided anything, so that the playbook goes on: a standby, say, answers instead."""
    world = kept()
    world.playbooks = (b.playbook(escalate={"after": "24h", "steps": [b.AWAY]}),)
    world.live(LONG, Reverter())
    assert "Contested" in reasons(world)
    assert "Escalated" in reasons(world)
    assert world.workload is not None
    assert world.workload.replicas == 0
    assert world.condition("Contained").status is ConditionStatus.TRUE
    assert world.condition("Contested").status is ConditionStatus.TRUE, "Git still holds the bad image"
    assert "kubectl" in world.condition("Contested").message or "spec:" in world.condition("Contested").message


def test_without_the_owners_consent_nothing_is_written_again() -> None:
    world = kept()
    world.live(60)
    assert world.workload is not None
    world.workload = dataclasses.replace(world.workload, labels={"knowngood.dev/model": "other"})
    world.person_sets("bad", FLUX)
    world.live(600)
    assert len(world.patches) == 1
    assert pin(world).reason == Reason.CONSENT_MISSING
    condition = world.condition("Contested")
    assert (condition.status, condition.reason) == (ConditionStatus.TRUE, Reason.CONSENT_MISSING)
    assert "nothing is written again" in condition.message
    assert "kubectl" in condition.message or "spec:" in condition.message, "what to commit"


def test_where_a_person_comes_into_a_pause_no_further_write_is_promised() -> None:
    world = kept()
    world.live(60)
    world.person_sets("bad", FLUX)
    world.settle()
    assert world.condition("Contested").status is ConditionStatus.TRUE
    world.person_sets("fix", "kubectl-set")
    world.live(LONG)
    assert len(world.patches) == 1
    condition = world.condition("Contested")
    assert (condition.status, condition.reason) == (ConditionStatus.FALSE, Reason.PERSON_WROTE)
    assert "is written again in" not in condition.message


def slowly(world: World, most: int = 6) -> None:
    """A manager that comes when the pin has long been in place, ``most`` times."""
    for _ in range(most):
        world.live(400)
        if world.image == b.image("good"):
            world.person_sets("bad", FLUX)
    world.live(400)


def test_the_next_rung_begins_after_a_slow_manager_too() -> None:
    world = kept()
    world.playbooks = (b.playbook(escalate={"after": "24h", "steps": [b.AWAY]}),)
    slowly(world)
    assert "Escalated" in reasons(world)
    assert world.workload is not None
    assert world.workload.replicas == 0


@pytest.mark.parametrize("slow", [True, False])
def test_undo_has_nothing_to_take_back_where_the_pin_is_contested(slow: bool) -> None:
    world = kept()
    world.playbooks = (b.playbook(onFailure="Undo"),)
    if slow:
        slowly(world)
    else:
        world.live(LONG, Reverter())
    contested(world)


def test_each_roll_out_has_its_own_time() -> None:
    world = kept()
    world.live(280)
    world.person_sets("bad", FLUX)
    world.settle()
    world.rolls_out = False
    world.live(250)
    assert reasons(world).count("Pinned") == 2
    assert pin(world).state is StepState.INTENDED
    world.live(100)
    assert pin(world).reason == Reason.ROLL_OUT_STUCK


def test_a_release_chosen_later_has_its_own_patch() -> None:
    world = kept()
    world.hold = Hold(Reason.COOLING_DOWN, "waits")
    world.live(20)
    world.model = b.model({"knownGood": b.pinned("older")})
    world.hold = None
    world.live(60)
    assert world.status.plan is not None
    (note,) = [n for n in world.status.plan.notes if n.startswith("KeptElsewhere: ")]
    assert b.image("older") in note


def test_a_revert_of_a_roll_out_that_is_stuck_is_contested_at_once() -> None:
    world = kept()
    world.rolls_out = False
    world.live(330)
    assert pin(world).reason == Reason.ROLL_OUT_STUCK
    world.person_sets("bad", FLUX)
    world.live(LONG)
    assert pin(world).reason == Reason.CONTESTED
    assert len(world.patches) == 1


@pytest.mark.parametrize("takes_all", [True, False])
def test_variables_that_the_manager_does_not_know_may_stay_as_we_wrote_them(takes_all: bool) -> None:
    workload = b.workload(
        env={b.CONTAINER: ENV}, image_writers=(ImageWriter(b.CONTAINER, FLUX, "old"),), keepers=(MODELS,)
    )
    world = World(workload=workload, model=b.model({"knownGood": PINNED}))
    world.evidence = b.evidence().model_copy(update={"workload": b.seen(workload)})
    world.live(60)
    _revert_with(world, ENV if takes_all else [("MODEL_REVISION", "7")])
    world.live(60)
    assert len(world.patches) == 2
    assert world.status.phase is IncidentPhase.CONTAINED


def test_variables_that_are_left_beside_the_old_image_are_named_when_it_is_given_up() -> None:
    workload = b.workload(
        env={b.CONTAINER: ENV}, image_writers=(ImageWriter(b.CONTAINER, FLUX, "old"),), keepers=(MODELS,)
    )
    world = World(workload=workload, model=b.model({"knownGood": PINNED}))
    world.evidence = b.evidence().model_copy(update={"workload": b.seen(workload)})
    for _ in range(1 + len(PAUSES)):
        world.live(400)
        _revert_with(world, [("MODEL_REVISION", "7")])
    world.live(60)
    assert world.condition("Contested").reason == Reason.CONTESTED
    assert f"{b.CONTAINER}/MODEL_REVISION; set them back" in world.condition("Contested").message


def test_a_variable_that_somebody_else_set_is_not_overwritten() -> None:
    workload = b.workload(
        env={b.CONTAINER: ENV}, image_writers=(ImageWriter(b.CONTAINER, FLUX, "old"),), keepers=(MODELS,)
    )
    world = World(workload=workload, model=b.model({"knownGood": PINNED}))
    world.evidence = b.evidence().model_copy(update={"workload": b.seen(workload)})
    world.live(60)
    _revert_with(world, [("MODEL_REVISION", "9")])
    world.live(60)
    assert len(world.patches) == 1
    assert world.condition("Contained").reason == Reason.PERSON_WROTE


def test_a_variable_of_an_init_container_that_somebody_else_set_is_not_overwritten() -> None:
    start = Container("fetch", b.image("bad"), (("MODEL_REVISION", "8"),))
    writers = (ImageWriter(b.CONTAINER, FLUX, "old"), ImageWriter("fetch", FLUX, "old"))
    workload = b.workload(init_containers=(start,), image_writers=writers, keepers=(MODELS,))
    pins = [{"name": b.CONTAINER, "image": b.image("good")}]
    pins += [{"name": "fetch", "image": b.image("good"), "env": [{"name": "MODEL_REVISION", "value": "7"}]}]
    world = World(workload=workload, model=b.model({"knownGood": {"containers": pins}}))
    world.evidence = b.evidence().model_copy(update={"workload": b.seen(workload)})
    world.live(60)
    assert world.patches
    assert world.workload is not None
    other = dataclasses.replace(start, env=(("MODEL_REVISION", "9"),))
    containers = tuple(dataclasses.replace(c, image=b.image("bad")) for c in world.workload.containers)
    world.write(dataclasses.replace(world.workload, containers=containers, init_containers=(other,)), FLUX)
    world.live(60)
    assert len(world.patches) == 1
    assert world.condition("Contained").reason == Reason.PERSON_WROTE


def _revert_with(world: World, env: list[tuple[str, str]]) -> None:
    assert world.workload is not None
    containers = tuple(dataclasses.replace(c, image=b.image("bad"), env=tuple(env)) for c in world.workload.containers)
    world.write(dataclasses.replace(world.workload, containers=containers), FLUX)


def test_a_revert_is_answered_while_a_later_step_waits_for_a_person() -> None:
    world = kept()
    gate = {"name": "look", "action": "Gate", "gate": {"person": {}}, "timeout": "2h"}
    steps = [{"name": "evidence", "action": "FreezeEvidence"}, {"name": "pin", "action": "PinKnownGood"}, gate]
    world.playbooks = (b.playbook(steps=steps),)
    world.live(60)
    world.person_sets("bad", FLUX)
    world.live(60)
    assert len(world.patches) == 2
    assert world.image == b.image("good")

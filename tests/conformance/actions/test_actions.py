"""Every action in the registry: idempotent, undone by its undo, touching what it declares, resuming after a kill."""

from collections.abc import Mapping
from typing import Any

import pytest

from knowngood.api.plan import PlanStep, StepState
from knowngood.api.playbook import ActionName
from knowngood.core.facts.workload import Workload
from knowngood.core.response.changing import State, WorkloadAction
from knowngood.core.response.effects import Apply, Effect
from knowngood.core.response.playbooks import SUPPORTED
from knowngood.core.response.registry import ACTIONS
from tests import builders as b
from tests.patches import paths
from tests.scenarios.world import World, patched

pytestmark = pytest.mark.conformance
CHANGING = [a for a in ACTIONS if isinstance(a, WorkloadAction)]
OTHERS = [a for a in ACTIONS if not isinstance(a, WorkloadAction)]
PINNED = b.pinned("good", env=[{"name": "MODEL_REVISION", "value": "7"}], removeEnv=["EXTRA"])
BEFORE = b.workload(env={b.CONTAINER: [("MODEL_REVISION", "8"), ("EXTRA", "1"), ("OTHER", "x")]})
by_name = pytest.mark.parametrize("action", CHANGING, ids=lambda a: a.name)


def world(action: WorkloadAction, **changes: Any) -> World:
    """A breach, and a playbook that has this action alone."""
    outage = {"allowOutage": True} if action.name is ActionName.SCALE_TO_ZERO else {}
    steps = [{"name": "evidence", "action": "FreezeEvidence"}, {"name": "act", "action": action.name.value, **outage}]
    made = World(model=b.model({"knownGood": PINNED}), workload=BEFORE, playbooks=(b.playbook(steps=steps),), **changes)
    made.evidence = b.evidence().model_copy(update={"workload": b.seen(BEFORE)})
    return made


def step_of(there: World) -> PlanStep:
    assert there.status.plan is not None
    return there.status.plan.steps[1]


def patch_of(action: WorkloadAction) -> tuple[World, Mapping[str, Any], Workload]:
    """The world at the moment of its patch, the patch, and the workload after it."""
    there = world(action)
    seen: list[Apply] = []

    def note(_: World, effect: Effect) -> bool:
        if isinstance(effect, Apply):
            seen.append(effect)
        return False

    there.settle(note)
    assert len(seen) == 1
    return there, seen[0].mutation.patch, patched(BEFORE, seen[0].mutation.patch)


def test_every_supported_action_is_here_and_no_other() -> None:
    assert {a.name for a in ACTIONS} == SUPPORTED
    assert len({a.name for a in ACTIONS}) == len(ACTIONS)


@by_name
def test_it_touches_only_what_it_declares(action: WorkloadAction) -> None:
    _, patch, _ = patch_of(action)
    assert set(paths(patch)) <= set(action.writes)
    assert set(paths(patch)), "a patch of nothing proves nothing"


@by_name
def test_it_is_idempotent(action: WorkloadAction) -> None:
    there, _, after = patch_of(action)
    step = step_of(there).model_copy(update={"state": StepState.INTENDED, "started_at": None})
    assert action.state(there.facts, step, after) is State.THERE
    assert patched(after, action.patch(there.facts, after).patch).containers == after.containers
    assert not isinstance(action.advance(there.facts, step), Apply)


@by_name
def test_its_undo_puts_back_exactly_what_stood_there(action: WorkloadAction) -> None:
    there, _, after = patch_of(action)
    undo = action.undo(there.facts, step_of(there), after)
    assert undo is not None
    assert set(paths(undo.patch)) <= set(action.writes)
    back = patched(after, undo.patch)
    assert [(c.image, dict(c.env)) for c in back.containers] == [(c.image, dict(c.env)) for c in BEFORE.containers]
    assert (back.replicas, back.annotations) == (BEFORE.replicas, BEFORE.annotations)
    assert action.state(there.facts, step_of(there), back) is State.AS_SEEN


@by_name
def test_it_holds_only_for_what_was_read(action: WorkloadAction) -> None:
    there, _, after = patch_of(action)
    target = action.patch(there.facts, after).target
    assert (target.uid, target.resource_version) == (after.uid, after.resource_version)


@by_name
def test_another_writer_wins(action: WorkloadAction) -> None:
    there = world(action)

    def ahead(found: World, effect: Effect) -> bool:
        if isinstance(effect, Apply) and not found.patches and found.image == b.image("bad"):
            found.person_sets("fix")
            return True
        return False

    there.live(600, ahead)
    assert there.image == b.image("fix")


@by_name
@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("at", range(1, 14))
def test_it_resumes_after_a_kill_at_any_effect(action: WorkloadAction, at: int, lost: bool) -> None:
    there, count = world(action), 0

    def kill(found: World, effect: Effect) -> bool:
        nonlocal count
        count += 1
        if count != at:
            return False
        found.do(effect, lost)
        found.restart()
        found.poll()
        return True

    there.live(120, kill)
    assert len(there.patches) == 1
    assert step_of(there).state is StepState.DONE


@by_name
def test_it_needs_the_owners_consent(action: WorkloadAction) -> None:
    there = world(action)
    there.workload = b.workload(consent=None)
    there.live(600)
    assert there.patches == []


@pytest.mark.parametrize("action", ACTIONS, ids=lambda a: a.name)
def test_it_declares_its_rights_and_none_beyond(action: Any) -> None:
    for verb in action.verbs:
        assert "*" not in (verb.group, verb.resource, *verb.verbs)
        assert not {"escalate", "bind", "impersonate", "delete", "deletecollection"} & set(verb.verbs)
        assert verb.resource != "secrets"
    patches = any("patch" in v.verbs for v in action.verbs)
    assert patches == isinstance(action, WorkloadAction)


@pytest.mark.parametrize("action", OTHERS, ids=lambda a: a.name)
def test_what_does_not_contain_changes_nothing(action: Any) -> None:
    steps = [{"name": "only", "action": action.name.value}]
    there = World(playbooks=(b.playbook(steps=steps),))
    there.live(600)
    assert there.patches == []

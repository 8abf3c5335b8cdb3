"""Every action in the registry: idempotent, undone by its undo, touching what it declares, resuming after a kill."""

import dataclasses
from typing import Any

import pytest

from knowngood.api.plan import PlanStep, StepState
from knowngood.api.steps import ActionName
from knowngood.core.facts.workload import Workload
from knowngood.core.incidents.record import stepped
from knowngood.core.response.changing import Changing, State
from knowngood.core.response.effects import Apply, Effect
from knowngood.core.response.mutation import Mutation
from knowngood.core.response.onworkload import WORKLOAD
from knowngood.core.response.playbooks import SUPPORTED
from knowngood.core.response.registry import ACTIONS, action
from tests import builders as b
from tests.conformance.actions.cases import CASES, Case
from tests.patches import paths
from tests.scenarios.world import World, killed_at

pytestmark = pytest.mark.conformance
OTHERS = [a for a in ACTIONS if not isinstance(a, Changing)]
by_case = pytest.mark.parametrize("case", CASES, ids=str)
KINDS = {"Deployment": WORKLOAD, "StatefulSet": WORKLOAD, "Rollout": WORKLOAD}


def of(case: Case) -> Changing:
    found = action(case.name)
    assert isinstance(found, Changing)
    return found


def step_of(there: World) -> PlanStep:
    assert there.status.plan is not None
    return there.status.plan.steps[1]


def put(there: World, **changes: Any) -> None:
    """The step as it would be recorded at another moment."""
    status = stepped(there.status, step_of(there).name, changes)
    there.incident = there.incident.model_copy(update={"status": status})


def state(there: World) -> Any:
    """All that stands in the cluster, but for versions."""
    assert there.workload is not None
    counts = {"resource_version": "", "generation": 0, "observed_generation": 0}
    containers = tuple(dataclasses.replace(c, env=tuple(sorted(c.env))) for c in there.workload.containers)
    workload = dataclasses.replace(there.workload, containers=containers, **counts)  # type: ignore[arg-type]
    things = {}
    for ref, thing in there.things.items():
        if ref.kind == "NetworkPolicy":
            continue  # it stays, and selects nobody
        meta = {k: v for k, v in thing.raw["metadata"].items() if k != "resourceVersion" and v != {}}
        things[ref] = {**thing.raw, "metadata": meta}
    # a deadline cannot be taken off; it is set last, when nothing is undone any more
    pods = {p.name: (dict(p.labels), p.replaced_labels, p.ready) for p in (*there.pods, *there.cut_off)}
    return workload, things, there.model.status, pods


def done(case: Case) -> World:
    """The world once the step is done."""
    there = case.world()
    there.live(60)
    assert step_of(there).state is StepState.DONE
    assert there.patches or there.made, "no write proves nothing"
    return there


def undeclared(changing: Changing, patches: list[Mutation]) -> set[str]:
    """What the patches hold and the action does not declare."""
    found = set()
    for each in patches:
        allowed = changing.writes[KINDS.get(each.target.kind, each.target.kind)]
        found |= {p for p in paths(each.patch) if p not in allowed and not _any_key(p, allowed)}
    return found


def _any_key(path: str, allowed: tuple[str, ...]) -> bool:
    return any(each.endswith(".*") and path.startswith(each[:-1]) for each in allowed)


def test_every_supported_action_is_here_and_no_other() -> None:
    assert {a.name for a in ACTIONS} == SUPPORTED
    assert len({a.name for a in ACTIONS}) == len(ACTIONS)


def test_every_action_that_changes_the_cluster_has_a_case() -> None:
    assert {a.name for a in ACTIONS if isinstance(a, Changing)} == {case.name for case in CASES}


@by_case
def test_it_touches_only_what_it_declares(case: Case) -> None:
    assert undeclared(of(case), done(case).patches) == set()


@by_case
def test_it_is_idempotent(case: Case) -> None:
    there = done(case)
    put(there, state=StepState.INTENDED, started_at=None)
    assert of(case).state(there.facts, step_of(there)) is State.THERE
    assert not isinstance(of(case).advance(there.facts, step_of(there)), Apply)


@by_case
def test_its_undo_puts_back_exactly_what_stood_there(case: Case) -> None:
    there, before = done(case), state(case.world())
    written = len(there.patches)
    put(there, state=StepState.UNDOING)
    there.settle()
    if case.no_way_back:
        assert (step_of(there).state, len(there.patches)) == (StepState.FAILED, written)
        assert step_of(there).message == of(case).no_way_back
        return
    assert step_of(there).state is StepState.UNDONE
    assert state(there) == before
    assert undeclared(of(case), there.patches[written:]) == set()
    put(there, state=StepState.INTENDED)
    assert of(case).state(there.facts, step_of(there)) is State.AS_SEEN


@by_case
def test_it_holds_only_for_what_was_read(case: Case) -> None:
    """Each patch names the object at the version that was read."""
    there = case.world()
    assert isinstance(there.workload, Workload)

    def check(found: World, effect: Effect) -> bool:
        if isinstance(effect, Apply) and isinstance(effect.mutation, Mutation):
            target = effect.mutation.target
            known = [found.workload, found.model.metadata, *found.things.values(), *found.pods, *found.cut_off]
            assert (target.uid, target.resource_version) in [(k.uid, k.resource_version) for k in known if k]
        return False

    there.live(60, check)
    assert step_of(there).state is StepState.DONE


@by_case
def test_another_writer_wins(case: Case) -> None:
    there, ahead = case.world(), []

    def disturb(found: World, effect: Effect) -> bool:
        if isinstance(effect, Apply) and not ahead:
            case.disturb(found)
            ahead.append(True)
            return True
        return False

    there.live(600, disturb)
    assert ahead
    assert case.undisturbed(there)


@by_case
@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("at", range(1, 14))
def test_it_resumes_after_a_kill_at_any_effect(case: Case, at: int, lost: bool) -> None:
    plain, there = done(case), case.world()
    there.live(120, killed_at(at, lost))
    assert (len(there.patches), len(there.made)) == (len(plain.patches), len(plain.made))
    assert step_of(there).state is StepState.DONE
    assert state(there) == state(plain)


@by_case
def test_it_needs_the_owners_consent(case: Case) -> None:
    there = case.world()
    case.without_consent(there)
    there.live(600)
    assert there.patches == []
    assert step_of(there).reason == "ConsentMissing"
    assert "knowngood.dev/model" in step_of(there).message


@pytest.mark.parametrize("found", ACTIONS, ids=lambda a: a.name)
def test_it_declares_its_rights_and_none_beyond(found: Any) -> None:
    for verb in found.verbs:
        assert "*" not in (verb.group, verb.resource, *verb.verbs)
        assert not {"escalate", "bind", "impersonate", "delete", "deletecollection"} & set(verb.verbs)
        assert verb.resource != "secrets"
    writes = any({"patch", "create"} & set(v.verbs) for v in found.verbs if v.resource != "events")
    assert writes == (isinstance(found, Changing) or found.name is ActionName.GATE)


@pytest.mark.parametrize("found", OTHERS, ids=lambda a: a.name)
def test_what_does_not_contain_changes_nothing(found: Any) -> None:
    block = {"gate": {"person": {}}} if found.name is ActionName.GATE else {}
    steps = [{"name": "only", "action": found.name.value, **block}]
    there = World(playbooks=(b.playbook(steps=steps),))
    there.live(600)
    assert there.patches == []

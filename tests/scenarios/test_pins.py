"""PinKnownGood: several containers, init containers and variables; what holds a roll-out up is said."""

import dataclasses
from typing import Any

import pytest

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.facts.workload import Container, Pod, PodContainer, Workload
from knowngood.core.incidents.modelstatus import ModelFacts, status_of
from tests import builders as b
from tests.scenarios.world import World

pytestmark = pytest.mark.scenarios
LOADER = {"bad": f"{b.REGISTRY}/weights@{b.digest('w-bad')}", "good": f"{b.REGISTRY}/weights@{b.digest('w-good')}"}
PROXY = {"bad": f"{b.REGISTRY}/proxy@{b.digest('p-bad')}", "good": f"{b.REGISTRY}/proxy@{b.digest('p-good')}"}
PINS = {
    "containers": [
        *b.pinned()["containers"],
        {"name": "proxy", "image": PROXY["good"]},
        {"name": "weights", "image": LOADER["good"], "env": [{"name": "VERSION", "value": "7"}]},
    ]
}


def three(running: str) -> Workload:
    """A workload with a sidecar and an init container, all of one release."""
    first = (Container("weights", LOADER[running], (("VERSION", "8"), ("OTHER", "x"))),)
    return b.workload({b.CONTAINER: b.image(running), "proxy": PROXY[running]}, init_containers=first)


def running(name: str, release: str, first: str | None = None) -> Pod:
    loader = LOADER[first or release]
    containers = (PodContainer(b.CONTAINER, b.image(release), b.image(release)),)
    containers += (PodContainer("proxy", PROXY[release], PROXY[release]),)
    return b.pod(name, containers=containers, init_containers=(PodContainer("weights", loader, loader),))


class Three(World):
    """Its controller replaces the pods with all their containers."""

    def roll_out(self) -> None:
        super().roll_out()
        assert self.workload is not None
        release = "good" if self.image == b.image("good") else "bad"
        first = "good" if self.workload.init_containers[0].image == LOADER["good"] else "bad"
        self.pods = tuple(running(f"d-{release}-{i}", release, first) for i in range(2))


def step(found: World) -> PlanStep:
    assert found.status.plan is not None
    return next(s for s in found.status.plan.steps if s.name == "pin")


def test_every_container_goes_back_the_first_to_run_too() -> None:
    pods = tuple(running(f"d-{i}", "bad") for i in range(2))
    found = Three(model=b.model({"knownGood": PINS}), workload=three("bad"), pods=pods)
    found.settle()
    assert found.workload is not None
    assert found.workload.images == {b.CONTAINER: b.image("good"), "proxy": PROXY["good"]}
    (first,) = found.workload.init_containers
    assert first.image == LOADER["good"]
    assert dict(first.env) == {"VERSION": "7", "OTHER": "x"}
    noted = found.workload.annotations
    assert noted["knowngood.dev/replaced-env"] == "weights/VERSION=8"
    assert noted["knowngood.dev/replaced"].endswith(f"proxy={PROXY['bad']},weights={LOADER['bad']}")
    assert found.status.phase is IncidentPhase.CONTAINED


def test_a_pod_whose_first_container_is_another_is_not_done() -> None:
    pods = tuple(running(f"d-{i}", "bad") for i in range(2))
    found = Three(model=b.model({"knownGood": PINS}), workload=three("bad"), pods=pods)
    found.rolls_out = False
    found.settle()
    found.roll_out()
    found.pods = (running("d-0", "good"), running("d-1", "good", "bad"))
    found.live(30)
    assert found.status.phase is IncidentPhase.CONTAINING
    found.pods = (running("d-0", "good"), running("d-1", "good"))
    found.live(10)
    assert found.status.phase is IncidentPhase.CONTAINED


def test_undone_every_container_is_as_it_was() -> None:
    pods = tuple(running(f"d-{i}", "bad") for i in range(2))
    found = Three(
        model=b.model({"knownGood": PINS}),
        workload=three("bad"),
        pods=pods,
        playbooks=(b.playbook(onFailure="Undo"),),
        rolls_out=False,
    )
    found.live(320)
    assert found.workload is not None
    assert found.workload.every == three("bad").every
    assert found.workload.annotations == {}
    assert step(found).state is StepState.UNDONE


def test_a_promoted_release_has_its_init_containers() -> None:
    facts = ModelFacts(
        model=b.model(),
        workload=three("good"),
        pods=(running("d-0", "good"),),
        container=b.CONTAINER,
        policies=1,
        expected=(),
        views={},
        ties={},
        healthy_for={},
        soak=60,
        incident=None,
        suspicions=(),
        episode=1,
        now=b.at(100),
    )
    (release,) = status_of(facts).releases
    assert [(c.name, c.image) for c in release.containers] == [
        (b.CONTAINER, b.image("good")),
        ("proxy", PROXY["good"]),
        ("weights", LOADER["good"]),
    ]


def stateful(**changes: Any) -> World:
    """A StatefulSet of three pods; its controller does nothing until the test says so."""
    spec = {"workloadRef": {"kind": "StatefulSet"}, "knownGood": b.pinned()}
    workload = dataclasses.replace(b.workload(), kind="StatefulSet", replicas=3, **changes)
    pods = tuple(b.pod(f"digits-{i}", "bad") for i in range(3))
    return World(model=b.model(spec), workload=workload, pods=pods, rolls_out=False)


def replaced(found: World, *numbers: int) -> None:
    """Those pods run what the template declares, as far as the controller counts them."""
    assert found.workload is not None
    found.pods = tuple(b.pod(p.name, "good" if i in numbers else "bad") for i, p in enumerate(found.pods))
    made = found.workload
    counts = {"updated": len(numbers), "status_replicas": 3, "available": 3, "observed_generation": made.generation}
    found.workload = dataclasses.replace(made, **counts)


def test_a_set_that_waits_for_deletions_says_which_at_once_and_is_done_when_they_are() -> None:
    found = stateful(on_delete=True)
    found.live(10)
    assert len(found.patches) == 1
    assert step(found).reason == Reason.HELD
    assert "delete digits-0, digits-1, digits-2" in found.condition("Contained").message
    assert [e.reason for e in found.status.timeline].count("Held") == 1
    replaced(found, 0, 1)
    found.live(10)
    assert "OnDelete): delete digits-2" in found.condition("Contained").message
    replaced(found, 0, 1, 2)
    found.live(10)
    assert found.status.phase is IncidentPhase.CONTAINED


def test_if_nobody_deletes_them_it_has_failed_and_says_the_same() -> None:
    found = stateful(on_delete=True)
    found.live(320)
    assert step(found).reason == Reason.ROLL_OUT_STUCK
    assert "delete digits-0, digits-1, digits-2" in step(found).message
    replaced(found, 0, 1, 2)
    found.live(10)
    assert found.status.phase is IncidentPhase.CONTAINED, "late, but done"


def test_a_partition_that_keeps_suspects_is_said() -> None:
    found = stateful(partition=2)
    found.live(10)
    replaced(found, 2)
    found.live(10)
    said = found.condition("Contained").message
    assert "keeps digits-0, digits-1 as they are (spec.updateStrategy.rollingUpdate.partition: 2); lower it" in said
    assert found.condition("Contained").status is ConditionStatus.FALSE


def test_a_partition_above_which_alone_the_suspect_ran_is_no_hindrance() -> None:
    found = stateful(partition=2)
    found.pods = (b.pod("digits-0", "good"), b.pod("digits-1", "good"), b.pod("digits-2", "bad"))
    found.live(10)
    assert len(found.patches) == 1
    found.pods = tuple(b.pod(f"digits-{i}", "good") for i in range(3))
    assert found.workload is not None
    made = found.workload
    counts = {"updated": 1, "status_replicas": 3, "available": 3, "observed_generation": made.generation}
    found.workload = dataclasses.replace(made, **counts)
    found.live(10)
    assert found.status.phase is IncidentPhase.CONTAINED


def test_a_set_that_waits_for_a_broken_pod_says_which() -> None:
    found = stateful()
    found.live(10)
    found.pods = (b.pod("digits-0", "bad"), b.pod("digits-1", "bad"), b.pod("digits-2", "bad", ready=False))
    found.live(320)
    assert "it waits for digits-2 to be ready before it replaces it: delete it" in step(found).message


@pytest.mark.parametrize(
    ("pod", "problem", "says"),
    [
        ({"waiting": "model ImagePullBackOff: not found"}, "", "made-0: model ImagePullBackOff: not found"),
        ({}, "FailedCreate: exceeded quota: gpus", "FailedCreate: exceeded quota: gpus"),
        ({"waiting": "Unschedulable: no node has room"}, "", "Unschedulable: no node has room"),
    ],
)
def test_what_stands_in_its_way_is_said_in_the_controllers_words(pod: dict[str, Any], problem: str, says: str) -> None:
    found = World(rolls_out=False)
    found.live(10)
    assert found.workload is not None
    found.workload = dataclasses.replace(found.workload, problem=problem)
    found.pods = (*b.pods(), b.pod("made-0", "good", ready=False, **pod))
    found.live(320)
    assert step(found).reason == Reason.ROLL_OUT_STUCK
    assert says in step(found).message

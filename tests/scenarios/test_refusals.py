"""Where nothing may be written, nothing is, and the incident says why and what a person can do."""

import dataclasses
from collections.abc import Callable

import pytest

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.api.plan import StepState
from knowngood.core.signals.answer import DataState
from tests import builders as b
from tests.scenarios.world import World

pytestmark = pytest.mark.scenarios


def changed(world: World, **changes: object) -> World:
    assert world.workload is not None
    world.workload = dataclasses.replace(world.workload, **changes)  # type: ignore[arg-type]
    return world


def no_workload() -> World:
    return World(workload=None)


def other_containers() -> World:
    images = {"server": b.image("bad"), "proxy": b.image("bad")}
    return World(workload=b.workload(images))


REFUSALS: dict[str, tuple[Callable[[], World], Reason, str]] = {
    "nothing proven": (lambda: World(model=b.model()), Reason.NOTHING_PROVEN, "name one in spec.knownGood"),
    "already running": (
        lambda: World(model=b.model({"knownGood": b.pinned("bad")})),
        Reason.ALREADY_RUNNING,
        "a rollback cannot help",
    ),
    "registry": (lambda: World(registries=("other.local",)), Reason.REGISTRY_NOT_ALLOWED, "other.local"),
    "no consent": (
        lambda: World(workload=b.workload(consent=None)),
        Reason.CONSENT_MISSING,
        "label it knowngood.dev/model=digits",
    ),
    "another's consent": (
        lambda: World(workload=b.workload(consent="others")),
        Reason.CONSENT_MISSING,
        "label it knowngood.dev/model=digits",
    ),
    "paused": (lambda: changed(World(), paused=True), Reason.PAUSED, "resume it"),
    "no workload": (no_workload, Reason.WORKLOAD_NOT_FOUND, "there is no Deployment digits"),
    "no such container": (other_containers, Reason.CONTAINER_NOT_FOUND, "it has proxy, server"),
    "manual promotion": (
        lambda: World(model=b.model({"promotion": {"mode": "Manual"}}, [b.release("good", proven=0)])),
        Reason.NOTHING_PROVEN,
        "name one in spec.knownGood",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_no_patch_and_the_reason_and_what_to_do(name: str) -> None:
    make, reason, says = REFUSALS[name]
    world = make()
    world.live(600)
    said = world.condition("Contained")
    assert (said.status, said.reason) == (ConditionStatus.FALSE, reason)
    assert says in said.message
    assert world.patches == []
    assert world.status.phase is IncidentPhase.OPEN
    assert world.condition("EvidenceFrozen").status is ConditionStatus.TRUE
    assert sum(e.reason == "NotContained" for e in world.status.timeline) == 1, "said once"


def consent(world: World) -> None:
    assert world.workload is not None
    world.workload = dataclasses.replace(world.workload, labels={"knowngood.dev/model": b.MODEL})


def resume(world: World) -> None:
    changed(world, paused=False)


def prove(world: World) -> None:
    world.model = b.model(releases=[b.release("bad"), b.release("good", proven=0)])


def allow(world: World) -> None:
    world.registries = (b.REGISTRY,)


@pytest.mark.parametrize(
    ("name", "mend"),
    [("nothing proven", prove), ("no consent", consent), ("paused", resume), ("registry", allow)],
)
def test_a_blocked_pin_goes_on_once_a_person_has_mended_it(name: str, mend: Callable[[World], None]) -> None:
    world = REFUSALS[name][0]()
    world.live(60)
    assert world.patches == []
    mend(world)
    world.live(60)
    assert world.status.phase is IncidentPhase.CONTAINED
    assert len(world.patches) == 1
    assert world.image == b.image("good")
    assert world.status.plan is not None
    assert [s.state for s in world.status.plan.steps] == [StepState.DONE] * 3


@pytest.mark.parametrize(
    ("mode", "phase", "reason"),
    [
        ("DryRun", IncidentPhase.OPEN, Reason.DRY_RUN),
        ("Approval", IncidentPhase.AWAITING_APPROVAL, Reason.AWAITING_APPROVAL),
    ],
)
def test_dry_run_and_approval_plan_the_same_and_touch_nothing(mode: str, phase: IncidentPhase, reason: Reason) -> None:
    world, acting = World(policy=b.policy(responses=[b.response(mode=mode)])), World()
    world.live(600)
    acting.settle()
    assert world.patches == []
    assert world.image == b.image("bad")
    assert world.status.phase is phase
    assert world.condition("Contained").reason == reason
    assert world.status.plan is not None
    assert acting.status.plan is not None
    assert world.status.plan.known_good == acting.status.plan.known_good
    assert [s.action for s in world.status.plan.steps] == [s.action for s in acting.status.plan.steps]


def test_an_approval_written_by_anyone_is_not_honoured_while_it_cannot_be_guarded() -> None:
    world = World(policy=b.policy(responses=[b.response(mode="Approval")]))
    world.live(20)
    assert world.status.plan is not None
    approval = {"decision": "Approve", "by": "alice", "planHash": world.status.plan.hash}
    spec = b.incident(approval=approval).spec
    world.incident = world.incident.model_copy(update={"spec": spec})
    world.live(600)
    assert world.patches == []


@pytest.mark.parametrize("origin", ["User", "Alertmanager", "CloudEvent", "Drill"])
def test_what_a_person_or_an_alert_reports_never_acts_on_its_own(origin: str) -> None:
    world = World(incident=b.incident(origin=origin))
    world.live(600)
    assert world.patches == []
    assert world.status.phase is IncidentPhase.AWAITING_APPROVAL
    named = World(incident=b.incident(origin=origin), policy=b.policy(responses=[b.response(origins=[origin])]))
    named.live(60)
    assert named.status.phase is IncidentPhase.CONTAINED


def test_without_a_response_evidence_is_kept_and_it_is_told() -> None:
    world = World(policy=b.policy(responses=[b.response(types=["DataDrift"])]))
    world.live(60)
    assert world.condition("Contained").reason == Reason.NOTHING_TO_CONTAIN
    assert world.patches == []
    assert world.frozen == 1
    assert len(world.told) == 1
    assert world.condition("Contained").message.startswith("no step of the plan changes what answers, which goes on; ")
    assert "no response of the policy matches" in world.condition("Contained").message


def test_a_playbook_that_is_not_there_is_said() -> None:
    world = World(policy=b.policy(responses=[b.response(playbookRef={"name": "isolate"})]))
    world.live(60)
    assert world.condition("Contained").reason == Reason.PLAYBOOK_NOT_FOUND
    assert "there is no Playbook isolate in this namespace; apply one" in world.condition("Contained").message
    assert world.patches == []


@pytest.mark.parametrize("state", [s for s in DataState if s is not DataState.OK])
def test_nothing_advances_on_data_that_cannot_be_judged(state: DataState) -> None:
    world = World()
    world.settle()
    assert world.status.phase is IncidentPhase.CONTAINED
    lost = b.views(b.absent(state))
    for _ in range(200):
        world.later(5)
        world.views = lost
        world.settle()
    assert world.status.phase is IncidentPhase.CONTAINED
    assert world.condition("ContainmentEffective").status is ConditionStatus.UNKNOWN
    assert world.status.recovered_at is None


@pytest.mark.parametrize("state", [s for s in DataState if s is not DataState.OK])
def test_an_incident_does_not_recover_on_data_that_cannot_be_judged(state: DataState) -> None:
    world = World(model=b.model())
    world.settle()
    for _ in range(200):
        world.later(5)
        world.views = b.views(b.absent(state))
        world.settle()
    assert world.status.phase is IncidentPhase.OPEN


def test_it_passed_before_anyone_acted() -> None:
    world = World(model=b.model())
    world.settle()
    world.verdict_on = lambda running: Verdict.HEALTHY
    world.live(50)
    assert world.status.phase is IncidentPhase.OPEN
    world.live(60)
    assert world.status.phase is IncidentPhase.SELF_RECOVERED
    assert world.condition("Recovered").reason == Reason.SELF_RECOVERED


def test_it_passes_while_two_releases_answer_once_both_were_judged_healthy() -> None:
    world = World(model=b.model(), pods=(*b.pods("good"), *b.pods("bad")))
    world.settle()
    for beside, over in ((frozenset[str](), False), (frozenset({b.GOOD}), True)):
        since = world.seconds
        for _ in range(30):
            world.later(5)
            world.views = b.views(b.view(Verdict.HEALTHY, "bad", since, beside=beside))
            world.settle()
        assert (world.status.phase is IncidentPhase.SELF_RECOVERED) is over


def test_after_a_restart_a_new_incident_waits_for_its_signal_but_not_for_ever() -> None:
    world = World()
    world.restart()
    assert world.settle() == 1.0
    assert world.records == 0
    world.later(120)
    world.settle()
    assert world.status.phase is IncidentPhase.OPEN
    assert world.patches == [], "nothing is contained on a breach that nobody sees any more"
    world.poll()
    world.settle()
    assert world.status.phase is IncidentPhase.CONTAINED
    assert world.status.primary_signal == b.SIGNAL


def test_a_release_that_is_fine_is_not_blamed_for_a_breach_before_a_kill() -> None:
    world = World()
    world.restart()
    world.person_sets("fix")
    world.live(20)
    assert world.status.suspect is None
    world.live(200)
    assert world.patches == []
    assert world.image == b.image("fix")
    assert world.status.phase is IncidentPhase.SELF_RECOVERED


def test_known_good_environment_goes_back_with_the_image() -> None:
    known_good = b.pinned(env=[{"name": "MODEL_REVISION", "value": "7"}], removeEnv=["SHADOW"])
    env = {b.CONTAINER: [("MODEL_REVISION", "8"), ("SHADOW", "1"), ("OTHER", "x")]}
    world = World(model=b.model({"knownGood": known_good}), workload=b.workload(env=env))
    world.live(60)
    assert world.status.phase is IncidentPhase.CONTAINED
    assert world.workload is not None
    assert dict(world.workload.containers[0].env) == {"MODEL_REVISION": "7", "OTHER": "x"}


def test_a_persons_edit_of_a_pinned_variable_wins() -> None:
    """The shell's evidence shows the variables as they were when it broke."""
    from knowngood.api.evidence import Evidence
    from knowngood.core.incidents.evidence import workload as seen
    from knowngood.core.response import machine
    from knowngood.core.response.effects import Apply, Effect, FreezeEvidence

    known_good = b.pinned(env=[{"name": "MODEL_REVISION", "value": "7"}])
    world = World(
        model=b.model({"knownGood": known_good}), workload=b.workload(env={b.CONTAINER: [("MODEL_REVISION", "8")]})
    )

    def edit(world: World, effect: Effect) -> bool:
        assert world.workload is not None
        if isinstance(effect, FreezeEvidence):
            found = Evidence(frozen_at=b.at(11), budget="2s", took="1s", workload=seen(world.workload))
            world._record(machine.evidence_frozen(world.facts.with_status(effect.status), found))
            return True
        if isinstance(effect, Apply):
            other = b.workload(env={b.CONTAINER: [("MODEL_REVISION", "9")]}).containers
            if world.workload.containers != other:
                world.write(dataclasses.replace(world.workload, containers=other))
        return False

    world.live(60, edit)
    assert world.patches == []
    assert world.workload is not None
    assert dict(world.workload.containers[0].env) == {"MODEL_REVISION": "9"}
    assert world.condition("Contained").reason == Reason.PERSON_WROTE

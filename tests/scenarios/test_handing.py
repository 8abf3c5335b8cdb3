"""What stands only while an incident is open is handed back before it ends; what stays is named."""

from typing import Any

import pytest

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.facts.things import Ref
from knowngood.core.incidents.record import stepped
from knowngood.core.response.facts import Hold
from tests import builders as b
from tests.scenarios.world import World, killed_at

pytestmark = pytest.mark.scenarios
EVIDENCE = {"name": "evidence", "action": "FreezeEvidence"}
HOLD = {"name": "hold", "action": "PauseRollout"}
GUARD = {"name": "guard", "action": "SetFlag", "setFlag": {"flag": "safe-mode"}}
AWAY = {"name": "away", "action": "RerouteTraffic"}
CUT = {"name": "cut", "action": "Isolate"}
PIN = {"name": "pin", "action": "PinKnownGood"}
FLAG = {"name": "safe-mode", "configMapKeyRef": {"name": "guardrail", "key": "mode"}, "value": "strict"}
ENV = {"name": "safe-mode", "env": {"name": "RATE"}, "value": "10"}
SPEC = {"knownGood": b.pinned(), "flags": [FLAG], **b.SERVICE, **b.STANDBY}
GUARDRAIL, SERVICE = Ref("ConfigMap", "guardrail"), Ref("Service", b.MODEL)


def world(*steps: dict[str, Any], **changes: Any) -> World:
    things = {GUARDRAIL: b.thing("ConfigMap", "guardrail", {"data": {"mode": "relaxed"}}), SERVICE: b.service()}
    values = {"model": b.model(SPEC), "things": things, "standby": b.standby(), "unguarded": "", **changes}
    return World(playbooks=(b.playbook(steps=[EVIDENCE, *steps]),), **values)


def says(found: World, **spec: Any) -> None:
    raw = found.incident.to_object()
    found.incident = AIIncident.from_object({**raw, "spec": {**raw["spec"], **spec}})


def env(found: World) -> dict[str, str]:
    assert found.workload is not None
    return dict(found.workload.containers[0].env)


CLOSE = {"closeRequest": {"by": "alice"}}
DISMISS = {"disposition": {"verdict": "FalsePositive", "by": "alice"}}


def step(found: World, name: str) -> PlanStep:
    assert found.status.plan is not None
    return next(s for s in found.status.plan.steps if s.name == name)


def reasons(found: World) -> list[str]:
    return [e.reason for e in found.status.timeline]


@pytest.mark.parametrize(("word", "phase"), [(CLOSE, IncidentPhase.CLOSED), (DISMISS, IncidentPhase.DISMISSED)])
def test_held_roll_outs_are_let_go_before_the_end(word: dict[str, Any], phase: IncidentPhase) -> None:
    found = world(HOLD)
    found.live(30)
    assert found.workload is not None
    assert found.workload.paused
    says(found, **word)
    found.live(10)
    assert not found.workload.paused
    assert found.workload.annotations == {}
    assert found.status.phase is phase
    told = reasons(found)
    assert told.index("HandingBack") < told.index("HandedBack")
    assert step(found, "hold").state is StepState.UNDONE


def test_so_they_are_when_it_passes_by_itself() -> None:
    found = world(HOLD)
    found.live(30)
    found.verdict_on = lambda _: Verdict.HEALTHY
    found.live(200)
    assert found.workload is not None
    assert not found.workload.paused
    assert found.status.phase is IncidentPhase.SELF_RECOVERED


def test_what_may_not_be_let_go_is_named_when_it_passes_by_itself() -> None:
    found = world(HOLD)
    found.live(30)
    refused = {"state": StepState.FAILED, "reason": Reason.FAILED.value, "message": "the API server refused the patch"}
    found.incident = found.incident.model_copy(update={"status": stepped(found.status, "hold", refused)})
    found.verdict_on = lambda _: Verdict.HEALTHY
    found.live(200)
    assert found.status.phase is IncidentPhase.SELF_RECOVERED
    assert found.workload is not None
    assert found.workload.paused
    (left,) = [e.message for e in found.status.timeline if e.reason == "LeftAsIs"]
    assert "hold: the API server refused the patch" in left


@pytest.mark.parametrize("act", [GUARD, AWAY, CUT], ids=lambda a: a["action"])
def test_health_under_a_flag_or_a_route_away_ends_nothing(act: dict[str, Any]) -> None:
    found = world(act)
    found.live(30)
    found.verdict_on = lambda _: Verdict.HEALTHY
    found.live(600)
    assert found.status.phase is IncidentPhase.CONTAINED
    assert step(found, act["name"]).state is StepState.DONE


@pytest.mark.parametrize("act", [GUARD, AWAY], ids=lambda a: a["action"])
def test_a_fix_that_is_healthy_ends_it_and_they_are_taken_back(act: dict[str, Any]) -> None:
    found = world(act)
    before = {ref: dict(t.raw) for ref, t in found.things.items()}
    found.live(30)
    found.person_sets("fix")
    found.live(300)
    assert found.status.phase is IncidentPhase.RESOLVED
    assert step(found, act["name"]).state is StepState.UNDONE
    for ref, thing in found.things.items():
        kept = {k: v for k, v in thing.raw.items() if k != "metadata"}
        assert kept == {k: v for k, v in before[ref].items() if k != "metadata"}


@pytest.mark.parametrize("act", [GUARD, AWAY, CUT], ids=lambda a: a["action"])
def test_of_a_false_alarm_nothing_stays(act: dict[str, Any]) -> None:
    found = world(act)
    found.live(30)
    says(found, **DISMISS)
    found.live(10)
    assert found.status.phase is IncidentPhase.DISMISSED
    assert found.things[GUARDRAIL].raw["data"] == {"mode": "relaxed"}
    assert found.things[SERVICE].raw["spec"]["selector"] == {"app": "digits"}
    assert found.cut_off == ()
    assert reasons(found).count("JudgedFalsePositive") == 1


def test_who_closes_it_is_told_what_stays() -> None:
    found = world(GUARD, PIN)
    found.live(30)
    says(found, **CLOSE)
    found.live(10)
    assert found.status.phase is IncidentPhase.CLOSED
    assert found.things[GUARDRAIL].raw["data"] == {"mode": "strict"}
    (left,) = [e.message for e in found.status.timeline if e.reason == "LeftAsIs"]
    assert "guard: key mode of ConfigMap guardrail is 'strict'; pin: every pod runs" in left


def test_of_a_false_alarm_nothing_stays_that_was_only_written() -> None:
    """The flag is set, and the roll-out that reads it is under way."""
    found = world(GUARD, model=b.model({**SPEC, "flags": [ENV]}), rolls_out=False)
    found.live(30)
    assert step(found, "guard").state is StepState.INTENDED
    assert env(found) == {"RATE": "10"}
    says(found, **DISMISS)
    found.live(20)
    assert found.status.phase is IncidentPhase.DISMISSED
    assert env(found) == {}


@pytest.mark.parametrize("seconds", [30, 600], ids=["rolling out", "stuck"])
@pytest.mark.parametrize("word", [CLOSE, DISMISS], ids=["closed", "dismissed"])
def test_what_a_pin_wrote_is_named_whether_or_not_it_had_its_effect(word: dict[str, Any], seconds: int) -> None:
    found = world(PIN, rolls_out=False)
    found.live(seconds)
    assert found.status.contained_at is None
    says(found, **word)
    found.live(20)
    (left,) = [e.message for e in found.status.timeline if e.reason == "LeftAsIs"]
    assert "pin: " in left
    assert len(found.patches) == 1


def test_a_step_that_waits_does_not_begin_meanwhile() -> None:
    found = world(HOLD, {"name": "later", "action": "SetFlag", "setFlag": {"flag": "safe-mode"}}, things={})
    found.live(30)
    says(found, **CLOSE)
    found.things = world().things
    found.live(10)
    assert found.status.phase is IncidentPhase.CLOSED
    assert found.things[GUARDRAIL].raw["data"] == {"mode": "relaxed"}


def test_while_all_is_stopped_it_waits_and_then_ends() -> None:
    found = world(HOLD)
    found.live(30)
    found.hold = Hold(Reason.EMERGENCY_STOP, "stopped")
    says(found, **CLOSE)
    found.live(60)
    assert found.workload is not None
    assert found.workload.paused
    found.hold = None
    found.live(10)
    assert not found.workload.paused
    assert found.status.phase is IncidentPhase.CLOSED


def test_what_somebody_else_let_go_is_theirs() -> None:
    found = world(GUARD)
    found.live(30)
    found.write_thing(GUARDRAIL, {"data": {"mode": "theirs"}})
    says(found, **DISMISS)
    found.live(20)
    assert found.status.phase is IncidentPhase.DISMISSED
    assert found.things[GUARDRAIL].raw["data"] == {"mode": "theirs"}


@pytest.mark.parametrize("at", range(1, 14))
def test_a_kill_at_any_effect_hands_back_once(at: int) -> None:
    found = world(HOLD, GUARD)
    found.live(30)
    says(found, **DISMISS)
    found.live(60, killed_at(at))
    assert len(found.patches) == 4
    assert found.status.phase is IncidentPhase.DISMISSED

"""The shipped playbooks, as the manifests are: what each does to the cluster, and what it must not do."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from knowngood.api.aiincident import AIIncident
from knowngood.api.common import IncidentType
from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.api.plan import PlanStep, StepState
from knowngood.api.playbook import Playbook
from knowngood.core.facts.things import Ref
from knowngood.core.facts.workload import Pod
from knowngood.core.incidents.quarantine import quarantined
from knowngood.core.response.effects import Apply
from tests import builders as b
from tests.scenarios.world import World, killed_at

pytestmark = pytest.mark.scenarios
ROOT = Path(__file__).parents[2]
MANIFESTS = sorted(p for p in (ROOT / "manifests" / "playbooks").glob("*.yaml") if p.stem != "kustomization")
SERVICE, GUARDRAIL = Ref("Service", b.MODEL), Ref("ConfigMap", "guardrail")
FLAGS = [
    {"name": "safe-mode", "configMapKeyRef": {"name": "guardrail", "key": "mode"}, "value": "strict"},
    {"name": "rate-limit", "configMapKeyRef": {"name": "guardrail", "key": "requests-per-minute"}, "value": "60"},
]
EVERYTHING = {"knownGood": b.pinned(), **b.SERVICE, **b.STANDBY, "flags": FLAGS}
ANSWERS = {
    "ModelFailure": "pin-known-good",
    "DataDrift": "hold-rollouts",
    "PrivacyBreach": "isolate",
    "AdversarialAttack": "raise-guard",
    "SupplyChainCompromise": "quarantine-and-pin",
    "BiasIncident": "ask-then-pin",
}


def shipped() -> tuple[Playbook, ...]:
    """All of them, in the model's namespace."""
    found = (yaml.safe_load(path.read_text()) for path in MANIFESTS)
    return tuple(
        Playbook.from_object({**raw, "metadata": {**raw["metadata"], "namespace": b.NAMESPACE}}) for raw in found
    )


def responses() -> list[dict[str, Any]]:
    """Those that the documentation proposes, without their approvals: what is approved is done alike."""
    block = (ROOT / "docs" / "playbooks" / "index.md").read_text().split("```yaml\n")[1].split("```")[0]
    policy = IncidentPolicy.from_object(yaml.safe_load(block))
    return [{**r.to_object(), "mode": "Automatic"} for r in policy.spec.responses]


def world(of: str, spec: dict[str, Any] = EVERYTHING, instead: str | None = None, **changes: Any) -> World:
    """An incident of that type on a model that declares what playbooks may use; `instead` answers it."""
    signal = b.compiled({"type": of})
    first = b.view(of=signal)
    answers = [b.response(name="only", playbookRef={"name": instead})] if instead else responses()
    held = b.thing("ConfigMap", "guardrail", {"data": {"mode": "relaxed"}})
    values: dict[str, Any] = {
        "policy": b.policy([b.signal(type=of)], answers),
        "playbooks": shipped(),
        "model": b.model(spec),
        "incident": b.incident(found=first),
        "of": signal,
        "views": b.views(first),
        "things": {SERVICE: b.service(), GUARDRAIL: held},
        "standby": b.standby() if "standby" in spec else None,
        "unguarded": "",
    }
    return World(**{**values, **changes})


def step(found: World, name: str) -> PlanStep:
    assert found.status.plan is not None
    return next(s for s in found.status.plan.steps if s.name == name)


def selector(found: World) -> dict[str, str]:
    return dict(found.things[SERVICE].raw["spec"]["selector"])


def kinds(found: World) -> list[str]:
    """What was changed that is there for callers or pods, in order, each run of the same once."""
    named = [p.target.kind for p in found.patches]
    return [kind for i, kind in enumerate(named) if i == 0 or kind != named[i - 1]]


def test_each_is_in_the_kustomization() -> None:
    kustomization = yaml.safe_load((ROOT / "manifests" / "playbooks" / "kustomization.yaml").read_text())
    assert kustomization["resources"] == [path.name for path in MANIFESTS]
    assert [p.metadata.name for p in shipped()] == [path.stem for path in MANIFESTS]


def test_each_keeps_evidence_first_and_tells() -> None:
    for playbook in shipped():
        actions = [s.action.value for s in playbook.spec.contain]
        assert actions[0] == "FreezeEvidence", playbook.metadata.name
        assert "Notify" in actions, playbook.metadata.name


def test_none_takes_an_answer_away_by_itself() -> None:
    for playbook in shipped():
        rungs = [playbook.spec.contain, playbook.spec.escalate.steps if playbook.spec.escalate else []]
        assert not [s.name for rung in rungs for s in rung if s.allow_outage], playbook.metadata.name


@pytest.mark.parametrize("of", IncidentType)
def test_each_type_has_its_own(of: IncidentType) -> None:
    found = world(of.value)
    found.settle()
    assert found.status.plan is not None
    assert found.status.plan.playbook == ANSWERS[of.value]


@pytest.mark.parametrize("of", IncidentType)
def test_each_works_on_a_model_that_declares_nothing(of: IncidentType) -> None:
    """Nothing of it waits for ever in silence, and what can be done is done."""
    found = world(of.value, spec={"knownGood": b.pinned()})
    found.live(7200)
    waiting = [s for s in (found.status.plan.steps if found.status.plan else []) if s.state is StepState.PENDING]
    assert all(s.reason for s in waiting if s.rung == "Contain" and s.action not in ("Notify",))
    pinned = of not in (IncidentType.DATA_DRIFT, IncidentType.ADVERSARIAL_ATTACK)
    assert found.image == b.image("good" if pinned else "bad")
    if pinned or of is IncidentType.DATA_DRIFT:
        assert len(found.told) == 1


class TestPinKnownGood:
    def test_the_release_that_is_known_to_be_good(self) -> None:
        found = world("ModelFailure")
        found.live(60)
        assert kinds(found) == ["Deployment"]
        assert found.image == b.image("good")
        assert found.condition("ContainmentEffective").status is ConditionStatus.TRUE


class TestStandbyThenPin:
    def test_away_pinned_and_back(self) -> None:
        found = world("ModelFailure", instead="standby-then-pin")
        found.live(60)
        assert kinds(found) == ["Service", "Deployment", "Service"]
        assert selector(found) == {"app": "digits"}
        assert found.image == b.image("good")

    def test_without_a_standby_it_pins(self) -> None:
        found = world("ModelFailure", spec={"knownGood": b.pinned()}, instead="standby-then-pin")
        found.live(60)
        assert kinds(found) == ["Deployment"]
        assert step(found, "back").reason == Reason.ALREADY_SO


class TestHoldRollouts:
    def test_nothing_moves_and_nothing_is_rolled_back(self) -> None:
        found = world("DataDrift", verdict_on=lambda _: Verdict.BREACH)
        found.live(24 * 3600)
        assert found.image == b.image("bad")
        assert found.workload is not None
        assert found.workload.paused
        assert found.condition("Contained").reason == Reason.NOTHING_TO_CONTAIN
        (told,) = found.told
        assert told.reason == "IncidentNotContained"
        assert told.message.endswith("; not contained: no step of the plan changes what answers, which goes on")

    def test_it_is_let_go_when_the_drift_is_over(self) -> None:
        found = world("DataDrift", verdict_on=lambda _: Verdict.BREACH)
        found.live(60)
        found.verdict_on = lambda _: Verdict.HEALTHY
        found.live(24 * 3600)
        assert found.status.phase is IncidentPhase.SELF_RECOVERED
        assert found.workload is not None
        assert not found.workload.paused

    def test_a_person_who_lets_go_is_not_held_again(self) -> None:
        found = world("DataDrift", verdict_on=lambda _: Verdict.BREACH)
        found.live(60)
        assert found.workload is not None
        found.write(dataclasses.replace(found.workload, paused=False))
        found.live(600)
        assert not found.workload.paused
        assert (step(found, "hold").state, step(found, "hold").reason) == (StepState.FAILED, Reason.PERSON_WROTE)


class TestIsolate:
    def test_kept_refused_pinned_and_callers_back(self) -> None:
        found = world("PrivacyBreach")
        found.live(60)
        assert len(found.cut_off) == 2
        assert quarantined(found.model) == {b.BAD}
        assert found.image == b.image("good")
        assert selector(found) == {"app": "digits"}
        assert [t.reason for t in found.told] == ["IncidentContained"]

    def test_the_suspects_are_cut_off_before_the_pin_replaces_them(self) -> None:
        found = world("PrivacyBreach")
        found.settle()
        assert kinds(found) == ["Service", "Pod", "ModelDeployment", "Deployment", "Service"]

    def test_without_a_standby_none_is_kept_and_it_pins_all_the_same(self) -> None:
        found = world("PrivacyBreach", spec={"knownGood": b.pinned(), **b.SERVICE})
        found.live(60)
        assert found.cut_off == ()
        assert step(found, "cut").reason == Reason.NOBODY_ELSE
        assert quarantined(found.model) == {b.BAD}
        assert found.image == b.image("good")

    def test_a_release_that_leaks_alike_is_said_and_no_answer_is_taken_away(self) -> None:
        found = world("PrivacyBreach", verdict_on=lambda _: Verdict.BREACH)
        found.live(3600)
        assert found.condition("ContainmentEffective").status is ConditionStatus.FALSE
        assert found.workload is not None
        assert found.workload.replicas > 0


class TestRaiseGuard:
    def data(self, found: World) -> dict[str, str]:
        return dict(found.things[GUARDRAIL].raw["data"])

    def test_the_stricter_mode_and_no_rollback(self) -> None:
        found = world("AdversarialAttack", verdict_on=lambda _: Verdict.BREACH)
        found.live(300)
        assert self.data(found) == {"mode": "strict"}
        assert found.image == b.image("bad")
        assert kinds(found) == ["ConfigMap"]

    def test_an_attack_that_goes_on_is_slowed(self) -> None:
        found = world("AdversarialAttack", verdict_on=lambda _: Verdict.BREACH)
        found.live(1200)
        assert self.data(found) == {"mode": "strict", "requests-per-minute": "60"}
        assert found.image == b.image("bad")
        assert len(found.told) == 2

    def test_a_model_without_flags_says_which_are_missing(self) -> None:
        found = world("AdversarialAttack", spec={"knownGood": b.pinned()}, verdict_on=lambda _: Verdict.BREACH)
        found.live(300)
        assert found.patches == []
        assert "declares no flag safe-mode" in found.condition("Contained").message

    def test_a_fix_that_is_healthy_brings_the_flags_back(self) -> None:
        found = world("AdversarialAttack", verdict_on=lambda r: Verdict.HEALTHY if b.FIX in r else Verdict.BREACH)
        found.live(1200)
        found.person_sets("fix")
        found.live(24 * 3600)
        assert found.status.phase is IncidentPhase.RESOLVED
        assert self.data(found) == {"mode": "relaxed"}


class TestQuarantineAndPin:
    def test_it_is_refused_before_anything_else(self) -> None:
        found = world("SupplyChainCompromise")
        found.settle()
        assert kinds(found) == ["ModelDeployment", "Service", "Pod", "Deployment", "Service"]
        assert quarantined(found.model) == {b.BAD}
        assert found.image == b.image("good")
        assert len(found.cut_off) == 2

    def test_the_quarantine_and_the_suspects_outlast_the_incident(self) -> None:
        found = world("SupplyChainCompromise")
        found.live(60)
        found.person_sets("fix")
        found.live(24 * 3600)
        assert found.status.phase is IncidentPhase.RESOLVED
        assert quarantined(found.model) == {b.BAD}
        assert len(found.cut_off) == 2


class TestAskThenPin:
    def decides(self, found: World, decision: str) -> None:
        assert found.status.plan is not None
        given = {"name": "ask", "decision": decision, "by": "alice", "planHash": found.status.plan.hash}
        raw = found.incident.to_object()
        found.incident = AIIncident.from_object({**raw, "spec": {**raw["spec"], "gates": [given]}})

    def test_a_yes_pins_at_once(self) -> None:
        found = world("BiasIncident")
        found.live(60)
        assert found.patches == []
        self.decides(found, "Approve")
        found.live(10)
        assert found.image == b.image("good")

    def test_a_no_changes_nothing(self) -> None:
        found = world("BiasIncident")
        found.live(60)
        self.decides(found, "Reject")
        found.live(7200)
        assert found.patches == []

    def test_without_a_word_it_pins_after_an_hour(self) -> None:
        found = world("BiasIncident")
        found.live(3500)
        assert found.patches == []
        found.live(200)
        assert found.image == b.image("good")
        assert found.condition("Contained").status is ConditionStatus.TRUE


class TestNotifyOnly:
    def test_it_tells_and_changes_nothing(self) -> None:
        found = world("ModelFailure", instead="notify-only", verdict_on=lambda _: Verdict.BREACH)
        found.live(3600)
        assert found.patches == []
        assert len(found.told) == 1


def kept(found: World) -> tuple[list[Pod], int]:
    return list(found.cut_off), len(found.patches)


@pytest.mark.parametrize("of", IncidentType)
def test_a_kill_at_any_write_ends_the_same(of: IncidentType) -> None:
    whole = world(of.value)
    whole.live(60)
    writes = len(whole.patches)
    for at in range(writes):
        found = world(of.value)
        found.live(60, killed_at(at + 1, of=Apply))
        assert kept(found) == kept(whole)
        assert (found.things, found.image, found.told[-1:]) == (whole.things, whole.image, whole.told[-1:])

"""Which release to go back to, the plan and its hash, and the one patch."""

import copy
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from knowngood.api.common import Mode, Origin
from knowngood.api.conditions import Reason, find_condition
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.modelstatus import KnownGoodSource
from knowngood.api.plan import Plan, PlanStep, StepState
from knowngood.core.incidents.record import step, stepped
from knowngood.core.response import machine
from knowngood.core.response.actions import pin_known_good as action
from knowngood.core.response.changing import State
from knowngood.core.response.effects import FreezeEvidence, Record, Wait
from knowngood.core.response.facts import Facts
from knowngood.core.response.knowngood import (
    CHECKS,
    Candidate,
    Pin,
    Situation,
    candidates,
    choose,
    explain,
    refusal_of_pin,
)
from knowngood.core.response.plan import build
from knowngood.core.response.planned import plan_hash
from knowngood.core.response.playbooks import matching, mode_of
from tests import builders as b
from tests.scenarios.world import patched

pytestmark = pytest.mark.unit


def candidate(name: str = "good", container: str = b.CONTAINER, image: str | None = None) -> Candidate:
    return Candidate((Pin(container, image or b.image(name)),), KnownGoodSource.SPEC, b.digest(name))


def situation(**changes: Any) -> Situation:
    values: dict[str, Any] = {
        "workload": b.workload(),
        "container": b.CONTAINER,
        "running": frozenset({b.BAD}),
        "implicated": frozenset({b.BAD}),
        "registries": (),
    }
    return Situation(**{**values, **changes})


class TestChoice:
    TAG = candidate(image=f"{b.REPOSITORY}:v1")
    FAULTS = (
        (Reason.NOT_A_DIGEST, {"image": f"{b.REPOSITORY}:v1"}, {}),
        (Reason.CONTAINER_NOT_FOUND, {"container": "other"}, {}),
        (Reason.REGISTRY_NOT_ALLOWED, {}, {"registries": ("other.local",)}),
        (Reason.ALREADY_RUNNING, {}, {"running": frozenset({b.GOOD})}),
        (Reason.IMPLICATED, {}, {"implicated": frozenset({b.GOOD})}),
        (Reason.QUARANTINED, {}, {"quarantined": frozenset({b.GOOD})}),
    )

    def test_a_good_one_is_chosen(self) -> None:
        assert choose([candidate()], situation()).candidate == candidate()

    @pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f[0].value)
    def test_each_check_refuses(self, fault: tuple[Reason, dict[str, str], dict[str, Any]]) -> None:
        found = choose([candidate(**fault[1])], situation(**fault[2]))
        assert found.candidate is None
        assert [r.reason for r in found.refusals] == [fault[0]]

    @pytest.mark.parametrize(("first", "second"), list(combinations(range(len(FAULTS)), 2)))
    def test_in_this_order(self, first: int, second: int) -> None:
        one, two = self.FAULTS[first], self.FAULTS[second]
        found = choose([candidate(**{**two[1], **one[1]})], situation(**{**two[2], **one[2]}))
        assert found.refusals[0].reason is one[0]

    def test_there_is_a_fault_for_every_check(self) -> None:
        assert len(CHECKS) == len(self.FAULTS)

    def test_a_breach_on_known_good_says_so_and_tries_no_older_one(self) -> None:
        found = choose([candidate("bad"), candidate("good")], situation())
        assert found.candidate is None
        assert [r.reason for r in found.refusals] == [Reason.ALREADY_RUNNING]

    def test_known_good_beside_the_suspect_in_a_roll_out_can_help(self) -> None:
        both = situation(running=frozenset({b.BAD, b.GOOD}), suspect=b.BAD)
        assert choose([candidate("good")], both).candidate == candidate("good")
        assert choose([candidate("bad")], both).candidate is None

    def test_a_release_that_says_nothing_of_the_container_that_answers(self) -> None:
        workload = b.workload({"model": b.image("bad"), "proxy": "p"})
        found = choose([candidate(container="proxy")], situation(workload=workload))
        assert found.refusals[0].reason is Reason.CONTAINER_NOT_FOUND

    def test_nothing_to_choose_from(self) -> None:
        found = choose([], situation())
        assert found.refusals[0].reason is Reason.NOTHING_PROVEN
        assert "spec.knownGood" in explain(found.refusals)

    def test_a_persons_pin_alone_else_the_proven_newest_first(self) -> None:
        history = [b.release("a", proven=5), b.release("b", proven=50), b.release("c")]
        assert [c.digest for c in candidates(b.model(releases=history), b.CONTAINER)] == [b.digest("b"), b.digest("a")]
        only = candidates(b.model({"knownGood": b.pinned("good")}, history), b.CONTAINER)
        assert [(c.digest, c.source) for c in only] == [(b.GOOD, KnownGoodSource.SPEC)]

    def test_a_pin_that_could_not_be_gone_back_to_is_known_before_it_is_needed(self) -> None:
        good, workload = b.model({"knownGood": b.pinned("good")}), b.workload({b.CONTAINER: b.image("good")})
        elsewhere = ("registry.example.org",)

        def said(model: ModelDeployment, registries: tuple[str, ...] = (), implicated: str = "") -> Reason | None:
            found = refusal_of_pin(model, workload, b.CONTAINER, registries, frozenset({implicated}))
            return found.reason if found else None

        assert said(good) is None, "that it runs now is no fault of a pin"
        assert said(good, registries=elsewhere) is Reason.REGISTRY_NOT_ALLOWED
        assert said(good, implicated=b.GOOD) is Reason.IMPLICATED
        assert said(b.model(), registries=elsewhere, implicated=b.GOOD) is None, "nothing is pinned"
        other = b.workload({"other": b.image("good")})
        found = refusal_of_pin(good, other, "other", (), frozenset())
        assert found is not None
        assert found.reason is Reason.CONTAINER_NOT_FOUND


class TestPlan:
    def test_the_first_response_that_matches(self) -> None:
        policy = b.policy(
            responses=[
                b.response(name="drift", types=["DataDrift"]),
                b.response(name="critical", minSeverity="Critical"),
                b.response(name="user", origins=["User"]),
                b.response(name="high", minSeverity="High", types=["ModelFailure"], origins=["Signal"]),
                b.response(name="rest"),
            ]
        )
        found = matching(policy, b.incident().spec.type, b.incident().spec.severity, Origin.SIGNAL)
        assert found is not None
        assert found.name == "high"

    @pytest.mark.parametrize("origin", list(Origin))
    @pytest.mark.parametrize("mode", list(Mode))
    @pytest.mark.parametrize("named", [False, True])
    def test_modes(self, origin: Origin, mode: Mode, named: bool) -> None:
        made = b.response(mode=mode.value, origins=[origin.value] if named else [])
        response = b.policy(responses=[made]).spec.responses[0]
        observed = origin in {Origin.SIGNAL, Origin.INTEGRITY}
        wanted = Mode.APPROVAL if mode is Mode.AUTOMATIC and not observed and not named else mode
        assert mode_of(response, origin) is wanted

    def made(self, **changes: Any) -> Plan:
        return build(b.facts(**changes).ground)

    def test_the_hash_is_of_what_is_done(self) -> None:
        plan = self.made()
        assert plan.hash == plan_hash(plan)
        differing = [
            self.made(model=b.model({"knownGood": b.pinned("fix")})),
            self.made(policy=b.policy(responses=[b.response(mode="DryRun")])),
            self.made(policy=b.policy(responses=[b.response(name="other")])),
            self.made(policy=b.policy(responses=[])),
            self.made(workload=b.workload(uid="other")),
            self.made(model=b.model()),
        ]
        assert len({plan.hash, *(p.hash for p in differing)}) == 7

    def test_progress_is_no_part_of_the_hash(self) -> None:
        status = b.facts().incident.status.model_copy(update={"plan": self.made()})
        after = stepped(status, "pin", {"state": StepState.DONE, "started_at": b.at(3), "message": "m"})
        assert after.plan is not None
        assert plan_hash(after.plan) == after.plan.hash

    def test_pullability_is_said_to_be_unknown(self) -> None:
        assert any(n.startswith("PullabilityUnknown") for n in self.made().notes)

    def test_many_refusals_fit_into_the_record(self) -> None:
        history = [b.release(f"r{n}", proven=n) for n in range(50)]
        facts = b.facts(model=b.model(releases=history), registries=("x" * 400,))
        status = machine.evidence_frozen(facts.with_status(first(facts)), b.evidence())
        assert type(status).from_object(status.to_object()) == status
        assert len(find_condition(status.conditions, "Contained").message) <= 4096  # type: ignore[union-attr]


class TestPatch:
    TWO = b.workload(
        {"model": b.image("bad"), "proxy": "r/proxy:1"},
        {"model": [("A", "1"), ("GONE", "x")], "proxy": [("P", "1")]},
    )
    PINS = (Pin("model", b.image("good"), (("A", "2"), ("NEW", "3")), ("GONE",)),)

    def test_it_writes_what_it_declares_and_nothing_else(self) -> None:
        mutation = action.mutation(self.TWO, self.PINS, "digits-1")
        assert mutation.patch == {
            "metadata": {
                "annotations": {
                    "knowngood.dev/pinned-by": "digits-1",
                    "knowngood.dev/replaced": f"model={b.image('bad')},proxy=r/proxy:1",
                    "knowngood.dev/replaced-env": "model/A=1,model/NEW,model/GONE=x",
                }
            },
            "spec": {
                "template": {
                    "spec": {
                        "containers": [
                            {
                                "name": "model",
                                "image": b.image("good"),
                                "env": [
                                    {"name": "A", "value": "2"},
                                    {"name": "NEW", "value": "3"},
                                    {"name": "GONE", "$patch": "delete"},
                                ],
                            }
                        ]
                    }
                }
            },
        }
        after = patched(self.TWO, mutation.patch)
        assert after.container("proxy") == self.TWO.container("proxy")
        assert dict(after.containers[0].env) == {"A": "2", "NEW": "3"}
        assert replace(after, containers=(), annotations={}) == replace(self.TWO, containers=(), annotations={})

    def test_it_holds_only_for_what_was_read(self) -> None:
        target = action.mutation(self.TWO, self.PINS, "digits-1").target
        assert (target.uid, target.resource_version) == (b.WORKLOAD_UID, "100")

    def test_it_is_idempotent(self) -> None:
        seen = {"model": b.image("bad")}
        assert action.compare(self.TWO, self.PINS, seen) is State.AS_SEEN
        after = patched(self.TWO, action.mutation(self.TWO, self.PINS, "digits-1").patch)
        assert action.compare(after, self.PINS, seen) is State.THERE
        assert patched(after, action.mutation(after, self.PINS, "digits-1").patch) == after

    @pytest.mark.parametrize("name", ["fix", "older"])
    def test_another_image_is_another_writer(self, name: str) -> None:
        other = b.workload({"model": b.image(name), "proxy": "r/proxy:1"})
        assert action.compare(other, self.PINS, {"model": b.image("bad")}) is State.CHANGED

    def test_half_a_pin_is_not_pinned(self) -> None:
        only_image = b.workload({"model": b.image("good"), "proxy": "r/proxy:1"}, {"model": [("GONE", "x")]})
        assert action.compare(only_image, self.PINS, {"model": b.image("bad")}) is State.CHANGED

    def test_a_container_that_is_gone_is_not_made_anew(self) -> None:
        gone = b.workload({"proxy": "r/proxy:1"})
        assert action.compare(gone, self.PINS, {"model": b.image("bad")}) is State.CHANGED


def first(facts: Facts) -> AIIncidentStatus:
    """The status that the first decision wants, evidence being gathered."""
    effect = machine.decide(facts)
    assert isinstance(effect, FreezeEvidence)
    return effect.status


class TestMachine:
    def test_it_decides_the_same_twice_and_changes_nothing_given(self) -> None:
        facts = b.facts()
        before = copy.deepcopy(facts.incident.to_object())
        assert machine.decide(facts) == machine.decide(facts)
        assert facts.incident.to_object() == before

    @pytest.mark.parametrize("phase", ["Resolved", "Closed", "Dismissed", "SelfRecovered"])
    def test_what_is_over_is_left_alone(self, phase: str) -> None:
        assert machine.decide(b.facts(incident=b.incident({"phase": phase}))) == Wait()

    def test_an_action_of_a_newer_version_is_passed_over_and_said(self) -> None:
        facts = b.facts()
        status = first(facts)
        plan = status.plan
        assert plan is not None
        alien = PlanStep(name="alien", action="Tomorrows", state=StepState.INTENDED)
        status = status.model_copy(update={"plan": plan.model_copy(update={"steps": [alien]})})
        effect = machine.decide(facts.with_status(status))
        assert isinstance(effect, Record)
        after = step(effect.status, "Tomorrows")
        assert after is not None
        assert (after.state, after.reason) == (StepState.SKIPPED, Reason.NOT_SUPPORTED)

    def test_a_refusal_by_the_server_is_loud(self) -> None:
        facts = b.facts()
        frozen = machine.evidence_frozen(facts.with_status(first(facts)), b.evidence())
        after = machine.refused_by_server(facts.with_status(frozen), "x" * 100_000)
        assert after.phase is not None
        assert after.phase.value == "ContainmentFailed"
        assert type(after).from_object(after.to_object()) == after


DENIED = "ValidatingAdmissionPolicy 'kg.services' with binding 'kg.bound' denied request: spec.selector: app=x: write y"
SAID = "spec.selector: app=x: write y (admission policy kg.services)"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (f'services "digits" is forbidden: {DENIED}', SAID),
        (f'deployments.apps "digits" is invalid: : {DENIED}', SAID),
        ("exceeded quota: pods=3", "exceeded quota: pods=3"),
        ("", ""),
    ],
)
def test_what_a_policy_says_comes_before_its_name(message: str, said: str) -> None:
    assert machine.said_by_admission(message) == said

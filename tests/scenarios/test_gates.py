"""Gate: what follows waits for a person, a query or a Job; while it waits nothing else is held up."""

from typing import Any, ClassVar

import pytest

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.observed import Verdict
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.facts.things import Ref, read_thing
from knowngood.core.response import jobs
from knowngood.core.response.facts import Hold
from knowngood.core.signals.answer import Answer, DataState, failed
from tests import builders as b
from tests.scenarios.world import World, killed_at

pytestmark = pytest.mark.scenarios
EVIDENCE = {"name": "evidence", "action": "FreezeEvidence"}
PIN = {"name": "pin", "action": "PinKnownGood"}
QUERY = 'max(shadow_error_rate{model="$model"})'


def gate(**block: Any) -> dict[str, Any]:
    more = {k: block.pop(k) for k in ("timeout", "onFailure") if k in block}
    return {"name": "go", "action": "Gate", "gate": block, **more}


def world(*steps: dict[str, Any], escalate: dict[str, Any] | None = None, **changes: Any) -> World:
    return World(playbooks=(b.playbook(steps=[EVIDENCE, *steps, PIN], escalate=escalate),), unguarded="", **changes)


def step(found: World, name: str = "go") -> PlanStep:
    assert found.status.plan is not None
    return next(s for s in found.status.plan.steps if s.name == name)


def decides(found: World, decision: str = "Approve", plan_hash: str | None = None) -> None:
    assert found.status.plan is not None
    given = {"name": "go", "decision": decision, "by": "alice", "planHash": plan_hash or found.status.plan.hash}
    raw = found.incident.to_object()
    found.incident = AIIncident.from_object({**raw, "spec": {**raw["spec"], "gates": [given]}})


class TestPerson:
    def test_what_follows_waits_for_their_word(self) -> None:
        found = world(gate(person={"ask": "is the ticket open?"}))
        found.live(3600)
        assert found.patches == []
        assert step(found).state is StepState.INTENDED
        assert "decision: Approve" in step(found).message
        assert "is the ticket open?" in step(found).summary
        decides(found)
        found.live(10)
        assert found.image == b.image("good")
        assert step(found).message == "let through by alice"
        assert found.status.phase is IncidentPhase.CONTAINED

    @pytest.mark.parametrize("taken_back", [False, True])
    def test_their_word_is_of_the_plan_as_it_begins(self, taken_back: bool) -> None:
        """It may be held up after the gate, and another release be the known-good one by then."""
        found = world(gate(person={}), hold=Hold(Reason.LIMIT_REACHED, "another is first"))
        found.live(20)
        decides(found)
        found.live(20)
        assert step(found).state is StepState.DONE
        if taken_back:
            raw = found.incident.to_object()
            found.incident = AIIncident.from_object({**raw, "spec": {**raw["spec"], "gates": []}})
        else:
            found.model = b.model({"knownGood": b.pinned("older")})
        found.hold = None
        found.live(60)
        assert found.patches == []
        assert step(found).state is StepState.INTENDED
        assert found.condition("Contained").reason == Reason.AWAITING_APPROVAL
        decides(found)
        found.live(20)
        assert found.image == b.image("good" if taken_back else "older")
        assert found.status.phase is IncidentPhase.CONTAINED

    def test_that_they_are_asked_is_told_at_once(self) -> None:
        found = world(gate(person={"ask": "is the ticket open?"}, timeout="1h", onFailure="Continue"))
        found.live(10)
        said = found.condition("Contained")
        assert (said.status, said.reason) == (ConditionStatus.FALSE, Reason.AWAITING_APPROVAL)
        assert said.message.startswith("is the ticket open? Write {name: go, decision: Approve, by: <you>, planHash: ")
        assert said.message.endswith("into spec.gates, or decision: Reject; without a word within 1h it goes on")
        assert [e.message for e in found.status.timeline if e.reason == "NotContained"] == [said.message]

    def test_what_is_asked_ends_as_a_sentence(self) -> None:
        found = world(gate(person={"ask": "look at ticket 4711"}))
        found.live(10)
        said = found.condition("Contained").message
        assert said.startswith("look at ticket 4711. Write {")
        assert said.endswith("without a word within 24h it stays as it is")

    def test_their_yes_takes_the_question_back(self) -> None:
        found = world(gate(person={}))
        found.playbooks = (b.playbook(steps=[EVIDENCE, gate(person={}), {"name": "tell", "action": "Notify"}]),)
        found.live(10)
        decides(found)
        found.live(10)
        assert found.condition("Contained").reason == Reason.NOTHING_TO_CONTAIN

    def test_their_no_ends_the_plan(self) -> None:
        found = world(gate(person={}), escalate={"after": "5m", "steps": [b.AWAY]})
        found.live(10)
        decides(found, "Reject")
        found.live(3600)
        assert found.patches == []
        assert (step(found).state, step(found).reason) == (StepState.FAILED, Reason.REJECTED)
        assert step(found, "pin").reason == Reason.REJECTED

    def test_a_word_on_another_plan_does_not_count(self) -> None:
        found = world(gate(person={}))
        found.live(10)
        decides(found, plan_hash=b.digest("other"))
        found.live(30)
        assert found.patches == []
        assert "alice decided on the plan" in step(found).message

    def test_nor_one_that_was_written_while_nobody_checked_who_writes(self) -> None:
        found = world(gate(person={}))
        found.live(10)
        found.unguarded = "the policy is missing"
        decides(found)
        found.live(10)
        assert "nobody's word counts" in step(found).message
        found.unguarded = ""
        found.live(10)
        assert found.patches == []
        assert "remove that and write it anew" in step(found).message

    def test_nobody_within_the_time_closes_it_and_ends_the_rung(self) -> None:
        found = world(gate(person={}, timeout="1h"))
        found.live(3700)
        assert (step(found).state, step(found).reason) == (StepState.FAILED, Reason.GATE_CLOSED)
        assert (step(found, "pin").state, step(found, "pin").reason) == (StepState.SKIPPED, Reason.GATE_CLOSED)
        assert found.patches == []

    def test_with_continue_the_rung_goes_on_all_the_same(self) -> None:
        found = world(gate(person={}, timeout="10m", onFailure="Continue"))
        found.live(700)
        assert found.image == b.image("good")

    def test_else_the_next_rung_begins(self) -> None:
        found = world(gate(person={}, timeout="10m"), escalate={"after": "5m", "steps": [b.AWAY]})
        found.live(700)
        assert found.workload is not None
        assert found.workload.replicas == 0
        assert found.image == b.image("bad")

    def test_signals_are_followed_meanwhile(self) -> None:
        found = world(gate(person={}))
        found.live(60)
        found.verdict_on = lambda _: Verdict.HEALTHY
        found.live(300)
        assert found.status.phase is IncidentPhase.SELF_RECOVERED
        assert found.patches == []


class TestQuery:
    def test_it_opens_when_every_value_is_within(self) -> None:
        found = world(gate(promql={"query": QUERY, "below": 0.05}))
        asked: list[str] = []

        def answer(query: str) -> Answer:
            asked.append(query)
            values = (0.01, 0.2) if found.seconds < 60 else (0.01, 0.02)
            return Answer(DataState.OK, rows=tuple(b.row(v, kind=str(i)) for i, v in enumerate(values)))

        found.answer = answer
        found.live(40)
        assert found.patches == []
        assert step(found).reason == Reason.GATE_WAITS
        assert "is 0.2, not below 0.05" in step(found).message
        found.live(30)
        assert found.image == b.image("good")
        assert set(asked) == {'max(shadow_error_rate{model="digits",namespace="vision"})'}

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (failed(DataState.UNREACHABLE, "no connection"), "Unreachable"),
            (failed(DataState.PARTIAL, "a store is missing"), "Warnings"),
            (Answer(DataState.OK), "Empty"),
            (Answer(DataState.OK, rows=(b.row(float("nan")),)), "NotANumber"),
            (Answer(DataState.OK, rows=(b.row(0.01), b.row(float("inf")))), "NotANumber"),
        ],
    )
    def test_what_cannot_be_judged_opens_nothing_and_closes_it_only_in_time(self, answer: Answer, reason: str) -> None:
        found = world(gate(promql={"query": QUERY, "below": 0.05}, timeout="5m"), answer=lambda _: answer)
        found.live(240)
        assert (step(found).state, step(found).reason) == (StepState.INTENDED, reason)
        found.live(100)
        assert step(found).reason == Reason.GATE_CLOSED
        assert found.patches == []

    def test_a_query_that_leaves_the_namespace_is_refused(self) -> None:
        found = world(gate(promql={"query": "1 + 1", "below": 3}))
        found.live(30)
        assert step(found).reason == Reason.INVALID
        assert "gate.promql.query: the query selects no series" in step(found).message


class TestJob:
    THINGS: ClassVar = {
        Ref("CronJob", "smoke"): b.thing("CronJob", "smoke", {"spec": {"suspend": True, "jobTemplate": {"spec": {}}}})
    }
    JOB = jobs.ref(b.incident(), "go")

    def test_its_good_end_opens_it(self) -> None:
        found = world(gate(job={"template": "smoke"}), things=dict(self.THINGS))
        found.live(20)
        assert len(found.made) == 1
        assert found.image == b.image("good")

    def test_its_bad_end_closes_it(self) -> None:
        found = world(gate(job={"template": "smoke"}), things=dict(self.THINGS), job_ends="Failed")
        found.live(20)
        assert (step(found).state, step(found).reason) == (StepState.FAILED, Reason.JOB_FAILED)
        assert step(found, "pin").reason == Reason.GATE_CLOSED
        assert found.patches == []

    @pytest.mark.parametrize("at", range(1, 12))
    def test_a_kill_at_any_effect_runs_it_once(self, at: int) -> None:
        found = world(gate(job={"template": "smoke"}), things=dict(self.THINGS))
        found.live(60, killed_at(at))
        assert len(found.made) == 1
        assert found.image == b.image("good")

    def test_somebody_elses_job_of_that_name_is_no_word(self) -> None:
        theirs = read_thing({**b.thing("Job", self.JOB.name, {"status": {}}).raw})
        found = world(gate(job={"template": "smoke"}), things={**self.THINGS, self.JOB: theirs})
        found.live(20)
        assert step(found).reason == Reason.JOB_FAILED


def test_dry_run_asks_nobody() -> None:
    found = world(gate(person={}), policy=b.policy(responses=[b.response(mode="DryRun")]))
    found.live(60)
    assert step(found).state is StepState.SKIPPED

"""What an incident is follows from what changed near its onset; its plan follows from that, before anything is done."""

from typing import Any

import pytest

from knowngood.api.analysis import Analysis, Cause
from knowngood.api.common import IncidentType, Mode
from knowngood.api.conditions import Reason
from knowngood.api.evidence import Missing, SeenConfig, SeenDependency
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.observed import CauseKind, Verdict
from knowngood.api.plan import StepState
from knowngood.core.incidents import analysis
from knowngood.core.incidents.opening import SignalView
from knowngood.core.response.effects import Apply, Effect, FreezeEvidence
from tests import builders as b
from tests import samples as s
from tests.scenarios.world import World

pytestmark = pytest.mark.scenarios
SIGNALS = [b.signal(), b.signal(name="score-drift", type="DataDrift", severity="Medium")]
RESPONSES = [
    b.response(types=["ModelFailure"]),
    b.response(name="rest", playbookRef={"name": "notify-only"}),
]
NOTIFY = b.playbook("notify-only", [{"name": "keep", "action": "FreezeEvidence"}, {"name": "tell", "action": "Notify"}])


def accuracy(since: float = 295) -> SignalView:
    return b.view(since=since)


def drift(since: float = 295, verdict: Verdict = Verdict.BREACH, severity: str = "Medium") -> SignalView:
    named = {"name": "score-drift", "type": "DataDrift", "severity": severity, "ratio": {"window": "1m"}}
    return b.view(verdict, since=since, of=b.compiled(named))


def world(*views: SignalView, responses: Any = RESPONSES, evidence: Any = None, **changes: Any) -> World:
    values: dict[str, Any] = {
        "policy": b.policy(SIGNALS, responses),
        "playbooks": (b.playbook(), NOTIFY),
        "views": b.views(*(views or (accuracy(),))),
        "evidence": s.evidence(**(evidence or {})),
        "seconds": 300.0,
    }
    return World(**{**values, **changes})


def analysed(found: World) -> Analysis:
    assert found.status.analysis is not None
    return found.status.analysis


def first(found: World) -> Cause:
    return analysed(found).causes[0]


def said(found: World, reason: str) -> list[str]:
    return [e.message for e in found.status.timeline if e.reason == reason]


RELEASED = {"rollouts": [s.rollout(248, s.IMAGE)], "pods": [s.pod("digits-2-a", 249)]}


def test_a_bad_release() -> None:
    found = world(evidence=RELEASED)
    found.settle()
    assert found.image == b.image("good")
    assert first(found).kind is CauseKind.RELEASE
    made = analysed(found)
    assert made.onset_earliest is not None
    assert made.onset_latest is not None
    assert made.onset_earliest <= b.at(250) <= made.onset_latest
    assert made.assessed_type is found.status.type is IncidentType.MODEL_FAILURE
    assert said(found, "Analysed") == [made.sentence]
    assert made.sentence == (
        "accuracy went wrong at about 2026-11-23T06:04:10Z (between 2026-11-23T06:04:05Z and 2026-11-23T06:04:15Z); "
        "likeliest cause: Release at 2026-11-23T06:04:08Z (fits to 90 %): another image was rolled out: "
        "container model: image digits:1 → digits:2; assessed as ModelFailure"
    )
    assert said(found, "Reassessed") == []


def test_a_changed_configuration_and_no_release() -> None:
    config = SeenConfig(kind="ConfigMap", name="settings", sha256="ab", changed_at=b.at(200), live=True)
    found = world(evidence={"configs": [config]})
    found.settle()
    assert first(found).kind is CauseKind.CONFIGURATION
    assert "ConfigMap settings" in analysed(found).sentence
    assert found.status.type is IncidentType.MODEL_FAILURE


def test_drifted_input_with_no_change_in_the_cluster() -> None:
    """A rollback does not mend the input: what the policy asks for on drift is done, and nothing else."""
    found = world(accuracy(), drift())
    found.settle()
    assert found.status.type is IncidentType.DATA_DRIFT
    assert found.incident.spec.type is IncidentType.MODEL_FAILURE
    assert first(found).kind is CauseKind.INPUT_DISTRIBUTION
    assert [a.name for a in analysed(found).agreeing_signals] == ["score-drift"]
    assert found.patches == []
    plan = found.status.plan
    assert plan is not None
    assert (plan.response, plan.playbook) == ("rest", "notify-only")
    assert [s.state for s in plan.steps] == [StepState.DONE] * 2
    assert found.frozen == 1, "the evidence that is there is not gathered again"
    [why] = said(found, "Reassessed")
    assert why in plan.notes
    assert why == (
        "assessed as DataDrift, before as ModelFailure: response rest with playbook notify-only instead of response "
        "bad-release with playbook pin-known-good"
    )
    assert found.status.phase is IncidentPhase.OPEN
    assert found.condition("Contained").reason == Reason.NOTHING_TO_CONTAIN


def test_drift_while_a_change_of_the_workload_cannot_be_excluded_is_no_reason_to_do_less() -> None:
    found = world(accuracy(), drift(), evidence={"missing": [Missing(item="rollouts", reason="budget")]})
    found.settle()
    assert found.status.type is IncidentType.MODEL_FAILURE
    assert found.image == b.image("good")


def test_drift_beside_a_release_of_the_last_hour_is_no_reason_to_do_less() -> None:
    found = world(accuracy(), drift(), evidence={"rollouts": [s.rollout(-3_000, s.IMAGE)]})
    found.settle()
    assert first(found).kind is CauseKind.INPUT_DISTRIBUTION
    assert found.status.type is IncidentType.MODEL_FAILURE
    assert found.image == b.image("good")


def test_more_pods_for_more_traffic_do_not_speak_against_drift() -> None:
    found = world(accuracy(), drift(), evidence={"pods": [s.pod("digits-1-a", 240)]})
    found.settle()
    assert {c.kind for c in analysed(found).causes} == {CauseKind.INPUT_DISTRIBUTION, CauseKind.REPLICAS}
    assert found.status.type is IncidentType.DATA_DRIFT


def test_a_suspicion_of_drift_is_no_reason_to_do_less() -> None:
    pending = b.view(Verdict.INCONCLUSIVE, of=drift().signal, since=295, reason=Reason.PENDING)
    found = world(accuracy(), pending)
    found.settle()
    assert first(found).kind is CauseKind.INPUT_DISTRIBUTION
    assert [a.verdict for a in analysed(found).agreeing_signals] == [Verdict.INCONCLUSIVE]
    assert found.status.type is IncidentType.MODEL_FAILURE
    assert found.image == b.image("good")


UPSTREAM = SeenDependency(name="embedder", kind="ModelDeployment", object="embedder", changed_at=b.at(230))


def test_an_upstreams_release_changed() -> None:
    alone = world(evidence={"dependencies": [UPSTREAM]})
    alone.settle()
    assert first(alone).kind is CauseKind.UPSTREAM
    assert "the upstream model embedder runs another release" in analysed(alone).sentence
    assert alone.status.type is IncidentType.MODEL_FAILURE, "no signal of drift asked for another response"
    drifted = world(accuracy(), drift(), evidence={"dependencies": [UPSTREAM]})
    drifted.settle()
    assert first(drifted).kind is CauseKind.UPSTREAM
    assert drifted.status.type is IncidentType.DATA_DRIFT


def test_nothing_changed() -> None:
    found = world()
    found.settle()
    assert [c.kind for c in analysed(found).causes] == [CauseKind.UNKNOWN]
    assert "nothing that can be seen changed near the onset" in analysed(found).sentence
    assert found.status.type is IncidentType.MODEL_FAILURE
    assert found.image == b.image("good"), "not to know why is no reason to wait"


def test_signals_of_different_types_at_the_same_poll_are_one_incident_of_what_caused_them() -> None:
    lead = drift(severity="Critical")
    found = world(lead, accuracy(), incident=b.incident(found=lead), evidence=RELEASED)
    found.settle()
    assert found.incident.spec.type is IncidentType.DATA_DRIFT
    assert {x.name for x in found.status.signals} == {"accuracy", "score-drift"}
    assert found.status.type is IncidentType.MODEL_FAILURE
    assert found.image == b.image("good")
    assert found.frozen == 1


def test_a_release_without_a_signal_of_failure_calls_no_response_that_nobody_asked_for() -> None:
    lead = drift(severity="Critical")
    found = world(lead, incident=b.incident(found=lead), evidence={**RELEASED, "series": []})
    found.settle()
    assert first(found).kind is CauseKind.RELEASE
    assert found.status.type is IncidentType.DATA_DRIFT
    assert found.patches == []


def test_a_leak_stays_a_leak() -> None:
    leak = b.view(of=b.compiled({"name": "pii", "type": "PrivacyBreach"}), since=295)
    found = world(leak, drift(), incident=b.incident(found=leak))
    found.settle()
    assert found.status.type is IncidentType.PRIVACY_BREACH


def test_what_a_person_reports_stays_what_they_said() -> None:
    found = world(accuracy(), drift(), incident=b.incident(origin="User"))
    found.settle()
    assert analysed(found).assessed_type is found.status.type is IncidentType.MODEL_FAILURE


def test_a_report_without_a_signal_dates_from_when_it_was_known() -> None:
    found = world(b.view(Verdict.HEALTHY, "good"), incident=b.incident(origin="User", awareAt="2026-11-23T06:04:00Z"))
    found.settle()
    assert analysed(found).sentence.startswith("reported, known since 2026-11-23T06:04:00Z")
    assert analysed(found).onset_earliest is None


@pytest.mark.parametrize("mode", [Mode.APPROVAL, Mode.DRY_RUN])
def test_the_plan_that_is_shown_for_approval_is_that_of_the_assessed_type(mode: Mode) -> None:
    asks = [RESPONSES[0], {**RESPONSES[1], "mode": mode.value, "playbookRef": {"name": "pin-known-good"}}]
    found = world(accuracy(), drift(), responses=asks, unguarded="")
    found.settle()
    assert found.status.plan is not None
    assert found.status.plan.mode is mode
    assert found.patches == []
    waits = mode is Mode.APPROVAL
    assert (found.status.phase is IncidentPhase.AWAITING_APPROVAL) is waits
    records = found.records
    found.settle()
    assert found.records == records, "it is not planned anew"


def test_where_drift_asks_for_less_nobody_waits_for_an_approval() -> None:
    asks = [{**RESPONSES[0], "mode": "Approval"}, RESPONSES[1]]
    found = world(accuracy(), drift(), responses=asks, unguarded="")
    found.settle()
    assert found.status.phase is IncidentPhase.OPEN
    assert found.condition("Contained").reason == Reason.NOTHING_TO_CONTAIN


def test_a_signal_that_joins_may_change_what_it_is_but_not_the_plan_that_runs() -> None:
    found = world()
    found.settle()
    assert found.image == b.image("good")
    before = found.status.plan
    found.seconds += 20
    found.views = b.views(accuracy(), drift(since=315))
    found.settle()
    assert found.status.type is IncidentType.DATA_DRIFT
    assert said(found, "Reassessed") == ["assessed as DataDrift, before as ModelFailure; the plan stays as it was made"]
    assert found.status.plan is not None
    assert before is not None
    assert found.status.plan.hash == before.hash
    assert first(found).kind is CauseKind.INPUT_DISTRIBUTION
    records = found.records
    found.settle()
    assert found.records == records


def test_a_signal_that_joins_much_later_is_not_of_this_onset() -> None:
    found = world()
    found.settle()
    found.views = b.views(accuracy(), drift(since=900))
    found.seconds = 905
    found.settle()
    assert {x.name for x in found.status.signals} == {"accuracy", "score-drift"}
    assert found.status.type is IncidentType.MODEL_FAILURE
    assert analysed(found).agreeing_signals == []


def test_an_analysis_that_fails_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "causes", lambda _: 1 / 0)
    found = world(accuracy(), drift())
    found.settle()
    assert analysed(found).sentence.startswith("not analysed: ZeroDivisionError")
    assert found.status.type is IncidentType.MODEL_FAILURE
    assert found.image == b.image("good")


def test_the_analysis_costs_no_write() -> None:
    kinds: list[type[Effect]] = []

    def note(_: World, effect: Effect) -> bool:
        kinds.append(type(effect))
        return False

    world(accuracy(), evidence=RELEASED).settle(note)
    assert kinds[:2] == [FreezeEvidence, Apply]

"""A model's status: equal facts, equal status; running, known-good and phase from facts alone."""

from dataclasses import replace
from typing import Any

import pytest

from knowngood.api.conditions import ConditionStatus, Reason, find_condition
from knowngood.api.modelstatus import KnownGoodSource, ModelDeploymentStatus, ModelPhase, Quarantined
from knowngood.api.observed import NamedImage, Verdict
from knowngood.core.facts.workload import PodContainer
from knowngood.core.incidents.modelstatus import ModelFacts, container_of, status_of
from knowngood.core.incidents.suspicion import Suspicion
from knowngood.core.signals.answer import DataState
from tests import builders as b

pytestmark = pytest.mark.unit


def facts(**changes: Any) -> ModelFacts:
    values: dict[str, Any] = {
        "model": b.model(),
        "workload": b.workload({b.CONTAINER: b.image("good")}),
        "pods": b.pods("good"),
        "container": b.CONTAINER,
        "policies": 1,
        "expected": ((b.POLICY, b.SIGNAL),),
        "views": b.views(b.view(Verdict.HEALTHY, "good")),
        "ties": {"1": b.GOOD},
        "healthy_for": {b.GOOD: 100.0},
        "soak": 80.0,
        "incident": None,
        "suspicions": (),
        "episode": 0,
        "now": b.at(100),
    }
    return ModelFacts(**{**values, **changes})


def suspicion(ongoing: bool = True, blameless: bool = False) -> Suspicion:
    return Suspicion(b.GOOD, "digits-1", b.at(1_000), ongoing, blameless)


def again(before: ModelFacts, **changes: Any) -> ModelFacts:
    """The same world, later, the status written."""
    model = before.model.model_copy(update={"status": status_of(before)})
    return replace(before, model=model, **{"now": b.at(5_000), **changes})


def said(status: ModelDeploymentStatus, type: str) -> tuple[ConditionStatus, str, str]:
    found = find_condition(status.conditions, type)
    assert found is not None
    return found.status, found.reason, found.message


WORLDS = {
    "healthy": {},
    "pinned": {"model": b.model({"knownGood": b.pinned()})},
    "no data": {"views": b.views(b.absent())},
    "down": {"views": b.views(b.absent(DataState.UNREACHABLE))},
    "no pods": {"pods": ()},
    "no workload": {"workload": None, "pods": (), "container": ""},
    "incident": {"incident": "digits-1", "suspicions": (suspicion(),), "episode": 1},
    "rolling": {"pods": (*b.pods("good"), *b.pods("bad"))},
    "not judged": {"views": {}},
    "learning": {
        "views": b.views(b.view(Verdict.INCONCLUSIVE, "good", reason=Reason.LEARNING)),
        "learns": True,
        "learned": {(b.POLICY, b.SIGNAL): "20/50"},
    },
}


@pytest.mark.parametrize("name", WORLDS)
def test_equal_facts_give_an_equal_status(name: str) -> None:
    first = facts(**WORLDS[name])
    later = again(first)
    assert status_of(later) == later.model.status
    assert ModelDeploymentStatus.from_object(later.model.status.to_object()) == later.model.status


def test_a_healthy_model() -> None:
    found = status_of(facts())
    assert found.phase is ModelPhase.HEALTHY
    assert found.running is not None
    assert (found.running.short_digest, found.running.release) == (b.GOOD[7:19], "1")
    assert found.known_good is not None
    assert found.known_good.source is KnownGoodSource.PROMOTED
    assert found.known_good.containers[0].image == b.image("good")
    assert found.signals is not None
    assert found.signals.summary == "1/1"


@pytest.mark.parametrize(
    ("changes", "phase"),
    [
        ({"healthy_for": {}}, ModelPhase.LEARNING),
        ({"views": b.views(b.absent())}, ModelPhase.INCONCLUSIVE),
        ({"views": {}}, ModelPhase.INCONCLUSIVE),
        ({"expected": (), "views": {}}, ModelPhase.INCONCLUSIVE),
        ({"incident": "i"}, ModelPhase.INCIDENT),
        ({"model": b.model({"suspend": True}), "incident": "i"}, ModelPhase.SUSPENDED),
    ],
)
def test_phases(changes: dict[str, Any], phase: ModelPhase) -> None:
    assert status_of(facts(**changes)).phase is phase


def test_a_counter_that_counts_as_zero_for_want_of_any_is_said() -> None:
    remark = "no model has a series of blokced_total"
    view = b.view(Verdict.HEALTHY, "good", message=f"it did not happen; {remark}", remark=remark)
    found = status_of(facts(views=b.views(view)))
    assert found.phase is ModelPhase.HEALTHY, "what is rare may not have happened yet"
    value, reason, message = said(found, "SignalsAvailable")
    assert (value, reason) == (ConditionStatus.TRUE, Reason.NAME_NOT_SEEN)
    assert message == f"{b.POLICY}/{b.SIGNAL}: {remark}"
    assert found.signals is not None
    assert remark in found.signals.items[0].message


def test_how_much_was_learned_stands_before_what_is_remarked() -> None:
    view = b.view(Verdict.INCONCLUSIVE, Reason.LEARNING, message="being learned; no such label", remark="no such label")
    key = (b.POLICY, b.SIGNAL)
    found = status_of(facts(views={key: view}, learns=True, learned={key: "20/50"}))
    assert found.signals is not None
    assert found.signals.items[0].message == "being learned, 20 of 50 windows so far; no such label"


def test_an_ignored_signal_counts_neither_for_nor_against_the_model() -> None:
    ignored = b.view(Verdict.INCONCLUSIVE, reason=Reason.IGNORED, state=DataState.EMPTY, digest="")
    other = (b.POLICY, "latency")
    found = status_of(
        facts(
            expected=((b.POLICY, b.SIGNAL), other), views={**b.views(b.view(Verdict.HEALTHY, "good")), other: ignored}
        )
    )
    assert found.signals is not None
    assert (found.phase, found.signals.summary) == (ModelPhase.HEALTHY, "1/1")
    assert said(found, "SignalsAvailable")[0] is ConditionStatus.TRUE
    alone = status_of(facts(views=b.views(ignored)))
    assert alone.phase is ModelPhase.INCONCLUSIVE


class TestLabels:
    def test_one_that_only_an_incident_remembers_is_taken_from_there(self) -> None:
        """The history is written after the incident; a kill in between leaves the label in the incident alone."""
        killed = facts(model=b.model(releases=[b.release("good", "1"), b.release("bad")]), ties={})
        found = status_of(replace(killed, ties_told={"2": b.BAD}))
        assert {r.digest: r.release for r in found.releases} == {b.GOOD: "1", b.BAD: "2"}

    def test_a_suspect_that_ran_while_nothing_could_be_written_is_in_the_history_all_the_same(self) -> None:
        known = facts(model=b.model(releases=[b.release("good", "1")]), ties={}, incident="digits-1")
        ran = (NamedImage(name=b.CONTAINER, image=b.image("bad")), NamedImage(name="injected", image="sidecar:1"))
        about = Suspicion(b.BAD, "digits-1", b.at(90), ongoing=True, blameless=False, containers=ran)
        found = status_of(replace(known, suspicions=(about,), ties_told={"2": b.BAD}))
        bad = found.releases[0]
        assert (bad.digest, bad.release, bad.implicated_in) == (b.BAD, "2", "digits-1")
        assert bad.containers == [NamedImage(name=b.CONTAINER, image=b.image("bad"))], "what was injected is left out"
        assert (bad.first_seen, bad.last_seen, bad.proven_at) == (b.at(90), b.at(100), None)
        later = replace(
            known, model=known.model.model_copy(update={"status": found}), suspicions=(about,), now=b.at(200)
        )
        assert status_of(later).releases == found.releases
        over = replace(known, suspicions=(replace(about, ongoing=False),))
        assert [r.digest for r in status_of(over).releases] == [b.GOOD], "what the history has dropped stays so"

    def test_what_the_history_says_is_not_changed_by_an_incident(self) -> None:
        known = facts(model=b.model(releases=[b.release("good", "1"), b.release("bad", "2")]), ties={})
        found = status_of(replace(known, ties_told={"0": b.GOOD, "2": b.FIX}))
        assert {r.digest: r.release for r in found.releases} == {b.GOOD: "1", b.BAD: "2"}


class TestProof:
    def test_what_a_new_process_has_not_judged_yet_keeps_its_noted_health(self) -> None:
        noted = again(facts(healthy_for={b.GOOD: 40.0}))
        assert noted.model.status.releases[0].healthy_for == "40s"
        assert status_of(replace(noted, healthy_for={})).releases[0].healthy_for == "40s"

    def test_manual_promotion_proves_nothing_and_offers_nothing(self) -> None:
        manual = {"promotion": {"mode": "Manual"}}
        found = status_of(facts(model=b.model(manual)))
        assert found.known_good is None
        assert found.releases[0].proven_at is None
        assert status_of(facts(model=b.model(manual, [b.release("good", proven=0)]))).known_good is None
        assert "Manual" in said(found, "KnownGoodAvailable")[2]

    def test_a_proof_that_admission_refuses_is_said_and_the_rest_is_told(self) -> None:
        found = status_of(facts(proof_refused="spec.workloadRef runs another digest"))
        assert found.releases[0].proven_at is None
        assert found.signals is not None
        value, reason, message = said(found, "KnownGoodAvailable")
        assert (value, reason) == (ConditionStatus.FALSE, Reason.PROOF_REFUSED)
        assert "runs another digest" in message

    def test_a_pin_that_could_not_be_gone_back_to_is_said_before_it_is_needed(self) -> None:
        pinned = b.model({"knownGood": b.pinned("good")})
        assert said(status_of(facts(model=pinned)), "KnownGoodAvailable")[:2] == (ConditionStatus.TRUE, Reason.PINNED)
        refused = status_of(facts(model=pinned, pin_refused=(Reason.REGISTRY_NOT_ALLOWED, "x is not in y")))
        value, reason, message = said(refused, "KnownGoodAvailable")
        assert (value, reason) == (ConditionStatus.FALSE, Reason.REGISTRY_NOT_ALLOWED)
        assert message == "spec.knownGood: x is not in y"

    def test_during_a_roll_out_nothing_is_proven(self) -> None:
        found = status_of(facts(pods=(*b.pods("good"), *b.pods("bad"))))
        assert all(r.proven_at is None for r in found.releases)

    def test_a_suspect_is_marked_and_cannot_be_proven(self) -> None:
        found = status_of(facts(suspicions=(suspicion(),)))
        assert found.known_good is None
        assert found.releases[0].implicated_in == "digits-1"
        assert found.releases[0].proven_at is None

    def test_a_suspect_in_quarantine_is_marked_as_long_as_its_incident_is_open(self) -> None:
        entry = Quarantined(digest=b.GOOD, incident="digits-1", since=b.at(100))
        status = status_of(facts()).model_copy(update={"quarantined": [entry]})
        marked = facts(model=b.model().model_copy(update={"status": status}), suspicions=(suspicion(),))
        found = status_of(marked).releases[0]
        assert (found.implicated_in, found.proven_at) == ("digits-1", None)
        over = status_of(again(marked, suspicions=(suspicion(ongoing=False),))).releases[0]
        assert (over.implicated_in, over.proven_at) == (None, None)

    def test_a_proven_suspect_stays_known_good_while_it_is_asked_for(self) -> None:
        """Else an older release would take its place, and the incident would not say that a rollback cannot help."""
        found = status_of(again(facts(), suspicions=(suspicion(),)))
        assert found.known_good is not None
        assert found.releases[0].implicated_in == "digits-1"

    def test_what_an_incident_was_right_about_loses_its_proof(self) -> None:
        convicted = again(facts(), suspicions=(suspicion(ongoing=False),), healthy_for={})
        found = status_of(convicted)
        assert found.known_good is None
        assert (found.releases[0].implicated_in, found.releases[0].healthy_for) == (None, None)

    def test_it_can_be_proven_anew_after_that(self) -> None:
        convicted = again(facts(), suspicions=(suspicion(ongoing=False),), healthy_for={})
        found = status_of(again(convicted, healthy_for={b.GOOD: 100.0}, now=b.at(9_000)))
        assert found.known_good is not None
        later = again(again(convicted, healthy_for={b.GOOD: 100.0}, now=b.at(9_000)))
        assert status_of(later).known_good is not None

    def test_a_false_positive_leaves_the_proof(self) -> None:
        found = status_of(again(facts(), suspicions=(suspicion(ongoing=False, blameless=True),)))
        assert found.known_good is not None
        assert found.releases[0].implicated_in is None

    def test_a_container_that_was_injected_is_no_part_of_a_release(self) -> None:
        proxy = PodContainer("istio-proxy", "r/proxy:1", f"r/proxy@{b.FIX}")
        pods = tuple(replace(p, containers=(*p.containers, proxy)) for p in b.pods("good"))
        assert [c.name for c in status_of(facts(pods=pods)).releases[0].containers] == [b.CONTAINER]


class TestConditions:
    def test_a_source_that_is_down_is_said_with_its_reason(self) -> None:
        found = said(status_of(facts(views=b.views(b.absent(DataState.UNREACHABLE)))), "SignalsAvailable")
        assert found[:2] == (ConditionStatus.FALSE, "Unreachable")

    def test_few_samples_are_data_all_the_same(self) -> None:
        found = said(status_of(facts(views=b.views(b.absent(DataState.TOO_FEW)))), "SignalsAvailable")
        assert found[0] is ConditionStatus.TRUE

    @pytest.mark.parametrize(
        ("changes", "reason", "says"),
        [
            ({"workload": None, "pods": (), "container": ""}, Reason.WORKLOAD_NOT_FOUND, "spec.workloadRef"),
            ({"workload": b.workload(consent="x")}, Reason.CONSENT_MISSING, "write knowngood.dev/model=digits"),
            (
                {"workload": b.workload({"a": "x", "b": "y"}), "container": "", "model": b.model({"container": None})},
                Reason.CONTAINER_AMBIGUOUS,
                "write one of a, b",
            ),
            ({"workload": b.workload({"a": "x"}), "container": ""}, Reason.CONTAINER_NOT_FOUND, "it has a"),
            ({"policies": 0}, Reason.NO_POLICY, "labels: none"),
        ],
    )
    def test_what_is_wrong_and_what_to_write(self, changes: dict[str, Any], reason: Reason, says: str) -> None:
        found = said(status_of(facts(**changes)), "Ready")
        assert found[:2] == (ConditionStatus.FALSE, reason)
        assert says in found[2]

    def test_messages_of_any_length_fit(self) -> None:
        long = b.view(Verdict.INCONCLUSIVE, message="m" * 10_000, state=DataState.STALE, reason="Stale")
        found = status_of(facts(views=b.views(long)))
        assert ModelDeploymentStatus.from_object(found.to_object()) == found


def test_the_container_that_answers() -> None:
    assert container_of(b.model({"container": None}), b.workload()) == b.CONTAINER
    assert container_of(b.model(), None) == b.CONTAINER
    assert container_of(b.model({"container": None}), b.workload({"a": "x", "b": "y"})) == ""
    assert container_of(b.model({"container": "c"}), b.workload()) == ""


def test_a_field_that_no_code_heeds_is_said() -> None:
    wanted = {"dependencies": [{"name": "p", "configMapKeyRef": {"name": "f", "key": "v"}, "contract": "features"}]}
    status = status_of(facts(model=b.model(wanted)))
    ready = next(c for c in status.conditions if c.type == "Ready")
    assert (ready.status, ready.reason) == ("False", "NotSupported")
    assert "spec.dependencies" in ready.message


def test_learning_is_a_phase_and_tells_how_far_it_is() -> None:
    status = status_of(facts(**WORLDS["learning"]))
    assert status.phase is ModelPhase.LEARNING
    assert status.signals is not None
    item = status.signals.items[0]
    assert item.learned == "20/50"
    assert item.message.endswith(", 20 of 50 windows so far")
    assert said(status, "BaselinesLearned") == (
        ConditionStatus.FALSE,
        Reason.LEARNING,
        f"windows of healthy traffic learned so far: {b.POLICY}/{b.SIGNAL} 20/50; {b.SIGNAL}: {item.message}",
    )
    assert said(status, "SignalsAvailable")[0] is ConditionStatus.TRUE


def test_what_was_learned_is_said_only_of_models_whose_signals_learn() -> None:
    known = facts(learns=True)
    assert said(status_of(known), "BaselinesLearned")[:2] == (ConditionStatus.TRUE, Reason.LEARNED)
    assert find_condition(status_of(again(known, learns=False)).conditions, "BaselinesLearned") is None


def test_a_signal_without_data_is_inconclusive_though_another_learns() -> None:
    other = ("other", "signal")
    views = {**facts(**WORLDS["learning"]).views, other: b.absent()}
    learning = facts(**{**WORLDS["learning"], "views": views, "expected": ((b.POLICY, b.SIGNAL), other)})
    assert status_of(learning).phase is ModelPhase.INCONCLUSIVE


def test_a_rollout_is_not_served_where_it_is_not_watched_or_another_object_holds_its_template() -> None:
    model = b.model({"workloadRef": b.ROLLOUT_REF})
    unwatched = status_of(facts(model=model, workload=None, watched=False))
    assert said(unwatched, "Ready")[:2] == (ConditionStatus.FALSE, Reason.NOT_SUPPORTED)
    assert "set watch.rollouts: true to serve Rollout digits" in said(unwatched, "Ready")[2]
    elsewhere = replace(b.workload(**b.ROLLOUT), containers=(), elsewhere="Deployment digits")
    borrowed = status_of(facts(model=model, workload=elsewhere, container=""))
    assert said(borrowed, "Ready")[1] == Reason.NOT_SUPPORTED
    assert "takes its pod template from Deployment digits" in said(borrowed, "Ready")[2]

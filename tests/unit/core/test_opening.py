"""A breach becomes one incident with one name, and later signals join it."""

import re

import pytest

from knowngood.api.aiincident import AIIncident
from knowngood.api.common import Severity
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.observed import Verdict
from knowngood.core.facts.workload import PodContainer
from knowngood.core.incidents.naming import event_name, incident_name
from knowngood.core.incidents.opening import (
    SignalView,
    breaches,
    current,
    first_status,
    incident_object,
    joined,
    suspect_of,
)
from knowngood.core.incidents.record import MAX_TIMELINE, told
from knowngood.core.signals.compiled import compile_policy
from tests import builders as b

pytestmark = pytest.mark.unit
DNS = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def named(name: str, severity: str = "High", verdict: Verdict = Verdict.BREACH, since: float = 0) -> SignalView:
    return b.view(verdict, since=since, of=b.compiled({"name": name, "severity": severity}))


def status(*found: SignalView) -> AIIncidentStatus:
    return first_status(b.model(), b.incident(), 1, list(found), b.pods(), b.CONTAINER, b.at(10))


def written(made: AIIncidentStatus) -> AIIncidentStatus:
    """What the API server would hold: the models' bounds are the CRD's."""
    return AIIncidentStatus.from_object(made.to_object())


class TestNames:
    def test_the_same_episode_has_the_same_name_and_another_another(self) -> None:
        assert incident_name("digits", b.UID, 1) == incident_name("digits", b.UID, 1)
        names = {incident_name("digits", uid, n) for uid in (b.UID, "other") for n in range(50)}
        assert len(names) == 100

    @pytest.mark.parametrize("model", ["d", "a" * 253, "a" * 199 + "-b", "a" * 199 + "." + "b" * 20, "x." * 120 + "y"])
    def test_names_are_names(self, model: str) -> None:
        name = incident_name(model, b.UID, 10**9)
        assert DNS.fullmatch(name)
        assert len(name) <= 253
        for length in range(190, 202):
            event = event_name(incident_name("a" * length, b.UID, 1), "uid", "Opened")
            assert DNS.fullmatch(event)
            assert len(event) <= 253

    def test_the_type_is_no_part_of_the_name(self) -> None:
        drift = b.view(of=b.compiled({"type": "DataDrift"}))
        both = [incident_object(b.model(), 3, v, b.at()) for v in (b.view(), drift)]
        assert both[0]["metadata"]["name"] == both[1]["metadata"]["name"]  # type: ignore[index]

    def test_a_long_model_name_still_gives_an_object_that_the_server_accepts(self) -> None:
        name = "a" * 62 + "-" + "b" * 100
        raw = incident_object(b.model(name=name), 1, b.view(message="m" * 5_000), b.at())
        made = AIIncident.from_object(raw)
        assert made.spec.model_ref.name == name
        assert all(LABEL.fullmatch(v) for v in made.metadata.labels.values())


class TestFirst:
    def test_the_most_severe_leads(self) -> None:
        found = breaches([named("a", "Low"), named("b", "Critical"), named("c", verdict=Verdict.ERROR)])
        assert [v.signal.name for v in found] == ["b", "a"]
        made = status(*found)
        assert (made.primary_signal, made.severity) == ("b", Severity.CRITICAL)

    def test_of_equals_the_one_that_says_most_of_what_happened_leads(self) -> None:
        kinds = {"a": "DataDrift", "b": "ModelFailure", "c": "BiasIncident", "d": "PrivacyBreach"}
        found = [b.view(since=3, of=b.compiled({"name": n, "type": t})) for n, t in kinds.items()]
        assert [v.signal.name for v in breaches(found)] == ["d", "c", "b", "a"]
        earlier = b.view(since=1, of=b.compiled({"name": "e", "type": "DataDrift"}))
        assert breaches([*found, earlier])[0].signal.name == "e"

    def test_what_is_kept_of_a_verdict(self) -> None:
        (entry,) = status(b.view(value=0.123456789, count=199.6, segment={"group": "a"})).signals
        assert (entry.value, entry.threshold, entry.window, entry.samples) == ("0.123457", "below 0.9", "20s", 200)
        assert (entry.release, entry.segment, entry.first_breach_at) == ("bad", {"group": "a"}, b.at(0))
        assert "good_total" in entry.query

    def test_two_policies_with_a_signal_of_one_name_make_two_entries(self) -> None:
        other = SignalView(b.compiled(), b.judgement(), b.at())
        twin = compile_policy(b.policy(name="other"), [b.model()]).signals[0]
        made = status(other, SignalView(twin, b.judgement(), b.at()))
        assert [(s.policy, s.name) for s in made.signals] == [("digits-quality", "accuracy"), ("other", "accuracy")]
        assert written(made) == made
        after = joined(made, b.views(other, SignalView(twin, b.judgement(), b.at())), b.at(20))
        assert after == made

    def test_a_verdict_on_what_runs_no_more_opens_nothing(self) -> None:
        views = [b.view(running="bad")]
        assert current(views, {b.BAD}) == views
        assert current(views, {b.GOOD}) == []
        assert current([b.view(running="bad", digest="")], {b.GOOD}), "not told apart: it may be about what runs"

    def test_more_breaches_than_the_record_holds(self) -> None:
        many = [named(f"s{i:02}") for i in range(40)]
        made = status(*many)
        assert len(made.signals) == 32
        assert written(made) == made
        assert joined(made, b.views(*many), b.at(20)) == made


class TestSuspect:
    def test_the_release_that_was_judged(self) -> None:
        found = suspect_of([b.view()], (*b.pods("good", 3), *b.pods("bad", 1)), b.CONTAINER)
        assert found is not None
        assert (found.digest, found.release) == (b.BAD, "bad")
        assert found.containers[0].image == b.image("bad")

    def test_not_separable_takes_what_most_pods_run(self) -> None:
        blurred = b.view(digest="", not_separable=True, release=None)
        found = suspect_of([blurred], (*b.pods("good", 1), *b.pods("bad", 3)), b.CONTAINER)
        assert found is not None
        assert found.digest == b.BAD

    def test_nothing_runs(self) -> None:
        judged_but_gone = suspect_of([b.view()], (), b.CONTAINER)
        assert judged_but_gone is not None
        assert judged_but_gone.containers == []
        starting = b.pod("p", containers=(PodContainer(b.CONTAINER, b.image("bad"), ""),))
        assert suspect_of([b.view(digest="")], (starting,), b.CONTAINER) is None


class TestJoined:
    def test_a_later_signal_joins_and_raises_the_severity(self) -> None:
        made = joined(status(named("a")), b.views(named("a"), named("b", "Critical")), b.at(20))
        assert [s.name for s in made.signals] == ["a", "b"]
        assert made.severity is Severity.CRITICAL
        assert made.primary_signal == "a"
        assert made.timeline[-1].reason == "SignalJoined"

    def test_equal_facts_change_nothing(self) -> None:
        first = status(named("a"))
        assert joined(first, b.views(named("a")), b.at(999)) is first

    def test_a_verdict_that_changed_is_followed(self) -> None:
        made = joined(status(named("a")), b.views(named("a", verdict=Verdict.HEALTHY)), b.at(60))
        assert made.signals[0].verdict is Verdict.HEALTHY
        assert made.last_breach_at == b.at(60)
        assert made.signals[0].value == "0.2", "the value at the breach stays"

    def test_what_is_not_a_breach_does_not_join(self) -> None:
        for verdict in (Verdict.HEALTHY, Verdict.INCONCLUSIVE, Verdict.ERROR):
            first = status(named("a"))
            assert joined(first, b.views(named("b", verdict=verdict)), b.at(20)) is first

    def test_a_signal_leads_where_none_did(self) -> None:
        assert joined(status(), b.views(named("a")), b.at(20)).primary_signal == "a"


def test_the_timeline_is_bounded_and_keeps_its_beginning_and_its_end() -> None:
    made = AIIncidentStatus()
    for number in range(3 * MAX_TIMELINE):
        made = told(made, b.at(number), "Told", str(number) * 5_000)
    assert len(made.timeline) == MAX_TIMELINE
    assert made.timeline[0].time == b.at(0)
    assert made.timeline[-1].time == b.at(3 * MAX_TIMELINE - 1)
    assert written(made) == made

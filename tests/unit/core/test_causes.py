"""What changed near the onset: ranked by nearness and kind, the same in any order, and honest where nothing did."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.analysis import OnsetMethod
from knowngood.api.common import IncidentType
from knowngood.api.evidence import Change, Evidence, Missing, SeenConfig, SeenDependency
from knowngood.api.incidentstatus import Suspect
from knowngood.api.modelstatus import Ran
from knowngood.api.observed import CauseKind, RunningContainer, Verdict
from knowngood.core.incidents.causes import blind, causes
from knowngood.core.incidents.neighbours import digest_of
from knowngood.core.incidents.onset import Onset
from knowngood.core.incidents.scene import Scene, Sign, nearness, overlap
from tests import builders as b
from tests import samples as s

pytestmark = pytest.mark.unit
T = b.START.timestamp()
ONSET = Onset(T + 250, T + 245, T + 255, OnsetMethod.CHANGE_POINT)


def sign(since: float = 260, verdict: Verdict = Verdict.BREACH, pending: bool = False, **changes: Any) -> Sign:
    values: dict[str, Any] = {"policy": b.POLICY, "name": "drift", "type": IncidentType.DATA_DRIFT, "reach": 60.0}
    return Sign(**{**values, **changes}, verdict=verdict, pending=pending, since=T + since)


def scene(*signs: Sign, onset: Onset = ONSET, releases: Any = (), **changes: Any) -> Scene:
    return Scene(s.evidence(**changes), onset, Suspect(digest=b.BAD), releases, signs)


def kinds(found: Scene) -> list[CauseKind]:
    return [c.kind for c in causes(found)]


def score(found: Scene, kind: CauseKind) -> int:
    return next((c.score for c in causes(found) if c.kind is kind), 0)


def test_a_cause_comes_first() -> None:
    assert nearness(T + 250, ONSET) == nearness(T + 256, ONSET) == 1.0
    assert nearness(T + 260, ONSET) == 0.0
    assert 1.0 > nearness(T + 200, ONSET) > nearness(T, ONSET) > nearness(T - 86_400, ONSET) > 0
    assert overlap(T + 240, T + 400, ONSET) == 1.0
    assert overlap(T + 300, T + 400, ONSET) == 0.0


def test_a_roll_out_at_the_onset_is_the_likeliest_cause() -> None:
    found = causes(scene(rollouts=[s.rollout(248, s.IMAGE, s.ENV)], pods=[s.pod("digits-2-a", 249)]))
    assert [c.kind for c in found] == [CauseKind.RELEASE, CauseKind.ENVIRONMENT]
    assert found[0].score == 90
    assert found[0].changed_at == b.at(248)
    assert any("first since 2026-11-23T06:04:09Z" in e for e in found[0].evidence)


def test_a_roll_out_after_the_onset_is_no_cause() -> None:
    assert kinds(scene(rollouts=[s.rollout(290, s.IMAGE)])) == [CauseKind.UNKNOWN]


def test_a_roll_out_that_got_its_old_replica_set_back_is_dated_by_its_pods() -> None:
    back = [s.rollout(-90_000, s.IMAGE, revision="3"), s.rollout(-86_400, s.IMAGE, name="digits-1")]
    found = causes(scene(rollouts=back, pods=[s.pod("digits-2-a", 240), s.pod("digits-2-b", 244)]))
    assert (found[0].kind, found[0].changed_at) == (CauseKind.RELEASE, b.at(240))
    known = causes(scene(rollouts=back, pods=[], releases=history(243)))
    assert (found[0].kind, known[0].changed_at) == (CauseKind.RELEASE, b.at(243))


def test_a_roll_out_of_what_does_not_answer_now_is_no_cause() -> None:
    pin = s.rollout(249, s.IMAGE, name="digits-1", revision="3", running="good")
    suspect = s.rollout(200, s.IMAGE)
    ran = [RunningContainer(name=b.CONTAINER, image=b.image("bad"), digest=b.BAD)]
    found = Scene(s.evidence(rollouts=[pin, suspect]), ONSET, Suspect(digest=b.BAD, containers=ran))
    assert causes(found)[0].changed_at == b.at(200), "a pin took the suspect away: it did not bring it"
    alone = Scene(s.evidence(rollouts=[pin]), ONSET, Suspect(digest=b.BAD, containers=ran))
    assert kinds(alone) == [CauseKind.RELEASE], "images that admission rewrites tell no roll-out from another"


def test_pods_that_began_anew_are_no_roll_out() -> None:
    assert kinds(scene(pods=[s.pod("digits-1-a", 240)], releases=history(-86_400))) == [CauseKind.REPLICAS]


def history(began: float) -> list[Any]:
    bad = b.release("bad", ran=[Ran(from_=b.at(began))])
    return [bad, b.release("good", proven=0, ran=[Ran(from_=b.at(-900_000), to=b.at(began))])]


def test_the_models_history_tells_of_a_release_where_no_roll_out_does() -> None:
    found = causes(scene(rollouts=[], releases=history(240)))
    assert found[0].kind is CauseKind.RELEASE
    assert "for the first time" in found[0].evidence[0]
    assert "which is proven" in found[0].evidence[1]


def test_the_first_release_ever_seen_is_no_change() -> None:
    assert kinds(scene(rollouts=[], releases=history(240)[:1])) == [CauseKind.UNKNOWN]


def config(at: float, live: bool) -> list[SeenConfig]:
    return [SeenConfig(kind="ConfigMap", name="settings", sha256="ab", changed_at=b.at(at), live=live)]


def test_a_written_config_map_is_a_cause_where_a_pod_has_read_it() -> None:
    assert score(scene(configs=config(200, live=True)), CauseKind.CONFIGURATION) > 70
    unread = scene(configs=config(200, live=False))
    assert score(unread, CauseKind.CONFIGURATION) < 20
    begun = scene(configs=config(200, live=False), pods=[s.pod("digits-1-a", 230)])
    assert score(begun, CauseKind.CONFIGURATION) > 70


def test_equals_stand_in_the_same_order_whatever_the_order_of_the_facts() -> None:
    one, two = (c.model_copy(update={"name": n}) for n, c in zip("ab", config(200, True) * 2, strict=True))
    assert causes(scene(configs=[one, two])) == causes(scene(configs=[two, one]))


def test_pods_and_their_number_are_weak_causes() -> None:
    scaled = s.evidence().workload.model_copy(update={"scaled_at": b.at(249)})  # type: ignore[union-attr]
    assert score(scene(workload=scaled), CauseKind.REPLICAS) == 35
    moved = scene(pods=[s.pod("digits-1-a", 240)])
    assert kinds(moved) == [CauseKind.REPLICAS]
    rolled = scene(pods=[s.pod("digits-2-a", 249)], rollouts=[s.rollout(248, s.IMAGE)])
    assert kinds(rolled) == [CauseKind.RELEASE]


def test_drift_that_agrees_is_a_cause_and_a_suspicion_a_weaker_one() -> None:
    assert score(scene(sign()), CauseKind.INPUT_DISTRIBUTION) == 65
    pending = sign(verdict=Verdict.INCONCLUSIVE, pending=True)
    assert score(scene(pending), CauseKind.INPUT_DISTRIBUTION) == 40
    assert kinds(scene(sign(since=900, reach=60))) == [CauseKind.UNKNOWN]
    assert kinds(scene(sign(verdict=Verdict.INCONCLUSIVE))) == [CauseKind.UNKNOWN]


def test_a_release_near_outweighs_drift() -> None:
    found = scene(sign(), rollouts=[s.rollout(248, s.IMAGE)])
    assert kinds(found) == [CauseKind.RELEASE, CauseKind.INPUT_DISTRIBUTION]


def dependency(**changes: Any) -> list[SeenDependency]:
    values: dict[str, Any] = {"name": "up", "kind": "ModelDeployment", "object": "embedder", "contract": "e"}
    return [SeenDependency(**{**values, **changes})]


def test_an_upstreams_new_release_or_incident_is_a_cause() -> None:
    released = scene(dependencies=dependency(changed_at=b.at(240)))
    assert score(released, CauseKind.UPSTREAM) == 80
    broken = scene(dependencies=dependency(incident="embedder-1", incident_opened_at=b.at(300)))
    assert score(broken, CauseKind.UPSTREAM) == 85
    assert "embedder-1" in causes(broken)[0].summary
    old = scene(dependencies=dependency(incident="embedder-1", incident_opened_at=b.at(-90_000)))
    assert score(old, CauseKind.UPSTREAM) == 30
    assert kinds(scene(dependencies=dependency())) == [CauseKind.UNKNOWN]


def test_a_dependency_that_is_not_what_known_good_requires_says_so() -> None:
    version = digest_of("v4")
    written = {"kind": "ConfigMap", "object": "features", "changed_at": b.at(200), "version": version, "required": "v3"}
    found = causes(scene(dependencies=dependency(**written), configs=config(200, live=True)))
    assert found[0].kind is CauseKind.DEPENDENCY
    assert f"e is not v3, which known-good requires, but {version}" in found[0].evidence
    same = causes(scene(dependencies=dependency(**{**written, "required": "v4"})))
    assert same[0].score < found[0].score


def test_a_config_map_that_is_a_dependency_is_told_once() -> None:
    both = scene(
        dependencies=dependency(kind="ConfigMap", object="settings", changed_at=b.at(200)), configs=config(200, True)
    )
    assert kinds(both) == [CauseKind.DEPENDENCY]


def test_where_nothing_changed_that_is_said_with_what_was_and_was_not_looked_at() -> None:
    [found] = causes(scene(missing=[Missing(item="rollouts"), Missing(item="Secret s"), Missing(item="traces x")]))
    assert found.kind is CauseKind.UNKNOWN
    assert found.score == 99 or found.score == 100
    assert found.evidence[0].startswith("looked at: 1 roll-out, 2 pods")
    assert found.evidence[1] == "could not be looked at: rollouts; Secret s"


def test_what_cannot_be_seen_of_a_workload() -> None:
    assert blind(s.evidence()) == []
    assert blind(s.evidence(missing=[Missing(item="ConfigMap a")])) == ["ConfigMap a"]
    assert blind(s.evidence(workload=None)) == ["the workload"]
    stateful = b.seen(b.workload(kind="StatefulSet"))
    assert blind(s.evidence(workload=stateful)) == ["roll-outs of a StatefulSet"]


MOMENTS = st.integers(-100_000, 400)
CHANGES = st.builds(Change, kind=st.sampled_from(CauseKind), what=st.text(max_size=20))
ROLLOUTS = st.lists(st.builds(s.rollout, MOMENTS, CHANGES, CHANGES), max_size=4)
CONFIGS = st.lists(st.builds(config, MOMENTS, st.booleans()).map(lambda c: c[0]), max_size=4)
PODS = st.lists(st.builds(s.pod, st.sampled_from(["digits-1-a", "digits-2-b", "x"]), MOMENTS), max_size=5)
TIMES = st.none() | MOMENTS.map(b.at)
NEIGHBOURS = st.lists(
    st.builds(
        SeenDependency,
        name=st.sampled_from("abc"),
        kind=st.sampled_from(["ConfigMap", "ModelDeployment"]),
        object=st.sampled_from(["settings", "embedder"]),
        version=st.sampled_from(["", "v1"]),
        required=st.sampled_from(["", "v1", "v2"]),
        changed_at=TIMES,
        incident=st.sampled_from(["", "i"]),
        incident_opened_at=TIMES,
    ),
    max_size=4,
)
SIGNS = st.lists(
    st.builds(sign, MOMENTS, st.sampled_from(Verdict), st.booleans(), name=st.sampled_from("abc")), max_size=4
)
RELEASES = st.lists(st.builds(history, MOMENTS), max_size=2).map(lambda many: [r for one in many for r in one])


@given(ROLLOUTS, CONFIGS, PODS, NEIGHBOURS, SIGNS, RELEASES, st.sampled_from([None, T + 100]), st.randoms())
def test_any_facts_are_ranked_and_their_order_is_of_no_matter(
    rollouts: Any,
    configs: Any,
    pods: Any,
    neighbours: Any,
    signs: Any,
    releases: Any,
    earliest: float | None,
    rnd: random.Random,
) -> None:
    parts = {"configs": configs, "pods": pods, "dependencies": neighbours}
    onset = Onset(T + 250, earliest, T + 255, OnsetMethod.CHANGE_POINT)
    found = causes(scene(*signs, onset=onset, releases=releases, rollouts=rollouts, **parts))
    assert found
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)
    shuffled = {name: rnd.sample(part, len(part)) for name, part in parts.items()}
    mixed = rnd.sample(signs, len(signs))
    assert causes(scene(*mixed, onset=onset, releases=releases, rollouts=rollouts, **shuffled)) == found
    kept = Evidence(frozen_at=b.START)
    assert causes(Scene(kept, onset))[0].kind is CauseKind.UNKNOWN

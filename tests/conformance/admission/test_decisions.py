"""Who may decide what in an incident, and declare what of a model."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.conformance.admission import world
from tests.conformance.admission.cluster import WATCHED, Client, admin, collection, path_of, person
from tests.conformance.admission.world import CANDIDATE, GOOD, UNKNOWN, VERBS, digest, incident, model
from tests.conformance.apiserver import Answer, ApiServer

pytestmark = pytest.mark.conformance
HASH: Final = world.PLAN
CONTAINERS: Final = [{"name": "model", "image": CANDIDATE}]
FIX: Final = {"kind": "Image", "containers": CONTAINERS}
MAY_DECIDE: Final = ("responder", "owner")
MAY_NOT_WRITE: Final = ("viewer", "editor", "stranger", "operator")


def decision(field: str, by: str, **more: str) -> dict[str, Any]:
    extra = {"approval": {"decision": "Approve", "planHash": HASH}, "disposition": {"verdict": "TruePositive"}}
    return {field: {"by": by, **extra.get(field, {}), **more}}


@pytest.fixture(name="path")
def _path(api: ApiServer) -> Iterator[str]:
    """An incident with a plan, gone after the test."""
    made = admin(api).create(incident("decided"))
    assert made.status == 201, made.message
    path = path_of(made.body)
    assert admin(api).send("PATCH", f"{path}/status", {"status": {"plan": {"hash": HASH}}}).status == 200
    yield path
    assert admin(api).send("DELETE", path).status == 200


def decide(client: Client, path: str, spec: dict[str, Any]) -> Answer:
    return client.send("PATCH", path, {"spec": spec})


@pytest.mark.parametrize("field", VERBS)
@pytest.mark.parametrize("who", [*MAY_DECIDE, *MAY_NOT_WRITE])
def test_matrix(api: ApiServer, operator: Client, path: str, who: str, field: str) -> None:
    client = operator if who == "operator" else person(api, who)
    answer = decide(client, path, decision(field, who))
    assert answer.status == (200 if who in MAY_DECIDE else 403), answer.message


@pytest.mark.parametrize(("field", "lesser"), [(field, f"no-{verb}") for field, verb in VERBS.items()], ids=list(VERBS))
class TestEachDecision:
    def test_takes_its_own_verb(self, api: ApiServer, path: str, field: str, lesser: str) -> None:
        """Who may write incidents and holds every other verb is told which one to ask for."""
        answer = decide(person(api, lesser), path, decision(field, lesser))
        assert answer.status == 403
        assert f"spec.{field}: {lesser} may not {VERBS[field]} incidents in namespace {WATCHED}" in answer.message
        assert f"ask for the verb {VERBS[field]} on aiincidents" in answer.message

    def test_is_made_in_ones_own_name(self, api: ApiServer, path: str, field: str, lesser: str) -> None:
        answer = decide(person(api, "responder"), path, decision(field, lesser))
        assert answer.status == 422
        assert f"spec.{field}.by: {lesser}: write who you are: responder" in answer.message

    def test_is_changed_and_taken_back_only_with_its_verb(
        self, api: ApiServer, path: str, field: str, lesser: str
    ) -> None:
        assert decide(person(api, "owner"), path, decision(field, "owner")).status == 200
        for change in ({field: {"comment": "no, really"}}, {field: None}):
            answer = decide(person(api, lesser), path, change)
            assert answer.status == 403
            assert f"may not {VERBS[field]}" in answer.message
        assert decide(person(api, lesser), path, {"summary": "seen in ticket 4711"}).status == 200
        put_words = decide(person(api, "responder"), path, {field: {"comment": "no, really"}})
        assert "write who you are" in put_words.message
        assert decide(person(api, "responder"), path, {field: None}).status == 200

    def test_takes_its_verb_at_birth_too(self, api: ApiServer, field: str, lesser: str) -> None:
        answer = person(api, lesser).create(incident("born", origin="User", **decision(field, lesser)), dry_run=True)
        assert f"may not {VERBS[field]}" in answer.message


def test_approves_the_plan_that_there_is(api: ApiServer, path: str) -> None:
    answer = decide(person(api, "responder"), path, decision("approval", "responder", planHash=digest("2")))
    assert answer.status == 422
    assert f"spec.approval.planHash: {digest('2')}: the plan is another" in answer.message
    assert f"write {HASH}" in answer.message


def test_approves_nothing_before_there_is_a_plan(api: ApiServer) -> None:
    born = incident("born", origin="User", **decision("approval", "responder"))
    answer = person(api, "responder").create(born, dry_run=True)
    assert answer.status == 422
    assert "there is no plan yet: wait for status.plan" in answer.message


class TestGates:
    """A person's word on a gate is an approval."""

    def test_take_the_verb_approve(self, api: ApiServer, path: str) -> None:
        gate = world.GATE | {"by": "no-approve"}
        answer = decide(person(api, "no-approve"), path, {"gates": [gate]})
        assert answer.status == 403
        assert "spec.gates: no-approve may not approve incidents" in answer.message

    def test_are_opened_in_ones_own_name_and_in_the_plan_that_there_is(self, api: ApiServer, path: str) -> None:
        other = decide(person(api, "responder"), path, {"gates": [world.GATE | {"by": "owner"}]})
        assert "spec.gates.by: owner: write who you are: responder" in other.message
        old = decide(person(api, "responder"), path, {"gates": [world.GATE | {"planHash": digest("2")}]})
        assert "spec.gates.planHash" in old.message
        assert f"write {HASH}" in old.message
        assert decide(person(api, "responder"), path, {"gates": [world.GATE]}).status == 200

    def test_of_others_stay_while_one_is_added(self, api: ApiServer, path: str) -> None:
        assert decide(person(api, "responder"), path, {"gates": [world.GATE]}).status == 200
        mine = world.GATE | {"name": "and-then", "by": "owner"}
        assert decide(person(api, "owner"), path, {"gates": [world.GATE, mine]}).status == 200
        changed = decide(person(api, "owner"), path, {"gates": [world.GATE | {"decision": "Reject"}, mine]})
        assert "write who you are: owner" in changed.message
        assert decide(person(api, "no-approve"), path, {"gates": []}).status == 403


def test_anybody_who_may_write_incidents_reports_one(api: ApiServer) -> None:
    report = incident("reported", origin="User", summary="Refusals doubled")
    assert person(api, "responder").create(report, dry_run=True).status == 201
    assert person(api, "viewer").create(report, dry_run=True).status == 403


@pytest.mark.parametrize("origin", ["Signal", "Integrity"])
@pytest.mark.parametrize("who", ["responder", "owner"])
def test_nobody_else_measures(api: ApiServer, path: str, who: str, origin: str) -> None:
    answer = person(api, who).create(incident("feigned", origin=origin), dry_run=True)
    assert answer.status == 403
    assert f"spec.origin: {origin}: {who} reports and does not measure: write User" in answer.message
    assert decide(person(api, who), path, {"summary": "of one that was measured"}).status == 200


class TestFix:
    def test_takes_who_may_patch_the_workload(self, api: ApiServer, path: str) -> None:
        answer = decide(person(api, "responder"), path, {"fix": FIX})
        assert answer.status == 403
        assert "spec.fix: responder may not patch Deployment digits" in answer.message
        assert decide(person(api, "owner"), path, {"fix": FIX}).status == 200
        for change in ({"fix": {"containers": [{"name": "model", "image": UNKNOWN}]}}, {"fix": None}):
            assert decide(person(api, "responder"), path, change).status == 403
        assert decide(person(api, "responder"), path, {"summary": "x"}).status == 200

    def test_of_a_stateful_set(self, api: ApiServer) -> None:
        answer = person(api, "owner").create(
            incident("f", origin="User", modelRef={"name": "faces"}, fix=FIX), dry_run=True
        )
        assert "owner may not patch StatefulSet faces" in answer.message

    def test_of_a_model_that_does_not_exist(self, api: ApiServer) -> None:
        answer = person(api, "owner").create(
            incident("f", origin="User", modelRef={"name": "nobody"}, fix=FIX), dry_run=True
        )
        assert answer.status == 422
        assert "spec.fix: there is no ModelDeployment nobody in this namespace" in answer.message

    def test_leaves_no_mark(self, api: ApiServer) -> None:
        made = person(api, "owner").create(incident("f", origin="User", fix=FIX), dry_run=True)
        assert made.status == 201, made.message
        assert not made.body["metadata"].get("annotations")


class TestReferences:
    @pytest.mark.parametrize("name", ["digits", "faces"])
    def test_take_who_may_patch_the_workload(self, api: ApiServer, name: str) -> None:
        fresh = model("fresh", "StatefulSet" if name == "faces" else "Deployment", target=name)
        refused = person(api, "editor").create(fresh, dry_run=True)
        assert refused.status == 403
        assert "spec.workloadRef, spec.knownGood, spec.candidate: editor may not patch" in refused.message
        answer = person(api, "owner").create(fresh, dry_run=True)
        assert answer.status == (201 if name == "digits" else 403), answer.message

    @pytest.mark.parametrize(
        "spec",
        [
            {"workloadRef": {"name": "free"}},
            {"knownGood": {"containers": [{"name": "model", "image": UNKNOWN}]}},
            {"knownGood": None},
            {"candidate": {"containers": [{"name": "model", "image": GOOD}]}},
            {"standby": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "digits"}}},
        ],
        ids=["workloadRef", "knownGood", "no-knownGood", "candidate", "standby"],
    )
    def test_of_what_there_is(self, api: ApiServer, spec: dict[str, Any]) -> None:
        path = path_of(model("digits"))
        answer = person(api, "editor").send("PATCH", path, {"spec": spec}, dry_run=True)
        assert answer.status == 403
        assert f"spec.{next(iter(spec))}: editor may not patch Deployment" in answer.message
        may = person(api, "owner").send("PATCH", path, {"spec": spec}, dry_run=True)
        assert may.status == (403 if "workloadRef" in spec else 200), may.message

    def test_of_a_standby_that_somebody_else_owns(self, api: ApiServer) -> None:
        spec = {"standby": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "free"}}}
        answer = person(api, "owner").send("PATCH", path_of(model("digits")), {"spec": spec}, dry_run=True)
        assert answer.status == 403
        assert "spec.standby: owner may not patch Deployment free" in answer.message

    def test_of_the_service(self, api: ApiServer) -> None:
        path = path_of(model("digits"))
        for client in (person(api, "editor"), person(api, "owner")):
            answer = client.send("PATCH", path, {"spec": {"serviceRef": {"name": "free"}}}, dry_run=True)
            assert answer.status == 403
            assert "may not patch Service free" in answer.message
        again = {"spec": {"serviceRef": None}}
        assert person(api, "owner").send("PATCH", path, again, dry_run=True).status == 200

    @pytest.mark.parametrize(
        ("flag", "what"),
        [(world.RATE, "Deployment digits"), (world.SAFE_MODE, "ConfigMap guardrail")],
        ids=["variable", "ConfigMap"],
    )
    def test_of_a_flag(self, api: ApiServer, flag: dict[str, Any], what: str) -> None:
        spec = {"flags": [flag | {"value": "other"}]}
        path = path_of(model("digits"))
        answer = person(api, "editor").send("PATCH", path, {"spec": spec}, dry_run=True)
        assert answer.status == 403
        assert f"spec.flags: editor may not patch {what}" in answer.message
        may = person(api, "owner").send("PATCH", path, {"spec": spec}, dry_run=True)
        assert may.status == 200, may.message

    def test_of_flags_in_several_maps_takes_who_may_patch_all(self, api: ApiServer) -> None:
        key = {"name": "theirs", "key": "mode"}
        spec = {
            "flags": [world.SAFE_MODE | {"value": "other"}, world.SAFE_MODE | {"name": "b", "configMapKeyRef": key}]
        }
        path = path_of(model("digits"))
        answer = person(api, "owner").send("PATCH", path, {"spec": spec}, dry_run=True)
        assert "may not patch ConfigMap guardrail, theirs" in answer.message
        assert admin(api).send("PATCH", path, {"spec": spec}, dry_run=True).status == 200

    def test_whoever_edits_the_rest_needs_no_more(self, api: ApiServer) -> None:
        answer = person(api, "editor").send(
            "PATCH", path_of(model("digits")), {"spec": {"suspend": True}}, dry_run=True
        )
        assert answer.status == 200, answer.message


def dependencies(*names: str) -> dict[str, Any]:
    """A spec that names a key of each of these ConfigMaps."""
    key = {"key": "version"}
    made = [{"name": f"d{i}", "configMapKeyRef": {"name": n, **key}, "contract": f"c{i}"} for i, n in enumerate(names)]
    return {"dependencies": made}


class TestDependencies:
    """A digest tells a guess from the truth: what somebody may not read they may not have compared either."""

    def asked(self, api: ApiServer, who: str, *names: str) -> Answer:
        return person(api, who).send("PATCH", path_of(model("digits")), {"spec": dependencies(*names)}, dry_run=True)

    @pytest.mark.parametrize(
        ("who", "names", "allowed"),
        [
            ("editor", ["feature-pipeline"], False),
            ("owner", ["feature-pipeline"], True),
            ("owner", ["feature-pipeline"] * 2, True),
            ("owner", ["feature-pipeline", "theirs"], False),
            ("owner", ["theirs"], False),
            ("curator", ["feature-pipeline", "theirs"], True),
            ("curator", [f"theirs-{n}" for n in range(32)], True),
        ],
    )
    def test_take_who_may_read_the_config_map(self, api: ApiServer, who: str, names: list[str], allowed: bool) -> None:
        answer = self.asked(api, who, *names)
        assert answer.status == (200 if allowed else 403), answer.message
        if not allowed:
            told = f"spec.dependencies: {who} may not get ConfigMap {', '.join(names)}: name what you may read"
            assert told in answer.message

    def test_are_asked_for_two_at_once_of_who_may_not_read_all(self, api: ApiServer) -> None:
        answer = self.asked(api, "owner", *["feature-pipeline"] * 3)
        assert answer.status == 403
        assert "adds at most two at once" in answer.message

    def test_take_no_right_while_they_stay_as_they_are(self, api: ApiServer) -> None:
        fresh = model("depends")
        fresh["spec"] = {"workloadRef": fresh["spec"]["workloadRef"], **dependencies("theirs")}
        assert admin(api).create(fresh).status == 201
        path = path_of(fresh)
        try:
            assert person(api, "editor").send("PATCH", path, {"spec": {"suspend": True}}).status == 200
            other = {"spec": {"dependencies": dependencies("theirs", "feature-pipeline")["dependencies"]}}
            assert person(api, "owner").send("PATCH", path, other, dry_run=True).status == 200
            assert person(api, "editor").send("PATCH", path, other, dry_run=True).status == 403
            assert person(api, "editor").send("PATCH", path, {"spec": {"dependencies": None}}).status == 200
        finally:
            assert admin(api).send("DELETE", path).status == 200


@pytest.mark.parametrize("who", ["viewer", "responder", "editor", "operator"])
def test_everybody_reads(api: ApiServer, operator: Client, who: str) -> None:
    client = operator if who == "operator" else person(api, who)
    for kind in ("ModelDeployment", "IncidentPolicy", "AIIncident"):
        assert client.send("GET", collection("knowngood.dev/v1alpha1", kind, WATCHED)).status == 200
    assert person(api, "stranger").send("GET", path_of(world.model("digits"))).status == 403


def test_incidents_are_the_record(api: ApiServer, path: str) -> None:
    for who in ("responder", "editor", "owner"):
        assert person(api, who).send("DELETE", path).status == 403

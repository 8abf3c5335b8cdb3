"""The operator may do what it needs and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Refuse, Render

Rule = dict[str, list[str]]
WATCH_ALL: dict[str, Any] = {}
WATCH_TWO: dict[str, Any] = {"watch": {"namespaces": ["vision", "speech"]}}
OPT_IN: dict[str, Any] = {**WATCH_TWO, "rbac": {"mode": "OptIn"}}
ROLE = "knowngood-system:knowngood"
DECISIONS = {"acknowledge", "approve", "dismiss", "close"}


def operator_rules(objects: list[dict[str, Any]]) -> Iterator[Rule]:
    bound = {
        (found["roleRef"]["kind"], found["roleRef"]["name"])
        for found in objects
        if found["kind"] in ("ClusterRoleBinding", "RoleBinding")
    }
    bound.add(("ClusterRole", ROLE))  # with rbac.mode OptIn, by others
    for found in objects:
        if (found["kind"], found["metadata"]["name"]) in bound:
            yield from found["rules"]


def allowed(objects: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in operator_rules(objects)
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize("values", [WATCH_ALL, WATCH_TWO, OPT_IN], ids=["all namespaces", "two namespaces", "opt-in"])
class TestEachMode:
    def test_no_wildcard(self, render: Render, values: dict[str, Any]) -> None:
        for found in render(values):
            for rule in found.get("rules", []):
                assert "*" not in str(rule)

    def test_nothing_that_leads_to_other_rights(self, render: Render, values: dict[str, Any]) -> None:
        for group, resource, verb in allowed(render(values)):
            assert resource != "secrets"
            assert group != "rbac.authorization.k8s.io"
            assert verb not in ("escalate", "bind", "impersonate", "delete", "deletecollection")
            assert resource != "pods" or verb in ("get", "list", "watch", "patch")
            assert not resource.startswith("pods/")
            assert resource not in ("serviceaccounts/token", "pods/exec", "nodes/proxy")

    def test_creates_only_incidents_events_its_memory_its_lease_and_what_cuts_off(
        self, render: Render, values: dict[str, Any]
    ) -> None:
        created = {resource for _, resource, verb in allowed(render(values)) if verb == "create"}
        assert created == {"aiincidents", "events", "configmaps", "leases", "networkpolicies"}

    def test_writes_no_configmap_that_no_policy_bounds(self, render: Render, values: dict[str, Any]) -> None:
        found = allowed(render({**values, "admission": {"enabled": False}}))
        assert {verb for _, resource, verb in found if resource == "configmaps"} == {"get"}

    def test_writes_no_spec_of_people(self, render: Render, values: dict[str, Any]) -> None:
        written = {resource for _, resource, verb in allowed(render(values)) if verb in ("create", "update", "patch")}
        assert written == {
            "aiincidents",
            "aiincidents/status",
            "modeldeployments/status",
            "incidentpolicies/status",
            "playbooks/status",
            "deployments",
            "statefulsets",
            "services",
            "pods",
            "networkpolicies",
            "events",
            "configmaps",
            "leases",
        }

    def test_has_what_the_loop_needs(self, render: Render, values: dict[str, Any]) -> None:
        found = allowed(render(values))
        for kind in ("modeldeployments", "incidentpolicies", "playbooks", "aiincidents"):
            assert {("knowngood.dev", kind, verb) for verb in ("get", "list", "watch")} <= found
        for kind in ("modeldeployments", "incidentpolicies", "aiincidents"):
            assert ("knowngood.dev", f"{kind}/status", "patch") in found
        assert {("apps", "deployments", verb) for verb in ("get", "list", "watch", "patch")} <= found
        assert {("", "pods", "list"), ("apps", "replicasets", "list"), ("", "configmaps", "get")} <= found
        assert {("coordination.k8s.io", "leases", verb) for verb in ("get", "create", "update")} <= found

    def test_decides_nothing_and_guards_nothing(self, render: Render, values: dict[str, Any]) -> None:
        for group, resource, verb in allowed(render(values)):
            assert verb not in DECISIONS
            assert group != "admissionregistration.k8s.io" or (verb == "get" and resource.startswith("validating"))

    def test_bound_to_its_own_account(self, render: Render, values: dict[str, Any]) -> None:
        bindings = [found for found in render(values) if found["kind"].endswith("RoleBinding")]
        assert bindings
        for found in bindings:
            assert found["subjects"] == [
                {"kind": "ServiceAccount", "name": "knowngood", "namespace": "knowngood-system"}
            ]


def cluster_wide(objects: list[dict[str, Any]], kind: str = "Cluster") -> dict[str, dict[str, Any]]:
    return {found["metadata"]["name"]: found for found in objects if found["kind"].startswith(kind)}


def test_named_namespaces_need_no_cluster_role_but_to_see_its_policies(render: Render) -> None:
    values = {**WATCH_TWO, "rbac": {"userRoles": False}}
    assert cluster_wide(render(values)).keys() == {f"{ROLE}-admission"}
    assert not cluster_wide(render({**values, "admission": {"enabled": False}}))
    roles = {found["metadata"]["namespace"] for found in render(values) if found["kind"] == "Role"}
    assert roles == {"vision", "speech", "knowngood-system"}


def test_opting_in_is_left_to_each_namespace(render: Render) -> None:
    objects = render({**OPT_IN, "rbac": {"mode": "OptIn", "userRoles": False}})
    assert cluster_wide(objects, "ClusterRoleBinding").keys() == {f"{ROLE}-admission"}
    assert {found["metadata"]["namespace"] for found in objects if found["kind"] == "RoleBinding"} == {
        "knowngood-system"
    }
    assert cluster_wide(objects)[ROLE]["rules"] == next(
        found["rules"]
        for found in render(WATCH_TWO)
        if found["kind"] == "Role" and found["metadata"]["namespace"] == "vision"
    )
    may_bind = cluster_wide(objects)[f"{ROLE}-opt-in"]
    assert may_bind["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-admin"] == "true"
    (rule,) = may_bind["rules"]
    assert (rule["resources"], rule["resourceNames"], rule["verbs"]) == (["clusterroles"], [ROLE], ["bind"])


TEMPLATES: dict[str, Any] = {"jobTemplates": [{"namespace": "vision", "names": ["scrub"]}]}


def test_jobs_are_run_only_where_templates_are_allowed(render: Render) -> None:
    assert not [resource for group, resource, _ in allowed(render()) if group == "batch"]
    objects = render(TEMPLATES)
    (role,) = (found for found in objects if found["metadata"]["name"] == f"{ROLE}-job-templates" and "rules" in found)
    assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "vision")
    templates, jobs = role["rules"]
    assert (templates["resourceNames"], templates["verbs"]) == (["scrub"], ["get"])
    assert (jobs["resources"], jobs["verbs"]) == (["jobs"], ["get", "create"])
    unguarded = render({**TEMPLATES, "admission": {"enabled": False}})
    assert not [found for found in unguarded if found["metadata"]["name"] == f"{ROLE}-job-templates"]


def test_only_the_operator_measures(render: Render) -> None:
    for values in (WATCH_ALL, WATCH_TWO, OPT_IN):
        objects = render(values)
        assert ("knowngood.dev", "aiincidents", "measure") in allowed(objects)
        assert not [name for name, role in of_people(objects).items() if "measure" in str(role["rules"])]


def test_opting_in_needs_namespaces(refuse: Refuse) -> None:
    assert "rbac.mode: OptIn: needs watch.namespaces: write" in refuse({"rbac": {"mode": "OptIn"}})


def test_lease_rights_are_bound_to_its_name(render: Render) -> None:
    for found in render({"leaderElection": {"name": "other"}}):
        for rule in found.get("rules", []):
            if "leases" in rule["resources"] and rule["verbs"] != ["create"]:
                assert rule["resourceNames"] == ["other"]


def test_no_leases_without_leader_election(render: Render) -> None:
    objects = render({"leaderElection": {"enabled": False}})
    assert not [resource for _, resource, _ in allowed(objects) if resource == "leases"]


AGGREGATED = {"viewer": {"view", "edit", "admin"}, "responder": {"edit", "admin"}, "editor": {"edit", "admin"}}


def of_people(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: cluster_wide(objects)[f"knowngood-{name}"] for name in AGGREGATED}


def rights(role: dict[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for rule in role["rules"]:
        assert rule["apiGroups"] == ["knowngood.dev"]
        for resource in rule["resources"]:
            found.setdefault(resource, set()).update(rule["verbs"])
    return found


def test_roles_of_people(render: Render) -> None:
    """Who reads, who decides and who declares are three; nobody deletes the record."""
    found = {name: rights(role) for name, role in of_people(render()).items()}
    reads, kinds = {"get", "list", "watch"}, ("modeldeployments", "incidentpolicies", "playbooks", "aiincidents")
    writes = {"create", "update", "patch"}
    assert found["viewer"] == dict.fromkeys(kinds, reads)
    assert found["responder"] == dict.fromkeys(kinds, reads) | {"aiincidents": reads | writes | DECISIONS}
    declares = dict.fromkeys(kinds, reads | writes | {"delete", "deletecollection"})
    assert found["editor"] == declares | {"aiincidents": reads}


@pytest.mark.parametrize("aggregate", [True, False])
def test_roles_of_people_join_those_of_kubernetes(render: Render, aggregate: bool) -> None:
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    for name, role in of_people(render({"rbac": {"aggregateUserRoles": aggregate}})).items():
        joined = {label.removeprefix(prefix) for label in role["metadata"]["labels"] if label.startswith(prefix)}
        assert joined == (AGGREGATED[name] if aggregate else set())


def test_rbac_can_be_left_to_others(render: Render) -> None:
    kinds = {found["kind"] for found in render({"rbac": {"create": False}})}
    assert not {kind for kind in kinds if "Role" in kind}


def test_rights_on_rollouts_come_with_watching_them(render: Render) -> None:
    has = ("--api-versions", "argoproj.io/v1alpha1/Rollout")
    found = {(g, r, v) for g, r, v in allowed(render({"watch": {"rollouts": True}}, *has)) if g == "argoproj.io"}
    assert found == {("argoproj.io", "rollouts", verb) for verb in ("get", "list", "watch", "patch")}
    assert not [g for g, _, _ in allowed(render({}, *has)) if g == "argoproj.io"]

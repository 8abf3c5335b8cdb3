"""The operator may do what it needs and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Render

Rule = dict[str, list[str]]
WATCH_ALL: dict[str, Any] = {}
WATCH_TWO: dict[str, Any] = {"watch": {"namespaces": ["vision", "speech"]}}


def operator_rules(objects: list[dict[str, Any]]) -> Iterator[Rule]:
    bound = {
        (found["roleRef"]["kind"], found["roleRef"]["name"])
        for found in objects
        if found["kind"] in ("ClusterRoleBinding", "RoleBinding")
    }
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


@pytest.mark.parametrize("values", [WATCH_ALL, WATCH_TWO], ids=["all namespaces", "two namespaces"])
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
            assert not (resource.startswith("pods") and verb not in ("get", "list", "watch"))
            assert resource not in ("serviceaccounts/token", "pods/exec", "nodes/proxy")

    def test_creates_only_incidents_events_and_its_lease(self, render: Render, values: dict[str, Any]) -> None:
        created = {resource for _, resource, verb in allowed(render(values)) if verb == "create"}
        assert created == {"aiincidents", "events", "leases"}

    def test_writes_no_spec_of_people(self, render: Render, values: dict[str, Any]) -> None:
        written = {resource for _, resource, verb in allowed(render(values)) if verb in ("create", "update", "patch")}
        assert written == {
            "aiincidents",
            "aiincidents/status",
            "modeldeployments/status",
            "incidentpolicies/status",
            "deployments",
            "statefulsets",
            "events",
            "leases",
        }

    def test_has_what_the_loop_needs(self, render: Render, values: dict[str, Any]) -> None:
        found = allowed(render(values))
        for kind in ("modeldeployments", "incidentpolicies", "aiincidents"):
            assert {("knowngood.dev", kind, verb) for verb in ("get", "list", "watch")} <= found
            assert ("knowngood.dev", f"{kind}/status", "patch") in found
        assert {("apps", "deployments", verb) for verb in ("get", "list", "watch", "patch")} <= found
        assert {("", "pods", "list"), ("apps", "replicasets", "list"), ("", "configmaps", "get")} <= found
        assert {("coordination.k8s.io", "leases", verb) for verb in ("get", "create", "update")} <= found

    def test_bound_to_its_own_account(self, render: Render, values: dict[str, Any]) -> None:
        bindings = [found for found in render(values) if found["kind"].endswith("RoleBinding")]
        assert bindings
        for found in bindings:
            assert found["subjects"] == [
                {"kind": "ServiceAccount", "name": "knowngood", "namespace": "knowngood-system"}
            ]


def test_named_namespaces_need_no_cluster_role(render: Render) -> None:
    objects = render({**WATCH_TWO, "rbac": {"create": True, "aggregateUserRoles": False}})
    assert not [found for found in objects if found["kind"].startswith("Cluster")]
    roles = {found["metadata"]["namespace"] for found in objects if found["kind"] == "Role"}
    assert roles == {"vision", "speech", "knowngood-system"}


def test_lease_rights_are_bound_to_its_name(render: Render) -> None:
    for found in render({"leaderElection": {"name": "other"}}):
        for rule in found.get("rules", []):
            if "leases" in rule["resources"] and rule["verbs"] != ["create"]:
                assert rule["resourceNames"] == ["other"]


def test_no_leases_without_leader_election(render: Render) -> None:
    objects = render({"leaderElection": {"enabled": False}})
    assert not [resource for _, resource, _ in allowed(objects) if resource == "leases"]


def test_people_may_decide_but_not_delete_the_record(render: Render) -> None:
    roles = {found["metadata"]["name"]: found for found in render() if found["kind"] == "ClusterRole"}
    edit = roles["knowngood-system:knowngood-edit"]
    assert edit["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-edit"] == "true"
    for rule in edit["rules"]:
        if "aiincidents" in rule["resources"]:
            assert rule["verbs"] == ["create", "update", "patch"]


def test_rbac_can_be_left_to_others(render: Render) -> None:
    kinds = {found["kind"] for found in render({"rbac": {"create": False}})}
    assert not {kind for kind in kinds if "Role" in kind}

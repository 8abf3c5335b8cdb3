"""The policies fail closed, are bound where they should be, and can be found by name."""

import re
from typing import Any

import pytest

from knowngood.api.common import IMAGE_PATTERN

from .conftest import Refuse, Render

MUTATING = ("--api-versions", "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy")
VALIDATING = {"workloads", "pins", "resources", "proofs-deployments", "proofs-statefulsets"} | {
    "incidents",
    "decisions",
    "fixes",
    "references",
    "kept",
    "flags",
    "flag-values",
    "services",
    "routes",
    "quarantine",
    "pods",
    "cutoffs",
    "jobs",
}
WRITING = {"unknown-model", "known-model", "unknown-fix", "known-fix"} | {
    "unknown-template",
    "known-template",
    "unknown-pod",
    "known-pod",
    "unknown-route",
    "known-route-deployments",
    "known-route-statefulsets",
    "unseen-workload",
    "seen-deployments",
    "seen-statefulsets",
}
HELD = {"params-deployments", "params-statefulsets", "params-cronjobs"}
ROLLOUTS = ("--api-versions", "argoproj.io/v1alpha1/Rollout")
OF_EVERYBODY = {"decisions", "fixes", "references", "quarantine"}
PREFIX = "knowngood-system.knowngood."


def found(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """But for those that match nothing."""
    every = {item["metadata"]["name"].removeprefix(PREFIX): item["spec"] for item in objects if item["kind"] == kind}
    return {name: spec for name, spec in every.items() if name not in HELD}


def test_every_policy_is_bound_and_denies(render: Render) -> None:
    objects = render()
    policies = found(objects, "ValidatingAdmissionPolicy")
    assert policies.keys() == VALIDATING
    assert {policy["failurePolicy"] for policy in policies.values()} == {"Fail"}
    bindings = found(objects, "ValidatingAdmissionPolicyBinding")
    assert bindings.keys() == VALIDATING
    for name, binding in bindings.items():
        assert binding["policyName"] == f"{PREFIX}{name}"
        assert binding["validationActions"] == ["Deny"]
        wanted = {"selector": {}, "parameterNotFoundAction": "Allow"} if "paramKind" in policies[name] else None
        assert binding.get("paramRef") == wanted


def test_a_refusal_says_what_to_write(render: Render) -> None:
    for name, policy in found(render({"registries": {"allowed": ["r"]}}), "ValidatingAdmissionPolicy").items():
        for validation in policy["validations"]:
            assert validation.get("message") or validation["messageExpression"], name
            assert ": " in validation.get("message", validation.get("messageExpression", ""))


@pytest.mark.parametrize("arguments", [(), MUTATING], ids=["older", "newer"])
def test_each_parameter_of_kubernetes_own_is_held_by_what_outlives_the_release(
    render: Render, arguments: tuple[str, ...]
) -> None:
    objects = render({}, *arguments)
    for kind in ("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"):
        policies = found(objects, kind).values()
        used = {tuple(p["paramKind"].values()) for p in policies if "paramKind" in p} - {
            ("knowngood.dev/v1alpha1", "ModelDeployment")
        }
        held = [i for i in objects if i["kind"] == kind and i["metadata"]["name"].removeprefix(PREFIX) in HELD]
        bound = [
            i for i in objects if i["kind"] == f"{kind}Binding" and i["spec"]["policyName"].removeprefix(PREFIX) in HELD
        ]
        assert used <= {tuple(item["spec"]["paramKind"].values()) for item in held}
        assert len(bound) == len(held)
        for item in (*held, *bound):
            assert item["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    (without,) = {
        "annotations" in i["metadata"]
        for i in render({"crds": {"keep": False}}, *arguments)
        if i["metadata"]["name"].removeprefix(PREFIX) in HELD
    }
    assert not without


@pytest.mark.parametrize("arguments", [(), MUTATING], ids=["older", "newer"])
def test_policies_that_write_come_where_they_are_served(render: Render, arguments: tuple[str, ...]) -> None:
    objects = render({}, *arguments)
    policies = found(objects, "MutatingAdmissionPolicy")
    assert (
        policies.keys() == found(objects, "MutatingAdmissionPolicyBinding").keys() == (WRITING if arguments else set())
    )
    for name, policy in policies.items():
        assert policy["failurePolicy"] == "Fail"
        assert policy["reinvocationPolicy"] == ("Never" if name.startswith("un") else "IfNeeded")


def test_a_policy_with_a_parameter_of_ours_spares_workloads_without_consent(render: Render) -> None:
    """It refuses whatever it matches while the definition of its parameter is missing."""
    objects = render({}, *MUTATING)
    for kind in ("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"):
        for policy in found(objects, kind).values():
            if policy.get("paramKind", {}).get("kind") == "ModelDeployment":
                constraints = policy["matchConstraints"]
                groups = {group for rule in constraints["resourceRules"] for group in rule["apiGroups"]}
                assert groups == {"knowngood.dev"} or "objectSelector" in constraints


def test_named_namespaces_bound_what_everybody_may_do_and_not_what_the_operator_may(render: Render) -> None:
    objects = render({"watch": {"namespaces": ["vision"]}})
    for name, binding in found(objects, "ValidatingAdmissionPolicyBinding").items():
        assert ("matchResources" in binding) is (name in OF_EVERYBODY)
        if name in OF_EVERYBODY:
            (expression,) = binding["matchResources"]["namespaceSelector"]["matchExpressions"]
            assert expression["values"] == ["vision"]


def test_the_operator_is_known_by_its_account(render: Render) -> None:
    for values, user in (
        ({}, "system:serviceaccount:knowngood-system:knowngood"),
        ({"serviceAccount": {"name": "other"}}, "system:serviceaccount:knowngood-system:other"),
    ):
        for name, policy in found(render(values), "ValidatingAdmissionPolicy").items():
            conditions = str(policy.get("matchConditions", ""))
            assert (user in conditions) is (name not in OF_EVERYBODY), name


def test_the_operator_sees_each_policy_and_no_other(render: Render) -> None:
    (role,) = (
        item
        for item in render()
        if item["kind"] == "ClusterRole" and item["metadata"]["name"] == "knowngood-system:knowngood-admission"
    )
    (rule,) = role["rules"]
    assert set(rule["resourceNames"]) == {f"{PREFIX}{name}" for name in VALIDATING}
    assert rule["verbs"] == ["get"]


def test_no_list_of_registries_allows_all(render: Render) -> None:
    def said(values: dict[str, Any]) -> str:
        validations = found(render(values), "ValidatingAdmissionPolicy")["workloads"]["validations"]
        return " ".join(
            text for each in validations for text in (each["expression"], each.get("messageExpression", ""))
        )

    assert "not in a registry" not in said({})
    assert "['a.example.org','b:5000/x'].exists" in said({"registries": {"allowed": ["a.example.org", "b:5000/x"]}})


def test_an_image_is_what_a_pin_may_name(render: Render) -> None:
    validations = found(render(), "ValidatingAdmissionPolicy")["workloads"]["validations"]
    patterns = [re.findall(r"matches\('(.*)'\)", validation["expression"]) for validation in validations]
    assert [pattern for pattern in patterns if pattern] == [[IMAGE_PATTERN]]


def test_can_be_left_out(render: Render) -> None:
    assert not [item for item in render({"admission": {"enabled": False}}, *MUTATING) if "Admission" in item["kind"]]


def _matching(policies: dict[str, dict[str, Any]], group: str) -> set[str]:
    rules = {name: policy["matchConstraints"]["resourceRules"] for name, policy in policies.items()}
    return {name for name, found in rules.items() if any(group in rule["apiGroups"] for rule in found)}


def test_rollouts_are_guarded_as_deployments_are_where_they_are_watched(render: Render) -> None:
    values = {"watch": {"rollouts": True}}
    objects = render(values, *MUTATING, *ROLLOUTS)
    validating, writing = found(objects, "ValidatingAdmissionPolicy"), found(objects, "MutatingAdmissionPolicy")
    assert validating.keys() == VALIDATING | {"proofs-rollouts"}
    assert writing.keys() == WRITING | {"seen-rollouts"}
    for policies in (validating, writing):
        assert _matching(policies, "argoproj.io") == _matching(policies, "apps")
    assert _matching(found(render({}, *MUTATING), "ValidatingAdmissionPolicy"), "argoproj.io") == set()


def test_rollouts_are_not_watched_on_a_cluster_that_has_none(refuse: Refuse) -> None:
    assert "install Argo Rollouts first" in refuse({"watch": {"rollouts": True}})


def test_without_policies_that_write_no_flag_is_set_in_a_config_map_but_what_is_noted_is_put_back(
    render: Render,
) -> None:
    def expressions(*arguments: str) -> list[str]:
        policy = found(render({}, *arguments), "ValidatingAdmissionPolicy")["flags"]
        return [validation["expression"] for validation in policy["validations"]]

    (unknown,) = set(expressions(*MUTATING)) - set(expressions())
    (untold,) = set(expressions()) - set(expressions(*MUTATING))
    assert "unknown-model" in unknown
    assert untold == "variables.untold.size() == 0"
    policy = found(render(), "ValidatingAdmissionPolicy")["flags"]
    assert "replaced-flags" in next(v["expression"] for v in policy["variables"] if v["name"] == "noted")
    (said,) = [v["messageExpression"] for v in policy["validations"] if v["expression"] == untold]
    assert "1.36 or newer" in said

"""No expression can go without a test noticing: each is made to pass always, and an attack gets through."""

import copy
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import pytest

from tests.conformance import apiserver
from tests.conformance.admission import world
from tests.conformance.admission.attacks.base import INCIDENT, MODEL, RBAC, WARD, Attack, containers
from tests.conformance.admission.attacks.table import ATTACKS
from tests.conformance.admission.cluster import (
    MUTATING,
    STRATEGIC,
    VALUES,
    Client,
    admin,
    helm_or_fail,
    path_of,
    person,
    rendered,
)
from tests.conformance.admission.test_decisions import FIX, decision, dependencies
from tests.conformance.admission.world import VERBS, incident
from tests.conformance.apiserver import Answer, ApiServer

pytestmark = pytest.mark.conformance
# RBAC refuses the same, so that no request of the operator comes this far: a second wall.
BEHIND_RBAC: Final = frozenset({("workloads", 0), ("resources", 0), ("incidents", 0)}) | frozenset(
    {("services", 0), ("pods", 0), ("cutoffs", 0), ("jobs", 0)}
)
# Another expression refuses the same, with a message that tells less.
TOLD_BETTER: Final = {
    ("workloads", 1): "image-of-a-workload-without-consent",
    ("services", 1): "route-of-a-service-without-consent",
}
SECONDS: Final = 60
Try = Callable[[ApiServer, Client], Answer]


def _attack(attack: Attack) -> Try:
    return lambda _, operator: operator.send(attack.method, attack.path, attack.body, attack.type, dry_run=True)


def _patch(who: str, path: str, spec: dict[str, Any]) -> Try:
    return lambda api, _: person(api, who).send("PATCH", path, {"spec": spec}, dry_run=True)


def _create(who: str, item: dict[str, Any]) -> Try:
    return lambda api, _: person(api, who).create(item, dry_run=True)


def _image(image: str) -> Try:
    body = containers({"name": "model", "image": image})
    return lambda api, _: admin(api).send("PATCH", WARD, body, STRATEGIC, dry_run=True)


OTHER: Final = {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "free"}}
TRIES: Final[dict[str, Try]] = {
    **{attack.id: _attack(attack) for attack in ATTACKS if attack.refused != RBAC},
    **{
        f"{field}-without-the-verb": _patch(f"no-{verb}", INCIDENT, decision(field, f"no-{verb}"))
        for field, verb in VERBS.items()
    },
    **{f"{field}-for-another": _patch("responder", INCIDENT, decision(field, "owner")) for field in VERBS},
    "another-plan": _patch("responder", INCIDENT, decision("approval", "responder", planHash=world.digest("2"))),
    "gate-without-the-verb": _patch("no-approve", INCIDENT, {"gates": [world.GATE | {"by": "no-approve"}]}),
    "gate-for-another": _patch("responder", INCIDENT, {"gates": [world.GATE | {"by": "owner"}]}),
    "gate-of-another-plan": _patch("responder", INCIDENT, {"gates": [world.GATE | {"planHash": world.digest("2")}]}),
    "feigned": _create("responder", incident("feigned")),
    "fix": _patch("responder", INCIDENT, {"fix": FIX}),
    "fix-of-no-model": _create("owner", incident("born", origin="User", modelRef={"name": "nobody"}, fix=FIX)),
    "workload-of-others": _patch("editor", MODEL, OTHER),
    "config-map-of-others": _patch("owner", MODEL, dependencies("theirs")),
    "quarantined-by-anybody": _image(world.QUARANTINED_IMAGE),
    "tag-by-anybody": _image(world.TAGGED),
    "service-of-others": _patch("editor", MODEL, {"serviceRef": {"name": "free"}}),
    "variable-of-others": _patch("editor", MODEL, {"flags": [world.RATE | {"value": "11"}]}),
    "map-of-others": _patch("editor", MODEL, {"flags": [world.SAFE_MODE | {"value": "off"}]}),
    "standby-of-others": _patch("owner", MODEL, {"standby": OTHER}),
}


@cache
def policies() -> dict[str, dict[str, Any]]:
    """The policies as the chart makes them, by concern; but for those that match nothing."""
    found = [item for item in rendered(helm_or_fail(), VALUES, MUTATING) if item["kind"].endswith("AdmissionPolicy")]
    named = {item["metadata"]["name"].rpartition(".")[2]: item for item in found}
    return {concern: item for concern, item in named.items() if not concern.startswith("params-")}


def validations(concern: str) -> list[dict[str, Any]]:
    """The validations of one policy; none for those that write."""
    found: list[dict[str, Any]] = policies()[concern]["spec"].get("validations", [])
    return found


def messages(api: ApiServer, operator: Client) -> dict[str, str]:
    """What each try is told; nothing where it gets through."""
    return {name: go(api, operator).message for name, go in TRIES.items()}


@pytest.fixture(scope="module", name="before")
def _before(api: ApiServer, operator: Client) -> Iterator[dict[str, str]]:
    """What each try is told while all is in force, and after the tests again."""
    found = messages(api, operator)
    assert [name for name, message in found.items() if not message] == []
    yield found
    for concern in policies():
        _set(api, concern, validations(concern))
    apiserver.until(lambda: all(messages(api, operator).values()), "the policies again", SECONDS)


def _set(api: ApiServer, concern: str, wanted: list[dict[str, Any]]) -> None:
    if wanted:
        answer = admin(api).send("PATCH", path_of(policies()[concern]), {"spec": {"validations": wanted}})
        assert answer.status == 200, answer.message


def _without(concern: str, index: int) -> list[dict[str, Any]]:
    made = copy.deepcopy(validations(concern))
    if index < len(made):
        made[index] = {"expression": "true", "message": "broken"}
    return made


@pytest.mark.parametrize("index", range(20))
def test_each_expression_is_needed(api: ApiServer, operator: Client, before: dict[str, str], index: int) -> None:
    """All policies lose their expression of that number at once; a try belongs to the policy that refused it before."""
    missing = {c for c in policies() if index < len(validations(c)) and (c, index) not in BEHIND_RBAC}
    if not missing:
        return
    of = {name: re.findall(r"'[^']*\.([a-z-]+)' with binding", message)[0] for name, message in before.items()}
    for concern in policies():
        _set(api, concern, _without(concern, index))

    def noticed() -> bool:
        now = messages(api, operator)
        missing.difference_update(of[name] for name, message in now.items() if not message)
        told = {c for c in missing if (name := TOLD_BETTER.get((c, index))) and now[name] != before[name]}
        missing.difference_update(told)
        return not missing

    try:
        apiserver.until(noticed, "an attack that gets through", SECONDS)
    except apiserver.NotStartedError:
        pytest.fail(f"nothing notices that expression {index} is gone from {sorted(missing)}")


@pytest.mark.parametrize(
    ("concern", "name"),
    [
        ("unknown-model", "image-of-a-workload-whose-model-does-not-exist"),
        ("unknown-fix", "fix-of-no-model"),
        ("unseen-workload", "proof-without-a-workload"),
        ("unknown-route", "route-to-foreign-pods"),
        ("unknown-pod", "pod-of-nobody-cut-off"),
        ("unknown-template", "job-with-another-command"),
    ],
)
def test_each_mark_is_needed(api: ApiServer, operator: Client, before: dict[str, str], concern: str, name: str) -> None:
    for each in policies():
        _set(api, each, validations(each))
    path = path_of(policies()[concern]).replace("policies/", "policybindings/")
    binding = admin(api).send("GET", path).body
    assert admin(api).send("DELETE", path).status == 200
    try:
        apiserver.until(lambda: not TRIES[name](api, operator).message, name, SECONDS)
    finally:
        kept = {key: binding[key] for key in ("apiVersion", "kind", "spec")}
        assert admin(api).create({**kept, "metadata": {"name": binding["metadata"]["name"]}}).status == 201


def test_the_rounds_reach_every_expression() -> None:
    assert max(len(validations(concern)) for concern in policies()) <= 20

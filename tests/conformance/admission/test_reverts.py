"""A pin and who puts back what stood there, on a real API server: managedFields tell a manager from a person."""

import copy
from typing import Any

import pytest

from knowngood.core.facts.ownership import given_back
from knowngood.core.facts.workload import read_workload
from knowngood.core.response.contested import Revert
from tests.conformance import apiserver
from tests.conformance.admission import world
from tests.conformance.admission.acting import Acting
from tests.conformance.admission.attacks.base import containers
from tests.conformance.admission.cluster import MERGE, STRATEGIC, Client, admin, path_of
from tests.conformance.admission.world import GOOD, RUNNING
from tests.conformance.apiserver import ApiServer

pytestmark = pytest.mark.conformance
APPLY = "application/apply-patch+yaml"
MODELS = {"kustomize.toolkit.fluxcd.io/name": "models", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
SUSPECT = {"name": "model", "image": RUNNING, "env": [{"name": "MODEL_REVISION", "value": "8"}]}
WEIGHTS = {"initContainers": [{"name": "weights", "image": world.WEIGHTS}]}


class Git:
    """A manager that writes a workload as Git says: by server-side apply, or as an update."""

    def __init__(self, api: ApiServer, name: str, manager: str, applies: bool) -> None:
        self.admin, self.manager, self.applies = admin(api), manager, applies
        self.body = world.workload(name, name)
        self.body["metadata"]["labels"] |= MODELS
        self.path = path_of(self.body)
        if applies:
            self.reconcile()
        else:
            collection = self.path.rpartition("/")[0]
            made = self.admin.send("POST", f"{collection}?fieldManager={manager}", self.body)
            assert made.status == 201, made.message
        made = self.admin.create(world.model(name))
        assert made.status == 201, made.message

    def reconcile(self) -> None:
        """What it does again and again."""
        if self.applies:
            found = self.admin.send("PATCH", f"{self.path}?fieldManager={self.manager}&force=true", self.body, APPLY)
        else:
            found = self.as_person(self.manager)
        assert found.status in {200, 201}, found.message

    def as_person(self, manager: str) -> Any:
        """The same images as an update under that name."""
        patch = containers(SUSPECT)
        patch["spec"]["template"]["spec"] |= WEIGHTS
        return self.admin.send("PATCH", f"{self.path}?fieldManager={manager}", patch, STRATEGIC)


def revert(act: Acting) -> Revert | None:
    return act.changing.reverted(act.facts(), act.step)


def pinned(operator: Client, git: Git, name: str) -> Acting:
    act = Acting(operator, name, {"name": "pin", "action": "PinKnownGood"}, git.path, pinned=True)
    act.write()
    assert revert(act) is None
    return act


def moved(act: Acting, git: Git, before: str) -> str:
    """The time of the next revert, which the API server writes in whole seconds."""
    found: list[str] = []

    def later() -> bool:
        git.reconcile()
        seen = revert(act)
        assert seen is not None
        found.append(seen.at)
        act.write()
        return seen.at != before

    apiserver.until(later, "a revert at another time")
    return found[-1]


@pytest.mark.parametrize(
    ("manager", "applies"),
    [("kustomize-controller", True), ("argocd-controller", True), ("argocd-controller", False)],
    ids=["flux", "argo-cd-server-side", "argo-cd-client-side"],
)
def test_each_revert_is_recognised_and_the_pin_is_written_again(
    api: ApiServer, operator: Client, manager: str, applies: bool
) -> None:
    name = f"kept-{manager[:4]}-{str(applies).lower()}"
    git = Git(api, name, manager, applies)
    act = pinned(operator, git, name)
    first = moved(act, git, "")
    second = moved(act, git, first)
    assert second > first
    git.reconcile()
    seen = revert(act)
    assert seen is not None
    if applies:
        git.reconcile()
        assert revert(act) == seen, "a reconciliation that changes nothing is no other revert"
    act.write()
    image = operator.send("GET", git.path).body["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == GOOD
    workload = read_workload(operator.send("GET", git.path).body | {"kind": "Deployment"})
    assert [str(k) for k in workload.keepers if k.name] == ["Kustomization flux-system/models"]


@pytest.mark.parametrize("manager", ["kubectl-set", "kubectl-edit", "helm"])
def test_a_person_is_no_reverter(api: ApiServer, operator: Client, manager: str) -> None:
    name = f"edited-{manager}"
    git = Git(api, name, "kustomize-controller", True)
    act = pinned(operator, git, name)
    assert git.as_person(manager).status == 200
    assert revert(act) is None


def test_a_person_who_applies_the_same_is_no_reverter(api: ApiServer, operator: Client) -> None:
    git = Git(api, "shared", "kustomize-controller", True)
    act = pinned(operator, git, "shared")
    git.reconcile()
    assert revert(act) is not None
    applied = git.admin.send("PATCH", f"{git.path}?fieldManager=kubectl", git.body, APPLY)
    assert applied.status == 200, applied.message
    assert revert(act) is None


def helms(api: ApiServer, git: Git, image: str) -> int:
    """What an upgrade by helm 4 is answered: server-side apply, without force."""
    body = copy.deepcopy(git.body)
    body["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return git.admin.send("PATCH", f"{git.path}?fieldManager={git.manager}", body, APPLY).status


def gives_back(operator: Client, path: str) -> None:
    """As the operator's account, of what is at the path: nothing else changes."""
    before = operator.send("GET", path).body
    entries = given_back(before)
    assert entries is not None
    guard = {key: before["metadata"][key] for key in ("uid", "resourceVersion")}
    given = operator.send("PATCH", path, {"metadata": {"managedFields": entries, **guard}}, MERGE)
    assert given.status == 200, given.message
    assert given.body["spec"] == before["spec"]
    assert given_back(given.body) is None
    was = [(e["manager"], e["time"]) for e in before["metadata"]["managedFields"]]
    assert {(e["manager"], e["time"]) for e in given.body["metadata"]["managedFields"]} <= set(was)


def test_what_was_pinned_is_given_back_so_that_an_upgrade_is_not_refused(api: ApiServer, operator: Client) -> None:
    git = Git(api, "upgraded", "helm", True)
    pinned(operator, git, "upgraded")
    assert helms(api, git, world.CANDIDATE) == 409, "this is what it is for"
    gives_back(operator, git.path)
    assert helms(api, git, world.CANDIDATE) == 200


def test_one_that_puts_back_what_was_given_back_is_recognised(api: ApiServer, operator: Client) -> None:
    git = Git(api, "given-back", "kustomize-controller", True)
    act = pinned(operator, git, "given-back")
    gives_back(operator, git.path)
    assert revert(act) is None
    git.reconcile()
    assert revert(act) is not None


def test_a_service_that_was_led_away_and_back_is_its_owners(api: ApiServer, operator: Client) -> None:
    name, standby = "led-by-helm", world.workload("led-by-helm-standby", "led-by-helm")
    workload, service = world.workload(name, name), world.service(name, name)
    for item in (standby, workload, world.reached(world.model(name), f"{name}-standby")):
        assert admin(api).create(item).status == 201
    path = path_of(service)
    applied = f"{path}?fieldManager=helm"
    assert admin(api).send("PATCH", applied, service, APPLY).status == 201
    for step in ({}, {"rerouteTraffic": {"to": "Workload"}}):
        given = {"name": "lead", "action": "RerouteTraffic", **step}
        Acting(operator, name, given, path_of(workload), path_of(standby)).write()
        gives_back(operator, path)
    service["spec"]["selector"] = {"app": name, "tier": "a"}
    assert admin(api).send("PATCH", applied, service, APPLY).status == 200

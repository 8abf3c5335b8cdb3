"""The chart on a real API server, and clients with the rights of one account each."""

import subprocess
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import yaml

from tests.conformance.apiserver import Answer, ApiServer, until
from tests.unit.charts.conftest import CHART, DIGEST, find_helm

SYSTEM: Final = "knowngood-system"
WATCHED: Final = "vision"
ELSEWHERE: Final = "speech"
OPERATOR: Final = f"system:serviceaccount:{SYSTEM}:knowngood"
VALUES: Final[dict[str, Any]] = {
    "image": {"repository": "registry.local:5000/knowngood", "digest": DIGEST},
    "watch": {"namespaces": [WATCHED]},
    "registries": {"allowed": ["registry.local:5000"]},
    "jobTemplates": [{"namespace": WATCHED, "names": ["scrub", "not-there"]}],
}
MERGE: Final = "application/merge-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
MUTATING: Final = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
_PLURALS: Final = {
    "CustomResourceDefinition": "customresourcedefinitions",
    "ServiceAccount": "serviceaccounts",
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    "MutatingAdmissionPolicy": "mutatingadmissionpolicies",
    "MutatingAdmissionPolicyBinding": "mutatingadmissionpolicybindings",
    "Namespace": "namespaces",
    "Deployment": "deployments",
    "StatefulSet": "statefulsets",
    "Secret": "secrets",
    "ConfigMap": "configmaps",
    "Service": "services",
    "Pod": "pods",
    "NetworkPolicy": "networkpolicies",
    "CronJob": "cronjobs",
    "Job": "jobs",
    "ModelDeployment": "modeldeployments",
    "AIIncident": "aiincidents",
    "IncidentPolicy": "incidentpolicies",
}
_ASK_AGAIN: Final = 503  # nothing was decided: what the API server says while it reads anew which kinds there are
_INSTALLED: Final = ("CustomResourceDefinition", "ServiceAccount", "Role", "Binding", "Policy")


def collection(api_version: str, kind: str, namespace: str | None = None) -> str:
    """The path of all objects of a kind."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return f"{root}/namespaces/{namespace}/{_PLURALS[kind]}" if namespace else f"{root}/{_PLURALS[kind]}"


def path_of(item: dict[str, Any]) -> str:
    """The path of an object."""
    meta = item["metadata"]
    return f"{collection(item['apiVersion'], item['kind'], meta.get('namespace'))}/{meta['name']}"


@dataclass(frozen=True)
class Client:
    """Requests with the rights of one account."""

    server: ApiServer
    headers: dict[str, str]

    def send(self, method: str, path: str, body: Any = None, type_: str = MERGE, dry_run: bool = False) -> Answer:
        """One request; a PATCH is a merge patch unless said otherwise."""
        headers = {**self.headers, **({"Content-Type": type_} if method == "PATCH" else {})}
        answers: list[Answer] = []

        def answered() -> bool:
            params = {"dryRun": "All"} if dry_run else {}
            answers.append(self.server.call(method, path, body, headers=headers, params=params))
            return answers[-1].status != _ASK_AGAIN

        until(answered, f"an answer to {method} {path}")
        return answers[-1]

    def create(self, item: dict[str, Any], dry_run: bool = False) -> Answer:
        """Create an object."""
        where = collection(item["apiVersion"], item["kind"], item["metadata"].get("namespace"))
        return self.send("POST", where, item, dry_run=dry_run)


def admin(server: ApiServer) -> Client:
    """Whoever may do everything."""
    return Client(server, {})


def person(server: ApiServer, name: str) -> Client:
    """A person, by impersonation."""
    return Client(server, {"Impersonate-User": name})


def account(server: ApiServer, namespace: str, name: str) -> Client:
    """A ServiceAccount, with a token that the API server issued for it."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    made = server.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", body)
    assert made.status == 201, made.message
    return Client(server, {"Authorization": f"Bearer {made.body['status']['token']}"})


def rendered(helm: str, values: dict[str, Any], *api_versions: str) -> list[dict[str, Any]]:
    """The chart's objects for a cluster that serves `api_versions`."""
    command = [helm, "template", "knowngood", str(CHART), "-n", SYSTEM, "-f", "-"]
    command += [word for version in api_versions for word in ("--api-versions", version)]
    done = subprocess.run(command, input=yaml.safe_dump(values), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [found for found in yaml.load_all(done.stdout, yaml.CSafeLoader) if found]


def install(server: ApiServer, objects: list[dict[str, Any]]) -> None:
    """Create what of the chart concerns the API server itself, definitions first."""
    wanted = [item for item in objects if any(word in item["kind"] for word in _INSTALLED)]
    for item in sorted(wanted, key=lambda found: found["kind"] != "CustomResourceDefinition"):
        made = admin(server).create(item)
        assert made.status == 201, f"{item['kind']} {item['metadata']['name']}: {made.message}"
        if item["kind"] == "CustomResourceDefinition":
            until(partial(_served, server, item["spec"]), item["metadata"]["name"])


def _served(server: ApiServer, spec: dict[str, Any]) -> bool:
    """A new kind is established first, and a moment later its storage answers."""
    return server.get(f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}").status == 200


def helm_or_fail() -> str:
    """Helm's path; without it nothing here can be tested, and that is said loudly."""
    found = find_helm()
    assert found is not None, "no helm: run `make lab`, or set HELM"
    return found

"""A real API server with our kinds, the operator's own account and rights, and what stands around it on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.conformance import apiserver
from tests.conformance.apiserver import ApiServer, until
from tests.faults.images import ACCURACY
from tests.faults.kubelet import Kubelet
from tests.faults.loop import Background, background
from tests.faults.prometheus import FakePrometheus

Raw = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
SYSTEM, ACCOUNT, GUARD = "knowngood-system", "knowngood", "decisions"
RIGHTS = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Surroundings:
    """What every world stands in."""

    server: ApiServer
    token: str  # of the operator's ServiceAccount
    loop: Background
    kubelet: Kubelet
    prometheus: FakePrometheus
    directory: Path

    def client(self) -> ApiServer:
        """A client with all rights, for one thread."""
        return replace(self.server, session=requests.Session())


@contextmanager
def surroundings(directory: Path) -> Iterator[Surroundings]:
    """All of it, kept in ``directory``, for as long as the context lasts."""
    with apiserver.running(directory) as server, background() as loop:
        _install(server)
        kubelet = Kubelet(server)
        prometheus = FakePrometheus(kubelet.exports, lambda release: ACCURACY.get(release, 0.0))
        loop.run(kubelet.start())
        loop.run(prometheus.start())
        try:
            yield Surroundings(server, _token(server), loop, kubelet, prometheus, directory)
        finally:
            loop.run(prometheus.stop())
            loop.run(kubelet.stop())


def _install(server: ApiServer) -> None:
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        crd = yaml.safe_load(path.read_text())
        created(server, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        spec = crd["spec"]
        served = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
        until(lambda served=served: server.get(served).status == 200, served)  # type: ignore[misc]
    rules = yaml.safe_load((ROOT / "charts" / "knowngood" / "files" / "rules.yaml").read_text())
    guards = ["validatingadmissionpolicies", "validatingadmissionpolicybindings"]
    rules.append({"apiGroups": ["admissionregistration.k8s.io"], "resources": guards, "verbs": ["get"]})
    namespace(server, SYSTEM)
    created(server, f"/api/v1/namespaces/{SYSTEM}/serviceaccounts", {"metadata": {"name": ACCOUNT}})
    role = {"metadata": {"name": ACCOUNT}, "rules": rules}
    created(server, f"/apis/{RIGHTS}/v1/clusterroles", role)
    created(server, f"/apis/{RIGHTS}/v1/clusterrolebindings", bound("ClusterRole"))
    _guard(server)


def _guard(server: ApiServer) -> None:
    """Admission that stands for the chart's: there, binding, and content with every decision."""
    matched = {"apiGroups": ["knowngood.dev"], "apiVersions": ["*"], "operations": ["UPDATE"]}
    spec = {
        "matchConstraints": {"resourceRules": [{**matched, "resources": ["aiincidents"]}]},
        "validations": [{"expression": "true"}],
    }
    binding = {"policyName": GUARD, "validationActions": ["Deny"]}
    root = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
    created(server, f"{root}ies", {"metadata": {"name": GUARD}, "spec": spec})
    created(server, f"{root}ybindings", {"metadata": {"name": GUARD}, "spec": binding})


def bound(kind: str) -> Raw:
    """A binding of the operator's account to its role of that kind."""
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": SYSTEM}
    return {
        "metadata": {"name": ACCOUNT},
        "roleRef": {"apiGroup": RIGHTS, "kind": kind, "name": ACCOUNT},
        "subjects": [subject],
    }


def namespace(server: ApiServer, name: str) -> None:
    """A namespace with the account that its pods run as, which a controller would make."""
    created(server, "/api/v1/namespaces", {"metadata": {"name": name}})
    created(server, f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})


def created(server: ApiServer, path: str, body: Raw) -> Raw:
    """The object as it was made."""
    answer = server.create(path, body)
    assert answer.status == 201, f"{path}: {answer.message}"
    return answer.body


def _token(server: ApiServer) -> str:
    path = f"/api/v1/namespaces/{SYSTEM}/serviceaccounts/{ACCOUNT}/token"
    return str(created(server, path, {"spec": {"expirationSeconds": 36_000}})["status"]["token"])

"""What a thief of the operator's token would try, and what has to stop it."""

import re
from dataclasses import dataclass
from typing import Any, Final

from tests.conformance.admission import world
from tests.conformance.admission.cluster import ELSEWHERE, MERGE, STRATEGIC, SYSTEM, WATCHED, collection, path_of
from tests.conformance.admission.world import GOOD, LABEL, SEEN, UNKNOWN, digest, image, incident, model, release
from tests.conformance.crds.statuses import NOW

RBAC: Final = "cannot "
DIGITS: Final = path_of(world.workload("digits", None))
MODEL: Final = path_of(model("digits"))
INCIDENT: Final = path_of(incident("digits-0"))
PODS: Final = f"/api/v1/namespaces/{WATCHED}/pods"
SECRETS: Final = f"/api/v1/namespaces/{WATCHED}/secrets"
POLICY: Final = "/apis/admissionregistration.k8s.io/v1"
RIGHTS: Final = "/apis/rbac.authorization.k8s.io/v1"


@dataclass(frozen=True)
class Attack:
    """One request with the operator's token, and a part of the answer that refuses it."""

    id: str
    refused: str
    path: str
    body: Any = None
    method: str = "PATCH"
    type: str = MERGE

    def __str__(self) -> str:
        return self.id


def containers(*items: dict[str, Any]) -> dict[str, Any]:
    """A strategic patch of containers."""
    return pod({"containers": list(items)})


def pod(spec: dict[str, Any]) -> dict[str, Any]:
    """A strategic patch of the pod's spec."""
    return {"spec": {"template": {"spec": spec}}}


def patch(id_: str, refused: str, body: dict[str, Any], path: str = DIGITS) -> Attack:
    """A strategic merge patch of a workload."""
    return Attack(id_, refused, path, body, type=STRATEGIC)


def to_image(id_: str, refused: str, image_: str, path: str = DIGITS) -> Attack:
    """The answering container on another image."""
    return patch(id_, refused, containers({"name": "model", "image": image_}), path)


def with_env(id_: str, refused: str, *env: dict[str, Any], image_: str = GOOD) -> Attack:
    """A pinned image with other variables."""
    return patch(id_, refused, containers({"name": "model", "image": image_, "env": list(env)}))


def proving(id_: str, refused: str, *releases: dict[str, Any], path: str = MODEL) -> Attack:
    """A write of releases that are said to be proven."""
    return Attack(id_, refused, f"{path}/status", {"status": {"releases": list(releases)}})


ONLY: Final = "the operator may change only image and env"
IMAGES: Final = (
    to_image("image-not-pinned-nor-proven", "neither pins nor has proven", UNKNOWN),
    to_image("image-seen-but-not-proven", "neither pins nor has proven", SEEN),
    to_image("image-by-tag", "not by digest", world.TAGGED),
    to_image("image-by-tag-and-digest", "not by digest", world.TAGGED_TOO),
    to_image("image-of-another-registry", "not in a registry", world.FOREIGN),
    to_image("image-of-a-registry-with-that-beginning", "not in a registry", world.SIMILAR),
    patch(
        "image-pinned-for-another-container",
        "neither pins nor has proven",
        containers({"name": "proxy", "image": GOOD}),
    ),
    to_image("image-of-a-workload-without-consent", "has not consented", GOOD, path_of(world.workload("free", None))),
    to_image(
        "image-of-a-workload-whose-model-does-not-exist",
        "names no ModelDeployment",
        GOOD,
        path_of(world.workload("orphan", None)),
    ),
    to_image(
        "image-of-a-workload-that-the-model-is-not-served-by",
        "is served by Deployment digits",
        GOOD,
        path_of(world.workload("impostor", None)),
    ),
    to_image("workload-in-another-namespace", RBAC, GOOD, path_of(world.workload("digits", None, namespace=ELSEWHERE))),
    to_image(
        "image-of-a-stateful-set",
        "neither pins nor has proven",
        UNKNOWN,
        path_of(world.workload("faces", None, "StatefulSet")),
    ),
)
ENVIRONMENT: Final = (
    with_env("env-not-declared", "declares no such value", {"name": "LD_PRELOAD", "value": "/tmp/x.so"}),
    with_env("env-declared-with-another-value", "declares no such value", {"name": "MODEL_REVISION", "value": "6"}),
    with_env(
        "env-declared-for-another-image",
        "declares no such value",
        {"name": "MODEL_REVISION", "value": "7"},
        image_=world.CANDIDATE,
    ),
    with_env(
        "env-from-a-secret",
        "plain values only",
        {"name": "EMPTY", "valueFrom": {"secretKeyRef": {"name": "other", "key": "token"}}},
    ),
    with_env("env-removed", "does not say to remove it", {"name": "TOKEN", "$patch": "delete"}),
    patch(
        "env-removed-without-its-image",
        "does not say to remove it",
        containers({"name": "model", "env": [{"name": "DEBUG", "$patch": "delete"}]}),
    ),
    Attack(
        "env-twice",
        "each name once",
        DIGITS,
        [{"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": {"name": "DEBUG", "value": "1"}}],
        type="application/json-patch+json",
    ),
)
SHAPE: Final = (
    patch("service-account", ONLY, pod({"serviceAccountName": "admin"})),
    patch("command", ONLY, containers({"name": "model", "command": ["sh", "-c", "id"]})),
    patch("args", ONLY, containers({"name": "model", "args": ["--evil"]})),
    patch("host-path", ONLY, pod({"volumes": [{"name": "host", "hostPath": {"path": "/"}}]})),
    patch("host-network", ONLY, pod({"hostNetwork": True})),
    patch(
        "root-user",
        ONLY,
        containers({"name": "model", "securityContext": {"runAsUser": 0}}),
    ),
    patch("env-from", ONLY, containers({"name": "model", "envFrom": [{"secretRef": {"name": "token"}}]})),
    patch("image-pull-policy", ONLY, containers({"name": "model", "imagePullPolicy": "Never"})),
    patch("init-container", ONLY, pod({"initContainers": [{"name": "first", "image": GOOD}]})),
    patch("another-container", "neither adds nor removes", containers({"name": "spy", "image": world.PROVEN})),
    patch("container-removed", "neither adds nor removes", containers({"name": "proxy", "$patch": "delete"})),
    patch("pod-labels", ONLY, {"spec": {"template": {"metadata": {"labels": {"team": "evil"}}}}}),
    patch("replicas", ONLY, {"spec": {"replicas": 0}}),
    patch("paused", ONLY, {"spec": {"paused": True}}),
    Attack("scale", RBAC, f"{DIGITS}/scale", {"spec": {"replicas": 0}}),
    patch("relabel", "metadata.labels", {"metadata": {"labels": {LABEL: "faces"}}}),
    patch("label-removed", "metadata.labels", {"metadata": {"labels": {LABEL: None}}}),
    patch(
        "consent-given-by-the-operator",
        "has not consented",
        {"metadata": {"labels": {LABEL: "digits"}}},
        path_of(world.workload("free", None)),
    ),
    patch("finalizer", "metadata.finalizers", {"metadata": {"finalizers": ["knowngood.dev/hold"]}}),
    patch(
        "owner",
        "metadata.ownerReferences",
        {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "u-1"}]}},
    ),
    patch("annotation-of-others", "metadata.annotations: team", {"metadata": {"annotations": {"team": "evil"}}}),
    Attack("workload-deleted", RBAC, DIGITS, method="DELETE"),
)
DECLARED: Final = (
    Attack("spec-of-a-model", RBAC, MODEL, {"spec": {"suspend": True}}),
    Attack("labels-of-a-model", RBAC, MODEL, {"metadata": {"labels": {"tier": "x"}}}),
    proving("proof-of-what-does-not-run", "does not run that", release(UNKNOWN, proven=True)),
    proving("proof-of-a-release-that-ran-once", "does not run that", release(SEEN, proven=True)),
    proving(
        "proof-rewritten",
        "does not run that",
        release(world.PROVEN, proven=True) | {"containers": [{"name": "model", "image": UNKNOWN}]},
    ),
    proving(
        "proof-by-tag-from-another-repository",
        "does not run that",
        {"digest": digest("b"), "containers": [{"name": "proxy", "image": image("f", "evil")}], "provenAt": NOW},
    ),
    proving(
        "proof-of-a-stateful-set",
        "does not run that",
        release(UNKNOWN, proven=True),
        path=path_of(model("faces")),
    ),
    proving(
        "proof-without-a-workload",
        "there is no Deployment ghost",
        release(UNKNOWN, proven=True),
        path=path_of(model("ghost")),
    ),
)
APPROVAL: Final = {"decision": "Approve", "by": "viewer", "planHash": digest("1")}
INCIDENTS: Final = (
    Attack("approve-its-own-plan", "never changes the spec|may not approve", INCIDENT, {"spec": {"approval": APPROVAL}}),
    Attack("summary-rewritten", "never changes the spec", INCIDENT, {"spec": {"summary": "nothing to see"}}),
    Attack(
        "incident-relabelled",
        "may change only annotations",
        INCIDENT,
        {"metadata": {"labels": {LABEL: "faces"}}},
    ),
    Attack(
        "incident-annotated-for-others",
        "may change only annotations",
        INCIDENT,
        {"metadata": {"annotations": {"team": "evil"}}},
    ),
    Attack(
        "incident-in-the-name-of-a-person",
        "write Signal or Integrity",
        collection("knowngood.dev/v1alpha1", "AIIncident", WATCHED),
        incident("forged", origin="User"),
        "POST",
    ),
    Attack(
        "incident-born-approved",
        "people decide that|may not approve",
        collection("knowngood.dev/v1alpha1", "AIIncident", WATCHED),
        incident("forged", approval=APPROVAL),
        "POST",
    ),
    Attack(
        "incident-born-with-a-fix",
        "people decide that|may not patch",
        collection("knowngood.dev/v1alpha1", "AIIncident", WATCHED),
        incident("forged", fix={"kind": "Image", "containers": [{"name": "model", "image": UNKNOWN}]}),
        "POST",
    ),
    Attack("incident-deleted", RBAC, INCIDENT, method="DELETE"),
)
POD: Final = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "evil"},
    "spec": {"containers": [{"name": "c", "image": GOOD}]},
}
_NAMES: Final = [
    f"{SYSTEM}.knowngood.{concern}"
    for concern in (
        "workloads",
        "pins",
        "resources",
        "proofs-deployments",
        "proofs-statefulsets",
        "incidents",
        "decisions",
        "fixes",
        "references",
        "unknown-model",
        "known-model",
        "unknown-fix",
        "known-fix",
        "unseen-workload",
        "seen-deployments",
        "seen-statefulsets",
    )
]
_OTHER_RIGHTS: Final = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "evil"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
    "subjects": [{"kind": "ServiceAccount", "name": "knowngood", "namespace": SYSTEM}],
}
RIGHTS_OF_ITS_OWN: Final = (
    Attack("secret-read", RBAC, f"{SECRETS}/token", method="GET"),
    Attack("secrets-listed", RBAC, SECRETS, method="GET"),
    Attack("secrets-listed-everywhere", RBAC, "/api/v1/secrets", method="GET"),
    Attack("exec", RBAC, f"{PODS}/digits-0/exec?command=id&stdout=true", method="POST"),
    Attack("attach", RBAC, f"{PODS}/digits-0/attach?stdout=true", method="POST"),
    Attack("pod-made", RBAC, PODS, POD, "POST"),
    Attack("pod-deleted", RBAC, f"{PODS}/digits-0", method="DELETE"),
    Attack(
        "workload-made",
        RBAC,
        collection("apps/v1", "Deployment", WATCHED),
        world.workload("evil", "digits"),
        "POST",
    ),
    Attack("bind", RBAC, f"{RIGHTS}/namespaces/{WATCHED}/rolebindings", _OTHER_RIGHTS, "POST"),
    Attack(
        "escalate",
        RBAC,
        f"{RIGHTS}/namespaces/{WATCHED}/roles/{SYSTEM}:knowngood",
        {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]},
    ),
    Attack(
        "token-of-another-account",
        RBAC,
        f"/api/v1/namespaces/{WATCHED}/serviceaccounts/default/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
        "POST",
    ),
    Attack("configmaps-listed", RBAC, f"/api/v1/namespaces/{WATCHED}/configmaps", method="GET"),
    *(
        Attack(f"{verb}-{kind}-{name.rpartition('.')[2]}", RBAC, f"{POLICY}/{kind}/{name}", {"spec": None}, method)
        for verb, method in (("delete", "DELETE"), ("change", "PATCH"))
        for family in ("validating", "mutating")
        for kind in (f"{family}admissionpolicies", f"{family}admissionpolicybindings")
        for name in _NAMES
        if (family == "mutating") == (re.search("(known|seen)-", name) is not None)
    ),
    Attack(
        "policy-of-its-own",
        RBAC,
        f"{POLICY}/mutatingadmissionpolicies",
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": {"name": "e"}},
        "POST",
    ),
)
ATTACKS: Final = (*IMAGES, *ENVIRONMENT, *SHAPE, *DECLARED, *INCIDENTS, *RIGHTS_OF_ITS_OWN)

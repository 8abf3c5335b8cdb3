"""On Secrets, pods, roles and the policies themselves: what RBAC alone refuses."""

import re
from typing import Final

from tests.conformance.admission import world
from tests.conformance.admission.attacks.base import RBAC, Attack
from tests.conformance.admission.cluster import SYSTEM, WATCHED, collection
from tests.conformance.admission.world import GOOD

PODS: Final = f"/api/v1/namespaces/{WATCHED}/pods"
SECRETS: Final = f"/api/v1/namespaces/{WATCHED}/secrets"
POLICY: Final = "/apis/admissionregistration.k8s.io/v1"
RIGHTS: Final = "/apis/rbac.authorization.k8s.io/v1"
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
        "kept",
        "flags",
        "flag-values",
        "services",
        "routes",
        "quarantine",
        "pods",
        "cutoffs",
        "jobs",
        "unknown-template",
        "known-template",
        "unknown-pod",
        "known-pod",
        "unknown-route",
        "known-route-deployments",
        "known-route-statefulsets",
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

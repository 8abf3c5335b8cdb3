"""On pods and NetworkPolicies: what is cut off is a pod of a consenting Deployment, and nothing is let through."""

from typing import Any, Final

from tests.conformance.admission.attacks.base import RBAC, Attack
from tests.conformance.admission.cluster import ELSEWHERE, WATCHED, collection, path_of
from tests.conformance.admission.world import CUT, GOOD, network_policy, pod

DIGITS: Final = path_of(pod("digits-0", {}))
POLICIES: Final = collection("networking.k8s.io/v1", "NetworkPolicy", WATCHED)
NOTED: Final = "knowngood.dev/replaced-labels"
ISOLATED: Final = "knowngood.dev/isolated"
ONLY_ALL: Final = "may only leave knowngood.dev/isolated alone"


def relabelling(id_: str, refused: str, labels: dict[str, Any], noted: str | None, name: str = "digits-0") -> Attack:
    """A merge patch of a pod's labels, with what it is said to have had."""
    meta: dict[str, Any] = {"labels": labels, "annotations": {NOTED: noted} if noted is not None else {}}
    return Attack(id_, refused, path_of(pod(name, {})), {"metadata": meta})


def of_pod(id_: str, refused: str, body: dict[str, Any], path: str = DIGITS) -> Attack:
    """A merge patch of a pod."""
    return Attack(id_, refused, path, body)


def policy(id_: str, refused: str, **changes: Any) -> Attack:
    """The creation of a NetworkPolicy as the operator makes it, but for these."""
    return Attack(id_, refused, POLICIES, network_policy(**changes), "POST")


CUT_OFF: Final = {"app": None, "tier": None, ISOLATED: "digits"}
PODS: Final = (
    relabelling(
        "pod-without-consent-cut-off",
        "no Deployment whose owner consents",
        {"app": None, ISOLATED: "digits"},
        "app=free",
        "free-0",
    ),
    relabelling(
        "pod-of-nobody-cut-off",
        "no Deployment whose owner consents",
        {"app": None, ISOLATED: "digits"},
        "app=stray",
        "stray-0",
    ),
    relabelling(
        "pod-cut-off-in-the-name-of-another-model",
        "no Deployment whose owner consents",
        {**CUT_OFF, ISOLATED: "faces"},
        "app=digits,tier=a",
    ),
    relabelling("pod-given-to-another-service", ONLY_ALL, {"app": "free"}, None),
    relabelling("pod-label-added", ONLY_ALL, {"team": "evil"}, None),
    relabelling("pod-half-cut-off", ONLY_ALL, {"app": None, ISOLATED: "digits"}, "app=digits,tier=a"),
    relabelling("pod-cut-off-without-a-note", ONLY_ALL, CUT_OFF, None),
    relabelling("pod-labels-invented-as-taken-away", "must be the labels that the pod has", CUT_OFF, "app=free"),
    relabelling("pod-labels-noted-in-part", "must be the labels that the pod has", CUT_OFF, "app=digits"),
    relabelling("pod-given-back-with-other-labels", ONLY_ALL, {ISOLATED: None, "app": "free"}, None, "cut-0"),
    relabelling("pod-given-back-with-fewer-labels", ONLY_ALL, {ISOLATED: None, "app": "digits"}, None, "cut-0"),
    of_pod("pod-deadline", "only a pod that is cut off gets a deadline", {"spec": {"activeDeadlineSeconds": 1}}),
    Attack(
        "pod-image",
        "may change only activeDeadlineSeconds",
        DIGITS,
        {"spec": {"containers": [{"name": "model", "image": GOOD}]}},
        type="application/strategic-merge-patch+json",
    ),
    of_pod(
        "pod-annotated-for-others", "may change only labels, all at once", {"metadata": {"annotations": {"a": "b"}}}
    ),
    of_pod(
        "pod-owner",
        "may change only labels, all at once",
        {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "u-1"}]}},
    ),
    of_pod("pod-status", RBAC, {"status": {"phase": "Failed"}}, f"{DIGITS}/status"),
    of_pod("ephemeral-container", RBAC, {"spec": {"ephemeralContainers": []}}, f"{DIGITS}/ephemeralcontainers"),
    Attack("eviction", RBAC, f"{DIGITS}/eviction", {"metadata": {"name": "digits-0"}}, "POST"),
    Attack("pod-that-is-cut-off-deleted", RBAC, path_of(CUT), method="DELETE"),
    of_pod("pod-in-another-namespace", RBAC, {"metadata": {"labels": {}}}, DIGITS.replace(WATCHED, ELSEWHERE)),
)
OPENS: Final = "it lets nothing in or out"
OTHERS: Final = "only pods that are cut off"
NETWORK: Final = (
    policy("network-policy-that-lets-in", OPENS, ingress=[{}]),
    policy("network-policy-that-lets-out", OPENS, egress=[{}]),
    policy("network-policy-of-one-direction", OPENS, policyTypes=["Ingress"]),
    policy("network-policy-of-every-pod", OTHERS, podSelector={}),
    policy("network-policy-of-other-pods", OTHERS, podSelector={"matchLabels": {"app": "digits"}}),
    policy(
        "network-policy-by-expressions", OTHERS, podSelector={"matchExpressions": [{"key": "x", "operator": "Exists"}]}
    ),
    policy(
        "network-policy-of-more-pods",
        OTHERS,
        podSelector={
            "matchLabels": {ISOLATED: "digits"},
            "matchExpressions": [{"key": "x", "operator": "DoesNotExist"}],
        },
    ),
    policy("network-policy-of-any-name", "it goes with one ModelDeployment", name="knowngood-open-digits"),
    policy("network-policy-of-another-model", "it goes with one ModelDeployment", name="knowngood-isolated-faces"),
    policy("network-policy-without-an-owner", "it goes with one ModelDeployment", ownerReferences=[]),
    policy("network-policy-with-a-finalizer", "it goes with one ModelDeployment", finalizers=["example.org/x"]),
    Attack("network-policy-changed", RBAC, f"{POLICIES}/allow", {"spec": {"ingress": [{}]}}),
    Attack("network-policy-deleted", RBAC, f"{POLICIES}/allow", method="DELETE"),
    Attack("network-policies-listed", RBAC, POLICIES, method="GET"),
)

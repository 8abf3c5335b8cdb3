"""On Services: where the operator may lead callers is the standby that the model names, and back."""

from typing import Any, Final

from tests.conformance.admission.attacks.base import RBAC, Attack
from tests.conformance.admission.cluster import ELSEWHERE, WATCHED, collection, path_of
from tests.conformance.admission.world import LABEL, service

SERVICES: Final = collection("v1", "Service", WATCHED)
DIGITS: Final = path_of(service("digits", None))
NO_ROUTE: Final = "not what a consenting workload selects"
CHANGED: Final = "the operator may change only the selector"


def leading(
    id_: str, refused: str, selector: dict[str, str | None], to: str | None = None, path: str = DIGITS
) -> Attack:
    """A Service with another selector, said to lead to that workload."""
    return Attack(id_, refused, path, {"metadata": {"annotations": _to(to)}, "spec": {"selector": selector}})


def _to(workload: str | None) -> dict[str, str]:
    return {"knowngood.dev/routed-to": workload} if workload else {}


def of_service(id_: str, refused: str, body: dict[str, Any], path: str = DIGITS) -> Attack:
    """A merge patch of a Service."""
    return Attack(id_, refused, path, body)


STANDBY: Final = "Deployment/digits-standby"
ROUTES: Final = (
    leading("route-to-foreign-pods", NO_ROUTE, {"app": "free"}),
    leading("route-to-foreign-pods-in-the-name-of-the-standby", NO_ROUTE, {"app": "free"}, STANDBY),
    leading("route-to-more-pods-than-the-standbys", NO_ROUTE, {"app": None, "x": "y"}, STANDBY),
    leading("route-to-nobody", NO_ROUTE, {"app": None}),
    leading("route-by-a-key-of-others", NO_ROUTE, {"team": "evil"}),
    leading(
        "route-to-a-workload-that-is-not-the-standby",
        f"not the standby of|{NO_ROUTE}",
        {"app": "orphan"},
        "Deployment/orphan",
    ),
    leading("route-to-another-workload-of-the-model", "not the standby of", {"app": "impostor"}, "Deployment/impostor"),
    leading(
        "route-to-the-standby-of-another",
        f"not the standby of|{NO_ROUTE}",
        {"app": "faces-standby"},
        "Deployment/faces-standby",
    ),
    leading(
        "route-to-a-standby-that-does-not-exist",
        NO_ROUTE,
        {"app": "free"},
        "Deployment/nowhere",
        path_of(service("ghost", None)),
    ),
    leading(
        "route-of-a-service-without-consent", "has not consented", {"app": "x"}, None, path_of(service("free", None))
    ),
    leading(
        "route-of-a-model-that-does-not-exist",
        "names no ModelDeployment",
        {"app": "orphan", "pod-template-hash": "x"},
        None,
        path_of(service("orphan", None)),
    ),
    leading(
        "route-of-a-service-that-the-model-is-not-reached-by",
        "is not reached by this Service",
        {"app": "impostor", "pod-template-hash": "x"},
        None,
        path_of(service("impostor", None)),
    ),
    of_service(
        "selector-invented-as-taken-away",
        "must be what the Service selects",
        {"metadata": {"annotations": {"knowngood.dev/replaced-selector": "app=free"}}},
    ),
    of_service(
        "selector-written-down-and-used-at-once",
        f"must be what the Service selects|{NO_ROUTE}",
        {
            "metadata": {"annotations": {"knowngood.dev/replaced-selector": "app=free"}},
            "spec": {"selector": {"app": "free"}},
        },
    ),
    of_service("service-type", CHANGED, {"spec": {"type": "NodePort"}}),
    of_service("service-with-an-external-address", CHANGED, {"spec": {"externalIPs": ["192.0.2.1"]}}),
    of_service("service-port", CHANGED, {"spec": {"ports": [{"port": 81}]}}),
    of_service("service-relabelled", "may change only annotations", {"metadata": {"labels": {LABEL: "faces"}}}),
    of_service(
        "service-annotated-for-others", "may change only annotations", {"metadata": {"annotations": {"a": "b"}}}
    ),
    of_service(
        "service-consent-given-by-the-operator",
        "has not consented",
        {"metadata": {"labels": {LABEL: "digits"}}},
        path_of(service("free", None)),
    ),
    Attack("service-deleted", RBAC, DIGITS, method="DELETE"),
    Attack("service-made", RBAC, SERVICES, service("evil", "digits"), "POST"),
    Attack("services-listed", RBAC, SERVICES, method="GET"),
    Attack("service-in-another-namespace", RBAC, DIGITS.replace(WATCHED, ELSEWHERE), {"spec": {"type": "NodePort"}}),
)

"""On ConfigMaps: what the operator may write of them is its own memory."""

import copy
from typing import Any, Final

from tests.conformance.admission.attacks.base import RBAC, Attack
from tests.conformance.admission.cluster import WATCHED, collection, path_of
from tests.conformance.admission.world import FEATURES, KEPT, MANAGED, UNMARKED, configmap

MAPS: Final = collection("v1", "ConfigMap", WATCHED)
OWN: Final = path_of(KEPT)


def making(id_: str, refused: str, changes: dict[str, Any], name: str = "knowngood-baseline-digits") -> Attack:
    """The creation of a ConfigMap as the operator makes it, but for `changes` at its top or in its metadata."""
    made = copy.deepcopy(configmap(name, "ModelDeployment", "digits"))
    for key, value in changes.items():
        (made if key in {"data", "binaryData", "immutable"} else made["metadata"])[key] = value
    return Attack(id_, refused, MAPS, made, "POST")


CONFIGMAPS: Final = (
    Attack("configmap-of-others", "writes only ConfigMaps called", path_of(FEATURES), {"data": {"version": "v4"}}),
    Attack(
        "configmap-of-others-made-its-own",
        "writes only ConfigMaps called",
        path_of(FEATURES),
        {"metadata": {"labels": MANAGED}, "data": {"state": "x"}},
    ),
    making("configmap-of-any-name", "writes only ConfigMaps called", {}, name="settings-digits"),
    making(
        "configmap-named-like-the-emergency-stop", "writes only ConfigMaps called", {}, "knowngood-emergency-digits"
    ),
    Attack(
        "configmap-that-it-did-not-make", "only ConfigMaps that it made", path_of(UNMARKED), {"data": {"state": "x"}}
    ),
    Attack(
        "configmap-marked-by-the-operator",
        "only ConfigMaps that it made",
        path_of(UNMARKED),
        {"metadata": {"labels": MANAGED}, "data": {"state": "x"}},
    ),
    making("configmap-without-a-mark", "only ConfigMaps that it made", {"labels": {}}),
    Attack("configmap-mark-removed", "only ConfigMaps that it made", OWN, {"metadata": {"labels": None}}),
    making("configmap-without-an-owner", "it goes with one ModelDeployment", {"ownerReferences": []}),
    making(
        "configmap-of-a-workload",
        "it goes with one ModelDeployment",
        {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "digits", "uid": "1"}]},
    ),
    making(
        "configmap-of-another-model",
        "it goes with one ModelDeployment",
        {"ownerReferences": configmap("x", "ModelDeployment", "faces")["metadata"]["ownerReferences"]},
    ),
    Attack("configmap-given-away", "sets a name, a label and an owner once", OWN, {"metadata": {"labels": {"a": "b"}}}),
    making("configmap-with-a-finalizer", "sets a name, a label and an owner once", {"finalizers": ["example.org/x"]}),
    making("configmap-with-annotations", "sets a name, a label and an owner once", {"annotations": {"a": "b"}}),
    Attack("configmap-made-immutable", "writes data.state, and nothing else", OWN, {"immutable": True}),
    Attack("configmap-with-bytes", "writes data.state, and nothing else", OWN, {"binaryData": {"more": "eA=="}}),
    Attack("configmap-with-another-key", "writes data.state, and nothing else", OWN, {"data": {"version": "v4"}}),
    Attack("configmap-too-large", "characters: at most", OWN, {"data": {"state": "x" * (513 * 1024)}}),
    Attack("configmap-deleted", RBAC, OWN, method="DELETE"),
    Attack("configmaps-watched", RBAC, f"{MAPS}?watch=true", method="GET"),
    Attack("secret-made", RBAC, MAPS.replace("configmaps", "secrets"), {"metadata": {"name": "evil"}}, "POST"),
    Attack("secret-changed", RBAC, f"{MAPS.replace('configmaps', 'secrets')}/token", {"data": {"token": "eA=="}}),
)

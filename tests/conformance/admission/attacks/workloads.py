"""On workloads: other images, other variables, other fields."""

from typing import Any, Final

from tests.conformance.admission import world
from tests.conformance.admission.attacks.base import DIGITS, RBAC, WARD, Attack, containers, patch, pod
from tests.conformance.admission.cluster import ELSEWHERE, path_of
from tests.conformance.admission.world import GOOD, LABEL, SEEN, UNKNOWN


def to_image(id_: str, refused: str, image_: str, path: str = DIGITS) -> Attack:
    """The answering container on another image."""
    return patch(id_, refused, containers({"name": "model", "image": image_}), path)


def first(*items: dict[str, Any]) -> dict[str, Any]:
    """A strategic patch of init containers."""
    return pod({"initContainers": list(items)})


def with_env(id_: str, refused: str, *env: dict[str, Any], image_: str = GOOD) -> Attack:
    """A pinned image with other variables."""
    return patch(id_, refused, containers({"name": "model", "image": image_, "env": list(env)}))


def noted(key: str, value: str, **spec: Any) -> dict[str, Any]:
    """A patch that writes down something as taken away."""
    return {"metadata": {"annotations": {f"knowngood.dev/{key}": value}}, "spec": spec}


HELD: Final = path_of(world.workload("held", None))
ONLY: Final = "the operator may change only image and env"
IMAGES: Final = (
    to_image("image-not-pinned-nor-proven", "neither pins nor has proven", UNKNOWN),
    to_image("image-seen-but-not-proven", "neither pins nor has proven", SEEN),
    to_image("image-by-tag", "not by digest", world.TAGGED),
    to_image("image-by-tag-and-digest", "not by digest", world.TAGGED_TOO),
    to_image("image-of-another-registry", "not in a registry", world.FOREIGN),
    to_image("image-of-a-registry-with-that-beginning", "not in a registry", world.SIMILAR),
    patch(
        "image-of-an-init-container",
        "neither pins nor has proven",
        first({"name": "weights", "image": world.image("9", "weights")}),
    ),
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
    to_image("image-in-quarantine", "in quarantine", world.QUARANTINED_IMAGE, WARD),
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
    patch(
        "env-of-an-init-container",
        "declares no such value",
        first({"name": "weights", "env": [{"name": "LD_PRELOAD", "value": "/tmp/x.so"}]}),
    ),
    patch(
        "env-invented-as-taken-away",
        "must be what the variables that are written held",
        {
            "metadata": {"annotations": {"knowngood.dev/replaced-env": "model/MODEL_REVISION=6"}},
            **containers({"name": "model", "image": GOOD, "env": [{"name": "MODEL_REVISION", "value": "7"}]}),
        },
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
    patch(
        "init-container",
        "neither adds nor removes|neither pins nor has proven",
        pod({"initContainers": [{"name": "first", "image": GOOD}]}),
    ),
    patch("init-container-command", ONLY, first({"name": "weights", "command": ["sh", "-c", "id"]})),
    Attack(
        "init-container-removed",
        "neither adds nor removes",
        DIGITS,
        [{"op": "remove", "path": "/spec/template/spec/initContainers"}],
        type="application/json-patch+json",
    ),
    Attack(
        "container-made-an-init-container",
        "neither adds nor removes",
        DIGITS,
        [{"op": "move", "from": "/spec/template/spec/containers/1", "path": "/spec/template/spec/initContainers/-"}],
        type="application/json-patch+json",
    ),
    patch("another-container", "neither adds nor removes", containers({"name": "spy", "image": world.PROVEN})),
    patch("container-removed", "neither adds nor removes", containers({"name": "proxy", "$patch": "delete"})),
    patch("pod-labels", ONLY, {"spec": {"template": {"metadata": {"labels": {"team": "evil"}}}}}),
    patch("replicas", "may only scale to 0", {"spec": {"replicas": 7}}),
    patch("replicas-invented", "must be how many there are", noted("replaced-replicas", "7", replicas=0)),
    patch("replicas-written-down-and-used-at-once", "must be how many", noted("replaced-replicas", "7", replicas=7)),
    patch("image-invented-as-taken-away", "must be what the containers run", noted("replaced", f"model={UNKNOWN}")),
    patch("paused-without-a-note", "may only hold roll-outs with", {"spec": {"paused": True}}),
    patch("resumed-what-a-person-holds", "may only hold roll-outs with", {"spec": {"paused": None}}, HELD),
    patch("noted-what-a-person-holds", "may be written only by what holds roll-outs", noted("paused-by", "x"), HELD),
    patch(
        "resumed-by-a-note-of-the-moment",
        "may only hold roll-outs with|may be written only by what holds roll-outs",
        noted("paused-by", "x", paused=None),
        HELD,
    ),
    Attack("scale", RBAC, f"{DIGITS}/scale", {"spec": {"replicas": 0}}),
    patch(
        "relabel",
        "denied request: metadata.labels: the operator may change",
        {"metadata": {"labels": {LABEL: "faces"}}},
    ),
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

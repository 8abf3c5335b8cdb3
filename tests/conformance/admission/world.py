"""The workloads, models and people that the tests are about."""

import copy
from typing import Any, Final

from tests.conformance.admission.cluster import ELSEWHERE, WATCHED
from tests.conformance.crds.statuses import NOW

REGISTRY: Final = "registry.local:5000"
LABEL: Final = "knowngood.dev/model"
VERBS: Final = {
    "acknowledgement": "acknowledge",
    "approval": "approve",
    "disposition": "dismiss",
    "closeRequest": "close",
}


def digest(letter: str) -> str:
    """A digest that is easy to tell from others."""
    return "sha256:" + letter * 64


def image(letter: str, name: str = "digits") -> str:
    """An image of the allowed registry, by digest."""
    return f"{REGISTRY}/{name}@{digest(letter)}"


RUNNING: Final = image("b")
GOOD: Final = image("a")
CANDIDATE: Final = image("c")
PROVEN: Final = image("d")
SEEN: Final = image("e")
UNKNOWN: Final = image("f")
WEIGHTS: Final = image("8", "weights")
OLDER_WEIGHTS: Final = image("4", "weights")
PLAN: Final = digest("1")
GATE: Final = {"name": "go", "decision": "Approve", "by": "responder", "planHash": PLAN}
MANAGED: Final = {"app.kubernetes.io/managed-by": "knowngood"}


def template(name: str) -> dict[str, Any]:
    """A pod template with two containers."""
    model: dict[str, Any] = {
        "name": "model",
        "image": RUNNING,
        "env": [
            {"name": "MODEL_REVISION", "value": "8"},
            {"name": "DEBUG", "value": "1"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "token"}}},
        ],
    }
    proxy = {"name": "proxy", "image": f"{REGISTRY}/proxy:1.0"}
    first = {"name": "weights", "image": WEIGHTS, "env": [{"name": "VERSION", "value": "8"}]}
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [model, proxy], "initContainers": [first]}}


def workload(name: str, model: str | None, kind: str = "Deployment", namespace: str = WATCHED) -> dict[str, Any]:
    """A workload; with `model`, its owner consents to that one."""
    labels = {"app": name} | ({LABEL: model} if model else {})
    spec: dict[str, Any] = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template(name)}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    meta = {"name": name, "namespace": namespace, "labels": labels, "annotations": {"team": "vision"}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": spec}


SAFE_MODE: Final = {"name": "safe-mode", "configMapKeyRef": {"name": "guardrail", "key": "mode"}, "value": "strict"}
RATE: Final = {"name": "rate", "env": {"container": "model", "name": "RATE"}, "value": "10"}
FLAGS: Final = [SAFE_MODE, RATE]


def settings(name: str, model: str | None) -> dict[str, Any]:
    """A ConfigMap with a model's settings; with `model`, its owner consents to that one."""
    meta: dict[str, Any] = {"name": name, "namespace": WATCHED, "labels": {LABEL: model} if model else {}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"mode": "relaxed, 50%", "other": "x"}}


def model(name: str, kind: str = "Deployment", namespace: str = WATCHED, target: str | None = None) -> dict[str, Any]:
    """A ModelDeployment that pins one release and names a candidate."""
    env = [{"name": "MODEL_REVISION", "value": "7"}, {"name": "EMPTY", "value": ""}]
    good = {"name": "model", "image": GOOD, "env": env, "removeEnv": ["DEBUG"]}
    weights = {"name": "weights", "image": OLDER_WEIGHTS, "env": [{"name": "VERSION", "value": "7"}]}
    spec = {
        "workloadRef": {"apiVersion": "apps/v1", "kind": kind, "name": target or name},
        "knownGood": {"containers": [good, weights]},
        "candidate": {"containers": [{"name": "model", "image": CANDIDATE}]},
        "flags": FLAGS,
    }
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "knowngood.dev/v1alpha1", "kind": "ModelDeployment", "metadata": meta, "spec": spec}


def release(of: str, proven: bool) -> dict[str, Any]:
    """A release in a model's history."""
    entry: dict[str, Any] = {"digest": of.split("@")[1], "containers": [{"name": "model", "image": of}]}
    return entry | ({"provenAt": NOW} if proven else {})


def service(name: str, model: str | None) -> dict[str, Any]:
    """A Service that leads to the workload of its name; with `model`, its owner consents to that one."""
    meta = {"name": name, "namespace": WATCHED, "labels": {LABEL: model} if model else {}}
    spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def reached(made: dict[str, Any], standby: str) -> dict[str, Any]:
    """The model with the Service of its name and a standby."""
    name = made["metadata"]["name"]
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": standby}
    made["spec"] |= {"serviceRef": {"name": name}, "standby": {"workloadRef": ref}}
    return made


def pod(name: str, labels: dict[str, str], **annotations: str) -> dict[str, Any]:
    """A pod with these labels."""
    meta = {"name": name, "namespace": WATCHED, "labels": labels, "annotations": annotations}
    spec = {"containers": [{"name": "model", "image": RUNNING}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


ACCOUNT: Final = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": WATCHED}}
CUT: Final = pod(
    "cut-0", {"knowngood.dev/isolated": "digits"}, **{"knowngood.dev/replaced-labels": "app=digits,tier=a"}
)


def network_policy(**changes: Any) -> dict[str, Any]:
    """The NetworkPolicy that cuts off pods of the model digits, as the operator makes it."""
    owner = {"apiVersion": "knowngood.dev/v1alpha1", "kind": "ModelDeployment", "name": "digits", "uid": "uid-digits"}
    meta = {
        "name": "knowngood-isolated-digits",
        "namespace": WATCHED,
        "labels": dict(MANAGED),
        "ownerReferences": [owner],
    }
    isolated = {"matchLabels": {"knowngood.dev/isolated": "digits"}}
    made: dict[str, Any] = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": meta,
        "spec": {"podSelector": isolated, "policyTypes": ["Ingress", "Egress"]},
    }
    for key, value in changes.items():
        (made["spec"] if key in {"podSelector", "policyTypes", "ingress", "egress"} else made["metadata"])[key] = value
    return made


def cron_job(name: str) -> dict[str, Any]:
    """A template of Jobs."""
    pod = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": GOOD, "command": ["true"]}]}}
    spec = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {"backoffLimit": 2, "template": pod}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name, "namespace": WATCHED}, "spec": spec}


def job(of: str, /, **changes: Any) -> dict[str, Any]:
    """A Job of that template, as the operator makes it; `changes` are of its spec, or of its metadata."""
    owner = {"apiVersion": "knowngood.dev/v1alpha1", "kind": "AIIncident", "name": "digits-0", "uid": "uid-digits-0"}
    meta: dict[str, Any] = {
        "name": "digits-0-scrub",
        "namespace": WATCHED,
        "labels": dict(MANAGED),
        "annotations": {"knowngood.dev/template": of, "knowngood.dev/run-by": "digits-0"},
        "ownerReferences": [owner],
    }
    spec = copy.deepcopy(cron_job(of)["spec"]["jobTemplate"]["spec"])
    for key, value in changes.items():
        (meta if key in {"finalizers", "ownerReferences", "labels", "annotations"} else spec)[key] = value
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


TAGGED: Final = f"{REGISTRY}/digits:latest"
TAGGED_TOO: Final = f"{REGISTRY}/digits:1@{digest('1')}"
FOREIGN: Final = f"evil.example.org/digits@{digest('2')}"
SIMILAR: Final = f"{REGISTRY}1/digits@{digest('3')}"
QUARANTINED_IMAGE: Final = image("7")
QUARANTINED: Final = {"digest": digest("7"), "incident": "digits-0", "since": NOW}
WARD: Final = {"quarantined": [QUARANTINED], "releases": [release(QUARANTINED_IMAGE, proven=True)]}
STATUS: Final = {
    "releases": [
        release(PROVEN, proven=True),
        release(SEEN, proven=False),
        # Said to be proven, so that nothing but their form or their registry is wrong with them.
        {"digest": "tag", "containers": [{"name": "model", "image": TAGGED}], "provenAt": NOW},
        *(release(each, proven=True) for each in (TAGGED_TOO, FOREIGN, SIMILAR)),
        {"digest": "spy", "containers": [{"name": "spy", "image": PROVEN}], "provenAt": NOW},
    ],
}


def incident(name: str, **spec: Any) -> dict[str, Any]:
    """An incident of the model digits, as the operator reports it."""
    base = {"modelRef": {"name": "digits"}, "type": "ModelFailure", "severity": "High", "origin": "Signal"}
    meta = {"name": name, "namespace": WATCHED}
    return {"apiVersion": "knowngood.dev/v1alpha1", "kind": "AIIncident", "metadata": meta, "spec": base | spec}


def configmap(name: str, kind: str, owner: str) -> dict[str, Any]:
    """A ConfigMap as the operator makes it for an object."""
    reference = {"apiVersion": "knowngood.dev/v1alpha1", "kind": kind, "name": owner, "uid": f"uid-{owner}"}
    meta = {"name": name, "namespace": WATCHED, "labels": dict(MANAGED), "ownerReferences": [reference]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"state": "eA=="}}


def unmarked(made: dict[str, Any]) -> dict[str, Any]:
    """The same, made by somebody else."""
    return made | {"metadata": {key: value for key, value in made["metadata"].items() if key != "labels"}}


KEPT: Final = configmap("knowngood-state-quality", "IncidentPolicy", "quality")
UNMARKED: Final = unmarked(configmap("knowngood-state-theirs", "IncidentPolicy", "theirs"))
FEATURES: Final = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "feature-pipeline", "namespace": WATCHED},
    "data": {"version": "v3"},
}


def paused(made: dict[str, Any]) -> dict[str, Any]:
    """A workload whose roll-outs a person holds."""
    made["spec"]["paused"] = True
    return made


OBJECTS: Final = (
    workload("digits", "digits"),
    workload("free", None),
    workload("orphan", "nobody"),
    workload("impostor", "digits"),
    workload("faces", "faces", "StatefulSet"),
    workload("digits", "digits", namespace=ELSEWHERE),
    ACCOUNT,
    cron_job("scrub"),
    cron_job("nightly"),
    pod("digits-0", {"app": "digits", "tier": "a"}),
    pod("free-0", {"app": "free"}),
    pod("stray-0", {"app": "stray"}),
    CUT,
    workload("ward", "ward"),
    model("ward"),
    paused(workload("held", "held")),
    model("held"),
    workload("digits-standby", "digits"),
    workload("faces-standby", "faces"),
    service("digits", "digits"),
    service("ghost", "ghost"),
    service("free", None),
    service("orphan", "nobody"),
    service("impostor", "digits"),
    reached(model("digits"), "digits-standby"),
    model("faces", "StatefulSet"),
    reached(model("ghost"), "nowhere"),
    model("digits", namespace=ELSEWHERE),
    KEPT,
    UNMARKED,
    FEATURES,
    settings("guardrail", "digits"),
    settings("theirs", "faces"),
    settings("ghostly", "nobody"),
)


RIGHTS: Final = "rbac.authorization.k8s.io"


def bound(who: str, kind: str, role: str, namespace: str = WATCHED) -> dict[str, Any]:
    """A person's RoleBinding."""
    return {
        "apiVersion": f"{RIGHTS}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"{who}-{role}".replace(":", "."), "namespace": namespace},
        "roleRef": {"apiGroup": RIGHTS, "kind": kind, "name": role},
        "subjects": [{"apiGroup": RIGHTS, "kind": "User", "name": who}],
    }


def role(name: str, group: str, resource: str, verbs: list[str], **rule: Any) -> dict[str, Any]:
    """A Role of one rule."""
    rules = [{"apiGroups": [group], "resources": [resource], "verbs": verbs, **rule}]
    meta = {"name": name, "namespace": WATCHED}
    return {"apiVersion": f"{RIGHTS}/v1", "kind": "Role", "metadata": meta, "rules": rules}


def bindings() -> list[dict[str, Any]]:
    """People's roles in the watched namespace.

    The owner may also patch the workload digits and read the ConfigMap feature-pipeline, and no other; the curator
    edits, and reads all ConfigMaps.
    """
    roles = [(who, "ClusterRole", f"knowngood-{who}") for who in ("viewer", "responder", "editor")]
    roles += [("owner", "ClusterRole", "knowngood-responder"), ("owner", "ClusterRole", "knowngood-editor")]
    roles += [("owner", "Role", "patches-digits"), ("owner", "Role", "reads-features")]
    roles += [("curator", "ClusterRole", "knowngood-editor"), ("curator", "Role", "reads-all")]
    own = [
        role("patches-digits", "apps", "deployments", ["patch"], resourceNames=["digits"]),
        role("reads-features", "", "configmaps", ["get"], resourceNames=["feature-pipeline"]),
        role("reads-all", "", "configmaps", ["get"]),
        role("patches-guardrail", "", "configmaps", ["patch"], resourceNames=["guardrail"]),
    ]
    own.append(role("patches-service", "", "services", ["patch"], resourceNames=["digits"]))
    own.append(role("patches-standby", "apps", "deployments", ["patch"], resourceNames=["digits-standby"]))
    roles += [("owner", "Role", f"patches-{what}") for what in ("guardrail", "service", "standby")]
    for verb in VERBS.values():  # who may write incidents, and decide everything but this
        others = [each for each in VERBS.values() if each != verb]
        own.append(role(f"no-{verb}", "knowngood.dev", "aiincidents", ["get", "create", "patch", *others]))
        roles.append((f"no-{verb}", "Role", f"no-{verb}"))
    return [*own, *(bound(*each) for each in roles)]

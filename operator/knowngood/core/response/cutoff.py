"""Pods taken out of everything that selects by labels, and the NetworkPolicy that cuts them off.

NetworkPolicies add up: a pod that an allow policy still selects stays reachable. So all labels go, and one comes.
"""

from typing import Any

from knowngood.api import API_VERSION, GROUP
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.facts.things import Thing
from knowngood.core.facts.workload import REPLACED_LABELS, Pod
from knowngood.core.incidents.statetext import kept_name
from knowngood.core.response import noted
from knowngood.core.response.mutation import Creation, Mutation, Target

ISOLATED = f"{GROUP}/isolated"  # the one label of a pod that is cut off, with the model's name
ISOLATED_BY = f"{GROUP}/isolated-by"


def isolated(pod: Pod, model: str) -> bool:
    """Whether the pod has no label left but ours."""
    return dict(pod.labels) == {ISOLATED: model}


def cut_off(pod: Pod, model: str, incident: str) -> Mutation:
    """The pod without its labels; what they were is noted on it."""
    labels: dict[str, str | None] = {**dict.fromkeys(pod.labels), ISOLATED: model}
    annotations = {ISOLATED_BY: incident, REPLACED_LABELS: noted.text(dict(pod.labels))}
    return Mutation(_target(pod), {"metadata": {"labels": labels, "annotations": annotations}})


def let_back(pod: Pod) -> Mutation:
    """The pod with the labels that are noted on it."""
    labels = {ISOLATED: None, **noted.read(pod.replaced_labels)}
    annotations = {ISOLATED_BY: None, REPLACED_LABELS: None}
    return Mutation(_target(pod), {"metadata": {"labels": labels, "annotations": annotations}})


def kept_until(pod: Pod, seconds: int) -> Mutation:
    """The pod with a deadline, ``seconds`` after its start; Kubernetes ends it then."""
    return Mutation(_target(pod), {"spec": {"activeDeadlineSeconds": seconds}})


def policy_name(model: str) -> str:
    """The name of the model's NetworkPolicy."""
    return kept_name("isolated", model)


def policy_spec(model: str) -> dict[str, Any]:
    """Nothing in, nothing out, for the pods that are cut off; where there are none it selects nobody."""
    return {"podSelector": {"matchLabels": {ISOLATED: model}}, "policyTypes": ["Ingress", "Egress"]}


def policy(model: ModelDeployment) -> Creation:
    """The model's NetworkPolicy, which goes with it."""
    meta = model.metadata
    owner = {"apiVersion": API_VERSION, "kind": "ModelDeployment", "name": meta.name, "uid": meta.uid}
    name, version = policy_name(meta.name), "networking.k8s.io/v1"
    body = {
        "apiVersion": version,
        "kind": "NetworkPolicy",
        "metadata": {
            "name": name,
            "namespace": meta.namespace,
            "labels": {"app.kubernetes.io/managed-by": "knowngood"},
            "ownerReferences": [owner],
        },
        "spec": policy_spec(meta.name),
    }
    return Creation(version, "NetworkPolicy", meta.namespace, name, body)


def denies(found: Thing, model: str) -> bool:
    """Whether the NetworkPolicy that is there is the one that cuts off."""
    spec = found.raw.get("spec") or {}
    wanted = policy_spec(model)
    return (
        spec.get("podSelector") == wanted["podSelector"]
        and set(spec.get("policyTypes") or ()) == set(wanted["policyTypes"])
        and not spec.get("ingress")
        and not spec.get("egress")
    )


def _target(pod: Pod) -> Target:
    return Target("v1", "Pod", pod.namespace, pod.name, pod.uid, pod.resource_version)

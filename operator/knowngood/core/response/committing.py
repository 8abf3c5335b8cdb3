"""What a person changes in Git, so that a pin stays: in words, with the commands, and as a patch to commit."""

from collections.abc import Sequence
from typing import Any

import yaml

from knowngood.core.facts import argo
from knowngood.core.facts.gitops import Keeper, Reverts
from knowngood.core.facts.workload import Workload
from knowngood.core.incidents.evidence import env_value
from knowngood.core.response import variables
from knowngood.core.response.knowngood import Pin

_LONGEST = 2400  # characters of a patch; with the names around it, a message of 4096 holds it whole
_WIDE = 10_000  # characters of a line, so that no image is broken
_WHEN = {
    ("Kustomization", Reverts.ALWAYS): "puts the old images back at its next reconciliation",
    ("HelmRelease", Reverts.PERHAPS): (
        "puts the old images back at its next upgrade, and sooner where its spec.driftDetection.mode is enabled"
    ),
    ("Application", Reverts.PERHAPS): (
        "puts the old images back at its next sync, and at once where its spec.syncPolicy.automated.selfHeal is true"
    ),
}
_OTHERWISE = {
    Reverts.ALWAYS: "puts the old images back",
    Reverts.PERHAPS: "may put the old images back",
    Reverts.ON_UPGRADE: "puts the old images back when it is upgraded next",
    Reverts.NEVER: "is told by an annotation to leave it, and puts the old images back once that is gone",
}


def advice(keeper: Keeper, workload: Workload, pins: Sequence[Pin]) -> str:
    """What ``keeper`` does to a pin of ``workload``, and what to do about it; at most 4096 characters."""
    when = _WHEN.get((keeper.kind, keeper.reverts), _OTHERWISE[keeper.reverts])
    pause = _pause(keeper)
    paused = f"Pause it ({pause}), or commit" if pause else "Commit"
    patched = patch(workload, pins)
    if not patched:
        return f"{keeper} {when}. {paused} the images of status.plan.knownGood and what spec.knownGood adds to them"
    where = "values that render" if "Helm" in keeper.kind else "this patch of the manifests"
    return f"{keeper} {when}. {paused} {where}:\n{patched}"


def _pause(keeper: Keeper) -> str:
    """The command that keeps it from writing; empty where there is none, or its name is not known."""
    if not keeper.name:
        return ""
    where = f" -n {keeper.namespace}" if keeper.namespace else ""
    match keeper.kind:
        case "Kustomization" | "HelmRelease":
            return f"flux suspend {keeper.kind.lower()} {keeper.name}{where}"
        case "Application":
            name = f"{keeper.namespace}/{keeper.name}" if keeper.namespace else keeper.name
            return f"argocd app set {name} --sync-policy none"
        case _:
            return ""


def patch(workload: Workload, pins: Sequence[Pin]) -> str:
    """The strategic merge patch that pins, as YAML for Git; empty where it is too long for a message.

    And where it holds what may be secret, since many read the record; and of a Rollout: tools that do not know its
    schema would put the patch in place of whole lists.
    """
    secret = any(env_value(*variable).startswith("sha256:") for pin in pins for variable in pin.env)
    if secret or workload.kind == argo.KIND:
        return ""
    first = {c.name for c in workload.init_containers}
    found = {
        "containers": [_container(pin) for pin in pins if pin.container not in first],
        "initContainers": [_container(pin) for pin in pins if pin.container in first],
    }
    body = {
        "apiVersion": workload.api_version,
        "kind": workload.kind,
        "metadata": {"name": workload.name, "namespace": workload.namespace},
        "spec": {"template": {"spec": {kind: items for kind, items in found.items() if items}}},
    }
    text = yaml.safe_dump(body, sort_keys=False, width=_WIDE, allow_unicode=True)
    return text if len(text) <= _LONGEST else ""


def _container(pin: Pin) -> dict[str, Any]:
    env = [variables.entry(*v) for v in (*pin.env, *((name, None) for name in pin.remove_env))]
    return {"name": pin.container, "image": pin.image, **({"env": env} if env else {})}

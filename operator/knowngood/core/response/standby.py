"""Whether the standby can take the callers over, and by which labels a Service leads to it."""

from knowngood.api import LABEL_MODEL
from knowngood.api.conditions import Reason
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.facts.images import parse_image
from knowngood.core.facts.workload import Pod, Workload
from knowngood.core.incidents.quarantine import quarantined
from knowngood.core.response.changing import Why
from knowngood.core.response.facts import Facts


def standby_name(model: ModelDeployment) -> str:
    """The standby's workload as people call it; empty where there is none."""
    ref = model.spec.standby.workload_ref if model.spec.standby else None
    return f"{ref.kind.value} {ref.name}" if ref else ""


def leads_to(model: ModelDeployment) -> str:
    """The standby's workload as the Service's annotation names it."""
    return standby_name(model).replace(" ", "/")


def labels(facts: Facts) -> dict[str, str]:
    """By which labels a Service leads to the standby's pods."""
    workload = facts.standby.workload if facts.standby else None
    return dict(workload.selector.equal) if workload else {}


def ready(facts: Facts) -> list[Pod]:
    """The standby's pods that answer."""
    return [pod for pod in facts.standby.pods if pod.live and pod.ready] if facts.standby else []


def refusal(facts: Facts) -> Why | None:
    """Why callers cannot be led to the standby now."""
    model, name = facts.model, standby_name(facts.model)
    if facts.standby is None:
        why = f"ModelDeployment {model.metadata.name} names no standby; write a warm copy's workload into spec.standby"
        return Reason.NOT_DECLARED, why
    workload = facts.standby.workload
    if workload is None or not workload.consents(model.metadata.name):
        why = f"there is no {name} labelled {LABEL_MODEL}={model.metadata.name}; make it or label it so"
        return Reason.CONSENT_MISSING, f"{why}: the label is its owner's consent"
    if workload.selector.requirements or not workload.selector.equal:
        return Reason.INVALID, f"{name} selects by matchExpressions, which a Service cannot; give it matchLabels alone"
    if not ready(facts):
        return Reason.STANDBY_NOT_READY, f"no pod of {name} is ready; look at its pods"
    return _unproven(facts, workload, name)


def _unproven(facts: Facts, workload: Workload, name: str) -> Why | None:
    container = workload.container(facts.container) or workload.container(None)
    if container is None:
        have = ", ".join(workload.images)
        return Reason.CONTAINER_NOT_FOUND, f"{name} has no container {facts.container}; it has {have}"
    good, bad = known_good(facts.model, facts.container), facts.implicated | quarantined(facts.model)
    for pod in ready(facts):
        found = pod.container(container.name)
        digest = found.running.digest if found else ""
        if digest in bad:
            return (
                Reason.STANDBY_NOT_PROVEN,
                f"{name} runs {digest}, which an open incident suspects or which is in quarantine; roll out another",
            )
        if digest not in good:
            why = (
                f"{name} runs {digest or 'what is not known yet'}, which spec.knownGood does not name and which is not"
            )
            return Reason.STANDBY_NOT_PROVEN, f"{why} proven; roll out a known-good release there, or name this one"
    return None


def known_good(model: ModelDeployment, container: str) -> frozenset[str]:
    """Digests of the answering container that a person pins, or that stayed healthy."""
    pinned = model.spec.known_good.containers if model.spec.known_good else []
    named = frozenset(parse_image(c.image).digest for c in pinned if c.name == container)
    return named | {r.digest for r in model.status.releases if r.proven_at is not None}

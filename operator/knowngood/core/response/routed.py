"""The model's Service as steps see it: there, led, led elsewhere by somebody else, or led on by a later step."""

from collections.abc import Mapping

from knowngood.api.conditions import Reason
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.plan import PlanStep, StepState
from knowngood.api.steps import ActionName
from knowngood.core.facts.things import Ref, Thing
from knowngood.core.response import lookups, services
from knowngood.core.response.changing import State, Why, later
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import target_name
from knowngood.core.response.mutation import Mutation

_LEADS = frozenset({ActionName.REROUTE_TRAFFIC, ActionName.ISOLATE})
_BEGUN = frozenset({StepState.INTENDED, StepState.DONE, StepState.FAILED})


def service_name(model: ModelDeployment) -> str:
    """The Service's name, for a person."""
    return model.spec.service_ref.name if model.spec.service_ref else "(none is declared)"


def ref(model: ModelDeployment) -> Ref:
    """The Service."""
    return Ref("Service", service_name(model))


def needs(model: ModelDeployment) -> tuple[Ref, ...]:
    """The Service, where one is declared."""
    return (ref(model),) if model.spec.service_ref else ()


def service(facts: Facts) -> Thing:
    """The Service, which is there: ``refusal`` or ``gone`` has been asked."""
    found = lookups.thing(facts, ref(facts.model))
    if found is None:
        raise ValueError("no Service")
    return found


def refusal(facts: Facts) -> Why | None:
    """Why the Service cannot be led anywhere."""
    model = facts.model
    if model.spec.service_ref is None:
        why = f"ModelDeployment {model.metadata.name} names no Service; write where callers reach it into"
        return Reason.NOT_DECLARED, f"{why} spec.serviceRef"
    if (refused := lookups.refusal(facts, ref(model))) is not None:
        return refused
    if not services.selector_of(service(facts)):
        return Reason.INVALID, f"Service {model.spec.service_ref.name} has no selector, so that it cannot be led"
    return None


def led_by_argo(model: ModelDeployment) -> str:
    """Why no Service of a Rollout is led anywhere, in words."""
    return f"{target_name(model)} leads its Services itself: Argo Rollouts writes their selectors and puts ours back"


def as_written(facts: Facts) -> bool:
    """Whether the Service leads where its owner wrote it, or none is declared."""
    if facts.model.spec.service_ref is None:
        return True
    found = lookups.thing(facts, ref(facts.model))
    return found is not None and services.before(found) in (None, services.selector_of(found))


def gone(facts: Facts) -> str:
    """That the Service is gone; empty where it is there."""
    there = facts.model.spec.service_ref is not None and lookups.thing(facts, ref(facts.model)) is not None
    return "" if there else f"Service {service_name(facts.model)} is gone; nothing is left to change"


def state(facts: Facts, step: PlanStep) -> State:
    """Compare the selector with what is wanted, and with what was seen."""
    there, seen = services.selector_of(service(facts)), step.observed
    if seen is not None and there == seen.wanted:
        return State.THERE
    return State.AS_SEEN if seen is not None and there == seen.selector else State.CHANGED


def marked(facts: Facts, to: str | None) -> bool:
    """Whether this incident has led the Service there."""
    marks = service(facts).annotations
    return marks.get(services.ROUTED_BY) == facts.incident.metadata.name and marks.get(services.ROUTED_TO) == to


def led(facts: Facts, wanted: Mapping[str, str], to: str | None) -> Mutation:
    """The Service with that selector; once it is as its owner wrote it, the annotations go."""
    found = service(facts)
    if dict(wanted) == services.before(found):
        return services.rerouted(found, wanted, dict.fromkeys(services.ANNOTATIONS))
    return services.rerouted(found, wanted, services.marks(found, facts.incident.metadata.name, to))


def found(facts: Facts) -> str:
    """What the Service selects, for a person."""
    there = service(facts)
    return f"the selector of Service {there.name} to {services.shown(services.selector_of(there))}"


def superseded(facts: Facts, step: PlanStep) -> bool:
    """Whether a later step of the plan leads the Service elsewhere, or back."""
    return any(s.action in _LEADS and s.state in _BEGUN for s in later(facts.incident.status, step))

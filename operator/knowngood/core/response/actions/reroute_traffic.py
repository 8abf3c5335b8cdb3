"""RerouteTraffic: lead callers to the warm standby that the user owns, or back to the workload.

It writes a Service's selector and three annotations of its own. Open connections stay where they are.
"""

from typing import ClassVar

from knowngood.api.conditions import Reason
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.plan import PlanStep, StepObserved, StepState
from knowngood.api.playbook import Step
from knowngood.api.steps import ActionName, Destination
from knowngood.core.facts.things import Ref, Thing
from knowngood.core.response import lookups, services, standby
from knowngood.core.response.actions.action import Described
from knowngood.core.response.changing import Changing, State, Why
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import Ground, target_name
from knowngood.core.response.mutation import Mutation, Verb

_AFTER = frozenset({ActionName.REROUTE_TRAFFIC, ActionName.ISOLATE})
_BEGUN = frozenset({StepState.INTENDED, StepState.DONE, StepState.FAILED})


class RerouteTraffic(Changing):
    """New connections go elsewhere."""

    name = ActionName.REROUTE_TRAFFIC
    default_timeout = "1m"
    applied = "Rerouted"
    in_effect = "the Service leads there"
    verbs = (Verb("", "services", ("get", "patch")),)
    writes: ClassVar = {"Service": services.WRITES}

    def needs(self, model: ModelDeployment, step: PlanStep) -> tuple[Ref, ...]:
        """The Service."""
        return (Ref("Service", model.spec.service_ref.name),) if model.spec.service_ref else ()

    def describe(self, ground: Ground, step: Step | PlanStep) -> Described:
        """How the step stands in a plan."""
        service, away = _service_name(ground.model), _to(step) is Destination.STANDBY
        to = (standby.standby_name(ground.model) or "a standby, which is not declared") if away else ground.target_name
        wanted = f"pods of {to} are ready and run a proven release" if away else f"no pod of {to} runs the suspect"
        return Described(
            summary=f"lead Service {service} {'' if away else 'back '}to {to}",
            precondition=f"{wanted}; Service {service} still selects what it did when the step began",
            effect=f"new connections go to {to}; open ones stay where they are",
            undo="the selector that stood there before is put back",
        )

    def obstacle(self, facts: Facts, step: PlanStep) -> Why | None:
        """No Service, or nobody there who could answer well."""
        model = facts.model
        if model.spec.service_ref is None:
            why = f"ModelDeployment {model.metadata.name} names no Service; write where callers reach it into"
            return Reason.NOT_DECLARED, f"{why} spec.serviceRef"
        if (refused := lookups.refusal(facts, _ref(model))) is not None:
            return refused
        if not services.selector_of(_service(facts)):
            return Reason.INVALID, f"Service {model.spec.service_ref.name} has no selector, so that it cannot be led"
        return self._away(facts) if _to(step) is Destination.STANDBY else self._back(facts)

    def _away(self, facts: Facts) -> Why | None:
        if (refused := standby.refusal(facts)) is not None:
            return refused
        service = _service(facts)
        selector = services.before(service) or services.selector_of(service)
        if facts.pods and not any(services.selects(selector, pod) for pod in facts.pods):
            why = f"Service {service.name} selects {services.shown(selector)}, and no pod of {target_name(facts.model)}"
            return Reason.INVALID, f"{why}; write the Service that leads to it into spec.serviceRef"
        return None

    def _back(self, facts: Facts) -> Why | None:
        suspect = facts.incident.status.suspect
        live = [pod for pod in facts.pods if pod.live]
        if not any(pod.ready for pod in live):
            return Reason.SUSPECT_RUNS, f"no pod of {target_name(facts.model)} is ready"
        if suspect is not None and suspect.digest in facts.running:
            why = f"pods of {target_name(facts.model)} still run the suspect {suspect.digest}; put it back on a release"
            return Reason.SUSPECT_RUNS, f"{why} that is known to be good first"
        return None

    def nothing_to_do(self, facts: Facts, step: PlanStep) -> Why | None:
        """The Service leads there already."""
        service = _service(facts)
        there = services.selector_of(service)
        if _to(step) is Destination.STANDBY and there == standby.labels(facts):
            why = f"Service {service.name} leads to {standby.standby_name(facts.model)} already"
            return Reason.ALREADY_SO, why
        if _to(step) is Destination.WORKLOAD and services.before(service) in (None, there):
            return Reason.ALREADY_SO, f"Service {service.name} is as its owner wrote it"
        return None

    def observe(self, facts: Facts, step: PlanStep) -> StepObserved:
        """Its selector, and the one that it gets."""
        service = _service(facts)
        away = _to(step) is Destination.STANDBY
        wanted = standby.labels(facts) if away else services.before(service) or {}
        selector = services.selector_of(service)
        return StepObserved(resource_version=service.resource_version, selector=selector, wanted=wanted)

    def gone(self, facts: Facts, step: PlanStep) -> str:
        """The Service."""
        there = facts.model.spec.service_ref is not None and lookups.thing(facts, _ref(facts.model)) is not None
        return "" if there else f"Service {_service_name(facts.model)} is gone; nothing is left to change"

    def state(self, facts: Facts, step: PlanStep) -> State:
        """Compare the selector with what is wanted, and with what was seen."""
        there, seen = services.selector_of(_service(facts)), step.observed
        if seen is not None and there == seen.wanted:
            return State.THERE
        return State.AS_SEEN if seen is not None and there == seen.selector else State.CHANGED

    def marked(self, facts: Facts, step: PlanStep) -> bool:
        """By the annotations; back, they are gone."""
        marks = _service(facts).annotations
        ours = marks.get(services.ROUTED_BY) == facts.incident.metadata.name
        return (
            ours and _to(step) is Destination.STANDBY and marks.get(services.ROUTED_TO) == standby.leads_to(facts.model)
        )

    def write(self, facts: Facts, step: PlanStep) -> Mutation:
        """The selector that is wanted."""
        return _mutation(facts, step.observed.wanted if step.observed else {}, _to(step) is Destination.STANDBY)

    def undo(self, facts: Facts, step: PlanStep) -> Mutation | None:
        """The selector that was seen."""
        return _mutation(facts, step.observed.selector if step.observed else {}, _to(step) is Destination.WORKLOAD)

    def finished(self, facts: Facts, step: PlanStep) -> bool:
        """With the selector."""
        return True

    def done(self, facts: Facts, step: PlanStep) -> str:
        """Who answers now."""
        service = _service_name(facts.model)
        if _to(step) is Destination.WORKLOAD:
            return f"Service {service} leads to {target_name(facts.model)} again"
        count = len(standby.ready(facts))
        who = f"the {count} ready pods of" if count != 1 else "the one ready pod of"
        return (
            f"new connections to Service {service} go to {who} {standby.standby_name(facts.model)}; open ones stay "
            "where they are until they are closed"
        )

    def found(self, facts: Facts, step: PlanStep) -> str:
        """What the Service selects."""
        service = _service(facts)
        return f"the selector of Service {service.name} to {services.shown(services.selector_of(service))}"

    def superseded(self, facts: Facts, step: PlanStep) -> bool:
        """A later step leads the Service elsewhere, or back."""
        plan = facts.incident.status.plan
        steps = plan.steps if plan else []
        later = steps[[s.name for s in steps].index(step.name) + 1 :]
        return any(s.action in _AFTER and s.state in _BEGUN for s in later)


def _to(step: Step | PlanStep) -> Destination:
    return step.reroute_traffic.to if step.reroute_traffic else Destination.STANDBY


def _service_name(model: ModelDeployment) -> str:
    return model.spec.service_ref.name if model.spec.service_ref else "(none is declared)"


def _ref(model: ModelDeployment) -> Ref:
    return Ref("Service", _service_name(model))


def _service(facts: Facts) -> Thing:
    found = lookups.thing(facts, _ref(facts.model))
    if found is None:
        raise ValueError("no Service")
    return found


def _mutation(facts: Facts, wanted: dict[str, str], away: bool) -> Mutation:
    """The Service with that selector; once it is as its owner wrote it, the annotations go."""
    service = _service(facts)
    original = services.before(service)
    if wanted == original:
        return services.rerouted(service, wanted, dict.fromkeys(services.ANNOTATIONS))
    to = standby.leads_to(facts.model) if away else service.annotations.get(services.ROUTED_TO)
    return services.rerouted(service, wanted, services.marks(service, facts.incident.metadata.name, to))

"""RerouteTraffic: lead callers to the warm standby that the user owns, or back to the workload.

It writes a Service's selector and three annotations of its own. Open connections stay where they are.
"""

from typing import ClassVar

from knowngood.api.common import WorkloadKind
from knowngood.api.conditions import Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.plan import PlanStep, StepObserved
from knowngood.api.playbook import Step
from knowngood.api.steps import ActionName, Destination
from knowngood.core.facts.things import Ref
from knowngood.core.response import routed, services, standby
from knowngood.core.response.actions.action import Described
from knowngood.core.response.changing import Changing, State, Why
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import Ground, target_name
from knowngood.core.response.mutation import Mutation, Verb


class RerouteTraffic(Changing):
    """New connections go elsewhere."""

    name = ActionName.REROUTE_TRAFFIC
    default_timeout = "1m"
    applied = "Rerouted"
    in_effect = "the Service leads there"
    verbs = (Verb("", "services", ("get", "patch")),)
    writes: ClassVar = {"Service": services.WRITES}

    def needs(self, facts: Facts, step: PlanStep) -> tuple[Ref, ...]:
        """The Service."""
        return self.writes_to(facts.model, step)

    def writes_to(self, model: ModelDeployment, step: PlanStep) -> tuple[Ref, ...]:
        """The Service."""
        return routed.needs(model)

    def describe(self, ground: Ground, step: Step | PlanStep) -> Described:
        """How the step stands in a plan."""
        service, away = routed.service_name(ground.model), _away(step)
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
        if _by_argo(facts):
            return None  # it is passed over
        if not _away(step) and routed.as_written(facts):
            return None
        return routed.refusal(facts) or (_no_way_away(facts) if _away(step) else _no_way_back(facts))

    def nothing_to_do(self, facts: Facts, step: PlanStep) -> Why | None:
        """The Service leads there already, or is not ours to lead."""
        if _by_argo(facts):
            return Reason.NOT_SUPPORTED, f"{routed.led_by_argo(facts.model)}; pin instead"
        if not _away(step) and routed.as_written(facts):
            return Reason.ALREADY_SO, "no Service was led away, so that none is led back"
        service = routed.service(facts)
        there = services.selector_of(service)
        if _away(step) and there == standby.labels(facts):
            why = f"Service {service.name} leads to {standby.standby_name(facts.model)} already"
            return Reason.ALREADY_SO, why
        return None

    def observe(self, facts: Facts, step: PlanStep) -> StepObserved:
        """Its selector, and the one that it gets."""
        service = routed.service(facts)
        wanted = standby.labels(facts) if _away(step) else services.before(service) or {}
        selector = services.selector_of(service)
        return StepObserved(resource_version=service.resource_version, selector=selector, wanted=wanted)

    def gone(self, facts: Facts, step: PlanStep) -> str:
        """The Service."""
        return routed.gone(facts)

    def state(self, facts: Facts, step: PlanStep) -> State:
        """Compare the selector with what is wanted, and with what was seen."""
        return routed.state(facts, step)

    def marked(self, facts: Facts, step: PlanStep) -> bool:
        """By the annotations; back, they are gone."""
        return _away(step) and routed.marked(facts, standby.leads_to(facts.model))

    def write(self, facts: Facts, step: PlanStep) -> Mutation:
        """The selector that is wanted."""
        return _led(facts, step.observed.wanted if step.observed else {})

    def undo(self, facts: Facts, step: PlanStep) -> Mutation | None:
        """The selector that was seen."""
        return _led(facts, step.observed.selector if step.observed else {})

    def finished(self, facts: Facts, step: PlanStep) -> bool:
        """With the selector."""
        return True

    def done(self, facts: Facts, step: PlanStep) -> str:
        """Who answers now."""
        service = routed.service_name(facts.model)
        if not _away(step):
            return f"Service {service} leads to {target_name(facts.model)} again"
        count = len(standby.ready(facts))
        who = f"the {count} ready pods of" if count != 1 else "the one ready pod of"
        return (
            f"new connections to Service {service} go to {who} {standby.standby_name(facts.model)}; open ones stay "
            "where they are until they are closed"
        )

    def handed_back(self, step: PlanStep) -> frozenset[IncidentPhase]:
        """When it is mended, or was none; the way back itself stays."""
        return frozenset({IncidentPhase.RESOLVED, IncidentPhase.DISMISSED}) if _away(step) else frozenset()

    def covers(self, step: PlanStep) -> bool:
        """Nobody asks the workload."""
        return _away(step)

    def found(self, facts: Facts, step: PlanStep) -> str:
        """What the Service selects."""
        return routed.found(facts)

    def superseded(self, facts: Facts, step: PlanStep) -> bool:
        """A later step leads the Service elsewhere, or back."""
        return routed.superseded(facts, step)


def _away(step: Step | PlanStep) -> bool:
    return step.reroute_traffic is None or step.reroute_traffic.to is Destination.STANDBY


def _by_argo(facts: Facts) -> bool:
    return facts.model.spec.workload_ref.kind is WorkloadKind.ROLLOUT


def _no_way_away(facts: Facts) -> Why | None:
    if (refused := standby.refusal(facts)) is not None:
        return refused
    service = routed.service(facts)
    selector = services.before(service) or services.selector_of(service)
    if facts.pods and not any(services.selects(selector, pod) for pod in facts.pods):
        why = f"Service {service.name} selects {services.shown(selector)}, and no pod of {target_name(facts.model)}"
        return Reason.INVALID, f"{why}; write the Service that leads to it into spec.serviceRef"
    return None


def _no_way_back(facts: Facts) -> Why | None:
    suspect, name = facts.incident.status.suspect, target_name(facts.model)
    if not any(pod.live and pod.ready for pod in facts.pods):
        return Reason.SUSPECT_RUNS, f"no pod of {name} is ready"
    if suspect is not None and suspect.digest in facts.running:
        why = f"pods of {name} still run the suspect {suspect.digest}; put it back on a release"
        return Reason.SUSPECT_RUNS, f"{why} that is known to be good first"
    return None


def _led(facts: Facts, selector: dict[str, str]) -> Mutation:
    to = standby.leads_to(facts.model) if selector == standby.labels(facts) else None
    return routed.led(facts, selector, to)

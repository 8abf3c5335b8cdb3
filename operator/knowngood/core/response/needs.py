"""What has to be read for an incident beside its workload and pods: the objects of the steps that are due or done."""

from collections.abc import Iterator

from knowngood.api.common import Mode
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.facts.things import Ref
from knowngood.core.response import jobs
from knowngood.core.response.actions.action import Action
from knowngood.core.response.facts import Facts
from knowngood.core.response.plan import build
from knowngood.core.response.registry import action
from knowngood.core.response.templates import named_by

_LEFT = frozenset({StepState.SKIPPED, StepState.UNDONE})


def needs(facts: Facts) -> tuple[Ref, ...]:
    """Each object once: of the steps that have begun, and of the next that may; and what a plan is made from."""
    found = [ref for step, one in _steps(facts) for ref in one.needs(facts, step)]
    return tuple(dict.fromkeys([*found, *_planned_from(facts)]))


def _planned_from(facts: Facts) -> list[Ref]:
    """The templates of the plan that is to be made, or that a person has still to approve."""
    status = facts.incident.status
    if status.plan is not None and (status.plan.mode is not Mode.APPROVAL or status.approval is not None):
        return []
    plan = status.plan or build(facts.ground)
    return [jobs.template(name) for step in plan.steps if (name := named_by(step))]


def asks(facts: Facts) -> tuple[str, ...]:
    """Each query once, of the step that is under way."""
    under_way = (StepState.PENDING, StepState.INTENDED)
    found = [query for step, one in _steps(facts) if step.state in under_way for query in one.asks(facts, step)]
    return tuple(dict.fromkeys(found))


def in_flight(status: AIIncidentStatus, model: ModelDeployment) -> tuple[Ref, ...]:
    """The objects beside the workload that whoever took the plan this far may still be about to patch."""
    under_way = (StepState.INTENDED, StepState.UNDOING)
    steps = [s for s in (status.plan.steps if status.plan else []) if s.state in under_way]
    found = [ref for s in steps if (one := action(s.action)) is not None for ref in one.writes_to(model, s)]
    return tuple(dict.fromkeys(found))


def _steps(facts: Facts) -> Iterator[tuple[PlanStep, Action]]:
    plan, waiting = facts.incident.status.plan, set()
    for step in plan.steps if plan else ():
        found = action(step.action)
        if found is None or not found.contains or step.state in _LEFT:
            continue
        if step.state is StepState.PENDING:
            if step.rung in waiting:
                continue
            waiting.add(step.rung)
        yield step, found

"""What has to be read for an incident beside its workload and pods: the objects of the steps that are due or done."""

from collections.abc import Iterator

from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.facts.things import Ref
from knowngood.core.response.changing import Changing
from knowngood.core.response.registry import action

_LEFT = frozenset({StepState.SKIPPED, StepState.UNDONE})


def needs(status: AIIncidentStatus, model: ModelDeployment) -> tuple[Ref, ...]:
    """Each object once: of the steps that have begun, and of the next that may."""
    found = [ref for step, changing in _steps(status) for ref in changing.needs(model, step)]
    return tuple(dict.fromkeys(found))


def _steps(status: AIIncidentStatus) -> Iterator[tuple[PlanStep, Changing]]:
    waiting = set()
    for step in status.plan.steps if status.plan else ():
        changing = action(step.action)
        if not isinstance(changing, Changing) or step.state in _LEFT:
            continue
        if step.state is StepState.PENDING:
            if step.rung in waiting:
                continue
            waiting.add(step.rung)
        yield step, changing

"""ScaleToZero: no answer rather than a wrong one. Only where the playbook's step says `allowOutage: true`.

It writes the number of replicas and two annotations of its own, and lifts from a Rollout what PauseRollout of the same
incident holds, since Argo Rollouts scales none that is paused; nothing else is touched.
"""

from typing import ClassVar

from knowngood.api import GROUP
from knowngood.api.common import WorkloadKind
from knowngood.api.conditions import Reason
from knowngood.api.plan import PlanStep, StepObserved
from knowngood.api.playbook import Step
from knowngood.api.steps import ActionName
from knowngood.core.facts.workload import Workload
from knowngood.core.response.actions.action import Described
from knowngood.core.response.changing import State, Why
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import PAUSED_BY, Ground, obstacle
from knowngood.core.response.mutation import Mutation, target_of
from knowngood.core.response.onworkload import WORKLOAD, WorkloadAction, workload_of

ANNOTATION = f"{GROUP}/scaled-by"
REPLACED = f"{GROUP}/replaced-replicas"


class ScaleToZero(WorkloadAction):
    """Nobody answers until a person scales it up again."""

    name = ActionName.SCALE_TO_ZERO
    annotation = ANNOTATION
    applied = "ScaledToZero"
    in_effect = "no pod answers: the playbook scaled the workload to zero"
    writes: ClassVar = {
        WORKLOAD: (
            f"metadata.annotations.{ANNOTATION}",
            f"metadata.annotations.{REPLACED}",
            f"metadata.annotations.{PAUSED_BY}",
            "spec.paused",
            "spec.replicas",
        )
    }

    def describe(self, ground: Ground, step: Step | PlanStep) -> Described:
        """How the step stands in a plan."""
        return Described(
            summary=f"scale {ground.target_name} to zero: an outage, as allowOutage permits",
            precondition=f"{ground.target_name} still asks for as many pods as when the step began",
            effect="no pod answers",
            undo="the number of replicas that stood there before is put back",
        )

    def obstacle(self, facts: Facts, step: PlanStep) -> Why | None:
        """No consent, no workload, nothing to scale, or a Rollout that somebody else holds."""
        if (refusal := obstacle(facts.ground)) is not None:
            return refusal
        if facts.workload is not None and facts.workload.replicas == 0:
            return Reason.ALREADY_RUNNING, "the workload is at zero replicas already"
        if facts.workload is not None and _held(facts.workload) and not _held_by_us(facts):
            return Reason.PAUSED, f"{facts.ground.target_name} is paused and would not be scaled; resume it"
        return None

    def observe(self, facts: Facts, step: PlanStep) -> StepObserved:
        """How many it asked for."""
        workload = workload_of(facts)
        return StepObserved(resource_version=workload.resource_version, replicas=workload.replicas)

    def state(self, facts: Facts, step: PlanStep) -> State:
        """Compare replicas with none, and with what was seen; an autoscaler in between decides nothing."""
        workload = workload_of(facts)
        if workload.replicas == 0:
            return State.THERE
        seen = step.observed.replicas if step.observed else None
        return State.AS_SEEN if seen == workload.replicas or not self.marked(facts, step) else State.CHANGED

    def write(self, facts: Facts, step: PlanStep) -> Mutation:
        """To zero."""
        workload = workload_of(facts)
        annotations: dict[str, str | None] = {
            ANNOTATION: facts.incident.metadata.name,
            REPLACED: str(workload.replicas),
        }
        spec: dict[str, int | None] = {"replicas": 0}
        if _held_by_us(facts):
            spec, annotations = {**spec, "paused": None}, {**annotations, PAUSED_BY: None}
        return Mutation(target_of(workload), {"metadata": {"annotations": annotations}, "spec": spec})

    def undo(self, facts: Facts, step: PlanStep) -> Mutation | None:
        """Back to as many as were seen."""
        if step.observed is None or step.observed.replicas is None:
            return None
        annotations = {ANNOTATION: None, REPLACED: None}
        body = {"metadata": {"annotations": annotations}, "spec": {"replicas": step.observed.replicas}}
        return Mutation(target_of(workload_of(facts)), body)

    def finished(self, facts: Facts, step: PlanStep) -> bool:
        """Nobody is left."""
        return workload_of(facts).settled and not any(pod.live for pod in facts.pods)


def _held(workload: Workload) -> bool:
    return workload.paused and workload.kind == WorkloadKind.ROLLOUT


def _held_by_us(facts: Facts) -> bool:
    workload = workload_of(facts)
    return _held(workload) and workload.annotations.get(PAUSED_BY) == facts.incident.metadata.name

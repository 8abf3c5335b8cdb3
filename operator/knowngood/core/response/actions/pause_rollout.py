"""PauseRollout: hold the roll-outs of a Deployment or Rollout, so that nothing moves while people look.

It writes whether that is paused, and one annotation of its own. A pin of the same incident lifts it, and so
does what scales a Rollout to zero.
"""

from typing import ClassVar

from knowngood.api.common import WorkloadKind
from knowngood.api.conditions import Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.plan import PlanStep, StepObserved
from knowngood.api.playbook import Step
from knowngood.api.steps import ActionName
from knowngood.core.incidents.record import OVER
from knowngood.core.response.actions.action import Described
from knowngood.core.response.actions.pin_known_good import ANNOTATION as PINNED_BY
from knowngood.core.response.actions.scale_to_zero import ANNOTATION as SCALED_BY
from knowngood.core.response.changing import State, Why
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import PAUSED_BY, Ground, obstacle, target_name
from knowngood.core.response.mutation import Mutation, target_of
from knowngood.core.response.onworkload import WORKLOAD, WorkloadAction, workload_of


class PauseRollout(WorkloadAction):
    """What runs stays; what is declared meanwhile waits."""

    name = ActionName.PAUSE_ROLLOUT
    annotation = PAUSED_BY
    default_timeout = "1m"
    applied = "Paused"
    in_effect = "roll-outs are held: what runs stays, and what is declared meanwhile waits"
    writes: ClassVar = {WORKLOAD: (f"metadata.annotations.{PAUSED_BY}", "spec.paused")}

    def describe(self, ground: Ground, step: Step | PlanStep) -> Described:
        """How the step stands in a plan."""
        return Described(
            summary=f"hold the roll-outs of {ground.target_name}",
            precondition=f"{ground.target_name} is not paused",
            effect=f"{ground.target_name} is paused; a pin of this incident lifts that",
            undo="it is not paused any more",
        )

    def obstacle(self, facts: Facts, step: PlanStep) -> Why | None:
        """No consent, or no workload."""
        return obstacle(facts.ground)

    def nothing_to_do(self, facts: Facts, step: PlanStep) -> Why | None:
        """It is paused by a person, or is none that can be."""
        workload = workload_of(facts)
        if workload.kind == WorkloadKind.STATEFUL_SET:
            return Reason.NOT_SUPPORTED, f"{target_name(facts.model)} cannot be paused; a Deployment or Rollout can"
        return (Reason.ALREADY_SO, f"{target_name(facts.model)} is paused already") if workload.paused else None

    def observe(self, facts: Facts, step: PlanStep) -> StepObserved:
        """That it was not paused."""
        return StepObserved(resource_version=workload_of(facts).resource_version)

    def state(self, facts: Facts, step: PlanStep) -> State:
        """Whether it is paused."""
        return State.THERE if workload_of(facts).paused else State.AS_SEEN

    def write(self, facts: Facts, step: PlanStep) -> Mutation:
        """Paused, and by whom."""
        annotations = {PAUSED_BY: facts.incident.metadata.name}
        body = {"metadata": {"annotations": annotations}, "spec": {"paused": True}}
        return Mutation(target_of(workload_of(facts)), body)

    def undo(self, facts: Facts, step: PlanStep) -> Mutation | None:
        """Not paused any more."""
        body = {"metadata": {"annotations": {PAUSED_BY: None}}, "spec": {"paused": None}}
        return Mutation(target_of(workload_of(facts)), body)

    def finished(self, facts: Facts, step: PlanStep) -> bool:
        """At once."""
        return True

    def found(self, facts: Facts, step: PlanStep) -> str:
        """Whether it is paused."""
        return f"{target_name(facts.model)} to {'paused' if workload_of(facts).paused else 'not paused'}"

    def handed_back(self, step: PlanStep) -> frozenset[IncidentPhase]:
        """Whatever ends it."""
        return OVER

    def superseded(self, facts: Facts, step: PlanStep) -> bool:
        """A pin of this incident lifted it, or, of a Rollout, what scaled it."""
        workload, incident = workload_of(facts), facts.incident.metadata.name
        scaled = workload.kind == WorkloadKind.ROLLOUT and not workload.paused
        return workload.annotations.get(PINNED_BY) == incident or (
            scaled and workload.annotations.get(SCALED_BY) == incident
        )

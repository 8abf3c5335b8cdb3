"""Steps that patch the workload's own fields."""

from typing import ClassVar

from knowngood.api.plan import PlanStep
from knowngood.core.facts.workload import Workload
from knowngood.core.response.changing import Changing
from knowngood.core.response.facts import Facts
from knowngood.core.response.mutation import Verb

WORKLOAD = "workload"
"""Deployment, StatefulSet and Rollout alike, among the kinds that an action writes."""


class WorkloadAction(Changing):
    """An action that patches the workload."""

    verbs = (
        Verb("apps", "deployments", ("get", "list", "watch", "patch")),
        Verb("apps", "statefulsets", ("get", "list", "watch", "patch")),
        Verb("argoproj.io", "rollouts", ("get", "list", "watch", "patch")),
    )
    annotation: ClassVar[str]  # on the workload, with the incident's name: who did it

    def gone(self, facts: Facts, step: PlanStep) -> str:
        """Whether another workload, or none, has taken the name."""
        target = facts.incident.status.plan.target if facts.incident.status.plan else None
        workload = facts.workload
        if workload is not None and (target is None or workload.uid == target.uid):
            return ""
        return "the workload of the plan is gone; nothing is left to change"

    def marked(self, facts: Facts, step: PlanStep) -> bool:
        """By the annotation."""
        return workload_of(facts).annotations.get(self.annotation) == facts.incident.metadata.name

    def found(self, facts: Facts, step: PlanStep) -> str:
        """Its images and how many pods it asks for."""
        return declared(workload_of(facts))

    def late(self, facts: Facts, step: PlanStep) -> str:
        """Where roll-outs get stuck."""
        workload = workload_of(facts)
        return f"look at the pods of {workload.kind} {workload.name} (image pull, quota, readiness)"


def workload_of(facts: Facts) -> Workload:
    """The workload, which is there: `obstacle` and `gone` have been asked."""
    if facts.workload is None:
        raise ValueError("no workload")
    return facts.workload


def declared(workload: Workload) -> str:
    """What the workload declares, for a person."""
    images = ", ".join(f"{name}={image}" for name, image in workload.images.items())
    return f"{images} on {workload.replicas} replicas"

"""A step that changes the workload, from its intent to its end: begin, apply, roll out, done, failed or undone.

Every such action is this life with its own fields; the guards are here, once, for all of them.
"""

from abc import abstractmethod
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from typing import ClassVar

from knowngood.api.common import Mode
from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.durations import seconds
from knowngood.api.incidentstatus import AIIncidentStatus, IncidentPhase
from knowngood.api.plan import Plan, PlanStep, StepObserved, StepState
from knowngood.core.facts.workload import Workload
from knowngood.core.incidents.record import stepped, told
from knowngood.core.response import outcome
from knowngood.core.response.actions.action import Action
from knowngood.core.response.effects import Apply, Effect, Record, Wait
from knowngood.core.response.facts import Facts
from knowngood.core.response.mutation import Mutation, Target, Verb

_LOOK_AGAIN = 5.0
Why = tuple[Reason, str]


class State(Enum):
    """How the workload stands to the step."""

    AS_SEEN = "as it was when the intent was written"
    THERE = "already as the step wants it"
    CHANGED = "something else: another writer was here"


class WorkloadAction(Action):
    """An action that patches the workload's own fields."""

    contains = True
    default_timeout = "5m"
    verbs = (
        Verb("apps", "deployments", ("get", "list", "watch", "patch")),
        Verb("apps", "statefulsets", ("get", "list", "watch", "patch")),
    )
    annotation: ClassVar[str]  # on the workload, with the incident's name: who did it
    applied: ClassVar[str]  # its word in the timeline
    done_message: ClassVar[str]
    writes: ClassVar[tuple[str, ...]]  # paths that its patches may hold, `*` for any key

    @abstractmethod
    def obstacle(self, facts: Facts) -> Why | None:
        """Why it cannot begin now."""

    @abstractmethod
    def observe(self, facts: Facts, workload: Workload) -> StepObserved:
        """What its declared fields are before it begins."""

    @abstractmethod
    def state(self, facts: Facts, step: PlanStep, workload: Workload) -> State:
        """How the declared fields stand."""

    @abstractmethod
    def patch(self, facts: Facts, workload: Workload) -> Mutation:
        """What it wants written."""

    @abstractmethod
    def undo(self, facts: Facts, step: PlanStep, workload: Workload) -> Mutation | None:
        """What puts the declared fields back as they were seen; None where that is not known."""

    @abstractmethod
    def finished(self, facts: Facts, workload: Workload) -> bool:
        """Whether the pods are as the step wants them."""

    def prepared(self, facts: Facts) -> Facts:
        """The facts with a plan that holds what the step is about to do."""
        return facts

    def begin(self, facts: Facts, step: PlanStep) -> Effect:
        """Write the intent with what is seen, or why there can be none yet; that is asked again at every look."""
        status = facts.incident.status
        stopped = self.obstacle(facts) or _held(facts)
        if stopped is not None or facts.workload is None:
            reason, message = stopped or (Reason.WORKLOAD_NOT_FOUND, "the workload is gone")
            return Record(outcome.waiting(status, step, reason, message, facts))
        seen = self.observe(facts, facts.workload)
        facts = self.prepared(facts)
        if (another := _not_approved(facts)) is not None:
            return Record(_asked_anew(facts, step, another))
        intent = {
            "state": StepState.INTENDED,
            "reason": "",
            "message": "",
            "intended_at": facts.now,
            "observed": seen,
        }
        status = stepped(facts.incident.status, step.name, intent)
        status = status.model_copy(update={"phase": IncidentPhase.CONTAINING})
        about = f"{step.name} ({step.action}) is about to be written"
        return Record(outcome.condition(status, ConditionStatus.FALSE, Reason.IN_PROGRESS, about, facts))

    def advance(self, facts: Facts, step: PlanStep) -> Effect:
        """Take the intended step, or its undoing, further."""
        status, workload = facts.incident.status, facts.workload
        target = status.plan.target if status.plan else None
        if workload is None or (target is not None and workload.uid != target.uid):
            gone = "the workload of the plan is gone; nothing is left to change"
            return Record(outcome.failed(status, step, Reason.WORKLOAD_NOT_FOUND, gone, facts))
        found = self.state(facts, step, workload)
        if step.state is StepState.UNDOING:
            return self._take_back(facts, step, workload, found)
        if found is State.THERE:
            return self._roll_out(facts, step, workload)
        if found is State.AS_SEEN and step.started_at is None and not self._marked(facts, workload):
            if facts.hold is not None and facts.hold.stops:
                pending = {"state": StepState.PENDING, "intended_at": None, "observed": None}
                status = stepped(status, step.name, pending)
                return Record(outcome.waiting(status, step, facts.hold.reason, facts.hold.message, facts))
            return Apply(self.patch(facts, workload))
        why = f"another writer set {declared(workload)}; it is left as it is. If it is no fix, act by hand"
        return Record(outcome.person_wrote(status, step, why, facts))

    def _marked(self, facts: Facts, workload: Workload) -> bool:
        """Whether our mark is there, though the record of our write may be lost."""
        return workload.annotations.get(self.annotation) == facts.incident.metadata.name

    def _roll_out(self, facts: Facts, step: PlanStep, workload: Workload) -> Effect:
        status = facts.incident.status
        if step.started_at is None:
            status = stepped(status, step.name, {"started_at": facts.now})
            status = told(status, facts.now, self.applied, step.summary)
            rolling = f"{step.name} ({step.action}) is rolling out"
            return Record(outcome.condition(status, ConditionStatus.FALSE, Reason.IN_PROGRESS, rolling, facts))
        if self.finished(facts, workload):
            return Record(outcome.contained(status, step, self.done_message, facts))
        if facts.now - step.started_at > timedelta(seconds=seconds(step.timeout or self.default_timeout)):
            why = (
                f"{step.action} was written, but the pods are not so after {step.timeout or self.default_timeout}; "
                f"look at the pods of {workload.kind} {workload.name} (image pull, quota, readiness)"
            )
            return Record(outcome.failed(status, step, Reason.ROLL_OUT_STUCK, why, facts))
        return Wait(_LOOK_AGAIN)

    def _take_back(self, facts: Facts, step: PlanStep, workload: Workload, found: State) -> Effect:
        status = facts.incident.status
        if found is State.THERE and facts.hold is not None and facts.hold.stops:
            hold = facts.hold
            return Record(outcome.condition(status, ConditionStatus.FALSE, hold.reason, hold.message, facts))
        if found is State.THERE:
            mutation = self.undo(facts, step, workload)
            if mutation is not None:
                return Apply(mutation)
            why = "what stood there before cannot be put back: it held values that are not recorded"
            return Record(outcome.failed(status, step, Reason.FAILED, why, facts))
        message = "taken back" if found is State.AS_SEEN else "another writer took it back"
        ended = {"state": StepState.UNDONE, "reason": Reason.UNDONE.value, "message": message, "finished_at": facts.now}
        status = told(stepped(status, step.name, ended), facts.now, "Undone", f"{step.name} ({step.action}): {message}")
        why = f"{step.name} ({step.action}) failed and was {message}"
        return Record(outcome.condition(status, ConditionStatus.FALSE, Reason.UNDONE, why, facts))


def _not_approved(facts: Facts) -> Plan | None:
    """The prepared plan, where a person has to approve it and approved another."""
    plan, given = facts.incident.status.plan, facts.incident.status.approval
    if plan is None or plan.mode is not Mode.APPROVAL or given is None or given.plan_hash == plan.hash:
        return None
    return plan


def _asked_anew(facts: Facts, step: PlanStep, plan: Plan) -> AIIncidentStatus:
    """What was approved is not what would be done now: the approval is spent, and the new plan waits for its own."""
    update = {"approval": None, "phase": IncidentPhase.AWAITING_APPROVAL}
    why = f"what it would do has changed since it was approved: the plan is {plan.hash[:19]} ({plan.mode})"
    status = told(facts.incident.status.model_copy(update=update), facts.now, Reason.PLAN_CHANGED, why)
    ask = f"{why}; read status.plan and approve its hash"
    return outcome.waiting(status, step, Reason.PLAN_CHANGED, ask, facts)


def _held(facts: Facts) -> Why | None:
    return (facts.hold.reason, facts.hold.message) if facts.hold else None


def declared(workload: Workload) -> str:
    """What the workload declares, for a person."""
    images = ", ".join(f"{name}={image}" for name, image in workload.images.items())
    return f"{images} on {workload.replicas} replicas"


def target_of(workload: Workload) -> Target:
    """The workload as a target, at the version that was read."""
    return Target(
        workload.api_version,
        workload.kind,
        workload.namespace,
        workload.name,
        workload.uid,
        workload.resource_version,
    )


def with_plan(facts: Facts, **changes: object) -> Facts:
    """The facts with the plan changed."""
    plan = facts.incident.status.plan
    if plan is None:
        raise ValueError("no plan")
    status = facts.incident.status.model_copy(update={"plan": plan.model_copy(update=changes)})
    return replace(facts, incident=facts.incident.model_copy(update={"status": status}))

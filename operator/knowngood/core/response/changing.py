"""A step that changes the cluster, from its intent to its end: begin, apply, settle, done, failed or undone.

Every such action is this life with its own objects and fields; the guards are here, once, for all of them.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from typing import ClassVar

from knowngood.api.common import Mode
from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.durations import seconds
from knowngood.api.incidentstatus import AIIncidentStatus, IncidentPhase
from knowngood.api.plan import PlanStep, StepObserved, StepState
from knowngood.api.playbook import OnFailure
from knowngood.api.steps import ActionName
from knowngood.core.incidents.evidence import CUT
from knowngood.core.incidents.record import stepped, told
from knowngood.core.response import contested, outcome
from knowngood.core.response.actions.action import Action
from knowngood.core.response.contested import Revert
from knowngood.core.response.effects import Apply, Effect, Record, Wait
from knowngood.core.response.facts import Facts, Hold
from knowngood.core.response.mutation import Write
from knowngood.core.response.planned import plan_hash
from knowngood.core.response.templates import named_by

_LOOK_AGAIN = 5.0
Why = tuple[Reason, str]


class State(Enum):
    """How what is there stands to the step."""

    AS_SEEN = "as it was when the intent was written"
    THERE = "already as the step wants it"
    PARTLY = "some of it as the step wants it, the rest as it was"
    CHANGED = "something else: another writer was here"


class Changing(Action):
    """An action that changes fields of objects which it declares."""

    contains = True
    default_timeout = "5m"
    applied: ClassVar[str]  # its word in the timeline
    in_effect: ClassVar[str]  # what is so when it is done
    no_way_back: ClassVar[str] = "what stood there before cannot be put back: it held values that are not recorded"
    writes: ClassVar[Mapping[str, tuple[str, ...]]]  # kind to the paths that its patches may hold, `*` for any key

    @abstractmethod
    def obstacle(self, facts: Facts, step: PlanStep) -> Why | None:
        """Why it cannot begin now."""

    @abstractmethod
    def observe(self, facts: Facts, step: PlanStep) -> StepObserved:
        """What its declared fields are before it begins."""

    @abstractmethod
    def gone(self, facts: Facts, step: PlanStep) -> str:
        """What is not there any more of that which it began to change; empty where all of it is."""

    @abstractmethod
    def state(self, facts: Facts, step: PlanStep) -> State:
        """How the declared fields stand."""

    @abstractmethod
    def marked(self, facts: Facts, step: PlanStep) -> bool:
        """Whether our mark is there, though the record of our write may be lost."""

    @abstractmethod
    def write(self, facts: Facts, step: PlanStep) -> Write:
        """What it wants written next."""

    @abstractmethod
    def undo(self, facts: Facts, step: PlanStep) -> Write | None:
        """What puts the declared fields back as they were seen; None where that is not known."""

    def reverted(self, facts: Facts, step: PlanStep) -> Revert | None:
        """The GitOps manager, and nobody else, that put the declared fields back as they were seen."""
        return None

    def last(self, facts: Facts, step: PlanStep) -> Write | None:
        """What is written once all is there, and stays; None where nothing is left to be written."""
        return None

    @abstractmethod
    def finished(self, facts: Facts, step: PlanStep) -> bool:
        """Whether what was written has had its effect."""

    @abstractmethod
    def found(self, facts: Facts, step: PlanStep) -> str:
        """What the declared fields are, for a person."""

    def done(self, facts: Facts, step: PlanStep) -> str:
        """What is said when it is done."""
        return self.in_effect

    def nothing_to_do(self, facts: Facts, step: PlanStep) -> Why | None:
        """Why it is passed over: all is so already, or never can be."""
        return None

    def failure(self, facts: Facts, step: PlanStep) -> Why | None:
        """Why what was written can have its effect no more."""
        return None

    def handed_back(self, step: PlanStep) -> frozenset[IncidentPhase]:
        """Before which ends of the incident it is taken back."""
        return frozenset()

    def forbidden(self, facts: Facts, step: PlanStep) -> Why | None:
        """Why what was right to be written once may not be written again, perhaps hours later."""
        return None

    def moved(self, facts: Facts, step: PlanStep) -> bool:
        """Whether it would write something else now than its intent says."""
        cut = step.summary.endswith(CUT)  # of a record that had no room for it
        return not cut and self.describe(facts.ground, step).summary != step.summary

    def covers(self, step: PlanStep) -> bool:
        """Whether, while it stands, a healthy signal says nothing of what was wrong."""
        return False

    def superseded(self, facts: Facts, step: PlanStep) -> bool:
        """Whether a later step of the same plan has taken the place of what this one wrote."""
        return False

    def held(self, facts: Facts, step: PlanStep) -> str:
        """What a person has to do before it can have its effect; empty where it comes by itself."""
        return ""

    def late(self, facts: Facts, step: PlanStep) -> str:
        """What a person should look at where it has no effect in time."""
        return "look at what stands in its way"

    def prepared(self, facts: Facts, step: PlanStep) -> Facts:
        """The facts with a plan that holds what the step is about to do."""
        return described_anew(self, facts, step)

    def begin(self, facts: Facts, step: PlanStep) -> Effect:
        """Write the intent with what is seen, or why there can be none yet; that is asked again at every look."""
        if self.unread(facts, step):
            return Wait(0.0)
        status = facts.incident.status
        if (obstacle := self.obstacle(facts, step)) is not None:
            passed = step.on_failure is OnFailure.CONTINUE and another_acts(status, step)
            ended = outcome.skipped if passed else outcome.waiting
            return Record(ended(status, step, *obstacle, facts))
        if (nothing := self.nothing_to_do(facts, step)) is not None:
            return Record(outcome.skipped(status, step, *nothing, facts))
        if facts.hold is not None:
            return Record(outcome.waiting(status, step, facts.hold.reason, facts.hold.message, facts))
        seen = self.observe(facts, step)
        facts = self.prepared(facts, step)
        if (asked := asked_anew(facts, step)) is not None:
            return Record(asked)
        intent = {
            "state": StepState.INTENDED,
            "reason": "",
            "message": "",
            "intended_at": facts.now,
            "observed": seen,
        }
        status = stepped(facts.incident.status, step.name, intent)
        if step.action not in outcome.BESIDE:
            status = status.model_copy(update={"phase": IncidentPhase.CONTAINING})
        about = f"{step.name} ({step.action}) is about to be written"
        return Record(outcome.in_progress(status, step, about, facts))

    def advance(self, facts: Facts, step: PlanStep) -> Effect:
        """Take the intended step, or its undoing, further."""
        if self.unread(facts, step):
            return Wait(0.0)
        status = facts.incident.status
        if gone := self.gone(facts, step):
            return Record(outcome.failed(status, step, Reason.WORKLOAD_NOT_FOUND, gone, facts))
        state = self.state(facts, step)
        if step.state is StepState.UNDOING:
            return self._take_back(facts, step, state)
        if state is State.THERE:
            return self._settle(facts, step)
        written = step.started_at is not None or step.reverts is not None or self.marked(facts, step)
        if written and (revert := self.reverted(facts, step)) is not None:
            return self._write_again(facts, step, revert)
        ours = state is State.PARTLY or (state is State.AS_SEEN and not self.marked(facts, step))
        if ours and step.started_at is None and step.reverts is None:
            if facts.hold is not None and facts.hold.stops:
                return Record(_stopped(facts, step, facts.hold, state))
            if state is State.AS_SEEN and self.moved(facts, step):
                return Record(begun_anew(facts, step))
            return Apply(self.write(facts, step))
        why = f"another writer set {self.found(facts, step)}; it is left as it is. If it is no fix, act by hand"
        return Record(outcome.person_wrote(status, step, why, facts))

    def _write_again(self, facts: Facts, step: PlanStep, revert: Revert) -> Effect:
        """Record the revert, or, once that stands and its pause is over, write again."""
        if (due_at := contested.due_at(step, revert)) is None:
            return Record(contested.answered(facts.incident.status, step, revert, facts))
        if facts.now < due_at:
            return Wait(min(_LOOK_AGAIN, (due_at - facts.now).total_seconds()))
        if facts.hold is not None and facts.hold.stops:
            return Record(_held_up(facts, facts.hold))
        if (why := self.forbidden(facts, step)) is not None:
            return Record(contested.forbidden(facts.incident.status, step, revert, *why, facts))
        return Apply(self.write(facts, step))

    def _settle(self, facts: Facts, step: PlanStep) -> Effect:
        status = facts.incident.status
        if step.started_at is None:
            cleared = {"reason": "", "message": ""} if step.reason == Reason.NOT_WRITTEN else {}
            status = stepped(status, step.name, {"started_at": facts.now, **cleared})
            status = told(status, facts.now, self.applied, step.summary)
            rolling = f"{step.name} ({step.action}) is rolling out"
            return Record(outcome.in_progress(status, step, rolling, facts))
        if (failure := self.failure(facts, step)) is not None:
            return Record(outcome.failed(status, step, *failure, facts))
        stops = facts.hold is not None and facts.hold.stops
        if (last := self.last(facts, step)) is not None:
            return Wait(_LOOK_AGAIN) if stops else Apply(last)
        if self.finished(facts, step):
            return Record(outcome.ended(status, step, self.done(facts, step), facts))
        if facts.now - step.started_at > timedelta(seconds=seconds(step.timeout or self.default_timeout)):
            timeout = step.timeout or self.default_timeout
            late = f"{step.action} was written, but is not in effect after {timeout}; {self.late(facts, step)}"
            return Record(outcome.failed(status, step, Reason.ROLL_OUT_STUCK, late, facts))
        held = self.held(facts, step)
        if held and held != step.message:
            status = stepped(status, step.name, {"reason": Reason.HELD.value, "message": held})
            return Record(outcome.in_progress(told(status, facts.now, "Held", held), step, held, facts))
        return Wait(_LOOK_AGAIN)

    def _take_back(self, facts: Facts, step: PlanStep, state: State) -> Effect:
        status = facts.incident.status
        written = state in {State.THERE, State.PARTLY}
        if written and facts.hold is not None and facts.hold.stops:
            return Record(_held_up(facts, facts.hold))
        if written:
            mutation = self.undo(facts, step)
            if mutation is not None:
                return Apply(mutation)
            return Record(outcome.failed(status, step, Reason.FAILED, self.no_way_back, facts))
        message = "taken back" if state is State.AS_SEEN else "another writer took it back"
        ended = {"state": StepState.UNDONE, "reason": Reason.UNDONE.value, "message": message, "finished_at": facts.now}
        handed = step.reason == Reason.HANDING_BACK
        word, about = "HandedBack" if handed else "Undone", f"{step.name} ({step.action}): {message}"
        status = told(stepped(status, step.name, ended), facts.now, word, about)
        if handed:
            return Record(status)
        why = f"{step.name} ({step.action}) failed and was {message}"
        return Record(outcome.condition(status, ConditionStatus.FALSE, Reason.UNDONE, why, facts))


def _stopped(facts: Facts, step: PlanStep, hold: Hold, state: State) -> AIIncidentStatus:
    """What has written nothing waits for its turn again; what has written some of it waits where it is."""
    if state is State.PARTLY:
        return _held_up(facts, hold)
    return outcome.waiting(begun_anew(facts, step), step, hold.reason, hold.message, facts)


def begun_anew(facts: Facts, step: PlanStep) -> AIIncidentStatus:
    """With the step as it was before its intent, which nothing has followed yet."""
    pending = {"state": StepState.PENDING, "intended_at": None, "observed": None}
    return stepped(facts.incident.status, step.name, pending)


def _held_up(facts: Facts, hold: Hold) -> AIIncidentStatus:
    """Not contained while everything that touches workloads is stopped."""
    return outcome.condition(facts.incident.status, ConditionStatus.FALSE, hold.reason, hold.message, facts)


def described_anew(action: Action, facts: Facts, step: PlanStep) -> Facts:
    """The facts with a plan that says of the step what it would do now."""
    plan = facts.incident.status.plan
    summary = action.describe(facts.ground, step).summary
    template = facts.ground.templates.get(named_by(step), "")
    if plan is None or (summary, template) == (step.summary, step.template_digest):
        return facts
    update = {"summary": summary, "template_digest": template}
    steps = [s.model_copy(update=update) if s.name == step.name else s for s in plan.steps]
    return with_plan(facts, steps=steps, hash=plan_hash(plan.model_copy(update={"steps": steps})))


def asked_anew(facts: Facts, step: PlanStep) -> AIIncidentStatus | None:
    """Where what was approved is not what would be done now: the approval is spent, the new plan waits for its own.

    So it is with what a person's gate let through.
    """
    plan, given = facts.incident.status.plan, facts.incident.status.approval
    if shut := _let_through_another(facts, step):
        return _gates_anew(facts, shut)
    if plan is None or plan.mode is not Mode.APPROVAL or given is None or given.plan_hash == plan.hash:
        return None
    update = {"approval": None, "phase": IncidentPhase.AWAITING_APPROVAL}
    why = f"what it would do has changed since it was approved: the plan is {plan.hash[:19]} ({plan.mode})"
    status = told(facts.incident.status.model_copy(update=update), facts.now, Reason.PLAN_CHANGED, why)
    ask = f"{why}; read status.plan and approve its hash"
    return outcome.waiting(status, step, Reason.PLAN_CHANGED, ask, facts)


def _let_through_another(facts: Facts, step: PlanStep) -> Sequence[PlanStep]:
    """The persons' gates before the step whose word is gone, or was of another plan than the prepared one."""
    plan = facts.incident.status.plan
    if plan is None or plan.mode is Mode.APPROVAL:
        return ()
    words = {g.name: g.plan_hash for g in facts.incident.spec.gates}
    before = plan.steps[: [s.name for s in plan.steps].index(step.name)]
    passed = [s for s in before if s.rung is step.rung and s.gate is not None and s.gate.person is not None]
    return [s for s in passed if s.state is StepState.DONE and words.get(s.name) != plan.hash]


def _gates_anew(facts: Facts, gates: Sequence[PlanStep]) -> AIIncidentStatus:
    """What was let through is not what would be done now: the gates are asked again."""
    status = facts.incident.status
    again = {"state": StepState.PENDING, "reason": "", "message": "", "intended_at": None, "finished_at": None}
    for gate in gates:
        status = stepped(status, gate.name, again)
    names = ", ".join(gate.name for gate in gates)
    why = f"{names}: the word was taken back, or what it would do has changed since; it is asked again"
    return told(status, facts.now, Reason.PLAN_CHANGED, why)


def another_acts(status: AIIncidentStatus, step: PlanStep) -> bool:
    """Whether a later step of the same rung has something to do that must not wait for this one."""
    beside = {ActionName.FREEZE_EVIDENCE.value, ActionName.NOTIFY.value}
    return any(s.rung is step.rung and s.action not in beside for s in later(status, step))


def later(status: AIIncidentStatus, step: PlanStep) -> Sequence[PlanStep]:
    """The steps of the plan that come after this one, in order."""
    steps = status.plan.steps if status.plan else []
    return steps[[s.name for s in steps].index(step.name) + 1 :]


def with_plan(facts: Facts, **changes: object) -> Facts:
    """The facts with the plan changed."""
    plan = facts.incident.status.plan
    if plan is None:
        raise ValueError("no plan")
    status = facts.incident.status.model_copy(update={"plan": plan.model_copy(update=changes)})
    return replace(facts, incident=facts.incident.model_copy(update={"status": status}))

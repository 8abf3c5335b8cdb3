"""Gate: what follows waits until a person, a query or a Job has let it through; a gate that is closed ends its rung.

It changes nothing itself; a Job's gate makes that one Job.
"""

import math
from datetime import timedelta

from knowngood.api.aiincident import Decision, GateDecision
from knowngood.api.conditions import Reason
from knowngood.api.durations import seconds
from knowngood.api.incidentstatus import Actor, AIIncidentStatus
from knowngood.api.plan import PlanStep, StepState
from knowngood.api.playbook import OnFailure, Step
from knowngood.api.steps import ActionName, PromQLGate
from knowngood.core.facts.things import Ref
from knowngood.core.incidents.decisions import counts
from knowngood.core.incidents.record import stepped, told
from knowngood.core.response import jobs, lookups, outcome, templates
from knowngood.core.response.actions.action import Action, Described
from knowngood.core.response.changing import State, Why, asked_anew, begun_anew, described_anew
from knowngood.core.response.effects import Apply, Effect, Record, Wait
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import Ground, obstacle
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.scope import QueryError, scoped

_PERSON, _OTHERS = "24h", "10m"


class Gate(Action):
    """A condition between two steps."""

    name = ActionName.GATE
    contains = True
    verbs = jobs.VERBS

    def usual_timeout(self, step: Step) -> str:
        """A person sleeps; a query and a Job do not."""
        return _usual(step)

    def needs(self, facts: Facts, step: PlanStep) -> tuple[Ref, ...]:
        """The template and the Job, where it is a Job that decides."""
        job = _job(step)
        return (jobs.template(job), jobs.ref(facts.incident, step.name)) if job else ()

    def asks(self, facts: Facts, step: PlanStep) -> tuple[str, ...]:
        """The query, within the namespace."""
        try:
            return (_query(facts, step.gate.promql),) if step.gate and step.gate.promql else ()
        except QueryError:
            return ()

    def describe(self, ground: Ground, step: Step | PlanStep) -> Described:
        """How the step stands in a plan."""
        gate = step.gate
        if gate is not None and gate.promql is not None:
            what = f"until {gate.promql.query} is {_limits(gate.promql)}"
        elif gate is not None and gate.job is not None:
            job = jobs.ref(ground.incident, step.name).name
            what = f"until Job {job} from the {templates.said(gate.job.template, ground.templates)} is complete"
        else:
            asked = gate.person.ask if gate is not None and gate.person is not None else None
            what = "until a person lets it through" + (f": {asked}" if asked else "")
        return Described(f"wait {what}", effect="what follows in this rung begins then, or not at all")

    def begin(self, facts: Facts, step: PlanStep) -> Effect:
        """It waits from now on."""
        if self.unread(facts, step):
            return Wait(0.0)
        status = facts.incident.status
        if (why := _obstacle(facts, step)) is not None:
            return Record(outcome.waiting(status, step, *why, facts))
        facts = described_anew(self, facts, step)
        if (asked := asked_anew(facts, step)) is not None:
            return Record(asked)
        intent = {"state": StepState.INTENDED, "reason": "", "message": "", "intended_at": facts.now}
        return Record(stepped(facts.incident.status, step.name, intent))

    def advance(self, facts: Facts, step: PlanStep) -> Effect:
        """Open, closed, or still waiting; what waits holds up nothing but its rung."""
        if self.unread(facts, step):
            return Wait(0.0)
        made = self._decided(facts, step)
        if made is not None:
            return made
        if _overdue(facts, step):
            why = f"not let through within {_limit(step)}"
            return Record(_closed(facts, step, Reason.GATE_CLOSED, why))
        return Record(facts.incident.status)

    def _decided(self, facts: Facts, step: PlanStep) -> Effect | None:
        gate = step.gate
        if gate is not None and gate.promql is not None:
            return _asked(facts, step, gate.promql)
        if gate is not None and gate.job is not None:
            return _run(facts, step, gate.job.template)
        return _said(facts, step)


def _obstacle(facts: Facts, step: PlanStep) -> Why | None:
    gate = step.gate
    if gate is not None and gate.promql is not None:
        if facts.policy is None:
            return Reason.SOURCE_NOT_FOUND, "no policy says which source is asked; name one in spec.policyRef"
        try:
            _query(facts, gate.promql)
        except QueryError as error:
            return Reason.INVALID, f"gate.promql.query: {error}"
    if gate is None or gate.job is None:
        return None
    held = (facts.hold.reason, facts.hold.message) if facts.hold else None
    return obstacle(facts.ground) or jobs.refusal(facts, gate.job.template) or held


def _job(step: PlanStep) -> str:
    return step.gate.job.template if step.gate and step.gate.job else ""


def _open(facts: Facts, step: PlanStep, why: str, actor: Actor = Actor.OPERATOR) -> AIIncidentStatus:
    done = {"state": StepState.DONE, "reason": Reason.DONE.value, "message": why, "finished_at": facts.now}
    status = told(
        stepped(facts.incident.status, step.name, done), facts.now, "GateOpened", f"{step.name}: {why}", actor
    )
    return outcome.nothing_yet(status, facts)


def _closed(facts: Facts, step: PlanStep, reason: Reason, why: str, actor: Actor = Actor.OPERATOR) -> AIIncidentStatus:
    status = told(facts.incident.status, facts.now, "GateClosed", f"{step.name}: {why}", actor)
    return outcome.failed(status, step, reason, why, facts)


def _waiting(facts: Facts, step: PlanStep, reason: Reason | str, why: str) -> Effect:
    """Said of the step and of the containment, so that whoever is waited for hears of it."""
    waits = reason if isinstance(reason, Reason) else Reason.GATE_WAITS
    status = outcome.not_contained(facts.incident.status, step, waits, why, facts)
    return Record(stepped(status, step.name, {"reason": str(reason), "message": why}))


def _said(facts: Facts, step: PlanStep) -> Effect | None:
    """What a person wrote into spec.gates for this step of this plan, where admission checks who writes."""
    status, plan = facts.incident.status, facts.incident.status.plan
    given = next((g for g in facts.incident.spec.gates if g.name == step.name), None)
    found = counts(given, status)
    plan_hash = plan.hash if plan else ""
    if facts.unguarded or found is None or found.plan_hash != plan_hash:
        return _timed(facts, step, Reason.AWAITING_APPROVAL, _ask(facts, step, given, plan_hash))
    word = f"{found.by}" + (f": {found.comment}" if found.comment else "")
    if found.decision is Decision.REJECT:
        return Record(_closed(facts, step, Reason.REJECTED, f"kept closed by {word}", Actor.PERSON))
    return Record(_open(facts, step, f"let through by {word}", Actor.PERSON))


def _ask(facts: Facts, step: PlanStep, given: GateDecision | None, plan_hash: str) -> str:
    """What a person is to write, and why what they wrote does not count."""
    word = f"{{name: {step.name}, decision: Approve, by: <you>, planHash: {plan_hash}}}"
    asked = (step.gate.person.ask if step.gate and step.gate.person else None) or "May it go on?"
    asked += "" if asked.endswith(("?", ".", "!")) else "."
    silence = "it goes on" if step.on_failure is OnFailure.CONTINUE else "it stays as it is"
    ask = f"{asked} Write {word} into spec.gates, or decision: Reject; without a word within {_limit(step)} {silence}"
    if facts.unguarded:
        return f"{facts.unguarded}, so that nobody's word counts; install the chart with admission.enabled"
    if given is None:
        return ask
    if given.plan_hash != plan_hash:
        return f"{given.by} decided on the plan {given.plan_hash[:19]}, but the plan now is {plan_hash[:19]}: {ask}"
    return f"{given.by} decided while admission did not check who writes; remove that and write it anew: {ask}"


def _query(facts: Facts, gate: PromQLGate) -> str:
    meta = facts.model.metadata
    return scoped(gate.query.replace("$model", meta.name), meta.namespace)


def _limits(gate: PromQLGate) -> str:
    above = [f"above {gate.above:g}"] if gate.above is not None else []
    below = [f"below {gate.below:g}"] if gate.below is not None else []
    return " and ".join([*above, *below])


def _asked(facts: Facts, step: PlanStep, gate: PromQLGate) -> Effect | None:
    """Every series of the answer within the limits opens it; what cannot be judged opens and closes nothing."""
    answer = facts.answers.get(_query(facts, gate))
    if answer is None:
        return Wait(0.0)
    if answer.state is not DataState.OK or not answer.rows:
        state = answer.state if answer.state is not DataState.OK else DataState.EMPTY
        return _timed(facts, step, state, f"{gate.query}: {answer.message or 'no such series'}")
    values = [row.value for row in answer.rows]
    if not all(math.isfinite(v) for v in values):
        return _timed(facts, step, DataState.NAN, f"{gate.query}: a value is not finite")
    outside = [v for v in values if not _within(v, gate)]
    if outside:
        return _timed(facts, step, Reason.GATE_WAITS, f"{gate.query} is {outside[0]:.4g}, not {_limits(gate)}")
    return Record(_open(facts, step, f"{gate.query} is {values[0]:.4g}, {_limits(gate)}"))


def _within(value: float, gate: PromQLGate) -> bool:
    return (gate.above is None or value > gate.above) and (gate.below is None or value < gate.below)


def _timed(facts: Facts, step: PlanStep, reason: Reason | DataState, why: str) -> Effect | None:
    """It waits with that reason, unless its time is over."""
    return None if _overdue(facts, step) else _waiting(facts, step, reason, why)


def _overdue(facts: Facts, step: PlanStep) -> bool:
    """Whether it has waited for as long as it may."""
    waited = facts.now - (step.intended_at or facts.now)
    return waited > timedelta(seconds=seconds(_limit(step)))


def _limit(step: PlanStep) -> str:
    return step.timeout or _usual(step)


def _usual(step: Step | PlanStep) -> str:
    return _PERSON if step.gate is not None and step.gate.person is not None else _OTHERS


def _run(facts: Facts, step: PlanStep, template: str) -> Effect | None:
    """The Job, made once; its good end opens the gate, its bad end closes it."""
    state, found = jobs.state(facts, step.name, template), lookups.thing(facts, jobs.ref(facts.incident, step.name))
    if state is State.AS_SEEN and step.started_at is None:
        if facts.hold is not None and facts.hold.stops:
            return _waiting(facts, step, facts.hold.reason, facts.hold.message)
        if lookups.thing(facts, jobs.template(template)) is None:
            return Record(_closed(facts, step, Reason.OBJECT_NOT_FOUND, f"CronJob {template} is gone; no Job is made"))
        if jobs.changed(facts, step):
            return Record(begun_anew(facts, step))
        return Apply(jobs.creation(facts, step.name, template))
    if state is not State.THERE:
        name = jobs.ref(facts.incident, step.name).name
        return Record(_closed(facts, step, Reason.JOB_FAILED, f"another writer took Job {name} away, or its name"))
    if step.started_at is None:
        return Record(stepped(facts.incident.status, step.name, {"started_at": facts.now}))
    if why := jobs.failure(found):
        return Record(_closed(facts, step, Reason.JOB_FAILED, why))
    if not jobs.succeeded(found):
        return None
    return Record(_open(facts, step, f"Job {jobs.ref(facts.incident, step.name).name} is complete"))

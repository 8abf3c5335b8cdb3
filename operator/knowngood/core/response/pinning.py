"""The PinKnownGood step from its intent to its end: begin, apply, roll out, done or failed."""

from datetime import timedelta

from knowngood.api.common import Mode
from knowngood.api.conditions import ConditionStatus, ConditionType, Reason, find_condition
from knowngood.api.durations import seconds, text
from knowngood.api.incidentstatus import Actor, AIIncidentStatus, IncidentPhase
from knowngood.api.observed import NamedImage
from knowngood.api.plan import PlanStep, StepObserved, StepState
from knowngood.core.facts.images import parse_image, same_image
from knowngood.core.facts.workload import Workload
from knowngood.core.incidents.evidence import env_value
from knowngood.core.incidents.record import conditioned, stepped, told
from knowngood.core.incidents.record import step as find_step
from knowngood.core.response.actions import pin_known_good
from knowngood.core.response.effects import Apply, Effect, Record, Wait
from knowngood.core.response.facts import Facts
from knowngood.core.response.knowngood import Pin
from knowngood.core.response.plan import choice_for, refused, with_known_good
from knowngood.core.response.playbooks import PIN_KNOWN_GOOD

_LOOK_AGAIN = 5.0


def begin(facts: Facts, step: PlanStep) -> Effect:
    """Write the intent with what is seen, or why there can be none yet; that is asked again at every look."""
    status = facts.incident.status
    if status.plan is None:
        raise ValueError("no plan")
    mode = status.plan.mode
    if mode is Mode.DRY_RUN:
        return Record(_skipped(status, step, Reason.DRY_RUN, "planned only: the response's mode is DryRun", facts))
    if mode is Mode.APPROVAL:
        why = "this version cannot guard approvals by admission, so none is honoured; pin the release yourself"
        return Record(_not_contained(status, Reason.AWAITING_APPROVAL, why, facts))
    choice = choice_for(facts.ground)
    gone = _suspect_is_gone(facts)
    if gone or choice.candidate is None or facts.workload is None:
        reason, message = gone or refused(choice)
        waiting = stepped(status, step.name, {"reason": reason.value, "message": message})
        return Record(_not_contained(waiting, reason, message, facts))
    status = status.model_copy(update={"plan": with_known_good(status.plan, facts.ground)})
    observed = StepObserved(
        resource_version=facts.workload.resource_version,
        containers=[NamedImage(name=n, image=i) for n, i in _suspect_images(facts, facts.workload).items()],
    )
    intent = {
        "state": StepState.INTENDED,
        "reason": "",
        "message": "",
        "intended_at": facts.now,
        "observed": observed,
    }
    status = stepped(status, step.name, intent)
    status = status.model_copy(update={"phase": IncidentPhase.CONTAINING})
    return Record(
        _condition(status, ConditionStatus.FALSE, Reason.IN_PROGRESS, "the pin is about to be written", facts)
    )


def _suspect_is_gone(facts: Facts) -> tuple[Reason, str] | None:
    """Whether another release took the suspect's place before anything was done; then there is nothing to put back."""
    suspect = facts.incident.status.suspect
    if suspect is None or not suspect.containers or suspect.digest not in facts.running:
        known = suspect.digest if suspect and suspect.digest else "not known"
        return Reason.SUSPECT_GONE, f"the release that was out of its limits ({known}) does not run; nothing is patched"
    return None


def _suspect_images(facts: Facts, workload: Workload) -> dict[str, str]:
    """The images that the suspect's pods declare: if the template has moved on since, a person is ahead of us."""
    suspect = facts.incident.status.suspect
    seen = {c.name: c.image for c in suspect.containers} if suspect else {}
    found = workload.images
    return {n: image if same_image(seen.get(n, image), image) else seen[n] for n, image in found.items()}


def advance(facts: Facts, step: PlanStep) -> Effect:
    """Take an intended pin further."""
    status, workload, pins = facts.incident.status, facts.workload, facts.pins()
    target = status.plan.target if status.plan else None
    if workload is None or (target is not None and workload.uid != target.uid):
        gone = "the workload of the plan is gone; nothing is left to pin"
        return Record(_failed(status, step, Reason.WORKLOAD_NOT_FOUND, gone, facts))
    seen = {c.name: c.image for c in step.observed.containers} if step.observed else {}
    match pin_known_good.state(workload, pins, seen):
        case pin_known_good.State.AS_SEEN if _untouched(facts, step, workload, pins):
            return Apply(pin_known_good.mutation(workload, pins, facts.incident.metadata.name))
        case pin_known_good.State.PINNED:
            return _roll_out(facts, step, workload)
    why = f"another writer set {_declared(workload)}; it is left as it is. If it is no fix, pin known-good by hand"
    status = told(status, facts.now, Reason.PERSON_WROTE, why, Actor.PERSON)
    return Record(_failed(status, step, Reason.PERSON_WROTE, why, facts))


def _untouched(facts: Facts, step: PlanStep, workload: Workload, pins: tuple[Pin, ...]) -> bool:
    """Whether neither we (our mark is there, though the record of it may be lost) nor another wrote since."""
    ours = workload.annotations.get(pin_known_good.ANNOTATION) == facts.incident.metadata.name
    return step.started_at is None and not ours and _env_as_seen(facts, workload, pins)


def _env_as_seen(facts: Facts, workload: Workload, pins: tuple[Pin, ...]) -> bool:
    """Whether the variables that the pin would write are still as the evidence shows them."""
    evidence = facts.incident.status.evidence
    if evidence is None or evidence.workload is None:
        return True
    seen = {c.name: {e.name: e.value for e in c.env} for c in evidence.workload.containers}
    for pin in pins:
        container = workload.container(pin.container)
        now = {name: env_value(name, value) for name, value in container.env} if container else {}
        names = {*(name for name, _ in pin.env), *pin.remove_env}
        if pin.container in seen and any(seen[pin.container].get(n) != now.get(n) for n in names):
            return False
    return True


def _roll_out(facts: Facts, step: PlanStep, workload: Workload) -> Effect:
    status = facts.incident.status
    if step.started_at is None:
        status = stepped(status, step.name, {"started_at": facts.now})
        status = told(status, facts.now, "Pinned", step.summary)
        return Record(_condition(status, ConditionStatus.FALSE, Reason.IN_PROGRESS, "the pin is rolling out", facts))
    if workload.settled and _everywhere(facts):
        return Record(_contained(status, step, facts))
    limit = timedelta(seconds=seconds(step.timeout)) if step.timeout else timedelta(minutes=5)
    if facts.now - step.started_at > limit:
        why = (
            f"the pin was written, but not every pod runs it after {step.timeout}; look at the pods of "
            f"{workload.kind} {workload.name} (image pull, quota, readiness)"
        )
        return Record(_failed(status, step, Reason.ROLL_OUT_STUCK, why, facts))
    return Wait(_LOOK_AGAIN)


def reconsider(facts: Facts) -> Effect | None:
    """After the pin's end: a roll-out that was late is done after all, and one that another writer undid is not."""
    status, workload, pins = facts.incident.status, facts.workload, facts.pins()
    step = find_step(status, PIN_KNOWN_GOOD)
    if step is None or workload is None or not pins:
        return None
    pinned = pin_known_good.state(workload, pins, {}) is pin_known_good.State.PINNED
    late = step.state is StepState.FAILED and step.reason == Reason.ROLL_OUT_STUCK
    if late and pinned and workload.settled and _everywhere(facts):
        return Record(_contained(status, step, facts))
    if (late or step.state is StepState.DONE) and not pinned:
        return Record(_undone(status, step, workload, facts))
    return None


def _undone(status: AIIncidentStatus, step: PlanStep, workload: Workload, facts: Facts) -> AIIncidentStatus:
    """Another writer took the pin's place: with the suspect again, or with a release that is judged where it runs."""
    suspect = {c.name: c.image for c in status.suspect.containers} if status.suspect else {}
    declared = workload.images.get(facts.container, "")
    if step.state is StepState.DONE and declared != suspect.get(facts.container):
        why = f"a release was rolled out in place of the pin ({_declared(workload)}); it is judged where it runs"
        status = stepped(status, step.name, {"state": StepState.SKIPPED, "reason": Reason.PERSON_WROTE, "message": why})
        status = status.model_copy(update={"phase": IncidentPhase.VERIFYING})
        status = told(status, facts.now, Reason.PERSON_WROTE, why, Actor.PERSON)
        return _condition(status, ConditionStatus.FALSE, Reason.PERSON_WROTE, why, facts)
    why = f"another writer set {_declared(workload)} after the pin; it is left as it is"
    status = told(status, facts.now, Reason.PERSON_WROTE, why, Actor.PERSON)
    return _failed(status, step, Reason.PERSON_WROTE, why, facts)


def _declared(workload: Workload) -> str:
    return ", ".join(f"{name}={image}" for name, image in workload.images.items())


def _everywhere(facts: Facts) -> bool:
    """Whether every pod that may still answer runs the pinned digest of every pinned container, and is ready."""
    wanted = {pin.container: parse_image(pin.image).digest for pin in facts.pins()}
    live = [pod for pod in facts.pods if pod.live]
    return bool(live) and all(
        pod.ready
        and all((c := pod.container(n)) is not None and _runs(c.image_id, c.image, d) for n, d in wanted.items())
        for pod in live
    )


def _runs(image_id: str, image: str, digest: str) -> bool:
    """An imageID may be the digest of an index' entry; what the pod declares is by digest then, and counts."""
    return bool(image_id) and digest in {parse_image(image_id).digest, parse_image(image).digest}


def refused_by_server(facts: Facts, step: PlanStep, message: str) -> AIIncidentStatus:
    """The API server will never accept this patch (forbidden, invalid): the step has failed, loudly."""
    why = f"the API server refused the patch: {message}"[:4000]
    return _failed(facts.incident.status, step, Reason.FAILED, why, facts)


def _contained(status: AIIncidentStatus, step: PlanStep, facts: Facts) -> AIIncidentStatus:
    opened = status.opened_at or facts.now
    after = text(max(1.0, round((facts.now - opened).total_seconds())))
    done = {
        "state": StepState.DONE,
        "reason": Reason.DONE.value,
        "finished_at": facts.now,
        "message": "every pod runs it",
    }
    status = stepped(status, step.name, done)
    status = status.model_copy(
        update={"phase": IncidentPhase.CONTAINED, "contained_at": facts.now, "contained_after": after}
    )
    status = told(status, facts.now, "Contained", f"every pod runs the known-good release, {after} after opening")
    message = "every pod runs the known-good release"
    status = _condition(status, ConditionStatus.TRUE, Reason.DONE, message, facts)
    unknown = "not judged yet on a window that began after the containment"
    return conditioned(
        status,
        ConditionType.CONTAINMENT_EFFECTIVE,
        ConditionStatus.UNKNOWN,
        Reason.NOT_JUDGED,
        unknown,
        facts.now,
    )


def _failed(status: AIIncidentStatus, step: PlanStep, reason: Reason, message: str, facts: Facts) -> AIIncidentStatus:
    ended = {"state": StepState.FAILED, "reason": reason.value, "message": message, "finished_at": facts.now}
    status = stepped(status, step.name, ended)
    status = status.model_copy(update={"phase": IncidentPhase.CONTAINMENT_FAILED})
    status = told(status, facts.now, "ContainmentFailed", message)
    return _condition(status, ConditionStatus.FALSE, reason, message, facts)


def _skipped(status: AIIncidentStatus, step: PlanStep, reason: Reason, message: str, facts: Facts) -> AIIncidentStatus:
    ended = {"state": StepState.SKIPPED, "reason": reason.value, "message": message, "finished_at": facts.now}
    return _not_contained(stepped(status, step.name, ended), reason, message, facts)


def _not_contained(status: AIIncidentStatus, reason: Reason, message: str, facts: Facts) -> AIIncidentStatus:
    old = find_condition(status.conditions, ConditionType.CONTAINED)
    if old is None or old.reason != reason.value:
        status = told(status, facts.now, "NotContained", message)
    return _condition(status, ConditionStatus.FALSE, reason, message, facts)


def _condition(
    status: AIIncidentStatus, value: ConditionStatus, reason: Reason, message: str, facts: Facts
) -> AIIncidentStatus:
    return conditioned(status, ConditionType.CONTAINED, value, reason, message, facts.now)


def why_not_contained(status: AIIncidentStatus) -> str:
    """What the condition Contained says, for a notification."""
    found = find_condition(status.conditions, ConditionType.CONTAINED)
    return f"not contained: {found.message}" if found else "nothing to contain"

"""PinKnownGood: put the workload's containers back on the known-good images, with the environment that goes with them.

It writes the images and variables of the pinned containers and two annotations of its own, and lifts what PauseRollout
of the same incident holds; nothing else is touched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from knowngood.api import GROUP
from knowngood.api.conditions import Reason
from knowngood.api.observed import NamedImage
from knowngood.api.plan import PlanStep, StepObserved
from knowngood.api.playbook import Step
from knowngood.api.steps import ActionName
from knowngood.core.facts import rollout
from knowngood.core.facts.images import parse_image, same_image
from knowngood.core.facts.rollout import rolled_out
from knowngood.core.facts.workload import Pod, Workload
from knowngood.core.response import contested, environment, noted, variables
from knowngood.core.response.actions.action import Described
from knowngood.core.response.changing import State, Why, with_plan
from knowngood.core.response.contested import Revert
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import PAUSED_BY, Ground, choice_for, obstacle, refused
from knowngood.core.response.knowngood import Pin
from knowngood.core.response.mutation import Mutation, target_of
from knowngood.core.response.onworkload import WORKLOAD, WorkloadAction, workload_of
from knowngood.core.response.planned import with_known_good

ANNOTATION = f"{GROUP}/pinned-by"
REPLACED = f"{GROUP}/replaced"  # what stood there before, so that admission can tell an undo from an attack
REPLACED_ENV = f"{GROUP}/replaced-env"
_TEMPLATE = "spec.template.spec"


class PinKnownGood(WorkloadAction):
    """Back to the release that is known to be good."""

    name = ActionName.PIN_KNOWN_GOOD
    annotation = ANNOTATION
    applied = "Pinned"
    in_effect = "every pod runs the known-good release"
    writes: ClassVar = {
        WORKLOAD: (
            f"metadata.annotations.{ANNOTATION}",
            f"metadata.annotations.{REPLACED}",
            f"metadata.annotations.{REPLACED_ENV}",
            f"metadata.annotations.{PAUSED_BY}",
            "spec.paused",
            f"{_TEMPLATE}.containers.*.image",
            f"{_TEMPLATE}.containers.*.env",
            f"{_TEMPLATE}.initContainers.*.image",
            f"{_TEMPLATE}.initContainers.*.env",
        )
    }

    def describe(self, ground: Ground, step: Step | PlanStep) -> Described:
        """How the step stands in a plan."""
        choice = choice_for(ground)
        pins = choice.candidate.pins if choice.candidate else ()
        return Described(
            summary=environment.summary(pins) if pins else f"put {ground.target_name} back on its known-good release",
            precondition=f"{ground.target_name} still declares the suspect's images, and they still run",
            effect="every pod runs the known-good images and is ready",
            undo="the images and variables that stood there before are put back",
        )

    def obstacle(self, facts: Facts, step: PlanStep) -> Why | None:
        """No suspect that still runs, or no release to go back to."""
        suspect = facts.incident.status.suspect
        if suspect is None or not suspect.containers or suspect.digest not in facts.running:
            known = suspect.digest if suspect and suspect.digest else "not known"
            gone = f"the release that was out of its limits ({known}) does not run; nothing is patched"
            return Reason.SUSPECT_GONE, gone
        choice = choice_for(facts.ground)
        return refused(choice) if choice.candidate is None else None

    def prepared(self, facts: Facts, step: PlanStep) -> Facts:
        """With the release that is chosen now in the plan."""
        plan = facts.incident.status.plan
        if plan is None:
            raise ValueError("no plan")
        made = with_known_good(plan, facts.ground)
        return with_plan(facts, known_good=made.known_good, steps=made.steps, notes=made.notes, hash=made.hash)

    def moved(self, facts: Facts, step: PlanStep) -> bool:
        """Whether the plan's release is no more one that the model declares just so."""
        return facts.planned_release() is None

    def observe(self, facts: Facts, step: PlanStep) -> StepObserved:
        """The images that the suspect's pods declare: if the template has moved on since, a person is ahead of us."""
        suspect, workload = facts.incident.status.suspect, workload_of(facts)
        seen = {c.name: c.image for c in suspect.containers} if suspect else {}
        declared = {c.name: c.image for c in workload.every}
        found = {n: i if same_image(seen.get(n, i), i) else seen[n] for n, i in declared.items()}
        return StepObserved(
            resource_version=workload.resource_version,
            containers=[NamedImage(name=n, image=i) for n, i in found.items()],
        )

    def state(self, facts: Facts, step: PlanStep) -> State:
        """Compare the declared fields with the pin and with what was seen."""
        workload = workload_of(facts)
        found = compare(workload, facts.pins(), _seen(step))
        touched = found is State.AS_SEEN and not variables.as_seen(facts, workload, facts.pins())
        return State.CHANGED if touched else found

    def reverted(self, facts: Facts, step: PlanStep) -> Revert | None:
        """Where a listed manager alone holds each image that the pin had changed, and all are as they were seen."""
        workload, seen = workload_of(facts), _seen(step)
        if compare(workload, facts.pins(), seen) is not State.AS_SEEN:
            return None
        if not variables.as_seen_or_pinned(facts, workload, facts.pins()):
            return None
        ours = {p.container for p in facts.pins() if not same_image(seen.get(p.container, ""), p.image)}
        found = contested.revert_of(workload, ours, facts.pins())
        return replace(found, left=variables.left(facts, workload, facts.pins())) if found else None

    def write(self, facts: Facts, step: PlanStep) -> Mutation:
        """The strategic merge patch that pins."""
        return mutation(workload_of(facts), facts.pins(), facts.incident.metadata.name)

    def undo(self, facts: Facts, step: PlanStep) -> Mutation | None:
        """The images that were seen, and the variables that are noted; where one is not, there is no way back."""
        workload, seen = workload_of(facts), _seen(step)
        before = noted.read(workload.annotations.get(REPLACED_ENV, ""))
        evidence = variables.recorded(facts)
        containers = []
        for pin in facts.pins():
            env = variables.put_back(pin, before, evidence)
            if env is None:
                return None
            changes: dict[str, Any] = {"name": pin.container, "image": seen[pin.container]}
            containers.append({**changes, "env": env} if env else changes)
        annotations = {ANNOTATION: None, REPLACED: None, REPLACED_ENV: None}
        body = {"metadata": {"annotations": annotations}, "spec": _in_template(workload, containers)}
        return Mutation(target_of(workload), body)

    def finished(self, facts: Facts, step: PlanStep) -> bool:
        """Every pod that may still answer runs the pinned digest of every pinned container, and is ready."""
        live = [pod for pod in facts.pods if pod.live]
        workload = workload_of(facts)
        # Another step may have taken all of them away; of a roll-out that got stuck that proves nothing.
        there = bool(live) or (workload.replicas == 0 and step.reason != Reason.ROLL_OUT_STUCK)
        return there and all(pod.ready for pod in live) and not _stale(facts) and rolled_out(workload, len(live))

    def forbidden(self, facts: Facts, step: PlanStep) -> Why | None:
        """Its owner consents no longer, the release is itself suspected by now, or its variables are not known."""
        if (refusal := obstacle(facts.ground)) is not None:
            return refusal.reason, refusal.message
        plan = facts.incident.status.plan
        if plan and plan.known_good and plan.known_good.env_digest and facts.planned_release() is None:
            return Reason.PLAN_CHANGED, "the model declares its known-good release with other variables by now"
        suspected = [p.image for p in facts.pins() if parse_image(p.image).digest in facts.implicated]
        if suspected:
            return Reason.IMPLICATED, f"an open incident suspects {suspected[0]}, to which it would go back"
        return None

    def held(self, facts: Facts, step: PlanStep) -> str:
        """A StatefulSet that waits for a person."""
        return rollout.held(workload_of(facts), _stale(facts))

    def late(self, facts: Facts, step: PlanStep) -> str:
        """What can be seen to stand in the way."""
        workload, stale = workload_of(facts), _stale(facts)
        said = [s for s in (rollout.held(workload, stale), rollout.stuck(workload, facts.pods, stale)) if s]
        return "; ".join(said) if said else super().late(facts, step)


def _stale(facts: Facts) -> list[Pod]:
    """The pods that may still answer and do not run what is pinned."""
    wanted = {pin.container: parse_image(pin.image).digest for pin in facts.pins()}
    return [pod for pod in facts.pods if pod.live and not _all_run(pod, wanted)]


def _all_run(pod: Pod, wanted: Mapping[str, str]) -> bool:
    found = {name: pod.declared(name) for name in wanted}
    return all(c is not None and _runs(c.image_id, c.image, wanted[name]) for name, c in found.items())


def _runs(image_id: str, image: str, digest: str) -> bool:
    """An imageID may be the digest of an index' entry; what the pod declares is by digest then, and counts."""
    return bool(image_id) and digest in {parse_image(image_id).digest, parse_image(image).digest}


def _seen(step: PlanStep) -> dict[str, str]:
    return {c.name: c.image for c in step.observed.containers} if step.observed else {}


def compare(workload: Workload, pins: Sequence[Pin], seen: Mapping[str, str]) -> State:
    """How the images of ``workload`` stand to the pin and to ``seen`` (container to image)."""
    if pins and all(holds(workload, pin) for pin in pins):
        return State.THERE
    images = {c.name: c.image for c in workload.every}
    as_seen = all(images.get(pin.container) == seen.get(pin.container) for pin in pins)
    return State.AS_SEEN if as_seen else State.CHANGED


def holds(workload: Workload, pin: Pin) -> bool:
    """Whether the workload declares the pin."""
    container = workload.declared(pin.container)
    if container is None or not same_image(container.image, pin.image):
        return False
    env = dict(container.env)
    return all(env.get(name) == value for name, value in pin.env) and not set(pin.remove_env) & set(env)


def mutation(workload: Workload, pins: Sequence[Pin], incident: str) -> Mutation:
    """The strategic merge patch that pins ``workload``, on behalf of the incident of that name."""
    ours = workload.annotations.get(ANNOTATION) == incident
    now = ",".join(f"{c.name}={c.image}" for c in workload.every)
    env = noted.added(workload.annotations.get(REPLACED_ENV, "") if ours else "", variables.taken(workload, pins))
    annotations: dict[str, str | None] = {
        ANNOTATION: incident,
        REPLACED: workload.annotations.get(REPLACED, now) if ours else now,
    }
    if env:
        annotations[REPLACED_ENV] = env
    spec = _in_template(workload, [_container(pin) for pin in pins])
    if workload.paused and workload.annotations.get(PAUSED_BY) == incident:
        spec, annotations = {**spec, "paused": None}, {**annotations, PAUSED_BY: None}
    return Mutation(target_of(workload), {"metadata": {"annotations": annotations}, "spec": spec})


def _in_template(workload: Workload, changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = {c.name for c in workload.init_containers}
    found = {
        "containers": [c for c in changes if c["name"] not in first],
        "initContainers": [c for c in changes if c["name"] in first],
    }
    return {"template": {"spec": {kind: items for kind, items in found.items() if items}}}


def _container(pin: Pin) -> dict[str, Any]:
    patch: dict[str, Any] = {"name": pin.container, "image": pin.image}
    env = [variables.entry(*variable) for variable in (*pin.env, *((name, None) for name in pin.remove_env))]
    if env:
        patch["env"] = env
    return patch

"""Isolate: keep the suspect's pods, cut off, as evidence.

First callers are led away from them, or what replaces them would answer alike; then a NetworkPolicy stands that lets
nothing in or out; then each loses its labels, and with them its ReplicaSet, its Services and every policy that allows
something; last, a deadline ends it. A pin comes after this step.
"""

import math
from typing import ClassVar

from knowngood.api.common import WorkloadKind
from knowngood.api.conditions import Reason
from knowngood.api.durations import seconds
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.plan import PlanStep, PodRef, StepObserved
from knowngood.api.playbook import Step
from knowngood.api.steps import ActionName
from knowngood.api.steps import Isolate as Block
from knowngood.core.facts.things import Ref
from knowngood.core.facts.wording import few
from knowngood.core.facts.workload import REPLACED_LABELS, Pod
from knowngood.core.response import cutoff, lookups, routed, services, standby
from knowngood.core.response.actions.action import Described
from knowngood.core.response.changing import Changing, State, Why
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import Ground, obstacle, target_name
from knowngood.core.response.leads import Lead, lead
from knowngood.core.response.mutation import Verb, Write

NOT_SHOWN = "whether the cluster's network enforces NetworkPolicies was not shown; ask a pod that is cut off"


class Isolate(Changing):
    """The suspects can do no more harm, and can be looked at."""

    name = ActionName.ISOLATE
    applied = "Isolated"
    in_effect = "the suspects are cut off"
    verbs = (
        Verb("", "services", ("get", "patch")),
        Verb("", "pods", ("get", "list", "watch", "patch")),
        Verb("networking.k8s.io", "networkpolicies", ("get", "create")),
    )
    writes: ClassVar = {
        "Service": services.WRITES,
        "Pod": (
            "metadata.labels.*",
            f"metadata.annotations.{cutoff.ISOLATED_BY}",
            f"metadata.annotations.{REPLACED_LABELS}",
            "spec.activeDeadlineSeconds",
        ),
        "NetworkPolicy": ("*",),
    }

    def needs(self, facts: Facts, step: PlanStep) -> tuple[Ref, ...]:
        """The Service and the NetworkPolicy."""
        return (*routed.needs(facts.model), _policy(facts.model))

    def writes_to(self, model: ModelDeployment, step: PlanStep) -> tuple[Ref, ...]:
        """The Service and the pods."""
        pods = step.observed.pods if step.observed else []
        return (*routed.needs(model), *(Ref("Pod", pod.name) for pod in pods))

    def describe(self, ground: Ground, step: Step | PlanStep) -> Described:
        """How the step stands in a plan."""
        block, service = _block(step), routed.service_name(ground.model)
        outage = ", an outage, as allowOutage permits" if step.allow_outage else ""
        return Described(
            summary=f"cut off at most {block.keep} pods of {ground.target_name} that run the suspect and keep them for "
            f"{block.keep_for}; lead Service {service} away from them{outage}",
            precondition="the suspect runs, and somebody else can answer" if not outage else "the suspect runs",
            effect="the suspects have no labels but ours, no traffic and a deadline; new pods take their places",
            undo="they get their labels back, and the Service its selector",
        )

    def obstacle(self, facts: Facts, step: PlanStep) -> Why | None:
        """Nobody to cut off, or nobody else to answer."""
        if (refusal := obstacle(facts.ground)) is not None:
            return refusal
        if self.nothing_to_do(facts, step) is not None:
            return None  # it is passed over
        if (refused := routed.refusal(facts)) is not None:
            return refused
        workload = facts.workload
        if workload is not None and workload.selector.requirements:
            why = f"{target_name(facts.model)} selects by matchExpressions; labels alone do not tell whose a pod is"
            return Reason.INVALID, why
        if not _suspects(facts):
            return Reason.SUSPECT_GONE, "no pod runs the suspect any more; there is nothing to keep"
        looked = facts.look(_policy(facts.model))
        if looked is not None and looked.problem:
            return Reason.CANNOT_READ, looked.problem
        found = looked.thing if looked else None
        if found is not None and not cutoff.denies(found, facts.model.metadata.name):
            return Reason.INVALID, f"NetworkPolicy {found.name} lets something through; delete it, and it is made anew"
        led = self._lead(facts, step)
        return None if isinstance(led, Lead) else led

    def _lead(self, facts: Facts, step: PlanStep) -> Lead | Why:
        return lead(facts, routed.service(facts), step.allow_outage)

    def nothing_to_do(self, facts: Facts, step: PlanStep) -> Why | None:
        """Of a StatefulSet no pod is replaced while its name is taken; a Rollout's Services are not ours to lead."""
        if facts.workload is None or facts.workload.kind == WorkloadKind.DEPLOYMENT:
            return None
        if facts.workload.kind == WorkloadKind.ROLLOUT:
            return Reason.NOT_SUPPORTED, f"{routed.led_by_argo(facts.model)}; quarantine and pin instead"
        why = f"{target_name(facts.model)} cannot replace a pod whose name is taken, so that none is kept"
        return Reason.NOT_SUPPORTED, f"{why}; lead callers away, quarantine and pin instead"

    def observe(self, facts: Facts, step: PlanStep) -> StepObserved:
        """The Service's selector and the one that it gets, and which pods are kept."""
        service, led = routed.service(facts), self._lead(facts, step)
        if not isinstance(led, Lead):
            raise ValueError(led[1])
        pods = [PodRef(name=p.name, uid=p.uid) for p in _suspects(facts)[: _block(step).keep]]
        return StepObserved(
            resource_version=service.resource_version,
            selector=services.selector_of(service),
            wanted=led.selector,
            value=led.workload,
            pods=pods,
        )

    def gone(self, facts: Facts, step: PlanStep) -> str:
        """The Service; a pod that is gone is one less to keep."""
        return routed.gone(facts)

    def state(self, facts: Facts, step: PlanStep) -> State:
        """Service, NetworkPolicy and pods together."""
        led = routed.state(facts, step)
        if led is State.CHANGED:
            return State.CHANGED
        model, pods = facts.model.metadata.name, _kept(facts, step)
        out = [pod for pod in pods if cutoff.isolated(pod, model)]
        policy = lookups.thing(facts, _policy(facts.model))
        denied = policy is not None and cutoff.denies(policy, model)
        if led is State.THERE and denied and len(out) == len(pods):
            return State.THERE
        untouched = not out and (led is State.AS_SEEN or _same(step))
        return State.AS_SEEN if untouched else State.PARTLY

    def marked(self, facts: Facts, step: PlanStep) -> bool:
        """By the Service's annotations, where it had to be led."""
        return not _same(step) and routed.marked(facts, step.observed.value if step.observed else None)

    def write(self, facts: Facts, step: PlanStep) -> Write:
        """The Service first, then the NetworkPolicy, then pod by pod."""
        if routed.state(facts, step) is not State.THERE and step.observed is not None:
            return routed.led(facts, step.observed.wanted, step.observed.value)
        if lookups.thing(facts, _policy(facts.model)) is None:
            return cutoff.policy(facts.model)
        model = facts.model.metadata.name
        pod = next(p for p in _kept(facts, step) if not cutoff.isolated(p, model))
        return cutoff.cut_off(pod, model, facts.incident.metadata.name)

    def undo(self, facts: Facts, step: PlanStep) -> Write | None:
        """Pod by pod, then the Service; the NetworkPolicy stays, and selects nobody."""
        out = [p for p in _kept(facts, step) if cutoff.isolated(p, facts.model.metadata.name)]
        if out:
            return cutoff.let_back(out[0])
        selector = step.observed.selector if step.observed else {}
        return routed.led(facts, selector, standby.leads_to(facts.model) if selector == standby.labels(facts) else None)

    def last(self, facts: Facts, step: PlanStep) -> Write | None:
        """Deadlines, which cannot be taken off again."""
        for pod in _kept(facts, step):
            until = facts.now.timestamp() + seconds(_block(step).keep_for)
            if pod.live and pod.deadline is None:
                return cutoff.kept_until(pod, math.ceil(until - (pod.started_at or facts.now.timestamp())))
        return None

    def finished(self, facts: Facts, step: PlanStep) -> bool:
        """With the last of them."""
        return True

    def done(self, facts: Facts, step: PlanStep) -> str:
        """Which pods are kept, for how long, and what nobody has shown."""
        some = few([pod.name for pod in _kept(facts, step)])
        return f"{some or 'no pod'} cut off and kept for {_block(step).keep_for}; {NOT_SHOWN}"

    def handed_back(self, step: PlanStep) -> frozenset[IncidentPhase]:
        """Where it was none; else the suspects are kept for those who look at them."""
        return frozenset({IncidentPhase.DISMISSED})

    def covers(self, step: PlanStep) -> bool:
        """Nobody asks the workload."""
        return True

    def found(self, facts: Facts, step: PlanStep) -> str:
        """What the Service selects."""
        return routed.found(facts)

    def superseded(self, facts: Facts, step: PlanStep) -> bool:
        """A later step leads the Service elsewhere, or back."""
        return routed.superseded(facts, step)


def _block(step: Step | PlanStep) -> Block:
    return step.isolate or Block()


def _policy(model: ModelDeployment) -> Ref:
    return Ref("NetworkPolicy", cutoff.policy_name(model.metadata.name))


def _same(step: PlanStep) -> bool:
    """Whether the Service led there already."""
    return step.observed is not None and step.observed.selector == step.observed.wanted


def _suspects(facts: Facts) -> list[Pod]:
    """The pods that run the suspect, those that answer first."""
    digest = facts.incident.status.suspect_digest
    found = [p for p in facts.pods if p.live and (c := p.container(facts.container)) and c.running.digest == digest]
    return sorted(found, key=lambda p: (not p.ready, p.name)) if digest else []


def _kept(facts: Facts, step: PlanStep) -> list[Pod]:
    """Those pods of the step that are still there."""
    wanted = {p.name: p.uid for p in step.observed.pods} if step.observed else {}
    found = {**facts.kept, **{p.name: p for p in facts.pods if p.name in wanted}}
    pods = [found[name] for name, uid in wanted.items() if name in found and found[name].uid == uid]
    return [pod for pod in pods if not pod.terminating]

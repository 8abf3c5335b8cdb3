"""All that the next decision on an incident may rest on; the moment is part of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import Reason
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.playbook import Playbook
from knowngood.core.facts.things import Lookup, Ref
from knowngood.core.facts.workload import Pod, Workload
from knowngood.core.incidents.neighbours import Neighbour
from knowngood.core.incidents.opening import SignalView
from knowngood.core.response import environment, templates
from knowngood.core.response.ground import Ground
from knowngood.core.response.knowngood import Candidate, Pin, candidates
from knowngood.core.signals.answer import Answer


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nothing that touches a workload may begin now, though the plan says so."""

    reason: Reason
    message: str

    @property
    def stops(self) -> bool:
        """Whether what has been let in already must not be written either."""
        return self.reason in {Reason.EMERGENCY_STOP, Reason.SUSPENDED}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the API server says to a write that it does not take, again and again since that moment."""

    message: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Standby:
    """The warm copy that spec.standby names: its workload, where its owner consents, and its pods."""

    workload: Workload | None
    pods: tuple[Pod, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """An incident, and the world around it as last read."""

    incident: AIIncident
    model: ModelDeployment
    policy: IncidentPolicy | None
    playbooks: Mapping[str, Playbook]
    workload: Workload | None
    pods: tuple[Pod, ...]
    container: str
    signals: Mapping[tuple[str, str], SignalView]
    implicated: frozenset[str]
    registries: tuple[str, ...]
    episode: int
    now: datetime
    since: datetime | None = None  # when this process began to look after incidents
    hold: Hold | None = None  # limits, cooldown, suspension, the emergency stop
    refusal: Refusal | None = None  # of what the current step writes; None: taken, or not refused for long enough
    unguarded: str = "admission was not asked"  # why no decision of a person counts; empty: admission guards them
    neighbours: Mapping[str, Neighbour] = field(default_factory=dict)  # upstream models by name
    standby: Standby | None = None  # None: the model has none
    kept: Mapping[str, Pod] = field(default_factory=dict)  # by name, the pods that the plan's steps have in hand
    answers: Mapping[str, Answer] = field(default_factory=dict)  # to what the plan's steps ask, as far as it was asked
    things: Mapping[Ref, Lookup] = field(default_factory=dict)  # what the plan's steps need, as far as it was read

    @property
    def running(self) -> frozenset[str]:
        """Digests of the answering container in the pods that may still answer."""
        return running_digests(self.pods, self.container)

    @property
    def ground(self) -> Ground:
        """The part that a plan is made from."""
        return Ground(
            self.incident,
            self.model,
            self.policy,
            self.playbooks,
            self.workload,
            self.container,
            self.running,
            self.implicated,
            self.registries,
            templates.known(self.incident.status.plan, self.things),
        )

    def look(self, ref: Ref) -> Lookup | None:
        """What was found where an object was looked for; None where nobody looked yet."""
        return self.things.get(ref)

    def with_status(self, status: AIIncidentStatus) -> "Facts":
        """The same world with another status of the incident."""
        return replace(self, incident=self.incident.model_copy(update={"status": status}))

    def pins(self) -> tuple[Pin, ...]:
        """The plan's pins: its images, with its variables and no others, whatever the model says by now."""
        plan = self.incident.status.plan
        if plan is None or plan.known_good is None:
            return ()
        found = self.planned_release()
        return found.pins if found is not None else environment.restored(plan.known_good)

    def planned_release(self) -> Candidate | None:
        """The plan's release as the model declares it; None where it declares it so no more."""
        plan = self.incident.status.plan
        if plan is None or plan.known_good is None:
            return None
        images = {c.name: c.image for c in plan.known_good.containers}
        for candidate in candidates(self.model, self.container):
            same = {p.container: p.image for p in candidate.pins} == images
            if same and environment.digest(candidate.pins) == plan.known_good.env_digest:
                return candidate
        return None


def running_digests(pods: tuple[Pod, ...], container: str) -> frozenset[str]:
    """Digests of ``container`` in live pods, as far as the kubelet has reported them."""
    found = (pod.container(container) for pod in pods if pod.live)
    return frozenset(c.running.digest for c in found if c and c.running.digest)

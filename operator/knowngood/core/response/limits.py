"""How many containments may stand at once, and who is first: what waits says what it waits for.

A containment stands from its intent until its incident is over, so that the limit bounds how much of a fleet a
mistaken policy can change, and not only how fast.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import Reason
from knowngood.api.durations import seconds, text
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.incidents.record import is_over
from knowngood.core.response.facts import Hold
from knowngood.core.response.registry import changes_workload

PolicyKey = tuple[str, str]
_LIMITS = frozenset({Reason.LIMIT_REACHED, Reason.COOLING_DOWN})
_UNDER_WAY = frozenset({StepState.INTENDED, StepState.DONE, StepState.UNDOING})


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The other incidents that count: all that are open, those of the model, and who was just let in.

    ``most`` has the policies' limits, by namespace and name.
    """

    open: tuple[AIIncident, ...]
    of_model: tuple[AIIncident, ...]
    let_in: Collection[str] = ()  # uids of incidents whose intent is being written at this moment
    most: Mapping[PolicyKey, int] = field(default_factory=dict)


def takes_room(status: AIIncidentStatus) -> bool:
    """Whether a step of the incident has changed, or is about to change, a workload."""
    return any(_stands(s) for s in status.plan.steps) if status.plan else False


def _stands(step: PlanStep) -> bool:
    if not changes_workload(step.action):
        return False
    return step.state in _UNDER_WAY or (step.state is StepState.FAILED and step.started_at is not None)


def hold(
    incident: AIIncident, policy: IncidentPolicy | None, neighbours: Neighbours, most: int, now: datetime
) -> Hold | None:
    """Why the incident's containment has to wait now, or None. ``most``: the cluster's limit."""
    if takes_room(incident.status) or incident.metadata.uid in neighbours.let_in:
        return None
    others = [i for i in neighbours.open if i.metadata.uid != incident.metadata.uid and not is_over(i)]
    standing = [i for i in others if takes_room(i.status) or i.metadata.uid in neighbours.let_in]
    same = _same_target(incident, standing)
    if same is not None:
        name = same.metadata.name
        return Hold(Reason.LIMIT_REACHED, f"incident {name} is already changing the same workload; this one waits")
    limits = policy.spec.limits if policy else None
    ahead: list[AIIncident] | None = None
    if limits is not None and limits.max_concurrent_containments is not None and policy is not None:
        mine = [i for i in standing if _policy_of(i) == (policy.metadata.namespace, policy.metadata.name)]
        room = limits.max_concurrent_containments - len(mine)
        ahead = _ahead(incident, others) if room > 0 else []
        if room <= sum(_policy_of(i) == _policy_of(incident) for i in ahead):
            whose = f"IncidentPolicy {policy.metadata.name}"
            return _full(whose, limits.max_concurrent_containments, mine, incident)
    if len(standing) >= most:
        return _full("this cluster", most, standing, incident)
    ahead = _ahead(incident, others) if ahead is None else ahead
    if len(standing) + _that_may_begin(ahead, standing, neighbours.most) >= most:
        return _full("this cluster", most, standing, incident)
    return _cooling(incident, limits.cooldown if limits else None, neighbours.of_model, now)


def waits(incident: AIIncident) -> bool:
    """Whether its containment waits for a limit: on how many may stand at once, or for the cooldown."""
    plan = incident.status.plan
    if plan is None or is_over(incident):
        return False
    return any(s.state is StepState.PENDING and s.reason in _LIMITS for s in plan.steps)


def _ahead(incident: AIIncident, others: Iterable[AIIncident]) -> list[AIIncident]:
    """Those that wait and come first."""
    rank = _rank(incident)
    return [i for i in others if _waits(i.status) and _rank(i) < rank]


def _that_may_begin(ahead: Iterable[AIIncident], standing: Sequence[AIIncident], most: Mapping[PolicyKey, int]) -> int:
    """How many of those ahead could take a place of the cluster now.

    Who waits for its own policy's limit or for its workload is in nobody else's way: otherwise one namespace's queue
    would keep every other from being contained.
    """
    taken = {_target(i) for i in standing} - {""}
    waiting = Counter(_policy_of(i) for i in ahead if _target(i) not in taken)
    stand = Counter(_policy_of(i) for i in standing)
    return sum(min(n, max(0, most[key] - stand[key])) if key in most else n for key, n in waiting.items())


def _waits(status: AIIncidentStatus) -> bool:
    return any(_waits_at(s) for s in status.plan.steps) if status.plan else False


def _waits_at(step: PlanStep) -> bool:
    return step.state is StepState.PENDING and step.reason == Reason.LIMIT_REACHED


def _rank(incident: AIIncident) -> tuple[int, str, str]:
    """Severity first, then who waits longest."""
    severity = incident.status.severity or incident.spec.severity
    opened = incident.status.opened_at
    return -severity.rank, opened.isoformat() if opened else "9", incident.metadata.uid


def _policy_of(incident: AIIncident) -> PolicyKey:
    """Whose responses apply; before the first status is written, as its creator named it."""
    ref = incident.spec.policy_ref
    return incident.metadata.namespace, incident.status.policy or (ref.name if ref else "")


def _same_target(incident: AIIncident, standing: Iterable[AIIncident]) -> AIIncident | None:
    uid = _target(incident)
    return next((i for i in standing if uid and _target(i) == uid), None)


def _target(incident: AIIncident) -> str:
    plan = incident.status.plan
    return plan.target.uid if plan and plan.target else ""


def _full(whose: str, most: int, standing: Sequence[AIIncident], incident: AIIncident) -> Hold:
    """Who stood when it began to wait; what it says does not follow each change, or a storm would be rewritten."""
    allows = f"{whose} allows {most} containments at once"
    steps = incident.status.plan.steps if incident.status.plan else []
    said = next((s.message for s in steps if _waits_at(s) and s.message.startswith(allows)), None)
    if said is not None:
        return Hold(Reason.LIMIT_REACHED, said)
    names = ", ".join(f"{i.metadata.namespace}/{i.metadata.name}" for i in standing[:3]) or "those that wait ahead"
    more = f" and {len(standing) - 3} more" if len(standing) > 3 else ""
    message = f"{allows}; when this one began to wait they were {names}{more}; close one to go on"
    return Hold(Reason.LIMIT_REACHED, message)


def _cooling(incident: AIIncident, cooldown: str | None, of_model: Iterable[AIIncident], now: datetime) -> Hold | None:
    if cooldown is None:
        return None
    earlier = [i.status.contained_at for i in of_model if i.metadata.uid != incident.metadata.uid]
    last = max((at for at in earlier if at is not None), default=None)
    until = last + timedelta(seconds=seconds(cooldown)) if last else None
    if until is None or until <= now:
        return None
    left = text(max(1.0, round((until - now).total_seconds() / 60) * 60.0))
    return Hold(
        Reason.COOLING_DOWN,
        f"this model was contained less than {cooldown} ago (limits.cooldown); the next may begin in about {left}",
    )

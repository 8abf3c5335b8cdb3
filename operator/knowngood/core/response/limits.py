"""How many containments may stand at once, and who is first: what waits says what it waits for.

A containment stands from its intent until its incident is over, so that the limit bounds how much of a fleet a
mistaken policy can change, and not only how fast.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import Reason
from knowngood.api.durations import seconds, text
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.plan import StepState
from knowngood.core.incidents.record import is_over
from knowngood.core.response.facts import Hold
from knowngood.core.response.ledger import (
    Ledger,
    PolicyKey,
    Standing,
    policy_of,
    rank_of,
    takes_room,
    target_of,
    waits_at,
)

__all__ = ["Ledger", "Neighbours", "hold", "takes_room", "waits"]
_LIMITS = frozenset({Reason.LIMIT_REACHED, Reason.COOLING_DOWN})


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The other incidents that count: all that are open, those of the model, and who was just let in.

    ``most`` has the policies' limits, by namespace and name.
    """

    open: Ledger
    of_model: tuple[AIIncident, ...]
    let_in: Collection[str] = ()  # uids of incidents whose intent is being written at this moment
    most: Mapping[PolicyKey, int] = field(default_factory=dict)


def hold(
    incident: AIIncident, policy: IncidentPolicy | None, neighbours: Neighbours, most: int, now: datetime
) -> Hold | None:
    """Why the incident's containment has to wait now, or None. ``most``: the cluster's limit."""
    if takes_room(incident.status) or incident.metadata.uid in neighbours.let_in:
        return None
    ledger, rank = neighbours.open, rank_of(incident)
    standing = ledger.standing(neighbours.let_in)
    same = standing.on(target_of(incident))
    if same is not None:
        name = same.metadata.name
        return Hold(Reason.LIMIT_REACHED, f"incident {name} is already changing the same workload; this one waits")
    limits = policy.spec.limits if policy else None
    if limits is not None and limits.max_concurrent_containments is not None and policy is not None:
        key = (policy.metadata.namespace, policy.metadata.name)
        if limits.max_concurrent_containments - standing.of(key) <= ledger.ahead(rank, policy_of(incident)):
            whose = f"IncidentPolicy {policy.metadata.name}"
            return _full(whose, limits.max_concurrent_containments, standing, key, incident)
    room = most - len(standing)
    if room <= 0 or ledger.may_begin(rank, standing, neighbours.most, room) >= room:
        return _full("this cluster", most, standing, None, incident)
    return _cooling(incident, limits.cooldown if limits else None, neighbours.of_model, now)


def waits(incident: AIIncident) -> bool:
    """Whether its containment waits for a limit: on how many may stand at once, or for the cooldown."""
    plan = incident.status.plan
    if plan is None or is_over(incident):
        return False
    return any(s.state is StepState.PENDING and s.reason in _LIMITS for s in plan.steps)


def _full(whose: str, most: int, standing: Standing, policy: PolicyKey | None, incident: AIIncident) -> Hold:
    """Who stood when it began to wait; what it says does not follow each change, or a storm would be rewritten."""
    allows = f"{whose} allows {most} containments at once"
    steps = incident.status.plan.steps if incident.status.plan else []
    said = next((s.message for s in steps if waits_at(s) and s.message.startswith(allows)), None)
    if said is not None:
        return Hold(Reason.LIMIT_REACHED, said)
    some = islice(standing.incidents(policy), 3)
    names = ", ".join(f"{i.metadata.namespace}/{i.metadata.name}" for i in some) or "those that wait ahead"
    count = len(standing) if policy is None else standing.of(policy)
    more = f" and {count - 3} more" if count > 3 else ""
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

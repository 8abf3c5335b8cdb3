"""Whose containment stands and whose waits, counted as incidents change, so that asking costs no look at each."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import Reason
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.plan import PlanStep, StepState
from knowngood.core.incidents.record import is_over
from knowngood.core.response.registry import changes_workload

PolicyKey = tuple[str, str]
Rank = tuple[int, str, str]
_UNDER_WAY = frozenset({StepState.INTENDED, StepState.DONE, StepState.UNDOING})


def takes_room(status: AIIncidentStatus) -> bool:
    """Whether a step of the incident has changed, or is about to change, a workload."""
    return bool(standing_steps(status))


def standing_steps(status: AIIncidentStatus) -> list[PlanStep]:
    """Those that have changed, or are about to change, a workload."""
    return [s for s in status.plan.steps if _stands(s)] if status.plan else []


def _stands(step: PlanStep) -> bool:
    if not changes_workload(step.action):
        return False
    return step.state in _UNDER_WAY or (step.state is StepState.FAILED and step.started_at is not None)


def waits_at(step: PlanStep) -> bool:
    """Whether the step waits for a limit."""
    return step.state is StepState.PENDING and step.reason == Reason.LIMIT_REACHED


def rank_of(incident: AIIncident) -> Rank:
    """Severity first, then who waits longest."""
    severity = incident.status.severity or incident.spec.severity
    opened = incident.status.opened_at
    return -severity.rank, opened.isoformat() if opened else "9", incident.metadata.uid


def policy_of(incident: AIIncident) -> PolicyKey:
    """Whose responses apply; before the first status is written, as its creator named it."""
    ref = incident.spec.policy_ref
    return incident.metadata.namespace, incident.status.policy or (ref.name if ref else "")


def target_of(incident: AIIncident) -> str:
    """The uid of the workload that its plan changes, or an empty string."""
    plan = incident.status.plan
    return plan.target.uid if plan and plan.target else ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """What counts of an incident."""

    incident: AIIncident
    policy: PolicyKey
    target: str
    rank: Rank
    stands: bool
    waits: bool


class Ledger:
    """The incidents that are not over, those longest unchanged first."""

    def __init__(self, incidents: Iterable[AIIncident] = ()) -> None:
        self._entries: dict[str, _Entry] = {}  # by uid
        self._standing: dict[str, _Entry] = {}
        self._standing_at: dict[str, dict[str, _Entry]] = {}  # by target
        self._standing_of: Counter[PolicyKey] = Counter()
        self._waiting: dict[PolicyKey, list[Rank]] = {}  # in order
        self._waiting_at: dict[str, dict[str, _Entry]] = {}  # by target
        for incident in incidents:
            self.put(incident)

    def put(self, incident: AIIncident) -> None:
        """Take in an incident as it is now."""
        uid = incident.metadata.uid
        self.drop(uid)
        if is_over(incident):
            return
        steps = incident.status.plan.steps if incident.status.plan else []
        waits, stands = any(map(waits_at, steps)), takes_room(incident.status)
        entry = _Entry(incident, policy_of(incident), target_of(incident), rank_of(incident), stands, waits)
        self._entries[uid] = entry
        if stands:
            self._standing[uid] = entry
            self._standing_at.setdefault(entry.target, {})[uid] = entry
            self._standing_of[entry.policy] += 1
        if waits:
            insort(self._waiting.setdefault(entry.policy, []), entry.rank)
            self._waiting_at.setdefault(entry.target, {})[uid] = entry

    def drop(self, uid: str) -> None:
        """The incident with this uid is over, or gone."""
        entry = self._entries.pop(uid, None)
        if entry is None:
            return
        if self._standing.pop(uid, None) is not None:
            _removed(self._standing_at, entry.target, uid)
            self._standing_of[entry.policy] -= 1
            if not self._standing_of[entry.policy]:
                del self._standing_of[entry.policy]
        if entry.waits:
            ranks = self._waiting[entry.policy]
            del ranks[bisect_left(ranks, entry.rank)]
            if not ranks:
                del self._waiting[entry.policy]
            _removed(self._waiting_at, entry.target, uid)

    def standing(self, let_in: Collection[str]) -> "Standing":
        """Those that take room, and those that were ``let_in`` (uids) at this moment."""
        more = [e for uid in let_in if (e := self._entries.get(uid)) is not None and not e.stands]
        return Standing(self._standing, self._standing_at, self._standing_of, more)

    def ahead(self, rank: Rank, policy: PolicyKey) -> int:
        """How many of a policy wait, and come before ``rank``."""
        return bisect_left(self._waiting.get(policy, ()), rank)

    def may_begin(self, rank: Rank, standing: "Standing", most: Mapping[PolicyKey, int], room: int) -> int:
        """How many of those before ``rank`` could take one of the cluster's ``room`` places now, or more than those.

        Who waits for its own policy's limit or for its workload is in nobody else's way: otherwise one namespace's
        queue would keep every other from being contained.
        """
        ahead = {key: n for key in self._waiting if (n := self.ahead(rank, key))}
        if sum(ahead.values()) < room:
            return sum(ahead.values())
        for target in standing.targets():
            for entry in self._waiting_at.get(target, {}).values() if target else ():
                ahead[entry.policy] = ahead.get(entry.policy, 0) - (entry.rank < rank)
        return sum(min(n, max(0, most[key] - standing.of(key))) if key in most else n for key, n in ahead.items())


def _removed(places: dict[str, dict[str, _Entry]], target: str, uid: str) -> None:
    places[target].pop(uid)
    if not places[target]:
        del places[target]


@dataclass(frozen=True, slots=True)
class Standing:
    """Whose containment stands: what the ledger counts, and ``more`` that it does not know of yet."""

    entries: Mapping[str, _Entry]
    at: Mapping[str, Mapping[str, _Entry]]
    by_policy: Mapping[PolicyKey, int]
    more: list[_Entry]

    def __len__(self) -> int:
        return len(self.entries) + len(self.more)

    def of(self, policy: PolicyKey) -> int:
        """How many are of a policy."""
        return self.by_policy.get(policy, 0) + sum(e.policy == policy for e in self.more)

    def targets(self) -> set[str]:
        """The workloads that they change."""
        return {*self.at, *(e.target for e in self.more)}

    def on(self, target: str) -> AIIncident | None:
        """One that changes this workload."""
        known = next(iter(self.at.get(target, {}).values()), None)
        found = known or next((e for e in self.more if e.target == target), None)
        return found.incident if found and target else None

    def incidents(self, policy: PolicyKey | None = None) -> Iterator[AIIncident]:
        """All of them, or those of one policy."""
        for entry in (*self.entries.values(), *self.more):
            if policy in (None, entry.policy):
                yield entry.incident

"""How many containments may stand at once, and who is first."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import Reason
from knowngood.api.plan import Plan, PlanStep, PlanTarget, StepState
from knowngood.core.response import ledger
from knowngood.core.response.limits import Ledger, Neighbours, hold, takes_room
from tests import builders as b

pytestmark = pytest.mark.unit
UNLIMITED = 1_000_000


def incident(
    number: int,
    state: StepState = StepState.PENDING,
    severity: str = "High",
    opened: float = 0.0,
    policy: str = b.POLICY,
    **step: Any,
) -> AIIncident:
    """An incident of a model of its own, whose pin is so far."""
    found = b.incident()
    target = PlanTarget(api_version="apps/v1", kind="Deployment", namespace=b.NAMESPACE, name="w", uid=f"w-{number}")
    pin = PlanStep(name="pin", action="PinKnownGood", state=state, **step)
    status = found.status.model_copy(
        update={
            "severity": type(found.spec.severity)(severity),
            "opened_at": b.at(opened),
            "policy": policy,
            "plan": Plan(steps=[pin], target=target),
        }
    )
    meta = found.metadata.model_copy(update={"uid": f"i-{number}", "name": f"incident-{number}"})
    return found.model_copy(update={"status": status, "metadata": meta})


def waiting(number: int, **changes: Any) -> AIIncident:
    return incident(number, reason=Reason.LIMIT_REACHED.value, **changes)


def asked(mine: AIIncident, *others: AIIncident, most: int = UNLIMITED, limits: dict[str, Any] | None = None) -> Any:
    policy = b.policy(limits=limits) if limits else b.policy()
    return hold(mine, policy, Neighbours(Ledger((mine, *others)), ()), most, b.at(100))


@pytest.mark.parametrize(
    ("state", "started", "takes"),
    [
        (StepState.PENDING, False, False),
        (StepState.INTENDED, False, True),
        (StepState.DONE, True, True),
        (StepState.UNDOING, True, True),
        (StepState.FAILED, True, True),
        (StepState.FAILED, False, False),
        (StepState.SKIPPED, False, False),
        (StepState.UNDONE, True, False),
    ],
)
def test_what_takes_room(state: StepState, started: bool, takes: bool) -> None:
    found = incident(1, state, started_at=b.at() if started else None)
    assert takes_room(found.status) is takes


def test_the_clusters_limit_names_who_stands() -> None:
    standing = [incident(n, StepState.DONE) for n in range(1, 4)]
    found = asked(incident(9), *standing, most=3)
    assert found.reason is Reason.LIMIT_REACHED
    assert "this cluster allows 3" in found.message
    assert "vision/incident-1" in found.message
    assert asked(incident(9), *standing, most=4) is None


def test_a_policys_limit_counts_its_own() -> None:
    others = [incident(n, StepState.DONE, policy="other") for n in range(1, 4)]
    mine = {"maxConcurrentContainments": 1}
    assert asked(incident(9), *others, limits=mine) is None
    found = asked(incident(9), incident(1, StepState.INTENDED), limits=mine)
    assert found.message.startswith("IncidentPolicy digits-quality allows 1")


def test_severity_first_then_who_waits_longest() -> None:
    worse, older = waiting(1, severity="Critical", opened=50), waiting(2, opened=1)
    assert asked(incident(9, opened=5), worse, most=1) is not None
    assert asked(incident(9, opened=5), older, most=1) is not None
    assert asked(incident(9, severity="Critical", opened=5), older, most=1) is None
    assert asked(incident(9, opened=0), older, most=1) is None


def test_who_waits_for_something_else_is_in_nobodys_way() -> None:
    blocked = incident(1, reason=Reason.NOTHING_PROVEN.value, severity="Critical")
    assert asked(incident(9), blocked, most=1) is None


def test_one_workload_is_changed_by_one_incident() -> None:
    other = incident(1, StepState.DONE)
    twin = incident(9)
    assert twin.status.plan is not None
    assert other.status.plan is not None
    plan = twin.status.plan.model_copy(update={"target": other.status.plan.target})
    twin = twin.model_copy(update={"status": twin.status.model_copy(update={"plan": plan})})
    found = asked(twin, other)
    assert found.reason is Reason.LIMIT_REACHED
    assert "the same workload" in found.message


def test_cooldown_is_from_the_last_containment_of_the_model() -> None:
    before = incident(1, StepState.DONE)
    before = before.model_copy(update={"status": before.status.model_copy(update={"contained_at": b.at(40)})})
    policy = b.policy(limits={"cooldown": "2m"})
    near = Neighbours(Ledger(), (before,))
    found = hold(incident(9), policy, near, UNLIMITED, b.at(100))
    assert found is not None
    assert found.reason is Reason.COOLING_DOWN
    assert hold(incident(9), policy, near, UNLIMITED, b.at(160)) is None


def test_what_stands_is_never_held_again() -> None:
    full = [incident(n, StepState.DONE) for n in range(5)]
    assert asked(incident(9, StepState.INTENDED), *full, most=1) is None


def test_who_was_let_in_at_this_moment_counts() -> None:
    near = Neighbours(Ledger((incident(1), incident(9))), (), {"i-1"})
    assert hold(incident(9), b.policy(), near, 1, b.at(100)) is not None


def test_who_was_let_in_at_this_moment_counts_for_the_policy_before_its_status_says_so() -> None:
    new = incident(1)
    new = new.model_copy(update={"status": type(new.status)()})
    near = Neighbours(Ledger((new, incident(9))), (), {"i-1"})
    mine = b.policy(limits={"maxConcurrentContainments": 1})
    found = hold(incident(9), mine, near, UNLIMITED, b.at(100))
    assert found is not None
    assert found.message.startswith("IncidentPolicy digits-quality allows 1")


def test_who_waits_for_its_own_policy_keeps_no_other_from_the_clusters_last_place() -> None:
    standing, blocked = incident(1, StepState.DONE, policy="full"), waiting(2, severity="Critical", policy="full")
    near = Neighbours(Ledger((standing, blocked, incident(9))), (), (), {(b.NAMESPACE, "full"): 1})
    assert hold(incident(9), b.policy(), near, 2, b.at(100)) is None
    near = Neighbours(Ledger((standing, blocked, incident(9))), (), (), {(b.NAMESPACE, "full"): 2})
    assert hold(incident(9), b.policy(), near, 2, b.at(100)) is not None


def test_what_a_waiting_incident_says_does_not_follow_each_change_of_those_ahead() -> None:
    first = asked(incident(9), *(incident(n, StepState.DONE) for n in (1, 2)), most=2)
    mine = waiting(9, message=first.message)
    later = asked(mine, *(incident(n, StepState.DONE) for n in (3, 4)), waiting(5, severity="Critical"), most=2)
    assert later.message == first.message
    other = asked(mine, *(incident(n, StepState.DONE) for n in (3, 4, 5)), most=3)
    assert other.message != first.message, "another limit is said anew"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Low", "High", "Critical"]),
            st.integers(0, 50),
            st.sampled_from([StepState.PENDING, StepState.DONE]),
        ),
        min_size=1,
        max_size=25,
    ),
    st.integers(1, 6),
)
def test_letting_in_one_after_the_other_never_passes_the_limit(
    found: list[tuple[str, int, StepState]], most: int
) -> None:
    everyone = [
        waiting(n, severity=s, opened=o) if state is StepState.PENDING else incident(n, state, severity=s, opened=o)
        for n, (s, o, state) in enumerate(found)
    ]
    already = sum(takes_room(i.status) for i in everyone)
    for _ in everyone:
        free = [i for i in everyone if not takes_room(i.status)]
        let_in = next((i for i in free if asked(i, *everyone, most=most) is None), None)
        if let_in is None:
            break
        index = everyone.index(let_in)
        everyone[index] = incident(index, StepState.INTENDED)
    standing = sum(takes_room(i.status) for i in everyone)
    assert standing == min(len(everyone), max(already, most)), "never more, and no place is left empty"


def looked_at_each(
    mine: AIIncident, everyone: list[AIIncident], let_in: set[str], most: int, own: dict[Any, int]
) -> bool:
    """Whether it has to wait, by the rule as it is written, at the cost of a look at every incident."""
    others = [i for i in everyone if i.metadata.uid != mine.metadata.uid]
    standing = [i for i in others if takes_room(i.status) or i.metadata.uid in let_in]
    taken = {ledger.target_of(i) for i in standing} - {""}
    if ledger.target_of(mine) in taken:
        return True
    ahead = [i for i in others if any(map(ledger.waits_at, steps(i))) and ledger.rank_of(i) < ledger.rank_of(mine)]
    of = Counter(map(ledger.policy_of, standing))
    key = ledger.policy_of(mine)
    if key in own and own[key] - of[key] <= sum(ledger.policy_of(i) == key for i in ahead):
        return True
    queue = Counter(ledger.policy_of(i) for i in ahead if ledger.target_of(i) not in taken)
    begin = sum(min(n, max(0, own[k] - of[k])) if k in own else n for k, n in queue.items())
    return len(standing) + begin >= most


def steps(of: AIIncident) -> list[PlanStep]:
    return of.status.plan.steps if of.status.plan else []


ONES = st.tuples(
    st.integers(0, 7),
    st.sampled_from(["Low", "Critical"]),
    st.integers(0, 3),
    st.sampled_from([StepState.PENDING, StepState.DONE, StepState.INTENDED]),
    st.booleans(),
    st.sampled_from(["p", "q", "r"]),
    st.integers(0, 3),
)


def made(
    number: int, severity: str, opened: int, state: StepState, waits: bool, policy: str, target: int
) -> AIIncident:
    reason = {"reason": Reason.LIMIT_REACHED.value} if waits and state is StepState.PENDING else {}
    found = incident(number, state, severity, opened, policy, **reason)
    assert found.status.plan is not None
    workload = PlanTarget(api_version="apps/v1", kind="Deployment", namespace=b.NAMESPACE, name="w", uid="")
    where = workload.model_copy(update={"uid": f"w-{target}" if target else ""})
    plan = found.status.plan.model_copy(update={"target": where})
    return found.model_copy(update={"status": found.status.model_copy(update={"plan": plan})})


@given(st.lists(ONES, max_size=30), st.sets(st.integers(0, 7)), st.integers(1, 5), st.integers(1, 3))
def test_the_ledger_counts_as_a_look_at_each_would(events: list[Any], let_in: set[int], most: int, own: int) -> None:
    kept, now = Ledger(), dict[str, AIIncident]()
    for event in events:
        found = made(*event)
        if found.metadata.uid in now and event[4] and event[2] == 0:
            kept.drop(found.metadata.uid)
            del now[found.metadata.uid]
        else:
            kept.put(found)
            now[found.metadata.uid] = found
    limits = {(b.NAMESPACE, "p"): own}
    uids = {f"i-{n}" for n in let_in}
    for mine in now.values():
        if takes_room(mine.status) or mine.metadata.uid in uids:
            continue
        policy = b.policy(limits={"maxConcurrentContainments": own}) if mine.status.policy == "p" else b.policy()
        policy = policy.model_copy(update={"metadata": policy.metadata.model_copy(update={"name": mine.status.policy})})
        held = hold(mine, policy, Neighbours(kept, (), uids, limits), most, b.at(100)) is not None
        assert held is looked_at_each(mine, list(now.values()), uids, most, limits)

"""A policy says whether what its signals remember is kept, and how many false alarms its fleet may have."""

from typing import Any

import pytest

from knowngood.api.conditions import ConditionStatus, Reason, find_condition
from knowngood.core.incidents.policystatus import Said, policy_status
from knowngood.core.signals.compiled import compile_policy
from tests import builders as b

pytestmark = pytest.mark.unit
FINE: Said = (ConditionStatus.TRUE, Reason.AVAILABLE.value, "the source answers")
LOST: Said = (ConditionStatus.FALSE, Reason.TOO_LARGE.value, "x" * 10_000)


def test_what_is_kept_is_said_where_anything_is_remembered() -> None:
    policy = b.policy()
    compiled = compile_policy(policy, [b.model()])
    status = policy_status(policy, compiled, 1, {"pin-known-good"}, {"default"}, FINE, b.at(0), LOST)
    found = find_condition(status.conditions, "StateKept")
    assert found is not None
    assert (found.status, found.reason) == (ConditionStatus.FALSE, Reason.TOO_LARGE)
    assert len(found.message) <= 4096
    again = policy.model_copy(update={"status": status})
    later = policy_status(again, compiled, 1, {"pin-known-good"}, {"default"}, FINE, b.at(9))
    assert find_condition(later.conditions, "StateKept") is None


def dial(name: str, every: str = "30d", **changes: Any) -> dict[str, Any]:
    return b.signal(name=name, detector={"threshold": None, "change": {"falseAlarmEvery": every}}, **changes)


def false_alarms(signals: list[dict[str, Any]], models: int) -> str | None:
    policy = b.policy(signals)
    compiled = compile_policy(policy, [b.model()])
    return policy_status(policy, compiled, models, (), (), FINE, b.at(0)).expected_false_alarms


@pytest.mark.parametrize(
    ("signals", "models", "expected"),
    [
        ([b.signal()], 5, None),
        ([b.signal(), dial("a")], 5, "5 in 30d"),
        ([dial("a"), dial("b", "7d")], 12, "63 in 30d"),
        ([dial("a", "90d")], 1, "0.33 in 30d"),
        ([dial("a", "90d")], 0, "0 in 30d"),
        ([dial("a", "1s", ratio={"window": "1h"})], 1, "720 in 30d"),
    ],
    ids=["no dial", "one a model", "dials add up", "less than one", "no models", "no more than windows"],
)
def test_the_fleets_false_alarms_follow_from_the_dials(
    signals: list[dict[str, Any]], models: int, expected: str | None
) -> None:
    assert false_alarms(signals, models) == expected


def test_what_cannot_be_judged_alarms_never() -> None:
    refused = dial("b", ratio=None, preset="vllm/truncated-answers")
    assert false_alarms([dial("a"), refused], 3) == "3 in 30d"


def test_the_status_is_the_same_while_models_and_spec_are() -> None:
    """Nothing in it is measured, so that an idle policy is not written."""
    policy = b.policy([dial("a")])
    compiled = compile_policy(policy, [b.model()])
    first = policy_status(policy, compiled, 2, {"pin-known-good"}, {"default"}, FINE, b.at(0))
    again = policy.model_copy(update={"status": first})
    assert policy_status(again, compiled, 2, {"pin-known-good"}, {"default"}, FINE, b.at(99_999)) == first

"""A policy says whether what its signals remember is kept, where they remember anything."""

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

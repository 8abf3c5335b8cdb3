from datetime import UTC, datetime, timedelta

import pytest

from knowngood.api.conditions import (
    Condition,
    ConditionStatus,
    ConditionType,
    Documented,
    Reason,
    find_condition,
    is_true,
    set_condition,
)

pytestmark = pytest.mark.unit

THEN = datetime(2026, 11, 23, 6, tzinfo=UTC)
NOW = THEN + timedelta(hours=1)


def _old(status: str = "False") -> list[Condition]:
    return set_condition([], ConditionType.READY, status, Reason.INVALID, "bad", 1, THEN)


def test_first_condition_is_stamped_now() -> None:
    [made] = _old()
    assert made.to_object() == {
        "type": "Ready",
        "status": "False",
        "reason": "Invalid",
        "message": "bad",
        "lastTransitionTime": "2026-11-23T06:00:00Z",
        "observedGeneration": 1,
    }


def test_same_status_keeps_its_time_and_takes_the_rest() -> None:
    [made] = set_condition(_old(), "Ready", "False", Reason.NOT_SUPPORTED, "later", 2, NOW)
    assert made.last_transition_time == THEN
    assert (made.reason, made.message, made.observed_generation) == ("NotSupported", "later", 2)


def test_other_status_moves_the_time() -> None:
    [made] = set_condition(_old(), "Ready", ConditionStatus.TRUE, Reason.VALID, "", 2, NOW)
    assert made.last_transition_time == NOW


def test_order_is_kept_and_input_untouched() -> None:
    two = set_condition(_old(), "SignalsAvailable", "True", "Available", "", 1, THEN)
    changed = set_condition(two, "Ready", "True", "Valid", "", 1, NOW)
    assert [item.type for item in changed] == ["Ready", "SignalsAvailable"]
    assert changed[1] is two[1]
    assert two[0].status is ConditionStatus.FALSE


def test_equal_facts_give_equal_lists() -> None:
    once = _old()
    again = set_condition(once, "Ready", "False", Reason.INVALID, "bad", 1, NOW)
    assert again == once


def test_find_and_is_true() -> None:
    assert find_condition(_old(), "Contained") is None
    assert not is_true(_old(), "Contained")
    assert not is_true(_old("Unknown"), ConditionType.READY)
    assert is_true(_old("True"), "Ready")


def test_unknown_status_is_refused() -> None:
    with pytest.raises(ValueError, match="'Maybe' is not a valid ConditionStatus"):
        set_condition([], "Ready", "Maybe", "Valid", "", 1, NOW)


@pytest.mark.parametrize("vocabulary", [ConditionType, Reason])
def test_every_word_is_camel_case_and_explained(vocabulary: type[Documented]) -> None:
    for word in vocabulary:
        assert word.value.isidentifier()
        assert word.value[0].isupper()
        assert word.value.replace("A", "a").lower() == word.name.replace("_", "").lower()
        assert word.meaning.endswith(".")
        assert str(word) == word.value

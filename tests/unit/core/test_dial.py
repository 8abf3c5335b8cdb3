"""What a sweep turns."""

import pytest

from knowngood.core.backtest.dial import DialError, dial
from tests import builders as b

CHANGE = b.signal(name="decay", detector={"threshold": None, "change": {"falseAlarmEvery": "14d"}})


def test_the_dial_has_values_of_its_own_and_the_one_that_is_written() -> None:
    found = dial(b.policy([CHANGE]), "falseAlarmEvery")
    assert [v.value for v in found.variants] == ["1d", "3d", "7d", "14d", "30d", "90d"]
    assert [v.value for v in found.variants if v.written] == ["14d"]
    for variant in found.variants:
        (signal,) = variant.policy.spec.signals
        assert signal.detector is not None
        assert signal.detector.chosen()[1].false_alarm_every == variant.value


def test_what_is_written_is_added_to_the_values() -> None:
    found = dial(b.policy(), "below=0.5,0.7")
    assert [(v.value, v.written) for v in found.variants] == [("0.5", False), ("0.7", False), ("0.9", True)]


def test_the_same_written_otherwise_is_the_same() -> None:
    assert [v.value for v in dial(b.policy(), "for=5000ms,1m").variants if v.written] == ["5000ms"]


def test_only_the_named_signal_is_turned() -> None:
    policy = b.policy([b.signal(), b.signal(name="other")])
    (first, *_) = dial(policy, "other.below=0.5").variants
    found = {s.name: s.detector.chosen()[1].below for s in first.policy.spec.signals if s.detector}
    assert found == {"accuracy": 0.9, "other": 0.5}


def test_signals_that_differ_have_no_one_value_that_is_written() -> None:
    other = b.signal(name="other", detector={"threshold": {"below": 0.8}})
    found = dial(b.policy([b.signal(), other]), "below=0.9,0.8")
    assert found.signals == ("accuracy", "other")
    assert not any(v.written for v in found.variants)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("falseAlarmEvery", "no detector of any signal has a field falseAlarmEvery; there are accuracy: above, below"),
        ("below", "write the values, for example below=0.9"),
        ("nobody.below=1", "no detector of nobody has a field below"),
        ("below=1.5", "not a share of a ratio"),
        ("for=soon", "'soon' is not a duration"),
        ("=1", "write FIELD=VALUE"),
        (".below=1", "write FIELD=VALUE"),
        ("below=,", "write the values"),
    ],
)
def test_what_cannot_be_turned_is_told(text: str, told: str) -> None:
    with pytest.raises(DialError, match=told.replace("(", r"\(")):
        dial(b.policy(), text)

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from knowngood.api import durations
from knowngood.api.durations import Duration, PositiveDuration

pytestmark = pytest.mark.unit

LONGEST = 9_223_372_036.854  # seconds: an int64 of nanoseconds
UNITS = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1, "ms": 0.001}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0", 0),
        ("0s", 0),
        ("500ms", 0.5),
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("30d", 2_592_000),
        ("1w", 604_800),
        ("1y", 31_536_000),
        ("1y2w3d4h5m6s7ms", 33_019_506.007),
        ("007s", 7),
    ],
)
def test_seconds(written: str, expected: float) -> None:
    assert durations.seconds(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "5",
        "5 m",
        "5m ",
        "1.5h",
        "-5m",
        "+5m",
        "5M",
        "30m1h",
        "5m5m",
        "1ms1s",
        "s",
        "1h\n",
        "\u0665m",
        "5µs",
    ],
)
def test_what_is_no_duration_is_named_with_what_to_write(written: str) -> None:
    with pytest.raises(ValueError, match="is not a duration: write whole numbers with units") as refused:
        durations.seconds(written)
    assert f"'{written}'" in str(refused.value)


def test_longer_than_prometheus_can_hold() -> None:
    assert durations.seconds("292y") < LONGEST
    with pytest.raises(ValueError, match="'293y' is too long for a duration: write at most 292y"):
        durations.seconds("293y")


@pytest.mark.parametrize(
    ("given_seconds", "expected"),
    [
        (0, "0s"),
        (0.0004, "0s"),
        (0.25, "250ms"),
        (1.0005, "1s"),
        (90, "1m30s"),
        (5400, "1h30m"),
        (86_400, "1d"),
        (2_592_000, "30d"),
        (31_536_000, "365d"),
        (8.25, "8s250ms"),
    ],
)
def test_text(given_seconds: float, expected: str) -> None:
    assert durations.text(given_seconds) == expected


@pytest.mark.parametrize("bad", [-1, -0.001, float("nan"), float("inf"), LONGEST + 1])
def test_text_refuses_what_cannot_be_written(bad: float) -> None:
    with pytest.raises(ValueError, match="are no duration"):
        durations.text(bad)


@given(st.floats(min_value=0, max_value=LONGEST))
def test_text_can_be_read_again(length: float) -> None:
    written = durations.text(length)
    assert abs(durations.seconds(written) - length) <= 0.0005 + length * 1e-12
    assert durations.text(durations.seconds(written)) == written


@given(st.integers(min_value=0, max_value=9_223_372_036_854))
def test_every_millisecond_survives(milliseconds: int) -> None:
    assert durations.milliseconds(durations.text(milliseconds / 1000)) == milliseconds


@given(st.dictionaries(st.sampled_from(list(UNITS)), st.integers(0, 999), min_size=1))
def test_parts_add_up_in_prometheus_order(parts: dict[str, int]) -> None:
    parts = parts if parts.get("y", 0) < 250 else parts | {"y": 1}
    written = "".join(f"{parts[unit]}{unit}" for unit in UNITS if unit in parts)
    assert durations.seconds(written) == pytest.approx(sum(UNITS[unit] * n for unit, n in parts.items()))


@given(st.text(alphabet="0123456789ywdhms .-", max_size=12))
def test_any_text_is_read_or_refused(written: str) -> None:
    try:
        read = durations.seconds(written)
    except ValueError as refused:
        read, text = None, str(refused)
    if read is None:
        assert f"'{written}'" in text
    else:
        assert read >= 0


def test_annotated_types() -> None:
    assert TypeAdapter(Duration).validate_python("0s") == "0s"
    assert TypeAdapter(PositiveDuration).validate_python("1ms") == "1ms"
    for written in ("0s", "0", "0h0ms"):
        with pytest.raises(ValidationError, match="must be longer than zero: write for example 1m"):
            TypeAdapter(PositiveDuration).validate_python(written)
    with pytest.raises(ValidationError, match="at most 292y"):
        TypeAdapter(Duration).validate_python("300y")

import pytest
from pydantic import ValidationError

from knowngood.api.common import IMAGE_PATTERN, ContainerPin, Severity
from knowngood.api.detectors import Detector, ThresholdDetector
from knowngood.api.observed import Verdict
from knowngood.api.signals import Identity, IdentityOverride, Signal

pytestmark = pytest.mark.unit

HEX = "ab" * 32


def test_severities_and_verdicts_have_an_order() -> None:
    assert [item.name for item in sorted(Severity, key=lambda item: item.rank)] == [
        "LOW",
        "MEDIUM",
        "HIGH",
        "CRITICAL",
    ]
    assert max(Verdict, key=lambda item: item.rank) is Verdict.BREACH
    assert [item.rank for item in Verdict] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "repository",
    [
        "digits",
        "library/digits",
        "registry.local:5000/digits",
        "10.222.0.1:25000/a/b-c/d_e.f",
        "REG.example/x",
    ],
)
def test_digests_are_accepted(repository: str) -> None:
    assert ContainerPin(name="model", image=f"{repository}@sha256:{HEX}").image.endswith(HEX)


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        ("digits", "digits@"),
        ("digits:v1", "digits@"),
        ("registry.local:5000/digits:v1", "registry.local:5000/digits@"),
        (f"registry.local:5000/digits:v1@sha256:{HEX}", "registry.local:5000/digits@"),
        (f"digits@sha256:{HEX}0", "digits@"),
        (f"digits@sha512:{HEX}", "digits@"),
        (f"digits@sha256:{HEX}\n", "digits@"),
    ],
)
def test_anything_else_is_shown_what_to_write(image: str, shown: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ContainerPin(name="model", image=image)
    assert f"write {shown}sha256:<64 hexadecimal digits>" in str(refused.value)


def test_image_pattern_is_safe_in_a_cel_raw_string() -> None:
    assert "'" not in IMAGE_PATTERN


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (None, Identity(model="model", release="release")),
        (IdentityOverride(model="model_name"), Identity(model="model_name", release="release")),
        (IdentityOverride(release="version"), Identity(model="model", release="version")),
        (IdentityOverride(release=""), Identity(model="model", release=None)),
    ],
)
def test_identity_of_a_signal(override: IdentityOverride | None, expected: Identity) -> None:
    assert Identity(model="model", release="release").overridden(override) == expected


def test_chosen_detector_and_input() -> None:
    signal = Signal.from_object(
        {
            "name": "accuracy",
            "type": "ModelFailure",
            "severity": "High",
            "ratio": {"good": "a_total", "total": "b_total", "window": "1m"},
            "detector": {"threshold": {"below": 0.9, "for": "5s"}},
        }
    )
    assert signal.input() == ("ratio", signal.ratio)
    assert signal.detector is not None
    assert signal.detector.chosen() == ("threshold", signal.detector.threshold)
    assert signal.detector.threshold == ThresholdDetector(below=0.9, for_="5s", min_samples=1)


def test_threshold_by_promql_may_be_any_number() -> None:
    signal = Signal.from_object(
        {
            "name": "latency",
            "type": "ModelFailure",
            "severity": "Low",
            "promql": {"query": "up"},
            "detector": {"threshold": {"above": 250}},
        }
    )
    assert signal.input()[0] == "promql"


def test_an_empty_one_of_has_nothing_chosen() -> None:
    with pytest.raises(LookupError, match="Detector is empty"):
        Detector.model_construct().chosen()

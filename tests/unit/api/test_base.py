from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from knowngood.api import durations
from knowngood.api.aiincident import AIIncident
from knowngood.api.base import InvalidObjectError, json_name, rfc3339
from knowngood.api.common import EnvVar
from knowngood.api.evidence import Point
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.modelstatus import ModelDeploymentStatus, Ran

pytestmark = pytest.mark.unit

WORKLOAD = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "digits"}


def _model(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "digits", "namespace": "vision"}, "spec": {"workloadRef": WORKLOAD} | spec}


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("name", "name"),
        ("workload_ref", "workloadRef"),
        ("runbook_url", "runbookURL"),
        ("model_uid", "modelUID"),
        ("image_id", "imageID"),
        ("uid", "uid"),
        ("for_", "for"),
        ("from_", "from"),
        ("config_map_key_ref", "configMapKeyRef"),
    ],
)
def test_json_name(field: str, expected: str) -> None:
    assert json_name(field) == expected


def test_absent_stays_absent() -> None:
    made = ModelDeployment.from_object(_model()).to_object()
    assert made["spec"] == {
        "workloadRef": WORKLOAD,
        "promotion": {"mode": "Automatic", "soak": "24h"},
        "suspend": False,
    }
    assert made["status"] == {}


def test_empty_blocks_that_mean_something_stay() -> None:
    signal = {
        "name": "pii",
        "type": "PrivacyBreach",
        "severity": "Critical",
        "events": {"metric": "pii_total", "window": "5m"},
        "detector": {"occurrence": {}},
    }
    made = IncidentPolicy.from_object({"spec": {"selector": {}, "signals": [signal]}}).to_object()
    assert made["spec"]["selector"] == {}
    assert made["spec"]["signals"][0]["detector"] == {"occurrence": {}}


def test_empty_text_is_omitted_only_where_it_is_the_default() -> None:
    assert EnvVar(name="A").to_object() == {"name": "A"}
    assert Point(t=datetime(2026, 1, 1, tzinfo=UTC), v="").to_object()["v"] == ""


def test_problems_name_field_value_and_what_to_write() -> None:
    bad = _model(promotion={"soak": "1 day"}, suspend="perhaps", owner={"runbookUrl": "x"})
    with pytest.raises(InvalidObjectError) as refused:
        ModelDeployment.from_object(bad)
    assert refused.value.problems == [
        f"spec.promotion.soak: '1 day': '1 day' is not a duration: write {durations.WRITE}",
        "spec.owner.runbookUrl: 'x': there is no such field; did you mean runbookURL?",
        "spec.suspend: 'perhaps': Input should be a valid boolean, unable to interpret input",
    ]


def test_problems_inside_lists_carry_the_index() -> None:
    pins = [{"name": "model", "image": "a/b:1"}]
    with pytest.raises(InvalidObjectError, match=r"spec\.knownGood\.containers\[0\]\.image: 'a/b:1'"):
        ModelDeployment.from_object(_model(knownGood={"containers": pins}))


def test_python_names_are_not_json() -> None:
    with pytest.raises(InvalidObjectError, match=r"spec\.workload_ref"):
        ModelDeployment.from_object({"spec": {"workload_ref": WORKLOAD}})


def test_status_of_a_newer_version_is_read() -> None:
    given = _model() | {"status": {"episode": 3, "mood": "fine", "signals": {"ok": 1, "colour": "red"}}}
    status = ModelDeployment.from_object(given).status
    assert (status.episode, status.signals and status.signals.ok) == (3, 1)


def test_statuses_do_not_share_their_lists() -> None:
    assert AIIncidentStatus().timeline is not AIIncidentStatus().timeline
    assert ModelDeploymentStatus().conditions is not ModelDeploymentStatus().conditions


def test_moments_are_utc_with_as_much_fraction_as_there_is() -> None:
    east = timezone(timedelta(hours=1))
    assert rfc3339(datetime(2026, 11, 23, 7, tzinfo=east)) == "2026-11-23T06:00:00Z"
    assert rfc3339(datetime(2026, 11, 23, 6, 0, 0, 250_000, tzinfo=UTC)) == "2026-11-23T06:00:00.250000Z"
    assert Ran(from_=datetime(2026, 11, 23, 7, tzinfo=east)).to_object() == {"from": "2026-11-23T06:00:00Z"}


def test_moments_without_zone_are_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Ran(from_=datetime(2026, 11, 23, 7))  # noqa: DTZ001


def test_unknown_metadata_is_passed_over() -> None:
    given = {
        "metadata": {
            "name": "a",
            "uid": "u",
            "managedFields": [],
            "creationTimestamp": "2026-11-23T06:00:00Z",
        },
        "spec": {"modelRef": {"name": "digits"}, "type": "DataDrift", "severity": "Low", "origin": "User"},
    }
    read = AIIncident.from_object(given)
    assert (read.metadata.uid, read.metadata.creation_timestamp) == (
        "u",
        datetime(2026, 11, 23, 6, tzinfo=UTC),
    )


def signals(**changes: Any) -> dict[str, Any]:
    signal = {"name": "a", "type": "ModelFailure", "severity": "High", **changes}
    return {"metadata": {"name": "p"}, "spec": {"selector": {}, "signals": [signal]}}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ratio": {"good": "a", "total": "b", "window": 30}}, "ratio.window: 30: is no text; write it in quotes, or"),
        (
            {"detector": {"threshold": {"lower": 0.6}}},
            "detector.threshold.lower: 0.6: there is no such field; did you mean below?",
        ),
        ({"detector": {"bursts": {}}}, "detector.bursts: there is no such field; did you mean burst?"),
        ({"detector": {"threshold": {"below": "60%"}}}, "detector.threshold.below: '60%': is no number; write one"),
        ({"ratio": {"good": "a", "window": "1m"}}, "ratio.total: is missing"),
    ],
)
def test_common_mistakes_are_told_what_to_write(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidObjectError) as refused:
        IncidentPolicy.from_object(signals(**wrong))
    assert any(f"spec.signals[0].{said}" in p for p in refused.value.problems), refused.value.problems


def test_what_is_empty_or_of_another_kind_is_told_so() -> None:
    with pytest.raises(InvalidObjectError, match=r"window: None: is empty; write a value"):
        IncidentPolicy.from_object(signals(ratio={"good": "a", "total": "b", "window": None}))
    with pytest.raises(InvalidObjectError, match=r"minSamples: 'many': is no whole number; write one, such as 100"):
        IncidentPolicy.from_object(signals(detector={"threshold": {"below": 0.5, "minSamples": "many"}}))


def test_a_value_where_a_list_belongs() -> None:
    outcomes = {"metric": "m", "outcomeLabel": "o", "favourable": "approve", "groupLabels": ["sex"], "window": "1h"}
    with pytest.raises(InvalidObjectError, match=r"favourable: 'approve': is no list; write \[approve\]"):
        IncidentPolicy.from_object(signals(outcomes=outcomes))

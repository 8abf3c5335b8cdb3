"""What the operator wrote is the owner's again: its entry in managedFields keeps its own annotations alone."""

from typing import Any

from knowngood.core.facts.ownership import given_back

IMAGE = {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"model"}': {"f:image": {}}}}}}}
OWN = {"f:knowngood.dev/pinned-by": {}}


def entry(manager: str, operation: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "time": "2026-11-23T06:00:00Z", "fieldsV1": fields, **more}


def marked(*, team: bool = False) -> dict[str, Any]:
    return {"f:metadata": {"f:annotations": {**OWN, **({"f:team": {}} if team else {})}}}


HELM = entry("helm", "Apply", {"f:spec": {"f:replicas": {}}})


def kept(*entries: dict[str, Any]) -> list[Any] | None:
    found = given_back({"metadata": {"managedFields": list(entries)}})
    return None if found is None else list(found)


def test_what_is_not_ours_to_keep_goes_and_our_marks_stay() -> None:
    ours = entry("knowngood", "Update", {**marked(team=True), **IMAGE})
    assert kept(HELM, ours) == [HELM, entry("knowngood", "Update", marked())]


def test_an_entry_without_marks_goes_whole() -> None:
    assert kept(entry("knowngood", "Update", IMAGE), HELM) == [HELM]


def test_where_nothing_is_held_nothing_is_written() -> None:
    assert kept(HELM, entry("knowngood", "Update", marked())) is None
    assert kept(HELM) is None


def test_where_nobody_applies_server_side_nobody_is_in_anybodys_way() -> None:
    ours = entry("knowngood", "Update", IMAGE)
    assert kept(entry("kubectl-client-side-apply", "Update", IMAGE), ours) is None
    assert kept(ours, entry("knowngood", "Apply", IMAGE)) is None
    assert given_back({}) is None


def test_a_status_stays_as_it_is() -> None:
    status = entry("knowngood", "Update", {"f:status": {}}, subresource="status")
    assert kept(HELM, status) is None

"""What the operator wrote in all of these tests, as the API server's audit log has it; it runs last, by its name."""

import time

from knowngood.core.response.onworkload import WORKLOAD, WorkloadAction
from knowngood.core.response.registry import ACTIONS
from knowngood.shell.fencing import ANNOTATION
from tests.e2e.calm import NAMESPACE as CALM
from tests.e2e.cluster import Audit, Operator, Place, Raw, eventually
from tests.e2e.conftest import USER
from tests.patches import paths

DECLARED = {path for a in ACTIONS if isinstance(a, WorkloadAction) for path in a.writes[WORKLOAD]}
FENCE = f"metadata.annotations.{ANNOTATION}"
GIVEN_BACK = "metadata.managedFields"
PRECONDITION = {"metadata.uid", "metadata.resourceVersion"}
QUIET, WATCHED = 5.0, 30.0
OF_PLAYBOOKS = {("", "services"), ("", "pods"), ("networking.k8s.io", "networkpolicies")}


def test_each_write_of_a_workload_is_guarded_and_touches_what_a_step_declares(place: Place, whole_audit: Audit) -> None:
    place.set_image(place.bad)
    eventually("contained", 90, lambda: place.in_phase("Contained"))
    found = [w for w in whole_audit.writes(USER) if w["objectRef"].get("apiGroup") == "apps"]
    assert found, "no write proves nothing"
    for write in found:
        assert (write["verb"], write["objectRef"].get("subresource")) == ("patch", None)
        body = write["requestObject"]
        assert body["metadata"]["uid"]
        assert body["metadata"]["resourceVersion"]
        touched = set(paths(body)) - PRECONDITION
        assert touched in ({FENCE}, {GIVEN_BACK}) or (touched and touched <= DECLARED), touched


def test_what_playbooks_change_beside_is_patched_or_made_and_never_deleted(whole_audit: Audit) -> None:
    found = [w for w in whole_audit.writes(USER) if _kind(w) in OF_PLAYBOOKS]
    assert {(w["verb"], w["objectRef"].get("subresource")) for w in found} <= {("patch", None), ("create", None)}
    assert {_kind(w) for w in found if w["verb"] == "create"} <= {("networking.k8s.io", "networkpolicies")}


def _kind(write: Raw) -> tuple[str, str]:
    return write["objectRef"].get("apiGroup", ""), write["objectRef"]["resource"]


def test_nothing_but_its_own_kinds_events_and_the_lease_is_written_beside(whole_audit: Audit) -> None:
    kinds = {_kind(w) for w in whole_audit.writes(USER)} - OF_PLAYBOOKS
    own = {("knowngood.dev", r) for r in ("modeldeployments", "incidentpolicies", "playbooks", "aiincidents")}
    state = ("", "configmaps")  # of policies whose detectors learn
    beside = {("apps", "deployments"), ("events.k8s.io", "events"), ("coordination.k8s.io", "leases"), state}
    assert kinds <= own | beside
    specs = [w for w in whole_audit.writes(USER) if w["objectRef"]["resource"] == "modeldeployments"]
    assert all(w["objectRef"]["subresource"] == "status" for w in specs)


def test_while_nothing_changes_only_the_lease_is_written(
    places: list[Place], running: Operator, env: dict[str, str]
) -> None:
    for place in places:
        place.reset(place.good)

    def quiet() -> bool:
        audit = Audit(env["AUDIT_LOG"])
        time.sleep(QUIET)
        return not _but_leases(audit)

    eventually("five seconds without a write", 120, quiet)
    audit = Audit(env["AUDIT_LOG"])
    time.sleep(WATCHED)  # the time itself is what is tested
    assert _but_leases(audit) == []
    assert audit.writes(USER), "the lease is renewed"


def _but_leases(audit: Audit) -> list[str]:
    """Where nothing changes; something always does where the calm model is."""
    found = [w for w in audit.writes(USER) if w["objectRef"].get("namespace") != CALM]
    return [w["requestURI"] for w in found if w["objectRef"]["resource"] != "leases"]

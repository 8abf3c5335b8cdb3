"""On what people declare and decide, and on the record."""

from typing import Any, Final

from tests.conformance.admission import world
from tests.conformance.admission.attacks.base import INCIDENT, MODEL, RBAC, WARDS_MODEL, Attack
from tests.conformance.admission.cluster import WATCHED, collection, path_of
from tests.conformance.admission.world import LABEL, SEEN, UNKNOWN, digest, image, incident, model, release
from tests.conformance.crds.statuses import NOW


def proving(id_: str, refused: str, *releases: dict[str, Any], path: str = MODEL) -> Attack:
    """A write of releases that are said to be proven."""
    return Attack(id_, refused, f"{path}/status", {"status": {"releases": list(releases)}})


DECLARED: Final = (
    Attack("spec-of-a-model", RBAC, MODEL, {"spec": {"suspend": True}}),
    Attack("labels-of-a-model", RBAC, MODEL, {"metadata": {"labels": {"tier": "x"}}}),
    proving("proof-of-what-does-not-run", "does not run that", release(UNKNOWN, proven=True)),
    proving("proof-of-a-release-that-ran-once", "does not run that", release(SEEN, proven=True)),
    proving(
        "proof-rewritten",
        "does not run that",
        release(world.PROVEN, proven=True) | {"containers": [{"name": "model", "image": UNKNOWN}]},
    ),
    proving(
        "proof-by-tag-from-another-repository",
        "does not run that",
        {"digest": digest("b"), "containers": [{"name": "proxy", "image": image("f", "evil")}], "provenAt": NOW},
    ),
    proving(
        "proof-of-a-stateful-set",
        "does not run that",
        release(UNKNOWN, proven=True),
        path=path_of(model("faces")),
    ),
    Attack(
        "quarantine-lifted",
        "what is there stays until a person lifts it",
        f"{WARDS_MODEL}/status",
        {"status": {"quarantined": []}},
    ),
    Attack(
        "quarantine-rewritten",
        "what is there stays until a person lifts it",
        f"{WARDS_MODEL}/status",
        {"status": {"quarantined": [world.QUARANTINED | {"incident": "another"}]}},
    ),
    Attack(
        "quarantine-of-what-a-person-pins",
        "spec.knownGood pins one of these",
        f"{WARDS_MODEL}/status",
        {"status": {"quarantined": [world.QUARANTINED, world.QUARANTINED | {"digest": digest("a")}]}},
    ),
    proving(
        "proof-without-a-workload",
        "there is no Deployment ghost",
        release(UNKNOWN, proven=True),
        path=path_of(model("ghost")),
    ),
)
APPROVAL: Final = {"decision": "Approve", "by": "viewer", "planHash": digest("1")}
INCIDENTS: Final = (
    Attack(
        "approve-its-own-plan", "never changes the spec|may not approve", INCIDENT, {"spec": {"approval": APPROVAL}}
    ),
    Attack("summary-rewritten", "never changes the spec", INCIDENT, {"spec": {"summary": "nothing to see"}}),
    Attack(
        "incident-relabelled",
        "may change only annotations",
        INCIDENT,
        {"metadata": {"labels": {LABEL: "faces"}}},
    ),
    Attack(
        "incident-annotated-for-others",
        "may change only annotations",
        INCIDENT,
        {"metadata": {"annotations": {"team": "evil"}}},
    ),
    Attack(
        "incident-in-the-name-of-a-person",
        "write Signal or Integrity",
        collection("knowngood.dev/v1alpha1", "AIIncident", WATCHED),
        incident("forged", origin="User"),
        "POST",
    ),
    Attack(
        "incident-born-approved",
        "people decide that|may not approve",
        collection("knowngood.dev/v1alpha1", "AIIncident", WATCHED),
        incident("forged", approval=APPROVAL),
        "POST",
    ),
    Attack(
        "incident-born-with-a-fix",
        "people decide that|may not patch",
        collection("knowngood.dev/v1alpha1", "AIIncident", WATCHED),
        incident("forged", fix={"kind": "Image", "containers": [{"name": "model", "image": UNKNOWN}]}),
        "POST",
    ),
    Attack(
        "gate-of-its-own-plan-opened",
        "never changes the spec|may not approve",
        INCIDENT,
        {"spec": {"gates": [world.GATE | {"by": "viewer"}]}},
    ),
    Attack(
        "incident-born-with-a-gate-open",
        "people decide that|may not approve",
        collection("knowngood.dev/v1alpha1", "AIIncident", WATCHED),
        incident("forged", gates=[world.GATE]),
        "POST",
    ),
    Attack("incident-deleted", RBAC, INCIDENT, method="DELETE"),
)

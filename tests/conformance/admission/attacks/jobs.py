"""On Jobs: what the operator may run is what the administrator allowed, word for word."""

from typing import Any, Final

from tests.conformance.admission.attacks.base import RBAC, Attack
from tests.conformance.admission.cluster import ELSEWHERE, WATCHED, collection
from tests.conformance.admission.world import GOOD, RUNNING, cron_job, job

JOBS: Final = collection("batch/v1", "Job", WATCHED)
CRON_JOBS: Final = collection("batch/v1", "CronJob", WATCHED)
NOT_ALLOWED: Final = "not a template that the administrator allows"
NOT_THIS: Final = "not what CronJob"


def running(id_: str, refused: str, of: str = "scrub", /, **changes: Any) -> Attack:
    """The creation of a Job as the operator makes it, but for these."""
    return Attack(id_, refused, JOBS, job(of, **changes), "POST")


def _pod(**spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": GOOD, "command": ["true"], **spec.pop("container", {})}
    return {"spec": {"restartPolicy": "Never", "containers": [container], **spec}}


RUN: Final = (
    running("job-of-a-template-that-is-not-allowed", NOT_ALLOWED, "nightly"),
    running("job-without-a-template", NOT_ALLOWED, annotations={"knowngood.dev/run-by": "digits-0"}),
    running("job-of-a-template-that-does-not-exist", NOT_THIS, "not-there"),
    running("job-with-another-image", NOT_THIS, template=_pod(container={"image": RUNNING})),
    running("job-with-another-command", NOT_THIS, template=_pod(container={"command": ["sh", "-c", "id"]})),
    running("job-with-a-service-account", NOT_THIS, template=_pod(serviceAccountName="admin")),
    running("job-with-a-secret", NOT_THIS, template=_pod(container={"envFrom": [{"secretRef": {"name": "token"}}]})),
    running("job-on-the-host", NOT_THIS, template=_pod(hostNetwork=True)),
    running("job-many-times", NOT_THIS, parallelism=50, completions=50),
    running("job-tried-more-often", NOT_THIS, backoffLimit=100),
    running("job-without-what-the-template-says", NOT_THIS, backoffLimit=6),
    running("job-without-an-owner", "it goes with one AIIncident", ownerReferences=[]),
    running("job-with-a-finalizer", "it goes with one AIIncident", finalizers=["example.org/x"]),
    running("job-with-labels-of-others", "it goes with one AIIncident", labels={"app": "digits"}),
    Attack("job-changed", RBAC, f"{JOBS}/any", {"spec": {"suspend": True}}),
    Attack("job-deleted", RBAC, f"{JOBS}/any", method="DELETE"),
    Attack("job-in-another-namespace", RBAC, JOBS.replace(WATCHED, ELSEWHERE), job("scrub"), "POST"),
    Attack("template-made", RBAC, CRON_JOBS, cron_job("evil"), "POST"),
    Attack("template-changed", RBAC, f"{CRON_JOBS}/scrub", {"spec": {"suspend": False}}),
    Attack("template-of-others-read", RBAC, f"{CRON_JOBS}/nightly", method="GET"),
    Attack("templates-listed", RBAC, CRON_JOBS, method="GET"),
)

"""A Job made from a template that the administrator allows: a CronJob that runs nothing by itself."""

import copy
from typing import Any

from knowngood.api import API_VERSION, GROUP
from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import Reason
from knowngood.api.plan import PlanStep
from knowngood.core.facts.things import Ref, Thing
from knowngood.core.incidents.naming import job_name
from knowngood.core.response import lookups, templates
from knowngood.core.response.changing import State, Why
from knowngood.core.response.facts import Facts
from knowngood.core.response.mutation import Creation, Verb

TEMPLATE = f"{GROUP}/template"  # on a Job: the CronJob that it was made from; admission compares them
RUN_BY = f"{GROUP}/run-by"
VERBS = (
    Verb("batch", "cronjobs", ("get",), templates=True),
    Verb("batch", "jobs", ("get", "create"), templates=True),
)


def template(name: str) -> Ref:
    """The template of that name."""
    return Ref(templates.KIND, name)


def ref(incident: AIIncident, step: str) -> Ref:
    """The Job of that step, whether it is there or not."""
    return Ref("Job", job_name(incident.metadata.name, incident.metadata.uid, step))


def refusal(facts: Facts, name: str) -> Why | None:
    """Why no Job can be made from the template of that name."""
    looked = facts.look(template(name))
    if looked is not None and looked.problem:
        why = f"{looked.problem}; the administrator allows templates by name in the chart's jobTemplates"
        return Reason.CANNOT_READ, why
    if looked is None or looked.thing is None:
        return Reason.OBJECT_NOT_FOUND, f"there is no CronJob {name} in this namespace; make it, with suspend: true"
    if not (looked.thing.raw.get("spec") or {}).get("suspend"):
        return Reason.INVALID, f"CronJob {name} is not suspended, so that it is no template; write suspend: true"
    return None


def changed(facts: Facts, step: PlanStep) -> bool:
    """Whether the step's template says something else than when its intent was written."""
    found = lookups.thing(facts, template(templates.named_by(step)))
    return found is not None and templates.digest(found) != step.template_digest


def creation(facts: Facts, step: str, name: str) -> Creation:
    """The Job: what the template says, word for word, and whose it is."""
    found = lookups.thing(facts, template(name))
    if found is None:
        raise ValueError(f"no CronJob {name}")
    meta = facts.incident.metadata
    job = ref(facts.incident, step).name
    owner = {"apiVersion": API_VERSION, "kind": "AIIncident", "name": meta.name, "uid": meta.uid}
    body: dict[str, Any] = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job,
            "namespace": meta.namespace,
            "labels": {"app.kubernetes.io/managed-by": "knowngood"},
            "annotations": {TEMPLATE: name, RUN_BY: meta.name},
            "ownerReferences": [owner],
        },
        "spec": copy.deepcopy(found.raw["spec"]["jobTemplate"]["spec"]),
    }
    return Creation("batch/v1", "Job", meta.namespace, job, body)


def state(facts: Facts, step: str, name: str) -> State:
    """Whether the Job is there, and ours."""
    found = lookups.thing(facts, ref(facts.incident, step))
    if found is None:
        return State.AS_SEEN
    ours = found.annotations.get(RUN_BY) == facts.incident.metadata.name and found.annotations.get(TEMPLATE) == name
    return State.THERE if ours else State.CHANGED


def succeeded(found: Thing | None) -> bool:
    """Whether the Job has ended well."""
    return _condition(found, "Complete") is not None


def failure(found: Thing | None) -> str:
    """How the Job ended badly; empty where it did not."""
    failed = _condition(found, "Failed")
    if failed is None or found is None:
        return ""
    return f"Job {found.name} failed: {failed.get('reason', '')} {failed.get('message', '')}".strip() + "; see its pods"


def _condition(found: Thing | None, type: str) -> dict[str, Any] | None:
    status = (found.raw.get("status") or {}) if found else {}
    return next((c for c in status.get("conditions") or () if c["type"] == type and c["status"] == "True"), None)

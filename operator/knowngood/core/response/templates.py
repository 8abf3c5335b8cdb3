"""Job templates as a plan knows them: which ones its steps run, and a digest of what each says."""

import hashlib
from collections.abc import Mapping

import orjson

from knowngood.api.plan import Plan, PlanStep
from knowngood.api.playbook import Step
from knowngood.core.facts.things import Lookup, Ref, Thing

KIND = "CronJob"


def named_by(step: Step | PlanStep) -> str:
    """The template that the step runs; empty where it runs none."""
    if step.run_job is not None:
        return step.run_job.template
    return step.gate.job.template if step.gate is not None and step.gate.job is not None else ""


def digest(template: Thing) -> str:
    """A digest of what a Job made from it would be; when the CronJob would run by itself is no part of it."""
    spec = ((template.raw.get("spec") or {}).get("jobTemplate") or {}).get("spec")
    return "sha256:" + hashlib.sha256(orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)).hexdigest()


def known(plan: Plan | None, things: Mapping[Ref, Lookup]) -> dict[str, str]:
    """Digests of templates by name, as last read; what cannot be read now is as it was when the plan was made."""
    steps = plan.steps if plan else []
    planned = {named_by(s): s.template_digest for s in steps if s.template_digest}
    read = {ref.name: digest(found.thing) for ref, found in things.items() if ref.kind == KIND and found.thing}
    return {**planned, **read}


def said(name: str, found: Mapping[str, str]) -> str:
    """The template for a person, with the beginning of its digest where it was read."""
    return f"template {name}" + (f" ({found[name][:19]})" if name in found else "")

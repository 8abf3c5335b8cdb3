"""An incident's status stays small and valid whatever happens: names, labels and messages may hold anything.

An object that the API server refuses for its size would never be contained, so that the record gives way: first
long texts and old points, then whole lists. What is compared again at each look (conditions, the message of a step
that is not finished) is only cut to what the schema allows, or it would be written again and again.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.plan import StepState
from knowngood.api.structural import Schema, structural
from knowngood.core.incidents.evidence import CUT
from knowngood.core.incidents.record import clipped

MOST_BYTES = 256 * 1024
Raw = dict[str, Any]
_LEVELS = ((1_024, 120, 32), (256, 30, 16), (64, 5, 8))  # characters of a text, points of a series, things in a list
_LAST_ENTRIES = 50
_OVER = frozenset({StepState.DONE, StepState.SKIPPED, StepState.UNDONE})


def fitted(status: Raw) -> Raw:
    """The status, as JSON data, within its schema and ``MOST_BYTES``; itself where it is so already."""
    made: Raw = _within(status, _schema())
    for text, points, items in _LEVELS:
        if size(made) <= MOST_BYTES:
            return made
        made = _smaller(made, text, points, items)
    return made if size(made) <= MOST_BYTES else _least(made)


def size(value: object) -> int:
    """Bytes as JSON."""
    return len(orjson.dumps(value))


@lru_cache(maxsize=1)
def _schema() -> Schema:
    return structural(AIIncidentStatus)


def _within(value: Any, schema: Schema) -> Any:
    """``value`` with each text, list and map cut to what the schema allows."""
    if isinstance(value, str):
        return clipped(value, schema.get("maxLength", len(value) + 1))
    if isinstance(value, list):
        return [_within(item, schema.get("items", {})) for item in value[: schema.get("maxItems")]]
    if isinstance(value, dict):
        properties, others = schema.get("properties"), schema.get("additionalProperties")
        kept = list(value.items())[: schema.get("maxProperties")]
        if properties is None and isinstance(others, dict):
            return {key: _within(item, others) for key, item in kept}
        return {key: _within(item, (properties or {}).get(key, {})) for key, item in kept}
    return value


def _smaller(status: Raw, text: int, points: int, items: int) -> Raw:
    made = dict(status)
    if evidence := made.get("evidence"):
        made["evidence"] = _evidence(evidence, text, points, items)
    if analysis := made.get("analysis"):
        made["analysis"] = _shorter(analysis, text, items)
    if plan := made.get("plan"):
        notes = [clipped(note, text) for note in plan.get("notes", [])]
        steps = [_step(step, text) for step in plan.get("steps", [])]
        made["plan"] = {**plan, **({"notes": notes} if notes else {}), **({"steps": steps} if steps else {})}
    if signals := made.get("signals"):
        made["signals"] = [_signal(signal, text, items) for signal in signals]
    if timeline := made.get("timeline"):
        made["timeline"] = [_cut(entry, text) for entry in timeline]
    return made


def _shorter(value: Any, text: int, items: int) -> Any:
    """Every text, list and map in it cut alike."""
    if isinstance(value, dict):
        return {key: _shorter(item, text, items) for key, item in value.items()}
    if isinstance(value, list):
        return [_shorter(item, text, items) for item in value[:items]]
    return clipped(value, text) if isinstance(value, str) else value


_SENTENCES = ("message", "summary", "precondition", "effect", "undo", "reason", "query", "value", "threshold")


def _cut(thing: Raw, most: int, fields: Iterable[str] = _SENTENCES) -> Raw:
    return {key: clipped(value, most) if key in fields else value for key, value in thing.items()}


def _step(step: Raw, text: int) -> Raw:
    """What a step saw is compared no more once it has ended well."""
    over = step.get("state") in _OVER and "finishedAt" in step
    kept = {k: v for k, v in step.items() if k != "observed"} if over and text == _LEVELS[-1][0] else step
    return _cut(kept, text) if over else kept


def _labels(thing: Raw, field: str, text: int, items: int) -> Raw:
    kept = {key: clipped(value, text) for key, value in list(thing.get(field, {}).items())[:items]}
    return {**thing, **({field: kept} if kept else {})}


def _signal(signal: Raw, text: int, items: int) -> Raw:
    return _cut(_labels(signal, "segment", text, items), text)


def _evidence(evidence: Raw, text: int, points: int, items: int) -> Raw:
    made = {key: value[:items] if isinstance(value, list) else value for key, value in evidence.items()}
    made["missing"] = [*(_cut(m, text) for m in made.get("missing", ())), _left_out(evidence)][-items:]
    if "series" in made:
        cut = [_cut(_labels(s, "labels", text, items), text) for s in made["series"]]
        made["series"] = [{**s, "points": s.get("points", [])[-points:]} for s in cut]
    for field in ("pods", "rollouts"):
        if field in made:
            made[field] = [{**one, "containers": one.get("containers", [])[:items]} for one in made[field]]
    if workload := evidence.get("workload"):
        made["workload"] = _environments(workload, text, items)
    return made


def _left_out(evidence: Raw) -> Raw:
    said = next((m for m in evidence.get("missing", ()) if m["item"] == "what was too large"), None)
    return said or {"item": "what was too large", "reason": f"an incident is kept below {MOST_BYTES >> 10} KiB"}


def _environments(workload: Raw, text: int, items: int) -> Raw:
    cut: Raw = {
        field: [_environment(c, text, items) for c in workload[field]]
        for field in ("containers", "initContainers")
        if field in workload
    }
    return {**workload, **cut}


def _environment(container: Raw, text: int, items: int) -> Raw:
    """Long values as a digest, which an undo does not take for the value; a cut list says that it is cut."""
    env = [
        {**e, "value": _digest(e["value"])} if len(e.get("value", "")) > text else e for e in container.get("env", ())
    ]
    if len(env) > items:
        env = [*env[:items], {"name": CUT}]
    return {**container, **({"env": env} if env else {})}


def _digest(value: str) -> str:
    return value if value.startswith("sha256:") else "sha256:" + hashlib.sha256(value.encode()).hexdigest()


def _least(status: Raw) -> Raw:
    """Without what only explains."""
    made = dict(status)
    if evidence := made.get("evidence"):
        kept = {key: value for key, value in evidence.items() if not isinstance(value, list)}
        if "workload" in kept:
            kept["workload"] = _environments(kept["workload"], 0, 0)
        made["evidence"] = {**kept, "missing": [_left_out(evidence)]}
    if analysis := made.get("analysis"):
        made["analysis"] = {k: v for k, v in analysis.items() if not isinstance(v, list)}
    if signals := made.get("signals"):
        made["signals"] = [{k: v for k, v in s.items() if k not in ("segment", "query")} for s in signals]
    if (plan := made.get("plan")) and plan.get("steps"):
        steps = [_cut(step, _LEVELS[-1][0], ("summary", "precondition", "effect", "undo")) for step in plan["steps"]]
        made["plan"] = {**plan, "steps": steps}
    if timeline := made.get("timeline"):
        made["timeline"] = timeline[-_LAST_ENTRIES:]
    return made

"""pydantic's JSON schema → the structural OpenAPI v3.0 schema that a CRD holds. Pure."""

import re
from typing import Any

from pydantic import BaseModel

from knowngood.api.schema import VALIDATIONS

Schema = dict[str, Any]
_ORDER = ("description", "type", "format", "enum", "default")
_DROPPED = ("title", "$defs", "examples", "discriminator")


def structural(model: type[BaseModel]) -> Schema:
    """The schema of `model`, every reference inlined; TypeError names what a CRD cannot express."""
    raw = model.model_json_schema(by_alias=True, mode="validation")
    return _node(raw, raw.get("$defs", {}), model.__name__)


def without_defaults(schema: Schema) -> Schema:
    """`schema` without any default, for a status: what nobody wrote stays absent there."""
    made = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in made:
        made["properties"] = {name: without_defaults(child) for name, child in made["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in made:
            made[key] = without_defaults(made[key])
    return made


def _node(schema: Schema, defs: dict[str, Schema], path: str) -> Schema:
    made = _plain(schema, defs, path)
    for key in _DROPPED:
        made.pop(key, None)
    if made.get("default") in (None, ""):
        made.pop("default", None)
    if "const" in made:
        made["enum"] = [made.pop("const")]
    _exclusive_bounds(made)
    if made.get("type") == "object":
        _object(made, defs, path)
    if "items" in made:
        made["items"] = _node(made["items"], defs, f"{path}[]")
    first = {key: made.pop(key) for key in _ORDER if key in made}
    return {**first, **made}


def _plain(schema: Schema, defs: dict[str, Schema], path: str) -> Schema:
    """`schema` without references and without unions with null; keywords beside them win."""
    made = dict(schema)
    while True:
        if "$ref" in made:
            inner = defs[made.pop("$ref").rpartition("/")[2]]
        elif "anyOf" in made:
            inner = _only(made.pop("anyOf"), path)
        else:
            return made
        validations = [*inner.get(VALIDATIONS, []), *made.pop(VALIDATIONS, [])]
        made = {**inner, **made}
        if validations:
            made[VALIDATIONS] = validations


def _only(union: list[Schema], path: str) -> Schema:
    members = [member for member in union if member.get("type") != "null"]
    if len(members) != 1:
        raise TypeError(f"{path}: a CRD has no unions: write one optional field for each of {len(members)} types")
    return members[0]


def _exclusive_bounds(made: Schema) -> None:
    """OpenAPI v3.0 says `minimum: 0, exclusiveMinimum: true` where JSON schema says `exclusiveMinimum: 0`."""
    for bound in ("Minimum", "Maximum"):
        if f"exclusive{bound}" in made:
            made[bound.lower()] = made[f"exclusive{bound}"]
            made[f"exclusive{bound}"] = True


def _object(made: Schema, defs: dict[str, Schema], path: str) -> None:
    values = made.pop("additionalProperties", None)
    names = made.pop("propertyNames", {})
    for pattern, values_of in made.pop("patternProperties", {}).items():
        names, values = {"pattern": pattern, **names}, values_of
    if made.get("properties"):
        made["properties"] = {name: _node(child, defs, f"{path}.{name}") for name, child in made["properties"].items()}
        return
    made.pop("properties", None)
    if isinstance(values, dict):
        made["additionalProperties"] = _node(values, defs, f"{path}.*")
        made[VALIDATIONS] = [*made.get(VALIDATIONS, []), *_key_rules(names)]
        if not made[VALIDATIONS]:
            del made[VALIDATIONS]


def _key_rules(names: Schema) -> list[dict[str, str]]:
    """CEL in place of `propertyNames`, which CRDs lack: lengths, and the validations of each key."""
    made = []
    if "maxLength" in names:
        longest = names["maxLength"]
        made.append(
            {
                "rule": f"self.all(key, key.size() <= {longest})",
                "message": f"keys have at most {longest} characters",
            }
        )
    for given in names.get(VALIDATIONS, []):
        test = _for(given["rule"], "key")
        rule = {"rule": f"self.all(key, {test})", "message": given["message"]}
        if "messageExpression" in given:
            rule["messageExpression"] = _for(given["messageExpression"], f"self.filter(key, !{test})[0]")
        made.append(rule)
    return made


def _for(cel: str, subject: str) -> str:
    return re.sub(r"\bself\b", subject.replace("\\", r"\\"), cel)

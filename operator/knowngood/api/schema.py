"""Annotations that carry Kubernetes schema extensions through pydantic into the CRDs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

VALIDATIONS = "x-kubernetes-validations"


def literal(text: str) -> str:
    """`text` as a CEL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def rule(
    cel: str,
    message: str,
    message_expression: str | None = None,
    field: str | None = None,
    required: bool = False,
) -> dict[str, str]:
    """One CEL validation.

    `message` is what a person reads when `message_expression` is absent or fails. `field` is the path
    (`.a.b`, below the annotated value) that is blamed; `required` says that it is missing, not wrong.
    Numbers go into an expression by `format` alone: joined by `+` they are reckoned as strings without
    a bound, and the API server refuses the cost.
    """
    made = {"rule": cel, "message": message}
    if message_expression is not None:
        made["messageExpression"] = message_expression
    if field is not None:
        made["fieldPath"] = field
    if required:
        made["reason"] = "FieldValueRequired"
    return made


def rules(*made: dict[str, str], **more: Any) -> dict[str, Any]:
    """Model-wide `json_schema_extra`: CEL validations, and further keywords of the schema."""
    return {VALIDATIONS: list(made), **more}


def one_of(*members: str) -> dict[str, Any]:
    """`json_schema_extra` of a block that holds exactly one of `members` (names as in JSON)."""
    return rules(exactly_one(*members), minProperties=1, maxProperties=1)


def exactly_one(*members: str) -> dict[str, str]:
    """A CEL validation: exactly one of these siblings is present."""
    count = " + ".join(f"(has(self.{member}) ? 1 : 0)" for member in members)
    # sums of literals: filter and join would be reckoned as strings without a bound
    found = " + ".join(f"(has(self.{member}) ? ' {member}' : '')" for member in members)
    text = f"write exactly one of {', '.join(members)}"
    return rule(f"{count} == 1", text, f"{literal(f'{text}; here:')} + ({count} == 0 ? ' none' : {found})")


@dataclass(frozen=True)
class Cel:
    """One CEL validation of the annotated value."""

    cel: str
    message: str
    message_expression: str | None = None

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        made = handler(schema)
        return _with_rule(made, rule(self.cel, self.message, self.message_expression))


@dataclass(frozen=True)
class Extension:
    """Further keywords in the annotated value's schema."""

    keywords: Mapping[str, Any]

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), **self.keywords}


def by(*keys: str) -> Extension:
    """A list of things told apart by `keys`: the API server refuses duplicates and merges by key."""
    return Extension({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)})


AS_SET = Extension({"x-kubernetes-list-type": "set"})
ATOMIC = Extension({"x-kubernetes-list-type": "atomic"})


@dataclass(frozen=True)
class Shape:
    """A pattern for a string, and words for whoever misses it.

    The schema holds the pattern for tools and a CEL rule for people, since the API server's own
    message shows a regular expression. The pattern must mean the same in RE2 and in Python.
    """

    pattern: str
    what: str
    write: str
    write_cel: str | None = None

    def check(self, value: str) -> str:
        """Return `value`; raise ValueError naming it and what to write when it does not match."""
        if re.fullmatch(self.pattern, value) is None:
            raise ValueError(f"'{value}' is not {self.what}: write {self.write}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        made = handler(schema)
        made["pattern"] = self.pattern
        told = self.write_cel or literal(self.write)
        middle = literal(f"' is not {self.what}: write ")
        says = f'"\'" + self + {middle} + {told}'
        return _with_rule(made, rule(f"self.matches(r'{self.pattern}')", f"write {self.write}", says))


def _with_rule(schema: dict[str, Any], added: dict[str, str]) -> dict[str, Any]:
    return {**schema, VALIDATIONS: [*schema.get(VALIDATIONS, []), added]}

"""The ground of all models: camelCase in JSON, snake_case in Python, absent instead of null."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from knowngood.api.problems import problem

_WHOLE = {"url": "URL", "uid": "UID", "id": "ID"}


def json_name(field: str) -> str:
    """A field's name in JSON: `runbook_url` → `runbookURL`, `for_` → `for`."""
    first, *rest = field.strip("_").split("_")
    return first + "".join(_WHOLE.get(word, word.capitalize()) for word in rest)


class InvalidObjectError(ValueError):
    """An object that does not fit its model; `problems` are sentences `field: value: what is wrong`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class KnowngoodModel(BaseModel):
    """What people write: unknown fields are refused."""

    model_config = ConfigDict(
        alias_generator=json_name,
        populate_by_name=True,
        extra="forbid",
        protected_namespaces=(),
        allow_inf_nan=False,
        use_attribute_docstrings=False,
    )

    @classmethod
    def from_object(cls, raw: Mapping[str, Any]) -> Self:
        """Read JSON data as the API server gives it; InvalidObjectError names each field and value."""
        try:
            return cls.model_validate(raw, by_alias=True, by_name=False)
        except ValidationError as error:
            raise InvalidObjectError([problem(cls, e) for e in error.errors()]) from None

    def to_object(self) -> dict[str, Any]:
        """JSON data for the API server; what is None, or empty as by default, is omitted."""
        return {
            field.alias or name: _plain(getattr(self, name))
            for name, field in type(self).model_fields.items()
            if not _absent(getattr(self, name), field)
        }


class ObservedModel(KnowngoodModel):
    """What the cluster or the operator writes: unknown fields, of a newer version, are passed over."""

    model_config = ConfigDict(extra="ignore")


class OneOf(KnowngoodModel):
    """A block that holds exactly one of its members; give subclasses `json_schema_extra=one_of(…)`."""

    @model_validator(mode="after")
    def _holds_one(self) -> Self:
        return require_one(self, tuple(type(self).model_fields))

    def chosen(self) -> tuple[str, Any]:
        """The JSON name and the value of the member that is present."""
        for name, field in type(self).model_fields.items():
            if (value := getattr(self, name)) is not None:
                return field.alias or name, value
        raise LookupError(f"{type(self).__name__} is empty")  # only after model_construct


_M = TypeVar("_M", bound=KnowngoodModel)


def require_one(model: _M, fields: tuple[str, ...]) -> _M:
    """Return `model`; ValueError unless exactly one of `fields` is present."""
    found = [json_name(name) for name in fields if getattr(model, name) is not None]
    if len(found) != 1:
        wanted = ", ".join(json_name(name) for name in fields)
        raise ValueError(f"write exactly one of {wanted}; here are {len(found)} ({', '.join(found) or 'none'})")
    return model


def rfc3339(moment: datetime) -> str:
    """`moment` in UTC with `Z`; a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Timestamp = Annotated[AwareDatetime, Field(json_schema_extra={"format": "date-time", "maxLength": 64})]
"""An aware datetime; RFC 3339 in JSON."""


class ObjectMeta(ObservedModel):
    """The part of an object's metadata that Knowngood reads."""

    name: str = Field(default="", description="Name within its namespace; empty before the API server made one.")
    namespace: str = Field(default="", description="Namespace.")
    generate_name: str | None = Field(default=None, description="Prefix of a name that the API server makes.")
    uid: str = Field(default="", description="Identity through all of its life.")
    resource_version: str = Field(default="", description="Version, opaque.")
    generation: int = Field(default=0, description="Counts changes of the spec.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels.")
    annotations: dict[str, str] = Field(default_factory=dict, description="Annotations.")
    creation_timestamp: Timestamp | None = Field(default=None, description="When it was made.")
    deletion_timestamp: Timestamp | None = Field(default=None, description="When its deletion was asked for.")


def _absent(value: object, field: FieldInfo) -> bool:
    if value is None:
        return True
    empty = value in ("", [], {}) and isinstance(value, (str, list, dict))
    return empty and value == field.get_default(call_default_factory=True)


def _plain(value: Any) -> Any:
    match value:
        case KnowngoodModel():
            return value.to_object()
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case Enum():
            return value.value
        case datetime():
            return rfc3339(value)
        case _:
            return value

"""Label selectors, as the API's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from knowngood.api.incidentpolicy import LabelSelector, SelectorOperator

_WORDS = {SelectorOperator.IN: "in", SelectorOperator.NOT_IN: "notin"}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement on a label."""

    key: str
    operator: SelectorOperator
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether ``labels`` satisfy it."""
        value = labels.get(self.key)
        match self.operator:
            case SelectorOperator.IN:
                return value is not None and value in self.values
            case SelectorOperator.NOT_IN:
                return value is None or value not in self.values
            case SelectorOperator.EXISTS:
                return value is not None
            case SelectorOperator.DOES_NOT_EXIST:
                return value is None

    def __str__(self) -> str:
        """As a query parameter writes it."""
        if self.operator in _WORDS:
            return f"{self.key} {_WORDS[self.operator]} ({','.join(self.values)})"
        return self.key if self.operator is SelectorOperator.EXISTS else f"!{self.key}"


@dataclass(frozen=True, slots=True)
class Selector:
    """A workload's selector; an empty one selects nothing here, since it would select everybody's pods."""

    equal: tuple[tuple[str, str], ...] = ()
    requirements: tuple[Requirement, ...] = ()

    def __bool__(self) -> bool:
        """Whether it asks for anything."""
        return bool(self.equal or self.requirements)

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether ``labels`` satisfy every requirement."""
        return (
            bool(self)
            and all(labels.get(key) == value for key, value in self.equal)
            and all(requirement.holds(labels) for requirement in self.requirements)
        )

    def __str__(self) -> str:
        """As the query parameter ``labelSelector``."""
        return ",".join([*(f"{key}={value}" for key, value in self.equal), *map(str, self.requirements)])


def read_selector(raw: Mapping[str, Any]) -> Selector:
    """A Selector from the API's JSON of a LabelSelector."""
    return Selector(
        tuple(sorted((raw.get("matchLabels") or {}).items())),
        tuple(
            Requirement(r["key"], SelectorOperator(r["operator"]), tuple(r.get("values") or ()))
            for r in raw.get("matchExpressions") or ()
        ),
    )


def selected(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether ``labels`` satisfy every requirement of a policy's selector; an empty one selects everything."""
    equal = all(labels.get(key) == value for key, value in selector.match_labels.items())
    needed = (Requirement(r.key, r.operator, tuple(r.values)) for r in selector.match_expressions)
    return equal and all(requirement.holds(labels) for requirement in needed)

"""Where a flag is: a ConfigMap's key or a variable of the workload; how its value is read and written."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from knowngood.api.common import ConfigMapKeyRef
from knowngood.api.conditions import Reason
from knowngood.api.modeldeployment import Flag, ModelDeployment
from knowngood.core.facts.things import Ref
from knowngood.core.incidents.changes import live_configs
from knowngood.core.response.changing import Why
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import obstacle, target_name
from knowngood.core.response.lookups import refusal, thing
from knowngood.core.response.mutation import Versioned
from knowngood.core.response.noted import LONGEST
from knowngood.core.response.variables import entry


@dataclass(frozen=True, slots=True)
class Place(ABC):
    """A place that holds one value, or none."""

    flag: Flag
    model: ModelDeployment
    answering: str = ""  # the container that answers, where the flag names none

    @property
    def ref(self) -> Ref | None:
        """The object that has to be read for it; None where it is the workload's."""
        return None

    @property
    @abstractmethod
    def id(self) -> str:
        """What it is noted by in the annotation."""

    @abstractmethod
    def __str__(self) -> str:
        """As people call it."""

    @abstractmethod
    def refusal(self, facts: Facts) -> Why | None:
        """Why it cannot be written."""

    @abstractmethod
    def target(self, facts: Facts) -> Versioned | None:
        """The object that is written; None where it is gone."""

    @abstractmethod
    def annotations(self, facts: Facts) -> Mapping[str, str]:
        """That object's annotations."""

    @abstractmethod
    def value(self, facts: Facts) -> str | None:
        """What stands there; None: nothing."""

    @abstractmethod
    def patch(self, value: str | None) -> dict[str, Any]:
        """A patch by which ``value`` stands there; None: nothing."""

    @abstractmethod
    def settled(self, facts: Facts) -> bool:
        """Whether what stands there has reached the pods, as far as can be seen."""

    def remark(self, facts: Facts) -> str:
        """What a person should know about when it takes effect."""
        return ""


class ConfigMapKey(Place):
    """A key of a ConfigMap."""

    __slots__ = ()

    @property
    def ref(self) -> Ref:
        """The ConfigMap."""
        return Ref("ConfigMap", self._key.name)

    @property
    def id(self) -> str:
        """The key."""
        return str(self._key.key)

    @property
    def _key(self) -> ConfigMapKeyRef:
        if self.flag.config_map_key_ref is None:
            raise ValueError(f"the flag {self.flag.name} is no ConfigMap's")
        return self.flag.config_map_key_ref

    def __str__(self) -> str:
        """As people call it."""
        return f"key {self._key.key} of ConfigMap {self._key.name}"

    def refusal(self, facts: Facts) -> Why | None:
        """Not there, no consent, or a value that is none of a flag."""
        if (refused := refusal(facts, self.ref)) is not None:
            return refused
        found = thing(facts, self.ref)
        if found is not None and found.raw.get("immutable"):
            return Reason.INVALID, f"{self.ref} is immutable; make it anew without `immutable`"
        return _too_long(self, facts)

    def target(self, facts: Facts) -> Versioned | None:
        """The ConfigMap."""
        return thing(facts, self.ref)

    def annotations(self, facts: Facts) -> Mapping[str, str]:
        """The ConfigMap's."""
        found = thing(facts, self.ref)
        return found.annotations if found else {}

    def value(self, facts: Facts) -> str | None:
        """The key's value."""
        found = thing(facts, self.ref)
        return (found.raw.get("data") or {}).get(self._key.key) if found else None

    def patch(self, value: str | None) -> dict[str, Any]:
        """Of the key alone."""
        return {"data": {self._key.key: value}}

    def settled(self, facts: Facts) -> bool:
        """At once: whether its reader has seen it cannot be asked."""
        return True

    def remark(self, facts: Facts) -> str:
        """Where pods read it as they start."""
        template = facts.workload.raw_template if facts.workload else {}
        if self._key.name in live_configs(template) or self._key.name not in str(template):
            return ""
        return f"; running pods of {target_name(self.model)} do not see it before they start anew"


class Variable(Place):
    """A plain variable of the workload."""

    __slots__ = ()

    @property
    def container(self) -> str:
        """The container that has it."""
        return (self.flag.env.container if self.flag.env else None) or self.answering

    @property
    def id(self) -> str:
        """Container and name."""
        return f"{self.container}/{self._name}"

    @property
    def _name(self) -> str:
        return self.flag.env.name if self.flag.env else ""

    def __str__(self) -> str:
        """As people call it."""
        container = f"container {self.container} of " if self.container else ""
        return f"variable {self._name} of {container}{target_name(self.model)}"

    def refusal(self, facts: Facts) -> Why | None:
        """No consent, no such container, a value from elsewhere, or nothing that would roll out."""
        refused = obstacle(facts.ground)
        if refused is not None or facts.workload is None:
            return refused or (Reason.WORKLOAD_NOT_FOUND, "no workload")
        container = facts.workload.container(self.container)
        if container is None:
            have = ", ".join(facts.workload.images)
            why = f"{target_name(self.model)} has no container {self.container!r}; it has {have}"
            return Reason.CONTAINER_NOT_FOUND, f"{why}: write one into env.container of flag {self.flag.name}"
        if dict(container.env).get(self._name, "") is None:
            return Reason.INVALID, f"{self} refers to elsewhere; a flag needs a plain value there, or none"
        if facts.workload.paused:
            return Reason.PAUSED, f"{target_name(self.model)} is paused and would not roll out; resume it"
        return _too_long(self, facts)

    def target(self, facts: Facts) -> Versioned | None:
        """The workload."""
        return facts.workload

    def annotations(self, facts: Facts) -> Mapping[str, str]:
        """The workload's."""
        return facts.workload.annotations if facts.workload else {}

    def value(self, facts: Facts) -> str | None:
        """The variable's value; what refers to elsewhere counts as none."""
        container = facts.workload.container(self.container) if facts.workload else None
        return dict(container.env).get(self._name) if container else None

    def patch(self, value: str | None) -> dict[str, Any]:
        """Of the variable alone; lists of containers and variables merge by name."""
        variable = entry(self._name, value)
        return {"spec": {"template": {"spec": {"containers": [{"name": self.container, "env": [variable]}]}}}}

    def settled(self, facts: Facts) -> bool:
        """Every pod is of the new template."""
        return facts.workload is not None and facts.workload.settled


def place(model: ModelDeployment, name: str, answering: str = "") -> Place | None:
    """Where the flag of that name is; None where the model declares none."""
    flag = next((f for f in model.spec.flags if f.name == name), None)
    if flag is None:
        return None
    return Variable(flag, model, answering) if flag.env is not None else ConfigMapKey(flag, model, answering)


def _too_long(found: Place, facts: Facts) -> Why | None:
    length = len(found.value(facts) or "")
    if length <= LONGEST:
        return None
    return Reason.TOO_LARGE, f"{found} holds {length} characters; a flag is a short value, at most {LONGEST}"

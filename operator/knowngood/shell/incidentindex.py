"""Incidents by what is asked of them: by model, those that are open, and how many containments stand and wait."""

import math
from collections import Counter
from collections.abc import Iterable

from knowngood.api.aiincident import AIIncident
from knowngood.core.incidents.record import is_over
from knowngood.core.response.ledger import Ledger

Key = tuple[str, str]  # namespace, name


class IncidentIndex:
    """Kept up to date incident by incident."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self._of_model: dict[Key, dict[str, AIIncident]] = {}
        self._model_of: dict[Key, Key] = {}
        self._models: set[Key] = set()  # those that are there
        self._open: dict[Key, AIIncident] = {}
        self._troubled: dict[str, Counter[Key]] = {}

    def put(self, key: Key, incident: AIIncident | None) -> None:
        """Take in an incident as it is now, or that it is gone."""
        known, before = self._open.pop(key, None), self._model_of.pop(key, None)
        if known is not None:
            self.ledger.drop(known.metadata.uid)
            self._trouble((key[0], known.spec.model_ref.name), -1)
        if before is not None:
            self._of_model[before].pop(key[1], None)
        if incident is None:
            return
        model = (key[0], incident.spec.model_ref.name)
        self._model_of[key] = model
        self._of_model.setdefault(model, {})[key[1]] = incident
        if not is_over(incident):
            self._open[key] = incident
            if model in self._models:
                self.ledger.put(incident)
            self._trouble(model, 1)

    def put_model(self, key: Key, there: bool) -> None:
        """The model is there or is gone: what nobody takes further any more must not hold a place for ever."""
        if there is (key in self._models):
            return
        (self._models.add if there else self._models.discard)(key)
        for incident in self._of_model.get(key, {}).values():
            if there:
                self.ledger.put(incident)
            else:
                self.ledger.drop(incident.metadata.uid)

    def _trouble(self, model: Key, change: int) -> None:
        found = self._troubled.setdefault(model[0], Counter())
        found[model] += change
        if not found[model]:
            del found[model]

    def of_model(self, model: Key) -> list[AIIncident]:
        """Those of a model, oldest first; those that were not worked on yet have no episode, and come last."""
        found = self._of_model.get(model, {}).values()
        return sorted(found, key=lambda i: (i.status.episode or math.inf, str(i.metadata.creation_timestamp)))

    def open(self) -> tuple[AIIncident, ...]:
        """All that are not over."""
        return tuple(self._open.values())

    def troubled(self, namespace: str) -> Iterable[Key]:
        """The models of a namespace that have one that is not over."""
        return self._troubled.get(namespace, ())

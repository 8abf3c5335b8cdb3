"""Which release each pod of a model ran, told by what was exported: a cluster's word for it is gone with the past.

The rule is the operator's own: a release label can only appear first by running. So a pod that brings along a label
which nobody exported before is of that release for as long as it exports it, and what it exports of other releases,
for true labels that arrive late, changes nothing. A pod that brings along none is of the newest release that it names,
until it names a new one.
"""

import re
from collections.abc import Collection, Mapping

Sighting = tuple[str, str]
"""A release label's value and a pod's name; each empty where the series have no such label."""
Release = tuple[str, ...]
"""What stands for an image: a release label, several that came at once, or a ReplicaSet's name."""

_REPLICA_SET = re.compile(r"(?P<name>.+-[a-z0-9]{6,10})-[a-z0-9]{5}")  # <workload>-<hash of the template>-<pod>


class Roster:
    """One model's pods, each with its release."""

    def __init__(self) -> None:
        self._order: dict[str, int] = {}  # release labels by when they were first seen
        self._certain: set[str] = set()  # pods that brought along a new label
        self.pods: Mapping[str, Release] = {}
        self.podless: frozenset[str] = frozenset()  # release labels that name no pod

    def see(self, seen: Collection[Sighting]) -> bool:
        """What is exported now; True where other pods run than before, or on other releases.

        Where nothing is exported, nothing is known, and all stays as it was.
        """
        if not seen:
            return False
        labelled, podless, bare = _by_pod(seen)
        self.podless |= podless
        new = {label for labels in labelled.values() for label in labels} - self._order.keys()
        found = {pod: self._release(pod, labels, labels & new) for pod, labels in labelled.items()}
        found |= {pod: _template(pod) for pod in bare}
        self._order |= {label: len(self._order) for label in sorted(new)}
        self._certain &= found.keys()
        changed = found != self.pods
        self.pods = found
        return changed

    def _release(self, pod: str, labels: Collection[str], new: Collection[str]) -> Release:
        """Of several labels that appear at once nothing tells which one runs: together they stand for what does."""
        before = self.pods.get(pod)
        kept = before if before is not None and any(label in labels for label in before) else None
        if kept is not None and (pod in self._certain or not new):
            return kept
        if new:
            self._certain.add(pod)
            return tuple(sorted(new))
        return (max(labels, key=lambda label: self._order[label]),)


def _by_pod(seen: Collection[Sighting]) -> tuple[dict[str, set[str]], set[str], set[str]]:
    """The release labels that each pod exports, those that name no pod, and the pods that export none.

    Where series name no pod, each release label is taken for a pod of its own, and other series' pods tell nothing.
    """
    labelled: dict[str, set[str]] = {}
    for label, pod in seen:
        if label and pod:
            labelled.setdefault(pod, set()).add(label)
    known = {label for labels in labelled.values() for label in labels}
    podless = {label for label, pod in seen if label and not pod} - known
    bare = {pod for label, pod in seen if not label and pod not in labelled}
    if podless or (labelled and "" in bare):
        bare = set()
    return labelled | {label: {label} for label in podless}, podless, bare


def _template(pod: str) -> Release:
    """Pods of one ReplicaSet run one template; of other pods only their model is known."""
    found = _REPLICA_SET.fullmatch(pod)
    return (found["name"],) if found else ("",)

"""Which workloads select a pod, found by the pod's labels and not by a look at every workload."""

from collections.abc import Iterator, Mapping

from knowngood.core.facts.workload import Workload

Key = tuple[str, str]  # namespace, name
WorkloadKey = tuple[str, Key]  # kind
_Place = tuple[str, str, str]  # namespace, label, value


class Selecting:
    """Workloads by one of the labels that each selects by: the one that the fewest others select by."""

    def __init__(self) -> None:
        self._by: dict[_Place, dict[WorkloadKey, Workload]] = {}
        self._places: dict[WorkloadKey, _Place] = {}

    def put(self, kind: str, key: Key, workload: Workload | None) -> None:
        """Take in a workload as it is now, or that it is gone."""
        before = self._places.pop((kind, key), None)
        if before is not None:
            self._by[before].pop((kind, key))
            if not self._by[before]:
                del self._by[before]
        if workload is None or not workload.selector:
            return
        places: list[_Place] = [(key[0], *item) for item in workload.selector.equal] or [(key[0], "", "")]
        place = min(places, key=lambda p: len(self._by.get(p, ())))
        self._places[(kind, key)] = place
        self._by.setdefault(place, {})[(kind, key)] = workload

    def of(self, namespace: str, labels: Mapping[str, str]) -> Iterator[WorkloadKey]:
        """The workloads that select pods with these labels."""
        for item in (*labels.items(), ("", "")):
            for found, workload in self._by.get((namespace, *item), {}).items():
                if workload.selector.selects(labels):
                    yield found

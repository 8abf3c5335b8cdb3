"""How far a workload's roll-out is, and what holds it up: its strategy, its controller's word, its pods."""

from collections.abc import Iterable

from knowngood.core.facts.wording import few
from knowngood.core.facts.workload import Pod, Workload


def rolled_out(workload: Workload, live: int) -> bool:
    """Whether every pod is what the template declares; a partition of a StatefulSet counts only those above it."""
    if workload.settled:
        return True
    seen = workload.observed_generation >= workload.generation
    return bool(workload.partition) and seen and live == workload.replicas


def held(workload: Workload, stale: Iterable[Pod]) -> str:
    """Why ``stale`` pods will never be replaced by themselves, and what a person can do; empty where they will."""
    names = sorted(pod.name for pod in stale)
    if not names:
        return ""
    what = f"{workload.kind} {workload.name}"
    if workload.on_delete:
        return f"{what} replaces a pod only when it is deleted (updateStrategy OnDelete): delete {few(names, 4)}"
    if workload.waits:
        return f"{what} {workload.waits} {workload.name} -n {workload.namespace}"
    kept = [name for name in names if (number := _ordinal(name)) is not None and number < workload.partition]
    if kept:
        where = "spec.updateStrategy.rollingUpdate.partition"
        return f"{what} keeps {few(kept, 4)} as they are ({where}: {workload.partition}); lower it"
    return ""


def stuck(workload: Workload, pods: Iterable[Pod], stale: Iterable[Pod]) -> str:
    """What can be seen to stand in the way; a StatefulSet waits for a pod that will never be ready."""
    old = {pod.name for pod in stale}
    found = [f"{pod.name}: {pod.waiting}" for pod in sorted(pods, key=lambda p: p.name) if pod.live and pod.waiting]
    if workload.problem:
        found.insert(0, workload.problem)
    broken = [pod.name for pod in pods if pod.name in old and pod.live and not pod.ready]
    if workload.kind == "StatefulSet" and broken:
        found.append(f"it waits for {few(sorted(broken), 4)} to be ready before it replaces it: delete it")
    return "; ".join(found[:4])


def _ordinal(pod: str) -> int | None:
    tail = pod.rpartition("-")[2]
    return int(tail) if tail.isascii() and tail.isdigit() else None

"""What changed around the workload near an onset: inputs, dependencies, upstream models."""

from collections.abc import Iterator

from knowngood.api.analysis import Cause
from knowngood.api.common import IncidentType
from knowngood.api.evidence import SeenDependency
from knowngood.api.observed import CauseKind, Verdict
from knowngood.core.incidents.evidence import moment
from knowngood.core.incidents.neighbours import mismatch
from knowngood.core.incidents.scene import Scene, cause, clock, how_near, nearness, overlap

KINDS = frozenset({CauseKind.INPUT_DISTRIBUTION, CauseKind.DEPENDENCY, CauseKind.UPSTREAM})
_DRIFTED, _DRIFTING = 0.65, 0.4
_WRITTEN, _RELEASED, _BROKEN = 0.75, 0.8, 0.85
_MISMATCH, _OPEN = 0.2, 0.3  # they speak for it whenever they began
_LATE = 600.0  # an upstream's incident may be noticed this much after its consumer's


def found(scene: Scene) -> Iterator[Cause]:
    """Every change around the workload that is known, each with how well it fits."""
    yield from _inputs(scene)
    for dependency in scene.evidence.dependencies:
        made = _upstream(scene, dependency) if dependency.kind == "ModelDeployment" else _written(scene, dependency)
        if made is not None:
            yield made


def _inputs(scene: Scene) -> Iterator[Cause]:
    """Signals of drift that are out of their limits, or about to be."""
    for sign in scene.signs:
        if sign.type is not IncidentType.DATA_DRIFT or not sign.wrong:
            continue
        breach = sign.verdict is Verdict.BREACH
        fit = (_DRIFTED if breach else _DRIFTING) * overlap(sign.since - sign.reach, sign.since, scene.onset)
        state = "is out of its limits" if breach else "is passing its limits, not yet for long enough"
        value = f": {sign.value}, {sign.threshold}" if sign.value and sign.threshold else ""
        evidence = [f"signal {sign.name} of policy {sign.policy} {state} since {clock(moment(sign.since))}{value}"]
        summary = f"what {sign.name} watches is distributed otherwise than before"
        yield cause(CauseKind.INPUT_DISTRIBUTION, fit, summary, moment(sign.since), evidence)


def _written(scene: Scene, seen: SeenDependency) -> Cause | None:
    at, differs = seen.changed_at, mismatch(seen)
    if at is None and not differs:
        return None
    fit = _WRITTEN * nearness(at.timestamp(), scene.onset) if at else 0.0
    if differs:
        fit = max(1.1 * fit, _MISMATCH)
    evidence = [differs]
    if at is not None:
        said = f"{seen.kind} {seen.object} was last written at {clock(at)}, {how_near(at.timestamp(), scene.onset)}"
        evidence.insert(0, said)
    version = f"; {seen.contract} is {seen.version}" if seen.version else ""
    summary = f"the dependency {seen.name} ({seen.kind} {seen.object}) changed{version}"
    return cause(CauseKind.DEPENDENCY, fit, summary, at, evidence)


def _upstream(scene: Scene, seen: SeenDependency) -> Cause | None:
    at, opened, differs = seen.changed_at, seen.incident_opened_at, mismatch(seen)
    released = _RELEASED * nearness(at.timestamp(), scene.onset) if at else 0.0
    broken = 0.0
    if seen.incident:
        near = overlap(opened.timestamp() - _LATE, opened.timestamp(), scene.onset) if opened else 0.0
        broken = max(_BROKEN * near, _OPEN)
    fit = max(released, broken, _MISMATCH if differs else 0.0)
    if fit == 0.0:
        return None
    model = f"the upstream model {seen.object}"
    summary = f"{model} has an incident of its own, {seen.incident}" if broken >= released and seen.incident else ""
    summary = summary or f"{model} runs another release"
    evidence = [differs]
    if at is not None:
        evidence.append(f"its release runs since {clock(at)}, {how_near(at.timestamp(), scene.onset)}")
    if seen.incident:
        since = f", opened at {clock(opened)}" if opened else ""
        evidence.append(f"AIIncident {seen.incident} is open{since}")
    return cause(CauseKind.UPSTREAM, fit, summary, at if released > broken else opened or at, evidence)

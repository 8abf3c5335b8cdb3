"""What changed near the onset, ranked.

A change fits as well as it is near to the onset, which it must precede within the onset's uncertainty, times how often
its kind is the cause. The scores rank; they are no probabilities. Where nothing fits, that is said, with what was
looked at and what could not be.
"""

from knowngood.api.analysis import Cause
from knowngood.api.evidence import Evidence
from knowngood.api.observed import CauseKind
from knowngood.core.incidents import inside, outside
from knowngood.core.incidents.scene import Scene, cause

_MOST = 16
_LEAST_SCORE = 5
_CONVINCING = 30
_ORDER = {kind: place for place, kind in enumerate(CauseKind)}


def causes(scene: Scene) -> list[Cause]:
    """The causes that fit, the likeliest first; the same for the same facts in any order."""
    found = [c for c in (*inside.found(scene), *outside.found(scene)) if c.score >= _LEAST_SCORE]
    best = max((c.score for c in found), default=0)
    if best < _CONVINCING:
        found.append(_unknown(scene, best))
    return sorted(found, key=_rank)[:_MOST]


def _rank(found: Cause) -> tuple[int, int, float, str, list[str]]:
    at = found.changed_at.timestamp() if found.changed_at else 0.0
    return -found.score, _ORDER[found.kind], -at, found.summary, found.evidence


def _unknown(scene: Scene, best: int) -> Cause:
    evidence = scene.evidence
    counted = (
        (evidence.rollouts, "roll-out", "roll-outs"),
        (evidence.pods, "pod", "pods"),
        (evidence.configs, "ConfigMap", "ConfigMaps"),
        (evidence.dependencies, "dependency", "dependencies"),
    )
    numbers = (f"{len(found)} {one if len(found) == 1 else many}" for found, one, many in counted)
    looked = ["looked at: " + ", ".join(numbers)]
    secrets = [m.item for m in evidence.missing if m.item.startswith("Secret")]
    unseen = [*blind(evidence), *secrets]
    if unseen:
        looked.append(f"could not be looked at: {'; '.join(unseen)}")
    summary = "nothing that can be seen changed near the onset"
    return cause(CauseKind.UNKNOWN, (100 - best) / 100, summary, None, looked)


def blind(evidence: Evidence) -> list[str]:
    """What may have changed in the workload without being seen here."""
    unseen = [m.item for m in evidence.missing if m.item.startswith(("rollouts", "ConfigMap", "everything"))]
    if evidence.workload is None:
        unseen.append("the workload")
    elif evidence.workload.kind == "StatefulSet":  # it keeps no ReplicaSets
        unseen.append(f"roll-outs of a {evidence.workload.kind}")
    return unseen

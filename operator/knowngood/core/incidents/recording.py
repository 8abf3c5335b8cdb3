"""Which traffic may be learned from, and whose baseline a release is held against.

Only a window in which nothing spoke against the model teaches: no incident was open, no signal was in breach, out of
its limits or in error. Signals that have no data, or are learning themselves, say nothing against it: with feedback
that never comes a model would otherwise learn nothing at all.
"""

from collections.abc import Iterable, Sequence

from knowngood.api.conditions import Reason
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.modelstatus import Release
from knowngood.api.observed import Verdict
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.facts.images import parse_image

_SILENT = frozenset(
    {
        Reason.LEARNING,
        Reason.IGNORED,
        Reason.NO_COMPARISON,
        Reason.EMPTY,
        Reason.STALE,
        Reason.TOO_FEW_SAMPLES,
    }
)
_KEPT_RELEASES = 5


def speaks_against(judgement: Judgement) -> bool:
    """Whether the traffic that this is about may be other than healthy."""
    return judgement.verdict is not Verdict.HEALTHY and (
        judgement.verdict is not Verdict.INCONCLUSIVE or judgement.reason not in _SILENT
    )


def teaches(verdict: Verdict, reason: str) -> bool:
    """Whether a series so judged may be learned from."""
    return verdict is Verdict.HEALTHY or (verdict is Verdict.INCONCLUSIVE and reason == Reason.LEARNING)


def known_good_of(model: ModelDeployment, container: str) -> str:
    """The digest of the known-good release's answering container, or an empty string."""
    pinned = model.spec.known_good
    images = pinned.containers if pinned else model.status.known_good.containers if model.status.known_good else []
    return parse_image(next((c.image for c in images if c.name == container), "")).digest


def previous_of(history: Sequence[Release], running: Iterable[str]) -> str:
    """The digest of the release that ran last before those that run, suspects left out; or an empty string."""
    now = set(running)
    gone = [r for r in history if r.digest not in now and r.last_seen is not None and r.implicated_in is None]
    last = max(gone, key=_left, default=None)
    return last.digest if last else ""


def _left(release: Release) -> float:
    return release.last_seen.timestamp() if release.last_seen else 0.0


def remembered(history: Sequence[Release], running: Iterable[str], known_good: str) -> frozenset[str]:
    """The digests whose baselines are kept."""
    return frozenset([*running, known_good, *(r.digest for r in history[:_KEPT_RELEASES])]) - {""}


def tenths(windows: int, needed: int) -> str:
    """How far it is, told in so few steps that it costs few writes: ``20/50``."""
    return f"{min(10, 10 * windows // needed) * needed // 10}/{needed}"

"""All that an analysis rests on, and how near to the onset something was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from knowngood.api.analysis import Cause
from knowngood.api.common import IncidentType
from knowngood.api.evidence import Evidence
from knowngood.api.incidentstatus import Suspect
from knowngood.api.modelstatus import Release
from knowngood.api.observed import CauseKind, Verdict
from knowngood.core.incidents.onset import Onset
from knowngood.core.incidents.record import clipped

_SLACK = 2.0  # objects carry whole seconds
_HALF = 1200.0  # what changed so long before the onset fits half as well
_LONGEST, _MOST_EVIDENCE = 1024, 16


@dataclass(frozen=True, slots=True)
class Sign:
    """What a signal says: ``since`` when (seconds since the epoch), on data that is at most ``reach`` seconds older.

    ``sums``: its detector adds up evidence over windows, so that what it sees may have begun long before.
    """

    policy: str
    name: str
    type: IncidentType
    verdict: Verdict
    pending: bool
    since: float
    reach: float
    value: str = ""
    threshold: str = ""
    sums: bool = False
    segment: tuple[tuple[str, str], ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether it is out of its limits, long enough or not yet."""
        return self.verdict is Verdict.BREACH or self.pending


@dataclass(frozen=True, slots=True)
class Scene:
    """The evidence, the onset, the release that ran then, the model's history, and every signal that is out."""

    evidence: Evidence
    onset: Onset
    suspect: Suspect | None = None
    releases: Sequence[Release] = ()
    signs: Sequence[Sign] = ()

    @property
    def low(self) -> float:
        """Where the onset's uncertainty begins; its end where nothing tells."""
        return self.onset.latest if self.onset.earliest is None else self.onset.earliest


def nearness(at: float, onset: Onset) -> float:
    """1 within the onset's uncertainty, falling with the time before it; 0 after it: a cause comes first."""
    if at > onset.latest + _SLACK:
        return 0.0
    low = onset.latest if onset.earliest is None else onset.earliest
    return 1.0 if at >= low - _SLACK else 1.0 / (1.0 + (low - at) / _HALF)


def overlap(first: float, last: float, onset: Onset) -> float:
    """As `nearness`, for what happened at an unknown time between ``first`` and ``last``."""
    return 0.0 if first > onset.latest + _SLACK else nearness(min(last, onset.latest), onset)


def cause(kind: CauseKind, fit: float, summary: str, at: datetime | None, evidence: Sequence[str] = ()) -> Cause:
    """A cause that fits as well as ``fit`` (0 to 1) says."""
    return Cause(
        kind=kind,
        summary=clipped(summary, _LONGEST),
        changed_at=at,
        score=max(0, min(100, round(100 * fit))),
        evidence=[clipped(e, _LONGEST) for e in evidence if e][:_MOST_EVIDENCE],
    )


def how_near(at: float, onset: Onset) -> str:
    """The time between a change and the onset, in words."""
    low = onset.latest if onset.earliest is None else onset.earliest
    if at >= low - _SLACK:
        return "within the onset's uncertainty"
    return f"{span(low - at)} before the onset"


def span(seconds: float) -> str:
    """A stretch of time as people say it."""
    for unit, name in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(0.0, seconds):.0f} s"


def clock(at: datetime) -> str:
    """A moment as a sentence shows it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")

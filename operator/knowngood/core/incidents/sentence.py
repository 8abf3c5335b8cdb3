"""An analysis in one sentence, for an Event, the timeline and a person at 3 a.m."""

from knowngood.api.analysis import Analysis, OnsetMethod
from knowngood.api.common import IncidentType
from knowngood.api.observed import CauseKind
from knowngood.core.incidents.record import clipped
from knowngood.core.incidents.scene import clock

_LONGEST = 1024  # of an Event's note
_MOST_NAMED = 3


def of(analysis: Analysis, reported: IncidentType) -> str:
    """The sentence: when, the likeliest cause, where, what agrees, what it is."""
    parts = [_when(analysis), _why(analysis), _where(analysis), _agreeing(analysis), _what(analysis, reported)]
    return clipped("; ".join(p for p in parts if p), _LONGEST)


def _when(analysis: Analysis) -> str:
    if analysis.onset_at is None:
        return "when it began is not known"
    signal = f"{analysis.signal} went wrong" if analysis.signal else "it"
    if analysis.method is OnsetMethod.REPORTED:
        return f"reported, known since {clock(analysis.onset_at)}"
    if analysis.method is OnsetMethod.FIRST_BREACH and analysis.onset_earliest is None:
        return f"{signal} some time before {clock(analysis.onset_at)}, when its detector had seen enough"
    if analysis.onset_earliest is None or analysis.onset_latest is None:
        return f"{signal} before {clock(analysis.onset_at)}, where its samples begin"
    between = f"between {clock(analysis.onset_earliest)} and {clock(analysis.onset_latest)}"
    if analysis.method is OnsetMethod.FIRST_BREACH:
        return f"{signal} {between}"
    return f"{signal} at about {clock(analysis.onset_at)} ({between})"


def _why(analysis: Analysis) -> str:
    if not analysis.causes:
        return ""
    first = analysis.causes[0]
    if first.kind is CauseKind.UNKNOWN:
        return " — ".join([first.summary, *first.evidence])
    at = f" at {clock(first.changed_at)}" if first.changed_at else ""
    return f"likeliest cause: {first.kind.value}{at} (fits to {first.score} %): {first.summary}"


def _where(analysis: Analysis) -> str:
    if not analysis.segments:
        return ""
    named = ", ".join(
        " ".join(f"{k}={v}" for k, v in sorted(s.labels.items())) for s in analysis.segments[:_MOST_NAMED]
    )
    more = len(analysis.segments) - _MOST_NAMED
    if not analysis.segments_total:
        return f"worst segment: {named}"
    rest = f" and {more} more" if more > 0 else ""
    return f"{len(analysis.segments)} of {analysis.segments_total} segments hit: {named}{rest}"


def _agreeing(analysis: Analysis) -> str:
    names = [s.name for s in analysis.agreeing_signals]
    if not names:
        return ""
    return f"{', '.join(names[:_MOST_NAMED])} {'agrees' if len(names) == 1 else 'agree'}"


def _what(analysis: Analysis, reported: IncidentType) -> str:
    if analysis.assessed_type is None:
        return ""
    as_reported = "" if analysis.assessed_type is reported else f", reported as {reported.value}"
    return f"assessed as {analysis.assessed_type.value}{as_reported}"

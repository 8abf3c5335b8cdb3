"""What a model's conditions say of its signals together."""

from collections.abc import Iterable, Mapping

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.modelstatus import SignalItem
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.facts.wording import few
from knowngood.core.incidents.opening import SignalView
from knowngood.core.incidents.record import clipped
from knowngood.core.signals.answer import DataState

Said = tuple[ConditionStatus, Reason | str, str]
Views = Mapping[tuple[str, str], SignalView]
_AVAILABLE_ANYWAY = frozenset({DataState.OK, DataState.TOO_FEW})


def available(views: Views) -> Said:
    """Whether every signal has data, and which lack it."""
    if not views:
        return ConditionStatus.UNKNOWN, Reason.NOT_JUDGED, "not judged yet"
    lacking = [(k, v) for k, v in sorted(views.items()) if _lacks_data(v.judgement)]
    if not lacking:
        return remarked({f"{policy}/{name}": v.judgement.remark for (policy, name), v in sorted(views.items())}) or (
            ConditionStatus.TRUE,
            Reason.AVAILABLE,
            "every signal has data",
        )
    view = max((v for _, v in lacking), key=lambda v: v.judgement.state.is_error)
    names = _names(k for k, _ in lacking)
    return ConditionStatus.FALSE, view.judgement.reason, clipped(f"{names}: {view.judgement.message}")


def remarked(remarks: Mapping[str, str]) -> Said | None:
    """What is remarked on data that is there, by signal; None where nothing is."""
    told = [f"{name}: {remark}" for name, remark in remarks.items() if remark]
    return (ConditionStatus.TRUE, Reason.NAME_NOT_SEEN.value, clipped("; ".join(told))) if told else None


def learned(learns: bool, items: Iterable[SignalItem]) -> Said | None:
    """Whether all know what is usual; nothing is said of models whose signals need not learn."""
    if not learns:
        return None
    waiting = [i for i in items if i.reason == Reason.LEARNING]
    if not waiting:
        return ConditionStatus.TRUE, Reason.LEARNED, "every signal knows what is usual"
    told = ", ".join(f"{i.policy}/{i.name} {i.learned or ''}".rstrip() for i in waiting)
    why = f"windows of healthy traffic learned so far: {told}; {waiting[0].name}: {waiting[0].message}"
    return ConditionStatus.FALSE, Reason.LEARNING, clipped(why)


def _lacks_data(judgement: Judgement) -> bool:
    return judgement.state not in _AVAILABLE_ANYWAY and judgement.reason != Reason.IGNORED


def _names(keys: Iterable[tuple[str, str]]) -> str:
    return few([f"{policy}/{name}" for policy, name in keys])

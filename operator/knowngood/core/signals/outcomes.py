"""The `outcomes` input: who got which decision, from one counter with a label for the outcome and labels for groups.

A group that is absent among the favourable ones got none. One sample holds all groups of a release.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import partial

from knowngood.api.signals import OutcomesInput
from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.counter import counted
from knowngood.core.signals.pooling import regrouped
from knowngood.core.signals.request import Ask, FieldError, Request, joined
from knowngood.core.signals.sample import Cell, Key, Sample, key_of, part, plain, split_parts, unfit

_Sums = dict[Key, tuple[float, float]]


def request(source: OutcomesInput, ask: Ask) -> Request:
    """One request for all models: rows of the parts `outcomes`, by group and outcome, and `time`."""
    own = {source.outcome_label, *source.group_labels}
    for field, labels in (("outcomeLabel", [source.outcome_label]), ("groupLabels", source.group_labels)):
        if taken := sorted(set(labels) & set(ask.by)):
            raise FieldError(field, f"the label {taken[0]} tells models and releases apart; write another label")
    if source.outcome_label in source.group_labels:
        raise FieldError("groupLabels", f"{source.outcome_label} is the outcome's label; write another label")
    metric, up, window = ask.selector("metric", source.metric), ask.selector("metric", "up"), ask.window(source.window)
    parts = (
        counted({"outcomes": metric}, metric, up, window, sorted({*ask.by, *own})),
        part("time", f"max by ({', '.join(ask.by)}) (timestamp({metric}))"),
    )
    length = window.length / 1000
    decoder = partial(
        decode, outcome=source.outcome_label, favourable=frozenset(source.favourable), groups=tuple(source.group_labels)
    )
    return Request(joined("metric", parts), (metric,), (metric,), length, length, decoder, regrouped, shares=True)


def decode(
    rows: Iterable[Row],
    now: float,
    stale_after: float,
    outcome: str,
    favourable: Collection[str],
    groups: Collection[str],
) -> list[Sample]:
    """Samples of the favourable share of all outcomes, one a release, with a cell for each group."""
    parts = split_parts(rows)
    time = parts.get("time", {})
    own = {outcome, *groups}
    found: dict[Key, tuple[Mapping[str, str], _Sums]] = {}
    for row in parts.get("outcomes", {}).values():
        labels = {k: v for k, v in plain(row.labels).items() if k not in own}
        _, sums = found.setdefault(key_of(labels), (labels, {}))
        group = tuple((name, row.labels.get(name, "")) for name in sorted(groups))
        good, total = sums.get(group, (0.0, 0.0))
        sums[group] = (good + (row.value if row.labels.get(outcome) in favourable else 0.0), total + row.value)
    newest = {key: row.value for key, row in time.items()}
    return [_sample(labels, sums, newest.get(key), now, stale_after) for key, (labels, sums) in found.items()]


def _sample(labels: Mapping[str, str], sums: _Sums, newest: float | None, now: float, stale_after: float) -> Sample:
    bad = unfit(labels, [n for pair in sums.values() for n in pair], newest, now, stale_after)
    if bad:
        return bad
    cells = tuple(_cell(dict(group), *sums[group]) for group in sorted(sums))
    total, hits = float(sum(c.total for c in cells)), float(sum(c.favourable for c in cells))
    if not total:
        return Sample(labels, DataState.TOO_FEW, count=0.0, newest=newest, message="no outcomes in the window")
    return Sample(labels, DataState.OK, value=hits / total, count=total, newest=newest, hits=hits, cells=cells)


def _cell(labels: Mapping[str, str], good: float, total: float) -> Cell:
    favourable = max(0, round(good))
    return Cell(labels, favourable, max(favourable, round(total)))

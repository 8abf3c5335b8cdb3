"""The `outcomes` input: who got which decision, from one counter with a label for the outcome and labels for groups.

A group that is absent among the favourable ones got none. One sample holds all groups of a release.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial

import numpy as np

from knowngood.api.signals import OutcomesInput
from knowngood.core.signals.answer import DataState, Row
from knowngood.core.signals.counter import counted
from knowngood.core.signals.fitness import Fitness
from knowngood.core.signals.pooling import regrouped
from knowngood.core.signals.request import Ask, FieldError, Request, joined
from knowngood.core.signals.rows import Arrangement, Places, Rows, summed
from knowngood.core.signals.sample import Cell, Flags, Floats, Samples
from knowngood.core.signals.series import Group, Groups, part

_MOST, _LONGEST = 8, 64  # of outcomes in a message, which may be any
_UNSAID = "no series has the label {0} (outcomeLabel): write the one that holds the outcome"
_UNGROUPED = "no series has the label {0} (groupLabels): write one that they have"
_NOBODY = "no outcome is one of favourable ({0}), so that none counts; there are {1}"


def request(source: OutcomesInput, ask: Ask) -> Request:
    """One request for all models: rows of the parts `outcomes`, by group and outcome, and `time`."""
    own = {source.outcome_label, *source.group_labels}
    for field, labels in (("outcomeLabel", [source.outcome_label]), ("groupLabels", source.group_labels)):
        if taken := sorted(set(labels) & set(ask.by)):
            raise FieldError(field, f"the label {taken[0]} tells models and releases apart; write another label")
    if source.outcome_label in source.group_labels:
        raise FieldError("groupLabels", f"{source.outcome_label} is the outcome's label; write another label")
    metric, window = ask.selector("metric", source.metric), ask.window(source.window)
    found = counted("metric", {"outcomes": metric}, metric, window, sorted({*ask.by, *own}), ask)
    time = part("time", f"max by ({', '.join(ask.by)}) (timestamp({ask.some(metric)}))")
    length = window.length / 1000
    decoder = partial(
        decode, outcome=source.outcome_label, favourable=frozenset(source.favourable), groups=tuple(source.group_labels)
    )
    query, mostly = joined("metric", (found.all, time)), joined("metric", (*found.mostly, time))
    return Request(query, (metric,), (metric,), length, length, decoder, regrouped, shares=True, mostly=mostly)


def decode(
    rows: Iterable[Row],
    now: float,
    stale_after: float,
    outcome: str,
    favourable: Collection[str],
    groups: Collection[str],
) -> Samples:
    """Samples of the favourable share of all outcomes, one a release, with a cell for each group."""
    columns = Rows.of(rows)
    arranged = columns.arrangement
    names, good_ones = tuple(sorted(groups)), frozenset(favourable)
    key = ("outcomes", outcome, good_ones, names)  # of which the question says nothing
    plan = arranged.once(key, lambda: _plan(arranged, outcome, good_ones, names))
    newest, fitness = columns.newest(plan.groups), Fitness(len(plan.groups))
    values, cells, count = columns.values[plan.rows], len(plan.labels), len(plan.groups)
    total = summed(plan.cells, values, cells)
    good = summed(plan.cells[plan.favourable], values[plan.favourable], cells)
    fitness.counts(np.stack([good, total], axis=1).ravel(), np.repeat(plan.owners, 2))
    fitness.fresh(newest, now, stale_after)
    for unlabelled in plan.unlabelled:
        fitness.say(unlabelled.whose, DataState.EMPTY, unlabelled.text)
    good = np.maximum(0.0, np.rint(good))
    total = np.maximum(good, np.rint(total))
    hits, totals = summed(plan.owners, good, count), summed(plan.owners, total, count)
    none = fitness.say(totals == 0, DataState.TOO_FEW, "no outcomes in the window")
    for remark in plan.remarks:
        fitness.hint(remark.whose, remark.text)
    fit = fitness.ok
    value = np.divide(hits, totals, out=np.full(count, np.nan), where=fit)
    total_of = np.where(fit, totals, np.where(none, 0.0, np.nan))
    made = _cells(plan, fit, good, total)
    return Samples(plan.groups, fitness, value, total_of, newest, np.where(fit, hits, np.nan), cells=made)


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """A text, and the releases of which it holds."""

    text: str
    whose: Flags


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """Releases, and the cells of all of them: whose each is, its ``labels``, and in which of them each row counts.

    ``unlabelled`` are those whose series do not say the outcome; ``remarks`` tell of names that may be misspelt.
    """

    groups: Groups
    owners: Places
    labels: Sequence[Mapping[str, str]]
    rows: Places
    cells: Places
    favourable: Flags
    unlabelled: Sequence[_Said]
    remarks: Sequence[_Said]


def _plan(arranged: Arrangement, outcome: str, favourable: Collection[str], names: Sequence[str]) -> _Plan:
    own = {outcome, *names}
    found: dict[Group, dict[tuple[str, ...], list[tuple[int, bool]]]] = {}
    seen: dict[Group, set[str]] = {}
    for group, row in arranged.part("outcomes").place.items():
        labels = dict(group.key)
        owner = arranged.group({k: v for k, v in group.labels.items() if k not in own})
        of = found.setdefault(owner, {})
        cell = of.setdefault(tuple([labels.get(name, "") for name in names]), [])
        cell.append((row, labels.get(outcome) in favourable))
        seen.setdefault(owner, set()).add(labels.get(outcome, ""))
    kept = [(owner, cell, of[cell]) for owner, of in enumerate(found.values()) for cell in sorted(of)]
    rows = [(row, place, good) for place, (_, _, of) in enumerate(kept) for row, good in of]
    columns = np.array(rows, np.intp).reshape(-1, 3)
    return _Plan(
        Groups(found),
        np.array([owner for owner, _, _ in kept], np.intp),
        [dict(zip(names, cell, strict=True)) for _, cell, _ in kept],
        columns[:, 0],
        columns[:, 1],
        columns[:, 2].astype(np.bool_),
        _said(_UNSAID.format(outcome) if values == {""} else "" for values in seen.values()),
        [
            *_said(_unfavourable(values, favourable) for values in seen.values()),
            *(
                said
                for at, name in enumerate(names)
                for said in _said("" if any(c[at] for c in of) else _UNGROUPED.format(name) for of in found.values())
            ),
        ],
    )


def _unfavourable(seen: Set[str], favourable: Collection[str]) -> str:
    """What to say of a release that has none of the favourable outcomes."""
    if not seen.isdisjoint(favourable):
        return ""
    there = ", ".join(sorted(value[:_LONGEST] for value in seen)[:_MOST])
    return _NOBODY.format(", ".join(sorted(favourable)[:_MOST]), there + (", …" if len(seen) > _MOST else ""))


def _said(texts: Iterable[str]) -> list[_Said]:
    """Each distinct text with those of whom it is said; an empty one is none."""
    each = list(texts)
    return [_Said(t, np.array([e == t for e in each], np.bool_)) for t in dict.fromkeys(each) if t]


def _cells(plan: _Plan, fit: Flags, good: Floats, total: Floats) -> Sequence[tuple[Cell, ...]]:
    """The cells of each release that can be judged."""
    made: list[list[Cell]] = [[] for _ in plan.groups]
    judged = np.flatnonzero(fit[plan.owners])
    owners, numbers = plan.owners[judged].tolist(), zip(good[judged].tolist(), total[judged].tolist(), strict=True)
    for place, owner, (favourable, of) in zip(judged.tolist(), owners, numbers, strict=True):
        made[owner].append(Cell(plan.labels[place], int(favourable), int(of)))
    return [tuple(cells) for cells in made]

"""Series whose changes people have marked, cut into cases: learn, judge what is healthy, judge what has changed.

No imports of ours or of others, so that both interpreters of the benchmark can use it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

FEWEST, MOST_LEARNT, LEAST_AFTER = 20, 100, 5


@dataclass(frozen=True)
class Case:
    """Values to learn from, healthy ones after them, and those after a change that is marked."""

    learnt: Sequence[float]
    before: Sequence[float]
    after: Sequence[float]


@dataclass(frozen=True)
class Score:
    """Of ``changes`` how many were ``found``, after how many windows, and how often it alarmed before one."""

    changes: int
    found: int
    false: int
    delay: float


def marked(annotations: Mapping[str, Sequence[int]], number: int) -> list[int]:
    """Changes that at least two people marked, up to a fiftieth of the series apart."""
    near = max(2, number // 50)
    places = sorted((place, who) for who, found in annotations.items() for place in set(found))
    changes: list[int] = []
    while places:
        first = places[0][0]
        together = [(p, w) for p, w in places if p - first <= near]
        if len({w for _, w in together}) > 1:
            changes.append(sorted(p for p, _ in together)[len(together) // 2])
        places = places[len(together) :]
    return changes


def cases(values: Sequence[float], changes: Sequence[int]) -> list[Case]:
    """One case a change that has enough windows before it."""
    edges = [0, *changes, len(values)]
    found = []
    for begin, change, end in zip(edges, edges[1:], edges[2:], strict=False):
        learnt = begin + min(MOST_LEARNT, max(FEWEST, (change - begin) // 2))
        if learnt < change and end - change >= LEAST_AFTER:
            found.append(Case(values[begin:learnt], values[learnt:change], values[change:end]))
    return found


def scored(given: Sequence[Case], alarms: Callable[[Case], int | None]) -> Score:
    """``alarms``: at which window after what was learnt, None: never."""
    delays, false = [], 0
    for case in given:
        at = alarms(case)
        if at is not None and at < len(case.before):
            false += 1
        elif at is not None:
            delays.append(at - len(case.before) + 1)
    return Score(len(given), len(delays), false, sum(delays) / max(len(delays), 1))


def best(scores: Mapping[float, Score], most_false: int) -> tuple[float, Score]:
    """The parameter that finds most changes, soonest, with so many false alarms at most."""
    fine = {x: s for x, s in scores.items() if s.false <= most_false}
    chosen = max(fine or scores, key=lambda x: (scores[x].found, -scores[x].delay) if fine else (-scores[x].false, 0))
    return chosen, scores[chosen]

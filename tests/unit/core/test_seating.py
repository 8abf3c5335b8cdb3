"""Who stays settled while what is remarked on the data moves."""

import numpy as np
import pytest

from knowngood.core.incidents.seating import Seating
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Flags, Sample, Samples
from knowngood.core.signals.series import Group
from tests import builders as b

pytestmark = pytest.mark.unit
MODELS = ("a", "b", "c")


def samples(**remarks: str) -> Samples:
    return Samples.of([Sample({"model": m}, DataState.OK, 1.0, 100.0, message=said) for m, said in remarks.items()])


def settled_after(before: Samples, after: Samples) -> set[str]:
    """Of models that were settled on what was there before."""
    seating = Seating(b.compiled(), len(MODELS))
    seating.follow(before, quiet, whose, 0.0)
    for row, group in enumerate(before.groups):
        (number,) = whose(group)
        seating.settled[number], seating._places[number] = True, [(row,)]
    seating._seats = None
    seating.follow(after, quiet, whose, 1.0)
    return {m for m, is_settled in zip(MODELS, seating.settled, strict=True) if is_settled}


def quiet(cases: Samples) -> Flags:
    return np.ones(len(cases), np.bool_)


def whose(group: Group) -> list[int]:
    return [MODELS.index(group.labels["model"])]


@pytest.mark.parametrize(
    ("before", "after", "settled"),
    [
        ({"a": "x", "b": "y", "c": ""}, {"a": "x", "b": "y", "c": ""}, {"a", "b", "c"}),
        ({"a": "x", "b": "y", "c": ""}, {"b": "y", "a": "x", "c": ""}, {"a", "b", "c"}),  # other codes, same words
        ({"a": "x", "b": "y"}, {"a": "x", "b": "y", "c": ""}, {"a", "b"}),  # one comes, the others stay
        ({"a": "x", "b": "y", "c": ""}, {"b": "y", "c": ""}, {"b", "c"}),
        ({"a": "x", "b": "y", "c": ""}, {"a": "x", "b": "z", "c": ""}, {"a", "c"}),
        ({"a": "x", "b": "", "c": ""}, {"a": "", "b": "", "c": ""}, {"b", "c"}),
        ({"a": "", "b": "", "c": ""}, {"a": "", "b": "", "c": "x"}, {"a", "b"}),
        ({"a": "x", "b": "x", "c": "x"}, {"a": "x", "b": "y", "c": "x"}, {"a", "c"}),
    ],
)
def test_who_has_other_words_said_of_it_is_looked_at_and_nobody_else(
    before: dict[str, str], after: dict[str, str], settled: set[str]
) -> None:
    assert settled_after(samples(**before), samples(**after)) == settled

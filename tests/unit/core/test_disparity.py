"""`disparity`: who is compared with whom, who is accused, and how seldom wrongly."""

from dataclasses import replace

import numpy as np
import pytest

from bench.nulls import Known
from bench.nulls_counts import Outcomes
from bench.peeking import Fleet
from knowngood.api.conditions import Reason
from knowngood.api.detectors import DisparityDetector, GroupReference, ReferenceGroup
from knowngood.api.observed import Verdict
from knowngood.core.detectors.disparity import Disparity, Memory
from knowngood.core.detectors.groups import pairs
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.detectors.port import Case, Span
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Cell, Sample

pytestmark = pytest.mark.unit
SPAN = Span(3_600.0, 1_800.0, 60.0)
MEN, WOMEN, OLD, YOUNG = {"sex": "m"}, {"sex": "f"}, {"age": "old"}, {"age": "young"}
NAMED = DisparityDetector(reference=GroupReference(group=MEN))
LARGEST = DisparityDetector(reference_group=ReferenceGroup.LARGEST_GROUP)
Given = tuple[dict[str, str], int, int]


def outcomes(*cells: Given) -> Sample:
    return Sample({}, DataState.OK, 0.5, 1_000.0, cells=tuple(Cell(*cell) for cell in cells))


def judged(
    *cells: Given, settings: DisparityDetector | None = None, memory: Memory | None = None
) -> tuple[Judgement, Memory | None]:
    case = Case(outcomes(*cells), memory)
    (found,) = Disparity().judge(settings or DisparityDetector(), [case], SPAN)
    return found


def test_the_worst_group_is_named_with_its_ratio_and_size() -> None:
    found, memory = judged(({"g": "a"}, 800, 1_000), ({"g": "b"}, 400, 1_000), ({"g": "c"}, 100, 500))
    assert found.verdict is Verdict.BREACH
    assert found.segment == {"g": "c"}
    assert (found.value, found.count) == (pytest.approx(0.25), 500)
    assert memory == Memory(3_600.0)


def test_a_ratio_under_the_limit_by_chance_is_none() -> None:
    found, _ = judged(({"g": "a"}, 60, 100), ({"g": "b"}, 45, 100))
    assert found.verdict is Verdict.HEALTHY
    assert found.value == pytest.approx(0.75)


def test_small_groups_are_neither_judged_nor_named() -> None:
    found, _ = judged(({"g": "a"}, 800, 1_000), ({"g": "b"}, 790, 1_000), ({"g": "c"}, 0, 99))
    assert (found.verdict, found.segment) == (Verdict.HEALTHY, {"g": "b"})
    assert "c" not in str(found.segment) + found.threshold


@pytest.mark.parametrize("cells", [(), (({"g": "a"}, 5, 1_000),), (({"g": "a"}, 5, 1_000), ({"g": "b"}, 5, 99))])
def test_nobody_to_compare_is_inconclusive(cells: tuple[Given, ...]) -> None:
    assert judged(*cells)[0].reason == Reason.TOO_FEW_SAMPLES


CROSSED: tuple[Given, ...] = (
    ({**WOMEN, **OLD}, 100, 500),
    ({**WOMEN, **YOUNG}, 300, 500),
    ({**MEN, **OLD}, 310, 500),
    ({**MEN, **YOUNG}, 290, 500),
)


def test_crossed_groups_are_judged_and_each_label_alone() -> None:
    cells = outcomes(*CROSSED).cells
    compared = {pair.group.labels for pair in pairs(DisparityDetector(), cells)}
    assert compared == {
        *(tuple(sorted(labels.items())) for labels, _, _ in CROSSED),
        *(tuple(labels.items()) for labels in (MEN, WOMEN, OLD, YOUNG)),
    }
    assert len(pairs(DisparityDetector(), cells)) == 4 * 3 + 2 + 2
    assert len(pairs(LARGEST, cells)) == 3 + 1 + 1
    assert judged(*CROSSED)[0].segment == {**WOMEN, **OLD}


def test_a_difference_that_only_a_label_alone_shows_is_found() -> None:
    """Each crossed group has too few outcomes, all women together have not."""
    cells = tuple((labels | {"age": f"a{i}"}, good, 80) for i in range(10) for labels, good in ((WOMEN, 28), (MEN, 56)))
    found, _ = judged(*cells)
    assert (found.verdict, found.segment) == (Verdict.BREACH, WOMEN)


def test_a_named_reference_is_pooled_and_not_compared_with_itself() -> None:
    compared = pairs(NAMED, outcomes(*CROSSED).cells)
    assert {pair.other.labels for pair in compared} == {(("sex", "m"),)}
    assert {pair.other.total for pair in compared} == {1_000}
    assert {dict(pair.group.labels)["sex"] for pair in compared} == {"f"}
    assert len(compared) == 3, "of labels without the reference's, nobody is compared"


def test_a_named_reference_that_is_missing_is_said() -> None:
    for cells in (
        (({"sex": "f"}, 5, 1_000), ({"sex": "x"}, 5, 1_000)),
        (({"sex": "m"}, 5, 99), ({"sex": "f"}, 5, 900)),
    ):
        found, _ = judged(*cells, settings=NAMED)
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.GROUP_MISSING)


def test_a_difference_is_judged_besides_the_ratio() -> None:
    cells = (({"g": "a"}, 900, 1_000), ({"g": "b"}, 750, 1_000))
    lax = DisparityDetector(min_ratio=0.5)
    assert judged(*cells, settings=lax)[0].verdict is Verdict.HEALTHY
    assert judged(*cells, settings=lax.model_copy(update={"max_difference": 0.05}))[0].verdict is Verdict.BREACH


def test_it_lasts_until_it_is_no_finding() -> None:
    _, memory = judged(({"g": "a"}, 800, 1_000), ({"g": "b"}, 400, 1_000))
    still = (({"g": "a"}, 800, 1_000), ({"g": "b"}, 580, 1_000))
    over = (({"g": "a"}, 800, 1_000), ({"g": "b"}, 700, 1_000))
    assert judged(*still)[0].verdict is Verdict.HEALTHY
    found, after = judged(*still, memory=memory)
    assert (found.verdict, after) == (Verdict.BREACH, memory)
    assert judged(*still, memory=after) == (found, after)
    assert judged(*over, memory=memory)[1] is None


def test_nobody_favoured_is_nobody_disfavoured() -> None:
    assert judged(({"g": "a"}, 0, 1_000), ({"g": "b"}, 0, 1_000))[0].verdict is Verdict.HEALTHY


@pytest.mark.parametrize("bad", [(-5, 1_000), (2_000, 1_000), (5, -3), (0, 0)])
def test_impossible_cells_do_no_harm(bad: tuple[int, int]) -> None:
    assert judged(({"g": "a"}, 800, 1_000), ({"g": "b"}, *bad))[0].verdict in set(Verdict)


@pytest.mark.parametrize("groups", [2, 6])
def test_false_alarms_are_as_rare_as_was_asked_at_the_edge(groups: int) -> None:
    """All groups but one are exactly at the limit, and the best is picked by looking."""
    windows, models, every = 40, 250, 20
    known = Known(Disparity(), DisparityDetector, replace(Outcomes(), groups=groups))
    fleet = Fleet(known, models, 1, every, np.random.default_rng(6))
    stream = fleet.windows()
    alarms = sum(len(next(stream).alarms()) for _ in range(windows))
    assert 0 < alarms <= windows * models / every

"""`disparity`: one label with each kind of reference, two labels, and a difference besides the ratio."""

from knowngood.api.detectors import DisparityDetector, GroupReference, ReferenceGroup
from knowngood.core.detectors.disparity import Disparity
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.sample import Cell, Sample
from tests.conformance.detectors.cases.case import Case


def sample(*cells: tuple[dict[str, str], int, int]) -> Sample:
    """Outcomes as the input gives them."""
    good, total = sum(c[1] for c in cells), sum(c[2] for c in cells)
    groups = tuple(Cell(*cell) for cell in cells)
    return Sample({}, DataState.OK, good / total, total, hits=good, cells=groups)


_A, _B, _C = {"group": "a"}, {"group": "b"}, {"group": "c"}
_FAIR = (
    sample((_A, 600, 1_000), (_B, 290, 500), (_C, 1, 20)),
    sample((_A, 60, 100), (_B, 70, 150)),
)
_UNFAIR = (sample((_A, 600, 1_000), (_B, 150, 500), (_C, 1, 20)),)
_CROSSED = (
    sample(
        ({"sex": "f", "age": "old"}, 100, 500),
        ({"sex": "f", "age": "young"}, 300, 500),
        ({"sex": "m", "age": "old"}, 310, 500),
        ({"sex": "m", "age": "young"}, 290, 500),
    ),
)

CASES = (
    Case(Disparity(), DisparityDetector(), _FAIR, _UNFAIR, window=1_800.0, label="best"),
    Case(
        Disparity(),
        DisparityDetector(reference_group=ReferenceGroup.LARGEST_GROUP),
        _FAIR,
        _UNFAIR,
        window=1_800.0,
        label="largest",
    ),
    Case(
        Disparity(),
        DisparityDetector(reference=GroupReference(group={"sex": "m"}), min_samples=50),
        (sample(({"sex": "f", "age": "old"}, 280, 500), ({"sex": "m", "age": "old"}, 310, 500)),),
        _CROSSED,
        window=1_800.0,
        label="named",
    ),
    Case(
        Disparity(),
        DisparityDetector(min_ratio=0.5, max_difference=0.15),
        _FAIR,
        (sample((_A, 900, 1_000), (_B, 300, 500)),),
        window=1_800.0,
        label="difference",
    ),
)

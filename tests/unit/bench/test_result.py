"""The bench contract and the arithmetic of its figures."""

import json
from pathlib import Path

import pytest

from bench.__main__ import BENCHES, main
from bench.result import percentile, result


def test_the_file_holds_what_the_contract_names(tmp_path: Path) -> None:
    path = result("P9", 1.5, "s", "<= 2", True, peer=3, floor=1).write(tmp_path)
    content = json.loads(path.read_text())
    assert set(content) == {"id", "figure", "unit", "goal", "peer", "floor", "ok", "machine", "at"}
    assert path.name == "P9.json"


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentiles_are_by_nearest_rank(share: float, expected: int) -> None:
    assert percentile(list(range(1, 101)), share) == expected


def test_the_99th_percentile_of_few_is_the_largest() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0


def test_an_unknown_name_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["P77"]) == 2
    said = capsys.readouterr().err
    assert "P77" in said
    assert all(name in said for name in BENCHES)

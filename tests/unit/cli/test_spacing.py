"""A file whose rows are too far apart for its windows: told with what to write, where else nothing would be said."""

from pathlib import Path
from typing import Any

import pytest

from knowngood.cli.backtest.samples import Samples
from knowngood.cli.backtest.spacing import sparse
from tests import builders as b
from tests.unit.cli import history as h

pytestmark = pytest.mark.unit
HOUR = 3600.0


def test_rows_by_the_hour_of_a_window_of_a_minute(tmp_path: Path) -> None:
    path = h.values(tmp_path / "v.csv", h.windows(lambda _: 0.97, hours=48, every=HOUR))
    result = h.run(h.policy(tmp_path / "p.yaml"), "--samples", path)
    assert result.exit_code == 0, result.output
    assert "note: accuracy: its rows are 1h apart, and each counts for 1m" in result.stdout
    assert "write a row every 1m, or window: 1h in the policy" in result.stdout


def test_a_query_has_no_window_to_make_longer(tmp_path: Path) -> None:
    signal = h.signal(promql={"query": "model_confidence"}, detector={"trend": {"over": "30d"}})
    del signal["ratio"]
    rows = [[at, name, *rest[:2], "0.97"] for at, name, *rest in h.windows(lambda _: 0.97, hours=48, every=HOUR)]
    path = h.values(tmp_path / "v.csv", rows, ("timestamp", "signal", "model", "release", "value"))
    result = h.run(h.policy(tmp_path / "p.yaml", signal), "--samples", path)
    told = result.stdout + result.stderr
    assert "its rows are 1h apart, and each counts for 15s" in told
    assert "write a row every 15s, or interval: 1h in the policy" in told


def raw(gap: float) -> Samples:
    found = Samples()
    for number in range(10):
        for name in ("good_total", "all_total"):
            found.add({"__name__": name}, number * gap, float(number))
    return found


@pytest.mark.parametrize(
    ("gap", "changes", "said"),
    [
        (5.0, {}, ""),
        (60.0, {}, "its samples are 1m apart, too far to count anything in a window of 20s"),
        (60.0, {"ratio": {"window": "1m"}, "detector": {"threshold": None, "change": {}}}, ""),
        (600.0, {"ratio": {"window": "1h"}}, "Prometheus looks back 5m"),
    ],
)
def test_raw_samples(gap: float, changes: dict[str, Any], said: str) -> None:
    signal = b.compiled(changes)
    found = sparse(raw(gap), [signal], {signal.name: "ratio"})
    assert said in found.get(signal.name, "") if said else not found

"""The simulations count what they say they count."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from bench.d3 import optimal
from bench.simulate import Gaussian, RunLength, Shares, delay, run_length
from knowngood.api.observed import Verdict
from knowngood.core.detectors.judgement import Judgement
from knowngood.core.detectors.port import Case, Judged, Span

NULL = Gaussian(0.5, 200)


class Every:
    """In breach for three windows at every tenth that it sees."""

    name: ClassVar[str] = "every"
    whole_windows: ClassVar[bool] = True
    learns: ClassVar[bool] = False
    memory: ClassVar[type | None] = int

    def judge(self, settings: Any, cases: Sequence[Case], span: Span) -> list[Judged]:
        counts = [(case.memory or 0) + 1 for case in cases]
        return [
            (Judgement(Verdict.BREACH if n % 10 in (0, 1, 2) and n > 9 else Verdict.HEALTHY, "Why"), n) for n in counts
        ]


def test_an_alarm_is_the_beginning_of_a_breach_and_its_windows_do_not_count() -> None:
    found = run_length(Every(), None, NULL, 100, 7, seed=1)
    assert found.by_model == [10] * 7
    assert found.windows == 7 * (100 - 9 * 3)
    assert found.error == 1, "of models that are all alike nothing is known"


def test_where_nothing_alarmed_a_bound_is_known_all_the_same() -> None:
    assert RunLength(9_000, [0] * 10).least == 3_000
    assert RunLength(9_000, [1, 2, 3]).least == pytest.approx(1_500 * (1 - RunLength(9_000, [1, 2, 3]).error))


def test_segments_of_one_model_are_one_run() -> None:
    assert run_length(Every(), None, NULL, 100, 8, seed=1, segments=4).by_model == [10, 10]


def test_the_first_shifted_window_counts() -> None:
    assert delay(Every(), None, NULL, 1.0, 3, seed=1, before=4) == 6


def test_baselines_are_of_data_with_that_autocorrelation() -> None:
    found = Gaussian(0.5, 1_000).baselines(np.random.default_rng(1), 20)
    assert np.mean([each.phi for each in found]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([each.mean for each in found]) == pytest.approx(0.8, abs=0.002)


def test_shares_of_chance_alone_are_not_over_dispersed() -> None:
    found = Shares().baselines(np.random.default_rng(1), 200)
    assert np.mean([each.dispersion for each in found]) == pytest.approx(1, abs=0.02)
    assert np.mean([each.hits / each.total for each in found]) == pytest.approx(0.97, abs=0.001)


def test_who_knows_a_larger_shift_is_quicker() -> None:
    assert optimal(2.0) < optimal(1.5) < optimal(1.0)

"""Since when a verdict has been so."""

from dataclasses import replace

import pytest

from knowngood.api.observed import Verdict
from knowngood.shell.board import Board
from tests import builders as b

pytestmark = pytest.mark.unit


def test_what_is_healthy_for_a_while_is_not_so_for_a_release_that_is_judged_only_now() -> None:
    board, signal = Board().of((b.NAMESPACE, b.MODEL)), b.compiled()
    alone = b.judged(Verdict.HEALTHY, "good")
    both = replace(alone, judgement=replace(alone.judgement, beside=frozenset({b.BAD})))
    for second, judged in ((0, alone), (5, alone), (300, both), (305, both), (310, alone)):
        board.record(signal, judged, b.at(second))
        (view,) = board.views.values()
        assert view.since == b.at(0 if second < 300 else 300)

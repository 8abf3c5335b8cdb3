"""The poller: requests follow from the queries and not from the models; a soak counts time once."""

import time
from typing import Any

from bench.fleet import fleet
from knowngood.core.signals.answer import Answer, DataState, Row
from knowngood.shell.board import Board
from knowngood.shell.poller import Poller


class CountingSource:
    """Answers every ratio with 0.97 of 100 for each model, and owners with each model's pod."""

    def __init__(self, models: int, tied: bool = True) -> None:
        self.models, self.tied, self.asked = models, tied, 0

    async def query(self, text: str) -> Answer:
        self.asked += 1
        return Answer(DataState.OK, rows=tuple(row for i in range(self.models) for row in self._rows(text, i)))

    def _rows(self, text: str, index: int) -> list[Row]:
        labels = {"namespace": "bench", "model": f"m{index}", "release": "1"}
        if text.startswith("group"):
            return [Row({**labels, "pod": f"m{index}-0"}, 1.0, 0.0)] if self.tied else []
        parts = {"good": 97.0, "total": 100.0, "value": 0.9, "time0": time.time()}
        return [Row({**labels, "knowngood_part": part}, value, 0.0) for part, value in parts.items()]


def poller(models: int, source: CountingSource) -> tuple[Poller, Board, Any]:
    store, policies = fleet(models)
    board = Board()
    made = Poller(store, policies, board, {"default": source}, lambda _: None, lambda _: None)  # type: ignore[dict-item]
    return made, board, policies.groups()[5.0]


async def test_requests_a_cycle_are_the_distinct_queries() -> None:
    for models in (1, 50):
        source = CountingSource(models)
        made, _, group = poller(models, source)
        await made.poll(group, 995.0)
        await made.poll(group, 1_000.0)
        source.asked = 0
        await made.poll(group, 1_005.0)
        assert source.asked == 3


async def test_labels_that_nothing_explains_cost_one_more_request_a_query_at_most() -> None:
    source = CountingSource(50, tied=False)
    made, _, group = poller(50, source)
    await made.poll(group, 1_000.0)
    assert source.asked <= 6


async def test_a_soak_counts_each_second_once_however_many_policies_judge() -> None:
    source = CountingSource(1)
    made, board, group = poller(1, source)
    for tick in (995.0, 1_000.0, 1_005.0, 1_005.0, 1_010.0):
        await made.poll(group, tick)
    (healthy,) = board.of(("bench", "m0")).healthy_for.values()
    assert healthy == 15.0


async def test_of_a_model_without_history_a_label_seen_once_is_not_believed() -> None:
    source = CountingSource(1)
    made, board, group = poller(1, source)
    await made.poll(group, 1_000.0)
    assert board.of(("bench", "m0")).ties == {}
    await made.poll(group, 1_005.0)
    assert list(board.of(("bench", "m0")).ties) == ["1"]

"""What a history holds before it is replayed."""

import pytest

from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.core.signals.answer import Answer, DataState, Series
from knowngood.core.signals.compiled import compile_policy
from knowngood.shell.replay.survey import absent, survey
from tests import builders as b

pytestmark = pytest.mark.unit
LABELS = {"namespace": b.NAMESPACE, "model": b.MODEL, "release": "1", "pod": "p"}


class Past:
    """Has series of every metric but one."""

    def __init__(self, absent: str) -> None:
        self.absent = absent

    async def query_range(self, text: str, start: float, end: float, step: float) -> Answer:
        found = () if text.startswith("count") and self.absent in text else (Series(LABELS, ((start, 1.0),)),)
        return Answer(DataState.OK, series=found)


def events(metric: str) -> IncidentPolicy:
    leaks = {**b.signal(name="leaks"), "events": {"metric": metric, "exposure": "asked_total", "window": "5m"}}
    del leaks["ratio"]
    return b.policy([leaks])


async def test_a_metric_that_counts_as_nothing_because_it_is_not_there_is_told() -> None:
    signals = compile_policy(events("lekas_total"), [b.model()]).signals
    past = Past("lekas_total")
    found = await absent(past, signals, 0.0, 600.0)  # type: ignore[arg-type]
    (selector,) = found["leaks"]
    assert "lekas_total" in selector
    assert (await survey(past, signals, 0.0, 600.0)).missing() == []  # type: ignore[arg-type]
    assert await absent(Past("nothing"), signals, 0.0, 600.0) == {"leaks": []}  # type: ignore[arg-type]

"""A history that does not hold what a policy asks of it: the error names what there is instead."""

from collections.abc import Mapping

import pytest

from knowngood.cli.backtest import fit
from knowngood.cli.backtest.sources import Opened
from knowngood.cli.errors import InputError
from knowngood.core.signals.answer import Answer, DataState, Series
from knowngood.core.signals.compiled import compile_policy
from knowngood.shell.replay.survey import survey
from tests import builders as b

pytestmark = pytest.mark.unit
TIMES = (0.0, 600.0)
LABELS = {"namespace": b.NAMESPACE, "app": b.MODEL, "job": "kubernetes-pods"}


class Past:
    """Has these series; owners queries show the labels that they group by."""

    def __init__(self, series: Mapping[str, Mapping[str, str]]) -> None:
        self.series = series

    async def query_range(self, text: str, start: float, end: float, step: float) -> Answer:
        found = [labels for name, labels in self.series.items() if f"{name}{{" in text]
        if text.startswith("group"):
            by = text[text.index("(") + 1 : text.index(")")].split(", ")
            found = [{k: v for k, v in labels.items() if k in by} for labels in found]
        return Answer(DataState.OK, series=tuple(Series(labels, ((start, 1.0),)) for labels in found))


async def told(series: Mapping[str, Mapping[str, str]]) -> str:
    signals, past = compile_policy(b.policy(), [b.model()]).signals, Past(series)
    found = await survey(past, signals, *TIMES)  # type: ignore[arg-type]
    with pytest.raises(InputError) as raised:
        await fit.require(found, signals, Opened(past, "past"), TIMES)  # type: ignore[arg-type]
    return str(raised.value)


async def test_a_label_that_no_series_has_is_told_with_those_that_they_have() -> None:
    said = await told({"all_total": LABELS, "good_total": LABELS})
    assert "spec.identity.model: no series of" in said
    assert said.endswith("write a label that they have: app, job")


async def test_a_metric_that_is_not_there_is_told_with_one_that_may_be_meant() -> None:
    said = await told({"all_total_bucket": LABELS, "other": LABELS})
    assert said.endswith("There is all_total_bucket: is that meant?")
    assert "is that meant" not in await told({"other": LABELS})


@pytest.mark.parametrize(
    ("more", "up", "said"),
    [
        ({"instance": "10.0.0.7:8080"}, True, ""),
        ({}, True, "series of good_total and all_total have no instance"),
        ({"instance": "10.0.0.7:8080"}, False, "there is no series of up in namespace vision"),
    ],
)
async def test_what_keeps_births_from_being_counted_is_told(more: dict[str, str], up: bool, said: str) -> None:
    scraped = {**LABELS, "model": b.MODEL, **more}
    series = {"good_total": scraped, "all_total": scraped, **({"up": scraped} if up else {})}
    signals = compile_policy(b.policy(), [b.model()]).signals
    told = await fit.births(signals, Opened(Past(series), "past"), TIMES)  # type: ignore[arg-type]
    assert said in "; ".join(told) if said else told == []


async def test_of_what_is_not_there_no_label_is_missing() -> None:
    signals = compile_policy(b.policy(), [b.model()]).signals
    assert await fit.births(signals, Opened(Past({}), "past"), TIMES) == []  # type: ignore[arg-type]

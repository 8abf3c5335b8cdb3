"""All inputs that can be asked for, by the name that a policy writes."""

from collections.abc import Callable, Mapping
from typing import Any

from knowngood.api import signals
from knowngood.api.base import KnowngoodModel
from knowngood.core.signals import events, expression, histogram, outcomes, ratio
from knowngood.core.signals.request import Ask, Request

MODELS: Mapping[str, type[KnowngoodModel]] = {
    "ratio": signals.RatioInput,
    "events": signals.EventsInput,
    "histogram": signals.HistogramInput,
    "outcomes": signals.OutcomesInput,
    "promql": signals.PromqlInput,
}
_INPUTS: dict[str, Callable[[Any, Ask], Request]] = {
    "ratio": ratio.request,
    "events": events.request,
    "histogram": histogram.request,
    "outcomes": outcomes.request,
    "promql": expression.request,
}


def supported() -> tuple[str, ...]:
    """The names of all inputs."""
    return tuple(_INPUTS)


def request(name: str, source: object, ask: Ask) -> Request:
    """What the input called ``name`` asks for. Raises FieldError where its ``source`` cannot be used."""
    return _INPUTS[name](source, ask)

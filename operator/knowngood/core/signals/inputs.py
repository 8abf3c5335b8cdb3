"""All inputs that can be asked for, by the name that a policy writes."""

from collections.abc import Callable, Mapping
from typing import Any

from knowngood.api import signals
from knowngood.api.base import KnowngoodModel
from knowngood.core.signals import events, expression, histogram, outcomes, ratio
from knowngood.core.signals.request import Ask, Request

_INPUTS: Mapping[str, tuple[type[KnowngoodModel], Callable[[Any, Ask], Request]]] = {
    "ratio": (signals.RatioInput, ratio.request),
    "events": (signals.EventsInput, events.request),
    "histogram": (signals.HistogramInput, histogram.request),
    "outcomes": (signals.OutcomesInput, outcomes.request),
    "promql": (signals.PromqlInput, expression.request),
}
MODELS = {name: model for name, (model, _) in _INPUTS.items()}


def supported() -> tuple[str, ...]:
    """The names of all inputs."""
    return tuple(_INPUTS)


def request(name: str, source: object, ask: Ask) -> Request:
    """What the input called ``name`` asks for. Raises FieldError where its ``source`` cannot be used."""
    return _INPUTS[name][1](source, ask)

"""All inputs that can be asked for, by the name that a policy writes."""

from collections.abc import Callable
from typing import Any

from knowngood.core.signals import events, expression, histogram, outcomes, ratio
from knowngood.core.signals.request import Ask, Request

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

"""One Prometheus for all tests of this directory; each test writes into a namespace of its own."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from knowngood.core.signals import inputs
from knowngood.core.signals.answer import DataState
from knowngood.core.signals.request import Ask, Request
from knowngood.core.signals.sample import Sample
from tests.integration import prometheus as p

START = 1_780_000_800.0  # a multiple of 30 minutes
EVERY = 15.0  # seconds between scrapes and between polls
_numbers = itertools.count(1)
Value = float | p.Native | None


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[p.Prometheus]:
    """The Prometheus."""
    with p.running(tmp_path_factory.mktemp("prometheus")) as found:
        yield found


@dataclass
class World:
    """One namespace of it."""

    source: p.Prometheus
    namespace: str

    def scraped(
        self,
        name: str,
        values: Sequence[Value],
        first: float = 0.0,
        every: float = EVERY,
        pod: str = "a",
        **labels: str,
    ) -> None:
        """What a target exported at each scrape, the first at ``first`` seconds after the start; None: nothing."""
        points: list[tuple[float, float | p.Native]] = []
        gone = True
        for number, value in enumerate(values):
            at = START + first + number * every
            if value is not None:
                points.append((at, value))
            elif not gone:
                points.append((at, p.STALE))
            gone = value is None
        target = {"job": "models", "instance": f"{pod}:80", "pod": pod, "namespace": self.namespace}
        self.source.write(name, {"model": "digits", "release": "1", **target, **labels}, points)

    def up(self, values: Sequence[float | None], **where: Any) -> None:
        """What Prometheus noted of a target."""
        self.scraped("up", values, **{**where, "model": "", "release": ""})

    def request(self, name: str, whole: bool = True, **fields: Any) -> Request:
        """The request of an input whose fields are as in a policy."""
        ask = Ask(self.namespace, ("model", "namespace", "release"), EVERY, whole)
        return inputs.request(name, inputs.MODELS[name].model_validate(fields), ask)

    def samples(self, request: Request, after: float) -> list[Sample]:
        """The samples of a window that ends ``after`` seconds after the start."""
        answer = self.source.ask(request.query, START + after)
        assert answer.state is DataState.OK, answer.message
        return request.decoder(answer.rows, START + after, 30)

    def one(self, request: Request, after: float) -> Sample:
        """The only sample of that window."""
        (found,) = self.samples(request, after)
        return found

    def total(self, request: Request, windows: int, first: int = 1) -> float:
        """The events of consecutive windows, from the ``first`` on, added up."""
        ends = (number * request.window for number in range(first, first + windows))
        return sum(s.hits or 0.0 for end in ends for s in self.samples(request, end))


@pytest.fixture
def world(source: p.Prometheus) -> World:
    """A namespace that nobody else writes into."""
    return World(source, f"world-{next(_numbers)}")

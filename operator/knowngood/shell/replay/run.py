"""A history from one end to the other, poll by poll, through one policy or several of its variants side by side."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import is_

from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.backtest.ledger import Ledger
from knowngood.core.backtest.openings import Opening
from knowngood.core.detectors.registry import detector
from knowngood.core.signals.answer import Answer, DataState
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.core.signals.rows import Arrangement, Rows
from knowngood.shell.facts import key_of
from knowngood.shell.replay.history import History
from knowngood.shell.replay.survey import Sightings
from knowngood.shell.replay.world import Seen, World
from knowngood.shell.sources import MetricsSource
from knowngood.shell.store import Key

_TELL_EVERY = 500  # polls
_PODLESS = "series of model {} name no pod: each release that they name is taken to run while it is exported"
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Plan:
    """What is replayed: a policy and its variants over ``models``, from ``first`` to ``last``, in seconds of the epoch.

    ``signals`` are the policy's, compiled for these models. A model of ``found`` is there from when its series are
    first seen; the others from the beginning.
    """

    policies: Sequence[IncidentPolicy]
    signals: Sequence[CompiledSignal]
    models: Sequence[ModelDeployment]
    found: frozenset[str]
    first: float
    last: float

    @property
    def interval(self) -> float:
        """Seconds between polls."""
        return self.signals[0].interval


@dataclass(frozen=True)
class Replayed:
    """What came of it: the openings of each policy in its turn, and what the first policy's signals said meanwhile.

    ``since`` tells from when each model was there.
    """

    openings: Sequence[Sequence[Opening]]
    ledger: Ledger
    since: Mapping[str, float]
    polls: int
    requests: int
    notes: Sequence[str]


class Replay:
    """One run."""

    def __init__(self, source: MetricsSource, plan: Plan) -> None:
        self._plan, self._waiting = plan, {key_of(m): m for m in plan.models}
        self._history = History(source, plan.interval, plan.last, _steps(plan.signals))
        self._worlds = [World(policy, self._history) for policy in plan.policies]
        self._sightings = Sightings(plan.signals)
        self._ledger = Ledger(plan.first, plan.last, plan.interval)
        self._since: dict[Key, float] = {}
        self._arranged: list[Arrangement | None] = []  # the answers of the poll before
        for key, model in self._waiting.items():
            self._sightings.add(key, model)

    async def run(self, progress: Progress) -> Replayed:
        """From the first poll to the last. Raises HistoryError where the source fails."""
        plan, interval = self._plan, self._plan.interval
        number, last = math.ceil(plan.first / interval - 1e-9), math.floor(plan.last / interval + 1e-9)
        polls = last - number + 1
        for poll in range(polls):
            await self._tick((number + poll) * interval)
            if poll % _TELL_EVERY == 0:
                progress(poll / polls)
        progress(1.0)
        return Replayed(
            openings=[world.openings() for world in self._worlds],
            ledger=self._ledger,
            since={key[1]: at for key, at in self._since.items()},
            polls=polls,
            requests=self._history.requests,
            notes=[_PODLESS.format(key[1]) for key in sorted(self._since) if self._worlds[0].podless(key)],
        )

    async def _tick(self, at: float) -> None:
        self._history.clock = at
        seen = await self._seen()
        for key in [k for k in self._waiting if k[1] not in self._plan.found or seen.get(k)]:
            model = self._waiting.pop(key)
            self._since[key] = at
            for world in self._worlds:
                world.add(model)
        for world in self._worlds:
            await world.tick(at, seen)
        for key in self._since:
            self._ledger.note(at, key[1], self._worlds[0].board.of(key).views.values())

    async def _seen(self) -> Seen:
        """What is exported now; nothing where it is what was exported a poll before."""
        answers = [(text, await self._history.query(text)) for text in self._sightings.queries]
        arranged = [a.rows.arrangement if isinstance(a.rows, Rows) else None for _, a in answers]
        if len(arranged) == len(self._arranged) and all(map(is_, arranged, self._arranged)) and not self._waiting:
            return {}
        self._arranged = arranged
        return self._sightings.read({text: [row.labels for row in _sure(a).rows] for text, a in answers})


def _sure(answer: Answer) -> Answer:
    return answer if answer.state is DataState.OK else Answer(DataState.OK)


def _steps(signals: Sequence[CompiledSignal]) -> dict[str, float]:
    """The windows by which signals of whole windows are asked for, by their queries."""
    return {s.query: s.window for s in signals if detector(s.detector.chosen()[0]).whole_windows}

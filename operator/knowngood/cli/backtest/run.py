"""One backtest from its options to its answer."""

import asyncio
import logging
import math
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence

import structlog

from knowngood.api.conditions import Reason
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.cli.backtest import fit
from knowngood.cli.backtest import question as q
from knowngood.cli.backtest.answer import Answer, Sweep, Turned, expectation
from knowngood.cli.backtest.request import Request
from knowngood.cli.backtest.sources import Opened, opened
from knowngood.cli.backtest.spacing import sparse
from knowngood.cli.backtest.values import Values
from knowngood.cli.backtest.words import when
from knowngood.cli.errors import InputError
from knowngood.core.backtest.ledger import ARMED, Ledger, Track
from knowngood.core.backtest.score import Known, score
from knowngood.core.incidents.onset import limit_of
from knowngood.core.signals.compiled import CompiledSignal
from knowngood.shell.replay.history import HistoryError
from knowngood.shell.replay.run import Plan, Progress, Replay, Replayed
from knowngood.shell.replay.survey import LOOK_BACK, absent, survey

_NOBODY = "no model was polled: none of the models' series is of this time; write another --since or --until"
_SELDOM = 0.5  # of the time: below it, that nothing opened says little


def backtest(request: Request, progress: Progress) -> Answer:
    """Replay. Raises InputError where anything that was given cannot be used."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    asked = q.question(request)
    expectation(request.expect, bool(request.incidents))
    with opened(request, asked) as source:
        first, last = q.span(request, time.time(), source.held)
        try:
            return asyncio.run(_answered(request, asked, source, (first, last), progress))
        except HistoryError as error:
            raise InputError(f"{source.told}: {error}") from None


async def _answered(
    request: Request, asked: q.Question, opened: Opened, times: tuple[float, float], progress: Progress
) -> Answer:
    first, last = times
    signals = q.compiled(asked.policy, asked.models)
    found = await survey(opened.source, signals, first, last)
    await fit.require(found, signals, opened, times)
    fit.require_models(found, signals, asked.models, frozenset(m.metadata.name for m in asked.written))
    models = asked.models or q.named(found, asked.policy)
    known = q.incidents(request, last, models)
    discovered = frozenset() if asked.models else frozenset(m.metadata.name for m in models)
    begun = max(first, found.span()[0] - LOOK_BACK)
    plan = Plan(asked.policies, q.compiled(asked.policy, models), models, discovered, begun, last)
    made = await Replay(opened.source, plan).run(progress)
    apart = {} if opened.file is None else sparse(opened.file, plan.signals, asked.inputs)
    counting = [s for s in plan.signals if asked.inputs[s.name] != "promql"]
    born = [] if isinstance(opened.file, Values) else await fit.births(counting, opened, times)
    missing = await absent(opened.source, _counted(asked.policy, signals), first, last)
    return Answer(
        policy=asked.policy.metadata.name,
        namespace=asked.policy.metadata.namespace,
        source=opened.told,
        first=begun,
        last=last,
        interval=plan.interval,
        polls=made.polls,
        since=made.since,
        openings=made.openings[0],
        score=score(made.openings[0], known),
        ledger=made.ledger,
        sweep=_sweep(asked, made, known),
        expected=expectation(request.expect, bool(known)),
        notes=[
            *asked.notes,
            *_later(first, begun),
            *_absent(missing),
            *born,
            *_remarked(made.ledger, [name for name, selectors in missing.items() if selectors]),
            *made.notes,
            *(f"{name}: {text}" for name, text in apart.items()),
            *_unjudged(made.ledger, apart),
            *_percent(made.ledger),
            *_seldom(made.ledger),
        ],
    )


def _later(first: float, begun: float) -> Iterator[str]:
    if begun - first > 2 * LOOK_BACK:
        yield f"there are no series of these signals before {when(begun)}: it begins there"


def _counted(policy: IncidentPolicy, signals: Sequence[CompiledSignal]) -> list[CompiledSignal]:
    """Those in which what is not there counts as 0."""
    names = {s.name for s in policy.spec.signals if s.ratio is not None or s.events is not None}
    return [signal for signal in signals if signal.name in names]


def _absent(found: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What counts as nothing because it is not there: right for what never happened, and wrong for a name misspelt."""
    for signal, selectors in found.items():
        for selector in selectors:
            yield f"{signal}: no series of {selector} in all this time; it was counted as 0. Is the name right?"


def _unjudged(ledger: Ledger, apart: Mapping[str, str]) -> Iterator[str]:
    """What was never judged. Raises InputError where that is everything: no answer is not the answer nothing.

    ``apart`` says by signal that its samples are too far from each other.
    """
    never = {key: _mostly(track) for key, track in sorted(ledger.tracks.items()) if track.armed is None}
    told = [
        f"{signal} on {model} was never judged: {word}: {apart.get(signal) or ledger.tracks[(model, signal)].why[word]}"
        for (model, signal), word in never.items()
    ]
    if not ledger.tracks:
        raise InputError(_NOBODY)
    if len(never) == len(ledger.tracks):
        longer = ". Write a longer time" if Reason.LEARNING in never.values() else ""
        raise InputError("; ".join(told) + longer)
    yield from told


def _mostly(track: Track) -> str:
    return max(track.words, key=lambda w: track.words[w])


def _remarked(ledger: Ledger, told: Collection[str]) -> Iterator[str]:
    """What was remarked on data for most of the time, but of signals of which that is ``told`` already."""
    for model, signal, track in ledger.words():
        for remark, lasted in track.remarks.items():
            if signal not in told and lasted > _SELDOM * sum(track.words.values()):
                yield f"{signal} on {model}: {remark}"


def _percent(ledger: Ledger) -> Iterator[str]:
    """Limits that may be percentages of what may be shares: always passed, or never."""
    for model, signal, track in ledger.words():
        threshold = track.threshold or ""
        limit = limit_of(threshold) if track.detector == "threshold" else None
        values = [v for v in (*track.low, *track.high) if not math.isnan(v)]
        if limit is None or not values or not (0 <= min(values) <= max(values) <= 1 < limit.value <= 100):
            continue
        yield (
            f"{signal} on {model}: its values were between {min(values):.4g} and {max(values):.4g}, and its limit is "
            f"{threshold}; where it is a share, write {threshold.split()[0]}: {limit.value / 100:g}"
        )


def _seldom(ledger: Ledger) -> Iterator[str]:
    """What could judge, and hardly did."""
    for model, signal, track in ledger.words():
        said = sum(track.words.values())
        rest = {w: s for w, s in track.words.items() if w not in ARMED}
        judged = said - sum(rest.values())
        if track.armed is not None and judged < _SELDOM * said:
            word = max(rest, key=lambda w: rest[w])
            yield f"{signal} on {model} judged in {judged / said:.1%} of the time alone; it was mostly {word}"


def _sweep(asked: q.Question, made: Replayed, known: tuple[Known, ...]) -> Sweep | None:
    if asked.dial is None:
        return None
    others = iter(made.openings[1:])
    values = []
    for variant in asked.dial.variants:
        openings = made.openings[0] if variant.written else next(others)
        values.append(Turned(variant.value, variant.written, openings, score(openings, known)))
    return Sweep(asked.dial.field, asked.dial.signals, values)

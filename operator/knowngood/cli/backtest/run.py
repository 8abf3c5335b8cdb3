"""One backtest from its options to its answer."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import structlog
from pydantic import ValidationError

from knowngood.cli.backtest import question as q
from knowngood.cli.backtest.answer import Answer, Sweep, Turned, expectation
from knowngood.cli.backtest.local import holding
from knowngood.cli.backtest.request import Request
from knowngood.cli.backtest.samples import read
from knowngood.cli.errors import InputError
from knowngood.core.backtest.score import Known, score
from knowngood.shell.replay.history import HistoryError
from knowngood.shell.replay.run import Plan, Progress, Replay, Replayed
from knowngood.shell.replay.survey import Survey, survey
from knowngood.shell.settings_errors import explain
from knowngood.shell.settings_model import Source
from knowngood.shell.settings_source import Written
from knowngood.shell.sources import PrometheusSource


def backtest(request: Request, progress: Progress) -> Answer:
    """Replay. Raises InputError where anything that was given cannot be used."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(30),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    asked = q.question(request)
    expectation(request.expect, bool(request.incidents))
    with _source(request) as (source, told, held):
        first, last = q.span(request, time.time(), held)
        try:
            return asyncio.run(_answered(request, asked, source, told, first, last, progress))
        except HistoryError as error:
            raise InputError(f"{told}: {error}") from None


@contextlib.contextmanager
def _source(request: Request) -> Iterator[tuple[PrometheusSource, str, tuple[float, float] | None]]:
    """The source, what to call it, and from when to when it holds samples where that is known."""
    if (request.prometheus is None) == (request.samples is None):
        raise InputError("write --prometheus URL or --samples FILE, one of the two")
    with contextlib.ExitStack() as stack:
        held, url = None, request.prometheus or ""
        if request.samples is not None:
            samples = read(request.samples)
            url, held = stack.enter_context(holding(samples)), samples.span()
        source = PrometheusSource("history", _settings(request, url))
        stack.callback(source.stop)
        yield source, str(request.samples or source.url), held


def _settings(request: Request, url: str) -> Source:
    raw: dict[str, object] = {
        "url": url,
        "timeout": request.timeout,
        "headers": dict(_pairs(request.headers, "--header")),
        "params": dict(_pairs(request.params, "--param")),
    }
    if request.token_file is not None:
        raw["auth"] = {"bearerTokenFile": str(_readable(request.token_file).absolute())}
    if request.ca_file is not None:
        raw["tls"] = {"caFile": str(_readable(request.ca_file).absolute())}
    try:
        return Source.model_validate(raw, context={"written": True})
    except ValidationError as error:
        raise InputError(explain(error, "--prometheus", Written({}, {})).replace("\n", "; ")) from None


def _pairs(texts: tuple[str, ...], option: str) -> Mapping[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise InputError(f"{option} {text}: write NAME=VALUE")
        found[name] = value
    return found


def _readable(path: Path) -> Path:
    try:
        path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    return path


async def _answered(
    request: Request,
    asked: q.Question,
    source: PrometheusSource,
    told: str,
    first: float,
    last: float,
    progress: Progress,
) -> Answer:
    signals = q.compiled(asked.policy, asked.models)
    found = await survey(source, signals, first, last)
    models = asked.models or q.named(found, asked.policy)
    _require_series(found, {s.name: s.selectors for s in signals}, told)
    known = q.incidents(request, last, models)
    discovered = frozenset() if asked.models else frozenset(m.metadata.name for m in models)
    begun = max(first, found.span()[0] - 300.0)
    plan = Plan(asked.policies, q.compiled(asked.policy, models), models, discovered, begun, last)
    made = await Replay(source, plan).run(progress)
    notes = [*asked.notes, *_unseen(models, made)]
    meta = asked.policy.metadata
    return Answer(
        policy=meta.name,
        namespace=meta.namespace,
        source=told,
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
        notes=notes,
    )


def _require_series(found: Survey, selectors: Mapping[str, tuple[str, ...]], told: str) -> None:
    for name in found.missing():
        raise InputError(
            f"signal {name}: {told} has no series of {' or '.join(selectors[name])} in this time; is the namespace "
            "that the scrape assigns, the metric's name, and the time right?"
        )


def _unseen(models: tuple[object, ...], made: Replayed) -> Iterator[str]:
    judged = {model for model, _ in made.ledger.tracks}
    for model in models:
        name = model.metadata.name  # type: ignore[attr-defined]
        if name not in judged:
            yield f"model {name} has no series in this time"


def _sweep(asked: q.Question, made: Replayed, known: tuple[Known, ...]) -> Sweep | None:
    if asked.dial is None:
        return None
    others = iter(made.openings[1:])
    values = []
    for variant in asked.dial.variants:
        openings = made.openings[0] if variant.written else next(others)
        values.append(Turned(variant.value, variant.written, openings, score(openings, known)))
    return Sweep(asked.dial.field, asked.dial.signals, values)

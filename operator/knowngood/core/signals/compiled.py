"""An IncidentPolicy's signals as requests to a metrics source.

What cannot be compiled is a Problem with the field, its value and what to write; the other signals go on.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

from knowngood.api.common import IncidentType, Severity
from knowngood.api.conditions import Reason
from knowngood.api.detectors import Detector
from knowngood.api.durations import seconds, text
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.signals import NoData, PromqlInput, RatioInput, Signal
from knowngood.core.signals import cost, expression, ratio
from knowngood.core.signals.answer import Row
from knowngood.core.signals.sample import Sample
from knowngood.core.signals.scope import NAMESPACE, QueryError, parse, scoped

POD = "pod"
_LEAST_STALE_SECONDS = 30.0
_INPUTS = ("ratio", "events", "histogram", "outcomes", "promql", "preset")
DETECTORS = ("threshold", "change", "disparity", "burst", "occurrence", "trend", "comparison")
NEEDED = 50  # windows of a baseline, where the policy says nothing


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a policy asks for that cannot be done."""

    reason: Reason
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


@dataclass(frozen=True, slots=True)
class CompiledSignal:
    """A signal ready to be asked: one request serves all models of its policy.

    ``window`` and ``stale_after`` are in seconds. ``weighed``: ratios of counts may be
    pooled. ``selectors`` are what it reads, for evidence; ``owners`` asks which pods export its series. ``needed``
    windows make a baseline. ``measured`` stands for what is asked, and ``judged_by`` for that and how it is judged:
    what was learned or remembered under another one is of no use.
    """

    namespace: str
    policy: str
    name: str
    type: IncidentType
    severity: Severity
    source: str
    interval: float
    window: float
    query: str
    selectors: tuple[str, ...]
    model_label: str
    release_label: str
    by_release: bool
    owners: str
    weighed: bool
    stale_after: float
    detector: Detector
    no_data: NoData
    decoder: Callable[[Iterable[Row], float, float], list[Sample]]
    needed: int
    measured: str
    judged_by: str

    def decode(self, rows: Iterable[Row], now: float) -> list[Sample]:
        """Samples of an answer's rows, at ``now`` (seconds since the epoch)."""
        return self.decoder(rows, now, self.stale_after)


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """A policy's signals that can be asked, and the problems of those that cannot."""

    namespace: str
    name: str
    signals: tuple[CompiledSignal, ...]
    problems: tuple[Problem, ...]


def model_matchers(model: ModelDeployment, label: str) -> Mapping[str, str]:
    """The labels that tell this model's series from others': spec.series, else ``label`` with the model's name."""
    series = model.spec.series
    if series is not None and label in series.match_labels:
        return series.match_labels
    return {label: model.metadata.name}


def compile_policy(policy: IncidentPolicy, models: Iterable[ModelDeployment]) -> CompiledPolicy:
    """Compile the signals of ``policy`` for ``models``, which are those that it selects."""
    compiled: list[CompiledSignal] = []
    problems = list(_unsupported(policy))
    chosen = tuple(models)
    too_often = seconds(policy.spec.interval) < cost.MIN_INTERVAL.total_seconds()
    if too_often:
        least = text(cost.MIN_INTERVAL.total_seconds())
        why = f"{policy.spec.interval} is shorter than {least}, so that nothing is judged; write at least {least}"
        problems.append(Problem(Reason.INVALID, "spec.interval", why))
    for signal in () if too_often else policy.spec.signals:
        found = _compile_signal(policy, signal, chosen)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            compiled.append(found)
    return CompiledPolicy(policy.metadata.namespace, policy.metadata.name, tuple(compiled), tuple(problems))


def _unsupported(policy: IncidentPolicy) -> Iterable[Problem]:
    spec = policy.spec
    if spec.integrity is not None:
        yield _not_supported("spec.integrity", "integrity checks are not supported by this version; remove the block")
    if spec.silences:
        yield _not_supported("spec.silences", "silences are not supported by this version; write an empty list")
    if spec.notify:
        yield _not_supported("spec.notify", "sinks are not supported by this version; Events and the log are written")


def _not_supported(field: str, message: str) -> Problem:
    return Problem(Reason.NOT_SUPPORTED, field, message)


def _compile_signal(
    policy: IncidentPolicy, signal: Signal, models: tuple[ModelDeployment, ...]
) -> CompiledSignal | Problem:
    field = f"spec.signals[{signal.name}]"
    if not isinstance(source := signal.ratio or signal.promql, (RatioInput, PromqlInput)):
        named = next((n for n in _INPUTS if getattr(signal, n) is not None), "input")
        return _not_supported(f"{field}.{named}", f"{named} is not supported by this version; write ratio or promql")
    if signal.detector is None:
        return Problem(Reason.INVALID, f"{field}.detector", "missing; write a detector, for example threshold")
    detector = signal.detector.chosen()[0]
    if detector not in DETECTORS:
        return _not_supported(f"{field}.detector.{detector}", "not supported by this version; write threshold")
    if signal.type is None or signal.severity is None:
        return Problem(Reason.INVALID, field, "type and severity are missing; write both")
    identity = policy.spec.identity.overridden(signal.identity)
    by = _group(models, identity.model, identity.release or POD)
    try:
        query, selectors, reach, decoder = _request(source, policy.metadata.namespace, by)
    except _FieldError as error:
        return Problem(Reason.INVALID, f"{field}.{error.field}", str(error.problem))
    interval = seconds(policy.spec.interval)
    window = max(reach, interval) if isinstance(source, PromqlInput) else reach
    return CompiledSignal(
        namespace=policy.metadata.namespace,
        policy=policy.metadata.name,
        name=signal.name,
        type=signal.type,
        severity=signal.severity,
        source=policy.spec.source_ref.name,
        interval=interval,
        window=window,
        query=query,
        selectors=tuple(selectors),
        model_label=identity.model,
        release_label=identity.release or POD,
        by_release=identity.release is not None,
        owners=_owners(selectors, by),
        weighed=isinstance(source, RatioInput),
        stale_after=max(window if isinstance(source, RatioInput) else 0.0, 3 * interval, _LEAST_STALE_SECONDS),
        detector=signal.detector,
        no_data=signal.no_data,
        decoder=decoder,
        needed=policy.spec.learning.windows if policy.spec.learning else NEEDED,
        measured=_mark(query, f"{window:g}"),
        judged_by=_mark(query, f"{window:g}", signal.detector.model_dump_json()),
    )


def _mark(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _owners(selectors: Iterable[str], by: Iterable[str]) -> str:
    """PromQL that yields one row for each group and pod."""
    labels = ", ".join(sorted({*by, POD}))
    return " or ".join(f"group by ({labels}) ({selector})" for selector in selectors)


def _group(models: tuple[ModelDeployment, ...], model_label: str, release_label: str) -> tuple[str, ...]:
    """The labels to group by, sorted, so that equal policies ask equal queries."""
    used = {label for model in models for label in model_matchers(model, model_label)}
    return tuple(sorted({NAMESPACE, model_label, release_label} | used))


Decoder = Callable[[Iterable[Row], float, float], list[Sample]]


class _FieldError(Exception):
    """A QueryError with the field that it is about."""

    def __init__(self, field: str, problem: QueryError) -> None:
        super().__init__(field, problem)
        self.field, self.problem = field, problem


def _scoped(field: str, query: str, namespace: str) -> str:
    held = _held(query, namespace)
    if isinstance(held, QueryError):
        raise _FieldError(field, held)
    return held


@lru_cache(maxsize=8192)  # policies are compiled anew whenever a model changes; a query that is dear to read is not
def _held(query: str, namespace: str) -> str | QueryError:
    try:
        held = scoped(query, namespace)
    except QueryError as error:
        return error.with_traceback(None)
    problem = cost.tree_problem(parse(held))
    return QueryError(problem) if problem else held


def _request(
    source: RatioInput | PromqlInput, namespace: str, by: tuple[str, ...]
) -> tuple[str, list[str], float, Decoder]:
    """The request, the selectors it reads, how far back it reaches (seconds), and what reads the answer."""
    if isinstance(source, RatioInput):
        if seconds(source.window) > cost.MAX_REACH.total_seconds():
            why = f"{source.window} is longer than {cost.MAX_REACH.days}d; write a shorter window"
            raise _FieldError("ratio.window", QueryError(why))
        good, total = _scoped("ratio.good", source.good, namespace), _scoped("ratio.total", source.total, namespace)
        return ratio.query(good, total, source.window, by), [good, total], seconds(source.window), ratio.decode
    value = _scoped("promql.query", source.query, namespace)
    samples = _scoped("promql.samples", source.samples, namespace) if source.samples else None
    field = "promql.query"
    try:
        expression.query(value, None, by)
        field = "promql.samples"
        whole = expression.query(value, samples, by)
    except QueryError as error:
        raise _FieldError(field, error) from error
    decoder = partial(expression.decode, counted=samples is not None, aged=not expression.asks_for_absence(value))
    return whole, expression.sources(value), expression.window(value), decoder

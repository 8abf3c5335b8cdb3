"""An IncidentPolicy's signals as requests to a metrics source.

What cannot be compiled is a Problem with the field, its value and what to write; the other signals go on.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from knowngood.api.common import IncidentType, Severity
from knowngood.api.conditions import Reason
from knowngood.api.detectors import Detector
from knowngood.api.durations import seconds, text
from knowngood.api.incidentpolicy import IncidentPolicy, Season
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.signals import NoData, PromqlInput, Signal
from knowngood.core.signals import cost, fitting, inputs
from knowngood.core.signals.answer import Row
from knowngood.core.signals.keeping import keeps
from knowngood.core.signals.request import Ask, Decoder, FieldError, Pool, Request
from knowngood.core.signals.sample import Samples
from knowngood.core.signals.scope import NAMESPACE, parse, quoted
from knowngood.core.signals.season import LENGTH

POD = "pod"
_LEAST_STALE_SECONDS = 30.0
DETECTORS = ("threshold", "drift", "change", "disparity", "burst", "occurrence", "trend", "comparison")
SLIDING = ("threshold", "occurrence")  # detectors that judge the sliding window at every poll; the others whole ones
WITHOUT_SEASON = ("trend",)  # what one part is like says nothing of the way from one to the next
NEEDED = 100  # windows of a baseline, where the policy says nothing


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

    ``window`` and ``stale_after`` are in seconds. ``selectors`` are what it reads, for evidence; ``owners`` asks which
    pods export its series. ``pool`` makes one sample of several pods' samples, None where that cannot be done.
    ``shares``: hits are some of what is counted. ``needed`` windows make a baseline, in a ``season`` one part's.
    ``measured`` stands for what is asked, and ``judged_by`` for that and how it is judged: what was learned or
    remembered under another one is of no use. ``mostly`` may be asked instead of ``query``, with ``about`` for those
    models alone whose series it calls new.
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
    pool: Pool | None
    shares: bool
    stale_after: float
    detector: Detector
    no_data: NoData
    decoder: Decoder
    needed: int
    season: Season | None
    measured: str
    judged_by: str
    mostly: str
    vital: tuple[str, str] | None
    about: Callable[[tuple[str, ...]], str]

    def decode(self, rows: Iterable[Row], now: float) -> Samples:
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


Shape = frozenset[str]
"""The labels by which a model's series are told, if it says so; only these make two models' requests differ."""


def shape(model: ModelDeployment) -> Shape:
    """The labels that ``model`` names in spec.series."""
    return frozenset(model.spec.series.match_labels) if model.spec.series else frozenset()


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
    name, source = signal.input()
    if name not in inputs.supported():
        known = ", ".join(inputs.supported())
        return _not_supported(f"{field}.{name}", f"{name} is not supported by this version; write one of {known}")
    if signal.detector is None:
        return Problem(Reason.INVALID, f"{field}.detector", "missing; write a detector, for example threshold")
    detector = signal.detector.chosen()[0]
    if detector not in DETECTORS:
        return _not_supported(f"{field}.detector.{detector}", "not supported by this version; write threshold")
    if signal.type is None or signal.severity is None:
        return Problem(Reason.INVALID, field, "type and severity are missing; write both")
    if (misfit := fitting.misfit(name, signal.detector)) is not None:
        return Problem(Reason.INVALID, f"{field}.{misfit[0]}", misfit[1])
    season = policy.spec.learning.season if policy.spec.learning else None
    if season and detector in WITHOUT_SEASON:
        why = "it looks across the parts of a season; move the signal to a policy without spec.learning.season"
        return Problem(Reason.INVALID, f"{field}.detector.{detector}", why)
    identity = policy.spec.identity.overridden(signal.identity)
    by = _group(models, identity.model, identity.release or POD)
    ask = Ask(policy.metadata.namespace, by, seconds(policy.spec.interval), whole=detector not in SLIDING)
    try:
        request = inputs.request(name, source, ask)
    except FieldError as error:
        return Problem(Reason.INVALID, f"{field}.{name}.{error.field}", str(error.problem))
    if isinstance(source, PromqlInput) and not keeps(parse(source.query), identity.model):
        why = (
            f"its result has no label {identity.model} (identity.model), by which models are told apart, so that "
            f"nobody would be judged; keep it, for example avg by ({', '.join(by)}) (…)"
        )
        return Problem(Reason.INVALID, f"{field}.promql.query", why)
    if season and detector not in SLIDING and 2 * request.window > (longest := LENGTH[season]):
        why = (
            f"is too long for parts of {text(longest)}, of which each needs several; write {text(longest / 2)} or less"
        )
        return Problem(Reason.INVALID, f"{field}.{name}.window", why)
    asked = (request.query, f"{request.window:g}", *([season.value] if season else []))
    return CompiledSignal(
        namespace=policy.metadata.namespace,
        policy=policy.metadata.name,
        name=signal.name,
        type=signal.type,
        severity=signal.severity,
        source=policy.spec.source_ref.name,
        interval=ask.interval,
        window=request.window,
        query=request.query,
        selectors=request.selectors,
        model_label=identity.model,
        release_label=identity.release or POD,
        by_release=identity.release is not None,
        owners=_owners(request, by),
        pool=request.pool,
        shares=request.shares,
        stale_after=max(request.patience, 3 * ask.interval, _LEAST_STALE_SECONDS),
        detector=signal.detector,
        no_data=signal.no_data,
        decoder=request.decoder,
        needed=policy.spec.learning.windows if policy.spec.learning else NEEDED,
        season=season,
        measured=_mark(*asked),
        judged_by=_mark(*asked, signal.detector.model_dump_json()),
        mostly=request.mostly,
        vital=request.vital,
        about=lru_cache(maxsize=2)(partial(_about, name, source, ask, identity.model)),
    )


def _about(name: str, source: object, ask: Ask, label: str, models: tuple[str, ...]) -> str:
    """The query for the models with these values of the label."""
    matcher = f"{label}=~{quoted('|'.join(map(re.escape, models)))}"
    return inputs.request(name, source, replace(ask, only=matcher)).query


def _mark(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _owners(request: Request, by: Iterable[str]) -> str:
    """PromQL that yields one row for each group and pod."""
    labels = ", ".join(sorted({*by, POD}))
    return " or ".join(f"group by ({labels}) ({selector})" for selector in request.owned)


def _group(models: tuple[ModelDeployment, ...], model_label: str, release_label: str) -> tuple[str, ...]:
    """The labels to group by, sorted, so that equal policies ask equal queries."""
    used = {label for model in models for label in model_matchers(model, model_label)}
    return tuple(sorted({NAMESPACE, model_label, release_label} | used))

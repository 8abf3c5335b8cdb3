"""The question of a backtest, read: which policy over which history, which models, which incidents are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from knowngood.api.conditions import Reason
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.cli.backtest import manifests, times
from knowngood.cli.backtest.request import Request
from knowngood.cli.errors import InputError
from knowngood.core.backtest.dial import Dial, DialError, dial
from knowngood.core.backtest.score import Known
from knowngood.core.signals.compiled import CompiledSignal, Problem, compile_policy
from knowngood.shell.replay.survey import Survey

SINCE = "30d"


@dataclass(frozen=True)
class Question:
    """All that is known before the history is looked at. ``models`` empty: those that the series name."""

    policy: IncidentPolicy
    models: tuple[ModelDeployment, ...]
    dial: Dial | None
    notes: tuple[str, ...]
    written: tuple[ModelDeployment, ...] = ()  # those that --model names

    @property
    def inputs(self) -> Mapping[str, str]:
        """What each signal's input is called, by the signal's name."""
        return {signal.name: signal.input()[0] for signal in self.policy.spec.signals}

    @property
    def policies(self) -> tuple[IncidentPolicy, ...]:
        """The policy as it is written, then its variants."""
        return (self.policy, *(v.policy for v in self.dial.variants if not v.written)) if self.dial else (self.policy,)


def question(request: Request) -> Question:
    """Read what the files and options say. Raises InputError."""
    found = manifests.objects(request.policy)
    policy = manifests.policy_of(request.policy, found, request.namespace)
    written = [manifests.model_written(text, policy) for text in request.models]
    models = list(written)
    if request.models_file is not None:
        models += manifests.models_of(request.models_file, manifests.objects(request.models_file), policy)
        _require(models, request.models_file, policy)
    elif not models and any(raw["kind"] == "ModelDeployment" for raw in found):
        models = manifests.models_of(request.policy, found, policy)
        _require(models, request.policy, policy)
    notes = [f"{field} is not replayed" for field in _left_out(policy)]
    notes += [f"spec.suspend of model {m.metadata.name} is not heeded" for m in models if m.spec.suspend]
    kept = manifests.recording_only(policy, request.signals)
    if not kept.spec.signals:
        raise InputError(f"{request.policy}: spec.signals is empty: there is nothing to replay")
    if not models or request.models:
        kept = manifests.everyone(kept)
    try:
        turned = dial(kept, request.sweep) if request.sweep is not None else None
    except DialError as error:
        raise InputError(f"--sweep {error}") from None
    return Question(kept, tuple(models), turned, tuple(notes), tuple(written))


def _require(models: Sequence[ModelDeployment], path: Path, policy: IncidentPolicy) -> None:
    if not models:
        meta = policy.metadata
        raise InputError(f"{path}: no ModelDeployment of namespace {meta.namespace} that {meta.name} selects")


def _left_out(policy: IncidentPolicy) -> list[str]:
    return ["spec.integrity"] if policy.spec.integrity is not None else []


def compiled(policy: IncidentPolicy, models: Sequence[ModelDeployment]) -> tuple[CompiledSignal, ...]:
    """The policy's signals. Raises InputError where one cannot be asked or judged."""
    made = compile_policy(policy, models)
    if made.problems:
        raise InputError("; ".join(str(problem) for problem in made.problems if _matters(problem)))
    return made.signals


def _matters(problem: Problem) -> bool:
    return problem.reason in (Reason.INVALID, Reason.NOT_SUPPORTED)


def named(found: Survey, policy: IncidentPolicy) -> tuple[ModelDeployment, ...]:
    """A model for each value of the model label that was seen, by name."""
    namespace = policy.metadata.namespace
    made: dict[str, ModelDeployment] = {}
    for value, label in sorted(found.label.items()):
        if value:
            model = manifests.model_named(value, label, namespace)
            made.setdefault(model.metadata.name, model)
    return tuple(made.values())


def span(request: Request, now: float, held: tuple[float, float] | None) -> tuple[float, float]:
    """From when until when, in seconds since the epoch; ``held`` is what samples hold. Raises InputError."""
    until = times.seconds(request.until, now, "--until") if request.until else (held[1] if held else now)
    if request.since is not None or held is None:
        since = times.seconds(request.since or SINCE, until, "--since")
    else:
        since = held[0]
    if held is not None and since == until and request.since is None and request.until is None:
        raise InputError(f"{request.samples}: all of it is of one moment; a history has a beginning and an end")
    if since >= until:
        asked = request.since or (SINCE if held is None else "(from the first sample)")
        raise InputError(f"--since {asked}, --until {request.until or 'now'}: the history ends before it begins")
    return since, until


def incidents(request: Request, until: float, models: Sequence[ModelDeployment]) -> tuple[Known, ...]:
    """The incidents that are known. Raises InputError, also where one is of a model that is not replayed."""
    found = tuple(times.known(text, until) for text in request.incidents)
    names = {m.metadata.name for m in models}
    for known in found:
        if known.model and known.model not in names:
            raise InputError(f"--incident {known.model}=…: no such model; there are {', '.join(sorted(names))}")
    return found

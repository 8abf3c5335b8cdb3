"""Where a backtest's history comes from: a Prometheus, one of its own for a file of samples, or a file of values."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from knowngood.cli.backtest.files import read
from knowngood.cli.backtest.local import holding
from knowngood.cli.backtest.question import Question, compiled
from knowngood.cli.backtest.request import Request
from knowngood.cli.backtest.samples import Samples
from knowngood.cli.backtest.values import Values, ValuesSource
from knowngood.cli.errors import InputError
from knowngood.shell.settings_errors import explain
from knowngood.shell.settings_model import Source
from knowngood.shell.settings_source import Written
from knowngood.shell.sources import MetricsSource, PrometheusSource

_WRITTEN = Written(
    variables={
        ("url",): "--prometheus",
        ("timeout",): "--timeout",
        ("headers",): "--header",
        ("params",): "--param",
        ("auth",): "--token-file",
        ("tls",): "--ca-file",
    }
)


@dataclass(frozen=True)
class Opened:
    """A source, what people call it, and from when to when it holds anything, where that is known."""

    source: MetricsSource
    told: str
    held: tuple[float, float] | None = None
    file: Samples | Values | None = None


@contextlib.contextmanager
def opened(request: Request, asked: Question) -> Iterator[Opened]:
    """The history that was asked for. Raises InputError."""
    if (request.prometheus is None) == (request.samples is None):
        raise InputError("write --prometheus URL or --samples FILE, one of the two")
    if request.prometheus is not None:
        with _prometheus(_settings(request, request.prometheus)) as source:
            yield Opened(source, source.url)
        return
    path = request.samples or Path()
    if any((request.headers, request.params, request.token_file, request.ca_file)):
        raise InputError("--header, --param, --token-file and --ca-file are of --prometheus; leave them out")
    found = read(path)
    if isinstance(found, Samples):
        with holding(found) as url, _prometheus(Source(url=url, timeout=_timeout(request))) as source:
            yield Opened(source, str(path), found.span(), found)
        return
    signals = compiled(asked.policy, asked.models)
    yield Opened(ValuesSource(found, signals, asked.inputs), str(path), found.span(), found)


@contextlib.contextmanager
def _prometheus(settings: Source) -> Iterator[PrometheusSource]:
    source = PrometheusSource("prometheus", settings)
    try:
        yield source
    finally:
        source.stop()


def _timeout(request: Request) -> float:
    return _settings(request, "http://127.0.0.1").timeout


def _settings(request: Request, url: str) -> Source:
    raw: dict[str, object] = {
        "url": url,
        "timeout": request.timeout,
        "headers": _pairs(request.headers, "--header"),
        "params": _pairs(request.params, "--param"),
    }
    if request.token_file is not None:
        raw["auth"] = {"bearerTokenFile": str(_readable(request.token_file).absolute())}
    if request.ca_file is not None:
        raw["tls"] = {"caFile": str(_readable(request.ca_file).absolute())}
    try:
        return Source.model_validate(raw, context={"written": True})
    except ValidationError as error:
        raise InputError(explain(error, "--prometheus", _WRITTEN).replace("\n", "; ")) from None


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

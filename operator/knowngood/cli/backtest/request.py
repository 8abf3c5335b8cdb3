"""What a backtest is asked for, as the command line says it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """Options, unread; each is the text of the option that is called like it."""

    policy: Path
    prometheus: str | None = None
    samples: Path | None = None
    since: str | None = None
    until: str | None = None
    namespace: str | None = None
    signals: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    models_file: Path | None = None
    incidents: tuple[str, ...] = ()
    sweep: str | None = None
    expect: str | None = None
    output: str = "text"
    svg: Path | None = None
    headers: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    token_file: Path | None = None
    ca_file: Path | None = None
    timeout: str = "2m"

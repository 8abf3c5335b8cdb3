"""Where the traffic goes and how much of it: read from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


class SettingsError(ValueError):
    """A setting is missing or cannot be used; the text says which and what to write."""


@dataclass(frozen=True)
class Settings:
    """Target and pace of the traffic; times in seconds, rate in images a second."""

    host: str
    port: int
    rate: float = 40.0
    feedback_after: float = 1.0
    timeout: float = 5.0
    workers: int = 16
    metrics_port: int = 9102
    images: Path = Path("/model/heldout.json")


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name, "")
    try:
        value = float(text or default)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e5:
        raise SettingsError(f"{name}={text!r}: a number above 0 is needed, such as {default:g}")
    return value


def _target(env: Mapping[str, str]) -> tuple[str, int]:
    if url := env.get("TARGET_URL"):
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise SettingsError(f"TARGET_URL={url!r}: write it as http://host:port")
        return parts.hostname, parts.port or 80
    host, port = env.get("DIGITS_SERVICE_HOST", ""), env.get("DIGITS_SERVICE_PORT", "")
    if not host or not port.isdigit():
        raise SettingsError(
            "DIGITS_SERVICE_HOST is not set (was the Service digits made after this pod?): write TARGET_URL"
        )
    return host, int(port)


def load(env: Mapping[str, str] | None = None) -> Settings:
    """Settings from `env` (default: the process' own); SettingsError names what is wrong."""
    env = os.environ if env is None else env
    host, port = _target(env)
    return Settings(
        host=host,
        port=port,
        rate=_number(env, "RATE", Settings.rate),
        feedback_after=_number(env, "FEEDBACK_AFTER_SECONDS", Settings.feedback_after),
        timeout=_number(env, "TIMEOUT_SECONDS", Settings.timeout),
        workers=int(_number(env, "WORKERS", Settings.workers)),
        metrics_port=int(_number(env, "METRICS_PORT", Settings.metrics_port)),
        images=Path(env.get("IMAGES", str(Settings.images))),
    )

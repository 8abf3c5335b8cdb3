"""Types of single settings: each refuses what would only fail later, and says what to write instead."""

import math
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from knowngood.api import durations

EXAMPLE_URL = "http://prometheus.monitoring:9090"
_REGISTRY = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def _duration(value: Any, info: ValidationInfo) -> float:
    written = bool(info.context and info.context.get("written"))
    if isinstance(value, str):
        try:
            found = durations.seconds(value)
        except ValueError as error:
            raise ValueError("is not a duration; write for example 10s, 5m or 1h30m") from error
    elif isinstance(value, int | float) and not isinstance(value, bool) and not written:
        found = float(value)
    else:
        raise ValueError("has no unit; write a duration with its unit, for example 10s")
    if not math.isfinite(found) or found <= 0:
        raise ValueError("is not longer than zero; write for example 10s")
    return found


def _source_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(f"is not an address; write for example {EXAMPLE_URL}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        raise ValueError(f"is not an http or https address; write for example {EXAMPLE_URL}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds credentials; write them to a mounted file and name it under auth")
    if parts.query or parts.fragment or "?" in value or "#" in value:
        raise ValueError("holds query parameters or a fragment; write parameters under params")
    if any(ord(letter) <= 32 for letter in value):
        raise ValueError(f"holds blanks or control characters; write for example {EXAMPLE_URL}")
    return value.rstrip("/")


def _registry(value: str) -> str:
    if "://" in value:
        raise ValueError("holds a scheme; write host[:port][/prefix], for example registry.example.org/models")
    if "@" in value or not _REGISTRY.fullmatch(value):
        raise ValueError(
            "is not a registry; write host[:port][/prefix] in lower case, for example registry.example.org/models"
        )
    return value


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a header name; write for example X-Scope-OrgID")
        if name.lower() in ("authorization", "proxy-authorization", "cookie"):
            raise ValueError(f"{name} is a credential; write it to a mounted file and name it under auth")
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
            raise ValueError(f"the value of {name} holds control characters; write it on one line")
    return value


def _params(value: dict[str, str]) -> dict[str, str]:
    taken = sorted({"query", "time", "start", "end", "step", "timeout"} & value.keys())
    if taken:
        raise ValueError(f"{taken[0]!r} is set by Knowngood with each request; leave it out")
    return value


def _namespace(value: str) -> str:
    if not _LABEL.fullmatch(value):
        raise ValueError("is not a name that Kubernetes allows here; write lower-case letters, digits and -")
    return value


def _subdomain(value: str) -> str:
    if len(value) > 253 or not all(_LABEL.fullmatch(part) for part in value.split(".")):
        raise ValueError("is not a name that Kubernetes allows here; write lower-case letters, digits, - and .")
    return value


def _absolute_path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("is no absolute path; write where it is mounted, like /etc/knowngood/secrets/prometheus/token")
    return value


def is_duration(metadata: list[object]) -> bool:
    """Whether a field with this metadata is a duration."""
    return any(isinstance(item, BeforeValidator) and item.func is _duration for item in metadata)


Seconds = Annotated[float, BeforeValidator(_duration)]
"""A duration in seconds; written in Prometheus' grammar (`90s`, `5m`)."""

SourceUrl = Annotated[str, AfterValidator(_source_url)]
Registry = Annotated[str, AfterValidator(_registry)]
Headers = Annotated[dict[str, str], AfterValidator(_headers)]
Params = Annotated[dict[str, str], AfterValidator(_params)]
DnsLabel = Annotated[str, AfterValidator(_namespace)]
DnsSubdomain = Annotated[str, AfterValidator(_subdomain)]
FilePath = Annotated[str, AfterValidator(_absolute_path)]

"""The operator's settings: read once, checked whole, refused with every mistake named.

`python -m knowngood.shell.settings --markdown` prints their documentation.
"""

import os
import secrets
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from knowngood.shell.settings_errors import explain
from knowngood.shell.settings_model import (
    Auth,
    BasicAuth,
    Cluster,
    Evidence,
    Http,
    LeaderElection,
    Limits,
    Log,
    Registries,
    Settings,
    Source,
    Tls,
    Watch,
)
from knowngood.shell.settings_source import (
    CONFIG_VARIABLE,
    SourceError,
    Written,
    overlay,
    read_environment,
    read_file,
)

__all__ = [
    "Auth",
    "BasicAuth",
    "Cluster",
    "Evidence",
    "Http",
    "LeaderElection",
    "Limits",
    "Log",
    "Registries",
    "Settings",
    "SettingsError",
    "Source",
    "Tls",
    "Watch",
    "load",
]

DEFAULT_PATH = Path("/etc/knowngood/config.yaml")
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class SettingsError(Exception):
    """The settings are of no use; the text names file or variable, field, value, what to write instead."""


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of this process.

    `path` defaults to $KNOWNGOOD_CONFIG, then to /etc/knowngood/config.yaml where that exists; `environ` to
    this process's own. Raises SettingsError, and nothing else, when something written is of no use.
    """
    environ = os.environ if environ is None else environ
    try:
        found = path or _path(environ)
        file_values = read_file(found) if found else {}
        written = read_environment(environ, Settings)
    except SourceError as error:
        raise SettingsError(str(error)) from error
    where = str(found) if found else "environment"
    try:
        settings = Settings.model_validate(overlay(file_values, written.values), context={"written": True})
    except ValidationError as error:
        raise SettingsError(explain(error, where, written)) from None
    problems = list(_unreadable(settings, where, written))
    if problems:
        raise SettingsError("\n".join(problems))
    return settings.model_copy(update={"leader_election": _identified(settings.leader_election, environ)})


def _path(environ: Mapping[str, str]) -> Path | None:
    named = environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    return DEFAULT_PATH if DEFAULT_PATH.exists() else None


def _identified(election: LeaderElection, environ: Mapping[str, str]) -> LeaderElection:
    namespace = election.namespace or environ.get("POD_NAMESPACE") or _service_account_namespace()
    if election.enabled and not namespace:
        raise SettingsError(
            "leaderElection.namespace: is not known outside a cluster; "
            "write KNOWNGOOD_LEADER_ELECTION__NAMESPACE, or KNOWNGOOD_LEADER_ELECTION__ENABLED=false"
        )
    identity = election.identity or environ.get("POD_NAME") or f"{socket.gethostname()}-{secrets.token_hex(4)}"
    return election.model_copy(update={"namespace": namespace, "identity": identity})


def _service_account_namespace() -> str | None:
    try:
        return NAMESPACE_FILE.read_text(encoding="ascii").strip() or None
    except OSError:
        return None


def _unreadable(settings: Settings, where: str, written: Written) -> Iterator[str]:
    for name, source in settings.sources.items():
        basic = source.auth.basic if source.auth else None
        files = {
            ("auth", "bearerTokenFile"): source.auth.bearer_token_file if source.auth else None,
            ("auth", "basic", "passwordFile"): basic.password_file if basic else None,
            ("tls", "caFile"): source.tls.ca_file,
            ("tls", "certFile"): source.tls.cert_file,
            ("tls", "keyFile"): source.tls.key_file,
        }
        for tail, path in files.items():
            if path is not None and not os.access(path, os.R_OK):
                place = ("sources", name, *tail)
                origin = written.variable_of(place) or where
                dotted = ".".join(place)
                yield f"{origin}: {dotted}: {path!r} cannot be read; write the path of a mounted file"


if __name__ == "__main__":
    from knowngood.shell.settings_docs import main

    sys.exit(main(sys.argv[1:]))

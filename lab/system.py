"""Running other programs, and the one error the lab shows to people."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class LabError(Exception):
    """Something a person can act on; its text says what."""


# Debian keeps runc, iptables and ip where an ordinary user's PATH does not look.
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def path_with_sbin() -> str:
    """PATH with the administrator's directories at its end."""
    return f"{os.environ.get('PATH', '/usr/bin:/bin')}:{_SBIN}"


def tail(text: str, lines: int = 20) -> str:
    """The last `lines` lines of a text."""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def run(
    argv: Sequence[str | Path],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    check: bool = True,
    timeout: float | None = 600,
) -> str:
    """Run a program and return what it printed.

    env is added to our own environment. Raises LabError with the last lines of
    its stderr when it fails, is not to be found, or takes more than `timeout` seconds;
    with check=False a failure returns what was printed.
    """
    words = [str(word) for word in argv]
    full = {**os.environ, "PATH": path_with_sbin(), **(env or {})}
    try:
        done = subprocess.run(words, input=stdin, env=full, cwd=cwd, capture_output=True, text=True, timeout=timeout)
    except FileNotFoundError as error:
        raise LabError(f"{words[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(words[:4])} took longer than {timeout:.0f} s") from error
    if check and done.returncode:
        raise LabError(f"{' '.join(words[:6])} failed:\n{tail(done.stderr or done.stdout)}")
    return done.stdout


def as_root(argv: Sequence[str | Path]) -> list[str | Path]:
    """The command as root: itself, or through sudo where we are not."""
    return list(argv) if os.geteuid() == 0 else ["sudo", "-n", *argv]


def require_root() -> None:
    """Raise LabError unless we are root."""
    if os.geteuid() != 0:
        raise LabError(
            "the lab makes network namespaces and mounts: run it as root or with password-less sudo,"
            " or set KUBECONFIG, PROMETHEUS_URL and REGISTRY to use a cluster that you have"
        )

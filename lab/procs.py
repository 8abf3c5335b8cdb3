"""Detached processes, known by pid, start time and boot, so that no other is ever ended."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Identity:
    """One process for all time: `start` in clock ticks since that boot."""

    pid: int
    start: int
    boot: str


def parse_stat(text: str) -> tuple[str, int]:
    """State letter and start time (ticks) of a /proc/<pid>/stat line.

    The command in parentheses may hold anything, so what follows its last one counts.
    """
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def boot_id() -> str:
    """The kernel's name for this boot."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def identify(pid: int) -> Identity | None:
    """The identity of a running process; None if there is none or it is a zombie."""
    try:
        state, start = parse_stat((_PROC / str(pid) / "stat").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else Identity(pid, start, boot_id())


def alive(identity: Identity) -> bool:
    """Whether exactly this process still runs."""
    return identify(identity.pid) == identity


def launch(argv: Sequence[str], log: Path, env: Mapping[str, str]) -> Identity:
    """Start a program in a session of its own, its output appended to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=dict(env), start_new_session=True
        )
    found = identify(child.pid)
    # A program that ended at once keeps its pid until we reap it, so this names it and nothing else.
    return found or Identity(child.pid, -1, boot_id())


def save(directory: Path, name: str, identity: Identity) -> None:
    """Record a process; before this returns the record is whole on disk."""
    directory.mkdir(parents=True, exist_ok=True)
    partial = directory / f".{name}"
    partial.write_text(json.dumps(asdict(identity)))
    partial.replace(directory / f"{name}.json")


def recorded(directory: Path) -> dict[str, Identity]:
    """All recorded processes by name; unreadable records are left out."""
    found = {}
    for path in sorted(directory.glob("*.json")):
        try:
            found[path.stem] = Identity(**json.loads(path.read_text()))
        except (ValueError, TypeError, OSError):
            continue
    return found


def wait_for(condition: Callable[[], bool], seconds: float, pause: float = 0.05) -> bool:
    """Ask until the condition holds, at most `seconds`; False when time ran out."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def end(identities: Iterable[Identity], grace: float = 5.0) -> None:
    """End processes and their groups: SIGTERM, after `grace` seconds SIGKILL."""
    left = [one for one in identities if alive(one)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for one in left:
            _kill(one, number)
        if wait_for(lambda: not any(alive(one) for one in left), grace):
            return


def _kill(identity: Identity, number: int) -> None:
    if not alive(identity):
        return
    try:
        leads = os.getpgid(identity.pid) == identity.pid
        os.killpg(identity.pid, number) if leads else os.kill(identity.pid, number)
    except ProcessLookupError:
        return

"""The operator as a process of its own, behind a proxy of its own."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.cluster import GUARD, ROOT, Surroundings
from tests.faults.proxy import Proxy

Raw = dict[str, Any]


@dataclass(frozen=True)
class Lease:
    """Leader election, in seconds."""

    duration: float = 15.0
    deadline: float = 10.0
    retry: float = 2.0

    def settings(self) -> Raw:
        """As the settings file writes it."""
        names = {"leaseDuration": self.duration, "renewDeadline": self.deadline, "retryPeriod": self.retry}
        return {name: f"{int(value * 1000)}ms" for name, value in names.items()}


DEFAULT = Lease()


@dataclass
class Operator:
    """One replica: it can be killed, stopped and continued."""

    around: Surroundings
    namespace: str
    identity: str
    lease: Lease
    proxy: Proxy
    process: subprocess.Popen[bytes] | None = field(default=None)
    killed: bool = False

    @property
    def log(self) -> Path:
        """What it wrote, over all of its lives."""
        return self.around.directory / f"{self.namespace}-{self.identity}.log"

    @property
    def said(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-20_000:] if self.log.exists() else ""

    def start(self) -> None:
        """Start it with its settings file and kubeconfig, which knows the proxy alone."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("KNOWNGOOD_")}
        path = os.pathsep.join([str(ROOT / "operator"), *filter(None, [clean.get("PYTHONPATH")])])
        env = {
            **clean,
            "PYTHONPATH": path,
            "KNOWNGOOD_CONFIG": str(self._written("settings", self._settings())),
            "KUBECONFIG": str(self._written("kubeconfig", self._kubeconfig())),
        }
        with self.log.open("ab") as out:
            command = [sys.executable, "-m", "knowngood.shell.main"]
            self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.killed = False

    def _written(self, what: str, content: Raw) -> Path:
        path = self.around.directory / f"{self.namespace}-{self.identity}.{what}.json"
        path.write_text(json.dumps(content))
        return path

    def _settings(self) -> Raw:
        election = {"namespace": self.namespace, "identity": self.identity, **self.lease.settings()}
        return {
            "sources": {"default": {"url": self.around.prometheus.url, "timeout": "5s"}},
            "watch": {"namespaces": [self.namespace], "relistInterval": "30s"},
            "leaderElection": election,
            "limits": {"maxConcurrentContainments": 1000},
            "admission": {"policy": GUARD},
            "http": {"host": "127.0.0.1", "port": 0},
            "log": {"format": "console"},
        }

    def _kubeconfig(self) -> Raw:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": self.proxy.url}}],
            "users": [{"name": "u", "user": {"token": self.around.token}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }

    def signal(self, number: int) -> None:
        """Send it a signal, whatever it is doing."""
        if self.process is not None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL; the corpse is seen by ``dead``."""
        self.killed = True
        self.signal(signal.SIGKILL)

    @property
    def dead(self) -> bool:
        """Whether it has ended."""
        return self.process is not None and self.process.poll() is not None

    def stop(self) -> None:
        """Put an end to it."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
            self.process.wait(10)

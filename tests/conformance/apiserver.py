"""A real etcd and kube-apiserver for a test session, on free loopback ports, in a directory of their own."""

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from lab import settings

LOOPBACK = "127.0.0.1"
START_SECONDS = 60
OPERATOR = "operator"
_LAST_LINES = 20


class NotStartedError(RuntimeError):
    """A server did not come up; the text holds the end of its log."""


def binary(name: str) -> Path:
    """The path of `etcd`, `kube-apiserver` or `kubectl`: from KUBEBUILDER_ASSETS, else the lab's cache."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    cached = sorted(settings.load().bin.glob(f"*/{name}"))
    for path in ([Path(assets) / name] if assets else []) + cached[::-1]:
        if os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(f"{name}: not in KUBEBUILDER_ASSETS and not in {settings.load().bin}: run `make lab` once")


@dataclass
class Answer:
    """What the API server said to one request."""

    status: int
    body: dict[str, Any]
    warnings: str

    @property
    def message(self) -> str:
        """The failure's text; empty when there was none."""
        return str(self.body.get("message", "")) if self.status >= 400 else ""


@dataclass
class ApiServer:
    """A running API server, and a client with all rights."""

    url: str
    token: str
    authority: Path
    operator_token: str = ""  # of a user with all rights too, told apart in an audit log
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """One request; `options` go to requests. Raises requests.RequestException without an answer."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        response = self.session.request(
            method,
            self.url + path,
            json=body,
            headers=headers,
            verify=str(self.authority),
            timeout=30,
            **options,
        )
        found = response.json() if "json" in response.headers.get("Content-Type", "") else {}
        return Answer(response.status_code, found, response.headers.get("Warning", ""))

    def get(self, path: str, **options: Any) -> Answer:
        """Read `path`."""
        return self.call("GET", path, **options)

    def create(self, path: str, body: Any, dry_run: bool = False) -> Answer:
        """Create with strict field validation, as `kubectl create` does."""
        params = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
        return self.call("POST", path, body, params=params)

    def patch(self, path: str, body: Any) -> Answer:
        """Merge-patch with strict field validation."""
        headers = {"Content-Type": "application/merge-patch+json"}
        return self.call("PATCH", path, body, params={"fieldValidation": "Strict"}, headers=headers)


def until(condition: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Ask every 20 ms until `condition` holds; NotStartedError names `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise NotStartedError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


@contextmanager
def running(directory: Path, *options: str) -> Iterator[ApiServer]:
    """A fresh API server, with further `options`, that keeps all it writes in `directory`; ended on leaving."""
    ports = free_ports(3)
    token, operator = secrets.token_hex(16), secrets.token_hex(16)
    users = ((token, "admin"), (operator, OPERATOR))
    (directory / "tokens.csv").write_text("".join(f'{t},{user},{user},"system:masters"\n' for t, user in users))
    key = directory / "sa.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    with (
        _server(_etcd(directory, *ports[:2]), directory / "etcd.log") as etcd,
        _server([*_apiserver(directory, ports[0], ports[2], key), *options], directory / "apiserver.log") as api,
    ):
        client = ApiServer(f"https://{LOOPBACK}:{ports[2]}", token, directory / "certs" / "apiserver.crt", operator)
        until(lambda: _ready(client, etcd, api, directory), "kube-apiserver")
        with client.session:
            yield client


def _etcd(directory: Path, client: int, peer: int) -> list[str | Path]:
    serve, talk = f"http://{LOOPBACK}:{client}", f"http://{LOOPBACK}:{peer}"
    return [
        binary("etcd"),
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls={serve}",
        f"--advertise-client-urls={serve}",
        f"--listen-peer-urls={talk}",
        f"--initial-advertise-peer-urls={talk}",
        f"--initial-cluster=default={talk}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver(directory: Path, etcd: int, port: int, key: Path) -> list[str | Path]:
    return [
        binary("kube-apiserver"),
        f"--etcd-servers=http://{LOOPBACK}:{etcd}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--cert-dir={directory / 'certs'}",
        f"--token-auth-file={directory / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--endpoint-reconciler-type=none",
    ]


@contextmanager
def _server(command: list[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            yield server
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _ready(client: ApiServer, etcd: subprocess.Popen[bytes], api: subprocess.Popen[bytes], directory: Path) -> bool:
    for name, server in (("etcd", etcd), ("apiserver", api)):
        if server.poll() is not None:
            lines = (directory / f"{name}.log").read_text(errors="replace").splitlines()
            raise NotStartedError(f"{name} ended with {server.returncode}:\n" + "\n".join(lines[-_LAST_LINES:]))
    if not client.authority.exists():
        return False
    try:
        return client.get("/readyz").status == 200 and client.get("/api/v1/namespaces/default").status == 200
    except (requests.RequestException, OSError):
        return False


def free_ports(count: int) -> list[int]:
    """As many ports of the loopback that are free now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()

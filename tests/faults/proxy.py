"""A reverse proxy before the API server that numbers the operator's writes and can spoil any one of them.

Reads and watches pass through as they are. Renewals of the Lease are numbered apart, since their number depends on
nothing but time.
"""

import asyncio
import contextlib
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import aiohttp
import orjson
from aiohttp import web

from tests.faults.writes import METHODS, Write, place_of, read_body, read_path

_HOP = frozenset(
    {"connection", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length"}
)
_REASONS = {409: "Conflict", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError"}
DROP, PASS, HANG = 0, -1, -2
"""What a client may get beside a status: no answer and a closed connection, the true answer, no answer at all."""


@dataclass(frozen=True)
class Fault:
    """What happens to one write: whether the API server gets it, when somebody strikes, what is answered."""

    name: str
    forward: bool
    strike: bool = False
    hold: bool = False  # from the strike until it is let go
    after: bool = True  # strike after the API server has committed it
    answer: int = DROP


class Faults(Enum):
    """The faults of the matrix."""

    KILL_BEFORE = Fault("killed before it was forwarded", forward=False, strike=True)
    KILL_AFTER = Fault("killed after it was committed", forward=True, strike=True)
    CONFLICT = Fault("answered 409", forward=False, answer=409)
    INVALID = Fault("answered 422", forward=False, answer=422)
    THROTTLED = Fault("answered 429", forward=False, answer=429)
    BROKEN = Fault("answered 500", forward=False, answer=500)
    LOST = Fault("committed, its answer lost", forward=True)
    COMMITTED_500 = Fault("committed, answered 500", forward=True, answer=500)
    HANGS = Fault("hanging, never forwarded", forward=False, answer=HANG)
    COMMITTED_HANGS = Fault("committed, hanging", forward=True, answer=HANG)
    STOP_BEFORE = Fault("stopped, the write on its way", forward=True, strike=True, hold=True, after=False, answer=PASS)
    STOP_AFTER = Fault("stopped, its answer on its way", forward=True, strike=True, hold=True, answer=PASS)


KILLS = (Faults.KILL_BEFORE, Faults.KILL_AFTER)
ANSWERS = (
    Faults.CONFLICT,
    Faults.INVALID,
    Faults.THROTTLED,
    Faults.BROKEN,
    Faults.LOST,
    Faults.COMMITTED_500,
)
HANGING = (Faults.HANGS, Faults.COMMITTED_HANGS)
STOPS = (Faults.STOP_BEFORE, Faults.STOP_AFTER)


@dataclass(frozen=True)
class Answered:
    """What the API server said."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass
class Poison:
    """Every write of one object is answered so, for ever; ``sub`` None: whatever subresource."""

    plural: str
    name: str  # or how it begins
    status: int
    sub: str | None = "status"
    hits: list[float] = field(default_factory=list)

    def touches(self, write: Write) -> bool:
        """Whether this write is of that object."""
        return (
            write.plural == self.plural
            and write.name.startswith(self.name)
            and write.method != "POST"
            and self.sub in (None, write.sub)
        )


class Proxy:
    """Stands between one operator and the API server; its methods may be called from any thread."""

    def __init__(self, upstream: str, authority: str) -> None:
        self._upstream = upstream
        self._tls = ssl.create_default_context(cafile=authority)
        self.writes: list[Write] = []
        self.leases: list[Write] = []
        self.poisons: list[Poison] = []
        self.reads: Counter[str] = Counter()  # by plural
        self._seen: Counter[str] = Counter()
        self._armed: tuple[str, str | None, Fault, Callable[[], None]] | None = None
        self.fired = threading.Event()
        self._released = asyncio.Event()
        self.struck: Write | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen on loopback."""
        self._loop = asyncio.get_running_loop()
        connector = aiohttp.TCPConnector(limit=0, ssl=self._tls)
        self._client = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)
        )
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Listen no more, and let go of whoever still waits."""
        self._released.set()
        await self._runner.cleanup()
        await self._client.close()

    def arm(
        self, place: str, fault: Fault, strike: Callable[[], None] = lambda: None, namespace: str | None = None
    ) -> None:
        """Spoil the next write of that place, once; with a namespace the next there, whatever others write."""
        self.fired.clear()
        self._armed = (place, namespace, fault, strike)

    def arm_next_life(self, place: str, fault: Fault, strike: Callable[[], None]) -> None:
        """Spoil the next write of that place, counted from here."""
        self._seen.clear()
        self._armed = (place, None, fault, strike)

    def release(self) -> None:
        """Let go of the write that is held."""
        self._loop.call_soon_threadsafe(self._released.set)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.method not in METHODS:
            self.reads[read_path(request.path)[0]] += 1
            return await self._pass_through(request)
        write = self._noted(request, body)
        forward = lambda: asyncio.shield(self._forward(request, body, write))  # noqa: E731
        fault, strike = self._due(write)
        if fault is None:
            return _response(await forward())
        return await self._spoil(request, write, fault, strike, forward)

    def _noted(self, request: web.Request, body: bytes) -> Write:
        plural, sub, namespace, name = read_path(request.path)
        content = read_body(body)
        place = place_of(request.method, plural, sub, content)
        self._seen[place] += 1
        if self._seen[place] > 1:
            place = f"{place} #{self._seen[place]}"
        log = self.leases if plural == "leases" else self.writes
        name = name or str((content.get("metadata") or {}).get("name", ""))
        write = Write(len(log) + 1, place, request.method, plural, sub, namespace, name, content, at=time.monotonic())
        log.append(write)
        return write

    def _due(self, write: Write) -> tuple[Fault | None, Callable[[], None]]:
        if self._armed is None:
            return None, lambda: None
        place, namespace, fault, strike = self._armed
        meant = write.place == place if namespace is None else (write.namespace, write.kind) == (namespace, place)
        if not meant:
            return None, lambda: None
        self._armed = None
        return fault, strike

    async def _spoil(
        self,
        request: web.Request,
        write: Write,
        fault: Fault,
        strike: Callable[[], None],
        forward: Callable[[], "asyncio.Future[Answered]"],
    ) -> web.StreamResponse:
        answered = await forward() if fault.forward and fault.after else None
        self.struck = write
        if fault.strike:
            strike()
        self.fired.set()
        if fault.hold:
            await self._released.wait()
        if fault.forward and answered is None:
            answered = await forward()
        if fault.answer == PASS and answered is not None:
            return _response(answered)
        if fault.answer > 0:
            return _refusal(fault.answer, write)
        if fault.answer == HANG:
            await self._released.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _forward(self, request: web.Request, body: bytes, write: Write) -> Answered:
        poison = next((p for p in self.poisons if p.touches(write)), None)
        if poison is not None:
            poison.hits.append(time.monotonic())
            return _refused(poison.status, write)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP}
        url = self._upstream + request.path_qs
        try:
            async with self._client.request(request.method, url, headers=headers, data=body) as answer:
                data = await answer.read()
        except aiohttp.ClientError:  # the world ends
            return Answered(502, (), b"")
        write.accepted, write.answered_at = answer.status, time.monotonic()
        return Answered(answer.status, _kept(answer.headers.items()), data)

    async def _pass_through(self, request: web.Request) -> web.StreamResponse:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP}
        async with self._client.get(self._upstream + request.path_qs, headers=headers) as answer:
            if "watch" not in request.query:
                return _response(Answered(answer.status, _kept(answer.headers.items()), await answer.read()))
            out = web.StreamResponse(status=answer.status, headers=dict(_kept(answer.headers.items())))
            with contextlib.suppress(ConnectionError):
                await out.prepare(request)
                async for chunk in answer.content.iter_any():
                    await out.write(chunk)
            return out


def _kept(headers: "object") -> tuple[tuple[str, str], ...]:
    return tuple((k, v) for k, v in headers if k.lower() not in _HOP)  # type: ignore[attr-defined]


def _response(answered: Answered) -> web.Response:
    return web.Response(status=answered.status, headers=dict(answered.headers), body=answered.body)


def _refusal(status: int, write: Write) -> web.Response:
    return _response(_refused(status, write))


def _refused(status: int, write: Write) -> Answered:
    reason = "AlreadyExists" if (status, write.method) == (409, "POST") else _REASONS[status]
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": f"the proxy answers {status}",
        "reason": reason,
        "code": status,
    }
    headers = (("Content-Type", "application/json"), *((("Retry-After", "1"),) if status == 429 else ()))
    return Answered(status, headers, orjson.dumps(body))


__all__ = ["ANSWERS", "HANGING", "KILLS", "STOPS", "Answered", "Fault", "Faults", "Poison", "Proxy"]

"""R9: fuzzed resources of hostile namespaces; every request that they cause is read again, wherever it goes."""

import http.server
import json
import random
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import promql_parser as promql

from bench.hostile import prom, world
from bench.hostile.fuzzed import Fuzzed, fuzzed
from bench.hostile.ground import Ground, Process, Raw, ground, path_of, until
from bench.result import Result, result
from knowngood.core.signals.scope import QueryError, parse, selectors
from tests.conformance.apiserver import OPERATOR

SEED, WHOLE, SAMPLE, BATCH = 9, 1_000, 100, 50
OWN = ("own-0", "own-1", "own-2")
VICTIM = "victim"
_MARK = re.compile(r"\bm(\d+)x_")
_WIDE = {
    "modeldeployments", "incidentpolicies", "playbooks", "aiincidents", "deployments", "statefulsets", "pods",
}  # fmt: skip


@dataclass
class Trap:
    """A socket that nobody may connect to."""

    port: int
    caught: list[str] = field(default_factory=list)


@contextmanager
def trap() -> Iterator[Trap]:
    """One on a free loopback port."""
    listener = socket.create_server(("127.0.0.1", 0))
    made = Trap(listener.getsockname()[1])

    def accept() -> None:
        while True:
            try:
                connection, peer = listener.accept()
            except OSError:
                return
            made.caught.append(f"a connection from {peer}")
            connection.close()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield made
    finally:
        listener.close()


@contextmanager
def redirecting(to: str) -> Iterator[tuple[str, list[int]]]:
    """A source that answers with every kind of redirect; gives its URL and the statuses that it gave."""
    given: list[int] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given.append((301, 302, 303, 307, 308)[len(given) % 5])
            self.send_response(given[-1])
            self.send_header("Location", to if len(given) % 2 else "http://169.254.169.254/latest/meta-data")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Stay quiet."""

    with prom.serving(Handler) as port:
        yield f"http://127.0.0.1:{port}", given


def run(prove: bool) -> Result:
    """How many requests were wrong, over all that hostile resources caused."""
    return measured(WHOLE if prove else SAMPLE)


def measured(count: int) -> Result:
    """The same of the first ``count`` resources."""
    series: dict[str, list[tuple[prom.Labels, float]]] = {}
    with (
        trap() as caught,
        redirecting(f"http://127.0.0.1:{caught.port}/") as (elsewhere, given),
        prom.running(lambda namespace: series.get(namespace, [])) as fake,
        ground() as there,
    ):
        _victim(there)
        there.namespace(*OWN)
        there.each(lambda n: there.make(world.playbook(n)), OWN)
        sources = {"default": {"url": fake.url}, "redirecting": {"url": elsewhere}}
        operator = there.operate({"sources": sources, "limits": {"maxConcurrentContainments": 10_000}})
        rng = random.Random(SEED)
        made: list[Fuzzed] = []
        fates: Counter[str] = Counter()
        for start in range(0, count, BATCH):
            batch = [fuzzed(rng, i, OWN, caught.port) for i in range(start, min(start + BATCH, count))]
            made += batch
            fates += _lived(there, batch, series, fake)
        wrong = [*_queries(fake, made), *_requests(there), *_peers(operator, there, fake, elsewhere)]
        crashes, seen = operator.crashes(), _counted(fake, there)
    wrong += caught.caught + crashes
    rows = [*((k, str(v)) for k, v in sorted(fates.items())), *seen]
    rows += [("redirects given", str(len(given))), ("connections to the trap", str(len(caught.caught)))]
    rows += [("crashes and tracebacks in the operator's log", str(len(crashes)))]
    rows += [("wrong", line[:400]) for line in wrong[:20]]
    ok = not wrong and bool(given)
    return result("R9", len(wrong), "wrong requests", f"0, of {count} fuzzed resources", ok, floor=0, rows=rows)


def _victim(there: Ground) -> None:
    """Workloads that consent, ConfigMaps and Secrets of a namespace without any resource of ours."""
    there.namespace(VICTIM)
    for name in ("digits", "m0", "secret"):
        world.deploy(there, world.deployment(VICTIM, name, name))
        for kind in ("Secret", "ConfigMap"):
            meta = {"name": name, "namespace": VICTIM}
            there.make({"apiVersion": "v1", "kind": kind, "metadata": meta})


def _lived(
    there: Ground, batch: list[Fuzzed], series: dict[str, list[tuple[prom.Labels, float]]], fake: prom.FakePrometheus
) -> Counter[str]:
    """Create, let them be judged and act, take away."""
    fates: Counter[str] = Counter()
    there.each(lambda raw: world.deploy(there, raw), [d for f in batch for d in f.deployments])
    for each in batch:
        for raw in each.others:
            there.send(raw)
        series.setdefault(each.namespace, []).extend((labels, 0.1) for labels in each.series)
    answers = there.each(lambda f: there.send(f.raw), batch)
    kept = [f for f, a in zip(batch, answers, strict=True) if a.status == 201]
    fates["refused at admission"] = len(batch) - len(kept)
    _settled(there, fates, kept)
    fates["incidents opened"] += sum(len(there.items("AIIncident", n)) for n in OWN)
    fates["incidents contained"] += sum(
        i.get("status", {}).get("phase") == "Contained" for n in OWN for i in there.items("AIIncident", n)
    )
    for kind in ("IncidentPolicy", "ModelDeployment", "AIIncident", "Deployment", "Pod"):
        for namespace in OWN:
            there.api.call(
                "DELETE", path_of({"kind": kind, "metadata": {"namespace": namespace, "name": ""}}).rstrip("/")
            )
    series.clear()
    return fates


def _settled(there: Ground, fates: Counter[str], kept: list[Fuzzed]) -> None:
    """Until each accepted one says Ready or not, and then some polls more."""

    def told() -> bool:
        found = [i for n in OWN for k in ("IncidentPolicy", "ModelDeployment") for i in there.items(k, n)]
        ready = [c["status"] for i in found for c in i.get("status", {}).get("conditions", []) if c["type"] == "Ready"]
        fates["Ready"], fates["not Ready, explained"] = ready.count("True"), ready.count("False")
        return len(ready) >= len(found)

    until("every accepted resource says whether it is Ready", 60, told, every=0.5)
    controllers = world.Controllers(there)
    controllers.start()
    time.sleep(4)  # four polls: verdicts, incidents, evidence, pins
    controllers.end()
    told()
    fates["accepted"] = len(kept)


def _queries(fake: prom.FakePrometheus, made: list[Fuzzed]) -> Iterator[str]:
    """Queries that read more than their policy's own namespace, or whose values broke out."""
    values = {v for f in made for v in f.values}
    for query in list(fake.asked):  # the operator goes on asking
        try:
            found = selectors(parse(query))
        except QueryError as error:
            yield f"does not parse: {error}: {query}"
            continue
        owners = {made[int(mark)].namespace for mark in _MARK.findall(query)}
        if len(owners) != 1:
            yield f"of {len(owners)} namespaces: {query}"
            continue
        for node in found:
            yield from _selector(node, query, min(owners), values)


def _selector(node: promql.VectorSelector, query: str, own: str, values: set[str]) -> Iterator[str]:
    matchers = node.matchers.matchers
    if not any(m.name == "namespace" and m.op == promql.MatchOp.Equal and m.value == own for m in matchers):
        yield f"not held to {own}: {node.prettify()} in {query}"
    strange = [m for m in matchers if m.value not in values and m.value not in OWN and not _MARK.search(m.value)]
    if strange or node.matchers.or_matchers:
        yield f"matchers that nobody wrote: {[str(m.value) for m in strange]} in {query}"


def _requests(there: Ground) -> Iterator[str]:
    """Requests to the API server beyond what the operator may ask for."""
    for entry in _audit(there):
        ref, verb, uri = entry.get("objectRef") or {}, entry["verb"], entry["requestURI"]
        resource, namespace = ref.get("resource", ""), ref.get("namespace", "")
        wide = not namespace and verb in ("list", "watch") and (resource in _WIDE or not resource)
        if resource == "secrets" or "secrets" in uri:
            yield f"a Secret: {verb} {uri}"
        elif namespace and namespace not in (*OWN, "default"):
            yield f"another namespace: {verb} {uri}"
        elif resource in _WIDE and not wide and namespace not in OWN:
            yield f"beyond its own: {verb} {uri}"
        elif verb in ("create", "delete", "deletecollection", "update") and resource not in ("aiincidents", "events"):
            yield f"not its to do: {verb} {uri}"


def _audit(there: Ground) -> Iterator[Raw]:
    with there.audit.open() as lines:
        for line in lines:
            entry: Raw = json.loads(line)
            if entry["user"]["username"] == OPERATOR:
                yield entry


def _peers(operator: Process, there: Ground, fake: prom.FakePrometheus, elsewhere: str) -> Iterator[str]:
    """Connections to anyone but the API server and the administrator's sources; names resolved; programs started."""
    allowed = {url.partition("://")[2] for url in (there.api.url, fake.url, elsewhere)}
    for line in operator.peers.read_text().splitlines():
        event, _, peer = line.partition(" ")
        if event == "socket.connect" and peer not in allowed:
            yield f"connected to {peer}"
        elif event == "socket.getaddrinfo" and peer not in ("127.0.0.1", "localhost"):
            yield f"resolved {peer}"
        elif event == "subprocess.Popen":
            yield f"started {peer}"


def _counted(fake: prom.FakePrometheus, there: Ground) -> list[tuple[str, str]]:
    entries = Counter(e["verb"] for e in _audit(there))
    asked = list(fake.asked)
    evidence = sum(q.endswith("]") for q in asked)
    shown = ", ".join(f"{verb} {n}" for verb, n in sorted(entries.items()))
    return [
        ("distinct queries that reached the source", str(len(asked))),
        ("of them for evidence, narrowed to a model's labels", str(evidence)),
        ("of them for who exports a series", str(sum(q.startswith("group by") for q in asked))),
        ("requests of the operator to the API server", shown),
    ]

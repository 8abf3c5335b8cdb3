"""Fuzzed resources that try to reach beyond their namespace; always the same for a seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.hostile import world
from bench.hostile.ground import Raw
from bench.hostile.queries import LABELS, NAMESPACES, NASTY, Grammar

REACH = (
    "victim/digits",
    "../victim/deployments/digits",
    "digits",
    "secret",
    "digits.victim",
    "digits.victim.svc",
    "m0",
    "nothing",
)


@dataclass(frozen=True)
class Fuzzed:
    """A resource with what it needs around it, the series that its model exports, and every value that it wrote."""

    raw: Raw
    namespace: str
    deployments: tuple[Raw, ...] = ()
    others: tuple[Raw, ...] = ()
    series: tuple[dict[str, str], ...] = ()
    values: frozenset[str] = field(default_factory=frozenset)


def fuzzed(rng: random.Random, index: int, namespaces: Sequence[str], trap: int) -> Fuzzed:
    """The resource with this number; ``trap`` is a port that nobody may connect to."""
    namespace = rng.choice(namespaces)
    if index % 2:
        return _policy(rng, index, namespace, trap)
    return _model(rng, index, namespace, trap)


def _urls(trap: int) -> tuple[str, ...]:
    return (
        f"http://127.0.0.1:{trap}/",
        f"http://localhost:{trap}/x",
        "http://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
    )


def _model(rng: random.Random, index: int, namespace: str, trap: int) -> Fuzzed:
    name = f"m{index}"
    labels = {rng.choice(LABELS): rng.choice((*NASTY, *NAMESPACES)) for _ in range(rng.choice((0, 1, 2, 4)))}
    labels |= {"model": rng.choice((name, name, name, *NASTY))} if rng.random() < 0.5 else {}
    spec: dict[str, Any] = {"owner": {"team": rng.choice(NASTY)[:60], "runbookURL": rng.choice(_urls(trap))}}
    if labels:
        spec["series"] = {"matchLabels": labels}
    if rng.random() < 0.2:
        spec["workloadRef"] = {"apiVersion": "apps/v1", "kind": "Deployment", "name": rng.choice(REACH)}
    if rng.random() < 0.3:
        env = [{"name": "U", "value": rng.choice(_urls(trap))}]
        pin = {"name": "model", "image": f"127.0.0.1:{trap}/m@sha256:{'0' * 64}", "env": env}
        spec["knownGood"] = {"containers": [pin]}
    if rng.random() < 0.2:
        spec["standby"] = {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": rng.choice(REACH)}}
    if rng.random() < 0.2:
        spec["dependencies"] = [{"name": "d", "modelRef": {"name": rng.choice(REACH)}, "contract": "c"}]
    deployment = world.deployment(
        namespace, name, rng.choice((name, name, name, "digits", None)), container=_mounts(rng)
    )
    pod = {"namespace": namespace, "pod": world.pod_name(name), "release": rng.choice(("1", *NASTY))}
    series = {
        **{label: rng.choice(NASTY) for label in ("a_b", "job")},
        "model": name,
        "model_name": name,
        **pod,
        **labels,
    }
    known = frozenset({*labels.values(), name})
    return Fuzzed(world.model(namespace, name, **spec), namespace, (deployment,), (), (series,), known)


def _mounts(rng: random.Random) -> Raw:
    """Environment from Secrets and ConfigMaps."""
    reference = {"name": rng.choice(("digits", "secret", "m0"))}
    env = [
        {"name": "S", "valueFrom": {"secretKeyRef": {**reference, "key": "k"}}},
        {"name": "C", "valueFrom": {"configMapKeyRef": {**reference, "key": "k"}}},
        {"name": "V", "value": rng.choice(NASTY)},
    ]
    return {"env": env, "envFrom": [{"secretRef": reference}, {"configMapRef": reference}]}


def _policy(rng: random.Random, index: int, namespace: str, trap: int) -> Fuzzed:
    grammar = Grammar(rng, f"m{index}x")
    signals = [_signal(rng, grammar, index, n) for n in range(rng.choice((1, 2, 3)))]
    spec: dict[str, Any] = {
        "signals": signals,
        "identity": {"model": rng.choice(("model", "model", "model_name", "namespace"))},
    }
    if rng.random() < 0.4:
        spec["identity"]["release"] = rng.choice(("release", "release", "pod", "namespace", "a_b"))
    if rng.random() < 0.25:
        spec["sourceRef"] = {"name": rng.choice(("redirecting", "redirecting", "nothing", "http://127.0.0.1"))}
    if rng.random() < 0.15:
        spec["integrity"] = {"allowedRegistries": [f"127.0.0.1:{trap}"], "requireDigest": True}
    if rng.random() < 0.15:
        spec["notify"] = [{"name": "n", "sinkRef": {"name": rng.choice(("oncall", "http://127.0.0.1"))}}]
    if rng.random() < 0.15:
        spec["responses"] = [{"name": "r", "playbookRef": {"name": rng.choice(REACH)}, "mode": "Automatic"}]
    report = world.named(
        "AIIncident",
        namespace,
        f"report-{index}",
        {
            "modelRef": {"name": rng.choice(("digits", "m0", f"m{index - 1}"))},
            "type": "BiasIncident",
            "severity": "High",
            "summary": rng.choice(_urls(trap)),
            "origin": "User",
        },
    )
    others = (report,) if rng.random() < 0.2 else ()
    return Fuzzed(world.policy(namespace, f"p{index}", **spec), namespace, (), others, (), frozenset(grammar.values))


def _signal(rng: random.Random, grammar: Grammar, index: int, number: int) -> Raw:
    changes: dict[str, Any] = {"name": f"s{number}"}
    if rng.random() < 0.4:
        ratio = {
            "good": f"m{index}x_good",
            "total": f"m{index}x_total",
            "window": rng.choice(("20s", "1h", "90d", "10y")),
        }
        return world.signal(**changes, ratio=ratio)
    query = grammar.kept() if rng.random() < 0.6 else grammar.expression()
    promql = {"query": query}
    if rng.random() < 0.3:
        promql["samples"] = grammar.expression(1)
    made = world.signal(**changes, promql=promql)
    del made["ratio"]
    return made

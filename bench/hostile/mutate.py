"""Seeded mutations of product.md's examples: each kind of mistake that people, tools and attackers make."""

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from bench.hostile.ground import ROOT, Raw

EXAMPLES = ROOT / "tests" / "conformance" / "examples"
KINDS = ("ModelDeployment", "IncidentPolicy", "Playbook", "AIIncident")
Path = tuple[str | int, ...]

STRINGS = (
    "other", "x-1", "digits", "2", "a_b", "vision", "m", "pin-known-good", "default",
    "", " ", "x", "X", "-", "a b", "ünïcode", "日本語", "\u202e", "'", '"', "\\", "\n", "\t", "{}", "a" * 64, "a" * 254,
    "a" * 5_000, "a" * 300_000, "true", "null", "0", "../../etc/passwd", "$(HOSTNAME)", "${x}", "%s", "{{ x }}", "a/b",
    "http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "Automatic", "automatic", "High", "HIGH",
    "Deployment",
    "DaemonSet", "a,b", "\x00", "\x7f", "a@sha256:" + "0" * 64, "a:latest", "sha256:" + "z" * 64,
)  # fmt: skip
DURATIONS = (
    "0", "0s", "1", "1ms", "-5m", "5 m", "5M", "m5", "1.5h", "30m1h", "1h30m", "292y", "293y", "9999999999y", "1e3s",
    "",
    "forever", "P1D", "1s" * 12,
)  # fmt: skip
PROMQL = (
    "", "(", "sum(", "up", "1", "vector(1)", '{job="a"}', '{__name__=~".*"}', "x[5m]", "rate(x)", "rate(x[5m])", "x{",
    'x{a="b" or c="d"}', 'x{namespace="kube-system"}', "max_over_time(x[30d:1ms])", "rate(x[100y])", "info(x)",
    "x offset 9y",
    "((((x))))", "(" * 4_000 + "x" + ")" * 4_000, "-" * 8_000 + "x", "+".join(["x"] * 2_000), "x # comment",
    'x{a=~"(a+)+$"}',
    'x{a=~"(((a{100}){100}){100})"}', "absent(x)", "ünïcode", "x\n+\ny", "topk(5, x)",
    "label_replace(x, 'namespace', 'a', '', '')",
)  # fmt: skip
NUMBERS = (-1, 0, 1, 2**31, 2**63 - 1, 1e308, -1e308, 0.5, 1.5, 1e-300, 10**30)
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], {"a": {}}, [None], "5", 5, 5.5)


@dataclass(frozen=True)
class Mutant:
    """A resource, what was done to it and where; ``dangling``: what it names does not exist."""

    raw: Raw
    what: str
    path: str
    dangling: bool = False


def example(kind: str) -> Raw:
    """product.md's example."""
    found: Raw = yaml.safe_load((EXAMPLES / f"{kind.lower()}.yaml").read_text())
    return found


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in it."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield from paths(child, (*path, key))


def shown(path: Path) -> str:
    """As the API server writes it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in ("spec", *path)).lstrip(".")


def at(raw: Raw, path: Path) -> Any:
    """What stands there."""
    found: Any = raw["spec"]
    for step in path:
        found = found[step]
    return found


def put(raw: Raw, path: Path, value: Any) -> None:
    """Write it there."""
    at(raw, path[:-1])[path[-1]] = value


def _any(rng: random.Random, raw: Raw, keep: Callable[[Path, Any], bool] = lambda _p, _v: True) -> Path | None:
    found = [p for p in paths(raw["spec"]) if keep(p, at(raw, p))]
    return rng.choice(found) if found else None


def swap(rng: random.Random, raw: Raw) -> Path | None:
    """Another type."""
    if path := _any(rng, raw):
        put(raw, path, copy.deepcopy(rng.choice(OTHERS)))
    return path


def text(rng: random.Random, raw: Raw) -> Path | None:
    """Another text."""
    if path := _any(rng, raw, lambda _, v: isinstance(v, str)):
        put(raw, path, rng.choice(STRINGS))
    return path


def number(rng: random.Random, raw: Raw) -> Path | None:
    """A number out of range."""
    if path := _any(rng, raw, lambda _, v: isinstance(v, int | float) and not isinstance(v, bool)):
        put(raw, path, rng.choice(NUMBERS))
    return path


_TIMES = ("interval", "window", "for", "soak", "timeout", "after", "cooldown", "falseAlarmEvery", "budget", "dueAfter")


def duration(rng: random.Random, raw: Raw) -> Path | None:
    """A bad duration."""
    if path := _any(rng, raw, lambda p, _: p[-1] in (*_TIMES, "minDuration")):
        put(raw, path, rng.choice(DURATIONS))
    return path


def promql(rng: random.Random, raw: Raw) -> Path | None:
    """Bad or hostile PromQL, or a metric's name."""
    names = ("query", "samples", "good", "total", "metric", "exposure")
    if path := _any(rng, raw, lambda p, _: p[-1] in names):
        put(raw, path, rng.choice(PROMQL))
    return path


def remove(rng: random.Random, raw: Raw) -> Path | None:
    """A field less."""
    if path := _any(rng, raw, lambda p, _: isinstance(p[-1], str)):
        del at(raw, path[:-1])[path[-1]]
    return path


def add(rng: random.Random, raw: Raw) -> Path | None:
    """A field that nobody knows."""
    if path := _any(rng, raw, lambda _, v: isinstance(v, dict)):
        path = (*path, rng.choice(("nmae", "URL", "webhook", "namespace", "serviceAccountName", "üñ", "a" * 300)))
        put(raw, path, rng.choice(("x", 1, {}, [])))
    return path


def many(rng: random.Random, raw: Raw) -> Path | None:
    """A list far too long, of the same or of numbered things."""
    path = _any(rng, raw, lambda _, v: isinstance(v, list) and bool(v))
    if path is not None:
        first, count = at(raw, path)[0], rng.choice((2, 40, 300, 3_000))
        numbered = [{**first, "name": f"n{i}"} if isinstance(first, dict) else f"{first}{i}" for i in range(count)]
        put(raw, path, rng.choice((numbered, [first] * count)))
    return path


def both(rng: random.Random, raw: Raw) -> Path | None:
    """Two of what may be there once: a second input, detector or reference."""
    blocks: dict[str, Any] = {
        "ratio": {"good": "a", "total": "b", "window": "1m"},
        "promql": {"query": "up"},
        "preset": "vllm/truncated-answers",
        "threshold": {"below": 0.5},
        "drift": {},
        "modelRef": {"name": "x"},
        "freezeEvidence": {"budget": "1s"},
    }
    if path := _any(rng, raw, lambda _, v: isinstance(v, dict)):
        name = rng.choice(list(blocks))
        path = (*path, name)
        put(raw, path, blocks[name])
    return path


def dangling(rng: random.Random, raw: Raw) -> Path | None:
    """A reference to nothing."""
    refs = ("workloadRef", "sourceRef", "playbookRef", "modelRef", "policyRef")
    found = [
        p for p in paths(raw["spec"]) if p[-1] == "name" and len(p) > 1 and p[-2] in refs and "dependencies" not in p
    ]
    path = rng.choice(found) if found and "standby" not in found else None
    if path is not None and "standby" not in path:
        put(raw, path, "nothing-" + "x" * rng.choice((1, 200)))
        return path
    return None


def null(rng: random.Random, raw: Raw) -> Path | None:
    """null where something is meant."""
    if path := _any(rng, raw):
        put(raw, path, None)
    return path


def deep(rng: random.Random, raw: Raw) -> Path | None:
    """Something nested a hundred levels deep."""
    if path := _any(rng, raw):
        value: Any = "x"
        for _ in range(100):
            value = rng.choice(([value], {"a": value}))
        put(raw, path, value)
    return path


SUBTLE = (text, number, duration, promql, promql, remove, many, dangling)
MUTATIONS = (swap, text, number, duration, promql, remove, add, many, both, dangling, null, deep)


def simple(kind: str, raw: Raw) -> Raw:
    """The example without what this version says it cannot do, so that a mutation shows and nothing hides it."""
    spec = raw["spec"]
    if kind == "ModelDeployment":
        for field in ("standby", "dependencies", "candidate"):
            spec.pop(field, None)
        for field in ("artifacts", "requires"):
            spec["knownGood"].pop(field, None)
    if kind == "IncidentPolicy":
        spec["signals"] = [s for s in spec["signals"] if {"ratio", "promql"} & set(s)]
        for each in spec["signals"]:
            each["detector"] = {"threshold": {"below": 0.9, "for": "30s", "minSamples": 100}}
        for field in ("integrity", "silences", "notify"):
            spec.pop(field, None)
        spec["responses"] = spec["responses"][:1]
    if kind == "Playbook":
        for field in ("recover", "review"):
            spec.pop(field, None)
    return raw


def mutants(seed: int, count: int, namespace: str) -> Iterator[Mutant]:
    """As many, always the same for a seed; one to three mistakes each."""
    rng = random.Random(seed)
    number = 0
    while number < count:
        kind = KINDS[number % len(KINDS)]
        raw = example(kind)
        if rng.random() < 0.7:
            raw = simple(kind, raw)
        subtle = rng.random() < 0.65  # what admission may well let through
        chosen = rng.choices(SUBTLE if subtle else MUTATIONS, k=1 if subtle else rng.choice((1, 1, 2, 3)))
        done = [(m, p) for m in chosen if (p := _tried(m, rng, raw)) is not None]
        if not done:
            continue
        raw["metadata"] = {
            "name": f"r{number}",
            "namespace": namespace,
            "labels": {"tier": rng.choice(("critical", "x"))},
        }
        names = "+".join(m.__name__ for m, _ in done)
        lost = len(done) == 1 and done[0][0] is dangling
        yield Mutant(raw, names, ", ".join(shown(p) for _, p in done), lost)
        number += 1


def _tried(mutation: Callable[[random.Random, Raw], Path | None], rng: random.Random, raw: Raw) -> Path | None:
    try:
        return mutation(rng, raw)
    except (KeyError, IndexError, TypeError, AttributeError):  # an earlier mistake has taken the place away
        return None

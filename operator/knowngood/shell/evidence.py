"""Gather evidence within a budget: everything at once, and what is not there in time is recorded as missing."""

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

import structlog

from knowngood.api.durations import text
from knowngood.api.evidence import Evidence, Missing
from knowngood.core.incidents import evidence as build
from knowngood.core.incidents import neighbours
from knowngood.core.incidents.changes import live_configs
from knowngood.core.incidents.opening import SignalView
from knowngood.core.response.facts import Facts
from knowngood.core.signals.answer import DataState, Series
from knowngood.core.signals.compiled import model_matchers
from knowngood.core.signals.scope import narrowed
from knowngood.shell import cluster as c
from knowngood.shell.sources import PrometheusSource

log = structlog.get_logger()
_MAX_POINTS = 2_000  # over all series, so that the object stays small whatever happens
_LEAST_LOOK_BACK, _MOST_LOOK_BACK = 300.0, 86_400.0  # the newest points are kept; older ones only cost the source
_RATIO = ("good", "total")


async def freeze(
    facts: Facts, budget: float, api: c.Cluster, sources: Mapping[str, PrometheusSource], most_points: int
) -> Evidence:
    """Evidence for the incident in ``facts``; takes at most ``budget`` seconds."""
    began = time.monotonic()
    tasks = {name: asyncio.create_task(_guarded(call)) for name, call in _calls(facts, budget, api, sources).items()}
    if tasks:
        await asyncio.wait(tasks.values(), timeout=budget)
    found: dict[str, Any] = {}
    missing = [Missing(item=f"Secret {n}", reason="never read: the operator has no right to") for n in _secrets(facts)]
    for name, task in tasks.items():
        if not task.done():
            task.cancel()
            missing.append(Missing(item=name, reason=f"not there within the budget of {text(budget)}"))
        elif isinstance(result := task.result(), Exception):
            missing.append(Missing(item=name, reason=str(result)[:1000]))
        else:
            found[name] = result
    took = max(0.001, round(time.monotonic() - began, 3))
    try:
        return _assemble(facts, found, missing, budget, took, most_points)
    except Exception as error:  # what cannot be read must not hold up the containment
        log.exception("evidence not assembled", incident=facts.incident.metadata.name)
        said = Missing(item="everything", reason=f"not understood: {type(error).__name__}: {error}"[:1000])
        return Evidence(frozen_at=build.moment(time.time()), budget=text(budget), took=text(took), missing=[said])


async def _guarded(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except Exception as error:
        return error


def _secrets(facts: Facts) -> list[str]:
    return build.mounted(facts.workload.raw_template)[1] if facts.workload else []


def _calls(
    facts: Facts, budget: float, api: c.Cluster, sources: Mapping[str, PrometheusSource]
) -> dict[str, Awaitable[Any]]:
    calls: dict[str, Awaitable[Any]] = {}
    namespace = facts.incident.metadata.namespace
    if facts.workload is not None:
        calls["rollouts"] = api.list(c.REPLICASETS, namespace, str(facts.workload.selector))
    for name in dict.fromkeys([*_mounted(facts), *_depended_on(facts)]):
        calls[f"ConfigMap {name}"] = api.get(c.CONFIGMAPS, namespace, name)
    for view, source in _sources(facts, sources):
        name = f"{view.signal.policy}/{view.signal.name}"
        for index, selector in enumerate(view.signal.selectors):
            query = _raw_query(view, facts, selector)
            calls[f"series {name} {index}"] = _series(source, view, query, _part(view, index), budget)
        end = time.time()
        calls[f"traces {name}"] = source.exemplars(
            narrowed(view.signal.selectors[-1], _matchers(view, facts)), end - _look_back(view), end, budget
        )
    return calls


def _mounted(facts: Facts) -> list[str]:
    return build.mounted(facts.workload.raw_template)[0] if facts.workload else []


def _depended_on(facts: Facts) -> list[str]:
    refs = (d.config_map_key_ref for d in facts.model.spec.dependencies)
    return [ref.name for ref in refs if ref is not None]


def _part(view: SignalView, index: int) -> str:
    """Which part of a ratio a selector is."""
    return _RATIO[index] if view.signal.shares and len(view.signal.selectors) == len(_RATIO) else ""


def _sources(facts: Facts, sources: Mapping[str, PrometheusSource]) -> list[tuple[SignalView, PrometheusSource]]:
    fired = {(s.policy, s.name) for s in facts.incident.status.signals}
    views = [v for k, v in sorted(facts.signals.items()) if k in fired]
    return [(v, sources[v.signal.source]) for v in views if v.signal.source in sources]


def _matchers(view: SignalView, facts: Facts) -> Mapping[str, str]:
    return model_matchers(facts.model, view.signal.model_label)


def _look_back(view: SignalView) -> float:
    return min(_MOST_LOOK_BACK, max(_LEAST_LOOK_BACK, 3 * view.signal.window))


def _raw_query(view: SignalView, facts: Facts, selector: str) -> str:
    return f"{narrowed(selector, _matchers(view, facts))}[{text(_look_back(view))}]"


async def _series(source: PrometheusSource, view: SignalView, query: str, part: str, budget: float) -> Any:
    answer = await source.query(query, timeout=budget)
    if answer.state is not DataState.OK:
        raise RuntimeError(f"{answer.state.value}: {answer.message}")
    return view, query, part, answer.series


def _assemble(
    facts: Facts, found: Mapping[str, Any], missing: list[Missing], budget: float, took: float, most: int
) -> Evidence:
    workload = facts.workload
    raw = [v for n, v in found.items() if n.startswith("series ")]
    room = max(1, build.MAX_SERIES // max(1, len(raw)))
    many = max(1, sum(min(len(series), room) for *_, series in raw))
    each = max(10, min(most, _MAX_POINTS // many))
    end = facts.now.timestamp()
    series = [
        one
        for view, query, part, answered in raw
        for one in build.series(view.signal.name, query, _few(answered, room), end - _look_back(view), end, each, part)
    ]
    configs = {n.removeprefix("ConfigMap "): v for n, v in found.items() if n.startswith("ConfigMap ")}
    live = live_configs(workload.raw_template) if workload else frozenset()
    exemplars = [e for n, v in found.items() if n.startswith("traces ") for e in v]
    return Evidence(
        frozen_at=build.moment(time.time()),
        budget=text(budget),
        took=text(took),
        missing=missing[:64],
        workload=build.workload(workload) if workload else None,
        pods=build.pods(facts.pods),
        rollouts=build.rollouts(found["rollouts"][0], workload.uid) if workload and "rollouts" in found else [],
        configs=[build.config(configs[n], live) for n in _mounted(facts) if n in configs],
        dependencies=neighbours.seen(facts.model, configs, facts.neighbours),
        series=series[: build.MAX_SERIES],
        traces=build.traces(exemplars),
    )


def _few(answered: Sequence[Series], room: int) -> list[Series]:
    """The first by their labels, so that each part of a ratio keeps the same ones."""
    return sorted(answered, key=lambda s: sorted((k, v) for k, v in s.labels.items() if k != "__name__"))[:room]

"""R5: a hundred triggers at once open one incident, a thousand breaches contain no more than the limits allow."""

import statistics
import time
from collections import Counter
from dataclasses import dataclass

from bench.hostile import prom, world
from bench.hostile.ground import Ground, Process, Raw, ground, until
from bench.hostile.history import History
from bench.result import Result, result
from knowngood.api.conditions import ConditionType, Reason, find_condition
from knowngood.core.incidents.record import is_over

TRIGGERS, POLICIES = 100, 4
WHOLE, SAMPLE = 1_000, 60
NAMESPACES = tuple(f"storm-{i}" for i in range(4))
CLUSTER, POLICY = 10, 3
ONE = "one"
FIX = world.image("fix")
Rows = list[tuple[str, str]]


@dataclass
class Series:
    """Models by namespace, and whether each is wrong: by its image, unless all is well."""

    models: dict[str, list[str]]
    controllers: world.Controllers | None = None
    bad: bool = False

    def values(self, namespace: str) -> list[tuple[prom.Labels, float]]:
        """What the source answers."""
        return [
            ({"namespace": namespace, "model": name, "pod": world.pod_name(name)}, self._value(namespace, name))
            for name in self.models.get(namespace, ())
        ]

    def _value(self, namespace: str, name: str) -> float:
        images = self.controllers.images if self.controllers else {}
        return 0.2 if self.bad and images.get((namespace, name), world.BAD) == world.BAD else 0.97


def run(prove: bool) -> Result:
    """What was one too many: incidents of one episode, containments beyond a limit, Events of a transition."""
    return measured(WHOLE if prove else SAMPLE, turns=90.0 if prove else 0.0)


def measured(count: int, turns: float = 0.0) -> Result:
    """The same for a storm of ``count`` models, in which people make room for ``turns`` seconds, until it ends."""
    rows: Rows = []
    wrong = [*_one_episode(rows), *_storm(count, rows, turns)]
    rows += [("wrong", line[:400]) for line in wrong[:20]]
    goal = f"0: one incident of {TRIGGERS} triggers; at most {CLUSTER} and {POLICY} a policy contained; one Event each"
    return result("R5", len(wrong), "too many", goal, not wrong, floor=0, rows=rows)


def _one_episode(rows: Rows) -> list[str]:
    """A hundred signals of one model, out of their limits in the same poll, seen by two operators that both act."""
    series = Series({ONE: [ONE]})
    with prom.running(series.values) as fake, ground() as there:
        series.controllers = _peopled(there, series.models)
        each = TRIGGERS // POLICIES
        for number in range(POLICIES):
            signals = [world.signal(f"s{i}", ratio=_ratio(f"p{number}s{i}")) for i in range(each)]
            there.make(world.policy(ONE, f"p{number}", signals=signals))
        settings = {"sources": {"default": {"url": fake.url}}}
        operators = [there.operate(settings), there.operate(settings)]
        until("healthy", 60, lambda: _phases(there)["Healthy"] == 1)
        series.bad = True
        until("contained", 60, lambda: any(_phase(i) in ("Contained", "Resolved") for i in there.items("AIIncident")))
        time.sleep(3)
        found, deployment = there.items("AIIncident"), there.items("Deployment", ONE)[0]
        wrong = _events(there, rows, "100 triggers") + _crashes(operators)
        series.controllers.end()
    if len(found) != 1:
        wrong.append(f"{len(found)} incidents of one episode: {[i['metadata']['name'] for i in found]}")
    if deployment["metadata"]["generation"] != 2:
        wrong.append(f"the workload was changed {deployment['metadata']['generation'] - 1} times")
    rows += [(f"incidents of {TRIGGERS} triggers seen by two operators at once", str(len(found)))]
    rows += [("accepted changes of the workload", str(deployment["metadata"]["generation"] - 1))]
    return wrong


def _ratio(name: str) -> Raw:
    return {"good": f"{name}_good", "total": f"{name}_total", "window": "20s"}


def _peopled(there: Ground, models: dict[str, list[str]]) -> world.Controllers:
    """Namespaces, playbooks, Deployments with a pod each, and their models."""
    there.namespace(*models)
    names = [(namespace, name) for namespace, found in models.items() for name in found]
    there.each(lambda n: there.make(world.playbook(n)), models)
    there.each(lambda k: world.deploy(there, world.deployment(k[0], k[1], k[1])), names)
    there.each(lambda k: there.make(world.model(*k)), names)
    controllers = world.Controllers(there)
    controllers.start()
    return controllers


def _storm(count: int, rows: Rows, turns: float) -> list[str]:
    """Every model breaches at once; those that are let in are contained, and then all passes."""
    series = Series({n: [f"m{i}" for i in range(count // len(NAMESPACES))] for n in NAMESPACES})
    with prom.running(series.values) as fake, ground() as there:
        series.controllers = _peopled(there, series.models)
        ratio = {**_ratio("storm"), "window": "5s"}
        for namespace in NAMESPACES:
            limits = {"maxConcurrentContainments": POLICY}
            there.make(
                world.policy(namespace, "storm", limits=limits, interval="2s", signals=[world.signal(ratio=ratio)])
            )
        sources = {"default": {"url": fake.url}}
        operator = there.operate({"sources": sources, "limits": {"maxConcurrentContainments": CLUSTER}})
        until("all healthy", 300, lambda: _phases(there)["Healthy"] == count, every=2)
        history = History(there)
        history.start()
        began, cpu = time.monotonic(), operator.cpu()
        series.bad = True
        until("an incident each", 600, lambda: len(history.latest) == count, every=1)
        opened = time.monotonic() - began
        until("each stands or waits", 600, lambda: not _unsaid(history), every=1)
        rows += [(f"{count} breaches: an incident each after", f"{opened:.1f} s")]
        rows += [("each of them contained or named as waiting after", f"{time.monotonic() - began:.1f} s")]
        waiting = sum(_waits(history).values())
        wrong = _unsaid(history)
        if turns:
            _turned_over(there, turns)
            wrong += _unsaid(history)
            series.bad, calm = False, time.monotonic()
            until("the storm is over", 900, lambda: _over(there, history), every=1)
            rows += [("all over, from when the signals were healthy again", f"{time.monotonic() - calm:.1f} s")]
        rows += [("CPU of the operator in all", f"{operator.cpu() - cpu:.1f} s of {time.monotonic() - began:.1f} s")]
        quiet = _quiet(history)
        wrong += _checked(history, count, rows, waiting) + _events(there, rows, "the storm") + _crashes([operator])
        if not quiet:
            wrong.append("incidents are still written, though nothing changes any more")
        series.controllers.end()
        history.end()
    return wrong


def _turned_over(there: Ground, seconds: float) -> None:
    """People roll out a fix wherever the operator has pinned, so that there is room for others."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _fixed(there)
        time.sleep(5)


def _fixed(there: Ground) -> None:
    for raw in there.items("Deployment"):
        if raw["spec"]["template"]["spec"]["containers"][0]["image"] == world.GOOD:
            world.set_image(there, raw, FIX)


def _over(there: Ground, history: History) -> bool:
    _fixed(there)
    return all(map(is_over, list(history.latest.values())))


def _checked(history: History, count: int, rows: Rows, waiting: int) -> list[str]:
    versions = list(history.versions.values())
    rows += [
        ("most containments at one moment, in the cluster and of one policy", f"{history.most}, {history.most_of_one}"),
        ("incidents that were ever let in, and that were named as waiting", f"{len(history.ever_stood)}, {waiting}"),
        ("versions of an incident from its creation to its end, median and most",
         f"{statistics.median(versions):g}, {max(versions)}"),
        ("the largest incident", f"{history.largest / 1024:.1f} KiB"),
    ]  # fmt: skip
    wrong = []
    if len(history.latest) != count:
        wrong.append(f"{len(history.latest)} incidents of {count} episodes")
    if history.most > CLUSTER or history.most_of_one > POLICY:
        wrong.append(f"{history.most} containments stood at once, {history.most_of_one} of one policy")
    if history.most < CLUSTER:
        wrong.append(f"only {history.most} containments stood at once")
    return wrong


def _waits(history: History) -> Counter[bool]:
    found = [find_condition(i.status.conditions, ConditionType.CONTAINED) for i in list(history.latest.values())]
    return Counter(True for c in found if c is not None and c.reason == Reason.LIMIT_REACHED)


def _unsaid(history: History) -> list[str]:
    """Incidents that neither stand nor wait with a reason that names what they wait for."""
    unsaid = []
    for incident in list(history.latest.values()):
        condition = find_condition(incident.status.conditions, ConditionType.CONTAINED)
        waits = condition is not None and condition.reason == Reason.LIMIT_REACHED and "allows" in condition.message
        if not (waits or is_over(incident) or incident.metadata.uid in history.ever_stood):
            unsaid.append(f"{incident.metadata.name} says not what it waits for: {condition}")
    return unsaid


def _quiet(history: History) -> bool:
    """Whether there is a time of six seconds, longer than any look at a waiting one, without a write."""
    for _ in range(10):
        before = sum(history.versions.values())
        time.sleep(6)
        if sum(history.versions.values()) == before:
            return True
    return False


def _events(there: Ground, rows: Rows, what: str) -> list[str]:
    """No more Events of an incident than transitions in its timeline, and none twice."""
    time.sleep(1)  # Events are written beside the rest
    found = Counter((e["regarding"]["uid"], e["reason"]) for e in there.items("Event"))
    told = Counter(uid for uid, _ in found)
    rows += [
        (f"Events of {what}, and the most of one incident", f"{sum(found.values())}, {max(told.values(), default=0)}")
    ]
    wrong = [f"{n} Events {reason} of one incident" for (_, reason), n in found.items() if n > 1]
    lines = {i["metadata"]["uid"]: len(i["status"]["timeline"]) for i in there.items("AIIncident")}
    return wrong + [f"{n} Events for {lines.get(uid)} transitions" for uid, n in told.items() if n > lines.get(uid, n)]


def _phase(raw: Raw) -> str:
    return str(raw.get("status", {}).get("phase"))


def _phases(there: Ground) -> Counter[str]:
    return Counter(_phase(m) for m in there.items("ModelDeployment"))


def _crashes(operators: list[Process]) -> list[str]:
    return [line for operator in operators for line in operator.crashes()]

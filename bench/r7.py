"""R7: mutated resources on a real API server with a real operator: refused, or explained, and nobody else disturbed."""

import re
import time
from collections import Counter
from dataclasses import dataclass, field

from bench.hostile import prom, world
from bench.hostile.ground import Ground, Process, Raw, ground, path_of, until
from bench.hostile.mutate import Mutant, mutants
from bench.result import Result, result

SEED, WHOLE, SAMPLE, BATCH = 7, 1_000, 120, 100
NAMESPACE, STEADY = "vision", "steady"
_INSTRUCTS = re.compile(
    r"\b(write|make|apply|remove|name|label|delete|use|should|not supported|selects? it)\b", re.IGNORECASE
)
_NAMES_A_FIELD = re.compile(r"\bspec\b|\bstep \S|\bmetadata\b|labelled|labels:|unknown field|[a-z]+Ref\b")


@dataclass
class Tally:
    """What became of the mutants."""

    fates: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def note(self, mutant: Mutant, fate: str, why: str = "", wrong: bool = False) -> None:
        """One mutant's fate."""
        self.fates[fate] += 1
        if wrong:
            name = mutant.raw["metadata"]["name"]
            self.wrong.append(f"{mutant.raw['kind']} {name}, {mutant.what} at {mutant.path}: {fate}: {why[:300]}")


def run(prove: bool) -> Result:
    """How many mutants were neither refused with a reason, nor explained, nor valid; plus crashes and disturbances."""
    return measured(WHOLE if prove else SAMPLE)


def measured(count: int) -> Result:
    """The same of the first ``count`` mutants."""
    tally = Tally()
    healthy = [True]

    def values(namespace: str) -> list[tuple[prom.Labels, float]]:
        labels = {"namespace": namespace, "model": STEADY, "release": "1", "pod": world.pod_name(STEADY)}
        return [(labels, 0.97 if healthy[0] else 0.1)]

    with prom.running(values) as fake, ground() as there:
        operator = _bystander(there, fake)
        slowest = 0.0
        all_mutants = list(mutants(SEED, count, NAMESPACE))
        for start in range(0, count, BATCH):
            _batch(there, all_mutants[start : start + BATCH], tally)
            slowest = max(slowest, _still_judged(there, fake, tally))
        healthy[0] = False
        _opens(there, tally)
        crashes = operator.crashes()
        alive = operator.alive
    wrong = len(tally.wrong) + len(crashes) + (not alive)
    rows = [(fate, str(number)) for fate, number in sorted(tally.fates.items())]
    rows += [("crashes and tracebacks in the operator's log", str(len(crashes)))]
    rows += [("longest wait for the steady policy's next poll (1 s apart)", f"{slowest:.1f} s")]
    rows += [("wrong", line) for line in [*tally.wrong, *crashes][:20]]
    goal = f"0 unexplained of {count}, no crash, the others judged on"
    return result("R7", wrong, "unexplained", goal, wrong == 0, floor=0, rows=rows)


def _bystander(there: Ground, fake: prom.FakePrometheus) -> Process:
    """A valid model and policy in the same namespace, and the operator."""
    there.namespace(NAMESPACE)
    there.make(world.playbook(NAMESPACE))
    world.deploy(there, world.deployment(NAMESPACE, STEADY, STEADY))
    world.deploy(there, world.deployment(NAMESPACE, "digits", "digits"))
    there.make(world.model(NAMESPACE, STEADY, {"judged": "yes"}))
    signal = world.signal(ratio={"good": "steady_good_total", "total": "steady_all_total", "window": "20s"})
    selector = {"matchLabels": {"judged": "yes"}}
    there.make(world.policy(NAMESPACE, STEADY, signals=[signal], selector=selector))
    operator = there.operate({"sources": {"default": {"url": fake.url}}})
    until("the steady model is healthy", 30, lambda: _steady(there).get("phase") == "Healthy")
    return operator


def _steady(there: Ground) -> Raw:
    status: Raw = next(m for m in there.items("ModelDeployment", NAMESPACE) if m["metadata"]["name"] == STEADY).get(
        "status", {}
    )
    return status


def _batch(there: Ground, batch: list[Mutant], tally: Tally) -> None:
    kept: list[Mutant] = []
    for mutant, answer in zip(batch, there.each(lambda m: there.send(m.raw), batch), strict=True):
        if answer.status == 201:
            kept.append(mutant)
        elif 400 <= answer.status < 500:
            said = bool(_NAMES_A_FIELD.search(answer.message)) or answer.status == 413
            tally.note(mutant, "refused at admission" if said else "refused without a field", answer.message, not said)
        else:
            tally.note(mutant, f"HTTP {answer.status}", answer.message, wrong=True)
    found = _read(there, kept)
    for mutant in kept:
        _classify(mutant, found.get(mutant.raw["metadata"]["name"], {}), tally)
    there.each(lambda m: there.api.call("DELETE", path_of(m.raw)), kept)


def _read(there: Ground, kept: list[Mutant]) -> dict[str, Raw]:
    """Their Ready conditions, once all are there or 60 s are over."""
    end = time.monotonic() + 60
    found: dict[str, Raw] = {}
    while time.monotonic() < end:
        found = {}
        for kind in {m.raw["kind"] for m in kept}:
            for item in there.items(kind, NAMESPACE):
                conditions = item.get("status", {}).get("conditions", [])
                name, ready = item["metadata"]["name"], next((c for c in conditions if c["type"] == "Ready"), None)
                found |= {name: ready} if ready else {}
        if all(m.raw["metadata"]["name"] in found for m in kept):
            break
        time.sleep(0.3)
    return found


def _classify(mutant: Mutant, ready: Raw, tally: Tally) -> None:
    message = ready.get("message", "")
    if not ready:
        tally.note(mutant, "accepted and not a word", wrong=True)
    elif ready["status"] == "True":
        lost = mutant.dangling and "secret" not in mutant.path
        tally.note(mutant, "dangling, and yet Ready" if lost else "valid", message, wrong=lost)
    else:
        told = bool(_NAMES_A_FIELD.search(message)) and bool(_INSTRUCTS.search(message))
        tally.note(
            mutant, "explained by Ready=False" if told else "Ready=False without what to write", message, not told
        )


def _still_judged(there: Ground, fake: prom.FakePrometheus, tally: Tally) -> float:
    """Seconds until the steady policy's query is asked again; the steady model must be as before."""

    def polls() -> int:
        return sum(n for query, n in list(fake.asked.items()) if "steady_good_total" in query)

    before, began = polls(), time.monotonic()
    until("the steady policy is polled", 30, lambda: polls() > before, every=0.05)
    status = _steady(there)
    if status.get("phase") != "Healthy":
        tally.wrong.append(f"the steady model is {status.get('phase')}")
    return time.monotonic() - began


def _opens(there: Ground, tally: Tally) -> None:
    """The steady model still gets its incident and its pin."""

    def contained() -> bool:
        name = next((d for d in there.items("Deployment", NAMESPACE) if d["metadata"]["name"] == STEADY), None)
        return name is not None and name["spec"]["template"]["spec"]["containers"][0]["image"] == world.GOOD

    try:
        until("the steady model is pinned", 20, contained)
    except AssertionError as error:
        tally.wrong.append(str(error))

"""One run from healthy to contained and told, with one of its writes spoiled; and the state that it ends in."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.faults.cluster import Surroundings
from tests.faults.process import Operator
from tests.faults.proxy import Faults
from tests.faults.scenes import Scene
from tests.faults.standing import EPISODE, things
from tests.faults.world import LateError, World, world

Raw = dict[str, Any]
MODEL = "digits"
PATIENCE = 180.0  # no wait is shorter for it; on a busy machine a process may take a minute to start
HEALING = 3 * PATIENCE  # each life looks for a healthy minute of its own
SETTLING = 60.0  # what differs for longer differs for good: a write that hangs is given up after 30 s, and repeated


@dataclass(frozen=True)
class End:
    """What must be the same however often somebody is killed on the way: no times, no uids, no numbers of writes."""

    incidents: tuple[str, ...]
    phase: str
    conditions: tuple[tuple[str, str, str], ...]
    steps: tuple[tuple[str, str], ...]
    timeline: tuple[str, ...]
    signals: tuple[str, ...]
    suspect: str
    workload: tuple[tuple[str, Any], ...]
    model: tuple[tuple[str, Any], ...]
    releases: tuple[tuple[Any, ...], ...]
    ready: tuple[str, ...]
    things: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Recording:
    """Undisturbed runs of a scene: how they end, every write that one of them made, and of what they told."""

    scene: Scene
    end: End
    places: tuple[str, ...]
    events: Mapping[str, int]


@dataclass(frozen=True)
class Case:
    """A scene, the write that is spoiled (None: none), and how."""

    scene: Scene
    place: str | None = None
    fault: Faults | None = None
    second: str | None = None  # a write of the next life, at which it is killed again

    def __str__(self) -> str:
        what = f"{self.fault.value.name}: {self.place}" if self.fault else "undisturbed"
        return f"{self.scene.name}: {what}" + (f", then again: {self.second}" if self.second else "")


@dataclass
class Outcome:
    """What became of a case."""

    case: Case
    reached: bool
    end: End | None = None
    events: dict[str, int] = field(default_factory=dict)
    effects: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    leases: tuple[str, ...] = ()
    late: str = ""
    log: str = ""


def play(around: Surroundings, case: Case, wanted: Recording | None = None) -> Outcome:
    """Run a case to its end, or until patience ends; what was held up gets time to become as ``wanted``."""
    with world(around, case.scene, [MODEL]) as made:
        operator = made.operator()
        _arm(operator, case)
        operator.start()
        late = ""
        try:
            story(made)
            if wanted is not None:
                with suppress(LateError):
                    made.until("the same end", SETTLING, lambda: _same(made, wanted))
        except LateError as error:
            late = str(error)
        return outcome_of(made, case, late)


def _same(made: World, wanted: Recording) -> bool:
    return end_of(made) == wanted.end and wanted.events.keys() <= made.events().keys()


def _arm(operator: Operator, case: Case) -> None:
    if case.place is None or case.fault is None:
        return

    def strike() -> None:
        operator.kill()
        if case.second is not None:
            operator.proxy.arm_next_life(case.second, Faults.KILL_AFTER.value, operator.kill)

    operator.proxy.arm(case.place, case.fault.value, strike)


def story(made: World) -> None:
    """From healthy to contained, told, and judged twice more; raises LateError."""
    made.until("healthy", PATIENCE, lambda: made.healthy(MODEL) and made.ready)
    made.break_model(MODEL)
    made.until("an end", PATIENCE, lambda: _done(made))
    if made.scene.heals:
        made.heal()
        made.until("over", HEALING, lambda: _over(made))
    made.polled(2)


def _done(made: World) -> bool:
    """All steps that were due are done, told, and the model's own status says so; a person who is asked approves."""
    found = made.incidents(MODEL)
    if not found:
        return False
    _decide(made, found[0])
    status = found[0].get("status") or {}
    plan = status.get("plan") or {}
    due = [s for s in plan.get("steps") or () if s.get("rung") != "Escalate" or plan.get("escalatedAt")]
    settled = all(s["state"] in {"Done", "Failed", "Skipped", "Undone"} for s in due)
    if not due or not settled or made.model(MODEL).get("phase") != "Incident":
        return False
    held = {f"{c['type']}={c['status']}" for c in status["conditions"]}
    return status["phase"] == "ContainmentFailed" or held >= set(made.scene.holds)


def _over(made: World) -> bool:
    """The incident has ended, and the model is well again."""
    phases = {(i.get("status") or {}).get("phase") for i in made.incidents(MODEL)}
    return phases == {made.scene.phase} and made.model(MODEL).get("phase") == "Healthy"


def _decide(made: World, incident: Raw) -> None:
    """Say yes to whatever a person is asked, of the plan that is there now."""
    spec, status = incident["spec"], incident.get("status") or {}
    plan = status.get("plan") or {}
    yes = {"decision": "Approve", "by": "alice@example.org", "planHash": plan.get("hash")}
    gates = [s["name"] for s in plan.get("steps") or () if (s["action"], s["state"]) == ("Gate", "Intended")]
    given: Raw = {}
    if status.get("phase") == "AwaitingApproval" and _of_another(spec.get("approval"), yes):
        given["approval"] = yes
    if gates and _of_another(next(iter(spec.get("gates") or ()), None), yes):
        given["gates"] = [{"name": gates[0], **yes}]
    if given:
        answer = made.server.patch(made.path("AIIncident", incident["metadata"]["name"]), {"spec": given})
        assert answer.status == 200, answer.message


def _of_another(given: Raw | None, yes: Raw) -> bool:
    return given is None or given["planHash"] != yes["planHash"]


def outcome_of(made: World, case: Case, late: str) -> Outcome:
    """How the world stands, and what its replicas wrote."""
    writes, leases = made.writes, [w for o in made.operators for w in o.proxy.leases]
    return Outcome(
        case=case,
        reached=case.place is None or any(o.proxy.fired.is_set() for o in made.operators),
        end=end_of(made),
        events=dict(made.events()),
        effects=tuple(w.effect for w in writes if w.effect and w.committed),
        places=tuple(w.place for w in writes),
        leases=tuple(w.place for w in leases),
        late=late,
        log="".join(o.said for o in made.operators),
    )


def end_of(made: World) -> End:
    """The state that the world is in."""
    incidents = made.incidents(MODEL)
    status = (incidents[0].get("status") or {}) if incidents else {}
    model, deployment = made.model(MODEL), made.deployment(MODEL)
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    marks = deployment["metadata"].get("annotations") or {}
    return End(
        incidents=tuple(sorted(EPISODE.sub("-*-", i["metadata"]["name"]) for i in incidents)),
        phase=status.get("phase", ""),
        conditions=_conditions(status),
        steps=tuple((s["name"], s["state"]) for s in (status.get("plan") or {}).get("steps") or ()),
        timeline=tuple(e["reason"] for e in status.get("timeline") or ()),
        signals=tuple(f"{s['policy']}/{s['name']} {s['verdict']}" for s in status.get("signals") or ()),
        suspect=(status.get("suspect") or {}).get("digest", ""),
        workload=(
            ("image", container["image"]),
            ("env", str(container.get("env"))),
            ("replicas", deployment["spec"]["replicas"]),
            ("changes", deployment["metadata"]["generation"] - _fences(made)),
            ("replaced", marks.get("knowngood.dev/replaced")),
            ("pinned-by", EPISODE.sub("-*-", marks.get("knowngood.dev/pinned-by", ""))),
        ),
        model=(
            ("phase", model.get("phase")),
            ("incident", EPISODE.sub("-*-", (model.get("incidentRef") or {}).get("name", ""))),
            ("episode", model.get("episode")),
            ("signals", (model.get("signals") or {}).get("summary")),
            ("knownGood", str((model.get("knownGood") or {}).get("containers"))),
            ("conditions", _conditions(model)),
        ),
        releases=tuple(
            sorted(
                (r["digest"], r.get("release", ""), bool(r.get("provenAt")), "implicatedIn" in r)
                for r in model.get("releases") or ()
            )
        ),
        ready=tuple(str(_conditions(o.get("status") or {})) for o in _judges(made)),
        things=things(made, model),
    )


def _fences(made: World) -> int:
    """Touches of the workload by those who took over, each of which the API server counts as a generation."""
    return sum(w.plural == "deployments" and w.name == MODEL and w.committed and not w.effect for w in made.writes)


def _judges(made: World) -> list[Raw]:
    return [o for kind in ("IncidentPolicy", "Playbook") for o in made.server.get(made.path(kind)).body["items"]]


def _conditions(status: Raw) -> tuple[tuple[str, str, str], ...]:
    return tuple(sorted((c["type"], c["status"], c["reason"]) for c in status.get("conditions") or ()))

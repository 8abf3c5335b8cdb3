"""A world for each action that changes the cluster: where it can act, and how another writer would get in its way."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from knowngood.api.steps import ActionName
from knowngood.core.facts.things import Ref, Thing, read_thing
from knowngood.core.response import jobs
from tests import builders as b
from tests.scenarios.world import World, patched

ENV = {b.CONTAINER: [("MODEL_REVISION", "8"), ("EXTRA", "1"), ("OTHER", "x")]}
PINNED = b.pinned("good", env=[{"name": "MODEL_REVISION", "value": "7"}], removeEnv=["EXTRA"])


def _person_sets_fix(found: World) -> None:
    found.person_sets("fix")


def _fix_stands(found: World) -> bool:
    return found.image == b.image("fix")


def _no_consent(found: World) -> None:
    found.workload = b.workload(consent=None)


@dataclass(frozen=True)
class Case:
    """What one action needs to act, and to be disturbed."""

    id: str
    name: ActionName
    step: dict[str, Any]  # the fields of its step beside name and action
    model: dict[str, Any] = field(default_factory=lambda: {"knownGood": PINNED})  # of the ModelDeployment's spec
    things: Callable[[], tuple[Thing, ...]] = tuple  # what stands beside the workload
    disturb: Callable[[World], None] = _person_sets_fix  # another writer changes what it is about to write
    undisturbed: Callable[[World], bool] = _fix_stands  # whether that writer's change still stands
    without_consent: Callable[[World], None] = _no_consent
    changes: Callable[[], dict[str, Any]] = dict  # of the world
    no_way_back: bool = False  # only a person can undo it, and it says so

    def __str__(self) -> str:
        return self.id

    def world(self, **changes: Any) -> World:
        """A breach, and a playbook that has this action alone."""
        steps = [
            {"name": "evidence", "action": "FreezeEvidence"},
            {"name": "act", "action": self.name.value, **self.step},
        ]
        workload = self.changes().get("workload", b.workload(env=ENV))
        things = {Ref(t.kind, t.name): t for t in self.things()}
        values = {"model": b.model(self.model), "workload": workload, "things": things, **self.changes(), **changes}
        made = World(playbooks=(b.playbook(steps=steps),), **values)
        made.evidence = b.evidence().model_copy(update={"workload": b.seen(workload)})
        return made


SERVICE = Ref("Service", b.MODEL)


def _service(consent: str | None = b.MODEL) -> tuple[Thing, ...]:
    return (b.service(consent=consent),)


def _rerouted() -> tuple[Thing, ...]:
    marks = {
        "routed_by": b.incident().metadata.name,
        "routed_to": "Deployment/digits-standby",
        "replaced_selector": f"app={b.MODEL}",
    }
    return (b.service({"app": "digits-standby"}, **marks),)


def _with_standby() -> dict[str, Any]:
    return {"standby": b.standby()}


def _mended() -> dict[str, Any]:
    return {"standby": b.standby(), "workload": b.workload({b.CONTAINER: b.image("good")}), "pods": b.pods("good")}


def _person_leads_it(found: World) -> None:
    found.write_thing(SERVICE, {"spec": {"selector": {"app": "theirs"}}})


def _their_lead_stands(found: World) -> bool:
    return bool(found.things[SERVICE].raw["spec"]["selector"] == {"app": "theirs"})


def _no_consent_of_service(found: World) -> None:
    raw = found.things[SERVICE].raw
    found.things = {SERVICE: read_thing({**raw, "metadata": {**raw["metadata"], "labels": {}}})}


GUARDRAIL = Ref("ConfigMap", "guardrail")
SAFE_MODE = {"name": "safe-mode", "configMapKeyRef": {"name": "guardrail", "key": "mode"}, "value": "strict"}
RATE = {"name": "rate", "env": {"name": "RATE"}, "value": "10"}


def _guardrail(consent: str | None = b.MODEL) -> tuple[Thing, ...]:
    return (b.thing("ConfigMap", "guardrail", {"data": {"mode": "relaxed, 50%", "other": "x"}}, consent),)


def _person_sets_mode(found: World) -> None:
    found.write_thing(GUARDRAIL, {"data": {"mode": "off"}})


def _mode_stands(found: World) -> bool:
    return bool(found.things[GUARDRAIL].raw["data"] == {"mode": "off", "other": "x"})


def _no_consent_of_guardrail(found: World) -> None:
    found.things = {GUARDRAIL: _guardrail(None)[0]}


def _person_sets_rate(found: World) -> None:
    assert found.workload is not None
    found.write(patched(found.workload, _env(RATE="7")))


def _rate_stands(found: World) -> bool:
    return found.workload is not None and dict(found.workload.containers[0].env)["RATE"] == "7"


def _env(**values: str) -> dict[str, Any]:
    env = [{"name": name, "value": value} for name, value in values.items()]
    return {"spec": {"template": {"spec": {"containers": [{"name": b.CONTAINER, "env": env}]}}}}


def _person_pauses(found: World) -> None:
    assert found.workload is not None
    found.write(dataclasses.replace(found.workload, paused=True))


def _their_pause_stands(found: World) -> bool:
    return found.workload is not None and found.workload.paused and not found.workload.annotations


def _person_lifts(found: World) -> None:
    found.write_model({"spec": {"quarantine": {"lift": [b.BAD]}}})


def _their_lift_stands(found: World) -> bool:
    return not found.model.status.quarantined


JOB = jobs.ref(b.incident(), "act")


def _template() -> tuple[Thing, ...]:
    spec = {"suspend": True, "jobTemplate": {"spec": {"template": {"spec": {"containers": []}}}}}
    return (b.thing("CronJob", "scrub", {"spec": spec}),)


def _person_makes_a_job(found: World) -> None:
    found.things[JOB] = b.thing("Job", JOB.name, {"spec": {"parallelism": 7}})


def _their_job_stands(found: World) -> bool:
    return bool(found.things[JOB].raw["spec"] == {"parallelism": 7})


_CASES = (
    Case("PinKnownGood", ActionName.PIN_KNOWN_GOOD, {}),
    Case("ScaleToZero", ActionName.SCALE_TO_ZERO, {"allowOutage": True}),
    Case(
        "PauseRollout",
        ActionName.PAUSE_ROLLOUT,
        {},
        disturb=_person_pauses,
        undisturbed=_their_pause_stands,
    ),
    Case(
        "Isolate-standby",
        ActionName.ISOLATE,
        {},
        {"knownGood": PINNED, **b.SERVICE, **b.STANDBY},
        _service,
        _person_leads_it,
        _their_lead_stands,
        _no_consent_of_service,
        _with_standby,
    ),
    Case(
        "Isolate-outage",
        ActionName.ISOLATE,
        {"allowOutage": True, "isolate": {"keep": 1, "keepFor": "1h"}},
        {"knownGood": PINNED, **b.SERVICE},
        _service,
        _person_leads_it,
        _their_lead_stands,
    ),
    Case(
        "QuarantineDigest",
        ActionName.QUARANTINE_DIGEST,
        {},
        disturb=_person_lifts,
        undisturbed=_their_lift_stands,
        no_way_back=True,
    ),
    Case(
        "RunJob",
        ActionName.RUN_JOB,
        {"runJob": {"template": "scrub"}},
        things=_template,
        disturb=_person_makes_a_job,
        undisturbed=_their_job_stands,
        no_way_back=True,
    ),
    Case(
        "SetFlag-ConfigMap",
        ActionName.SET_FLAG,
        {"setFlag": {"flag": "safe-mode"}},
        {"flags": [SAFE_MODE, RATE]},
        _guardrail,
        _person_sets_mode,
        _mode_stands,
        _no_consent_of_guardrail,
    ),
    Case(
        "SetFlag-variable",
        ActionName.SET_FLAG,
        {"setFlag": {"flag": "rate"}},
        {"flags": [SAFE_MODE, RATE]},
        disturb=_person_sets_rate,
        undisturbed=_rate_stands,
    ),
    Case(
        "RerouteTraffic-Standby",
        ActionName.REROUTE_TRAFFIC,
        {},
        {"knownGood": PINNED, **b.SERVICE, **b.STANDBY},
        _service,
        _person_leads_it,
        _their_lead_stands,
        _no_consent_of_service,
        _with_standby,
    ),
    Case(
        "RerouteTraffic-Workload",
        ActionName.REROUTE_TRAFFIC,
        {"rerouteTraffic": {"to": "Workload"}},
        {"knownGood": PINNED, **b.SERVICE, **b.STANDBY},
        _rerouted,
        _person_leads_it,
        _their_lead_stands,
        _no_consent_of_service,
        _mended,
    ),
)

OF_A_ROLLOUT = ("PinKnownGood", "ScaleToZero", "PauseRollout", "SetFlag-variable")


def _rollout(**changes: Any) -> dict[str, Any]:
    return {"workload": b.workload(env=ENV, **b.ROLLOUT, **changes)}


def _of_a_rollout(case: Case) -> Case:
    """The same where the model is served by a Rollout of Argo Rollouts."""
    model = {**case.model, "workloadRef": b.ROLLOUT_REF}
    return dataclasses.replace(case, id=f"{case.id}-of-a-Rollout", model=model, changes=_rollout)


ROLLOUTS = tuple(_of_a_rollout(case) for case in _CASES if case.id in OF_A_ROLLOUT)
CASES = (*_CASES, *ROLLOUTS)

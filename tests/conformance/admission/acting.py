"""An action's own decisions, sent to the API server with the operator's account: what it writes, and what undoes it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.plan import Plan, PlanStep, StepState
from knowngood.core.facts.ownership import MANAGER
from knowngood.core.facts.things import Lookup, Ref, read_thing
from knowngood.core.facts.workload import Pod, PodContainer, read_pod, read_workload
from knowngood.core.response import environment
from knowngood.core.response.changing import Changing, State
from knowngood.core.response.facts import Facts, Standby
from knowngood.core.response.knowngood import candidates
from knowngood.core.response.mutation import Creation, Mutation, Write
from knowngood.core.response.registry import action
from tests import builders as b
from tests.conformance.admission.cluster import MERGE, STRATEGIC, WATCHED, Client, collection, path_of
from tests.conformance.admission.world import GOOD, model
from tests.conformance.apiserver import Answer

VERSIONS = {
    "ConfigMap": "v1",
    "Service": "v1",
    "Pod": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "CronJob": "batch/v1",
    "Job": "batch/v1",
}
MOST = 20


@dataclass
class Acting:
    """One step of a plan for the model ``name``, whose workload is at ``path``."""

    operator: Client
    name: str
    given: dict[str, Any]
    path: str
    standby: str = ""  # where that workload is
    suspect: str = ""  # the image that the incident is about
    pinned: bool = False  # whether the plan goes back to what the model pins
    step: PlanStep = field(init=False)
    changing: Changing = field(init=False)

    def __post_init__(self) -> None:
        self.step = PlanStep.from_object({"state": StepState.INTENDED.value, **self.given})
        found = action(self.step.action)
        assert isinstance(found, Changing)
        self.changing = found
        facts = self.facts()
        assert self.pinned or found.obstacle(facts, self.step) is None
        self.step = self.step.model_copy(update={"observed": found.observe(facts, self.step)})

    def facts(self) -> Facts:
        """As the operator's account reads them."""
        raw = self._read(self.path)
        declared = ModelDeployment.from_object(self._read(path_of(model(self.name))))
        made = b.facts(
            model=declared,
            incident=b.incident({"plan": self._plan(declared).to_object(), **self._suspect()}),
            workload=read_workload(raw),
            container="model",
            pods=self._pods(lambda p: p.labels.get("app") == self.name) if self.suspect else self._answering(),
            kept={p.name: p for p in self._pods(lambda p: p.name.startswith(self.name))},
            implicated=frozenset({self.suspect.partition("@")[2]}),
            standby=self._standby() if self.standby else None,
        )
        return replace(made, things={ref: self._looked(ref) for ref in self.changing.needs(made, self.step)})

    def _plan(self, declared: ModelDeployment) -> Plan:
        good = declared.spec.known_good
        if good is None or not self.pinned:
            return Plan(steps=[self.step])
        (pinned,) = candidates(declared, "model")
        return Plan(steps=[self.step], known_good=environment.known_good(pinned))

    def _answering(self) -> tuple[Pod, ...]:
        """Pods of the workload on a release that is known to be good."""
        return tuple(b.pod(f"p{i}", "good", labels={"app": self.name}) for i in range(2))

    def _looked(self, ref: Ref) -> Lookup:
        answer = self.operator.send("GET", _path(ref.kind, ref.name))
        assert answer.status in {200, 404}, answer.message
        return Lookup(read_thing(answer.body) if answer.status == 200 else None)

    def _pods(self, wanted: Callable[[Pod], bool]) -> tuple[Pod, ...]:
        """Pods as they are, but for what a kubelet would report."""
        items = self.operator.send("GET", collection("v1", "Pod", WATCHED)).body["items"]
        found = [read_pod(item) for item in items]
        ran = (PodContainer("model", self.suspect, self.suspect),)
        return tuple(replace(p, containers=ran, phase="Running", ready=True) for p in found if wanted(p))

    def _suspect(self) -> dict[str, Any]:
        digest = self.suspect.partition("@")[2]
        return {"suspect": {"digest": digest}} if digest else {}

    def _standby(self) -> Standby:
        """The standby, with pods on a release that is pinned: no kubelet runs here."""
        workload = read_workload(self._read(self.standby))
        running = PodContainer("model", GOOD, GOOD)
        pod = b.pod("standby-0", labels=dict(workload.selector.equal), containers=(running,))
        return Standby(workload, (pod,))

    def _read(self, path: str) -> dict[str, Any]:
        answer = self.operator.send("GET", path)
        assert answer.status == 200, answer.message
        return answer.body

    def write(self) -> None:
        """Until all is there."""
        for _ in range(MOST):
            facts = self.facts()
            if self.changing.state(facts, self.step) is State.THERE:
                return
            self._send(self.changing.write(facts, self.step))
        raise AssertionError("it does not come to an end")

    def undo(self) -> None:
        """Until all is as it was seen."""
        for _ in range(MOST):
            facts = self.facts()
            if self.changing.state(facts, self.step) is State.AS_SEEN:
                return
            mutation = self.changing.undo(facts, self.step)
            assert mutation is not None
            self._send(mutation)
        raise AssertionError("it does not come to an end")

    def last(self) -> None:
        """What is written once all is there."""
        for _ in range(MOST):
            if (write := self.changing.last(self.facts(), self.step)) is None:
                return
            self._send(write)
        raise AssertionError("it does not come to an end")

    def _send(self, mutation: Write) -> None:
        if isinstance(mutation, Creation):
            answer = self.operator.create(dict(mutation.body))
        else:
            answer = once_seen(self.operator, mutation)
        assert answer.status in {200, 201}, answer.message


def once_seen(operator: Client, mutation: Mutation) -> Answer:
    """The answer once the API server's own lists of parameters have what was just made."""
    target, end = mutation.target, time.monotonic() + 10
    path = _path(target.kind, target.name, target.api_version) + (f"/{mutation.sub}" if mutation.sub else "")
    guard = {"uid": target.uid, "resourceVersion": target.resource_version}
    body = {**mutation.patch, "metadata": {**mutation.patch.get("metadata", {}), **guard}}
    type_ = MERGE if "knowngood.dev" in target.api_version else STRATEGIC
    path += f"?fieldManager={MANAGER}"
    while (answer := operator.send("PATCH", path, body, type_)).status == 403 and time.monotonic() < end:
        pass
    return answer


def _path(kind: str, name: str, version: str = "") -> str:
    meta = {"namespace": WATCHED, "name": name}
    return path_of({"apiVersion": version or VERSIONS[kind], "kind": kind, "metadata": meta})

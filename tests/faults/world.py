"""One namespace with models, and the replicas of the operator that look after it alone."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.apiserver import ApiServer
from tests.faults import scenes
from tests.faults.cluster import ACCOUNT, RIGHTS, Surroundings, bound, created, namespace
from tests.faults.process import Lease, Operator
from tests.faults.proxy import Poison, Proxy
from tests.faults.scenes import Scene
from tests.faults.writes import Write

Raw = dict[str, Any]
KINDS = {
    "ModelDeployment": "modeldeployments",
    "IncidentPolicy": "incidentpolicies",
    "Playbook": "playbooks",
    "AIIncident": "aiincidents",
}
_CORE = {
    "Service": "api/v1/namespaces/{}/services",
    "ConfigMap": "api/v1/namespaces/{}/configmaps",
    "Pod": "api/v1/namespaces/{}/pods",
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "NetworkPolicy": "apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
}
_numbers = itertools.count(1)


def core(kind: str, namespace: str) -> str:
    """Where objects of Kubernetes' own kinds are."""
    return "/" + _CORE[kind].format(namespace)


class LateError(AssertionError):
    """Something did not come about in time."""


@dataclass
class World:
    """A namespace, who acts in it, and how it stands."""

    around: Surroundings
    namespace: str
    scene: Scene
    server: ApiServer
    operators: list[Operator] = field(default_factory=list)

    def operator(self, identity: str = "one", lease: Lease | None = None) -> Operator:
        """One more replica, not started yet."""
        proxy = Proxy(self.server.url, str(self.server.authority))
        proxy.poisons += [Poison(plural, name, 422, sub="") for plural, name in self.scene.refused]
        self.around.loop.run(proxy.start())
        made = Operator(self.around, self.namespace, identity, lease or Lease(), proxy)
        self.operators.append(made)
        return made

    @property
    def writes(self) -> list[Write]:
        """What all replicas wrote, in order."""
        return sorted((w for o in self.operators for w in o.proxy.writes), key=lambda w: w.at)

    def path(self, kind: str, name: str = "") -> str:
        """Where objects of a kind are."""
        root = f"/apis/{scenes.API}/namespaces/{self.namespace}/{KINDS[kind]}"
        return f"{root}/{name}" if name else root

    def create(self, body: Raw) -> None:
        """Make an object of ours."""
        created(self.server, self.path(body["kind"]), body)

    def deployment(self, name: str) -> Raw:
        """A workload as it is now."""
        return dict(self.server.get(f"{core('Deployment', self.namespace)}/{name}").body)

    def all(self, kind: str) -> list[Raw]:
        """All objects of one of Kubernetes' own kinds."""
        return list(self.server.get(core(kind, self.namespace)).body["items"])

    @property
    def ready(self) -> bool:
        """Whether every Deployment that stands around is there with its pods."""
        return all((d.get("status") or {}).get("readyReplicas") for d in self.all("Deployment"))

    def add_model(self, name: str, tier: str = "critical") -> None:
        """A healthy model and its workload."""
        created(
            self.server,
            core("Deployment", self.namespace),
            scenes.deployment(self.namespace, name, self.scene.pods),
        )
        self.create(scenes.model(self.namespace, name, self.scene, tier))

    def break_model(self, name: str) -> float:
        """Roll out the bad release; gives when, in monotonic seconds."""
        answer = self.server.patch(f"{core('Deployment', self.namespace)}/{name}", scenes.broken(name))
        assert answer.status == 200, answer.message
        return time.monotonic()

    def heal(self) -> None:
        """Whatever runs answers rightly from now on."""
        self.around.prometheus.healed.add(self.namespace)

    def model(self, name: str) -> Raw:
        """A model's status."""
        return dict(self.server.get(self.path("ModelDeployment", name)).body.get("status") or {})

    def healthy(self, name: str) -> bool:
        """Whether the model is judged healthy and has a release to go back to."""
        return self.model(name).get("phase") == "Healthy"

    def incidents(self, model: str) -> list[Raw]:
        """The incidents of a model."""
        items = self.server.get(self.path("AIIncident")).body["items"]
        return [i for i in items if i["spec"]["modelRef"]["name"] == model]

    def events(self) -> Counter[str]:
        """How many Events of the operator there are of each reason."""
        path = f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events"
        items = self.server.get(path).body["items"]
        return Counter(e["reason"] for e in items if "knowngood" in str(e.get("reportingController")))

    def polled(self, times: int) -> None:
        """Wait until the signals of this namespace were asked for as often again."""
        polls = self.around.prometheus.polls
        goal = polls[self.namespace] + times
        self.until(f"{times} polls", 120, lambda: polls[self.namespace] >= goal)

    def until(self, what: str, seconds: float, look: Callable[[], object]) -> None:
        """Look until ``look`` says yes, and keep the replicas that were killed running; raises LateError."""
        end = time.monotonic() + seconds
        while not look():
            if time.monotonic() > end:
                raise LateError(f"{self.namespace}: {what}: not within {seconds:g} s")
            self.revive()
            time.sleep(0.2)

    def revive(self) -> None:
        """Start again whoever was killed, as a kubelet would."""
        for operator in self.operators:
            if operator.dead:
                assert operator.killed, f"it ended by itself:\n{operator.said}"
                operator.start()


@contextmanager
def world(around: Surroundings, scene: Scene, models: Sequence[str] = ("digits",)) -> Iterator[World]:
    """A fresh namespace with these models, their policy and playbook; all of its replicas are ended on leaving."""
    name = f"w{next(_numbers):05d}"
    made = World(around, name, scene, around.client())
    try:
        _prepare(made, models)
        yield made
    finally:
        for operator in made.operators:
            operator.stop()
            around.loop.run(operator.proxy.stop())
        made.server.session.close()


def _prepare(made: World, models: Sequence[str]) -> None:
    server, name = made.server, made.namespace
    namespace(server, name)
    rules = [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "update"]}]
    rights = f"/apis/{RIGHTS}/v1/namespaces/{name}"
    created(server, f"{rights}/roles", {"metadata": {"name": ACCOUNT}, "rules": rules})
    created(server, f"{rights}/rolebindings", bound("Role"))
    for each in made.scene.around:
        created(server, core(each["kind"], name), each)
    made.create(scenes.playbook(name, made.scene))
    made.create(scenes.policy(name, made.scene))
    for model in models:
        made.add_model(model)

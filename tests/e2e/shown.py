"""A model with a Service and a warm standby that are its own, under any of the shipped playbooks."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import yaml

from tests.e2e.cluster import Cluster, Place, Raw, eventually, shipped

LABEL = "knowngood.dev/model"
STANDBY = "digits-standby"
COMMENT = "  # "


@dataclass
class ShownPlace(Place):
    """One namespace; ``runs`` is the image that runs first, the good release where nothing is said."""

    plays: str = "pin-known-good"
    type: str = "ModelFailure"
    signal: str = "accuracy"
    keep_for: str = ""  # instead of the shipped one
    escalate: str = ""  # the next rung that the manifest holds as a comment, after that long
    standby: bool = True
    runs: str = ""
    labels: dict[str, str] = field(default_factory=dict)  # of the Deployment, beside the consent

    def playbook(self) -> Raw:
        """The shipped one, with times that a test can wait for."""
        found = shipped(self.plays, self.namespace, self._with_escalation if self.escalate else str)
        for step in found["spec"]["contain"]:
            if self.keep_for and step["action"] == "Isolate":
                step["isolate"]["keepFor"] = self.keep_for
        return found

    def _with_escalation(self, text: str) -> str:
        head, _, rung = text.partition(f"{COMMENT}escalate:")
        assert rung, "the manifest holds a next rung as a comment"
        rung = (f"{COMMENT}escalate:{rung}").replace(COMMENT, "  ")
        return head + rung.replace("after: 5m", f"after: {self.escalate}")

    def _serving(self) -> Iterator[Raw]:
        for found in super()._serving():
            if found["kind"] == "Service":
                found["metadata"]["labels"] = {LABEL: "digits"}
            if found["metadata"]["name"] == "digits" and found["kind"] == "Deployment":
                found["metadata"]["labels"] |= self.labels
                found["spec"]["template"]["spec"]["containers"][0]["image"] = self.runs or self.good
                if self.standby:
                    yield self._copy(found)
            yield found

    def _copy(self, deployment: Raw) -> Raw:
        """The standby: the same, on the good release, under labels of its own."""
        made: Raw = json.loads(json.dumps(deployment).replace('"app": "digits"', f'"app": "{STANDBY}"'))
        made["metadata"]["name"] = STANDBY
        made["spec"]["template"]["spec"]["containers"][0]["image"] = self.good
        return made

    def model(self, pin: str | None) -> Raw:
        found = super().model(pin)
        found["spec"]["serviceRef"] = {"name": "digits"}
        if self.standby:
            found["spec"]["standby"] = {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": STANDBY}}
        return found

    def policy(self, mode: str = "Automatic") -> Raw:
        found = super().policy(mode)
        found["spec"]["signals"][0] |= {"name": self.signal, "type": self.type}
        # of a few samples, where the machine is busy, a release that is right 97 times in 100 may show 0.88
        found["spec"]["signals"][0]["detector"]["threshold"]["below"] = 0.6
        found["spec"]["responses"][0] |= {"name": "shown", "playbookRef": {"name": self.plays}}
        return found

    def begin(self) -> None:
        """All of it, healthy."""
        self.cluster.apply(*self.objects(self.good))
        self.await_health()

    def await_health(self) -> None:
        for name in ("digits", STANDBY) if self.standby else ("digits",):
            self.kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s")
        eventually(f"{self.namespace} healthy", 90, self.healthy)

    def end(self) -> None:
        """Nothing that runs, and nothing to look after."""
        for kinds in ("modeldeployments,incidentpolicies,deployments", "aiincidents,pods"):
            self.kubectl("delete", kinds, "--all", "--wait=false")

    def step(self, name: str) -> Raw:
        """A step of the only incident's plan; an empty one before there is any."""
        steps = ((self.incident() or {}).get("status", {}).get("plan") or {}).get("steps", [])
        return next((s for s in steps if s["name"] == name), {})

    def done(self, name: str) -> Raw | None:
        """The incident once that step of its plan is done."""
        return self.incident() if self.step(name).get("state") == "Done" else None

    def told(self) -> list[str]:
        """Reasons of the Events about incidents."""
        items = self.cluster.get("events", "-n", self.namespace)["items"]
        return [e["reason"] for e in items if e["involvedObject"]["kind"] == "AIIncident"]

    def drift(self) -> None:
        """Callers ask from now on what no release was trained on."""
        chance = random.Random(1)
        images = [[chance.randint(0, 16) for _ in range(64)] for _ in range(50)]
        content = json.dumps({"images": images, "labels": [chance.randint(0, 9) for _ in images]})
        meta = {"name": "drifted", "namespace": self.namespace}
        self.cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"asked.json": content}})
        mount = {"name": "drifted", "mountPath": "/drifted"}
        env = [{"name": "IMAGES", "value": "/drifted/asked.json"}]
        container = {"name": "traffic", "env": env, "volumeMounts": [mount]}
        pod = {"volumes": [{"name": "drifted", "configMap": {"name": "drifted"}}], "containers": [container]}
        patch = json.dumps({"spec": {"template": {"spec": pod}}})
        self.kubectl("patch", "deployment", "traffic", "--type=strategic", "-p", patch)


def moment(text: str) -> float:
    """Seconds since the epoch of a time as the API server writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def chart_of(place: ShownPlace, directory: Path) -> str:
    """A chart of the model's Deployment, with its image as a value; the directory's path."""
    (deployment,) = (o for o in place.objects(None) if (o["kind"], o["metadata"]["name"]) == ("Deployment", "digits"))
    text = yaml.safe_dump(deployment).replace(place.runs or place.good, "{{ .Values.image }}")
    (directory / "templates").mkdir(parents=True)
    (directory / "Chart.yaml").write_text("apiVersion: v2\nname: digits\nversion: 1.0.0\n")
    (directory / "templates" / "model.yaml").write_text(text)
    return str(directory)


def without_workload(place: ShownPlace, cluster: Cluster) -> None:
    """Everything but the model's Deployment, which somebody else keeps."""
    kept = ("Deployment", "digits")
    cluster.apply(*(o for o in place.objects(place.good) if (o["kind"], o["metadata"]["name"]) != kept))

"""Argo Rollouts' own controller, in one namespace, and a model that a Rollout serves there."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.model.releases import BAD, BETTER, GOOD
from tests.e2e.cluster import ROOT, Cluster, Place, Raw, eventually
from tests.e2e.faults import free_port

VERSION = "argoproj.io/v1alpha1"
KINDS = {"rollouts", "experiments", "analysisruns", "analysistemplates", "clusteranalysistemplates"}
FULL = '{"status":{"promoteFull":true}}'


def built() -> Path:
    """Where the controller and its definitions are; the first time it is built, which takes minutes."""
    command = [sys.executable, "-m", "lab", "rollouts"]
    return Path(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


@contextmanager
def defined(cluster: Cluster, there: Path) -> Iterator[None]:
    """With the definitions; those that were there before are somebody's, and stay as they are."""
    theirs = cluster.run("get", "crd", "rollouts.argoproj.io").returncode == 0
    if not theirs:  # too large for what a client-side apply would annotate
        cluster("apply", "--server-side", "-f", str(there / "crds.yaml"))
    eventually("the definitions are served", 60, lambda: _served(cluster) >= KINDS)
    try:
        yield
    finally:
        if not theirs:
            cluster("delete", "-f", str(there / "crds.yaml"), "--ignore-not-found", "--wait=false")


def _served(cluster: Cluster) -> set[str]:
    done = cluster.run("get", "--raw", f"/apis/{VERSION}")
    return {found["name"] for found in json.loads(done.stdout)["resources"]} if done.returncode == 0 else set()


@contextmanager
def controller(there: Path, kubeconfig: str, namespace: str, log: Path) -> Iterator[None]:
    """The controller of that namespace's Rollouts."""
    flags = [f"--kubeconfig={kubeconfig}", "--namespaced", f"--namespace={namespace}", "--leader-elect=false"]
    flags += [f"--metricsPort={free_port()}", f"--healthzPort={free_port()}"]
    with log.open("wb") as out:
        process = subprocess.Popen([there / "rollouts-controller", *flags], stdout=out, stderr=out)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class RolloutPlace(Place):
    """A namespace with the digits model as a Rollout: two pods, and a canary that waits at one of them.

    Both pods hear of late labels of both releases; a variable tells which is whose.
    """

    def _deployment(self, name: str, port: int, container: Raw) -> Raw:
        made = super()._deployment(name, port, container)
        if name != "digits":
            return made
        made["spec"]["template"]["spec"]["containers"][0]["env"].append(self._variable(self.good))
        canary = {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}
        spec = {**made["spec"], "replicas": 2, "strategy": canary}
        return {**made, "apiVersion": VERSION, "kind": "Rollout", "spec": spec}

    def model(self, pin: str | None) -> Raw:
        """Served by the Rollout; the variable goes back with the image."""
        made = super().model(pin)
        if pin:
            made["spec"]["knownGood"]["containers"][0]["env"] = [self._variable(pin)]
        made["spec"]["workloadRef"] = {"apiVersion": VERSION, "kind": "Rollout", "name": "digits"}
        return made

    def rollout(self) -> Raw:
        """The Rollout as it is."""
        return self.cluster.get("rollout", "digits", "-n", self.namespace)

    def image(self) -> str:
        """What its template declares."""
        return str(self.rollout()["spec"]["template"]["spec"]["containers"][0]["image"])

    def set_image(self, image: str) -> None:
        """A person's new release."""
        path, variable = "/spec/template/spec/containers/0", self._variable(image)
        places = ((f"{path}/image", image), (f"{path}/env/1", variable))
        patch = json.dumps([{"op": "replace", "path": place, "value": value} for place, value in places])
        self.kubectl("patch", "rollout", "digits", "--type=json", "-p", patch)

    def _variable(self, image: str) -> Raw:
        version = {self.good: GOOD, self.bad: BAD, self.better: BETTER}[image]
        return {"name": "MODEL_REVISION", "value": version}

    def promote(self) -> None:
        """What `kubectl argo rollouts promote --full` does."""
        self.kubectl("patch", "rollout", "digits", "--subresource=status", "--type=merge", "-p", FULL)

    def running(self) -> set[str]:
        """The images of its pods, as they declare them."""
        pods = self.cluster.get("pods", "-n", self.namespace, "-l", "app=digits")["items"]
        return {p["spec"]["containers"][0]["image"] for p in pods}

    def serves(self, image: str) -> bool:
        """Whether its controller says that it is healthy, on that image and no other."""
        found = self.rollout()
        status, generation = found.get("status", {}), found["metadata"]["generation"]
        seen = status.get("observedGeneration") == str(generation) and status.get("phase") == "Healthy"
        return seen and status.get("stableRS") == status.get("currentPodHash") and self.running() == {image}

    def suspend(self, on: bool) -> None:
        """Whether the operator looks away."""
        patch = json.dumps({"spec": {"suspend": on}})
        self.kubectl("patch", "modeldeployment", "digits", "--type=merge", "-p", patch)

    def reset(self, pin: str | None, mode: str = "Automatic") -> None:
        """Back on the good release, with no incident, judged healthy."""
        self.suspend(True)
        self.kubectl("delete", "aiincidents", "--all")
        if not self.serves(self.good):
            self.set_image(self.good)
            self.promote()
            eventually("back on the good release", 60, lambda: self.serves(self.good))
        self.cluster.apply(self.policy(mode), self.model(pin))
        self.suspend(False)
        eventually(f"{self.namespace} healthy", 60, self.healthy)
        self.kubectl("delete", "aiincidents", "--all")

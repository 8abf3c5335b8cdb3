"""`make demo`: a model fails silently on a real cluster, and is put back on its known-good image.

Ends with 0 only if everything happened and not one request failed; build/demo.json has the figures.
"""

from __future__ import annotations

import argparse
import sys
import time

from rich.console import Console

from lab.demo import healthy, images, install, moments, own, policy, record, traffic
from lab.demo.alone import alone
from lab.demo.cluster import ApiError, Cluster, CommandError, Kubectl
from lab.demo.expression import Questions
from lab.demo.fold import fold_evidence
from lab.demo.install import CONTAINER, MODEL, NAMESPACE, SYSTEM, TimedOutError
from lab.demo.observer import Observer
from lab.demo.place import Place, await_helm, bring_up
from lab.demo.play import Stage, play, settle
from lab.demo.prometheus import Prometheus, PrometheusError
from lab.demo.result import record_of
from lab.demo.story import Cast, Story
from lab.demo.timeline import Timeline
from lab.model.releases import BAD, GOOD
from lab.system import LabError

OUTPUT = images.ROOT / "build" / "demo.json"
FAILURES = (ApiError, CommandError, LabError, OSError, PrometheusError, TimedOutError)


class Demo:
    """One run; prints as it goes."""

    def __init__(self, console: Console, keep: bool) -> None:
        self._keep = keep
        self._console = console
        self._began = time.monotonic()
        self._policy, self._signal = policy.read(NAMESPACE)

    def run(self) -> int:
        """The exit code: 0 when all went as it must."""
        self._say("the lab: a one-node Kubernetes, a registry, a Prometheus")
        place = bring_up()
        kubectl = Kubectl(place.kubectl, place.kubeconfig, place.env)
        own.exists(kubectl, SYSTEM)
        if install.remove_last_run(kubectl):
            self._say(f"deleting the namespace {NAMESPACE} of the last demo")
        built = self._prepare(place, kubectl)
        cast = Cast(built.good, GOOD, built.bad, BAD)
        cluster = Cluster(place.kubeconfig, NAMESPACE, MODEL, CONTAINER)
        prometheus = Prometheus(place.prometheus_url)
        self._say("waiting until the model is judged healthy and its release is known to be good")
        healthy.await_known_good(cluster.model, built.good, self._say)
        self._say(f"counting what the operator asks Prometheus, for five intervals of {self._policy.interval:g} s")
        per_cycle = healthy.queries_per_cycle(prometheus, self._policy.interval)
        self._say(f"healthy; the operator asks Prometheus {per_cycle} times a cycle")
        stage = Stage(cast, cluster, cluster.facts(moments.now()))
        observer = Observer(prometheus, Questions(self._signal, {"model": MODEL}), stage.running)
        observer.start()
        try:
            result, incidents = self._story(place, kubectl, stage, observer, per_cycle)
        finally:
            observer.stop()
        return self._finish(kubectl, result, incidents)

    def _prepare(self, place: Place, kubectl: Kubectl) -> images.Images:
        self._say("images: the operator, the model's good and its bad release")
        built = images.build_all()
        await_helm()
        self._say("helm upgrade --install knowngood")
        install.operator(place.helm, kubectl, built.operator, place.prometheus_url, place.registry)
        install.await_removal(kubectl)
        self._say(f"kubectl apply -k manifests/demo: model {GOOD}, its traffic, its policy")
        install.model(kubectl, built)
        return built

    def _story(
        self, place: Place, kubectl: Kubectl, stage: Stage, observer: Observer, per_cycle: float | None
    ) -> tuple[record.Record, int]:
        settle(observer, stage, self._policy.min_samples)
        restarts = traffic.restarts(kubectl)
        self._say("the bad release goes out; from here on, seconds since then\n")
        story = Story(stage.cast, self._policy, moments.now())
        timeline = Timeline(self._console, story.started, (GOOD, BAD), self._policy.min_samples)
        timeline.heading()
        play(kubectl, stage, observer, story, timeline)
        counted = traffic.count(kubectl)
        if traffic.restarts(kubectl) != restarts:
            raise CommandError("the traffic was started again during the demo: its counts are not whole")
        result = record_of(story, list(observer.readings), counted, per_cycle, place.audit_log)
        return result, story.incidents

    def _finish(self, kubectl: Kubectl, result: record.Record, incidents: int) -> int:
        result.write(OUTPUT)
        for command in (
            ("get", "aiincidents", "-n", NAMESPACE),
            ("get", "modeldeployments", "-n", NAMESPACE),
            ("describe", "aiincidents", "-n", NAMESPACE),
        ):
            self._console.print(f"\n$ kubectl {' '.join(command)}", style="bold", highlight=False)
            self._console.out(fold_evidence(kubectl(*command).rstrip()), highlight=False)
        self._console.print(f"\n{OUTPUT.relative_to(images.ROOT)}:", style="bold", highlight=False)
        self._console.out(OUTPUT.read_text().rstrip(), highlight=False)
        wrong = record.failures(result, self._policy, incidents)
        for line in wrong:
            self._console.print(f"FAILED  {line}", style="bold red", highlight=False, soft_wrap=True)
        if not wrong:
            self._say(f"all of it happened; {result.http_requests} requests, none failed")
        if not self._keep:
            install.remove_last_run(kubectl)
            install.await_removal(kubectl)
        left = "The lab stays up: `. build/lab.env` to look around, `make clean` to end it."
        self._console.print(left, highlight=False, markup=False)
        return 1 if wrong else 0

    def _say(self, text: str) -> None:
        self._console.print(
            f"[{time.monotonic() - self._began:5.0f}s] {text}", highlight=False, markup=False, soft_wrap=True
        )


def main() -> int:
    """Parse the command line and run the demo."""
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description=__doc__)
    parser.add_argument(
        "--keep",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="leave the model and its incident on the cluster afterwards",
    )
    options = parser.parse_args()
    console = Console()
    try:
        with alone():
            return Demo(console, options.keep).run()
    except FAILURES as error:
        console.print(f"FAILED  {error}", style="bold red", highlight=False, markup=False, soft_wrap=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())

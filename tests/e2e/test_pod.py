"""The operator as the chart runs it: a pod from its own image, with its own ServiceAccount."""

from pathlib import Path

from tests.e2e.cluster import RELEASE, SYSTEM, Cluster, Operator, Place, eventually
from tests.e2e.install import CHART, helm


def test_the_pod_contains_and_survives_its_own_death(
    env: dict[str, str], cluster: Cluster, chart: Path, places: list[Place], operator: Operator
) -> None:
    operator.stop()
    settings = ["--namespace", SYSTEM, "--values", str(chart), "--set", "replicas=1"]
    fast = ["--set", "leaderElection.leaseDuration=5s,leaderElection.renewDeadline=3s,leaderElection.retryPeriod=1s"]
    helm(env, "upgrade", RELEASE, CHART, *settings, *fast)
    cluster("-n", SYSTEM, "rollout", "status", f"deployment/{RELEASE}", "--timeout=120s")
    place = places[1]
    try:
        place.reset(place.good)
        place.set_image(place.bad)
        eventually("an incident", 60, place.incident)
        cluster("-n", SYSTEM, "delete", "pods", "--all", "--force", "--grace-period=0")
        eventually("contained by the next pod", 120, lambda: place.in_phase("Contained"))
        assert place.image() == place.good
    finally:
        cluster("-n", SYSTEM, "scale", f"deployment/{RELEASE}", "--replicas=0")

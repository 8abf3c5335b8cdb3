"""The callers' own count, read from the traffic pod: every request and every failure."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from lab.demo.cluster import Kubectl
from lab.demo.install import NAMESPACE

PORT = 9102


@dataclass(frozen=True)
class Counted:
    """Requests sent and requests failed, since the traffic began."""

    requests: int
    errors: int


def read_page(page: str) -> Counted:
    """The counts on a metrics page of the traffic."""
    totals = {"traffic_requests_total": 0.0, "traffic_errors_total": 0.0}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name in totals:
                totals[sample.name] += sample.value
    return Counted(int(totals["traffic_requests_total"]), int(totals["traffic_errors_total"]))


def count(kubectl: Kubectl) -> Counted:
    """The counts of the running traffic; CommandError when its pod cannot be asked."""
    pods = kubectl.get("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=traffic")["items"]
    pages = [
        kubectl(
            "get",
            "--raw",
            f"/api/v1/namespaces/{NAMESPACE}/pods/{p['metadata']['name']}:{PORT}/proxy/metrics",
        )
        for p in pods
    ]
    counted = [read_page(page) for page in pages]
    return Counted(sum(c.requests for c in counted), sum(c.errors for c in counted))


def restarts(kubectl: Kubectl) -> int:
    """How often the traffic's container was started again: its counts begin anew each time."""
    pods = kubectl.get("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=traffic")["items"]
    return sum(c["restartCount"] for p in pods for c in p.get("status", {}).get("containerStatuses", []))

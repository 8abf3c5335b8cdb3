"""kopf watches, we decide: each event only goes into the store.

No kopf index (its start-up is super-linear), no kopf timer (one bad patch ends it for good), no kopf peering (it is
no leader election), no kopf patch (it names no version), no finalizer.
"""

import asyncio
import dataclasses
import os
from typing import Any

import kopf
import structlog

from knowngood.api import GROUP, LABEL_MODEL
from knowngood.shell import cluster as c
from knowngood.shell.store import Store

log = structlog.get_logger()
_RESOURCES = (c.MODELS, c.POLICIES, c.PLAYBOOKS, c.INCIDENTS, c.DEPLOYMENTS, c.STATEFULSETS, c.PODS)
_CONSENT_NEEDED = frozenset(c.WORKLOADS)


def resources(rollouts: bool) -> tuple[c.Resource, ...]:
    """What is watched and listed; Rollouts only where the administrator says that the cluster has them."""
    return (*_RESOURCES, c.ROLLOUTS) if rollouts else _RESOURCES


def settings() -> kopf.OperatorSettings:
    """kopf's settings: bounded waits everywhere, nothing posted, its own marks under our prefix."""
    made = kopf.OperatorSettings()
    made.watching.server_timeout = 300
    made.watching.client_timeout = 330
    made.watching.inactivity_timeout = 70
    made.watching.connect_timeout = 10
    made.networking.request_timeout = 30
    made.networking.error_backoffs = (1, 2, 5, 10, 30)
    made.queueing.batch_window = 0.02
    made.posting.enabled = False
    made.posting.loggers = False
    made.persistence.finalizer = f"{GROUP}/finalizer"
    made.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    made.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=GROUP)
    made.scanning.disabled = True
    made.peering.standalone = True
    made.process.ultimate_exiting_timeout = None
    return made


class Watcher:
    """Feeds a store from kopf's watches."""

    def __init__(self, store: Store, namespaces: list[str], rollouts: bool = False) -> None:
        self._store = store
        self._namespaces = namespaces
        self.registry = kopf.OperatorRegistry()
        for resource in resources(rollouts):
            group, _, version = resource.group_version.rpartition("/")
            kopf.on.event(group, version, resource.plural, registry=self.registry, id=resource.plural)(self._on_event)

        kopf.on.login(registry=self.registry)(_login)

    async def _on_event(self, event: Any, **_: Any) -> None:
        raw = dict(event["object"])
        if event["type"] == "DELETED":
            self._store.remove(raw)
        elif wanted(raw):
            self._store.apply(raw)
        elif (known := self._store.entry(raw["kind"], _key(raw))) is not None:
            self._store.drop(raw["kind"], _key(raw), known.uid, int(raw["metadata"]["resourceVersion"]))

    async def run(self, stop: asyncio.Event, ready: asyncio.Event) -> None:
        """Watch until ``stop``; ``ready`` is set when the watches stand."""
        await kopf.operator(
            registry=self.registry,
            settings=settings(),
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            identity="knowngood",  # type: ignore[arg-type]  # its own guess needs a user name, which a container lacks
            standalone=True,
            stop_flag=stop,
            ready_flag=ready,
        )


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """The ServiceAccount in a cluster, else $KUBECONFIG, as the rest of this process.

    In a cluster the server's address is taken from the environment, so that no cluster DNS is needed to watch.
    """
    found = kopf.login_with_service_account(**kwargs)
    if found is None:
        return kopf.login_with_kubeconfig(**kwargs)
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        return found
    address = f"[{host}]" if ":" in host else host
    return dataclasses.replace(found, server=f"https://{address}:{port}")


def wanted(raw: c.Raw) -> bool:
    """Workloads without their owner's consent are not kept: they are none of our business."""
    if raw["kind"] not in _CONSENT_NEEDED:
        return True
    return LABEL_MODEL in (raw["metadata"].get("labels") or {})


def _key(raw: c.Raw) -> tuple[str, str]:
    return raw["metadata"].get("namespace", ""), raw["metadata"]["name"]


async def relist(api: c.Cluster, store: Store, namespaces: list[str], rollouts: bool = False) -> None:
    """List everything; what a watch missed comes in, and what is gone goes. Raises ApiError."""
    for resource in resources(rollouts):
        before = store.snapshot(resource.kind)
        items: list[c.Raw] = []
        selector = LABEL_MODEL if resource.kind in _CONSENT_NEEDED else ""
        versions: list[int] = []
        for namespace in namespaces or [None]:  # type: ignore[list-item]
            found, version = await api.list(resource, namespace, selector)
            items += found
            versions.append(int(version))
        store.replace_all(resource.kind, items, before, min(versions))

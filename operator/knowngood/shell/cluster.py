"""The cluster's API as raw JSON: typed models cost four times as much to read (measured), and add nothing here.

Every write names its precondition; nothing is forced.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from kubernetes.aio import client, config

from knowngood.api import API_VERSION
from knowngood.core.facts.ownership import MANAGER
from knowngood.shell import metrics

Raw = dict[str, Any]
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
OPERATIONS = "application/json-patch+json"
_PAGE = 500


class ApiError(Exception):
    """The API server refused or could not be reached; ``status`` is 0 where there was no answer."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}" if status else message)
        self.status = status
        self.reason = reason
        self.message = message

    @property
    def conflict(self) -> bool:
        """Whether somebody else wrote first."""
        return self.status == 409 and self.reason != "AlreadyExists"

    @property
    def already_exists(self) -> bool:
        """Whether a create found the name taken."""
        return self.status == 409 and self.reason == "AlreadyExists"

    @property
    def passing(self) -> bool:
        """Whether the same request may well be taken a moment later."""
        return self.status in {0, 429} or self.status >= 500

    @property
    def not_leading(self) -> bool:
        """Whether it was never asked, because the Lease is not this process' for now."""
        return self.reason == "NotLeading"

    @property
    def not_found(self) -> bool:
        """Whether there is no such object."""
        return self.status == 404


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind as the API serves it."""

    group_version: str
    kind: str
    plural: str

    def path(self, namespace: str | None = None, name: str | None = None, sub: str | None = None) -> str:
        """The URL path of a collection, an object or its subresource."""
        root = f"/api/{self.group_version}" if "/" not in self.group_version else f"/apis/{self.group_version}"
        parts = [root]
        if namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        parts += [quote(part, safe="") for part in (name, sub) if part]
        return "/".join(parts)


MODELS = Resource(API_VERSION, "ModelDeployment", "modeldeployments")
POLICIES = Resource(API_VERSION, "IncidentPolicy", "incidentpolicies")
PLAYBOOKS = Resource(API_VERSION, "Playbook", "playbooks")
INCIDENTS = Resource(API_VERSION, "AIIncident", "aiincidents")
DEPLOYMENTS = Resource("apps/v1", "Deployment", "deployments")
STATEFULSETS = Resource("apps/v1", "StatefulSet", "statefulsets")
ROLLOUTS = Resource("argoproj.io/v1alpha1", "Rollout", "rollouts")
REPLICASETS = Resource("apps/v1", "ReplicaSet", "replicasets")
PODS = Resource("v1", "Pod", "pods")
SERVICES = Resource("v1", "Service", "services")
CONFIGMAPS = Resource("v1", "ConfigMap", "configmaps")
ADMISSION_POLICIES = Resource(
    "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies"
)
ADMISSION_BINDINGS = Resource(
    "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"
)
EVENTS = Resource("events.k8s.io/v1", "Event", "events")
NETWORKPOLICIES = Resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
CRONJOBS = Resource("batch/v1", "CronJob", "cronjobs")
JOBS = Resource("batch/v1", "Job", "jobs")
WORKLOADS = {r.kind: r for r in (DEPLOYMENTS, STATEFULSETS, ROLLOUTS)}
_STEPS = (*WORKLOADS.values(), CONFIGMAPS, SERVICES, PODS, NETWORKPOLICIES, CRONJOBS, JOBS, MODELS)
KINDS = {r.kind: r for r in _STEPS}
"""What steps read and write, by kind."""


class Cluster:
    """The API server, reached as this process's ServiceAccount (or as $KUBECONFIG says)."""

    def __init__(self, api: client.ApiClient, timeout: float = 30.0) -> None:
        self.api = api
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=10.0)
        self.may_write: Callable[[], bool] = lambda: True

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(cls) -> AsyncIterator["Cluster"]:
        """Connect for as long as the context lasts."""
        configuration = client.Configuration()
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException:
            await config.load_kube_config(client_configuration=configuration)
        configuration.connection_pool_maxsize = 32
        async with client.ApiClient(configuration) as api:
            yield cls(api)

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> Raw:
        """One request, its JSON answer. Raises ApiError, also where nothing answers."""
        headers = {"Accept": "application/json", "Content-Type": content_type}
        await self._authorize(headers)
        url = self.api.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        try:
            answer = await self.api.rest_client.request(
                method, url, headers=headers, body=body, _request_timeout=self._timeout
            )
            data = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiError(0, "Unreachable", f"no answer from the API server: {type(error).__name__}") from error
        return _decode(answer.status, data)

    async def _authorize(self, headers: dict[str, str]) -> None:
        token = await self.api.configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            headers["Authorization"] = token

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Raw:
        """An object as it is now; no namespace for what belongs to the cluster."""
        return _typed(await self.request("GET", resource.path(namespace, name)), resource)

    async def list(
        self, resource: Resource, namespace: str | None = None, selector: str = "", fresh: bool = True
    ) -> tuple[list[Raw], str]:
        """All objects, in pages, and the collection's resourceVersion."""
        items: list[Raw] = []
        query = {"limit": str(_PAGE)}
        if selector:
            query["labelSelector"] = selector
        if not fresh:
            query = {**query, "resourceVersion": "0"}
        while True:
            page = await self.request("GET", resource.path(namespace), query)
            items += [_typed(item, resource) for item in page.get("items") or ()]
            token = page["metadata"].get("continue")
            if not token:
                return items, page["metadata"]["resourceVersion"]
            query["continue"] = token
            query.pop("resourceVersion", None)

    async def create(self, resource: Resource, namespace: str, body: Raw) -> Raw:
        """Create an object; ApiError with ``already_exists`` where the name is taken."""
        return await self._write("POST", resource, resource.path(namespace), body, "application/json")

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Raw,
        *,
        uid: str,
        resource_version: str,
        sub: str | None = None,
        content_type: str = MERGE,
    ) -> Raw:
        """Patch the object only if it is still the one with ``uid`` at ``resource_version``."""
        metadata = {**body.get("metadata", {}), "uid": uid, "resourceVersion": resource_version}
        path = resource.path(namespace, name, sub)
        return await self._write("PATCH", resource, path, {**body, "metadata": metadata}, content_type)

    async def operate(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        operations: Sequence[Raw],
        *,
        uid: str,
        resource_version: str,
    ) -> Raw:
        """JSON patch of a custom resource, whose lists no other patch merges, on the same condition as ``patch``."""
        held = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "test", "path": "/metadata/resourceVersion", "value": resource_version},
        ]
        path = resource.path(namespace, name)
        return await self._write("PATCH", resource, path, [*held, *operations], OPERATIONS)

    async def _write(self, method: str, resource: Resource, path: str, body: object, content_type: str) -> Raw:
        if not self.may_write():
            raise ApiError(0, "NotLeading", "the Lease was not renewed in time; nothing is written without it")
        try:
            written = await self.request(method, path, {"fieldManager": MANAGER}, body, content_type)
        except ApiError as error:
            metrics.API_WRITES.labels(resource.kind, error.reason or str(error.status)).inc()
            raise
        metrics.API_WRITES.labels(resource.kind, "OK").inc()
        return _typed(written, resource)


def _typed(item: Raw, resource: Resource) -> Raw:
    """Items of a list carry neither kind nor apiVersion."""
    item.setdefault("kind", resource.kind)
    item.setdefault("apiVersion", resource.group_version)
    return item


def _decode(status: int, data: bytes) -> Raw:
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        body = {}
    if 200 <= status < 300 and isinstance(body, dict) and body:
        return body
    if not isinstance(body, dict) or not body:
        raise ApiError(status, "BadAnswer", data[:160].decode("utf-8", "replace"))
    raise ApiError(status, str(body.get("reason", "")), str(body.get("message", "")))


async def retry_delay(attempt: int) -> None:
    """Wait before trying again: 0.2 s doubling to 10 s."""
    await asyncio.sleep(min(0.2 * 2**attempt, 10.0))

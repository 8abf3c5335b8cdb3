"""Stands in for the controller manager and the kubelet: a changed template soon has its pods and its status.

A pod that lost the label by which its Deployment selects is let go: it stays, and another takes its place.
"""

import asyncio
import contextlib
import hashlib
import itertools
import ssl
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson

from tests.conformance.apiserver import ApiServer
from tests.faults.images import RELEASES, STUCK
from tests.faults.prometheus import Exported

Raw = dict[str, Any]
Key = tuple[str, str]
_DEPLOYMENTS, _PODS = "/apis/apps/v1/deployments", "/api/v1/pods"


class Kubelet:
    """Watches all Deployments; each has one pod a replica, ready at once unless its image is of a stuck one."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._pods: dict[Key, list[Raw]] = {}
        self._deployments: dict[Key, Raw] = {}
        self._templates: dict[Key, Raw] = {}  # what is rolled out; what a paused Deployment declares meanwhile waits
        self._let_go: set[Key] = set()
        self._one_at_a_time = asyncio.Lock()
        self._watching: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to watch."""
        tls = ssl.create_default_context(cafile=str(self._server.authority))
        self._client = aiohttp.ClientSession(
            base_url=self._server.url,
            connector=aiohttp.TCPConnector(ssl=tls),
            headers={"Authorization": f"Bearer {self._server.token}"},
            timeout=aiohttp.ClientTimeout(total=None),
        )
        for path, brought in ((_DEPLOYMENTS, self._bring), (_PODS, self._notice)):
            watching = asyncio.create_task(self._watch(path, brought))
            watching.add_done_callback(_say_why)
            self._watching.append(watching)

    async def stop(self) -> None:
        """Watch no more."""
        for watching in self._watching:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        await self._client.close()

    def exports(self, namespace: str) -> list[Exported]:
        """The pods that answer, and so export series, of one namespace."""
        found = [(key, pod) for key, pods in self._pods.items() if key[0] == namespace for pod in pods]
        return [
            Exported(namespace, key[1], pod["metadata"]["name"], _release(pod)) for key, pod in found if _answers(pod)
        ]

    async def _watch(self, path: str, brought: Callable[[Raw], Awaitable[None]]) -> None:
        """The API server ends every watch after half an hour to an hour: begin again, with all there are."""
        while True:
            async with self._client.get(path, params={"watch": "1", "resourceVersion": "0"}) as answer:
                async for line in answer.content:
                    event = orjson.loads(line)
                    if event["type"] in {"ADDED", "MODIFIED"}:
                        async with self._one_at_a_time:
                            await brought(event["object"])

    async def _notice(self, pod: Raw) -> None:
        """Let go of a pod that its Deployment selects no more."""
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        for key, pods in self._pods.items():
            if key[0] == namespace and name in {p["metadata"]["name"] for p in pods} and not _selected(pod, key):
                self._let_go.add((namespace, name))
                self._pods[key] = [p for p in pods if p["metadata"]["name"] != name]
                await self._settle(self._deployments[key])
                return

    async def _bring(self, deployment: Raw) -> None:
        """The pods and the status that this Deployment asks for."""
        meta, spec = deployment["metadata"], deployment["spec"]
        key = (meta["namespace"], meta["name"])
        self._deployments[key] = deployment
        if not spec.get("paused"):
            self._templates[key] = spec["template"]
        if deployment.get("status", {}).get("observedGeneration") != meta["generation"]:
            await self._settle(deployment)

    async def _settle(self, deployment: Raw) -> None:
        meta, spec = deployment["metadata"], deployment["spec"]
        key = (meta["namespace"], meta["name"])
        template = self._templates.get(key, spec["template"])
        mark = hashlib.sha256(orjson.dumps(template, option=orjson.OPT_SORT_KEYS)).hexdigest()[:8]
        old = self._pods.get(key, [])
        names = (f"{meta['name']}-{mark}-{i}" for i in itertools.count())
        free = (name for name in names if (key[0], name) not in self._let_go)
        wanted = list(itertools.islice(free, spec["replicas"]))
        have = {p["metadata"]["name"]: p for p in old}
        pods = [have.get(name) or await self._start_pod(meta, template, name) for name in wanted]
        ready = all(_answers(p) for p in pods)
        gone = [p for p in old if p["metadata"]["name"] not in wanted]
        self._pods[key] = pods if ready else [*pods, *gone]
        for pod in gone if ready else ():
            await self._end(key, f"{_pods(meta)}/{pod['metadata']['name']}")
        answering = sum(_answers(p) for p in self._pods[key])
        status = {
            "observedGeneration": meta["generation"],
            "replicas": len(self._pods[key]),
            "updatedReplicas": len(pods),
            "readyReplicas": answering,
            "availableReplicas": answering,
        }
        await self._call("PATCH", f"{_deployment(meta)}/status", {"status": status})

    async def _end(self, key: Key, path: str) -> None:
        """Delete a pod, unless it was taken away a moment ago."""
        async with self._client.get(path) as answer:
            if answer.status == 200 and not _selected(orjson.loads(await answer.read()), key):
                return
        await self._call("DELETE", path, {"gracePeriodSeconds": 0})

    async def _start_pod(self, meta: Raw, template: Raw, name: str) -> Raw:
        labels = template["metadata"]["labels"]
        pod = {"metadata": {"name": name, "labels": labels}, "spec": template["spec"]}
        made = await self._call("POST", _pods(meta), {"apiVersion": "v1", "kind": "Pod", **pod})
        containers = template["spec"]["containers"]
        ready = not any(STUCK in c["image"] for c in containers)
        status: Raw = {"phase": "Running" if ready else "Pending", "startTime": _now()}
        status["conditions"] = [{"type": "Ready", "status": str(ready), "lastTransitionTime": _now()}]
        if ready:
            state = {"running": {"startedAt": _now()}}
            status["containerStatuses"] = [
                {
                    "name": c["name"],
                    "image": c["image"],
                    "imageID": c["image"],
                    "ready": True,
                    "started": True,
                    "restartCount": 0,
                    "state": state,
                }
                for c in containers
            ]
        return await self._call("PATCH", f"{_pods(meta)}/{name}/status", {"status": status}) or made

    async def _call(self, method: str, path: str, body: Raw) -> Raw:
        kind = "application/strategic-merge-patch+json" if method == "PATCH" else "application/json"
        async with self._client.request(
            method, path, data=orjson.dumps(body), headers={"Content-Type": kind}
        ) as answer:
            found: Raw = orjson.loads(await answer.read())
            if answer.status >= 400 and answer.status not in {404, 409}:
                raise RuntimeError(f"{method} {path}: {found.get('message')}")
            return found


def _say_why(ended: asyncio.Task[None]) -> None:
    if not ended.cancelled() and (error := ended.exception()) is not None:
        print(f"the kubelet watches no more: {error!r}", file=sys.stderr, flush=True)


def _answers(pod: Raw) -> bool:
    return bool(pod.get("status", {}).get("containerStatuses"))


def _selected(pod: Raw, key: Key) -> bool:
    """Whether the Deployment selects it: by the label app, with its own name."""
    return bool((pod["metadata"].get("labels") or {}).get("app") == key[1])


def _release(pod: Raw) -> str:
    return RELEASES.get(pod["spec"]["containers"][0]["image"], "")


def _pods(meta: Raw) -> str:
    return f"/api/v1/namespaces/{meta['namespace']}/pods"


def _deployment(meta: Raw) -> str:
    return f"/apis/apps/v1/namespaces/{meta['namespace']}/deployments/{meta['name']}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Stands in for the controller manager and the kubelet: a changed template soon has its pods and its status."""

import asyncio
import contextlib
import hashlib
import ssl
import sys
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson

from tests.conformance.apiserver import ApiServer
from tests.faults.images import RELEASES, STUCK
from tests.faults.prometheus import Exported

Raw = dict[str, Any]
Key = tuple[str, str]
_DEPLOYMENTS = "/apis/apps/v1/deployments"


class Kubelet:
    """Watches all Deployments; each has one pod a replica, ready at once unless its image is of a stuck one."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._pods: dict[Key, list[Raw]] = {}
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to watch."""
        tls = ssl.create_default_context(cafile=str(self._server.authority))
        self._client = aiohttp.ClientSession(
            base_url=self._server.url,
            connector=aiohttp.TCPConnector(ssl=tls),
            headers={"Authorization": f"Bearer {self._server.token}"},
            timeout=aiohttp.ClientTimeout(total=None),
        )
        self._watching = asyncio.create_task(self._watch())
        self._watching.add_done_callback(_say_why)

    async def stop(self) -> None:
        """Watch no more."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        await self._client.close()

    def exports(self, namespace: str) -> list[Exported]:
        """The pods that answer, and so export series, of one namespace."""
        found = [(key, pod) for key, pods in self._pods.items() if key[0] == namespace for pod in pods]
        return [
            Exported(namespace, key[1], pod["metadata"]["name"], _release(pod)) for key, pod in found if _answers(pod)
        ]

    async def _watch(self) -> None:
        """The API server ends every watch after half an hour to an hour: begin again, with all there are."""
        while True:
            async with self._client.get(_DEPLOYMENTS, params={"watch": "1", "resourceVersion": "0"}) as answer:
                async for line in answer.content:
                    event = orjson.loads(line)
                    if event["type"] in {"ADDED", "MODIFIED"}:
                        await self._bring(event["object"])

    async def _bring(self, deployment: Raw) -> None:
        """The pods and the status that this Deployment asks for."""
        meta, spec = deployment["metadata"], deployment["spec"]
        if deployment.get("status", {}).get("observedGeneration") == meta["generation"]:
            return
        key = (meta["namespace"], meta["name"])
        mark = hashlib.sha256(orjson.dumps(spec["template"], option=orjson.OPT_SORT_KEYS)).hexdigest()[:8]
        old = self._pods.get(key, [])
        wanted = [f"{meta['name']}-{mark}-{i}" for i in range(spec["replicas"])]
        have = {p["metadata"]["name"]: p for p in old}
        pods = [have.get(name) or await self._start_pod(meta, spec["template"], name) for name in wanted]
        ready = all(_answers(p) for p in pods)
        gone = [p for p in old if p["metadata"]["name"] not in wanted]
        self._pods[key] = pods if ready else [*pods, *gone]
        for pod in gone if ready else ():
            await self._call("DELETE", f"{_pods(meta)}/{pod['metadata']['name']}", {"gracePeriodSeconds": 0})
        answering = sum(_answers(p) for p in self._pods[key])
        status = {
            "observedGeneration": meta["generation"],
            "replicas": len(self._pods[key]),
            "updatedReplicas": len(pods),
            "readyReplicas": answering,
            "availableReplicas": answering,
        }
        await self._call("PATCH", f"{_deployment(meta)}/status", {"status": status})

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


def _release(pod: Raw) -> str:
    return RELEASES.get(pod["spec"]["containers"][0]["image"], "")


def _pods(meta: Raw) -> str:
    return f"/api/v1/namespaces/{meta['namespace']}/pods"


def _deployment(meta: Raw) -> str:
    return f"/apis/apps/v1/namespaces/{meta['namespace']}/deployments/{meta['name']}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

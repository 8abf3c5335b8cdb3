"""The cluster as the demo uses it: kubectl for what a person would type, the API for watching."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kubernetes import config
from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from lab.demo.facts import Facts, Object, facts_of

KNOWNGOOD = "apis/knowngood.dev/v1alpha1"
TIMEOUT = 5.0
"""Seconds that one read of the API may take."""


class CommandError(RuntimeError):
    """A command failed; the text has the command and what it said."""


def run(*command: str, env: Mapping[str, str] | None = None, text: str | None = None) -> str:
    """The output of `command`; CommandError with its own words when it fails."""
    done = subprocess.run(command, env=env, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise CommandError(f"{' '.join(command)} ended with {done.returncode}:\n{said}")
    return done.stdout


class Kubectl:
    """kubectl on the demo's cluster."""

    def __init__(self, program: str, kubeconfig: str, env: Mapping[str, str]) -> None:
        self._program = program
        self.env = {**env, "KUBECONFIG": kubeconfig}

    def __call__(self, *args: str) -> str:
        """What `kubectl args…` prints; CommandError when it fails."""
        return run(self._program, *args, env=self.env)

    def get(self, *args: str) -> Any:
        """The object or list that `kubectl get args…` prints as JSON."""
        return json.loads(self("get", *args, "-o", "json"))


class ApiError(RuntimeError):
    """The API server did not give what was asked for."""


class Cluster:
    """Reads of the API as plain JSON, quick enough to be repeated several times a second."""

    def __init__(self, kubeconfig: str, namespace: str, name: str, container: str) -> None:
        self._api = config.new_client_from_config(kubeconfig)
        self._namespace, self._name, self._container = namespace, name, container

    def facts(self, at: datetime) -> Facts:
        """The workload, its pods and its incidents now; ApiError when they cannot be read."""
        selector = f"app.kubernetes.io/name={self._name}"
        return facts_of(
            at,
            self._read("apis/apps/v1", f"deployments/{self._name}"),
            self._read("api/v1", "pods", labelSelector=selector)["items"],
            self._incidents(),
            self._container,
        )

    def model(self) -> Object:
        """The ModelDeployment; ApiError when it cannot be read."""
        return self._read(KNOWNGOOD, f"modeldeployments/{self._name}")

    def _incidents(self) -> list[Object]:
        items: list[Object] = self._read(KNOWNGOOD, "aiincidents")["items"]
        return sorted(items, key=lambda item: str(item["metadata"]["creationTimestamp"]))

    def _read(self, group: str, what: str, **query: str) -> Object:
        path = f"/{group}/namespaces/{self._namespace}/{what}"
        request = self._api.param_serialize("GET", path, query_params=[*query.items()], auth_settings=["BearerToken"])
        try:
            response = self._api.call_api(*request, _request_timeout=TIMEOUT)
            content = response.read()
        except (ApiException, HTTPError, OSError) as error:
            raise ApiError(f"{path}: {error}") from error
        if response.status != 200:
            raise ApiError(f"{path}: {response.status} {response.reason}")
        found: Object = json.loads(content)
        return found

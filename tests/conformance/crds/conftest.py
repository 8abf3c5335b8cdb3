"""One API server for all tests here, with the definitions installed."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from knowngood.api.crds import RESOURCES
from tests.conformance import apiserver
from tests.conformance.crds.resources import CRDS, NAMESPACE

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apiserver.ApiServer]:
    with apiserver.running(tmp_path_factory.mktemp("apiserver")) as server:
        for resource in RESOURCES:
            made = server.create(CRDS, yaml.safe_load((ROOT / "crds" / resource.file).read_text()))
            assert made.status == 201, made.message
            path = f"{CRDS}/{made.body['metadata']['name']}"
            apiserver.until(partial(_established, server, path), path)
        namespace = {"metadata": {"name": NAMESPACE}}
        assert server.create("/api/v1/namespaces", namespace).status == 201
        yield server


def _established(server: apiserver.ApiServer, path: str) -> bool:
    conditions: list[dict[str, Any]] = server.get(path).body.get("status", {}).get("conditions") or []
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)

"""A misspelt or impossible value is refused by the schema, with its place."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from .conftest import CHART, DIGEST, Refuse, Render

BAD: list[tuple[dict[str, Any], str]] = [
    ({"imagee": {}}, "'imagee' not allowed"),
    ({"image": {"repositry": "x"}}, "'repositry' not allowed"),
    ({"image": {"repository": "x", "digest": "sha256:short"}}, "/image/digest"),
    ({"replicas": -1}, "/replicas"),
    ({"sources": {"default": {}}}, "missing property 'url'"),
    ({"sources": {"default": {"url": "ftp://x"}}}, "/sources/default/url"),
    ({"sources": {"default": {"url": "http://u:p@x"}}}, "/sources/default/url"),
    ({"sources": {"default": {"url": "http://x", "password": "p"}}}, "'password' not allowed"),
    ({"sources": {"default": {"url": "http://x", "auth": {}}}}, "/sources/default/auth"),
    ({"sources": {"default": {"url": "https://x", "tls": {"certFile": "/c"}}}}, "keyFile"),
    ({"sources": {"Default": {"url": "http://x"}}}, "'Default' does not match"),
    ({"registries": {"allowed": ["https://r"]}}, "/registries/allowed/0"),
    ({"watch": {"namespaces": ["Vision"]}}, "/watch/namespaces/0"),
    ({"watch": {"relistInterval": 5}}, "/watch/relistInterval"),
    ({"watch": {"rollouts": "yes"}}, "/watch/rollouts"),
    ({"leaderElection": {"leaseDuration": "15"}}, "/leaderElection/leaseDuration"),
    ({"leaderElection": {"namespace": "x"}}, "'namespace' not allowed"),
    ({"limits": {"maxConcurrentContainments": 0}}, "/limits/maxConcurrentContainments"),
    ({"log": {"level": "loud"}}, "/log/level"),
    ({"crds": {"enable": True}}, "'enable' not allowed"),
    ({"rbac": {"create": "yes"}}, "/rbac/create"),
    ({"rbac": {"mode": "Namespace"}}, "/rbac/mode"),
    ({"rbac": {"userRoles": "no"}}, "/rbac/userRoles"),
    ({"admission": {"enabled": 1}}, "/admission/enabled"),
    ({"admission": {"failurePolicy": "Ignore"}}, "'failurePolicy' not allowed"),
    ({"jobTemplates": [{"namespace": "vision"}]}, "missing property 'names'"),
    ({"jobTemplates": [{"namespace": "vision", "names": ["A"]}]}, "/jobTemplates/0/names/0"),
    ({"podLabels": {"a": 1}}, "/podLabels/a"),
    ({"extraEnv": [{"value": "x"}]}, "/extraEnv/0"),
    ({"secretMounts": [{"name": "x"}]}, "/secretMounts/0"),
    ({"tolerations": [{"keyy": "x"}]}, "/tolerations/0"),
    (
        {"metrics": {"serviceMonitor": {"enabled": True}, "service": {"enabled": False}}},
        "metrics.service.enabled",
    ),
]


@pytest.mark.parametrize(("values", "says"), BAD, ids=[json.dumps(values) for values, _ in BAD])
def test_refused(refuse: Refuse, values: dict[str, Any], says: str) -> None:
    assert says in refuse(values)


def test_a_subchart_may_be_given_globals(render: Render) -> None:
    assert render({"global": {"imageRegistry": "x"}})


def _objects(block: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(block, dict):
        if block.get("type") == "object":
            yield path, block
        for name, below in block.items():
            yield from _objects(below, f"{path}/{name}")


def test_schema_is_closed_everywhere() -> None:
    """Save what is Kubernetes' own to check, and Helm's."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    free = {path for path, block in _objects(schema, "") if block.get("additionalProperties") in (None, True)}
    assert free == {
        "/properties/global",
        "/properties/affinity/properties/nodeAffinity",
        "/properties/affinity/properties/podAffinity",
        "/properties/affinity/properties/podAntiAffinity",
        "/properties/topologySpreadConstraints/items",
    }


def test_every_value_has_a_schema_and_a_default(render: Render) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values.keys() == schema["properties"].keys() - {"global"}
    for name, block in schema["properties"].items():
        if name != "global" and "properties" in block and values[name]:
            assert values[name].keys() == block["properties"].keys(), name
    assert render({"image": {"repository": "r", "digest": DIGEST}})

"""The pod is restricted, and its settings file is one that the operator accepts."""

import json
from pathlib import Path
from typing import Any

import pytest

from knowngood.shell.settings import Settings, load
from knowngood.shell.settings_source import item_of_mapping, section_of

from .conftest import CHART, DIGEST, Refuse, Render


def one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = (found for found in objects if found["kind"] == kind)
    return found


def pod(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return one(objects, "Deployment")["spec"]["template"]


def settings_of(objects: list[dict[str, Any]], place: Path) -> Settings:
    file = place / "config.yaml"
    file.write_text(one(objects, "ConfigMap")["data"]["config.yaml"])
    return load(file, {"POD_NAMESPACE": "knowngood-system", "POD_NAME": "knowngood-0"})


def test_meets_the_restricted_pod_security_standard(render: Render) -> None:
    spec = pod(render())["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 65532
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert {next(iter(volume.keys() - {"name"})) for volume in spec["volumes"]} == {"configMap", "emptyDir"}
    assert container["resources"]["requests"]
    assert container["resources"]["limits"]["memory"]


def test_asks_for_the_image_by_digest(render: Render, refuse: Refuse) -> None:
    (container,) = pod(render())["spec"]["containers"]
    assert container["image"] == f"registry.local:5000/knowngood@{DIGEST}"
    (tagged,) = pod(render({"image": {"repository": "r/kg", "tag": "1.2"}}))["spec"]["containers"]
    assert tagged["image"] == "r/kg:1.2"
    assert "image.repository: write where" in refuse({}, with_image=False)


def test_probes_ask_the_port_of_the_settings(render: Render, tmp_path: Path) -> None:
    objects = render({"http": {"port": 9999}})
    (container,) = pod(objects)["spec"]["containers"]
    assert settings_of(objects, tmp_path).http.port == 9999
    assert container["ports"][0]["containerPort"] == 9999
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert pod(objects)["metadata"]["annotations"]["prometheus.io/port"] == "9999"


def test_default_values_are_the_default_settings(render: Render, tmp_path: Path) -> None:
    found = settings_of(render(), tmp_path)
    election = found.leader_election.model_copy(update={"namespace": None, "identity": None})
    assert found.admission.policy == "knowngood-system.knowngood.decisions"
    bare = {"leader_election": election, "admission": Settings().admission}
    assert found.model_copy(update=bare) == Settings()


def test_values_reach_the_settings(render: Render, tmp_path: Path) -> None:
    source = {
        "url": "https://mimir.example.org/prometheus",
        "timeout": "3s",
        "tls": {"serverName": "mimir"},
        "headers": {"X-Scope-OrgID": "team"},
        "params": {"partial_response": "false"},
        "maxConcurrency": 4,
    }
    values = {
        "sources": {"default": source},
        "registries": {"allowed": ["registry.local:5000"]},
        "watch": {"namespaces": ["vision"], "relistInterval": "1m"},
        "limits": {"maxConcurrentContainments": 10_000},
        "log": {"level": "debug", "format": "console"},
    }
    found = settings_of(render(values), tmp_path)
    assert found.sources["default"].timeout == 3
    assert found.sources["default"].headers == {"X-Scope-OrgID": "team"}
    assert found.sources["default"].max_concurrency == 4
    assert found.registries.allowed == ["registry.local:5000"]
    assert (found.watch.namespaces, found.watch.relist_interval) == (["vision"], 60)
    assert found.limits.max_concurrent_containments == 10_000
    assert (found.log.level, found.log.format) == ("debug", "console")


def test_a_changed_setting_rolls_the_pod(render: Render) -> None:
    def checksum(values: dict[str, Any]) -> str:
        return str(pod(render(values))["metadata"]["annotations"]["checksum/config"])

    assert checksum({}) == checksum({"replicas": 2})
    assert checksum({}) != checksum({"log": {"level": "debug"}})


def test_credentials_are_mounted_where_settings_look(render: Render) -> None:
    spec = pod(render({"secretMounts": [{"name": "prometheus", "secretName": "reader"}]}))["spec"]
    (container,) = spec["containers"]
    mount = {
        "name": "secret-prometheus",
        "mountPath": "/etc/knowngood/secrets/prometheus",
        "readOnly": True,
    }
    assert mount in container["volumeMounts"]
    assert {
        "name": "secret-prometheus",
        "secret": {"secretName": "reader", "defaultMode": 0o440},
    } in spec["volumes"]
    assert spec["securityContext"]["fsGroup"] == 65532


def test_service_variables_cannot_look_like_settings(render: Render) -> None:
    assert pod(render())["spec"]["enableServiceLinks"] is False


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"podDisruptionBudget": {"enabled": True}}, "PodDisruptionBudget"),
        ({"metrics": {"serviceMonitor": {"enabled": True}}}, "ServiceMonitor"),
    ],
)
def test_optional_objects(render: Render, values: dict[str, Any], kind: str) -> None:
    assert not [found for found in render() if found["kind"] == kind]
    selected = one(render(values), kind)["spec"]["selector"]["matchLabels"]
    assert selected.items() <= pod(render())["metadata"]["labels"].items()


def test_pod_options_are_used(render: Render) -> None:
    values = {
        "replicas": 2,
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "models", "operator": "Exists"}],
        "extraEnv": [{"name": "KNOWNGOOD_LOG__LEVEL", "value": "debug"}],
        "extraArgs": ["--verbose"],
        "podLabels": {"team": "sre"},
        "podAnnotations": {"note": "1"},
    }
    objects = render(values)
    template = pod(objects)
    (container,) = template["spec"]["containers"]
    assert one(objects, "Deployment")["spec"]["replicas"] == 2
    assert template["spec"]["priorityClassName"] == "system-cluster-critical"
    assert template["spec"]["nodeSelector"] == {"disk": "ssd"}
    assert template["spec"]["tolerations"] == values["tolerations"]
    assert {"name": "KNOWNGOOD_LOG__LEVEL", "value": "debug"} in container["env"]
    assert container["args"] == ["--verbose"]
    assert template["metadata"]["labels"]["team"] == "sre"
    assert template["metadata"]["annotations"]["note"] == "1"


def test_every_setting_can_be_set_by_the_chart() -> None:
    """A setting that the schema of the values does not know could not be installed."""
    schema = json.loads((CHART / "values.schema.json").read_text())

    def names(block: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in block:
            return names(schema["$defs"][block["$ref"].rsplit("/", 1)[1]])
        return block

    def compare(model: Any, block: dict[str, Any], path: str) -> None:
        for found in model.model_fields.values():
            place = f"{path}{found.alias}"
            if place in ("leaderElection.namespace", "leaderElection.identity", "http.host", "admission.policy"):
                continue  # the pod's own
            assert found.alias in block["properties"], place
            below = names(block["properties"][found.alias])
            if (section := section_of(found.annotation)) is not None:
                compare(section, below, f"{place}.")
            elif (item := section_of(item_of_mapping(found.annotation))) is not None:
                compare(item, names(below["additionalProperties"]), f"{place}.<name>.")

    compare(Settings, schema, "")

"""Configuration files: what the lab depends on is in them."""

import json
import tomllib
from pathlib import Path

import yaml

from lab import configs, pause, pki, ports, prometheus, settings
from lab.components import Component

LAB = settings.load(
    {"HOME": "/home/x", "KNOWNGOOD_LAB_STATE": "/s", "KNOWNGOOD_LAB_RUN": "/r", "KNOWNGOOD_LAB_CACHE": "/c"}
)
AT = ports.PREFERRED


def test_defaults_and_overrides() -> None:
    plain = settings.load({"HOME": "/home/x"})
    assert str(plain.cache) == "/home/x/.cache/knowngood-lab"
    assert str(plain.state) == "/var/lib/knowngood-lab"
    assert (str(LAB.state), str(LAB.run), str(LAB.cache)) == ("/s", "/r", "/c")
    assert settings.load({"KNOWNGOOD_LAB_SCRAPE_INTERVAL": "5s"}).scrape_interval == "5s"


def test_containerd_keeps_to_our_directories_and_knows_the_sandbox_image() -> None:
    parsed = tomllib.loads(configs.containerd(LAB, "/usr/sbin/runc", Path("/usr/lib/cni")))
    assert (parsed["root"], parsed["state"]) == ("/s/containerd/root", "/r/containerd")
    assert parsed["grpc"]["address"] == "/r/containerd.sock"
    images = parsed["plugins"]["io.containerd.cri.v1.images"]
    assert images["pinned_images"]["sandbox"] == pause.NAME
    assert images["registry"]["config_path"] == "/s/containerd/certs.d"
    runtime = parsed["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["restrict_oom_score_adj"] is True
    assert runtime["containerd"]["runtimes"]["runc"]["options"]["Root"] == "/r/runc"


def test_the_registry_is_reached_over_plain_http() -> None:
    parsed = tomllib.loads(configs.hosts("10.222.0.1:25000"))
    assert parsed["server"] == "http://10.222.0.1:25000"
    assert parsed["host"]["http://10.222.0.1:25000"]["capabilities"] == ["pull", "resolve"]


def test_the_pod_network() -> None:
    plugin = json.loads(configs.cni(LAB))["plugins"][0]
    assert plugin["ipam"]["ranges"] == [[{"subnet": "10.222.0.0/24", "gateway": "10.222.0.1"}]]
    assert plugin["ipam"]["dataDir"].startswith("/r/")


def test_the_kubelet_asks_the_apiserver_who_may() -> None:
    parsed = yaml.safe_load(configs.kubelet(LAB, AT))
    assert parsed["authentication"]["anonymous"]["enabled"] is False
    assert parsed["authorization"]["mode"] == "Webhook"
    assert (parsed["failCgroupV1"], parsed["failSwapOn"]) == (False, False)
    assert parsed["address"] == "10.222.0.1"


def test_the_proxy_touches_no_conntrack_limits() -> None:
    parsed = yaml.safe_load(configs.proxy(LAB, AT))
    assert parsed["mode"] == "iptables"
    assert parsed["conntrack"] == {"maxPerCore": 0, "min": 0}


def test_audit_records_bodies_of_our_writes_and_only_metadata_of_leases() -> None:
    rules = yaml.safe_load(configs.audit())["rules"]
    assert rules[0]["level"] == "RequestResponse"
    assert {one["group"] for one in rules[0]["resources"]} == {"apps", "knowngood.dev"}
    assert set(rules[0]["verbs"]) == {"create", "update", "patch", "delete", "deletecollection"}
    assert rules[1] == {
        "level": "Metadata",
        "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}],
    }


def test_the_scrape_names_the_namespace() -> None:
    parsed = yaml.safe_load(prometheus.config("2s", "/k", "10.222.0.1:29090"))
    assert parsed["global"]["scrape_interval"] == "2s"
    itself, pods = parsed["scrape_configs"]
    assert itself["static_configs"] == [{"targets": ["10.222.0.1:29090"]}]
    assert pods["honor_labels"] is False
    targets = {rule.get("target_label") for rule in pods["relabel_configs"]}
    assert {"namespace", "pod", "node", "__address__", "__metrics_path__"} <= targets
    assert pods["relabel_configs"][0]["action"] == "keep"


def test_a_kubeconfig_holds_one_user_and_its_token() -> None:
    parsed = yaml.safe_load(pki.kubeconfig("https://10.222.0.1:6443", "/s/ca.crt", "admin", "t"))
    assert parsed["users"] == [{"name": "admin", "user": {"token": "t"}}]
    assert parsed["current-context"] == parsed["contexts"][0]["name"]


def test_tokens_are_private_and_name_groups(tmp_path: Path) -> None:
    made = pki.tokens(tmp_path)
    text = (tmp_path / "tokens.csv").read_text()
    assert f'{made["admin"]},admin,admin,"system:masters"' in text.splitlines()
    assert (tmp_path / "tokens.csv").stat().st_mode & 0o077 == 0
    assert len(set(made.values())) == len(pki.USERS)


def test_certificates_verify_against_their_authority(tmp_path: Path) -> None:
    from lab.system import run

    pki.certificates(tmp_path)
    for name in ("apiserver", "kubelet-client"):
        said = run(["openssl", "verify", "-CAfile", tmp_path / "ca.crt", tmp_path / f"{name}.crt"])
        assert said.endswith("OK\n")
    assert "10.223.0.1" in run(["openssl", "x509", "-in", tmp_path / "apiserver.crt", "-noout", "-text"])
    assert (tmp_path / "sa.pub").read_text().startswith("-----BEGIN PUBLIC KEY-----")


def test_a_command_line_begins_with_the_program() -> None:
    assert Component("etcd", Path("/b/etcd"), ["--x"]).argv == ["/b/etcd", "--x"]

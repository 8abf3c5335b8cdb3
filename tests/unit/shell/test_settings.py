"""Settings: one file, overridden by the environment, refused with every mistake named."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api import durations
from knowngood.shell import settings as module
from knowngood.shell.settings import Settings, SettingsError, Source, load
from knowngood.shell.settings_docs import main, markdown, rows
from knowngood.shell.settings_source import overlay

REPO = Path(__file__).resolve().parents[3]
POD = {"POD_NAMESPACE": "knowngood-system", "POD_NAME": "knowngood-7"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def written(file: Path, values: Any, **environ: str) -> Settings:
    file.write_text(values if isinstance(values, str) else yaml.safe_dump(values))
    return load(file, {**POD, **environ})


def refused(file: Path, values: Any, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        written(file, values, **environ)
    assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, ValueError)
    return str(caught.value)


class TestDefaults:
    def test_an_empty_file_is_enough(self, file: Path) -> None:
        found = written(file, "")
        assert found.sources == {}
        assert found.registries.allowed == []
        assert found.watch.namespaces == []
        assert found.watch.relist_interval == 300
        assert found.limits.max_concurrent_containments == 10
        assert (found.http.host, found.http.port) == ("0.0.0.0", 8080)
        assert (found.log.level, found.log.format) == ("info", "json")
        assert found.cluster.name == ""
        assert (found.evidence.max_budget, found.evidence.max_points) == (2, 240)

    def test_a_source_needs_only_its_url(self, file: Path) -> None:
        source = written(file, {"sources": {"default": {"url": "http://prometheus:9090/"}}}).sources["default"]
        assert source == Source(url="http://prometheus:9090")
        assert (source.timeout, source.auth, source.max_concurrency) == (10, None, 8)
        assert source.tls.insecure_skip_verify is False

    def test_no_file_is_needed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(module, "DEFAULT_PATH", tmp_path / "absent.yaml")
        assert load(environ=POD).http.port == 8080

    def test_the_usual_place_is_read(self, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
        monkeypatch.setattr(module, "DEFAULT_PATH", file)
        file.write_text("http: {port: 1}")
        assert load(environ=POD).http.port == 1

    def test_the_named_file_comes_first(self, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
        monkeypatch.setattr(module, "DEFAULT_PATH", file.with_name("other.yaml"))
        file.write_text("http: {port: 2}")
        assert load(environ={**POD, "KNOWNGOOD_CONFIG": str(file)}).http.port == 2

    def test_never_changes_after_the_start(self, file: Path) -> None:
        with pytest.raises(ValueError, match="frozen"):
            written(file, "").http.port = 1  # type: ignore[misc]


class TestLeader:
    def test_takes_the_pods_names(self, file: Path) -> None:
        election = written(file, "").leader_election
        assert (election.namespace, election.identity) == ("knowngood-system", "knowngood-7")
        assert (election.lease_duration, election.renew_deadline, election.retry_period) == (15, 10, 2)

    def test_the_file_wins_over_the_pods_names(self, file: Path) -> None:
        found = written(file, {"leaderElection": {"namespace": "other", "identity": "me"}}).leader_election
        assert (found.namespace, found.identity) == ("other", "me")

    def test_the_service_accounts_namespace(self, monkeypatch: pytest.MonkeyPatch, file: Path, tmp_path: Path) -> None:
        monkeypatch.setattr(module, "NAMESPACE_FILE", tmp_path / "namespace")
        (tmp_path / "namespace").write_text("from-account\n")
        file.write_text("")
        assert load(file, {}).leader_election.namespace == "from-account"

    def test_two_processes_outside_a_pod_differ(self, file: Path) -> None:
        file.write_text("leaderElection: {namespace: x}")
        first, second = (load(file, {}).leader_election.identity for _ in range(2))
        assert first
        assert first != second

    def test_no_namespace(self, monkeypatch: pytest.MonkeyPatch, file: Path, tmp_path: Path) -> None:
        monkeypatch.setattr(module, "NAMESPACE_FILE", tmp_path / "namespace")
        file.write_text("")
        with pytest.raises(SettingsError, match="write KNOWNGOOD_LEADER_ELECTION__NAMESPACE"):
            load(file, {})
        assert load(file, {"KNOWNGOOD_LEADER_ELECTION__ENABLED": "false"}).leader_election.namespace is None

    @pytest.mark.parametrize(
        "times",
        [
            {"leaseDuration": "10s"},
            {"renewDeadline": "2s"},
            {"leaseDuration": "5s", "renewDeadline": "5s"},
            {"retryPeriod": "1m"},
            {"renewDeadline": "3s", "retryPeriod": "500ms"},
            {"renewDeadline": "2400ms"},
            {"leaseDuration": "10900ms", "renewDeadline": "10500ms"},
        ],
    )
    def test_times_out_of_order(self, file: Path, times: dict[str, str]) -> None:
        said = refused(file, {"leaderElection": times})
        assert "leaderElection: needs leaseDuration > renewDeadline > 1.2 x retryPeriod" in said
        assert "write for example 15s, 10s and 2s" in said


class TestEnvironment:
    def test_overrides_the_file_and_leaves_the_rest(self, file: Path) -> None:
        found = written(
            file,
            {"sources": {"default": {"url": "http://a", "timeout": "5s"}}, "log": {"level": "error"}},
            KNOWNGOOD_SOURCES__DEFAULT__URL="http://b",
            KNOWNGOOD_LEADER_ELECTION__LEASE_DURATION="20s",
            KNOWNGOOD_HTTP__PORT="0",
        )
        assert found.sources["default"] == Source(url="http://b", timeout=5)
        assert found.leader_election.lease_duration == 20
        assert (found.log.level, found.http.port) == ("error", 0)

    def test_lists_are_separated_by_commas_or_json(self, file: Path) -> None:
        assert written(file, "", KNOWNGOOD_WATCH__NAMESPACES="a, b").watch.namespaces == ["a", "b"]
        assert written(file, "", KNOWNGOOD_WATCH__NAMESPACES='["c"]').watch.namespaces == ["c"]
        assert written(file, {"watch": {"namespaces": ["a"]}}, KNOWNGOOD_WATCH__NAMESPACES="").watch.namespaces == []

    def test_sections_may_be_json(self, file: Path) -> None:
        sources = {"main": {"url": "http://a", "params": {"dedup": "true"}}}
        found = written(file, "", KNOWNGOOD_SOURCES=json.dumps(sources))
        assert found.sources["main"].params == {"dedup": "true"}

    def test_names_of_ones_choice(self, file: Path) -> None:
        found = written(
            file,
            "",
            KNOWNGOOD_SOURCES__LONG_TERM__URL="http://a",
            KNOWNGOOD_SOURCES__LONG_TERM__HEADERS__X_SCOPE_ORGID="team",
            KNOWNGOOD_SOURCES__LONG_TERM__PARAMS__PARTIAL_RESPONSE="false",
        )
        assert found.sources["long-term"].headers == {"x-scope-orgid": "team"}
        assert found.sources["long-term"].params == {"partial_response": "false"}

    @pytest.mark.parametrize(
        "name",
        [
            "KNOWNGOOD_SERVICE_HOST",
            "KNOWNGOOD_SERVICE_PORT",
            "KNOWNGOOD_SERVICE_PORT_HTTP",
            "KNOWNGOOD_PORT",
            "KNOWNGOOD_PORT_8080_TCP_ADDR",
            "KNOWNGOOD_METRICS_PORT_8080_TCP",
            "KNOWNGOOD_LAB_CACHE",
        ],
    )
    def test_kubernetes_and_the_lab_set_their_own(self, file: Path, name: str) -> None:
        assert written(file, "", **{name: "tcp://10.0.0.1:8080"}) == written(file, "")

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("KNOWNGOOD_LOGS__LEVEL", "is not a setting; write one of KNOWNGOOD_SOURCES, KNOWNGOOD_REG"),
            ("KNOWNGOOD_LOG_LEVEL", "is not a setting"),
            ("KNOWNGOOD_LOG__COLOUR", "write one of KNOWNGOOD_LOG__LEVEL, KNOWNGOOD_LOG__FORMAT"),
            ("KNOWNGOOD_LOG__LEVEL__X", "log.level holds a single value; leave out __X"),
            ("KNOWNGOOD_SOURCES__A__NAME", "KNOWNGOOD_SOURCES__A__URL"),
        ],
    )
    def test_a_variable_that_sets_nothing(self, file: Path, name: str, says: str) -> None:
        said = refused(file, "", **{name: "x"})
        assert said.startswith(f"{name}: ")
        assert says in said

    def test_a_mistake_names_the_variable(self, file: Path) -> None:
        said = refused(file, {"http": {"port": 1}}, KNOWNGOOD_HTTP__PORT="http")
        assert said == "KNOWNGOOD_HTTP__PORT: http.port: 'http' is not a whole number; write one"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"colour": 1}, "colour: is not a setting"),
    ({"log": {"level": "loud"}}, "log.level: 'loud' is not one of the choices; write 'debug', 'info'"),
    ({"log": None}, "log: None is not a mapping"),
    ({"log": ["info"]}, "log: is not a mapping"),
    ({"http": {"port": 70000}}, "http.port: 70000 is too large; write 65535 or less"),
    ({"http": {"port": "80a"}}, "http.port: '80a' is not a whole number"),
    ({"limits": {"maxConcurrentContainments": 0}}, "limits.maxConcurrentContainments: 0 is too small"),
    ({"limits": {"maxConcurrentContainments": 1.5}}, "1.5 is not a whole number"),
    ({"watch": {"namespaces": "vision"}}, "watch.namespaces: 'vision' is not a list"),
    ({"watch": {"namespaces": ["a", "B"]}}, "watch.namespaces.1: 'B' is not a name"),
    ({"watch": {"relistInterval": 300}}, "300 has no unit; write a duration with its unit"),
    ({"watch": {"relistInterval": "300"}}, "'300' is not a duration; write for example 10s"),
    ({"watch": {"relistInterval": "0s"}}, "'0s' is not longer than zero"),
    ({"watch": {"relistInterval": True}}, "true has no unit"),
    ({"registries": {"allowed": ["https://r"]}}, "'https://r' holds a scheme; write host[:port][/prefix]"),
    ({"registries": {"allowed": ["R/x"]}}, "'R/x' is not a registry"),
    ({"registries": {"allowed": ["r/x@sha256:1"]}}, "is not a registry"),
    ({"leaderElection": {"enabled": "perhaps"}}, "'perhaps' is neither true nor false"),
    ({"cluster": {"name": 7}}, "cluster.name: 7 is not text; write it in quotes"),
    ({"cluster": {"name": "x" * 129}}, "is too long; write at most 128 characters"),
    ({"evidence": {"maxPoints": 241}}, "evidence.maxPoints: 241 is too large; write 240 or less"),
    ({"sources": {"A": {"url": "http://a"}}}, "sources.A: 'A' is not a name"),
]
BAD_SOURCES: list[tuple[dict[str, Any], str]] = [
    ({}, "sources.default.url: is required; write a value"),
    ({"url": "prometheus:9090"}, "'prometheus:9090' is not an http or https address; write for example"),
    ({"url": "http://"}, "is not an http or https address"),
    ({"url": "http://a:port"}, "is not an address"),
    ({"url": "http://a b"}, "holds blanks"),
    ({"url": "http://a?x=1"}, "write parameters under params"),
    ({"url": "http://a#x"}, "or a fragment"),
    ({"url": "http://a", "auth": {}}, "auth: needs exactly one of bearerTokenFile and basic"),
    ({"url": "http://a", "auth": {"basic": {"username": "u"}}}, "auth.basic.passwordFile: is required"),
    ({"url": "http://a", "auth": {"bearerTokenFile": "token"}}, "'token' is no absolute path"),
    ({"url": "http://a", "tls": {"insecureSkipVerify": True}}, "has tls settings but an http address"),
    ({"url": "https://a", "tls": {"certFile": "/c"}}, "tls: needs certFile and keyFile together"),
    ({"url": "http://a", "headers": {"Authorization": "x"}}, "Authorization is a credential"),
    ({"url": "http://a", "headers": {"a b": "x"}}, "'a b' is not a header name"),
    ({"url": "http://a", "headers": {"x-a": "x\r\ny"}}, "holds control characters"),
    ({"url": "http://a", "params": {"query": "up"}}, "'query' is set by Knowngood"),
    ({"url": "http://a", "maxConcurrency": 0}, "maxConcurrency: 0 is too small"),
    ({"url": "http://a", "timeout": "soon"}, "timeout: 'soon' is not a duration"),
]


class TestMistakes:
    @pytest.mark.parametrize(("values", "says"), BAD, ids=[says[:40] for _, says in BAD])
    def test_bad_value(self, file: Path, values: dict[str, Any], says: str) -> None:
        said = refused(file, values)
        assert said.startswith(f"{file}: ")
        assert says in said

    @pytest.mark.parametrize(("source", "says"), BAD_SOURCES, ids=[says[:40] for _, says in BAD_SOURCES])
    def test_bad_source(self, file: Path, source: dict[str, Any], says: str) -> None:
        said = refused(file, {"sources": {"default": source}})
        assert said.startswith(f"{file}: sources.default")
        assert says in said

    def test_all_are_told_at_once(self, file: Path) -> None:
        said = refused(file, {"log": {"level": "loud"}, "http": {"port": -1}}, KNOWNGOOD_CLUSTER__NAME="x" * 200)
        assert len(said.splitlines()) == 3

    @pytest.mark.parametrize(
        "values",
        [
            {"sources": {"default": {"url": "http://user:hunter2@a"}}},
            {"sources": {"default": {"url": "http://a", "password": "hunter2"}}},
            {"sources": {"default": {"url": "http://a", "headers": {"Authorization": "hunter2"}}}},
            {"sources": {"default": {"url": "http://a", "headers": {"x-key": ["hunter2"]}}}},
            {"sources": {"default": {"url": "http://a", "params": "hunter2"}}},
        ],
    )
    def test_secrets_are_not_repeated(self, file: Path, values: dict[str, Any]) -> None:
        assert "hunter2" not in refused(file, values)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("a: [", "is not YAML in line 1, column 5"),
            ("- a", "holds list, not a mapping"),
            ("just text", "holds str, not a mapping"),
            ("\0", "is not YAML"),
        ],
    )
    def test_no_settings_file(self, file: Path, text: str, says: str) -> None:
        assert refused(file, text).startswith(f"{file}: {says}")

    def test_no_text(self, file: Path) -> None:
        file.write_bytes(b"\xff\xfe\xff")
        with pytest.raises(SettingsError, match="is not text in UTF-8"):
            load(file, POD)

    def test_absent_file(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="No such file or directory; write the path of a readable file"):
            load(environ={**POD, "KNOWNGOOD_CONFIG": str(tmp_path / "absent.yaml")})

    def test_a_credential_that_is_not_mounted(self, file: Path, tmp_path: Path) -> None:
        token = tmp_path / "token"
        values = {"sources": {"default": {"url": "http://a", "auth": {"bearerTokenFile": str(token)}}}}
        said = refused(file, values)
        assert f"sources.default.auth.bearerTokenFile: {str(token)!r} cannot be read; write the path" in said
        token.write_text("t")
        assert written(file, values).sources["default"].auth is not None

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda below: (
                st.lists(below, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["sources", "default", "url", "auth", "tls", "watch", "namespaces", "log", "headers"]
                    )
                    | st.text(),
                    below,
                    max_size=4,
                )
            ),
            max_leaves=12,
        )
    )
    def test_whatever_is_written_there_is_no_other_error(
        self, tmp_path_factory: pytest.TempPathFactory, values: Any
    ) -> None:
        file = tmp_path_factory.mktemp("settings") / "config.yaml"
        file.write_text(json.dumps(values))
        try:
            load(file, POD)
        except SettingsError as error:
            assert str(file) in str(error)  # noqa: PT017 - either outcome is right


class TestOverlay:
    @given(
        st.dictionaries(st.text(max_size=3), st.integers()),
        st.dictionaries(st.text(max_size=3), st.integers()),
    )
    def test_the_upper_wins(self, below: dict[str, int], above: dict[str, int]) -> None:
        assert overlay({"a": below}, {"a": above}) == {"a": {**below, **above}}

    def test_leaves_its_arguments_alone(self) -> None:
        below = {"a": {"b": 1}}
        overlay(below, {"a": {"b": 2}})
        assert below == {"a": {"b": 1}}


class TestDocumentation:
    def test_every_setting_is_described(self) -> None:
        for name, _, text in rows():
            assert re.match(r"[A-Z].*\.$", text), name

    def test_defaults_are_what_an_empty_file_gives(self, file: Path) -> None:
        found = {name: default for name, default, _ in rows()}
        assert found["leaderElection.leaseDuration"] == f"`{durations.text(15)}`"
        assert found["sources.<name>.timeout"] == "`10s`"
        assert found["sources.<name>.url"] == "required"
        assert found["leaderElection.enabled"] == "`true`"

    def test_the_page_is_up_to_date(self) -> None:
        page = (REPO / "docs" / "reference" / "settings.md").read_text()
        assert page == markdown(), "run `make generate`"

    def test_the_command(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--markdown"]) == 0
        assert capsys.readouterr().out == markdown()
        assert main([]) == 2
        assert "--markdown" in capsys.readouterr().err

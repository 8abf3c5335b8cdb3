"""Bad input is told in one line, and ends with 2."""

import socket
from pathlib import Path

import pytest

from knowngood.cli.backtest.local import VARIABLE
from tests.unit.cli import history as h

GOOD = h.windows(lambda _: 0.97, hours=0.5)


def told(*words: object) -> str:
    """The one line on standard error of a command that ends with 2."""
    result = h.run(*words)
    assert result.exit_code == 2, (result.stdout, result.stderr)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert result.stdout == ""
    return lines[0].removeprefix("knowngood backtest: ")


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return h.policy(tmp_path / "policy.yaml")


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    return h.values(tmp_path / "values.csv", GOOD)


class TestPolicy:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("a: [", "not valid YAML: line 1, column 5:"),
            ("- 1", "a document that is no Kubernetes object"),
            ("", "needs exactly one IncidentPolicy of knowngood.dev/v1alpha1; here are none"),
            ("kind: Deployment\napiVersion: apps/v1", "here are none"),
            ("\x00", "not valid YAML"),
        ],
    )
    def test_no_policy(self, tmp_path: Path, samples: Path, text: str, said: str) -> None:
        path = tmp_path / "p.yaml"
        path.write_text(text)
        assert said in told(path, "--samples", samples)

    def test_two_policies(self, policy: Path, samples: Path) -> None:
        policy.write_text(f"{policy.read_text()}---\n{policy.read_text()}")
        assert "here are quality, quality" in told(policy, "--samples", samples)

    def test_no_file(self, tmp_path: Path, samples: Path) -> None:
        assert told(tmp_path / "none.yaml", "--samples", samples).endswith("none.yaml: No such file or directory")
        assert "Is a directory" in told(tmp_path, "--samples", samples)

    def test_no_text(self, policy: Path, samples: Path) -> None:
        policy.write_bytes(b"\xff\xfe")
        assert "not a text in UTF-8" in told(policy, "--samples", samples)

    def test_a_field_that_is_wrong(self, tmp_path: Path, samples: Path) -> None:
        path = h.policy(tmp_path / "p.yaml", h.signal(detector={"threshold": {"below": 90}}))
        assert "not a share of a ratio: write a number between 0 and 1" in told(path, "--samples", samples)

    def test_no_namespace(self, policy: Path, samples: Path) -> None:
        policy.write_text(policy.read_text().replace("  namespace: vision\n", ""))
        assert "metadata.namespace is missing; write it there, or as --namespace" in told(policy, "--samples", samples)
        assert h.run(policy, "--samples", samples, "-n", "vision").exit_code == 0

    def test_a_signal_that_cannot_be_judged(self, tmp_path: Path, samples: Path) -> None:
        path = h.policy(tmp_path / "p.yaml", {"name": "x", "preset": "vllm/truncated-answers"}, h.signal())
        assert "spec.signals[x].preset: preset is not supported" in told(path, "--samples", samples)
        assert h.run(path, "--samples", samples, "--signal", "accuracy").exit_code == 0

    def test_a_signal_that_is_not_there(self, policy: Path, samples: Path) -> None:
        said = told(policy, "--samples", samples, "--signal", "accurate")
        assert said == "--signal accurate: the policy has no such signal; it has accuracy"

    def test_only_integrity(self, tmp_path: Path, samples: Path) -> None:
        path = h.policy(tmp_path / "p.yaml", integrity={"requireDigest": True})
        policy = path.read_text()
        path.write_text(policy[: policy.index("  signals:")])
        assert "spec.signals is empty" in told(path, "--samples", samples)


class TestOptions:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--since", "later"], "--since later: not a time: write an RFC 3339 time"),
            (["--since", "2026-05-28T21:00:00"], "has no time zone: write for example 2026-05-28T21:00:00Z"),
            (
                ["--until", "2026-05-28T20:00:00Z", "--since", "2026-05-28T21:00:00Z"],
                "the history ends before it begins",
            ),
            (["--since", "99999-01-01"], "not a time"),
            (["--incident", "now"], "--incident now: not a time"),
            (["--incident", "=2026-05-28"], "write [MODEL=]START[/END]"),
            (["--incident", "2026-05-28/"], "write [MODEL=]START[/END]"),
            (["--incident", "2026-05-29/2026-05-28"], "ends before it starts"),
            (["--incident", "nobody=2026-05-28"], "--incident nobody=…: no such model; there are digits"),
            (["--sweep", "above"], "--sweep 'above': write the values"),
            (["--sweep", "falseAlarmEvery"], "no detector of any signal has a field falseAlarmEvery"),
            (["--expect", "-1"], "--expect -1: write none, incidents, any, or how many"),
            (["--expect", "incidents"], "--expect incidents: none is known"),
            (["--output", "xml"], "--output xml: write text or json"),
            (["--model", "nobody"], "--model nobody: no series has model=nobody; write one that they have: digits"),
            (["--model", "=x"], "write a name, or name=…,LABEL=VALUE"),
            (["--model", "name=a,namespace=other"], "reads series of namespace vision only"),
            (["--model", "name=a,__x=1"], "--model name=a,__x=1:"),
            (["--header", "X"], "--header, --param, --token-file and --ca-file are of --prometheus"),
            (["--svg", "/nowhere/p.svg"], "--svg /nowhere/p.svg: there is no such directory"),
        ],
    )
    def test_an_option_that_is_wrong(self, policy: Path, samples: Path, words: list[str], said: str) -> None:
        assert said in told(policy, "--samples", samples, *words)

    def test_one_source(self, policy: Path, samples: Path) -> None:
        assert "write --prometheus URL or --samples FILE" in told(policy)
        assert "one of the two" in told(policy, "--samples", samples, "--prometheus", "http://127.0.0.1:1")

    def test_models_that_the_policy_does_not_select(self, tmp_path: Path, samples: Path) -> None:
        path = h.policy(tmp_path / "p.yaml", selector={"matchLabels": {"tier": "critical"}})
        models = tmp_path / "m.yaml"
        models.write_text("kind: ModelDeployment\napiVersion: knowngood.dev/v1alpha1\nmetadata: {name: x}\nspec: {}\n")
        assert "ModelDeployment x: spec.workloadRef: is missing" in told(path, "--samples", samples, "--models", models)
        workload = "{workloadRef: {apiVersion: apps/v1, kind: Deployment, name: x}}"
        models.write_text(models.read_text().replace("{}", workload))
        assert "no ModelDeployment of namespace vision that quality selects" in told(
            path, "--samples", samples, "--models", models
        )

    def test_models_of_which_there_is_no_series(self, policy: Path, tmp_path: Path, samples: Path) -> None:
        models = tmp_path / "m.yaml"
        models.write_text(
            "kind: ModelDeployment\napiVersion: knowngood.dev/v1alpha1\nmetadata: {name: x}\n"
            "spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: x}}\n"
        )
        said = told(policy, "--samples", samples, "--models", models)
        assert said.startswith("ModelDeployment x: spec.series.matchLabels: no series has model=x; write one")

    def test_a_history_in_which_nothing_names_a_model(self, policy: Path, tmp_path: Path) -> None:
        path = h.values(tmp_path / "v.csv", GOOD, ("timestamp", "signal", "app", "release", "hits", "count"))
        said = told(policy, "--samples", path)
        assert "signal accuracy: spec.identity.model: no series of right_total" in said
        assert "has the label model, which is to hold the model's name" in said
        assert said.endswith("write a label that they have: app, release")

    def test_what_is_never_judged_says_why_and_not_that_more_time_would_help(self, policy: Path, samples: Path) -> None:
        policy.write_text(policy.read_text().replace("minSamples: 100", "minSamples: 1000"))
        said = told(policy, "--samples", samples)
        assert said == ("accuracy on digits was never judged: TooFewSamples: fewer than minSamples 1000 in the window")


class TestPrometheus:
    def test_away(self, policy: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            said = told(policy, "--prometheus", url)
        assert said.startswith(f"{url}: ")
        assert "no answer from the source" in said

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["prometheus:9090"], "--prometheus: url: 'prometheus:9090' is not an http or https address"),
            (["http://u:p@x:1"], "holds credentials; write them to a mounted file"),
            (["http://x:1", "--timeout", "5"], "--timeout: timeout: '5' is not a duration"),
            (["http://x:1", "--header", "Cookie=a"], "Cookie is a credential"),
            (["http://x:1", "--param", "query"], "--param query: write NAME=VALUE"),
            (["http://x:1", "--token-file", "/nowhere"], "/nowhere: No such file or directory"),
            (["http://x:1", "--ca-file", "/dev/null"], "has tls settings but an http address"),
        ],
    )
    def test_an_address_that_is_wrong(self, policy: Path, words: list[str], said: str) -> None:
        assert said in told(policy, "--prometheus", *words)


class TestSamples:
    @pytest.mark.parametrize(
        ("name", "text", "said"),
        [
            ("a.csv", "", "line 0: the header needs one column timestamp; it is empty"),
            ("a.csv", "timestamp,metric,value\n", "holds no samples"),
            ("a.csv", "time,metric,value\n1,x,1\n", "the header needs one column timestamp; it is time,metric,value"),
            ("a.csv", "timestamp,value\n1,1\n", "the header needs one column metric"),
            ("a.csv", "timestamp,metric,value,a,a\n", "the header names the column a twice"),
            ("a.csv", "timestamp,metric,value,a b\n", "the column 'a b' is no label name"),
            ("a.csv", "timestamp,metric,value\n1,x\n", "line 2: 2 cells below a header of 3"),
            ("a.csv", "timestamp,metric,value\n1,x-y,1\n", "line 2: 'x-y' is no metric name"),
            ("a.csv", "timestamp,metric,value\nx,x,1\n", "line 2: 'x' is no timestamp"),
            ("a.csv", "timestamp,metric,value\n2026-05-28T20:40:00,x,1\n", "RFC 3339 with a time zone"),
            ("a.csv", "timestamp,metric,value\n1780000800000,x,1\n", "1780000800000 is not in seconds since 1970"),
            ("a.csv", "timestamp,metric,value\n1,x,\n", "'' is no value"),
            ("a.csv", "timestamp,metric,value\n2,x,1\n1,x,1\n", "line 3: the series goes back to 1.000"),
            ("a.csv", "timestamp,metric,value\n2,x,1\n2,x,2\n", "line 3: the series has two samples at 2.000"),
            ("a.csv", 'timestamp,metric,value\n1,"x,1\n', "not CSV"),
            ("a.csv", "timestamp,signal\n", "the header needs a column value, or hits"),
            ("a.csv", "timestamp,signal,value\n1,accuracy,1\n", "its input is ratio: write the column hits"),
            (
                "a.csv",
                "timestamp,signal,hits\n1,accuracy,1\n9,accuracy,1\n",
                "its input is ratio: each row needs a count",
            ),
            ("a.csv", "timestamp,signal,value,hits\n1,accuracy,1,1\n", "has either a value or hits"),
            ("a.csv", "timestamp,signal,hits\n2,accuracy,1\n1,accuracy,1\n", "line 3: signal accuracy goes back"),
            ("a.csv", "timestamp,signal,hits,count\n1,other,1,1\n9,other,1,1\n", "signal accuracy:"),
            ("a.csv", "timestamp,signal,hits,count\n1,accuracy,1,1\n", "all of it is of one moment"),
            ("a.om", "x 1\n# EOF\n", "a sample without a timestamp"),
            ("a.om", "x 1 5\n", "line 1: not OpenMetrics: Missing # EOF"),
            ("a.om", "x 1 5\nx 1 4\n# EOF\n", "line 2: not OpenMetrics: Timestamps went backwards"),
            ("a.om", 'x{a="1"} 1 5\nx{a="2"} 1 5\nx{a="1"} 1 6\n# EOF\n', "line 3: not OpenMetrics: Invalid metric gr"),
            ("a.om", "# EOF\n", "holds no samples"),
            ("a.om", "{{{ 1 5\n# EOF\n", "line 1: not OpenMetrics"),
        ],
    )
    def test_a_file_that_is_wrong(self, policy: Path, tmp_path: Path, name: str, text: str, said: str) -> None:
        path = tmp_path / name
        path.write_text(text)
        assert said in told(policy, "--samples", path)

    def test_no_file(self, policy: Path, tmp_path: Path) -> None:
        assert "No such file" in told(policy, "--samples", tmp_path / "none.csv")

    def test_no_prometheus(self, policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "a.csv"
        path.write_text("timestamp,metric,value\n1,x,1\n")
        monkeypatch.setenv(VARIABLE, "/nowhere/prometheus")
        assert f"{VARIABLE}=/nowhere/prometheus: no program" in told(policy, "--samples", path)
        monkeypatch.delenv(VARIABLE)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert "there is none on PATH: install the package prometheus" in told(policy, "--samples", path)

    def test_a_prometheus_that_does_not_start(
        self, policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program, path = tmp_path / "prometheus", tmp_path / "a.csv"
        program.write_text("#!/bin/sh\necho no room left\nexit 1\n")
        program.chmod(0o755)
        path.write_text("timestamp,metric,value\n1,x,1\n")
        monkeypatch.setenv(VARIABLE, str(program))
        assert "did not start: no room left" in told(policy, "--samples", path)

    def test_a_time_without_samples(self, policy: Path, samples: Path) -> None:
        said = told(policy, "--samples", samples, "--since", "2026-01-01", "--until", "2026-01-02")
        assert "no series of right_total" in said
        assert "is the namespace that the scrape assigns, the metric's name, and the time right?" in said

"""The command from its options to its exit code, over signals' values from a file."""

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.unit.cli import history as h

DROP = h.drop(3600, 4200)
STARTS = "2026-05-28T21:40:00Z"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return h.policy(tmp_path / "policy.yaml")


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A history with an incident."""
    return h.values(tmp_path / "bad.csv", h.windows(DROP))


@pytest.fixture
def fine(tmp_path: Path) -> Path:
    """One without."""
    return h.values(tmp_path / "fine.csv", h.windows(lambda _: 0.97))


class TestExitCodes:
    def test_nothing_opens_and_nothing_was_to(self, policy: Path, fine: Path) -> None:
        result = h.run(policy, "--samples", fine)
        assert result.exit_code == 0, result.output
        assert "nothing would have opened" in result.stdout

    def test_something_opens_that_was_not_expected(self, policy: Path, bad: Path) -> None:
        result = h.run(policy, "--samples", bad)
        assert result.exit_code == 1, result.output
        assert "not as expected: nothing was to open" in result.stdout

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (["--expect", "1"], 0),
            (["--expect", "2"], 1),
            (["--expect", "any"], 0),
            (["--expect", "none"], 1),
            (["--incident", STARTS], 0),
            (["--incident", STARTS, "--expect", "none"], 1),
            (["--incident", "2026-05-28T21:00:00Z/2026-05-28T21:10:00Z"], 1),
        ],
    )
    def test_what_is_expected_can_be_said(self, policy: Path, bad: Path, words: list[str], code: int) -> None:
        result = h.run(policy, "--samples", bad, *words)
        assert result.exit_code == code, result.output


class TestWhatIsFound:
    def test_when_for_how_long_and_how_late(self, policy: Path, bad: Path) -> None:
        found = json.loads(h.run(policy, "--samples", bad, "-o", "json", "--incident", STARTS).stdout)
        (opening,) = found["openings"]
        assert opening["openedAt"] == "2026-05-28T21:41:30.000Z"
        assert opening["falseAlarm"] is False
        assert found["incidents"][0]["delaySeconds"] == 90, "the window of a minute, and for 30s"
        assert found["summary"]["meanDelaySeconds"] == 90
        assert found["asExpected"] is True

    def test_each_model_for_itself(self, policy: Path, tmp_path: Path) -> None:
        rows = h.windows(DROP) + h.windows(lambda _: 0.97, model="letters")
        path = h.values(tmp_path / "two.csv", rows)
        found = json.loads(h.run(policy, "--samples", path, "-o", "json").stdout)
        assert [m["name"] for m in found["models"]] == ["digits", "letters"]
        assert [o["model"] for o in found["openings"]] == ["digits"]
        only = json.loads(h.run(policy, "--samples", path, "-o", "json", "--model", "letters").stdout)
        assert only["openings"] == []

    def test_a_label_that_is_no_name_names_a_model_all_the_same(self, policy: Path, tmp_path: Path) -> None:
        path = h.values(tmp_path / "odd.csv", h.windows(DROP, model="Llama 3.1/8B"))
        found = json.loads(h.run(policy, "--samples", path, "-o", "json").stdout)
        assert [o["model"] for o in found["openings"]] == ["llama-3.1-8b"]

    def test_models_of_a_file_are_those_that_the_policy_selects(self, tmp_path: Path) -> None:
        chosen = h.policy(tmp_path / "p.yaml", selector={"matchLabels": {"tier": "critical"}})
        path = h.values(tmp_path / "two.csv", h.windows(DROP) + h.windows(DROP, model="letters"))
        models = tmp_path / "models.yaml"
        models.write_text(yaml.safe_dump({"kind": "List", "items": [_model("digits", "critical"), _model("letters")]}))
        found = json.loads(h.run(chosen, "--samples", path, "-o", "json", "--models", models).stdout)
        assert [m["name"] for m in found["models"]] == ["digits"]

    def test_an_incident_that_lasts_to_the_end_is_said_to(self, policy: Path, tmp_path: Path) -> None:
        path = h.values(tmp_path / "h.csv", h.windows(h.drop(3600, 1e9)))
        assert re.search(r"58m30s, open", h.run(policy, "--samples", path).stdout)

    def test_gaps_and_few_samples_open_nothing(self, policy: Path, tmp_path: Path) -> None:
        rows = [r for r in h.windows(DROP, count=50) if not 2000 < float(r[0]) - h.START < 3000]
        result = h.run(policy, "--samples", h.values(tmp_path / "few.csv", rows))
        assert result.exit_code == 2
        assert "accuracy on digits was never judged: TooFewSamples" in result.stderr

    @pytest.mark.parametrize("limit", ["below", "above"])
    def test_a_share_that_is_held_against_a_percentage_is_noted(self, tmp_path: Path, limit: str) -> None:
        detector = {"threshold": {limit: 60}}
        asked = h.signal(name="confidence", ratio=None, promql={"query": "model_confidence"}, detector=detector)
        policy = h.policy(tmp_path / "p.yaml", {k: v for k, v in asked.items() if v is not None})
        rows = [[at, "confidence", *rest[:2], "0.97"] for at, _, *rest in h.windows(lambda _: 0.97, every=15)]
        path = h.values(tmp_path / "v.csv", rows, ("timestamp", "signal", "model", "release", "value"))
        result = h.run(policy, "--samples", path, "--expect", "any")
        assert f"where it is a share, write {limit}: 0.6" in result.stdout, result.output


class TestReleases:
    def test_a_bad_release_is_named(self, policy: Path, tmp_path: Path) -> None:
        good, bad = h.windows(lambda _: 0.97), h.windows(lambda _: 0.3, release="2")
        rows = [r for r in good if float(r[0]) <= h.START + 3600] + [r for r in bad if float(r[0]) > h.START + 3600]
        found = json.loads(h.run(policy, "--samples", h.values(tmp_path / "h.csv", rows), "-o", "json").stdout)
        assert [o["release"] for o in found["openings"]] == ["2"]

    def test_a_release_that_mends_it_ends_it(self, policy: Path, tmp_path: Path) -> None:
        bad, mended = h.windows(DROP), h.windows(lambda _: 0.97, release="2")
        change = h.START + 3900
        rows = [r for r in bad if float(r[0]) <= change] + [r for r in mended if float(r[0]) > change]
        found = json.loads(h.run(policy, "--samples", h.values(tmp_path / "h.csv", rows), "-o", "json").stdout)
        (opening,) = found["openings"]
        assert 300 - 90 < opening["lengthSeconds"] < 300 + 400

    def test_a_canary_is_compared_with_the_release_that_a_model_pins(self, tmp_path: Path) -> None:
        """Which digest its label stands for is in the history of the model's status."""
        compared = h.signal(detector={"comparison": {"direction": "Down", "falseAlarmEvery": "1d"}})
        path = h.policy(tmp_path / "p.yaml", compared, learning={"windows": 20})
        wander = [0.968, 0.972, 0.97, 0.974, 0.966]
        rows = h.windows(lambda t: wander[round(t / 60) % 5])
        canary = [r for r in h.windows(lambda _: 0.9, release="2") if float(r[0]) > h.START + 4000]
        models, digest = tmp_path / "m.yaml", f"sha256:{'a' * 64}"
        pinned = {"containers": [{"name": "server", "image": f"registry.example.org/digits@{digest}"}]}
        raw = _model("digits", knownGood=pinned)
        models.write_text(yaml.safe_dump({**raw, "status": {"releases": [{"digest": digest, "release": "1"}]}}))
        values = h.values(tmp_path / "h.csv", rows + canary)
        result = h.run(path, "--samples", values, "--models", models, "-o", "json")
        found = json.loads(result.stdout)
        assert [(o["release"], o["signals"][0]["reason"]) for o in found["openings"]] == [("2", "Worse")]

    def test_an_incident_of_a_canary_that_stays_ends_when_both_are_healthy(self, policy: Path, tmp_path: Path) -> None:
        rows = h.windows(lambda _: 0.97, hours=3)
        canary = h.windows(h.drop(3600, 5400), hours=3, release="2")
        rows += [row for row in canary if float(row[0]) > h.START + 3600]
        found = json.loads(h.run(policy, "--samples", h.values(tmp_path / "h.csv", rows), "-o", "json").stdout)
        (opening,) = found["openings"]
        assert (opening["release"], opening["endedAt"]) == ("2", "2026-05-28T22:13:00.000Z")


def _model(name: str, tier: str = "", **spec: object) -> dict[str, object]:
    labels = {"tier": tier} if tier else {}
    workload = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return {
        "apiVersion": "knowngood.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name, "namespace": "vision", "labels": labels},
        "spec": {"workloadRef": workload, **spec},
    }


class TestLearning:
    def test_says_from_when_on_a_detector_could_judge(self, tmp_path: Path) -> None:
        change = h.signal(detector={"change": {"direction": "Down", "falseAlarmEvery": "1d"}})
        path = h.policy(tmp_path / "p.yaml", change, learning={"windows": 20})
        noisy = h.windows(lambda t: (0.97 if t < 5400 else 0.9) + 0.01 * ((t / 60 * 7) % 5 - 2))
        result = h.run(path, "--samples", h.values(tmp_path / "h.csv", noisy), "-o", "json")
        found = json.loads(result.stdout)
        (signal,) = found["signals"]
        assert signal["armedAt"] == "2026-05-28T21:02:15.000Z", "the first window, 20 more, the next, a poll later"
        assert signal["seconds"]["Learning"] > 1200
        assert [o["openedAt"] > "2026-05-28T22:10" for o in found["openings"]] == [True]

    def test_an_incident_makes_it_forget_what_it_had_begun_to_learn(self, tmp_path: Path) -> None:
        change = h.signal(name="decay", detector={"change": {"falseAlarmEvery": "1d"}})
        path = h.policy(tmp_path / "p.yaml", h.signal(), change, learning={"windows": 40})
        share = h.drop(1200, 1500)
        rows = h.windows(lambda t: share(t) + 0.01 * ((t / 60 * 7) % 5 - 2) / 4)
        both = [[at, name, *rest] for at, _, *rest in rows for name in ("accuracy", "decay")]
        found = json.loads(h.run(path, "--samples", h.values(tmp_path / "h.csv", both), "-o", "json").stdout)
        armed = {s["signal"]: s["armedAt"] for s in found["signals"]}
        assert len(found["openings"]) == 1
        assert "2026-05-28T21:45" < armed["decay"] < "2026-05-28T21:55", "40 windows, all from after the incident"


class TestSweep:
    def test_what_waits_longer_is_later(self, policy: Path, bad: Path) -> None:
        words = ("--incident", STARTS, "--sweep", "for=0s,5m,1h", "-o", "json")
        found = json.loads(h.run(policy, "--samples", bad, *words).stdout)["sweep"]
        assert [(v["value"], v["meanDelaySeconds"], v["missed"]) for v in found["values"]] == [
            ("0s", 60, 0),
            ("30s", 90, 0),
            ("5m", 360, 0),
            ("1h", None, 1),
        ]
        assert [v["value"] for v in found["values"] if v["asWritten"]] == ["30s"]

    def test_the_code_is_of_the_policy_as_it_is_written(self, policy: Path, bad: Path) -> None:
        assert h.run(policy, "--samples", bad, "--incident", STARTS, "--sweep", "for=1h").exit_code == 0


class TestShown:
    def test_plain_where_nobody_looks(self, policy: Path, bad: Path) -> None:
        shown = h.run(policy, "--samples", bad, "--sweep", "for").stdout
        assert "\x1b" not in shown
        assert not [line for line in shown.splitlines() if line != line.rstrip()]

    def test_the_picture_is_one_file_that_fetches_nothing(self, policy: Path, bad: Path, tmp_path: Path) -> None:
        path = tmp_path / "p.svg"
        h.run(policy, "--samples", bad, "--sweep", "for", "--incident", STARTS, "--svg", path)
        text = path.read_text()
        ElementTree.fromstring(text)
        assert not re.search(r"(href|src)=|url\(|@import|<script", text)
        assert "digits · accuracy" in text
        assert "accuracy: for" in text
        assert "NaN" not in text
        assert "nan" not in text

    def test_the_picture_has_every_limit(self, tmp_path: Path) -> None:
        both = h.signal(detector={"threshold": {"below": 0.5, "above": 0.99}})
        never = h.signal(name="never", detector={"threshold": {"below": 0.25, "minSamples": 1_000_000}})
        policy, path = h.policy(tmp_path / "p.yaml", both, never), tmp_path / "p.svg"
        rows = h.windows(lambda _: 0.97)
        rows += [[row[0], "never", *row[2:]] for row in rows]
        h.run(policy, "--samples", h.values(tmp_path / "h.csv", rows), "--svg", path)
        drawn = re.findall(r"<title>limit (\S+)</title>", path.read_text())
        assert drawn == ["0.5", "0.99", "0.25"]
        assert ">limit</text>" in path.read_text()

    def test_hostile_labels_are_text_in_it(self, policy: Path, tmp_path: Path) -> None:
        path, rows = tmp_path / "p.svg", h.windows(DROP, model='<script>"&')
        h.run(policy, "--samples", h.values(tmp_path / "h.csv", rows), "--svg", path)
        assert "<script" not in path.read_text()
        ElementTree.fromstring(path.read_text())

    def test_help_imports_nothing_that_takes_long(self) -> None:
        code = (
            "import sys; sys.argv = ['knowngood', '--version']\n"
            "from knowngood.cli.main import main\n"
            "try: main()\n"
            "except SystemExit: pass\n"
            "print([m for m in ('numpy', 'pydantic', 'kopf', 'kubernetes', 'requests', 'rich') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]", done.stdout

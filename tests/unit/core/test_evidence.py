"""Evidence is bounded and holds no secret; whatever the cluster or the source says, it can be written."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.evidence import Evidence
from knowngood.core.incidents import evidence
from knowngood.core.signals.answer import Series
from tests import builders as b

pytestmark = pytest.mark.unit
SECRET = "hunter2-hunter2"
T = b.START.timestamp()


@pytest.mark.parametrize(
    "name", ["PASSWORD", "db_pass", "API_TOKEN", "api-key", "AWS_SECRET_ACCESS_KEY", "GOOGLE_CREDENTIALS", "SENTRY_DSN"]
)
def test_what_sounds_secret_is_a_digest_that_shows_changes(name: str) -> None:
    shown = evidence.env_value(name, SECRET)
    assert shown.startswith("sha256:")
    assert shown == evidence.env_value(name, SECRET)
    assert shown != evidence.env_value(name, SECRET + "x")


HIDDEN = [
    "PWD",
    "CONNECTION_STRING",
    "CONN_STR",
    "ConnectionStrings",
    "WEBHOOK",
    "COOKIES",
    "JWT",
    "PRIVATE",
    "SALT",
    "SAS",
]


@pytest.mark.parametrize("word", HIDDEN)
@given(
    st.sampled_from(["", "MYSQL_", "azure.storage-", "db2"]), st.sampled_from(["", "_URL", "-1", "2"]), st.booleans()
)
def test_words_that_name_secrets_hide_a_value_wherever_they_stand(
    word: str, before: str, after: str, low: bool
) -> None:
    name = f"{before}{word}{after}"
    assert SECRET not in evidence.env_value(name.lower() if low else name, SECRET)


@pytest.mark.parametrize(
    "name", ["dbPwd", "slackWebhookUrl", "storageConnectionString", "AZURE_STORAGE_CONNECTION_STRING"]
)
def test_words_of_camel_case_are_told_apart(name: str) -> None:
    assert SECRET not in evidence.env_value(name, SECRET)


@pytest.mark.parametrize(
    "name",
    [
        "MODEL_REVISION",
        "RATE",
        "PASSES",
        "passengers",
        "CONNECTIONS",
        "SALTED_EGGS",
        "SASH",
        "PWDX",
        "COMPRIVATE",
        "THRESHOLD",
    ],
)
def test_words_that_only_contain_them_hide_nothing(name: str) -> None:
    assert evidence.env_value(name, "7") == "7"


@pytest.mark.parametrize(
    "value",
    [
        f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={SECRET};EndpointSuffix=core.windows.net",
        f"Server=db;User Id=u;Password={SECRET}",
        f"server=db;pwd={SECRET}",
        f"Endpoint=sb://x/;SharedAccessKey={SECRET}",
        f"SharedAccessSignature={SECRET}",
        f"https://a.blob.core.windows.net/c?sv=1&sig={SECRET}",
        f"amqp://user:{SECRET}/with-a-slash@host/",
        f"redis://:{SECRET}@host",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}",
    ],
)
def test_values_that_hold_a_secret_are_hidden_under_any_name(value: str) -> None:
    shown = evidence.env_value("TARGET", value)
    assert shown.startswith("sha256:")
    assert SECRET not in shown


@pytest.mark.parametrize(
    "value", ["http://host:8080/path", "a=b;c=d", "registry.local:5000/digits@sha256:00", "strict"]
)
def test_values_that_hold_none_are_shown(value: str) -> None:
    assert evidence.env_value("TARGET", value) == value


def test_a_value_that_was_recorded_before_its_name_was_known_for_secret_is_still_the_same() -> None:
    assert evidence.same_value("old", "MYSQL_PWD", "old")
    assert not evidence.same_value("old", "MYSQL_PWD", "new")
    assert not evidence.same_value("", "MYSQL_PWD", None)


def test_a_hostile_value_is_looked_at_in_no_time() -> None:
    started = time.monotonic()
    evidence.env_value("X", "://a:" * 100_000)
    assert time.monotonic() - started < 5


def test_credentials_in_a_url_and_references_are_not_shown() -> None:
    assert SECRET not in evidence.env_value("DATABASE_URL", f"postgres://user:{SECRET}@db/x")
    assert evidence.env_value("ANY", None) == "(from a reference)"
    assert evidence.env_value("MODEL_REVISION", "7") == "7"
    assert len(evidence.env_value("LONG", "x" * 100_000)) == 256


def test_no_secret_is_in_the_evidence_of_a_workload() -> None:
    env = {b.CONTAINER: [("TOKEN", SECRET), ("URL", f"https://u:{SECRET}@h/"), ("S", None), ("N" * 500, "x")] * 50}
    found = Evidence(workload=evidence.workload(b.workload(env=env)))
    assert SECRET not in json.dumps(found.to_object())
    assert len(found.to_object()["workload"]["containers"][0]["env"]) == evidence.MAX_ENV


def test_names_of_what_is_mounted() -> None:
    template = {
        "spec": {
            "volumes": [
                {"configMap": {"name": "a"}},
                {"secret": {"secretName": "s1"}},
                {"projected": {"sources": [{"configMap": {"name": "b"}}, {"secret": {"name": "s2"}}]}},
                {"emptyDir": {}},
            ],
            "containers": [
                {
                    "envFrom": [{"configMapRef": {"name": "c"}}, {"secretRef": {"name": "s3"}}],
                    "env": [
                        {"valueFrom": {"configMapKeyRef": {"name": "d", "key": "k"}}},
                        {"valueFrom": {"secretKeyRef": {"name": "s4", "key": "k"}}},
                        {"name": "x", "value": "y"},
                    ],
                }
            ],
        }
    }
    assert evidence.mounted(template) == (["a", "b", "c", "d"], ["s1", "s2", "s3", "s4"])
    assert evidence.mounted({}) == ([], [])


def test_a_config_maps_hash_is_of_its_content_alone() -> None:
    one = {"metadata": {"name": "m", "resourceVersion": "1"}, "data": {"a": "1", "b": "2"}}
    two = {"metadata": {"name": "m", "resourceVersion": "2"}, "data": {"b": "2", "a": "1"}}
    assert evidence.config(one) == evidence.config(two)
    assert evidence.config({**one, "data": {"a": "x"}}).sha256 != evidence.config(one).sha256
    assert "1" not in evidence.config(one).to_object().values()


def replica_set(revision: Any, owner: str = b.WORKLOAD_UID) -> dict[str, Any]:
    return {
        "metadata": {
            "name": f"digits-{revision}"[:40],
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [{"uid": owner}],
            "creationTimestamp": "2026-11-23T06:00:00Z",
        },
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "model", "image": "r/digits:v1"}]}}},
    }


def test_roll_outs_are_the_workloads_own_newest_first_and_bounded() -> None:
    found = evidence.rollouts(
        [*(replica_set(str(n)) for n in range(30)), replica_set("99", "other"), replica_set("garbage" * 100)],
        b.WORKLOAD_UID,
    )
    assert [r.revision for r in found] == [str(n) for n in range(29, 19, -1)]


def test_series_are_bounded_with_the_newest_points_kept() -> None:
    many = [Series({"a": str(n)}, tuple((T + i, float(i)) for i in range(1_000))) for n in range(40)]
    found = evidence.series("accuracy", "x[5m]", many, T, T + 60, 10_000)
    assert len(found) == evidence.MAX_SERIES
    assert len(found[0].points) == evidence.MAX_POINTS
    assert found[0].points[-1].v == "999"
    assert found[0].step == "1s"


LABELS = st.dictionaries(st.text(max_size=200), st.text(max_size=2_000), max_size=80)
POINTS = st.lists(st.tuples(st.floats(0, 4e9), st.floats()), max_size=5).map(tuple)


@given(LABELS, POINTS, st.integers(-5, 500))
def test_any_series_can_be_written(labels: dict[str, str], points: Any, most: int) -> None:
    found = Evidence(series=evidence.series("s", "q", [Series(labels, points)], T, T, most))
    assert Evidence.from_object(found.to_object()) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda i: st.lists(i, max_size=2) | st.dictionaries(st.sampled_from(["labels", "timestamp", "trace_id"]), i),
    max_leaves=5,
)


@given(st.lists(JSON, max_size=5))
def test_any_exemplars_give_trace_ids(exemplars: Any) -> None:
    assert all(isinstance(t, str) and t for t in evidence.traces(exemplars))


def test_trace_ids_are_each_once_the_newest_kept_newest_last() -> None:
    found = evidence.traces([{"labels": {"trace_id": f"t{n % 50}"}, "timestamp": n} for n in range(100)])
    assert found == [f"t{n}" for n in range(18, 50)]


def test_pods_are_bounded() -> None:
    assert len(evidence.pods(b.pods("bad", 200))) == evidence.MAX_PODS


def test_labels_that_no_record_could_hold_are_cut() -> None:
    hostile = {f"l{n}": "x" * 5_000 for n in range(100)}
    found = Evidence(series=evidence.series("s", "q", [Series(hostile, ((T, 1.0),))], T, T, 10))
    assert Evidence.from_object(found.to_object()) == found

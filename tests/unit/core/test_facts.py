from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.incidentpolicy import LabelSelector
from knowngood.core.facts.clock import format_time, parse_time
from knowngood.core.facts.images import Image, in_registry, parse_image, short_digest
from knowngood.core.facts.labels import Selector, read_selector, selected
from knowngood.core.facts.workload import PodContainer, read_pod, read_workload
from tests import builders as b

pytestmark = pytest.mark.unit
D = b.digest("x")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("digits", Image("digits")),
        ("digits:v1", Image("digits", "v1")),
        ("registry.local:5000/digits", Image("registry.local:5000/digits")),
        ("registry.local:5000/a/digits:v1", Image("registry.local:5000/a/digits", "v1")),
        (f"registry.local:5000/digits@{D}", Image("registry.local:5000/digits", "", D)),
        (f"registry.local:5000/digits:v1@{D}", Image("registry.local:5000/digits", "v1", D)),
        (f"docker-pullable://r/digits@{D}", Image("r/digits", "", D)),
        (D, Image("", "", D)),
        (f"digits@{D[:-1]}", Image("digits")),
        (f"digits@{D.upper()}", Image("digits")),
        ("", Image("")),
    ],
)
def test_image_references(reference: str, expected: Image) -> None:
    assert parse_image(reference) == expected


@given(st.text(max_size=200))
def test_any_text_is_read_without_a_digest_being_guessed(text: str) -> None:
    found = parse_image(text)
    assert not found.digest or found.digest in text
    assert bool(found.pinned) == bool(found.repository and found.digest)


@pytest.mark.parametrize(
    ("reference", "allowed", "inside"),
    [
        (b.image("x"), ("registry.local:5000",), True),
        (b.image("x"), ("registry.local:5000/digits",), True),
        (b.image("x"), ("registry.local:5000/dig",), False),
        (b.image("x"), ("registry.local:500",), False),
        (b.image("x"), ("registry.local",), False),
        (b.image("x", "registry.local:5000.evil.example/digits"), ("registry.local:5000",), False),
        (b.image("x", "evil.example/registry.local:5000/digits"), ("registry.local:5000",), False),
        (b.image("x"), (), False),
        (b.image("x"), ("other", "registry.local:5000/"), True),
    ],
)
def test_registries_are_whole_path_elements(reference: str, allowed: tuple[str, ...], inside: bool) -> None:
    assert in_registry(reference, allowed) is inside


def test_a_short_digest() -> None:
    assert short_digest(b.image("x")) == D[7:19]
    assert short_digest("digits:v1") == ""


class TestRunning:
    def test_the_kubelets_digest_counts_not_the_declared_tag(self) -> None:
        assert PodContainer("m", "r/digits:v1", f"r/digits@{D}").running == Image("r/digits", digest=D)

    def test_nothing_reported_is_no_digest_even_where_one_is_declared(self) -> None:
        assert PodContainer("m", b.image("x"), "").running.digest == ""

    def test_a_bare_image_id_is_not_pullable_so_that_the_declared_digest_is_taken(self) -> None:
        bare = b.digest("configuration")
        assert PodContainer("m", b.image("x"), bare).running == Image(b.REPOSITORY, digest=D)
        assert PodContainer("m", "r/digits:v1", bare).running.pinned == ""


class TestReading:
    RAW: ClassVar[dict[str, Any]] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "namespace": "vision",
            "name": "digits",
            "uid": "u",
            "resourceVersion": "7",
            "generation": 3,
            "labels": {"knowngood.dev/model": "digits"},
        },
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "digits"}},
            "template": {
                "spec": {
                    "containers": [
                        {
                            "name": "model",
                            "image": "r/digits:v1",
                            "env": [
                                {"name": "A", "value": "1"},
                                {"name": "EMPTY"},
                                {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                            ],
                        }
                    ]
                }
            },
        },
        "status": {
            "observedGeneration": 3,
            "replicas": 2,
            "updatedReplicas": 2,
            "availableReplicas": 2,
        },
    }

    def test_a_deployment(self) -> None:
        found = read_workload(self.RAW)
        assert found.images == {"model": "r/digits:v1"}
        assert found.containers[0].env == (("A", "1"), ("EMPTY", ""), ("S", None))
        assert found.settled

    @pytest.mark.parametrize(
        "status",
        [
            {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
            {"observedGeneration": 3, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 2},
            {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
            {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 1},
            {},
        ],
    )
    def test_a_roll_out_under_way_is_not_settled(self, status: dict[str, int]) -> None:
        assert not read_workload({**self.RAW, "status": status}).settled

    def test_almost_empty_objects_are_read(self) -> None:
        assert read_workload({"metadata": {"name": "x"}}).containers == ()
        assert read_pod({"metadata": {"name": "x"}}).containers == ()

    def test_a_pod(self) -> None:
        found = read_pod(
            {
                "metadata": {"namespace": "vision", "name": "p", "uid": "u", "labels": {"app": "digits"}},
                "spec": {"nodeName": "n", "containers": [{"name": "model", "image": "r/digits:v1"}]},
                "status": {
                    "phase": "Running",
                    "startTime": "2026-11-23T06:00:00Z",
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "containerStatuses": [{"name": "model", "imageID": f"r/digits@{D}", "restartCount": 2}],
                },
            }
        )
        assert found.ready
        assert found.live
        assert found.started_at == b.START.timestamp()
        assert found.containers[0].running.digest == D
        assert found.containers[0].restarts == 2

    @pytest.mark.parametrize("changes", [{"terminating": True}, {"phase": "Failed"}, {"phase": "Succeeded"}])
    def test_pods_that_answer_no_more(self, changes: dict[str, object]) -> None:
        assert not b.pod("p", **changes).live


def test_one_container_needs_no_name_and_several_do() -> None:
    assert b.workload().container(None) is not None
    two = b.workload({"model": "a", "proxy": "b"})
    assert two.container(None) is None
    assert two.container("proxy") is not None
    assert two.container("other") is None


@pytest.mark.parametrize(
    ("selector", "yes", "no"),
    [
        ({"matchLabels": {"a": "1"}}, {"a": "1", "b": "2"}, {"a": "2"}),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, {"a": "2"}, {}),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {}, {"a": "1"}),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": ""}, {}),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {}, {"a": ""}),
        (
            {"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]},
            {"a": "1", "b": ""},
            {"a": "1"},
        ),
    ],
)
def test_label_selectors(selector: dict[str, object], yes: dict[str, str], no: dict[str, str]) -> None:
    made = LabelSelector.from_object(selector)
    assert selected(made, yes)
    assert not selected(made, no)
    of_workload = read_selector(selector)
    assert of_workload.selects(yes)
    assert not of_workload.selects(no)


def test_a_selector_as_a_query() -> None:
    raw = {
        "matchLabels": {"b": "2", "a": "1"},
        "matchExpressions": [
            {"key": "c", "operator": "In", "values": ["x", "y"]},
            {"key": "d", "operator": "NotIn", "values": ["z"]},
            {"key": "e", "operator": "Exists"},
            {"key": "f", "operator": "DoesNotExist"},
        ],
    }
    assert str(read_selector(raw)) == "a=1,b=2,c in (x,y),d notin (z),e,!f"


def test_an_empty_policy_selector_selects_all_and_an_empty_workload_selector_nothing() -> None:
    assert selected(LabelSelector(), {})
    assert not Selector().selects({"app": "digits"})


def test_times() -> None:
    assert parse_time(format_time(1_800_000_000.25)) == 1_800_000_000.25
    assert parse_time("yesterday") is None
    assert parse_time(None) is None


class TestWhatHoldsARollOutUp:
    SPEC: ClassVar[dict[str, Any]] = {
        "template": {"spec": {"containers": [{"name": "c"}], "initContainers": [{"name": "first", "image": "w"}]}}
    }

    def workload(self, status: dict[str, Any] | None = None, **spec: Any) -> Any:
        return read_workload({"metadata": {"name": "x"}, "spec": {**self.SPEC, **spec}, "status": status or {}})

    def test_init_containers_are_declared_too(self) -> None:
        found = self.workload()
        assert [c.name for c in found.every] == ["c", "first"]
        assert found.declared("first") is not None
        assert found.container("first") is None, "it does not answer"
        assert found.container(None) is not None, "there is but one that could"

    @pytest.mark.parametrize(
        ("strategy", "on_delete", "partition"),
        [
            ({}, False, 0),
            ({"type": "OnDelete"}, True, 0),
            ({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}, False, 2),
            ({"type": "RollingUpdate", "rollingUpdate": None}, False, 0),
        ],
    )
    def test_how_a_stateful_set_replaces_its_pods(self, strategy: Any, on_delete: bool, partition: int) -> None:
        found = self.workload(updateStrategy=strategy)
        assert (found.on_delete, found.partition) == (on_delete, partition)

    @pytest.mark.parametrize(
        ("condition", "said"),
        [
            ({"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}, ""),
            (
                {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
                "ProgressDeadlineExceeded: ",
            ),
            (
                {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "q" * 999},
                "FailedCreate: qq",
            ),
            ({"type": "ReplicaFailure", "status": "False", "reason": "x"}, ""),
        ],
    )
    def test_the_controllers_own_word(self, condition: dict[str, str], said: str) -> None:
        found = self.workload({"conditions": [condition]}).problem
        assert found.startswith(said) if said else found == ""
        assert len(found) <= 300

    @pytest.mark.parametrize(
        ("status", "said"),
        [
            ({}, ""),
            ({"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "ContainerCreating"}}}]}, ""),
            (
                {
                    "containerStatuses": [
                        {"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "m"}}}
                    ]
                },
                "c CrashLoopBackOff: m",
            ),
            (
                {"initContainerStatuses": [{"name": "first", "state": {"waiting": {"reason": "ErrImagePull"}}}]},
                "first ErrImagePull: ",
            ),
            (
                {
                    "conditions": [
                        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "gpu"}
                    ]
                },
                "Unschedulable: gpu",
            ),
        ],
    )
    def test_why_a_pod_does_not_run(self, status: dict[str, Any], said: str) -> None:
        spec = {"containers": [{"name": "c"}], "initContainers": [{"name": "first", "image": "w"}]}
        found = read_pod({"metadata": {"name": "x"}, "spec": spec, "status": status})
        assert found.waiting == said
        assert [c.name for c in found.init_containers] == ["first"]

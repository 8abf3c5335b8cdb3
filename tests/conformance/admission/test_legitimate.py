"""The operator's own writes pass every policy, by the account that the attacks use: else refusing proves nothing."""

import time
from typing import Any

import pytest

from tests.conformance.admission import world
from tests.conformance.admission.acting import Acting
from tests.conformance.admission.attacks.base import DIGITS, INCIDENT, MODEL, containers, pod
from tests.conformance.admission.attacks.flags import GUARDRAIL
from tests.conformance.admission.attacks.pods import DIGITS as POD
from tests.conformance.admission.attacks.routes import DIGITS as SERVICE
from tests.conformance.admission.cluster import MERGE, STRATEGIC, WATCHED, Client, admin, collection, path_of
from tests.conformance.admission.world import CANDIDATE, GOOD, PROVEN, RUNNING, incident, model, release
from tests.conformance.apiserver import Answer, ApiServer
from tests.conformance.crds.statuses import INCIDENT as INCIDENT_STATUS
from tests.conformance.crds.statuses import MODEL as MODEL_STATUS

pytestmark = pytest.mark.conformance
FULL = {"data": {"state": "x" * (512 * 1024)}}
REVISION = {"name": "MODEL_REVISION", "value": "7"}


def patched(operator: Client, path: str, body: dict[str, Any], type_: str = STRATEGIC) -> dict[str, Any]:
    answer = operator.send("PATCH", path, body, type_, dry_run=True)
    assert answer.status == 200, answer.message
    return answer.body


def answering(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["spec"]["template"]["spec"]["containers"][0]
    return found


@pytest.mark.parametrize("image", [GOOD, CANDIDATE, PROVEN], ids=["pinned", "candidate", "proven"])
def test_puts_a_container_on_an_image(operator: Client, image: str) -> None:
    body = containers({"name": "model", "image": image})
    body["metadata"] = {"annotations": {"knowngood.dev/pinned-by": "digits-0"}}
    made = patched(operator, DIGITS, body)
    assert answering(made)["image"] == image
    assert "knowngood.dev/unknown-model" not in made["metadata"]["annotations"]


def test_variables_go_back_with_the_image(operator: Client) -> None:
    env = [REVISION, {"name": "EMPTY"}, {"name": "DEBUG", "$patch": "delete"}]
    made = patched(operator, DIGITS, containers({"name": "model", "image": GOOD, "env": env}))
    assert {e["name"] for e in answering(made)["env"]} == {"MODEL_REVISION", "EMPTY", "TOKEN"}


def test_an_init_container_goes_back_with_its_variables(operator: Client) -> None:
    env = [{"name": "VERSION", "value": "7"}]
    body = pod({"initContainers": [{"name": "weights", "image": world.OLDER_WEIGHTS, "env": env}]})
    made = patched(operator, DIGITS, body)
    (first,) = made["spec"]["template"]["spec"]["initContainers"]
    assert (first["image"], first["env"]) == (world.OLDER_WEIGHTS, env)


def test_pins_a_stateful_set(operator: Client) -> None:
    path = path_of(world.workload("faces", None, "StatefulSet"))
    patched(operator, path, containers({"name": "model", "image": GOOD}))


@pytest.mark.parametrize("path", [DIGITS, INCIDENT, GUARDRAIL, SERVICE, POD])
def test_touches_what_a_former_leader_might_write(operator: Client, path: str) -> None:
    body = {"metadata": {"annotations": {"knowngood.dev/fenced-by": "term-2"}}}
    made = patched(operator, path, body, "application/merge-patch+json")
    assert made["metadata"]["annotations"]["knowngood.dev/fenced-by"] == "term-2"


def test_pins_a_large_workload(api: ApiServer, operator: Client) -> None:
    """The expressions' cost stays within the budget of the API server."""
    large = world.workload("large", "large")
    spec = large["spec"]["template"]["spec"]
    variables = [{"name": f"VARIABLE_{number}", "value": "x" * 200} for number in range(300)]
    spec["containers"][0]["env"] += variables
    spec["containers"] += [{"name": f"c{n}", "image": RUNNING, "env": variables} for n in range(6)]
    for item in (large, model("large")):
        assert admin(api).create(item).status == 201
    status = {"releases": [release(RUNNING[:-3] + f"{n:03}", proven=True) for n in range(50)]}
    assert admin(api).send("PATCH", f"{path_of(model('large'))}/status", {"status": status}).status == 200
    env = [REVISION, {"name": "DEBUG", "$patch": "delete"}]
    patched(operator, path_of(large), containers({"name": "model", "image": GOOD, "env": env}))
    again = {"status": {"releases": [*status["releases"][:49], release(RUNNING, proven=True)]}}
    patched(operator, f"{path_of(model('large'))}/status", again, "application/merge-patch+json")


def test_writes_the_status_of_a_model(operator: Client) -> None:
    made = patched(operator, f"{MODEL}/status", {"status": MODEL_STATUS | world.STATUS}, "application/merge-patch+json")
    assert made["status"]["phase"] == "Incident"


@pytest.mark.parametrize(
    "containers_",
    [
        [{"name": "model", "image": RUNNING}],
        [{"name": "model", "image": RUNNING}, {"name": "proxy", "image": world.image("9", "proxy")}],
        [{"name": "model", "image": RUNNING}, {"name": "proxy", "image": "registry.local:5000/proxy:1.0"}],
        [{"name": "model", "image": RUNNING}, {"name": "weights", "image": world.WEIGHTS}],
    ],
    ids=["by-digest", "by-tag-from-the-same-repository", "without-a-digest", "with-an-init-container"],
)
@pytest.mark.parametrize("name", ["digits", "faces"])
def test_marks_what_runs_as_proven(operator: Client, name: str, containers_: list[dict[str, str]]) -> None:
    proven = release(RUNNING, proven=True) | {"containers": containers_}
    conditions = MODEL_STATUS["conditions"]
    for given in ({}, {"conditions": conditions}):
        body = {"status": {"releases": [proven], **given}}
        made = patched(operator, f"{path_of(model(name))}/status", body, "application/merge-patch+json")
        assert made["status"]["releases"][0]["provenAt"]
        assert made["status"].get("conditions", []) == given.get("conditions", [])


@pytest.mark.parametrize("origin", ["Signal", "Integrity"])
def test_opens_an_incident_and_drives_it(operator: Client, origin: str) -> None:
    made = operator.create(incident(f"opened-{origin.lower()}", origin=origin))
    assert made.status == 201, made.message
    patched(operator, f"{path_of(made.body)}/status", {"status": INCIDENT_STATUS}, "application/merge-patch+json")


@pytest.mark.parametrize("owner", ["digits", "m" * 240])
def test_keeps_what_it_remembers(operator: Client, owner: str) -> None:
    """The keeper's own bodies: made, and written again."""
    from knowngood.core.incidents.statetext import kept_name
    from knowngood.shell import cluster
    from knowngood.shell.configmaps import Owner, body

    for what, resource in (("state", cluster.POLICIES), ("baseline", cluster.MODELS)):
        name = kept_name(what, owner)
        made = operator.create(body(name, Owner(resource, world.WATCHED, owner, "uid"), "eA=="))
        assert made.status == 201, made.message
        again = patched(operator, path_of(made.body | {"kind": "ConfigMap", "apiVersion": "v1"}), FULL, MERGE)
        assert again["data"] == FULL["data"]


def test_others_write_what_the_operator_may_not(api: ApiServer) -> None:
    """The policies of the operator's account are no burden on anybody else."""
    for path in (DIGITS, path_of(world.workload("orphan", None)), path_of(world.workload("free", None))):
        body = {**pod({"serviceAccountName": "x"}), "metadata": {"labels": {world.LABEL: None}}}
        patched(admin(api), path, body)
    where = collection("apps/v1", "Deployment", WATCHED)
    assert admin(api).send("DELETE", f"{where}/digits", dry_run=True).status == 200


def test_what_the_operator_writes_is_what_these_tests_send(operator: Client) -> None:
    """PinKnownGood's own mutation, made from the objects as the API server has them."""
    from knowngood.core.facts.workload import read_workload
    from knowngood.core.response.actions.pin_known_good import mutation
    from knowngood.core.response.knowngood import Pin

    raw = operator.send("GET", DIGITS).body | {"kind": "Deployment", "apiVersion": "apps/v1"}
    pin = Pin("model", GOOD, (("MODEL_REVISION", "7"),), ("DEBUG",))
    patched(operator, DIGITS, dict(mutation(read_workload(raw), [pin], "digits-0").patch))


def test_scales_to_zero_and_takes_it_back(api: ApiServer, operator: Client) -> None:
    """ScaleToZero's own patches, on a workload of its own."""
    path = _made(api, "dimmed")
    zero = {"metadata": {"annotations": {"knowngood.dev/replaced-replicas": "2"}}, "spec": {"replicas": 0}}
    assert _once_seen(operator, path, zero).body["spec"]["replicas"] == 0
    refused = operator.send("PATCH", path, {"spec": {"replicas": 3}}, STRATEGIC)
    assert "back to what knowngood.dev/replaced-replicas says" in refused.message
    back = {"metadata": {"annotations": {"knowngood.dev/replaced-replicas": None}}, "spec": {"replicas": 2}}
    assert operator.send("PATCH", path, back, STRATEGIC).body["spec"]["replicas"] == 2


def test_takes_a_pin_back(api: ApiServer, operator: Client) -> None:
    """PinKnownGood's own patch and undo: the image that stood there is neither pinned nor proven."""
    from knowngood.core.facts.workload import read_workload
    from knowngood.core.response.actions.pin_known_good import mutation
    from knowngood.core.response.knowngood import Pin

    path = _made(api, "wavering")
    raw = operator.send("GET", path).body | {"kind": "Deployment", "apiVersion": "apps/v1"}
    before = answering(raw)["image"]
    pinned = mutation(read_workload(raw), [Pin("model", GOOD)], "wavering-0")
    assert answering(_once_seen(operator, path, dict(pinned.patch)).body)["image"] == GOOD
    other = operator.send("PATCH", path, containers({"name": "model", "image": world.UNKNOWN}), STRATEGIC)
    assert "neither pins nor has proven" in other.message
    undo = containers({"name": "model", "image": before})
    undo["metadata"] = {"annotations": {"knowngood.dev/replaced": None, "knowngood.dev/pinned-by": None}}
    assert answering(operator.send("PATCH", path, undo, STRATEGIC).body)["image"] == before


def test_sets_a_flag_and_takes_it_back(api: ApiServer, operator: Client) -> None:
    """SetFlag's own patches, of a ConfigMap made for this and of a variable."""
    made = world.settings("switches", "switched")
    key = {"name": "switches", "key": "mode"}
    flags = [world.SAFE_MODE | {"configMapKeyRef": key}, world.RATE]
    path = _made(api, "switched", flags)
    assert admin(api).create(made).status == 201
    for flag, place in (("safe-mode", path_of(made)), ("rate", path)):
        act = Acting(operator, "switched", {"name": "set", "action": "SetFlag", "setFlag": {"flag": flag}}, path)
        before = _content(operator.send("GET", place).body)
        act.write()
        assert _content(operator.send("GET", place).body) != before
        act.undo()
        assert _content(operator.send("GET", place).body) == before


def test_a_pin_and_its_undo_put_back_variables_too(api: ApiServer, operator: Client) -> None:
    """PinKnownGood's own patches: what stood there is declared nowhere, and goes back by what was noted."""
    path = _made(api, "returning")
    before = _content(operator.send("GET", path).body)
    act = Acting(operator, "returning", {"name": "pin", "action": "PinKnownGood"}, path, pinned=True)
    act.write()
    after = operator.send("GET", path).body
    assert answering(after)["image"] == GOOD
    assert {e["name"]: e.get("value") for e in answering(after)["env"]}["MODEL_REVISION"] == "7"
    assert after["spec"]["template"]["spec"]["initContainers"][0]["image"] == world.OLDER_WEIGHTS
    act.undo()
    again = _content(operator.send("GET", path).body)
    for each in (before, again):
        each["spec"]["template"]["spec"]["containers"][0]["env"].sort(key=lambda e: e["name"])
    assert again == before


def test_holds_roll_outs_and_lets_go(api: ApiServer, operator: Client) -> None:
    """PauseRollout's own patch and undo; and a pin of the same incident, which lifts it."""
    path = _made(api, "holding")
    before = _content(operator.send("GET", path).body)
    act = Acting(operator, "holding", {"name": "hold", "action": "PauseRollout"}, path)
    for _ in range(2):
        act.write()
        assert operator.send("GET", path).body["spec"]["paused"] is True
        act.undo()
        assert _content(operator.send("GET", path).body) == before
    act.write()
    Acting(operator, "holding", {"name": "pin", "action": "PinKnownGood"}, path, pinned=True).write()
    after = operator.send("GET", path).body
    assert not after["spec"].get("paused")
    assert answering(after)["image"] == GOOD


def test_leads_a_service_to_the_standby_and_back(api: ApiServer, operator: Client) -> None:
    """RerouteTraffic's own patches, both ways and undone."""
    name, standby = "led", world.workload("led-standby", "led")
    path = _made(api, name, standby="led-standby")
    made = world.service(name, name)
    for item in (made, standby):
        assert admin(api).create(item).status == 201
    away = Acting(operator, name, {"name": "away", "action": "RerouteTraffic"}, path, path_of(standby))
    before = _content(operator.send("GET", path_of(made)).body)
    away.write()
    led = _content(operator.send("GET", path_of(made)).body)
    assert led["spec"]["selector"] == {"app": "led-standby"}
    home = {"name": "home", "action": "RerouteTraffic", "rerouteTraffic": {"to": "Workload"}}
    back = Acting(operator, name, home, path, path_of(standby))
    back.write()
    assert _content(operator.send("GET", path_of(made)).body) == before
    back.undo()
    assert _content(operator.send("GET", path_of(made)).body) == led
    away.undo()
    assert _content(operator.send("GET", path_of(made)).body) == before


def test_cuts_off_pods_and_gives_them_back(api: ApiServer, operator: Client) -> None:
    """Isolate's own writes and undo: Service, NetworkPolicy, pods; then the deadlines."""
    name, standby = "cutting", world.workload("cutting-standby", "cutting")
    path = _made(api, name, standby="cutting-standby")
    service, pods = world.service(name, name), [world.pod(f"{name}-{i}", {"app": name, "tier": "a"}) for i in range(2)]
    for item in (service, standby, *pods):
        assert admin(api).create(item).status == 201
    act = Acting(operator, name, {"name": "cut", "action": "Isolate"}, path, path_of(standby), suspect=RUNNING)
    before = [operator.send("GET", path_of(p)).body["metadata"]["labels"] for p in pods]
    act.write()
    for each in pods:
        assert operator.send("GET", path_of(each)).body["metadata"]["labels"] == {"knowngood.dev/isolated": name}
    act.undo()
    assert [operator.send("GET", path_of(p)).body["metadata"]["labels"] for p in pods] == before
    assert operator.send("GET", path_of(service)).body["spec"]["selector"] == {"app": name}
    act.write()
    act.last()
    for each in pods:
        assert operator.send("GET", path_of(each)).body["spec"]["activeDeadlineSeconds"] > 0


def test_runs_a_job_that_the_administrator_allows(api: ApiServer, operator: Client) -> None:
    """RunJob's own creation, from the template as the API server has it."""
    path = _made(api, "scrubbed")
    step = {"name": "scrub", "action": "RunJob", "runJob": {"template": "scrub"}}
    act = Acting(operator, "scrubbed", step, path)
    act.write()
    looked = act.facts().look(act.changing.needs(act.facts(), act.step)[1])
    assert looked is not None
    assert looked.thing is not None
    assert looked.thing.raw["spec"]["backoffLimit"] == 2
    assert not [a for a in looked.thing.annotations if a.endswith("unknown-template")]


def test_leads_a_service_to_fewer_of_its_pods(api: ApiServer, operator: Client) -> None:
    narrowed = {"app": "digits", "pod-template-hash": "5d", "knowngood.dev/withheld": "x"}
    made = patched(operator, path_of(world.service("digits", None)), {"spec": {"selector": narrowed}}, MERGE)
    assert made["spec"]["selector"] == narrowed


def _content(body: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in body["metadata"].items() if k in ("labels", "annotations")}
    return {**{k: v for k, v in body.items() if k != "status"}, "metadata": {k: v for k, v in kept.items() if v}}


def _once_seen(operator: Client, path: str, patch: dict[str, Any]) -> Answer:
    """The answer once the API server's own list of parameters has the model that was just made."""
    end = time.monotonic() + 10
    while (answer := operator.send("PATCH", path, patch, STRATEGIC)).status == 403 and time.monotonic() < end:
        pass
    return answer


def _made(api: ApiServer, name: str, flags: list[dict[str, Any]] | None = None, standby: str = "") -> str:
    declared = world.reached(model(name), standby) if standby else model(name)
    declared["spec"] |= {"flags": flags or world.FLAGS}
    for item in (world.workload(name, name), declared):
        assert admin(api).create(item).status == 201
    return path_of(world.workload(name, None))

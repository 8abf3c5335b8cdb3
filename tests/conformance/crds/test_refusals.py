"""Bad resources are refused with the field, the value and what to write instead."""

from dataclasses import dataclass
from typing import Any

import pytest

from knowngood.api.base import InvalidObjectError
from tests.conformance.apiserver import ApiServer
from tests.conformance.crds.resources import GONE, MODELS, changed, collection, example

pytestmark = pytest.mark.conformance

MODEL, POLICY, INCIDENT, PLAYBOOK = "ModelDeployment", "IncidentPolicy", "AIIncident", "Playbook"
PIN = {"name": "model", "image": "registry.local:5000/digits@sha256:" + "ab" * 32}
DIGITS = "@sha256:<64 hexadecimal digits>"


def variables(number: int, length: int) -> list[dict[str, str]]:
    """So many, with values of that length."""
    return [{"name": f"V{n}", "value": "x" * length} for n in range(number)]


@dataclass(frozen=True)
class Bad:
    """One field set to a bad value; `says` must all be in the server's message.

    local: what the pydantic model's own message must hold; None where only the server can know.
    """

    kind: str
    path: str
    value: object
    says: tuple[str, ...]
    local: str | None = ""

    def __str__(self) -> str:
        shown = "absent" if self.value is GONE else repr(self.value)[:40]
        return f"{self.kind}-{self.path}-{shown}"


def _tag(kind: str, path: str, image: str, repository: str) -> Bad:
    says = (f"'{image}' is not pinned by digest (a tag can move)", f"write {repository}{DIGITS}")
    return Bad(kind, path, image, says, f"write {repository}{DIGITS}")


IMAGE = "spec.knownGood.containers.0.image"
SIGNAL = "spec.signals.0"
BAD = (
    # images: digests only, and the message shows the writer's own repository
    _tag(MODEL, IMAGE, "registry.local:5000/digits:v7", "registry.local:5000/digits"),
    _tag(MODEL, IMAGE, "digits:v7", "digits"),
    _tag(MODEL, IMAGE, "registry.local:5000/digits", "registry.local:5000/digits"),
    _tag(MODEL, IMAGE, "a/digits:v7@sha256:" + "ab" * 32, "a/digits"),
    _tag(MODEL, IMAGE, "a/digits@sha256:" + "AB" * 32, "a/digits"),
    _tag(MODEL, IMAGE, "a/digits@sha256:abc", "a/digits"),
    _tag(MODEL, "spec.candidate.containers.0.image", "a/b:latest", "a/b"),
    _tag(INCIDENT, "spec.fix.containers.0.image", "a/b:fix", "a/b"),
    # ModelDeployment
    Bad(MODEL, "spec.workloadRef", GONE, ("spec.workloadRef: Required value",)),
    Bad(MODEL, "spec.workloadRef.kind", "DaemonSet", ("spec.workloadRef.kind", '"DaemonSet"', '"StatefulSet"')),
    Bad(
        MODEL,
        "spec.workloadRef.apiVersion",
        "apps/v2",
        ("spec.workloadRef.apiVersion", '"apps/v2"', '"apps/v1"'),
    ),
    Bad(
        MODEL,
        "spec.workloadRef.kind",
        "Rollout",
        ("spec.workloadRef.apiVersion", "a Rollout is of argoproj.io/v1alpha1, a Deployment or StatefulSet of apps/v1"),
        "a Rollout is of argoproj.io/v1alpha1",
    ),
    Bad(
        MODEL,
        "spec.standby.workloadRef",
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "x"},
        ("spec.standby.workloadRef.kind", "a Rollout cannot be a standby: write a Deployment or StatefulSet"),
        "a Rollout cannot be a standby",
    ),
    Bad(MODEL, "spec.workloadRef.nmae", "x", ('unknown field "spec.workloadRef.nmae"',)),
    Bad(
        MODEL,
        "spec.container",
        "Model_1",
        ("spec.container", "'Model_1' is not a name", "write at most 63 lower"),
    ),
    Bad(MODEL, "spec.knownGood.containers", [], ("spec.knownGood.containers", "at least 1")),
    Bad(
        MODEL,
        "spec.knownGood.containers.1",
        PIN,
        ("spec.knownGood.containers[1]", "Duplicate", '"model"'),
        None,
    ),
    Bad(
        MODEL,
        "spec.knownGood.containers.0.removeEnv",
        ["MODEL_REVISION"],
        ("spec.knownGood.containers[0].removeEnv", "in env and in removeEnv: write it in one of them"),
    ),
    Bad(
        MODEL,
        "spec.knownGood.containers.0.env",
        variables(8, 4_096),
        (
            "spec.knownGood.containers",
            "names and values of these containers have 32784 characters: write at most 32768",
        ),
        "have 32784 characters: write at most 32768",
    ),
    Bad(
        MODEL,
        "spec.candidate.containers",
        [{**PIN, "name": f"c{n}", "env": variables(32, 100)} for n in range(16)],
        ("spec.candidate.containers", "characters: write at most 32768"),
    ),
    Bad(
        INCIDENT,
        "spec.fix.containers",
        [{**PIN, "name": f"c{n}", "env": variables(32, 4_096)} for n in range(16)],
        ("spec.fix.containers", "characters: write at most 32768"),
    ),
    Bad(
        MODEL,
        "spec.knownGood.artifacts.0.digest",
        "md5:77",
        ("spec.knownGood.artifacts[0].digest", "'md5:77' is not a digest: write sha256: and 64 hexadecimal"),
    ),
    Bad(MODEL, "spec.promotion.mode", "Auto", ("spec.promotion.mode", '"Auto"', '"Automatic", "Manual"')),
    Bad(
        MODEL,
        "spec.promotion.soak",
        "1 day",
        ("spec.promotion.soak", "'1 day' is not a duration: write whole num"),
    ),
    Bad(MODEL, "spec.promotion.soak", "30m1h", ("spec.promotion.soak", "largest first, such as 500ms")),
    Bad(MODEL, "spec.promotion.soak", "", ("spec.promotion.soak", "at least 1 chars")),
    Bad(MODEL, "spec.series.matchLabels", {}, ("spec.series.matchLabels", "at least 1 properties")),
    Bad(
        MODEL,
        "spec.series.matchLabels",
        {"model-name": "digits"},
        (
            "spec.series.matchLabels",
            "'model-name' is not a Prometheus label name: write letters, digits and '_'",
        ),
    ),
    Bad(
        MODEL,
        "spec.series.matchLabels",
        {"__name__": "digits"},
        ("spec.series.matchLabels", "'__name__' is not a Prometheus label name", "no '__' first"),
    ),
    Bad(
        MODEL,
        "spec.dependencies.0.modelRef",
        {"name": "x"},
        ("spec.dependencies[0]", "exactly one of configMapKeyRef, modelRef; here: configMapKeyRef modelRef"),
    ),
    Bad(MODEL, "spec.dependencies.1.modelRef", GONE, ("spec.dependencies[1]", "modelRef; here: none")),
    Bad(
        MODEL,
        "spec.owner.runbookURL",
        "runbooks.example.org",
        ("spec.owner.runbookURL", "'runbooks.example.org' is not a URL: write http:// or https://"),
    ),
    Bad(
        MODEL,
        "spec.owner.runbookURL",
        "https://me:pw@example.org/",
        ("spec.owner.runbookURL", "without credentials"),
    ),
    Bad(
        MODEL,
        "spec.flags",
        [{"name": "safe-mode", "value": "on"}],
        ("spec.flags[0]", "write exactly one of configMapKeyRef, env; here: none"),
    ),
    Bad(
        MODEL,
        "spec.flags",
        [{"name": "Safe mode", "env": {"name": "SAFE"}, "value": "on"}],
        ("spec.flags[0].name", "'Safe mode' is not a flag's name"),
    ),
    Bad(
        MODEL,
        "spec.flags",
        [{"name": "safe-mode", "env": {"name": "SAFE"}, "value": "on"}] * 2,
        ("spec.flags[1]", "Duplicate", '"safe-mode"'),
        None,
    ),
    Bad(MODEL, "spec.quarantine", {"lift": ["latest"]}, ("spec.quarantine.lift[0]", "'latest' is not a digest")),
    # IncidentPolicy
    Bad(POLICY, "spec.selector", GONE, ("spec.selector: Required value",)),
    Bad(
        POLICY,
        "spec",
        {"selector": {}},
        (
            "spec.signals: Required value",
            "without signals and integrity does nothing: write at least one signal",
        ),
    ),
    Bad(
        POLICY,
        "spec.selector.matchLabels",
        {"a b": "c"},
        ("spec.selector.matchLabels", "'a b' is not a label key: write"),
    ),
    Bad(
        POLICY,
        "spec.selector.matchExpressions",
        [{"key": "tier", "operator": "In"}],
        ("spec.selector.matchExpressions[0]", "In and NotIn need values"),
    ),
    Bad(
        POLICY,
        "spec.interval",
        "0s",
        ("spec.interval", '"0s"', "must be longer than zero: write for example 1m"),
    ),
    Bad(POLICY, "spec.interval", 15, ("spec.interval", "must be of type string"), None),
    Bad(
        POLICY,
        "spec.identity.model",
        "model-name",
        ("spec.identity.model", "'model-name' is not a Prometheus label"),
    ),
    Bad(
        POLICY,
        "spec.signals.7",
        {"name": "accuracy", "preset": "a/b"},
        ("spec.signals[7]", "Duplicate"),
        None,
    ),
    Bad(
        POLICY,
        f"{SIGNAL}.preset",
        "vllm/truncated",
        ("spec.signals[0]", "exactly one of preset, ratio,", "here: pre"),
    ),
    Bad(POLICY, f"{SIGNAL}.promql", {"query": "up"}, ("spec.signals[0]", "here: ratio promql")),
    Bad(
        POLICY,
        f"{SIGNAL}.ratio",
        GONE,
        ("spec.signals[0]", "write exactly one of preset, ratio, events", "none"),
    ),
    Bad(POLICY, f"{SIGNAL}.type", GONE, ("spec.signals[0].type: Required value: without a preset write type",)),
    Bad(
        POLICY,
        f"{SIGNAL}.detector",
        GONE,
        ("spec.signals[0].detector: Required value: without a preset write detector",),
    ),
    Bad(POLICY, f"{SIGNAL}.severity", "Fatal", ("spec.signals[0].severity", '"Fatal"', '"Critical"')),
    Bad(
        POLICY,
        f"{SIGNAL}.ratio.good",
        'requests{code="200"}',
        ("spec.signals[0].ratio.good", "is not a metric name: write the bare name", "use the input promql"),
    ),
    Bad(POLICY, f"{SIGNAL}.ratio.window", "0m", ("spec.signals[0].ratio.window", "must be longer than zero")),
    Bad(
        POLICY,
        f"{SIGNAL}.detector",
        {"threshold": {"below": 0.9}, "change": {}},
        ("spec.signals[0].detector", "Too many: 2: must have at most 1"),
        "exactly one of threshold, drift",
    ),
    Bad(POLICY, f"{SIGNAL}.detector", {}, ("spec.signals[0].detector", "here: none")),
    Bad(
        POLICY,
        f"{SIGNAL}.detector",
        {"threshold": {"for": "5s"}},
        ("spec.signals[0].detector.threshold", "write below, above or both, for example below: 0.9"),
    ),
    Bad(
        POLICY,
        f"{SIGNAL}.detector",
        {"threshold": {"below": 0.9, "above": 0.5}},
        ("spec.signals[0].detector.threshold.below", "0.9 must be less than above, which is 0.5"),
    ),
    Bad(
        POLICY,
        f"{SIGNAL}.detector",
        {"threshold": {"below": 90}},
        (
            "spec.signals[0].detector.threshold.below",
            "90 is not a share of a ratio: write a number between 0",
        ),
    ),
    Bad(
        POLICY,
        f"{SIGNAL}.detector",
        {"threshold": {"above": 1.5}},
        ("spec.signals[0].detector.threshold.above", "1.5 is not a share of a ratio: write a number between"),
    ),
    Bad(
        POLICY,
        f"{SIGNAL}.detector",
        {"drift": {}},
        ("spec.signals[0].detector.drift", "needs the input histogram or outcomes: write"),
    ),
    Bad(
        POLICY,
        f"{SIGNAL}.detector",
        {"disparity": {}},
        ("spec.signals[0].detector.disparity", "needs the input outcomes: write"),
    ),
    Bad(
        POLICY,
        f"{SIGNAL}.detector",
        {"burst": {}},
        ("spec.signals[0].detector.burst", "needs the input events: write"),
    ),
    Bad(
        POLICY,
        f"{SIGNAL}.detector",
        {"occurrence": {}},
        ("spec.signals[0].detector.occurrence", "events or promql"),
    ),
    Bad(
        POLICY,
        f"{SIGNAL}.noData",
        {"action": "Incident"},
        (
            "spec.signals[0].noData.for: Required value",
            "action: Incident needs for: write how long",
            "for: 5m",
        ),
    ),
    Bad(POLICY, "spec.signals.2.promql.query", "", ("spec.signals[2].promql.query", "at least 1 chars")),
    Bad(
        POLICY,
        "spec.signals.2.promql.query",
        "a" * 8193,
        ("spec.signals[2].promql.query", "may not be more than 8192"),
    ),
    Bad(
        POLICY,
        "spec.signals.3.outcomes.groupLabels",
        ["age-group"],
        ("spec.signals[3].outcomes.groupLabels[0]", "'age-group' is not a Prometheus label name"),
    ),
    Bad(
        POLICY,
        "spec.signals.3.detector.disparity.minRatio",
        0,
        ("spec.signals[3].detector.disparity.minRatio", "greater than 0"),
    ),
    Bad(
        POLICY,
        "spec.signals.3.detector.disparity.minRatio",
        1.25,
        ("spec.signals[3].detector.disparity.minRatio", "1.25", "less than or equal to 1"),
    ),
    Bad(
        POLICY,
        "spec.integrity.allowedRegistries",
        ["https://registry.local"],
        (
            "spec.integrity.allowedRegistries[0]",
            "is not a registry: write host, host:port or host/path, without https",
        ),
    ),
    Bad(
        POLICY,
        "spec.integrity.signature.publicKey",
        "cosign.pub",
        (
            "spec.integrity.signature.publicKey",
            "'cosign.pub' is not a public key in PEM: write what stands in cosign",
        ),
    ),
    Bad(
        POLICY,
        "spec.responses.0.mode",
        "Auto",
        ("spec.responses[0].mode", '"Auto"', '"Automatic", "Approval"'),
    ),
    Bad(
        POLICY,
        "spec.responses.0.origins",
        ["Pager"],
        ("spec.responses[0].origins[0]", '"Pager"', '"Alertmanager"'),
    ),
    Bad(
        POLICY,
        "spec.silences",
        [{"name": "move", "until": "tomorrow", "reason": "data centre"}],
        ("spec.silences[0].until", '"tomorrow"', "date-time"),
    ),
    Bad(
        POLICY,
        "spec.limits.maxConcurrentContainments",
        0,
        ("spec.limits.maxConcurrentContainments", "equal to 1"),
    ),
    # AIIncident
    Bad(INCIDENT, "spec.origin", GONE, ("spec.origin: Required value",)),
    Bad(INCIDENT, "spec.origin", "Gossip", ("spec.origin", '"Gossip"', '"User"')),
    Bad(INCIDENT, "spec.type", "Outage", ("spec.type", '"Outage"', '"ModelFailure"')),
    Bad(INCIDENT, "spec.awareAt", "2026-11-23", ("spec.awareAt", '"2026-11-23"', "date-time")),
    Bad(
        INCIDENT,
        "spec.approval",
        {"decision": "Approve", "by": "alice", "planHash": "latest"},
        ("spec.approval.planHash", "'latest' is not a digest: write sha256:"),
    ),
    Bad(
        INCIDENT,
        "spec.approval",
        {"decision": "Yes", "by": "alice", "planHash": "sha256:" + "ab" * 32},
        ("spec.approval.decision", '"Yes"', '"Approve", "Reject"'),
    ),
    Bad(
        INCIDENT,
        "spec.gates",
        [{"name": "ask", "decision": "Approve", "by": "alice", "planHash": "any"}],
        ("spec.gates[0].planHash", "'any' is not a digest: write sha256:"),
    ),
    Bad(INCIDENT, "spec.acknowledgement", {}, ("spec.acknowledgement.by: Required value",)),
    Bad(
        INCIDENT,
        "spec.disposition",
        {"verdict": "Maybe", "by": "a"},
        ("spec.disposition.verdict", '"FalsePositive"'),
    ),
    # Playbook
    Bad(PLAYBOOK, "spec.contain", GONE, ("spec.contain: Required value",)),
    Bad(PLAYBOOK, "spec.contain", [], ("spec.contain", "at least 1")),
    Bad(PLAYBOOK, "spec.contain.1.action", "RollBack", ("spec.contain[1].action", '"RollBack"', '"PinKnownGood"')),
    Bad(PLAYBOOK, "spec.contain.1.action", GONE, ("spec.contain[1].action: Required value",)),
    Bad(PLAYBOOK, "spec.contain.1.onFailure", "Ignore", ("spec.contain[1].onFailure", '"Ignore"', '"Undo"')),
    Bad(PLAYBOOK, "spec.contain.1.timeout", "5 minutes", ("spec.contain[1].timeout", "'5 minutes'", "5m")),
    Bad(PLAYBOOK, "spec.contain.1.timeout", "0s", ("spec.contain[1].timeout",)),
    Bad(PLAYBOOK, "spec.contain.1.name", "Pin it", ("spec.contain[1].name", "'Pin it' is not a name")),
    Bad(PLAYBOOK, "spec.contain.1.name", "evidence", ("spec.contain[1]", "Duplicate", '"evidence"'), None),
    Bad(
        PLAYBOOK,
        "spec.contain.1.freezeEvidence",
        {"budget": "2s"},
        ("spec.contain[1].freezeEvidence", "is FreezeEvidence's own block: remove it"),
        "own block",
    ),
    Bad(PLAYBOOK, "spec.contain.0.freezeEvidence.budget", "2", ("spec.contain[0].freezeEvidence.budget", "'2'")),
    Bad(
        PLAYBOOK,
        "spec.contain.0.freezeEvidence.bugdet",
        "2s",
        ('unknown field "spec.contain[0].freezeEvidence.bugdet"',),
    ),
    Bad(
        PLAYBOOK,
        "spec.contain.1.allowOutage",
        True,
        ("spec.contain[1].allowOutage", "only ScaleToZero and Isolate may empty a Service"),
        "only ScaleToZero and Isolate",
    ),
    Bad(
        PLAYBOOK,
        "spec.contain.1",
        {"name": "guard", "action": "SetFlag"},
        ("spec.contain[1].setFlag", "SetFlag needs it: write setFlag, or another action"),
        "SetFlag needs it",
    ),
    Bad(
        PLAYBOOK,
        "spec.contain.1.setFlag",
        {"flag": "safe-mode"},
        ("spec.contain[1].setFlag", "is SetFlag's own block: remove it, or write action: SetFlag"),
        "own block",
    ),
    Bad(
        PLAYBOOK,
        "spec.contain.1",
        {"name": "guard", "action": "SetFlag", "setFlag": {"flag": "Safe"}},
        ("spec.contain[1].setFlag.flag", "'Safe' is not a flag's name: write at most 48 lower case"),
        "'Safe' is not a flag's name",
    ),
    Bad(
        PLAYBOOK,
        "spec.contain.1",
        {"name": "away", "action": "RerouteTraffic", "rerouteTraffic": {"to": "Nowhere"}},
        ("spec.contain[1].rerouteTraffic.to", '"Nowhere"', '"Standby", "Workload"'),
    ),
    Bad(
        PLAYBOOK,
        "spec.contain.1",
        {"name": "cut", "action": "Isolate", "isolate": {"keep": 65}},
        ("spec.contain[1].isolate.keep", "less than or equal to 64"),
    ),
    Bad(
        PLAYBOOK,
        "spec.contain.1",
        {"name": "run", "action": "RunJob", "runJob": {"template": "Clear cache"}},
        ("spec.contain[1].runJob.template", "'Clear cache' is not a name"),
        "'Clear cache' is not a name",
    ),
    Bad(
        PLAYBOOK,
        "spec.contain.1",
        {"name": "ask", "action": "Gate", "gate": {"person": {}, "job": {"template": "smoke"}}},
        ("spec.contain[1].gate", "Too many: 2: must have at most 1"),
        "exactly one of person, promql, job",
    ),
    Bad(
        PLAYBOOK,
        "spec.contain.1",
        {"name": "ask", "action": "Gate", "gate": {"promql": {"query": "up"}}},
        ("spec.contain[1].gate.promql.below", "write above, below or both"),
        "write above, below or both",
    ),
    Bad(
        PLAYBOOK,
        "spec.escalate.steps.0.allowOutage",
        GONE,
        ("spec.escalate.steps[0].allowOutage", "write allowOutage: true on this step"),
        "allowOutage: true",
    ),
    Bad(PLAYBOOK, "spec.escalate.steps.0.name", "pin", ("spec.escalate", "so rename one"), "so rename one"),
    Bad(PLAYBOOK, "spec.escalate.after", "soon", ("spec.escalate.after", "'soon'")),
    Bad(PLAYBOOK, "spec.escalate.steps", GONE, ("spec.escalate.steps: Required value",)),
    Bad(
        PLAYBOOK,
        "spec.recover.restore.steps.0.weightPercent",
        0,
        ("spec.recover.restore.steps[0].weightPercent", "greater than or equal to 1"),
    ),
    Bad(
        PLAYBOOK,
        "spec.recover.restore.steps.2.weightPercent",
        90,
        ("spec.recover.restore.steps", "must rise from step to step and end at 100"),
        "end at 100",
    ),
    Bad(
        PLAYBOOK,
        "spec.recover.restore.steps.0.weightPercent",
        60,
        ("spec.recover.restore.steps", "must rise from step to step and end at 100"),
        "end at 100",
    ),
    Bad(PLAYBOOK, "spec.recover.validate.minSamples", 0, ("spec.recover.validate.minSamples", "greater than or equal")),
    Bad(PLAYBOOK, "spec.review.dueAfter", "5 days", ("spec.review.dueAfter", "'5 days'")),
)


def _resource(bad: Bad) -> dict[str, Any]:
    given = example(bad.kind)
    if bad.path.startswith("spec.candidate"):
        given["spec"]["candidate"] = {"containers": [dict(PIN)]}
    if bad.path.startswith("spec.fix"):
        given["spec"]["fix"] = {"kind": "Image", "containers": [dict(PIN)]}
    return changed(given, bad.path, bad.value)


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_server_refuses_and_says_what_to_write(api: ApiServer, bad: Bad) -> None:
    answer = api.create(collection(bad.kind), _resource(bad), dry_run=True)
    assert answer.status in (400, 422)
    missing = [text for text in bad.says if text not in answer.message]
    assert missing == [], answer.message


@pytest.mark.parametrize("bad", [bad for bad in BAD if bad.local is not None], ids=str)
def test_model_refuses_the_same_for_whatever_the_server_let_through(bad: Bad) -> None:
    with pytest.raises(InvalidObjectError) as refused:
        MODELS[bad.kind].from_object(_resource(bad))
    assert bad.local is not None
    assert bad.local in str(refused.value)


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        (
            {"modelRef": {"name": "faces"}},
            ("spec.modelRef", "never changes: report another model in another AIIn"),
        ),
        ({"origin": "Signal"}, ("spec.origin", '"Signal"', "never changes: it says who reported")),
    ],
)
def test_what_an_incident_is_about_never_changes(api: ApiServer, patch: dict[str, Any], says: tuple[str, ...]) -> None:
    made = api.create(collection(INCIDENT), example(INCIDENT))
    assert made.status == 201, made.message
    path = f"{collection(INCIDENT)}/{made.body['metadata']['name']}"
    answer = api.patch(path, {"spec": patch})
    assert answer.status == 422
    assert [text for text in says if text not in answer.message] == [], answer.message
    assert api.patch(path, {"spec": {"severity": "Low", "type": "DataDrift"}}).status == 200

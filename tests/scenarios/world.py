"""A cluster in memory: what the shell does to the world, without the shell.

It keeps what the API server would keep (the incident, the workload, the pods) apart from what a process would lose
(the last verdicts), refuses writes from stale versions as the API server does, and counts what was accepted.
"""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from knowngood.api.aiincident import AIIncident
from knowngood.api.conditions import Condition, find_condition
from knowngood.api.evidence import Evidence
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.incidentstatus import AIIncidentStatus
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.observed import Verdict
from knowngood.api.playbook import Playbook
from knowngood.core.facts.clock import format_time
from knowngood.core.facts.gitops import ImageWriter
from knowngood.core.facts.things import Lookup, Ref, Thing, read_thing
from knowngood.core.facts.workload import Container, Pod, Workload
from knowngood.core.incidents.opening import SignalView
from knowngood.core.incidents.record import is_over
from knowngood.core.response import machine
from knowngood.core.response.effects import Apply, Effect, FreezeEvidence, Record, Tell, Wait
from knowngood.core.response.facts import Facts, Hold, Refusal, Standby, running_digests
from knowngood.core.response.mutation import Creation, Mutation, Write
from knowngood.core.response.needs import asks, needs
from knowngood.core.signals.answer import Answer, DataState, failed
from knowngood.core.signals.compiled import CompiledSignal
from tests import builders as b

POLL = 5.0
MOST_EFFECTS = 40
Fault = Callable[["World", Effect], bool]


def killed_at(at: int, lost: bool = False, of: type = object) -> Fault:
    """A kill right after the effect of that number, counted from 1, among those ``of`` a type.

    With ``lost`` an effect that has two halves is cut after the first.
    """
    numbers = itertools.count(1)

    def kill(there: "World", effect: Effect) -> bool:
        if not isinstance(effect, of) or next(numbers) != at:
            return False
        there.do(effect, lost)
        there.restart()
        there.poll()
        return True

    return kill


def healthy_unless_bad(running: frozenset[str]) -> Verdict:
    """The signal as the demo's is: only the bad release is wrong."""
    return Verdict.BREACH if b.BAD in running else Verdict.HEALTHY


NAMES = ("good", "bad", "fix", "older")


@dataclass
class World:
    """The cluster, the metrics and the moment; `fault` is asked before each effect and may swallow it."""

    model: ModelDeployment = field(default_factory=lambda: b.model({"knownGood": b.pinned()}))
    policy: IncidentPolicy | None = field(default_factory=b.policy)
    playbooks: tuple[Playbook, ...] = field(default_factory=lambda: (b.playbook(),))
    incident: AIIncident = field(default_factory=b.incident)
    workload: Workload | None = field(default_factory=b.workload)
    pods: tuple[Pod, ...] = field(default_factory=b.pods)
    registries: tuple[str, ...] = ()
    seconds: float = 10.0
    verdict_on: Callable[[frozenset[str]], Verdict] = healthy_unless_bad
    of: CompiledSignal = field(default_factory=b.compiled)
    views: dict[tuple[str, str], SignalView] = field(default_factory=lambda: b.views(b.view()))
    hold: Hold | None = None
    unguarded: str = "the policy is missing"
    rolls_out: bool = True
    records: int = 0
    patches: list[Mutation] = field(default_factory=list)
    made: list[Creation] = field(default_factory=list)
    refused: int = 0
    frozen: int = 0
    evidence: Evidence = field(default_factory=b.evidence)
    told: list[Tell] = field(default_factory=list)
    things: dict[Ref, Thing] = field(default_factory=dict)
    standby: Standby | None = None
    answer: Callable[[str], Answer] = lambda _: failed(DataState.EMPTY, "no such series")
    job_ends: str = "Complete"  # how a Job ends at once; empty: it runs on
    refuses: str = ""  # what the API server says to each write of a step
    tries: list[float] = field(default_factory=list)  # when such a write was tried
    since: float = 10.0  # when the process that lives now began
    cut_off: tuple[Pod, ...] = ()  # pods that the workload does not select any more

    @property
    def facts(self) -> Facts:
        """What the shell would hand to the machine now."""
        facts = self._unequipped
        return dataclasses.replace(facts, things=self._read(facts), answers={q: self.answer(q) for q in asks(facts)})

    @property
    def _unequipped(self) -> Facts:
        suspect = self.status.suspect
        return Facts(
            incident=self.incident,
            model=self.model,
            policy=self.policy,
            playbooks={p.metadata.name: p for p in self.playbooks},
            workload=self.workload,
            pods=self.pods,
            container=b.CONTAINER,
            signals=dict(self.views),
            implicated=frozenset({suspect.digest} if suspect else ()),
            registries=self.registries,
            episode=1,
            now=b.at(self.seconds),
            hold=self.hold,
            unguarded=self.unguarded,
            standby=self.standby,
            kept=self._kept(),
            since=b.at(self.since),
            refusal=Refusal(self.refuses, b.at(self.tries[0])) if self.refuses and len(self.tries) > 2 else None,
        )

    def _kept(self) -> dict[str, Pod]:
        steps = self.status.plan.steps if self.status.plan else []
        names = {p.name for s in steps if s.observed for p in s.observed.pods}
        return {p.name: p for p in (*self.pods, *self.cut_off) if p.name in names}

    def _read(self, facts: Facts) -> dict[Ref, Lookup]:
        """What the shell would read for a plan."""
        return {ref: Lookup(self.things.get(ref)) for ref in needs(facts)}

    @property
    def status(self) -> AIIncidentStatus:
        """The incident's status."""
        return self.incident.status

    def condition(self, type: str) -> Condition:
        """A condition that must be there."""
        found = find_condition(self.status.conditions, type)
        assert found is not None, f"no condition {type} in {self.status.conditions}"
        return found

    @property
    def image(self) -> str:
        """What the workload declares."""
        assert self.workload is not None
        return self.workload.images[b.CONTAINER]

    def settle(self, fault: Fault | None = None) -> float | None:
        """Decide and do until there is nothing to do; the seconds to the next look."""
        for _ in range(MOST_EFFECTS):
            if is_over(self.incident):
                return None
            effect = machine.decide(self.facts)
            if isinstance(effect, Wait):
                assert effect.seconds != 0, "what it needs is read at every look"
                return effect.seconds
            if fault is not None and fault(self, effect):
                continue
            if isinstance(effect, Apply) and self.refuses:
                self.tries.append(self.seconds)
                return POLL
            self.do(effect)
        raise AssertionError(f"does not settle: {effect}")

    def live(self, seconds: float, fault: Fault | None = None) -> None:
        """Let time pass, polling and reconciling as the operator does."""
        end = self.seconds + seconds
        self.settle(fault)
        while self.seconds < end:
            self.seconds += POLL
            self.poll()
            self.settle(fault)

    def poll(self) -> None:
        """A poll of the metrics; a verdict's since moves only where verdict or release changes."""
        running = running_digests(self.pods, b.CONTAINER)
        if not running:
            self.views = b.views(b.absent())
            return
        verdict = self.verdict_on(running)
        name = "bad" if b.BAD in running else next(n for n in NAMES if b.image(n) == self.image)
        old = self.views.get((b.POLICY, b.SIGNAL))
        new = b.view(verdict, name, self.seconds, self.of)
        same = old is not None and (old.judgement.verdict, old.judgement.digest) == (verdict, new.judgement.digest)
        if old is not None and same:
            new = dataclasses.replace(new, since=old.since)
        self.views = b.views(new)

    def restart(self) -> None:
        """A kill: whatever was only in memory is gone, until the next poll."""
        self.views, self.since = {}, self.seconds

    def do(self, effect: Effect, lost: bool = False) -> None:
        """Do what the shell would; `lost` kills it after the first half of an effect that has two."""
        match effect:
            case Record(status):
                self._record(status)
            case FreezeEvidence(budget, status):
                self.frozen += 1
                if not lost:
                    took = {"frozen_at": b.at(self.seconds), "took": f"{round(budget * 100)}ms"}
                    found = self.evidence.model_copy(update=took)
                    facts = self.facts.with_status(status)
                    facts = dataclasses.replace(facts, things=self._read(facts))
                    self._record(machine.evidence_frozen(facts, found))
            case Apply(mutation):
                self._apply(mutation)
            case Tell():
                self.told.append(effect)
                if not lost:
                    self._record(effect.then)

    def _record(self, status: AIIncidentStatus) -> None:
        raw = status.to_object()
        assert AIIncidentStatus.from_object(raw) == status, "what is written is what is read again"
        meta = self.incident.metadata
        version = {"resource_version": str(int(meta.resource_version) + 1)}
        self.incident = self.incident.model_copy(
            update={"status": AIIncidentStatus.from_object(raw), "metadata": meta.model_copy(update=version)}
        )
        self.records += 1

    def _apply(self, mutation: Write) -> None:
        if isinstance(mutation, Creation):
            self._create(mutation)
            return
        target = mutation.target
        if target.kind == "Pod":
            self._apply_to_pod(mutation)
            return
        if target.kind == "ModelDeployment":
            self._apply_to_model(mutation)
            return
        ref = Ref(target.kind, target.name)
        found = self.things.get(ref, self.workload)
        if found is None or (target.uid, target.resource_version) != (found.uid, found.resource_version):
            self.refused += 1
            return
        self.patches.append(mutation)
        if isinstance(found, Workload):
            self.write(patched(found, mutation.patch), "knowngood")
        else:
            self.write_thing(ref, mutation.patch)

    def _create(self, creation: Creation) -> None:
        ref = Ref(creation.kind, creation.name)
        if ref in self.things:
            self.refused += 1
            return
        meta = {**creation.body["metadata"], "uid": f"uid-{creation.name}", "resourceVersion": "1"}
        ended = {"status": {"conditions": [{"type": self.job_ends, "status": "True"}]}} if self.job_ends else {}
        self.things[ref] = read_thing({**creation.body, "metadata": meta, **ended})
        self.made.append(creation)

    def _apply_to_pod(self, mutation: Mutation) -> None:
        """Labels decide whose the pod is; the ReplicaSet makes up for one that it has lost, of the same template."""
        target = mutation.target
        found = next((p for p in (*self.pods, *self.cut_off) if p.name == target.name), None)
        if found is None or (target.uid, target.resource_version) != (found.uid, found.resource_version):
            self.refused += 1
            return
        assert self.workload is not None
        self.patches.append(mutation)
        meta = mutation.patch.get("metadata", {})
        labels = json_merged(found.labels, meta.get("labels", {}))
        noted = meta.get("annotations", {}).get("knowngood.dev/replaced-labels", found.replaced_labels)
        changed = dataclasses.replace(
            found,
            labels=labels,
            replaced_labels=noted or "",
            deadline=mutation.patch.get("spec", {}).get("activeDeadlineSeconds", found.deadline),
            resource_version=str(int(found.resource_version) + 1),
        )
        others = [p for p in (*self.pods, *self.cut_off) if p.name != target.name]
        every = sorted([changed, *others], key=lambda p: p.name)
        ours = [p for p in every if self.workload.selector.selects(p.labels)]
        self.cut_off = tuple(p for p in every if not self.workload.selector.selects(p.labels))
        made = [p for p in ours if p.name.startswith("made")]
        running = "bad" if self.image == b.image("bad") else "good"
        while len(ours) < self.workload.replicas:
            ours.append(b.pod(f"made-{len(self.cut_off)}-{len(ours)}", running))
        while len(ours) > self.workload.replicas and made:
            ours.remove(made.pop())
        self.pods = tuple(sorted(ours, key=lambda p: p.name))

    def _apply_to_model(self, mutation: Mutation) -> None:
        target, meta = mutation.target, self.model.metadata
        if (target.uid, target.resource_version) != (meta.uid, meta.resource_version):
            self.refused += 1
            return
        assert mutation.sub == "status", "the operator writes nothing else of a ModelDeployment"
        self.patches.append(mutation)
        self.write_model(mutation.patch)

    def write_model(self, patch: Mapping[str, Any]) -> None:
        """A write of the ModelDeployment by anyone."""
        raw = json_merged(self.model.to_object(), patch)
        raw["metadata"]["resourceVersion"] = str(int(self.model.metadata.resource_version or 0) + 1)
        self.model = ModelDeployment.from_object(raw)

    def write_thing(self, ref: Ref, patch: Mapping[str, Any]) -> None:
        """A write of another object by anyone, as a merge patch."""
        found = self.things[ref]
        raw = json_merged(found.raw, patch)
        raw["metadata"] = {**raw["metadata"], "resourceVersion": str(int(found.resource_version) + 1)}
        self.things[ref] = read_thing(raw)

    def write(self, changed: Workload, by: str = "kubectl-set") -> None:
        """A write of the workload's template by anyone, who then holds what it changed, and its roll-out."""
        assert self.workload is not None
        version = str(int(self.workload.resource_version) + 1)
        writers = held(self.workload, changed, by, format_time(b.at(self.seconds).timestamp()))
        new = {"resource_version": version, "generation": changed.generation + 1, "image_writers": writers}
        self.workload = dataclasses.replace(changed, **new)
        if self.rolls_out and not self.workload.paused:
            self.roll_out()

    def touch(self) -> None:
        """A write that changes nothing that matters here, such as an autoscaler's."""
        assert self.workload is not None
        version = str(int(self.workload.resource_version) + 1)
        self.workload = dataclasses.replace(self.workload, resource_version=version)

    def roll_out(self) -> None:
        """The controller replaces the pods by what the template declares."""
        assert self.workload is not None
        number = self.workload.replicas
        counts = {"updated": number, "status_replicas": number, "available": number}
        self.workload = dataclasses.replace(self.workload, observed_generation=self.workload.generation, **counts)
        name = next(n for n in NAMES if b.image(n) == self.image)
        self.pods = b.pods(name, number)

    def person_sets(self, name: str, by: str = "kubectl-set") -> None:
        """A person's `kubectl set image`, or what the field manager ``by`` does."""
        assert self.workload is not None
        self.write(with_images(self.workload, {b.CONTAINER: b.image(name)}), by)

    def later(self, seconds: float) -> None:
        """Only time passes."""
        self.seconds += timedelta(seconds=seconds).total_seconds()


def json_merged(old: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7386: maps merge, null removes, anything else takes the place of what was there."""
    made = dict(old)
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, Mapping):
            made[key] = json_merged(made[key] if isinstance(made.get(key), Mapping) else {}, value)
        else:
            made[key] = value
    return made


def held(before: Workload, after: Workload, by: str, time: str) -> tuple[ImageWriter, ...]:
    """Who holds which image after a write: as `managedFields`, who changes one takes it from everybody else."""
    old = {c.name: c.image for c in before.every}
    taken = [c.name for c in after.every if c.image != old.get(c.name)]
    left = [w for w in before.image_writers if w.container not in taken]
    moved = [dataclasses.replace(w, time=time) if taken and w.manager == by else w for w in left]
    return (*moved, *(ImageWriter(name, by, time) for name in taken))


def with_images(found: Workload, images: Mapping[str, str]) -> Workload:
    """The workload with other images in its template."""
    containers = tuple(dataclasses.replace(c, image=images.get(c.name, c.image)) for c in found.containers)
    return dataclasses.replace(found, containers=containers)


def patched(found: Workload, patch: Mapping[str, Any]) -> Workload:
    """A strategic merge patch as the API server applies it: lists of containers and variables merge by name."""
    metadata, spec = patch.get("metadata", {}), patch["spec"]
    template = spec.get("template", {"spec": {}})["spec"]
    containers = _merged(found.containers, template.get("containers", ()))
    first = _merged(found.init_containers, template.get("initContainers", ()))
    annotations = {**found.annotations, **metadata.get("annotations", {})}
    annotations = {key: value for key, value in annotations.items() if value is not None}
    replicas = spec.get("replicas", found.replicas)
    paused = bool(spec.get("paused", found.paused))
    changes = {"containers": containers, "init_containers": first, "annotations": annotations}
    return dataclasses.replace(found, replicas=replicas, paused=paused, **changes)


def _merged(found: tuple[Container, ...], patch: Sequence[Mapping[str, Any]]) -> tuple[Container, ...]:
    wanted = {c["name"]: c for c in patch}
    assert set(wanted) <= {c.name for c in found}, "a patch of a container that is not there would add one"
    return tuple(_container(c, wanted.get(c.name, {})) for c in found)


def _container(old: Container, patch: Mapping[str, Any]) -> Container:
    env: dict[str, str | None] = dict(old.env)
    for variable in patch.get("env", ()):
        if variable.get("$patch") == "delete":
            env.pop(variable["name"], None)
        else:
            env[variable["name"]] = variable["value"]
    return dataclasses.replace(old, image=patch.get("image", old.image), env=tuple(env.items()))

"""What decisions rest on, read from store and board at one moment: for the operator, and for a replay of history."""

from datetime import datetime

from knowngood.api.aiincident import AIIncident
from knowngood.api.durations import seconds
from knowngood.api.modeldeployment import ModelDeployment
from knowngood.core.detectors.registry import detector
from knowngood.core.facts.workload import Pod, Workload
from knowngood.core.incidents.modelstatus import ModelFacts, container_of
from knowngood.core.incidents.naming import incident_name
from knowngood.core.incidents.opening import SignalView, current
from knowngood.core.incidents.record import is_over
from knowngood.core.incidents.settled import unsettled
from knowngood.core.incidents.suspicion import suspicions, ties_told
from knowngood.core.response.facts import Facts, Standby, running_digests
from knowngood.shell.board import Board
from knowngood.shell.lessons import Lessons
from knowngood.shell.policies import Policies
from knowngood.shell.store import Key, Store


def key_of(model: ModelDeployment) -> Key:
    """Namespace and name."""
    return model.metadata.namespace, model.metadata.name


def workload_of(store: Store, model: ModelDeployment) -> Workload | None:
    """The workload that ``workloadRef`` names; None where there is none."""
    ref = model.spec.workload_ref
    return store.workload(ref.kind.value, (model.metadata.namespace, ref.name))


def standby_of(store: Store, model: ModelDeployment) -> Standby | None:
    """The workload that ``standby`` names, and its pods; None where none is declared."""
    if model.spec.standby is None:
        return None
    ref = model.spec.standby.workload_ref
    workload = store.workload(ref.kind.value, (model.metadata.namespace, ref.name))
    return Standby(workload, store.pods(workload))


def kept_of(store: Store, incident: AIIncident) -> dict[str, Pod]:
    """The pods that steps of the plan have in hand, by name, whatever their labels are now."""
    steps = incident.status.plan.steps if incident.status.plan else []
    names = {pod.name for s in steps if s.observed for pod in s.observed.pods}
    found = {name: store.pod((incident.metadata.namespace, name)) for name in names}
    return {name: pod for name, pod in found.items() if pod is not None}


def opening(store: Store, board: Board, model: ModelDeployment) -> list[SignalView]:
    """The breaches that open an incident of a model that has none open, the worst first."""
    if model.spec.suspend:
        return []
    workload = workload_of(store, model)
    running = running_digests(store.pods(workload), container_of(model, workload))
    views = board.of(key_of(model)).views.values()
    return unsettled(current(views, running), store.incidents_of(key_of(model)))


def numbered(model: ModelDeployment, name: str) -> int:
    """The episode that an incident's name stands for, where it is one of this model's; else 0."""
    stem = incident_name(model.metadata.name, model.metadata.uid, 0)[:-1]
    tail = name.removeprefix(stem)
    return int(tail) if name.startswith(stem) and tail.isdigit() else 0


def last_episode(store: Store, model: ModelDeployment) -> int:
    """The number of the last episode: as recorded, or as the incidents that exist tell."""
    numbers = [
        i.status.episode or numbered(model, i.metadata.name)
        for i in store.incidents_of(key_of(model))
        if i.status.model_uid in (None, model.metadata.uid)
    ]
    return max([model.status.episode or 0, *numbers])


def incident_facts(
    store: Store, board: Board, policies: Policies, model: ModelDeployment, incident: AIIncident, now: datetime
) -> Facts:
    """An incident of a model and the world around it, without what only a cluster's operator knows (holds, guards)."""
    key, namespace = key_of(model), incident.metadata.namespace
    workload = workload_of(store, model)
    named = incident.status.policy or (incident.spec.policy_ref.name if incident.spec.policy_ref else None)
    policy_ref = named or next((name for _, name in sorted(policies.policies_of(key))), "")
    mine = [incident, *others(store, incident)]
    return Facts(
        incident=incident,
        model=model,
        policy=store.policy((namespace, policy_ref)) if policy_ref else None,
        playbooks={p.metadata.name: p for p in store.playbooks(namespace)},
        workload=workload,
        pods=store.pods(workload),
        container=container_of(model, workload),
        signals=dict(board.of(key).views),
        implicated=frozenset(i.status.suspect.digest for i in mine if i.status.suspect and not is_over(i)),
        registries=(),
        episode=numbered(model, incident.metadata.name) or last_episode(store, model) + 1,
        now=now,
        neighbours=store.neighbours(model),
        standby=standby_of(store, model),
        kept=kept_of(store, incident),
    )


def others(store: Store, incident: AIIncident) -> list[AIIncident]:
    """The other incidents of the same model."""
    model = (incident.metadata.namespace, incident.spec.model_ref.name)
    return [i for i in store.incidents_of(model) if i.metadata.uid != incident.metadata.uid]


def model_facts(
    store: Store, board: Board, policies: Policies, lessons: Lessons, model: ModelDeployment, now: datetime
) -> ModelFacts:
    """What a model's status is made from, without what only the operator's settings tell of its pin."""
    key = key_of(model)
    workload, incident, found = workload_of(store, model), store.open_incident(key), board.of(key)
    signals, incidents = policies.signals_of(key), store.incidents_of(key)
    learning = [s for s in signals if detector(s.detector.chosen()[0]).learns]
    return ModelFacts(
        model=model,
        workload=workload,
        pods=store.pods(workload),
        container=container_of(model, workload),
        policies=len(list(policies.policies_of(key))),
        expected=tuple((s.policy, s.name) for s in signals),
        views=dict(found.views),
        ties=dict(found.ties),
        ties_told=ties_told(incidents, {(s.policy, s.name) for s in signals if s.by_release}),
        healthy_for=dict(found.healthy_for),
        soak=seconds(model.spec.promotion.soak),
        incident=incident.metadata.name if incident else None,
        suspicions=suspicions(incidents),
        episode=last_episode(store, model),
        now=now,
        learns=bool(learning),
        learned=lessons.told(key, learning, found.views),
    )

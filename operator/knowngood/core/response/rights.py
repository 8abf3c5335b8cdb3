"""The rights that the operator's Role is made of: what watching and recording need, and what each action declares."""

from collections.abc import Iterable

from knowngood.api import AI_INCIDENTS, GROUP, INCIDENT_POLICIES, MODEL_DEPLOYMENTS, PLAYBOOKS, PLURALS
from knowngood.core.response.mutation import Verb
from knowngood.core.response.registry import ACTIONS

_READ = ("get", "list", "watch")
BASE = (
    *(Verb(GROUP, plural, _READ) for plural in (MODEL_DEPLOYMENTS, INCIDENT_POLICIES, PLAYBOOKS)),
    # measure: admission lets nobody else say that a signal opened an incident
    Verb(GROUP, AI_INCIDENTS, (*_READ, "create", "patch", "measure")),
    *(Verb(GROUP, f"{plural}/status", ("patch",)) for plural in PLURALS),
    Verb("", "pods", _READ),
    Verb("apps", "deployments", _READ),
    Verb("apps", "statefulsets", _READ),
    Verb("argoproj.io", "rollouts", _READ),
    Verb("events.k8s.io", "events", ("create",)),
    # what was learned and what detectors remember; admission bounds it to ConfigMaps made for that
    Verb("", "configmaps", ("get", "create", "patch")),
)
"""What the operator needs whatever its playbooks do."""


def rules(verbs: Iterable[Verb] | None = None) -> list[dict[str, list[str]]]:
    """RBAC rules, one a resource, resources of equal rights together; by default of all that is granted everywhere."""
    found = [*BASE, *(v for v in _declared() if not v.templates)] if verbs is None else list(verbs)
    of_resource: dict[tuple[str, str], list[str]] = {}
    for verb in found:
        have = of_resource.setdefault((verb.group, verb.resource), [])
        have += [word for word in verb.verbs if word not in have]
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, resource), words in of_resource.items():
        grouped.setdefault((group, tuple(words)), []).append(resource)
    return [{"apiGroups": [g], "resources": r, "verbs": list(w)} for (g, w), r in grouped.items()]


def template_rules() -> list[dict[str, list[str]]]:
    """The rules of the Role in a namespace whose Job templates are allowed; those on templates are bound to names."""
    return rules(v for v in _declared() if v.templates)


def _declared() -> Iterable[Verb]:
    return (verb for action in ACTIONS for verb in action.verbs)

"""Where callers are led while the suspects are cut off: to the standby, to proven pods beside them, or to nobody."""

from collections import Counter
from dataclasses import dataclass

from knowngood.api import GROUP
from knowngood.api.conditions import Reason
from knowngood.core.facts.things import Thing
from knowngood.core.incidents.quarantine import quarantined
from knowngood.core.response import services, standby
from knowngood.core.response.changing import Why
from knowngood.core.response.facts import Facts
from knowngood.core.response.ground import target_name

TEMPLATE_HASH = "pod-template-hash"  # of a Deployment's pods: those of one ReplicaSet share it
WITHHELD = f"{GROUP}/withheld"  # asked for by a Service that leads to nobody for now


@dataclass(frozen=True, slots=True)
class Lead:
    """By which selector a Service leads, to whom in words, and the standby's workload where it is that."""

    selector: dict[str, str]
    to: str
    workload: str | None = None


def lead(facts: Facts, service: Thing, outage: bool) -> Lead | Why:
    """The best that there is; with ``outage``, nobody is better than a suspect."""
    refused = standby.refusal(facts)
    if refused is None:
        name = standby.standby_name(facts.model)
        return Lead(standby.labels(facts), f"{name}", standby.leads_to(facts.model))
    selector = services.before(service) or services.selector_of(service)
    if (proven := _proven(facts)) is not None:
        return Lead({**selector, TEMPLATE_HASH: proven}, f"the proven pods of {target_name(facts.model)}")
    if outage:
        return Lead({**selector, WITHHELD: facts.incident.metadata.uid}, "nobody, as allowOutage permits")
    why = f"nobody else could answer: no ready pod of {target_name(facts.model)} runs a proven release, and as to a"
    return Reason.NOBODY_ELSE, f"{why} standby, {refused[1]}. Or write allowOutage: true on this step"


def _proven(facts: Facts) -> str | None:
    """What the pods of the ReplicaSet share that has the most ready pods on a release that is known to be good."""
    good = standby.known_good(facts.model, facts.container) - facts.implicated - quarantined(facts.model)
    found: Counter[str] = Counter()
    for pod in facts.pods:
        answering = pod.container(facts.container)
        if pod.live and pod.ready and answering and answering.running.digest in good:
            found[pod.labels.get(TEMPLATE_HASH, "")] += 1
    found.pop("", None)
    return max(sorted(found), key=lambda value: found[value]) if found else None

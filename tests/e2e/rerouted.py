"""One incident under standby-then-pin, as callers live through it who never ask the operator."""

from dataclasses import dataclass

from lab.model.releases import BAD
from tests.e2e.callers import Caller, first_after, last_of
from tests.e2e.cluster import Audit, eventually
from tests.e2e.shown import ShownPlace, moment


@dataclass(frozen=True)
class Rerouted:
    """Seconds from the verdict, which is when the incident opened."""

    moved: float  # until new connections were answered by somebody else for good
    back: float  # until the Service was led back: before that nobody but the standby is behind it
    patched: float  # until the API server accepted the pin
    kept: float  # until the suspect answered its last request on a connection that was kept open
    unanswered: int  # new connections that got no answer


def led(audit: Audit, place: ShownPlace, user: str) -> list[float]:
    """When ``user`` led the Service elsewhere, and back, in seconds since the epoch."""
    found = [w for w in audit.writes(user) if w["objectRef"]["resource"] == "services"]
    return [moment(w["stageTimestamp"]) for w in found if w["objectRef"]["namespace"] == place.namespace]


def rerouted(place: ShownPlace, audit: Audit, user: str) -> Rerouted:
    """Roll the bad release out, and wait until callers are back at the workload."""
    new, kept = (Caller(place.cluster, place.namespace, keep=keep) for keep in (False, True))
    for caller in (new, kept):
        caller.start()
    place.set_image(place.bad)
    eventually("both were answered by the bad release", 90, lambda: new.heard(BAD) and kept.heard(BAD))
    found = eventually("callers are back", 120, lambda: place.done("back"))
    verdict = moment(found["status"]["openedAt"])
    by_new, by_kept = new.stop(), kept.stop()
    _, back = led(audit, place, user)
    (pin,) = audit.pins(place.namespace, user)
    return Rerouted(
        moved=first_after(by_new, last_of(by_new, BAD)).at - verdict,
        back=back - verdict,
        patched=moment(pin["stageTimestamp"]) - verdict,
        kept=last_of(by_kept, BAD) - verdict,
        unanswered=sum(not a.release for a in by_new if a.at > verdict),
    )

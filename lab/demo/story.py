"""What happened, told from facts and readings as they come; pure, so that it can be tested.

Feed it in the order of time; it returns what is new and remembers what it has told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from lab.demo.facts import Facts, Incident
from lab.demo.observer import Reading, breached
from lab.demo.policy import Policy

RESTORED = 0.95
"""The accuracy that callers must get again for the story to end well."""

NEEDED = {"breach", "opened", "frozen", "patched", "contained", "bad-gone", "restored"}
"""What must have happened for the story to be over."""


@dataclass(frozen=True)
class Cast:
    """The two images of the story and the releases in them."""

    good_image: str
    good: str
    bad_image: str
    bad: str

    def running(self, facts: Facts) -> str:
        """The release that runs: the one asked for once a pod of it is ready, else the other."""
        names = {self.good_image: self.good, self.bad_image: self.bad}
        if facts.ready.get(facts.image):
            return names.get(facts.image, "")
        return next((names.get(image, "") for image, count in facts.ready.items() if count), "")


@dataclass(frozen=True)
class Event:
    """Something that happened, for the timeline."""

    at: datetime
    kind: str
    text: str


@dataclass
class Story:
    """The demo from the bad release on."""

    cast: Cast
    policy: Policy
    started: datetime
    moments: dict[str, datetime] = field(default_factory=dict)
    incident: Incident | None = None
    """The first incident, as last seen."""
    incidents: int = 0
    """How many incidents were seen; one breach makes one."""

    def see(self, facts: Facts) -> list[Event]:
        """What is new in the cluster."""
        events: list[Event] = []
        self._workload(facts, events)
        if facts.incidents:
            self.incidents = max(self.incidents, len(facts.incidents))
            self.incident = facts.incidents[0]
            self._incident(facts, self.incident, events)
        return sorted(events, key=lambda event: event.at)

    def read(self, reading: Reading) -> list[Event]:
        """What is new in Prometheus."""
        events: list[Event] = []
        if reading.running == self.cast.bad and breached(reading, self.policy):
            value = reading.accuracy(self.cast.bad, self.policy.min_samples)
            text = f"the observer sees {self.cast.bad} at {value:.2f}, below {self.policy.below:g}"
            self._once(events, "breach", reading.at, text)
        if self._is_restored(reading):
            value = reading.callers_accuracy(self.policy.min_samples)
            text = f"callers get {value:.2f} again, from {reading.running}"
            self._once(events, "restored", reading.at, text)
        return events

    @property
    def over(self) -> bool:
        """Whether everything has happened."""
        return self.moments.keys() >= NEEDED

    def _workload(self, facts: Facts, events: list[Event]) -> None:
        good, bad = self.cast.good_image, self.cast.bad_image
        if count := facts.ready.get(bad, 0):
            text = f"{count} pods of {self.cast.bad} are ready and answer; nothing has failed"
            self._once(events, "bad-answers", facts.at, text)
        if facts.image == bad:
            self._once(events, "bad-asked", facts.at, "")
        elif facts.image == good and "bad-asked" in self.moments:
            text = f"the Deployment asks for {self.cast.good} again: {short(good)}"
            self._once(events, "patched", facts.at, text)
        if "patched" in self.moments and facts.ready.get(good, 0) and not facts.ready.get(bad, 0):
            text = f"only {self.cast.good} takes new requests; the bad answers still count until the window has passed"
            self._once(events, "bad-gone", facts.at, text)

    def _incident(self, facts: Facts, incident: Incident, events: list[Event]) -> None:
        text = f"AIIncident {incident.name}: {incident.type}, {incident.severity}"
        signal = f", {incident.signal}" if incident.signal else ""
        if incident.opened_at:
            self._once(events, "opened", incident.opened_at, text + signal)
        if incident.frozen:
            took = f"took {incident.freeze_took}" if incident.freeze_took else "before anything was touched"
            missing = f"; missing: {', '.join(incident.missing)}" if incident.missing else ""
            self._once(events, "frozen", incident.frozen_at or facts.at, took + missing)
        if incident.contained:
            self._once(events, "contained", incident.contained_at or facts.at, f"phase {incident.phase}")

    def _is_restored(self, reading: Reading) -> bool:
        if "patched" not in self.moments or reading.running != self.cast.good:
            return False
        own = reading.accuracy(self.cast.good, self.policy.min_samples)
        callers = reading.callers_accuracy(self.policy.min_samples)
        return own is not None and own >= RESTORED and callers is not None and callers >= RESTORED

    def _once(self, events: list[Event], kind: str, at: datetime, text: str) -> None:
        if kind not in self.moments:
            self.moments[kind] = at
            if text:
                events.append(Event(at, kind, text))


def short(image: str) -> str:
    """An image reference with its digest cut to 12 digits."""
    name, _, digest = image.partition("@sha256:")
    return f"{name.rsplit('/', 1)[-1]}@{digest[:12]}" if digest else image

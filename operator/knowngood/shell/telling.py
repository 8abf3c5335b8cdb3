"""Tells of incidents by Events: beside the containment, which never waits for them, and again after a kill.

An Event's name is made of the incident and the reason, so that telling again doubles nothing while the Event lives.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from knowngood.api.aiincident import AIIncident
from knowngood.shell import cluster as c
from knowngood.shell import events

log = structlog.get_logger()
_TRIES = 60  # over some minutes
_AT_ONCE = 8
_PATIENCE = 10.0  # seconds for one try; a step of a plan may wait for one
_AGAIN = timedelta(minutes=10)  # well within the hour that the API server keeps an Event
_TOLD = {
    "Opened": "IncidentOpened",
    "Analysed": "IncidentAnalysed",
    "Reassessed": "IncidentReassessed",
    "NotContained": "NotContained",
    "NotWritten": "NotWritten",
    "Reverted": "ContainmentReverted",
    "Contested": "ContainmentContested",
    "ContainmentFailed": "ContainmentFailed",
    "ContainmentIneffective": "ContainmentIneffective",
    "Recovered": "IncidentRecovered",
    "Escalated": "Escalated",
    "Undone": "StepUndone",
    "Approved": "PlanApproved",
    "Rejected": "PlanRejected",
    "PlanChanged": "PlanChanged",
    "NobodyAnswered": "NobodyAnswered",
    "Closed": "IncidentClosed",
}


class Teller:
    """Writes Events; one that cannot be written is no reason to stop containing."""

    def __init__(self, api: c.Cluster, reporter: str) -> None:
        self._api, self._reporter = api, reporter
        self._told: dict[tuple[str, str, datetime], None] = {}  # uid, reason and moment, as long as they may be told
        self._telling: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(_AT_ONCE)

    def follow(self, incident: AIIncident, now: datetime) -> None:
        """Tell, in tasks of their own, what the record says and this process has not told.

        A write whose answer was lost, and a process that was killed, leave a record that nobody was told of.
        """
        self._forget(now)
        for entry in incident.status.timeline:
            reason, mark = _TOLD.get(entry.reason), (incident.metadata.uid, entry.reason, entry.time)
            if reason is not None and mark not in self._told and now - entry.time < _AGAIN:
                self._told[mark] = None
                log.warning(entry.message, **_about(incident, reason))
                self._start(incident, reason, entry.message, entry.time.timestamp())

    def _forget(self, now: datetime) -> None:
        """What is too old to be told again need not be known to have been told; the oldest come first."""
        while self._told and now - next(iter(self._told))[2] >= _AGAIN:
            self._told.pop(next(iter(self._told)))

    async def tell(self, incident: AIIncident, reason: str, message: str, now: float) -> None:
        """Tell, and wait a while until it is told; it is tried further beside whatever comes next."""
        log.warning(message, **_about(incident, reason))
        await asyncio.wait([self._start(incident, reason, message, now)], timeout=_PATIENCE)

    def _start(self, incident: AIIncident, reason: str, message: str, at: float) -> asyncio.Task[None]:
        task = asyncio.create_task(self._write(incident, reason, message, at))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
        return task

    async def _write(self, incident: AIIncident, reason: str, message: str, at: float) -> None:
        for attempt in range(_TRIES):
            try:
                async with self._room, asyncio.timeout(_PATIENCE):
                    await events.tell(self._api, incident, reason, message, at, self._reporter)
                return
            except (c.ApiError, TimeoutError) as error:
                said = str(error) or "no answer"
                if isinstance(error, c.ApiError) and not error.passing:
                    break
            await c.retry_delay(attempt)
        log.warning("event not written", error=said, **_about(incident, reason))


def _about(incident: AIIncident, reason: str) -> dict[str, str]:
    meta = incident.metadata
    return {
        "reason": reason,
        "namespace": meta.namespace,
        "incident": meta.name,
        "model": incident.spec.model_ref.name,
    }

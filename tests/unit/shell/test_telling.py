"""What the record says is told once by a process, tried again where that may help, and by the next process too."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any, cast

import pytest

from knowngood.api.aiincident import AIIncident
from knowngood.core.incidents.record import told
from knowngood.shell.cluster import ApiError, Cluster
from knowngood.shell.telling import Teller
from tests import builders as b


class Api:
    """Takes Events in, once each name, after as many failures as it is told to make."""

    def __init__(self, failures: int = 0, status: int = 500) -> None:
        self.failures, self.status = failures, status
        self.made: Counter[str] = Counter()
        self.tries = 0
        self.types: dict[str, str] = {}  # by reason

    async def create(self, _resource: Any, _namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        self.tries += 1
        if self.tries <= self.failures:
            raise ApiError(self.status, "", "no")
        if self.made[body["metadata"]["name"]]:
            raise ApiError(409, "AlreadyExists", "there")
        self.made[body["metadata"]["name"]] += 1
        self.types[body["reason"]] = body["type"]
        return body


def recorded(*reasons: str) -> AIIncident:
    incident = b.incident()
    status = incident.status
    for second, reason in enumerate(reasons):
        status = told(status, b.at(second), reason, f"{reason} it is")
    return incident.model_copy(update={"status": status})


async def followed(api: Api, incident: AIIncident, times: int = 1, after: timedelta = timedelta(0)) -> None:
    teller = Teller(cast(Cluster, api), "tests")
    for _ in range(times):
        teller.follow(incident, b.at(5) + after)
    await asyncio.gather(*teller._telling)


async def test_what_is_over_is_no_warning() -> None:
    api = Api()
    await followed(api, recorded("Opened", "ContainmentFailed", "Recovered", "Closed"))
    warnings = {reason for reason, type in api.types.items() if type == "Warning"}
    assert warnings == {"IncidentOpened", "ContainmentFailed"}


async def test_each_entry_is_told_once_by_a_process() -> None:
    api = Api()
    await followed(api, recorded("Opened", "Escalated", "EvidenceFrozen"), times=3)
    assert api.tries == len(api.made) == 2


async def test_the_next_process_tells_what_the_last_may_not_have_told() -> None:
    api = Api()
    for _ in range(2):
        await followed(api, recorded("Opened"))
    assert api.tries == 2
    assert list(api.made.values()) == [1]


async def test_what_is_long_past_is_not_told_again() -> None:
    api = Api()
    await followed(api, recorded("Opened"), after=timedelta(minutes=11))
    assert api.tries == 0


async def test_what_was_told_is_remembered_for_as_long_as_it_could_be_told_again() -> None:
    """A term lasts for months, and incidents end."""
    api = Api()
    teller = Teller(cast(Cluster, api), "tests")
    for minute in range(500):
        incident = b.incident()
        meta = incident.metadata.model_copy(update={"name": f"digits-{minute}", "uid": f"uid-{minute}"})
        status = told(incident.status, b.at(60 * minute), "Opened", "opened")
        for later in (0, 9, 30):
            teller.follow(incident.model_copy(update={"status": status, "metadata": meta}), b.at(60 * (minute + later)))
        assert len(teller._told) <= 10
    await asyncio.gather(*teller._telling)
    assert api.tries == len(api.made) == 500


@pytest.mark.parametrize(("status", "tries"), [(0, 10), (429, 10), (500, 10), (422, 1), (403, 1)])
async def test_only_what_may_pass_is_tried_again(status: int, tries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_delay(_: int) -> None:
        """At once."""

    monkeypatch.setattr("knowngood.shell.telling.c.retry_delay", no_delay)
    api = Api(failures=9, status=status)
    await followed(api, recorded("Opened"))
    assert api.tries == tries
    assert len(api.made) == (1 if tries == 10 else 0)


async def test_a_step_waits_for_no_more_than_its_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knowngood.shell.telling._PATIENCE", 0.01)
    teller = Teller(cast(Cluster, Api(failures=99)), "tests")
    await teller.tell(recorded(), "IncidentContained", "contained", 0.0)
    (left,) = teller._telling
    assert not left.done(), "it is tried further"
    left.cancel()


async def test_each_end_of_a_containment_is_an_event() -> None:
    api = Api()
    await followed(api, recorded("Reverted", "Contested", "ContainmentFailed"))
    assert len(api.made) == 3

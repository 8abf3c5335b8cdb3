"""The gauge of containments that wait for a limit follows the incidents, and tells of this term alone."""

from typing import Any

import pytest
from prometheus_client import REGISTRY

from knowngood.api.conditions import Reason
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.plan import Plan, PlanStep, StepState
from knowngood.shell.store import Store
from knowngood.shell.waiting import Waiting
from tests import builders as b

pytestmark = pytest.mark.unit


def raw(number: int, version: int, reason: Reason | str = Reason.LIMIT_REACHED, **status: Any) -> dict[str, Any]:
    """An incident whose pin waits, or does not."""
    found = b.incident()
    state = StepState.PENDING if reason else StepState.INTENDED
    pin = PlanStep(name="pin", action="PinKnownGood", state=state, reason=str(reason))
    made = found.status.model_copy(update={"plan": Plan(steps=[pin]), "phase": IncidentPhase.OPEN, **status})
    meta = {"name": f"digits-{number}", "uid": f"uid-{number}", "resource_version": str(version)}
    changes = {"status": made, "metadata": found.metadata.model_copy(update=meta)}
    return found.model_copy(update=changes).to_object()


def shown() -> float | None:
    return REGISTRY.get_sample_value("knowngood_containments_waiting")


def test_it_counts_what_waits_while_it_waits() -> None:
    store = Store()
    store.apply(raw(0, 1))
    waiting = Waiting(store)
    assert shown() == 1
    for number in (1, 2, 3):
        store.apply(raw(number, 1))
    assert shown() == 4
    store.apply(raw(1, 2, ""))
    assert shown() == 3, "it was let in"
    store.apply(raw(2, 2, phase=IncidentPhase.CLOSED))
    assert shown() == 2, "it is over"
    store.remove(raw(3, 2))
    assert shown() == 1
    store.apply(raw(4, 1, Reason.SUSPENDED))
    assert shown() == 1, "it waits for a person"
    store.apply(raw(5, 1, Reason.COOLING_DOWN))
    assert shown() == 2
    waiting.close()
    assert shown() == 0
    store.apply(raw(6, 1))
    assert shown() == 0

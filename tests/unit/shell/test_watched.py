"""The gauge of watched models follows their condition, and tells of this term alone."""

from typing import Any

import pytest
from prometheus_client import REGISTRY

from knowngood.shell.store import Store
from knowngood.shell.watched import Watched
from tests import builders as b
from tests.loop import raw_model

pytestmark = pytest.mark.unit


def model(name: str, version: int, available: str = "") -> dict[str, Any]:
    condition = {
        "type": "SignalsAvailable",
        "status": available,
        "reason": "Available",
        "message": "",
        "lastTransitionTime": b.START.isoformat(),
    }
    return raw_model(name, version, status={"conditions": [condition]} if available else {})


def shown(name: str) -> float | None:
    labels = {"namespace": b.NAMESPACE, "model": name}
    return REGISTRY.get_sample_value("knowngood_model_watched", labels)


def test_a_model_is_shown_as_watched_while_its_signals_have_data() -> None:
    store = Store()
    store.apply(model("before", 1, "True"))
    store.apply({**model("odd", 1), "spec": {"workloadRef": "nonsense"}})
    watched = Watched(store)
    assert shown("before") == 1
    assert shown("odd") == 0, "what cannot be read when the term begins is not watched"
    store.apply(model("new", 1))
    assert shown("new") == 0, "nobody has judged it yet"
    store.apply(model("new", 2, "True"))
    assert shown("new") == 1
    store.apply(model("new", 3, "False"))
    assert shown("new") == 0
    store.apply({**model("new", 4), "spec": {"workloadRef": "nonsense"}})
    assert shown("new") == 0, "what cannot be read is not watched"
    store.remove(model("new", 5))
    assert shown("new") is None
    watched.close()
    store.apply(model("late", 1, "True"))
    assert (shown("before"), shown("late")) == (None, None)

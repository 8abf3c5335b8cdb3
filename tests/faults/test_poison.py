"""R4: an object whose writes are refused for ever delays no other, in one life of the operator or over two."""

import pytest

from tests.faults import poison
from tests.faults.cluster import Surroundings

INCIDENT = poison.Kind("aiincidents", f"{poison.POISONED}-", None)
MODEL = poison.Kind("modeldeployments", poison.POISONED, "status")


@pytest.mark.parametrize(("kind", "status", "takeover"), [(INCIDENT, 409, True), (MODEL, 422, False)])
def test_others_are_contained_as_soon(around: Surroundings, kind: poison.Kind, status: int, takeover: bool) -> None:
    ((found, without),) = poison.run_all(around, [poison.Case(kind, status, takeover)])
    assert found.tries > 0
    assert poison.complaints(found, without) == []

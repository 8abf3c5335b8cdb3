"""R4: an object whose writes are refused for ever delays no other, in one life of the operator or over two."""

from tests.faults import poison
from tests.faults.cluster import Surroundings

INCIDENT = poison.Kind("aiincidents", f"{poison.POISONED}-", None)
MODEL = poison.Kind("modeldeployments", poison.POISONED, "status")


def test_others_are_contained_as_soon(around: Surroundings) -> None:
    """In two lives of the operator: the second finds the poison in its way when it takes over."""
    cases = [poison.Case(INCIDENT, 409, takeover=True), poison.Case(MODEL, 422, takeover=True)]
    done = poison.run_all(around, cases)
    assert all(found.tries for found, _ in done)
    assert [f"{f.case}: {said}" for f, without in done for said in poison.complaints(f, without)] == []

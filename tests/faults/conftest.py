"""One API server for all tests here, and undisturbed runs to hold the others against."""

from collections.abc import Iterator

import pytest

from tests.faults import matrix
from tests.faults.cluster import Surroundings, surroundings
from tests.faults.scenes import PROMOTED
from tests.faults.shipped import PLAYBOOKS


@pytest.fixture(scope="session")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    with surroundings(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture(scope="session")
def recording(around: Surroundings) -> matrix.Recording:
    return matrix.record(around, PROMOTED)


@pytest.fixture(scope="session")
def shipped(around: Surroundings, recording: matrix.Recording) -> dict[str, matrix.Recording]:
    """Of each shipped playbook, without the minute that a drift takes to be over."""
    others = [s for s in PLAYBOOKS if s is not PROMOTED and not s.heals]
    return {PROMOTED.name: recording, **matrix.record_all(around, others, runs=1)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/faults/" in str(item.path):
            item.add_marker(pytest.mark.integration)

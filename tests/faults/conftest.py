"""One API server for all tests here, and undisturbed runs to hold the others against."""

from collections.abc import Iterator

import pytest

from tests.faults import matrix
from tests.faults.cluster import Surroundings, surroundings
from tests.faults.scenes import PROMOTED


@pytest.fixture(scope="session")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    with surroundings(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture(scope="session")
def recording(around: Surroundings) -> matrix.Recording:
    return matrix.record(around, PROMOTED)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/faults/" in str(item.path):
            item.add_marker(pytest.mark.integration)

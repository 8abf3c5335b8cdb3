"""How property tests run: with no deadline, since machines are shared; the same examples each time where CI decides."""

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True)
def _logs_go_nowhere_that_is_closed() -> Iterator[None]:
    """A command under test sends the log to its own terminal, which is gone afterwards."""
    yield
    structlog.reset_defaults()

"""Parts of a season: by the middle of the window, in UTC, and as many as there are."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.api.incidentpolicy import Season
from knowngood.core.signals.season import PARTS, part

pytestmark = pytest.mark.unit
HOUR, WEEK = 3600.0, 7 * 86_400.0
MONDAY = datetime(2026, 11, 23, 13, tzinfo=UTC).timestamp()


def test_a_window_is_of_the_part_that_its_middle_is_in() -> None:
    assert part(Season.HOUR_OF_DAY, MONDAY, 600) == "12"
    assert part(Season.HOUR_OF_DAY, MONDAY + 300, 600) == "13"
    assert part(Season.DAY_OF_WEEK, MONDAY, 600) == "Mon"
    assert part(Season.HOUR_OF_WEEK, MONDAY + 6 * 86_400 + HOUR, 600) == "Sun 13"


@given(st.floats(0, 4e9), st.floats(1, HOUR), st.sampled_from(Season))
def test_it_comes_again_after_the_season_and_agrees_with_the_calendar(
    end: float, length: float, season: Season
) -> None:
    found = part(season, end, length)
    assert part(season, end + WEEK, length) == found
    middle = datetime.fromtimestamp(int((end - length / 2) // HOUR) * HOUR, UTC)
    assert found in {f"{middle:%H}", f"{middle:%a}", f"{middle:%a %H}"}


@pytest.mark.parametrize("season", Season)
def test_there_are_as_many_parts_as_are_said(season: Season) -> None:
    assert len({part(season, hour * HOUR + 60, 60) for hour in range(168)}) == PARTS[season]

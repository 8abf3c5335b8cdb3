"""What a write took away is read again as it was, whatever it held, and as the API server's policies read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowngood.core.response import noted

pytestmark = pytest.mark.unit
KEYS = st.text("abcXYZ019-._/", min_size=1)
NOTED = st.dictionaries(KEYS, st.none() | st.text(), max_size=5)


@given(NOTED)
def test_it_is_read_as_it_was(found: dict[str, str | None]) -> None:
    text = noted.text(found)
    assert noted.read(text) == found
    assert len(text.split(",")) == max(1, len(found)), "one entry a value, whatever is in it"


@given(NOTED, NOTED)
def test_what_was_noted_first_stays(first: dict[str, str | None], later: dict[str, str | None]) -> None:
    assert noted.read(noted.added(noted.text(first), later)) == {**later, **first}


@given(NOTED, KEYS)
def test_what_is_taken_back_goes_and_the_last_takes_the_annotation_with_it(
    found: dict[str, str | None], key: str
) -> None:
    left = noted.without(noted.text({**found, key: "x"}), key)
    rest = {k: v for k, v in found.items() if k != key}
    assert (noted.read(left) if left is not None else {}) == rest
    assert (left is None) is (not rest)


@pytest.mark.parametrize(
    ("value", "text"),
    [("a,b", "k=a%2Cb"), ("50%", "k=50%25"), ("%2C", "k=%252C"), ("", "k="), (None, "k"), ("=", "k==")],
)
def test_the_form_that_admission_knows(value: str | None, text: str) -> None:
    assert noted.text({"k": value}) == text

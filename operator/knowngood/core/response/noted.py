"""What a write took away, as an annotation that admission can read: ``id=value`` or ``id`` (there was none), by commas.

An id holds neither ``,`` nor ``=``. The API server's policies know the same form; a policy checks each entry against
the object when it is written down, and lets it be put back later, so that an undo is no way to put anything else.
"""

from collections.abc import Mapping

Noted = Mapping[str, str | None]
LONGEST = 1024  # characters of a value that is written down, so that it can be put back


def text(noted: Noted) -> str:
    """The annotation's value, in the order given."""
    return ",".join(f"{key}={_escaped(value)}" if value is not None else key for key, value in noted.items())


def _escaped(value: str) -> str:
    return value.replace("%", "%25").replace(",", "%2C")


def read(text: str) -> dict[str, str | None]:
    """What is noted in the annotation; an empty one notes nothing."""
    found: dict[str, str | None] = {}
    for entry in text.split(",") if text else ():
        key, equals, value = entry.partition("=")
        found[key] = value.replace("%2C", ",").replace("%25", "%") if equals else None
    return found


def added(annotation: str, noted: Noted) -> str:
    """The annotation with what is not noted in it yet; what was noted first stays."""
    return text({**noted, **read(annotation)})


def without(annotation: str, *keys: str) -> str | None:
    """The annotation without these entries; None where nothing is left, so that it goes."""
    left = {key: value for key, value in read(annotation).items() if key not in keys}
    return text(left) if left else None

"""What the matrix calls wrong: each rule, broken in a copy of a sound outcome, is named."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults import matrix, poison, takeover
from tests.faults.proxy import Faults
from tests.faults.run import Case, End, Outcome
from tests.faults.scenes import PROMOTED
from tests.faults.shipped import GUARDED

END = End(
    incidents=("digits-*-1",),
    phase="Contained",
    conditions=(("Contained", "True", "Done"),),
    steps=(("pin", "Done"),),
    timeline=("Opened", "Contained"),
    signals=(),
    suspect="",
    workload=(),
    model=(),
    releases=(),
    ready=(),
)
RECORDING = matrix.Recording(PROMOTED, END, ("PATCH deployments [image]",), {"IncidentOpened": 1})
SOUND = Outcome(
    Case(PROMOTED, "PATCH deployments [image]", Faults.KILL_AFTER),
    reached=True,
    end=END,
    events={"IncidentOpened": 1},
    effects=("image",),
)
BROKEN: dict[str, Callable[[Outcome], Outcome]] = {
    "image 1 times more": lambda o: replace(o, effects=("image", "image")),
    "accepted nothing, not image": lambda o: replace(o, effects=()),
    "2 incidents": lambda o: replace(o, end=replace(END, incidents=("digits-*-1", "digits-*-2"))),
    "2 entries Opened": lambda o: replace(o, end=replace(END, timeline=("Opened", "Opened", "Contained"))),
    "2 Events IncidentOpened": lambda o: replace(o, events={"IncidentOpened": 2}),
    "Events lost": lambda o: replace(o, events={}),
    "phase": lambda o: replace(o, end=replace(END, phase="Open")),
    "no end": lambda o: replace(o, end=None),
    "not within": lambda o: replace(o, late="an end: not within 90 s"),
}


def test_a_sound_run_has_no_complaint() -> None:
    assert matrix.complaints(SOUND, RECORDING) == []


@pytest.mark.parametrize("said", list(BROKEN))
def test_what_is_broken_is_named(said: str) -> None:
    assert any(said in found for found in matrix.complaints(BROKEN[said](SOUND), RECORDING))


def test_a_refused_patch_has_to_be_loud() -> None:
    quiet = replace(SOUND, case=replace(SOUND.case, fault=Faults.INVALID), effects=())
    assert matrix.complaints(quiet, RECORDING)


def test_a_next_rung_tells_again_and_nobody_tells_twice() -> None:
    refused = Case(GUARDED, "PATCH configmaps [flag]", Faults.INVALID)
    steps = (("guard", "Failed"), ("tell", "Done"), ("slow", "Done"), ("tell-again", "Done"))
    told = ("Opened", "ContainmentFailed", "Contained", "Notified", "Notified")
    sound = Outcome(refused, True, replace(END, steps=steps, timeline=told), SOUND.events, ("flag",))
    recording = replace(RECORDING, scene=GUARDED)
    assert matrix.complaints(sound, recording) == []
    thrice = replace(sound, end=replace(END, steps=steps, timeline=(*told, "Notified")))
    assert matrix.complaints(thrice, recording) == ["3 entries Notified"]


def test_a_write_of_a_former_leader_is_named() -> None:
    case = takeover.Stopped(PROMOTED, "PATCH deployments [image]", Faults.STOP_BEFORE)
    sound = takeover.Takeover(case, reached=True, acted_after=7.0, outcome=SOUND)
    assert takeover.complaints(sound, RECORDING) == []
    assert takeover.complaints(replace(sound, accepted=["PATCH deployments [image]"]), RECORDING)
    assert takeover.complaints(replace(sound, acted_after=case.limit + 1), RECORDING)


def test_a_delay_of_others_is_named() -> None:
    times = dict.fromkeys(poison.OTHERS, 3.0)
    without = poison.Outcome(poison.Case(), times)
    assert poison.complaints(poison.Outcome(poison.Case(), times), without) == []
    assert poison.complaints(poison.Outcome(poison.Case(), {**times, "m3": 3.1 + poison.SLACK}), without)
    assert poison.complaints(poison.Outcome(poison.Case(), {}), without)
    assert poison.complaints(poison.Outcome(poison.Case(), times, tries=poison.MOST_TRIES + 1), without)

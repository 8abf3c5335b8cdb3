"""R1: every write of a run, spoiled in every way; what the end has to be, and what was found to be otherwise."""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

from tests.faults.cluster import Surroundings
from tests.faults.proxy import ANSWERS, HANGING, KILLS, Faults
from tests.faults.run import Case, End, Outcome, Recording, play
from tests.faults.scenes import SCENES, Scene, tellers
from tests.faults.writes import effect_of

AT_ONCE = 10  # worlds; each of them mostly waits
PAIRS = 12
TRIES = 3  # of a write that a run may do without
LEASES = ("POST leases", "PUT leases")
FAILED = ("ContainmentFailed", "StepFailed")
_SETTLED = frozenset({"Done", "Failed", "Skipped", "Undone"})


def record(around: Surroundings, scene: Scene, runs: int = 2) -> Recording:
    """Run a scene undisturbed; AssertionError where two runs end differently."""
    return record_all(around, [scene], runs)[scene.name]


def record_all(around: Surroundings, scenes: Sequence[Scene], runs: int = 2) -> dict[str, Recording]:
    """The same of several scenes at once, by name."""
    outcomes = _all(around, [Case(scene) for scene in scenes for _ in range(runs)], {})
    return {s.name: _recorded(s, [o for o in outcomes if o.case.scene.name == s.name]) for s in scenes}


def _recorded(scene: Scene, outcomes: Sequence[Outcome]) -> Recording:
    first = outcomes[0]
    for outcome in outcomes:
        assert not outcome.late, f"{scene.name}: {outcome.late}\n{outcome.log}"
        assert not differences(first.end, outcome.end), differences(first.end, outcome.end)
        assert not unexpected(outcome), f"{scene.name}: {unexpected(outcome)}"
    assert first.end is not None
    places = tuple(dict.fromkeys(p for o in outcomes for p in o.places))
    return Recording(scene, first.end, (*places, *LEASES), first.events)


def unexpected(outcome: Outcome) -> list[str]:
    """Where an undisturbed run ends otherwise than a person expects of the scene."""
    scene, end = outcome.case.scene, outcome.end
    if end is None:
        return ["no end"]
    workload, conditions = dict(end.workload), {f"{type}={status}" for type, status, _ in end.conditions}
    pairs = {
        "phase": (scene.phase, end.phase),
        "conditions": (set(scene.holds), conditions & set(scene.holds)),
        "image": (scene.runs, workload["image"]),
        "replicas": (scene.replicas, workload["replicas"]),
        "effects": (scene.effects, outcome.effects),
        **{name: (wanted, dict(end.things).get(name)) for name, wanted in scene.stands.items()},
    }
    return [f"{name}: {found} instead of {wanted}" for name, (wanted, found) in pairs.items() if found != wanted]


def cases(recording: Recording, faults: Iterable[Faults]) -> list[Case]:
    """Each write with each fault."""
    return [Case(recording.scene, place, fault) for fault in faults for place in recording.places]


def twice(recording: Recording, count: int, seed: int) -> list[Case]:
    """Kills of two lives in a row: the second at a write of the life that found what the first left."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        place = chance.choice([p for p in recording.places if p not in LEASES])
        second = chance.choice(["PATCH aiincidents [fence]", "PATCH deployments [fence]", *recording.places])
        made.append(Case(recording.scene, place, chance.choice(KILLS), second))
    return made


def sample(recordings: Sequence[Recording], faults: Iterable[Faults], each: int, seed: int) -> list[Case]:
    """A few writes for each fault, by chance."""
    chance = random.Random(seed)
    made: list[Case] = []
    for fault in faults:
        made += chance.sample([c for r in recordings for c in cases(r, [fault])], each)
    return made


def whole(recordings: Sequence[Recording]) -> list[Case]:
    """Kills at every write of every scene, and every answer at every write that no scene before has.

    Hanging, which takes long, is for the first scene alone; pairs of kills are by chance. A scene that goes on from
    another is killed at what it adds.
    """
    first, made = recordings[0], []
    known: set[str] = set()
    places = {r.scene.name: set(r.places) for r in recordings}
    for recording in recordings:
        before = places.get(recording.scene.goes_on or "", set())
        made += [c for c in cases(recording, KILLS) if c.place not in before] + twice(recording, PAIRS, seed=1)
        made += [c for c in cases(recording, ANSWERS) if c.place not in known]
        known |= set(recording.places)
    return made + cases(first, HANGING)


def run(
    around: Surroundings,
    found: Sequence[Case],
    recordings: Mapping[str, Recording],
    say: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Run cases, several at once; one whose write did not come is tried again. ``say`` is told how each ended."""
    outcomes = _all(around, found, recordings, say)
    for _ in range(TRIES - 1):
        missed = [n for n, o in enumerate(outcomes) if not o.reached]
        for n, outcome in zip(missed, _all(around, [found[n] for n in missed], recordings, say), strict=True):
            outcomes[n] = outcome
    return outcomes


def _all(
    around: Surroundings,
    found: Sequence[Case],
    recordings: Mapping[str, Recording],
    say: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for outcome in pool.map(lambda case: play(around, case, recordings.get(case.scene.name)), found):
            outcomes.append(outcome)
            recording = recordings.get(outcome.case.scene.name)
            wrong = complaints(outcome, recording) if recording else []
            reached = "" if outcome.reached else " not reached"
            say(f"{len(outcomes)}/{len(found)} {outcome.case}:{reached} {'; '.join(wrong) or 'ok'}")
    return outcomes


def complaints(outcome: Outcome, recording: Recording) -> list[str]:
    """What a case lost, doubled or left otherwise than an undisturbed run."""
    found = [*_doubled(outcome, recording)]
    if outcome.end is None:
        return [*found, "no end"]
    if _refused_for_good(outcome.case):
        return found + _loud(outcome.end)
    if outcome.late:
        found.append(outcome.late)
    found += differences(recording.end, outcome.end)
    if outcome.effects != recording.scene.effects:
        found.append(f"accepted {_listed(outcome.effects)}, not {_listed(recording.scene.effects)}")
    lost = sorted(recording.events.keys() - outcome.events.keys())
    if lost and not _denied_an_event(outcome.case):
        found.append(f"Events lost: {', '.join(lost)}")
    return found


def _doubled(outcome: Outcome, recording: Recording) -> list[str]:
    refused = _refused_for_good(outcome.case)  # a step's own undoing, too, which then has failed twice
    failures = Counter(dict.fromkeys(FAILED, _failures(outcome.end) + refused))
    due = Counter(recording.events) | failures
    found = [f"{n} Events {reason}" for reason, n in outcome.events.items() if n > max(1, due[reason])]
    more = Counter(outcome.effects) - Counter(recording.scene.effects)
    found += [f"{effect} {n} times more than once" for effect, n in more.items()]
    if outcome.end is not None:
        told = Counter(outcome.end.timeline)
        due = Counter(recording.end.timeline) | failures | Counter(Notified=_tells(outcome.end, recording.scene))
        found += [f"{n} entries {reason}" for reason, n in told.items() if n > max(1, due[reason])]
        if len(outcome.end.incidents) > 1:
            found.append(f"{len(outcome.end.incidents)} incidents")
    return found


def _failures(end: End | None) -> int:
    """How many steps failed, each of which is told of: what an escalation tries next may be refused as well."""
    return sum(state in {"Failed", "Undone"} for _, state in end.steps) if end is not None else 0


def _tells(end: End, scene: Scene) -> int:
    """How many steps told people: a refused step may bring a rung that tells again."""
    return sum(state == "Done" for name, state in end.steps if name in tellers(scene))


def _listed(effects: Sequence[str]) -> str:
    return ", ".join(effects) or "nothing"


def _refused_for_good(case: Case) -> bool:
    """A 422 says that the API server will never take this patch: the step fails, and says so."""
    return case.fault is Faults.INVALID and bool(effect_of(str(case.place)))


def _denied_an_event(case: Case) -> bool:
    """A server that says the Event is there already, while it is not, is believed; one that refuses it, too."""
    about = str(case.place).startswith("POST events")
    return about and case.fault in {Faults.CONFLICT, Faults.INVALID}


def _loud(end: End) -> list[str]:
    found = [] if set(FAILED) & set(end.timeline) else ["a refused patch was not said to have failed"]
    if any(state not in _SETTLED for _, state in end.steps):
        found.append(f"steps left open: {end.steps}")
    return found


def differences(wanted: End | None, found: End | None) -> list[str]:
    """Where two ends differ."""
    if wanted is None or found is None:
        return ["no end"]
    pairs = [(f.name, getattr(wanted, f.name), getattr(found, f.name)) for f in fields(End)]
    return [f"{name}: {b} instead of {a}" for name, a, b in pairs if a != b]


def loudly(text: str) -> None:
    """Progress of a long run."""
    print(text, file=sys.stderr, flush=True)


__all__ = ["SCENES", "Recording", "cases", "complaints", "record", "run", "sample", "twice", "whole"]

"""Which release to go back to, and why not: an ordered chain of checks over one candidate.

The order matters: what can be mended by the person who wrote the pin is said before what only time can mend.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from knowngood.api.conditions import Reason
from knowngood.api.modeldeployment import ModelDeployment, PromotionMode
from knowngood.api.modelstatus import KnownGoodSource, Release
from knowngood.core.facts.images import DIGEST, in_registry, parse_image
from knowngood.core.facts.workload import Workload
from knowngood.core.incidents.quarantine import quarantined

Environment = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pin:
    """A container's image by digest, with the environment that belongs to it."""

    container: str
    image: str
    env: Environment = ()
    remove_env: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A release that might be gone back to."""

    pins: tuple[Pin, ...]
    source: KnownGoodSource
    digest: str  # of the answering container


class Refusal(NamedTuple):
    """Why a candidate, or every one, cannot be used; or why a step cannot begin."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What a candidate is held against."""

    workload: Workload
    container: str
    running: frozenset[str]
    implicated: frozenset[str]
    registries: tuple[str, ...]
    suspect: str = ""  # digest that the incident is about
    quarantined: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidate chosen, or the refusals of all."""

    candidate: Candidate | None
    refusals: tuple[Refusal, ...] = field(default=())


def candidates(model: ModelDeployment, container: str) -> list[Candidate]:
    """The releases that may be gone back to, best first: a person's pin alone, else the proven ones, newest first."""
    pinned = model.spec.known_good
    if pinned is not None:
        pins = tuple(
            Pin(c.name, c.image, tuple((e.name, e.value) for e in c.env), tuple(c.remove_env))
            for c in pinned.containers
        )
        digest = next((parse_image(p.image).digest for p in pins if p.container == container), "")
        return [Candidate(pins, KnownGoodSource.SPEC, digest)]
    if model.spec.promotion.mode is PromotionMode.MANUAL:
        return []
    proven = [r for r in model.status.releases if r.proven_at is not None]
    proven.sort(key=lambda r: r.proven_at or 0, reverse=True)
    return [_promoted(release) for release in proven]


def _promoted(release: Release) -> Candidate:
    pins = tuple(Pin(c.name, c.image) for c in release.containers)
    return Candidate(pins, KnownGoodSource.PROMOTED, release.digest)


def choose(found: Sequence[Candidate], situation: Situation) -> Choice:
    """The first candidate that passes every check; with none, why each did not.

    Where the best of them is what fails, older ones are named and not tried: it failed after it was proven, so that
    what changed is more likely around it than in it.
    """
    refusals: list[Refusal] = []
    for candidate in found:
        refusal = _first_refusal(candidate, situation)
        if refusal is None:
            return Choice(candidate, tuple(refusals))
        refusals.append(refusal)
        if refusal.reason is Reason.ALREADY_RUNNING:
            break
    if not found:
        refusals.append(
            Refusal(
                Reason.NOTHING_PROVEN,
                "there is no release that has stayed healthy for promotion.soak; name one in spec.knownGood",
            )
        )
    return Choice(None, tuple(refusals))


def _first_refusal(candidate: Candidate, situation: Situation) -> Refusal | None:
    for check in CHECKS:
        refusal = check(candidate, situation)
        if refusal is not None:
            return refusal
    return None


def by_digest(candidate: Candidate, _: Situation) -> Refusal | None:
    """Every image is named by digest."""
    for pin in candidate.pins:
        if not DIGEST.search(pin.image):
            return Refusal(Reason.NOT_A_DIGEST, f"{pin.image} is no digest; write {pin.image}@sha256:…")
    return None


def containers_exist(candidate: Candidate, situation: Situation) -> Refusal | None:
    """The workload has every container that the candidate names, and the one that answers is among them."""
    named = {pin.container for pin in candidate.pins}
    images = {c.name for c in situation.workload.every}
    missing = sorted(named - images)
    if missing:
        have = ", ".join(sorted(images))
        return Refusal(Reason.CONTAINER_NOT_FOUND, f"the workload has no container {missing[0]}; it has {have}")
    if situation.container not in named:
        return Refusal(
            Reason.CONTAINER_NOT_FOUND,
            f"the known-good release says nothing of the container {situation.container}",
        )
    return None


def registry_allowed(candidate: Candidate, situation: Situation) -> Refusal | None:
    """Every image lies in a registry that the administrator allows; an empty list allows all."""
    for pin in candidate.pins:
        if situation.registries and not in_registry(pin.image, situation.registries):
            allowed = ", ".join(situation.registries)
            return Refusal(Reason.REGISTRY_NOT_ALLOWED, f"{pin.image} is not in an allowed registry ({allowed})")
    return None


def not_running(candidate: Candidate, situation: Situation) -> Refusal | None:
    """Going back to what runs cannot help; where the suspect runs beside it, in a roll-out, it can."""
    beside = situation.running - {candidate.digest}
    if candidate.digest == situation.suspect or (candidate.digest in situation.running and not beside):
        return Refusal(
            Reason.ALREADY_RUNNING,
            f"known-good {candidate.digest} is what runs now, so that a rollback cannot help; look at its inputs and "
            "its neighbours, or name an older release in spec.knownGood",
        )
    return None


def not_implicated(candidate: Candidate, situation: Situation) -> Refusal | None:
    """No open incident suspects it."""
    if candidate.digest in situation.implicated:
        return Refusal(
            Reason.IMPLICATED, f"an open incident suspects {candidate.digest}; name another in spec.knownGood"
        )
    return None


def not_quarantined(candidate: Candidate, situation: Situation) -> Refusal | None:
    """None of its images is in quarantine."""
    for pin in candidate.pins:
        if (digest := parse_image(pin.image).digest) in situation.quarantined:
            why = f"{digest} is in quarantine; name another in spec.knownGood, or lift it in spec.quarantine.lift"
            return Refusal(Reason.QUARANTINED, why)
    return None


Check = Callable[[Candidate, Situation], Refusal | None]
CHECKS: tuple[Check, ...] = (
    by_digest,
    containers_exist,
    registry_allowed,
    not_running,
    not_implicated,
    not_quarantined,
)


def refusal_of_pin(
    model: ModelDeployment, workload: Workload, container: str, registries: tuple[str, ...], implicated: frozenset[str]
) -> Refusal | None:
    """Why what a person pinned could not be gone back to, whatever runs; None where it could, or nothing is pinned."""
    if model.spec.known_good is None:
        return None
    (pinned,) = candidates(model, container)
    bad = quarantined(model)
    situation = Situation(workload, container, frozenset(), implicated, registries, quarantined=bad)
    found = (check(pinned, situation) for check in CHECKS if check is not not_running)
    return next((refusal for refusal in found if refusal is not None), None)


def explain(refusals: Iterable[Refusal]) -> str:
    """The refusals as one sentence each."""
    return "; ".join(dict.fromkeys(r.message for r in refusals))

"""A world for each action that changes the cluster: where it can act, and how another writer would get in its way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from knowngood.api.playbook import ActionName
from knowngood.core.facts.things import Ref, Thing
from tests import builders as b
from tests.scenarios.world import World

ENV = {b.CONTAINER: [("MODEL_REVISION", "8"), ("EXTRA", "1"), ("OTHER", "x")]}
PINNED = b.pinned("good", env=[{"name": "MODEL_REVISION", "value": "7"}], removeEnv=["EXTRA"])


def _person_sets_fix(found: World) -> None:
    found.person_sets("fix")


def _fix_stands(found: World) -> bool:
    return found.image == b.image("fix")


def _no_consent(found: World) -> None:
    found.workload = b.workload(consent=None)


@dataclass(frozen=True)
class Case:
    """What one action needs to act, and to be disturbed."""

    id: str
    name: ActionName
    step: dict[str, Any]  # the fields of its step beside name and action
    model: dict[str, Any] = field(default_factory=lambda: {"knownGood": PINNED})  # of the ModelDeployment's spec
    things: Callable[[], tuple[Thing, ...]] = tuple  # what stands beside the workload
    disturb: Callable[[World], None] = _person_sets_fix  # another writer changes what it is about to write
    undisturbed: Callable[[World], bool] = _fix_stands  # whether that writer's change still stands
    without_consent: Callable[[World], None] = _no_consent

    def __str__(self) -> str:
        return self.id

    def world(self, **changes: Any) -> World:
        """A breach, and a playbook that has this action alone."""
        steps = [
            {"name": "evidence", "action": "FreezeEvidence"},
            {"name": "act", "action": self.name.value, **self.step},
        ]
        workload = b.workload(env=ENV)
        things = {Ref(t.kind, t.name): t for t in self.things()}
        values = {"model": b.model(self.model), "workload": workload, "things": things, **changes}
        made = World(playbooks=(b.playbook(steps=steps),), **values)
        made.evidence = b.evidence().model_copy(update={"workload": b.seen(workload)})
        return made


CASES = (
    Case("PinKnownGood", ActionName.PIN_KNOWN_GOOD, {}),
    Case("ScaleToZero", ActionName.SCALE_TO_ZERO, {"allowOutage": True}),
)

"""The actions that there are; conformance tests run over them, and the operator's rights are made of theirs."""

from knowngood.core.response.actions.action import Action
from knowngood.core.response.actions.freeze_evidence import Freeze
from knowngood.core.response.actions.gate import Gate
from knowngood.core.response.actions.isolate import Isolate
from knowngood.core.response.actions.notify import Notify
from knowngood.core.response.actions.pause_rollout import PauseRollout
from knowngood.core.response.actions.pin_known_good import PinKnownGood
from knowngood.core.response.actions.quarantine_digest import QuarantineDigest
from knowngood.core.response.actions.reroute_traffic import RerouteTraffic
from knowngood.core.response.actions.run_job import RunJob
from knowngood.core.response.actions.scale_to_zero import ScaleToZero
from knowngood.core.response.actions.set_flag import SetFlag
from knowngood.core.response.changing import Changing

ACTIONS: tuple[Action, ...] = (
    Freeze(),
    PinKnownGood(),
    RerouteTraffic(),
    Isolate(),
    ScaleToZero(),
    SetFlag(),
    PauseRollout(),
    QuarantineDigest(),
    RunJob(),
    Gate(),
    Notify(),
)
_BY_NAME = {action.name.value: action for action in ACTIONS}


def action(name: str) -> Action | None:
    """The action of that name; None where this version has none."""
    return _BY_NAME.get(name)


def changes_workload(name: str) -> bool:
    """Whether steps of that action change the cluster."""
    return isinstance(_BY_NAME.get(name), Changing)

"""On flags: what the operator may write into ConfigMaps and variables of others is what their models declare."""

from typing import Any, Final

from tests.conformance.admission.attacks.base import DIGITS, Attack, containers, patch
from tests.conformance.admission.cluster import path_of
from tests.conformance.admission.world import FEATURES, LABEL, settings

GUARDRAIL: Final = path_of(settings("guardrail", None))
NOTED: Final = "knowngood.dev/replaced-flags"


def setting(id_: str, refused: str, body: dict[str, Any], path: str = GUARDRAIL) -> Attack:
    """A merge patch of a ConfigMap."""
    return Attack(id_, refused, path, body)


def variable(id_: str, refused: str, container: str = "model", **env: str) -> Attack:
    """Variables of a container."""
    return patch(
        id_, refused, containers({"name": container, "env": [{"name": n, "value": v} for n, v in env.items()]})
    )


UNDECLARED: Final = "declares no flag with that value"
FLAGS: Final = (
    setting("flag-key-that-is-none", UNDECLARED, {"data": {"other": "evil"}}),
    setting("flag-key-added", UNDECLARED, {"data": {"more": "evil"}}),
    setting("flag-with-another-value", UNDECLARED, {"data": {"mode": "off"}}),
    setting("flag-removed", UNDECLARED, {"data": {"mode": None}}),
    setting("flag-of-another-model", UNDECLARED, {"data": {"mode": "strict"}}, path_of(settings("theirs", None))),
    setting(
        "flag-of-a-model-that-does-not-exist",
        "names no ModelDeployment",
        {"data": {"mode": "strict"}},
        path_of(settings("ghostly", None)),
    ),
    setting(
        "flag-consent-given-by-the-operator",
        "writes only ConfigMaps called",
        {"metadata": {"labels": {LABEL: "digits"}}, "data": {"version": "v4"}},
        path_of(FEATURES),
    ),
    setting("flags-relabelled", "may change only annotations", {"metadata": {"labels": {LABEL: "faces"}}}),
    setting("flags-annotated-for-others", "may change only annotations", {"metadata": {"annotations": {"a": "b"}}}),
    setting("flags-made-immutable", "may set keys of data, and nothing else", {"immutable": True}),
    setting("flags-with-bytes", "may set keys of data, and nothing else", {"binaryData": {"more": "eA=="}}),
    setting(
        "flag-invented-as-taken-away",
        "must be what the keys that are written held",
        {"metadata": {"annotations": {NOTED: "mode=off"}}, "data": {"mode": "strict"}},
    ),
    setting(
        "flag-noted-without-being-written",
        "must be what the keys that are written held",
        {"metadata": {"annotations": {NOTED: "other=x"}}, "data": {"mode": "strict"}},
    ),
    variable("flag-variable-with-another-value", "declares no such value", RATE="11"),
    variable("flag-variable-of-another-container", "declares no such value", "proxy", RATE="10"),
    patch(
        "flag-variable-invented-as-taken-away",
        "must be what the variables that are written held",
        {
            "metadata": {"annotations": {NOTED: "model/RATE=11"}},
            **containers({"name": "model", "env": [{"name": "RATE", "value": "10"}]}),
        },
        DIGITS,
    ),
)

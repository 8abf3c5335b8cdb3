"""Fields that the operator wrote and does not keep: its entry in managedFields is cut down to its own annotations.

Who applies server-side (helm 4, `kubectl apply --server-side`) is refused where another manager holds a field with
another value. What the operator writes is the owner's to change again, so that no next release asks for force.
"""

from collections.abc import Mapping
from typing import Any

from knowngood.api import GROUP

MANAGER = "knowngood"
_OWN = f"f:{GROUP}/"
Raw = Mapping[str, Any]


def given_back(raw: Raw) -> list[Raw] | None:
    """The object's managedFields without what our entries hold of others' fields; None where nothing is to be done.

    That is so, too, where nobody applies server-side: then nobody is refused.
    """
    entries = (raw.get("metadata") or {}).get("managedFields") or []
    if not any(e.get("operation") == "Apply" and e.get("manager") != MANAGER for e in entries):
        return None
    left = [kept for entry in entries if (kept := _kept(entry) if _ours(entry) else entry) is not None]
    return left if left != entries else None


def _ours(entry: Raw) -> bool:
    """What is written to a subresource, a status, is nobody else's to apply."""
    return entry.get("manager") == MANAGER and not entry.get("subresource")


def _kept(entry: Raw) -> Raw | None:
    meta = (entry.get("fieldsV1") or {}).get("f:metadata") or {}
    annotations = {key: value for key, value in (meta.get("f:annotations") or {}).items() if key.startswith(_OWN)}
    return {**entry, "fieldsV1": {"f:metadata": {"f:annotations": annotations}}} if annotations else None

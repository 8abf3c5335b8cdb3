"""ConfigMaps of our own: what has to outlive this process, owned by the object that it is about.

Written only against the version that was last seen, so that a stale leader's write fails; what is not ours, by label
and owner, is neither read nor written.
"""

from dataclasses import dataclass

from knowngood.shell import cluster as c
from knowngood.shell.store import Key

LABEL, OURS = "app.kubernetes.io/managed-by", "knowngood"
FIELD = "state"


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that a ConfigMap is about; it goes with it."""

    resource: c.Resource
    namespace: str
    name: str
    uid: str


class ForeignError(Exception):
    """A ConfigMap of that name is there and is not ours."""


class ConfigMaps:
    """Texts by namespace and name, and the versions that they were seen at."""

    def __init__(self, api: c.Cluster) -> None:
        self._api = api
        self._seen: dict[Key, tuple[str, str]] = {}  # uid and resourceVersion

    async def read(self, name: str, owner: Owner) -> str | None:
        """The text; None where there is none. Raises ApiError and ForeignError."""
        key = (owner.namespace, name)
        self._seen.pop(key, None)
        try:
            raw = await self._api.get(c.CONFIGMAPS, *key)
        except c.ApiError as error:
            if error.not_found:
                return None
            raise
        meta = raw["metadata"]
        owners = [each.get("uid") for each in meta.get("ownerReferences") or ()]
        if (meta.get("labels") or {}).get(LABEL) != OURS or owners != [owner.uid]:
            raise ForeignError(f"ConfigMap {name} is not Knowngood's, or of an object that is gone; delete it")
        self._remember(raw)
        return str((raw.get("data") or {}).get(FIELD, ""))

    async def write(self, name: str, owner: Owner, text: str) -> None:
        """Write the text. Raises ApiError, a conflict among them, and ForeignError."""
        key = (owner.namespace, name)
        if key not in self._seen and await self.read(name, owner) is None:
            self._remember(await self._api.create(c.CONFIGMAPS, owner.namespace, body(name, owner, text)))
            return
        uid, version = self._seen[key]
        try:
            change = {"data": {FIELD: text}}
            self._remember(await self._api.patch(c.CONFIGMAPS, *key, change, uid=uid, resource_version=version))
        except c.ApiError:
            self._seen.pop(key, None)
            raise

    def _remember(self, raw: c.Raw) -> None:
        meta = raw["metadata"]
        self._seen[(meta["namespace"], meta["name"])] = (meta["uid"], meta["resourceVersion"])


def body(name: str, owner: Owner, text: str) -> c.Raw:
    """The ConfigMap as it is made."""
    reference = {
        "apiVersion": owner.resource.group_version,
        "kind": owner.resource.kind,
        "name": owner.name,
        "uid": owner.uid,
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": owner.namespace,
            "labels": {LABEL: OURS},
            "ownerReferences": [reference],
        },
        "data": {FIELD: text},
    }

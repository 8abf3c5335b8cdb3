"""Which digests may not be rolled out for a model: what an incident put into quarantine, and no person has lifted."""

from knowngood.api.modeldeployment import ModelDeployment
from knowngood.api.modelstatus import Quarantined, Release


def lifted(model: ModelDeployment) -> frozenset[str]:
    """What a person has let out."""
    return frozenset(model.spec.quarantine.lift) if model.spec.quarantine else frozenset()


def kept(model: ModelDeployment) -> list[Quarantined]:
    """The entries that stay; they are the operator's only record of them."""
    return [q for q in model.status.quarantined if q.digest not in lifted(model)]


def quarantined(model: ModelDeployment) -> frozenset[str]:
    """The digests that are in quarantine."""
    return frozenset(q.digest for q in kept(model))


def unproven(release: Release) -> Release:
    """The release without its proof, where it has one."""
    if release.proven_at is None and release.healthy_for is None:
        return release
    return release.model_copy(update={"proven_at": None, "healthy_for": None})

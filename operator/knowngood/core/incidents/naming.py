"""Names of incidents: the same episode of the same model always gets the same name."""

import hashlib

_LONGEST_MODEL = 200


def incident_name(model: str, uid: str, episode: int) -> str:
    """The name of the incident of ``episode`` of the model with ``uid``.

    The type is not part of it, since it may be reassessed; the uid is, since a model of this name may be made anew.
    """
    mark = hashlib.sha256(uid.encode()).hexdigest()[:6]
    return f"{model[:_LONGEST_MODEL].rstrip('-.')}-{mark}-{episode}"


def job_name(incident: str, uid: str, step: str) -> str:
    """The name of the Job that ``step`` runs in this incident's life; its pods are named after it, so it is short."""
    mark = hashlib.sha256(f"{uid}/{step}".encode()).hexdigest()[:8]
    return f"{incident[:40].rstrip('-.').replace('.', '-')}-{mark}"


def event_name(incident: str, uid: str, reason: str) -> str:
    """The name of the Event that tells of ``reason`` once in this incident's life."""
    mark = hashlib.sha256(f"{uid}/{reason}".encode()).hexdigest()[:12]
    return f"{incident[:_LONGEST_MODEL].rstrip('-.')}.{mark}"

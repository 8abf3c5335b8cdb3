"""What people write and read: the resources of ``knowngood.dev/v1alpha1`` as pydantic models."""

from typing import Final

GROUP: Final = "knowngood.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

MODEL_DEPLOYMENTS: Final = "modeldeployments"
INCIDENT_POLICIES: Final = "incidentpolicies"
PLAYBOOKS: Final = "playbooks"
AI_INCIDENTS: Final = "aiincidents"
PLURALS: Final = (MODEL_DEPLOYMENTS, INCIDENT_POLICIES, PLAYBOOKS, AI_INCIDENTS)

LABEL_MODEL: Final = f"{GROUP}/model"
"""On a workload: its owner's consent that Knowngood may patch it for the model of this name."""

"""What a thief of the operator's token would try, and what has to stop it."""

from typing import Final

from tests.conformance.admission.attacks.flags import FLAGS
from tests.conformance.admission.attacks.jobs import RUN
from tests.conformance.admission.attacks.kept import CONFIGMAPS
from tests.conformance.admission.attacks.pods import NETWORK, PODS
from tests.conformance.admission.attacks.records import DECLARED, INCIDENTS
from tests.conformance.admission.attacks.rights import RIGHTS_OF_ITS_OWN
from tests.conformance.admission.attacks.routes import ROUTES
from tests.conformance.admission.attacks.workloads import ENVIRONMENT, IMAGES, SHAPE

ATTACKS: Final = (
    *IMAGES,
    *ENVIRONMENT,
    *SHAPE,
    *DECLARED,
    *INCIDENTS,
    *CONFIGMAPS,
    *FLAGS,
    *ROUTES,
    *PODS,
    *NETWORK,
    *RUN,
    *RIGHTS_OF_ITS_OWN,
)

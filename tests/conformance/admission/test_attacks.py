"""With the operator's own token, a thief gets no further than the shipped actions."""

import pytest

from tests.conformance.admission.attacks.base import DIGITS, RBAC, Attack
from tests.conformance.admission.attacks.table import ATTACKS
from tests.conformance.admission.cluster import Client, admin
from tests.conformance.apiserver import ApiServer

pytestmark = pytest.mark.conformance


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_refused(operator: Client, attack: Attack) -> None:
    answer = operator.send(attack.method, attack.path, attack.body, attack.type, dry_run=attack.method != "GET")
    assert any(part in answer.message for part in attack.refused.split("|")), (answer.status, answer.message)
    assert answer.status == 403
    assert ("ValidatingAdmissionPolicy" in answer.message) is (attack.refused != RBAC)


def test_refused_in_another_name(api: ApiServer, operator: Client) -> None:
    for header, name in (("Impersonate-User", "admin"), ("Impersonate-Group", "system:masters")):
        client = Client(api, {**operator.headers, "Impersonate-User": "owner", header: name})
        answer = client.send("GET", DIGITS)
        assert answer.status == 403
        assert "cannot impersonate" in answer.message


def test_nothing_was_written(api: ApiServer, operator: Client) -> None:
    """Refused is what would have been written: the same requests, not as dry runs, leave the workload as it is."""
    before = admin(api).send("GET", DIGITS).body
    for attack in ATTACKS:
        if attack.path == DIGITS:
            assert operator.send(attack.method, attack.path, attack.body, attack.type).status == 403
    assert admin(api).send("GET", DIGITS).body == before

"""The vault where KMS does not answer as it should; what it seals is held by the contract suite."""

from __future__ import annotations

import base64
import json

import pytest

from chalicelib.adapters.dynamo.connection import ScopedConnection
from chalicelib.adapters.dynamo.table import Table
from chalicelib.adapters.vault import KmsVault
from chalicelib.domain.contact import SealedContact
from chalicelib.domain.errors import Damaged, Permanent, Retryable
from chalicelib.domain.ids import ContactId, ImportId, PartnerId, base32
from tests.adapters.wire import Wire, clients_on, scoped
from tests.fakes.system import FakeClock, FakeEntropy
from tests.sending.stage import NOON

PARTNER = PartnerId(f"prt_{base32(1)}")


@pytest.mark.parametrize(("status", "code", "raised"), [
    (400, "AccessDeniedException", Permanent), (400, "DisabledException", Permanent),
    (400, "KMSInvalidStateException", Permanent), (400, "ThrottlingException", Retryable),
    (500, "KeyUnavailableException", Retryable),
])
def test_a_refused_key_is_no_damage_of_a_contact(status: int, code: str, raised: type[Exception]) -> None:
    """Whoever opens contacts must tell a refusal, which meets them all, from one contact that cannot be read."""
    key = {"pk": {"S": "k"}, "sk": {"S": "INDEX#1"}, "wrapped": {"B": base64.b64encode(b"w").decode()}}
    wire = Wire((200, json.dumps({"Item": key}).encode()), (status, json.dumps({"__type": code}).encode()))
    clients = clients_on(wire)
    vault = KmsVault(clients, Table(ScopedConnection(clients), "t"), "key", FakeClock(NOON), FakeEntropy())
    sealed = SealedContact(
        id=ContactId(base32(2)), address=bytes(64), profile=bytes(64), consents=(), batch=ImportId("imp"),
        created_at=NOON, updated_at=NOON)
    with pytest.raises(raised) as caught:
        vault.open(scoped(PARTNER), sealed)
    assert not isinstance(caught.value, Damaged)

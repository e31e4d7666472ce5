"""Who signs: the access key in the request as it leaves the process."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from chalicelib.adapters.credentials import acting_as, acting_as_self
from chalicelib.adapters.sessions import LIFETIME, MARGIN, StsPartnerSessions
from chalicelib.domain.errors import NotFound, Permanent
from chalicelib.domain.ids import PartnerId, base32
from chalicelib.domain.scope import Zone
from tests.adapters.wire import Wire, clients_on, scoped, table_on
from tests.fakes.system import FakeClock, FakeSession

A, B = PartnerId(f"prt_{base32(1)}"), PartnerId(f"prt_{base32(2)}")


def test_two_threads_sign_for_two_partners_through_one_client() -> None:
    """Each of many interleaved requests carries its own partner's access key and token."""
    wire = Wire(together=threading.Barrier(2))
    table = table_on(wire)

    def work(partner: PartnerId) -> None:
        for number in range(20):
            assert table.of(scoped(partner)).get(f"P#{partner}#X", str(number)) is None

    threads = [threading.Thread(target=work, args=(partner,)) for partner in (A, B)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(wire.sent) == 40
    for access_key, token, body in wire.sent:
        partner = A if A.encode() in body else B
        assert (access_key, token) == (f"ASIA{partner}", f"token-{partner}")
    assert {key for key, _, _ in wire.sent} == {f"ASIA{A}", f"ASIA{B}"}


def test_outside_of_a_session_the_function_signs() -> None:
    """Before, between and after partner sessions, and inside when it acts as itself."""
    wire = Wire()
    clients = clients_on(wire)
    sts = clients.get("kms")
    sts.list_aliases()
    with acting_as(scoped(A)):
        sts.list_aliases()
        with acting_as(scoped(B)):
            sts.list_aliases()
        with acting_as_self():
            sts.list_aliases()
        sts.list_aliases()
    sts.list_aliases()
    signers = [key for key, _, _ in wire.sent]
    assert signers == ["AKIAOWN", f"ASIA{A}", f"ASIA{B}", "AKIAOWN", f"ASIA{A}", "AKIAOWN"]


def test_a_reader_that_stops_half_way_leaves_no_credentials_behind() -> None:
    """Between two items of a query, and after it was dropped, the function's own role is in force."""
    one = b'{"Items": [{"sk": {"S": "1"}}], "LastEvaluatedKey": {"pk": {"S": "x"}, "sk": {"S": "1"}}}'
    wire = Wire((200, one))
    table = table_on(wire)
    items = table.of(scoped(A)).query(f"P#{A}#X")
    assert next(items) == {"sk": "1"}
    table.get("ORG#x", "y")
    assert next(items) == {"sk": "1"}
    items.close()  # type: ignore[attr-defined]
    table.get("ORG#x", "y")
    assert [key for key, _, _ in wire.sent] == [f"ASIA{A}", "AKIAOWN", f"ASIA{A}", "AKIAOWN"]


def test_a_session_that_did_not_come_from_sts_reads_nothing() -> None:
    """A store never falls back on the function's own role for a partner's data."""
    wire = Wire()
    with pytest.raises(Permanent):
        table_on(wire).of(FakeSession(A)).get(f"P#{A}#X", "1")
    assert wire.sent == []


@pytest.mark.parametrize("key", [f"P#{B}#X", "ORG#x", "DUE#0", "", f"P#{A}", f"P#{A}x#C"])
def test_a_bound_table_refuses_foreign_keys_before_the_call(key: str) -> None:
    """Every operation judges its keys, each of a batch and of a transaction, too."""
    from chalicelib.adapters.dynamo import expressions as ex
    from chalicelib.adapters.dynamo.steps import Check, Delete, Put, Update

    wire = Wire()
    table = table_on(wire).of(scoped(A))
    mine: dict[str, Any] = {"pk": f"P#{A}#X", "sk": "1"}
    for attempt in (
        lambda: table.get(key, "1"), lambda: table.put({"pk": key, "sk": "1"}), lambda: table.delete(key, "1"),
        lambda: table.update(key, "1", [ex.add("n", 1)]), lambda: list(table.query(key)),
        lambda: table.batch_get([(f"P#{A}#X", "1"), (key, "1")]),
        lambda: table.transact([Put(mine), Put({"pk": key, "sk": "1"})]),
        lambda: table.transact([Put(mine), Check(key, "1", ex.present("pk"))]),
        lambda: table.transact([Put(mine), Delete(key, "1")]),
        lambda: table.transact([Put(mine), Update(key, "1", [ex.add("n", 1)])]),
    ):
        with pytest.raises(Permanent):
            attempt()
    assert wire.sent == []


def test_an_unbound_table_refuses_partners_keys() -> None:
    """A partner's data is never read with the function's own role."""
    wire = Wire()
    with pytest.raises(Permanent):
        table_on(wire).get(f"P#{A}#HOME", "PARTNER")
    assert wire.sent == []


def assumed(number: int) -> bytes:
    """An answer of AssumeRole."""
    return (
        f"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA{number}</AccessKeyId>"
        f"<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
        f"<Expiration>2026-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    ).encode()


def sessions_on(wire: Wire, clock: FakeClock) -> StsPartnerSessions:
    """Partner sessions whose STS is the wire."""
    roles = {zone: f"arn:aws:iam::123456789012:role/{zone.value}" for zone in Zone}
    return StsPartnerSessions(clients_on(wire), clock, roles)


def test_a_session_asks_for_the_role_of_its_zone_with_the_partner_as_tag() -> None:
    """The role comes from the zone, the tag is the partner, and the function itself asks."""
    wire = Wire((200, assumed(1)))
    sessions = sessions_on(wire, FakeClock())
    with acting_as(scoped(B)):
        sessions.open(A, Zone.REVIEW)
    (signer, _, body), = wire.sent
    assert signer == "AKIAOWN"
    assert b"role%2Freview" in body
    assert f"Tags.member.1.Key=partner&Tags.member.1.Value={A}".encode() in body
    assert f"RoleSessionName={A}".encode() in body


def test_keys_are_kept_until_shortly_before_their_end() -> None:
    """One AssumeRole per partner and zone, and a session in use goes on with new keys in time."""
    clock, wire = FakeClock(), Wire((200, assumed(1)))
    sessions = sessions_on(wire, clock)
    session = sessions.open(A, Zone.PARTNER)
    for _ in range(3):
        sessions.open(A, Zone.PARTNER)
    assert len(wire.sent) == 1
    sessions.open(A, Zone.REVIEW)
    sessions.open(B, Zone.PARTNER)
    assert len(wire.sent) == 3
    clock.advance(seconds=(LIFETIME - MARGIN).total_seconds() - 1)
    assert session.source().access_key == "ASIA1" and len(wire.sent) == 3
    wire.answers = [(200, assumed(2))]
    clock.advance(seconds=1)
    assert session.source().access_key == "ASIA2" and len(wire.sent) == 4


def test_threads_that_need_the_same_keys_fetch_them_once() -> None:
    """The second waits for the first instead of asking STS as well."""
    wire = Wire((200, assumed(1)))
    sessions = sessions_on(wire, FakeClock())
    threads = [threading.Thread(target=sessions.open, args=(A, Zone.PARTNER)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(wire.sent) == 1


def test_what_sts_refuses_is_permanent_and_what_is_no_partner_is_not_asked() -> None:
    """AccessDenied is not tried again; an id that is none never reaches STS."""
    denied = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>m</Message></Error></ErrorResponse>"
    wire = Wire((403, denied))
    sessions = sessions_on(wire, FakeClock())
    with pytest.raises(Permanent, match="AccessDenied"):
        sessions.open(A, Zone.PARTNER)
    assert len(wire.sent) == 1
    with pytest.raises(NotFound):
        sessions.open(PartnerId("prt_*"), Zone.PARTNER)
    assert len(wire.sent) == 1

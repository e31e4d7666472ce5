"""Customers, suppressions, imports and counts: one suite for fake, moto and emulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.audience import Tally
from chalicelib.domain.contact import (
    Consent,
    ImportBatch,
    ImportState,
    LegalBasis,
    SealedContact,
    Suppression,
    SuppressionReason,
)
from chalicelib.domain.errors import Conflict, NotFound, Permanent, Problem
from chalicelib.domain.ids import ContactId, ImportId, PartnerId, PersonId, base32_of, make_id
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.trust import ContactRecord, Upserted
from chalicelib.usecases.world import World
from tests.fakes.system import START


def fresh(world: World, prefix: str) -> str:
    """An id that no other test has."""
    return make_id(prefix, START, world.entropy.bytes(10))


@pytest.fixture
def session(world: World) -> PartnerSession:
    """A new partner's session."""
    return world.sessions.open(PartnerId(fresh(world, "prt")), Zone.PARTNER)


def contact_id(byte: int, rest: int = 0) -> ContactId:
    """An id in a chosen partition."""
    return ContactId(base32_of(bytes([byte]) + rest.to_bytes(15, "big")))


def contact(identifier: ContactId, batch: str, *, minutes: int = 0, **changes: object) -> SealedContact:
    """A sealed contact of a batch that was made some minutes after the start."""
    at = START + timedelta(minutes=minutes)
    consent = Consent(
        basis=LegalBasis.DOUBLE_OPT_IN, obtained_at=START - timedelta(days=30), source="web form | A",
        batch=ImportId(batch),
    )
    plain = SealedContact(
        id=identifier, address=b"\x01address of " + batch.encode(), profile=b"\x01profile", consents=(consent,),
        batch=ImportId(batch), created_at=at, updated_at=at,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def scanned(world: World, session: PartnerSession, byte: int) -> list[ContactRecord]:
    """One partition as a list."""
    return list(world.contacts.scan(session, byte))


def test_a_contact_comes_back_as_it_was_written(world: World, session: PartnerSession) -> None:
    """Blobs, consents and times survive the store exactly."""
    one = contact(contact_id(7), fresh(world, "imp"))
    assert world.contacts.upsert(session, one) is Upserted.ADDED
    assert world.contacts.read(session, [one.id]) == [ContactRecord(one.id, one, None)]
    assert scanned(world, session, 7) == [ContactRecord(one.id, one, None)]
    assert list(world.contacts.ids(session, 7)) == [(one.id, one.created_at)]
    assert scanned(world, session, 8) == []


def test_the_same_row_written_again_is_still_added_once(world: World, session: PartnerSession) -> None:
    """A repeated write answers as the first did and leaves one consent, so counts stay exact."""
    one = contact(contact_id(7), fresh(world, "imp"))
    again = replace(one, created_at=one.created_at + timedelta(minutes=5), address=b"sealed anew")
    assert [world.contacts.upsert(session, c) for c in (one, again, again)] == [Upserted.ADDED] * 3
    stored = world.contacts.read(session, [one.id])[0].contact
    assert stored == replace(again, created_at=one.created_at)


def test_another_batch_updates_and_adds_its_consent(world: World, session: PartnerSession) -> None:
    """A newer batch refreshes the blobs, adds its consent and leaves the time of creation."""
    first = contact(contact_id(7), fresh(world, "imp"))
    second = contact(contact_id(7), fresh(world, "imp"), minutes=10)
    assert world.contacts.upsert(session, first) is Upserted.ADDED
    assert world.contacts.upsert(session, second) is Upserted.UPDATED
    stored = world.contacts.read(session, [first.id])[0].contact
    assert stored is not None
    assert (stored.address, stored.batch) == (second.address, second.batch)
    assert (stored.created_at, stored.updated_at) == (first.created_at, second.updated_at)
    assert set(stored.consents) == {*first.consents, *second.consents}


def test_an_older_batch_delivered_late_refreshes_nothing(world: World, session: PartnerSession) -> None:
    """Messages come in any order: what is newer stays, and the older consent is still recorded."""
    newer = contact(contact_id(7), fresh(world, "imp"), minutes=10)
    older = contact(contact_id(7), fresh(world, "imp"))
    world.contacts.upsert(session, newer)
    assert world.contacts.upsert(session, older) is Upserted.UPDATED
    stored = world.contacts.read(session, [newer.id])[0].contact
    assert stored is not None
    assert (stored.address, stored.updated_at) == (newer.address, newer.updated_at)
    assert set(stored.consents) == {*newer.consents, *older.consents}
    assert world.contacts.upsert(session, newer) is Upserted.ADDED


def test_no_import_undoes_a_suppression(world: World, session: PartnerSession) -> None:
    """A suppression is an item of its own: an upsert before, between and after leaves it."""
    one = contact(contact_id(7), fresh(world, "imp"))
    gone = Suppression(contact=one.id, reason=SuppressionReason.UNSUBSCRIBED, at=START, source="cmp")
    assert world.contacts.suppress(session, gone) is True
    world.contacts.upsert(session, one)
    world.contacts.upsert(session, contact(one.id, fresh(world, "imp"), minutes=9))
    record = world.contacts.read(session, [one.id])[0]
    assert record.suppression == gone
    assert scanned(world, session, 7) == [record]


def test_the_first_suppression_stays(world: World, session: PartnerSession) -> None:
    """Suppressing again is harmless and tells that it was not new."""
    first = Suppression(contact=contact_id(9), reason=SuppressionReason.BOUNCED, at=START)
    later = Suppression(contact=contact_id(9), reason=SuppressionReason.UNSUBSCRIBED, at=START + timedelta(days=1))
    assert [world.contacts.suppress(session, s) for s in (first, later)] == [True, False]
    assert world.contacts.read(session, [contact_id(9)]) == [ContactRecord(contact_id(9), None, first)]
    assert scanned(world, session, 9) == [ContactRecord(contact_id(9), None, first)]


@pytest.mark.parametrize("partitions", [1, 3, 60])
def test_read_keeps_the_order_and_names_what_is_missing(
    world: World, session: PartnerSession, partitions: int,
) -> None:
    """Dense and sparse windows give the same answer, in the order asked, with gaps where nobody is."""
    batch = fresh(world, "imp")
    ids = [contact_id(n % partitions, n) for n in range(60)]
    for n, identifier in enumerate(ids):
        if n % 3 != 1:
            world.contacts.upsert(session, contact(identifier, batch))
        if n % 5 == 0:
            world.contacts.suppress(session, Suppression(
                contact=identifier, reason=SuppressionReason.MANUAL, at=START))
    asked = ids[10:50][::-1]
    records = world.contacts.read(session, asked)
    assert [r.id for r in records] == asked
    assert [r.contact is not None for r in records] == [ids.index(i) % 3 != 1 for i in asked]
    assert [r.suppression is not None for r in records] == [ids.index(i) % 5 == 0 for i in asked]
    assert world.contacts.read(session, []) == []
    with pytest.raises(Permanent):
        world.contacts.read(session, [contact_id(1)] * 501)


def test_scan_pairs_contacts_with_suppressions(world: World, session: PartnerSession) -> None:
    """Contact alone, suppression alone and both come out in the order of ids."""
    batch = fresh(world, "imp")
    for n in (1, 2, 5):
        world.contacts.upsert(session, contact(contact_id(3, n), batch))
    for n in (2, 4, 6):
        world.contacts.suppress(session, Suppression(
            contact=contact_id(3, n), reason=SuppressionReason.COMPLAINED, at=START))
    found = [(r.id, r.contact is not None, r.suppression is not None) for r in scanned(world, session, 3)]
    assert found == [
        (contact_id(3, 1), True, False), (contact_id(3, 2), True, True), (contact_id(3, 4), False, True),
        (contact_id(3, 5), True, False), (contact_id(3, 6), False, True),
    ]
    assert [i for i, _ in world.contacts.ids(session, 3)] == [contact_id(3, n) for n in (1, 2, 5)]


def test_partners_do_not_meet(world: World, session: PartnerSession) -> None:
    """The same id under another partner is another, absent contact."""
    world.contacts.upsert(session, contact(contact_id(7), fresh(world, "imp")))
    other = world.sessions.open(PartnerId(fresh(world, "prt")), Zone.PARTNER)
    assert world.contacts.read(other, [contact_id(7)]) == [ContactRecord(contact_id(7), None, None)]
    assert scanned(world, other, 7) == []


def test_the_review_zone_has_no_customers(world: World, session: PartnerSession) -> None:
    """Whatever a reviewer's session asks of customers, it gets NotFound."""
    review = world.sessions.open(session.partner, Zone.REVIEW)
    one = contact(contact_id(7), fresh(world, "imp"))
    gone = Suppression(contact=one.id, reason=SuppressionReason.MANUAL, at=START)
    calls: list[Callable[[], object]] = [
        lambda: list(world.contacts.ids(review, 7)), lambda: list(world.contacts.scan(review, 7)),
        lambda: world.contacts.read(review, [one.id]), lambda: world.contacts.upsert(review, one),
        lambda: world.contacts.suppress(review, gone), lambda: world.contacts.tally(review),
        lambda: world.contacts.save_tally(review, Tally(at=START)), lambda: world.imports.list(review),
        lambda: world.imports.get(review, ImportId(fresh(world, "imp"))), lambda: world.vault.create_keys(review),
        lambda: world.vault.contact_id(review, "a@example.com"), lambda: world.vault.open(review, one),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()


def test_the_newest_tally_stays(world: World, session: PartnerSession) -> None:
    """A count that took longer does not replace one that began later."""
    assert world.contacts.tally(session) is None
    newer = Tally(
        at=START + timedelta(hours=1), suppressed={SuppressionReason.BOUNCED: 2},
        by_bases={frozenset({LegalBasis.US_OPT_OUT, LegalBasis.DOUBLE_OPT_IN}): 3, frozenset(): 1},
    )
    world.contacts.save_tally(session, newer)
    world.contacts.save_tally(session, Tally(at=START))
    assert world.contacts.tally(session) == newer


def batch(world: World, session: PartnerSession, **changes: object) -> ImportBatch:
    """A batch that waits for its file."""
    plain = ImportBatch(
        id=ImportId(fresh(world, "imp")), partner=session.partner, file_name="spring.csv",
        basis=LegalBasis.PROVEN_OPT_IN, source="trade fair", wording="Yes, mail me", attested_by=PersonId("prs_x"),
        created_at=START,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_import_batches_are_saved_by_version(world: World, session: PartnerSession) -> None:
    """Of two writers that read the same version one wins and the other learns of it."""
    one = batch(world, session)
    world.imports.save(session, one, expected_version=0)
    with pytest.raises(Conflict):
        world.imports.save(session, one, expected_version=0)
    after = replace(
        one, version=2, state=ImportState.REFUSED, finished_at=START, notified=True, sha256="ab",
        problems=(Problem("import.columns_missing", "file", {"columns": "email", "limit": 3}),),
    )
    world.imports.save(session, after, expected_version=1)
    with pytest.raises(Conflict):
        world.imports.save(session, replace(one, version=2), expected_version=1)
    assert world.imports.get(session, one.id) == after


def test_import_batches_are_listed_newest_first(world: World, session: PartnerSession) -> None:
    """A partner sees its own batches only; a foreign id is not found."""
    made = [batch(world, session, id=ImportId(make_id("imp", START + timedelta(minutes=n), world.entropy.bytes(10))))
            for n in range(3)]
    for one in made:
        world.imports.save(session, one, expected_version=0)
    assert list(world.imports.list(session)) == made[::-1]
    other = world.sessions.open(PartnerId(fresh(world, "prt")), Zone.PARTNER)
    assert list(world.imports.list(other)) == []
    with pytest.raises(NotFound):
        world.imports.get(other, made[0].id)

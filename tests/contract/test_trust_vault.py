"""The vault: finding, sealing and opening customers, in fake, moto and emulator."""

from __future__ import annotations

import logging
import traceback
from dataclasses import replace

import pytest

from chalicelib.adapters import vault
from chalicelib.domain.contact import Contact, ImportBatch, SealedContact
from chalicelib.domain.errors import Damaged, NotFound
from chalicelib.domain.ids import ContactId, ImportId, PartnerId, make_id
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases.world import World
from tests.fakes.system import START, FakeClock

CANARY = "canary.person@example.com"


def open_partner(world: World) -> PartnerSession:
    """A new partner with keys."""
    partner = PartnerId(make_id("prt", START, world.entropy.bytes(10)))
    session = world.sessions.open(partner, Zone.PARTNER)
    world.vault.create_keys(session)
    return session


def sealed(world: World, session: PartnerSession, address: str = CANARY, **profile: str) -> SealedContact:
    """A contact sealed for its own place."""
    identifier = world.vault.contact_id(session, address)
    blobs = world.vault.seal(session, Contact(id=identifier, address=address, profile=profile))
    return SealedContact(
        id=identifier, address=blobs[0], profile=blobs[1], consents=(), batch=ImportId("imp"), created_at=START,
        updated_at=START,
    )


def test_what_was_sealed_opens(world: World) -> None:
    """Address and merge fields come back exactly, and stand nowhere in the blobs."""
    session = open_partner(world)
    one = sealed(world, session, first_name="Zoë", city="Győr", note="{{ x }} \u2028")
    opened = world.vault.open(session, one)
    assert opened.address == CANARY
    assert dict(opened.profile) == {"first_name": "Zoë", "city": "Győr", "note": "{{ x }} \u2028"}
    assert b"canary" not in one.address + one.profile and "Győr".encode() not in one.profile


def test_an_address_has_one_id_a_partner(world: World) -> None:
    """The id is the same every time, also after keys were asked for anew, and differs between partners."""
    session, other = open_partner(world), open_partner(world)
    first = world.vault.contact_id(session, CANARY)
    world.vault.create_keys(session)
    assert world.vault.contact_id(session, CANARY) == first
    assert world.vault.contact_id(other, CANARY) != first
    assert world.vault.contact_id(session, "other@example.com") != first
    assert len(first) == 26


def test_keys_outlive_the_memory_of_a_process(world: World, clock: FakeClock) -> None:
    """When the cached keys are dropped, the wrapped ones give the same ids and open the same blobs."""
    session = open_partner(world)
    one = sealed(world, session)
    clock.advance(hours=2)
    assert world.vault.contact_id(session, CANARY) == one.id
    assert world.vault.open(session, one).address == CANARY


def test_without_keys_nothing_is_found(world: World) -> None:
    """A partner whose keys were never made (or were destroyed) has no customers."""
    partner = PartnerId(make_id("prt", START, world.entropy.bytes(10)))
    session = world.sessions.open(partner, Zone.PARTNER)
    with pytest.raises(NotFound):
        world.vault.contact_id(session, CANARY)


@pytest.mark.parametrize("damage", [
    "other contact", "other partner", "swapped blobs", "flipped bit", "flipped head", "cut", "empty", "version",
])
def test_a_moved_or_damaged_blob_does_not_open(
    world: World, damage: str, caplog: pytest.LogCaptureFixture,
) -> None:
    """A blob opens at its own place only; the error and the log tell nothing of what is inside."""
    caplog.set_level(logging.INFO)  # at DEBUG botocore itself dumps every request, sealed blobs included
    session = open_partner(world)
    one, reader = sealed(world, session, first_name="Canary"), session
    if damage == "other contact":
        one = replace(one, id=sealed(world, session, "other@example.com").id)
    elif damage == "other partner":
        reader = open_partner(world)
    elif damage == "swapped blobs":
        one = replace(one, address=one.profile, profile=one.address)
    elif damage == "flipped bit":
        one = replace(one, profile=one.profile[:-1] + bytes([one.profile[-1] ^ 1]))
    elif damage == "flipped head":
        one = replace(one, address=bytes([one.address[0] ^ 0x80]) + one.address[1:])
    elif damage == "cut":
        one = replace(one, address=one.address[:-1])
    elif damage == "empty":
        one = replace(one, address=b"")
    else:
        one = replace(one, address=one.address[:2] + bytes([one.address[2] ^ 1]) + one.address[3:])
    with pytest.raises((Damaged, NotFound)) as caught:
        world.vault.open(reader, one)
    told = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value.__dict__)
    assert "canary" not in told.lower()
    assert isinstance(caught.value, NotFound) == (damage == "version" and world.__class__.__name__ != "FakeWorld")


def test_sealing_twice_differs(world: World) -> None:
    """Equal customers can't be recognised by equal blobs (real vaults draw a nonce each time)."""
    if world.__class__.__name__ == "FakeWorld":
        assert sealed(world, open_partner(world)) is not None
        return
    session = open_partner(world)
    one, two = sealed(world, session), sealed(world, session)
    assert one.address != two.address and one.profile != two.profile
    blobs = (one.address, one.profile, two.address, two.profile)
    assert len({blob[3:3 + vault.NONCE] for blob in blobs}) == 4, "a nonce under one key is never used twice"


def test_representations_show_no_person() -> None:
    """What ends up in a log by accident, a repr, has neither address nor fields."""
    contact = Contact(id=ContactId("x"), address=CANARY, profile={"first_name": "Canary"})
    assert "canary" not in repr(contact).lower()
    assert "address" not in {f for f in ImportBatch.__dataclass_fields__}

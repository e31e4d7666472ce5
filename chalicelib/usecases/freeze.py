"""A slice's first run: who its audience is, and who of them had enough campaigns lately.

Both are frozen together, once. What the cap reads of earlier campaigns is their frozen manifests and
their attempts, one campaign after the other, so that it costs two or three reads a slice and
campaign, none a recipient, and the memory of one slice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from chalicelib.domain import frequency
from chalicelib.domain.campaign import Campaign
from chalicelib.domain.errors import NotFound
from chalicelib.domain.frequency import Started, Tallied
from chalicelib.domain.ids import bytes_of
from chalicelib.domain.ledger import by_batch
from chalicelib.domain.manifest import Manifest, SliceKey, byte_range
from chalicelib.domain.programme import MessageClass
from chalicelib.domain.sending import window_for
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases.approved import Approved
from chalicelib.usecases.world import World


def freeze(
    world: World, session: PartnerSession, campaign: Campaign, key: SliceKey, mail: Approved,
) -> Manifest:
    """Write the slice's manifest, or take the one that somebody else wrote first.

    The audience is who was there when the campaign started; the window is chosen here once.
    """
    assert campaign.started_at is not None
    bytes_here = byte_range(key.number, campaign.slices)
    ids = bytearray()
    for byte in bytes_here:
        for contact, created_at in world.contacts.ids(session, byte):
            if created_at <= campaign.started_at:
                ids += bytes_of(contact)
    return world.ledger.freeze(session, Manifest(
        key=key, ids=bytes(ids), window=window_for(world.rate.share().each, mail.content_bytes),
        made_at=world.clock.now(), capped=_capped(world, session, campaign, key, mail, bytes(ids)),
    ))


def _capped(
    world: World, session: PartnerSession, campaign: Campaign, key: SliceKey, mail: Approved, ids: bytes,
) -> bytes:
    """One bit for each who had enough; what was approved as a service or safety message knows no limit."""
    cap = world.programmes.get(campaign.programme).cap
    if cap is None or not ids or mail.revision.message_class != MessageClass.MARKETING:
        return b""
    assert campaign.started_at is not None
    tallied = Tallied(ids)
    bytes_here = byte_range(key.number, campaign.slices)
    for start in frequency.before(world.ledger.starts(session), key.run, campaign.started_at):
        # The state is read before the attempts: what was over then has nobody open when they are read.
        goes_on, last = _standing(world, session, start)
        if goes_on or last > campaign.started_at - cap.span:
            for number in frequency.overlapping(start.slices, bytes_here):
                tallied.add(_reached(world, session, start, number, goes_on, tallied))
    return tallied.bits(cap)


def _standing(world: World, session: PartnerSession, start: Started) -> tuple[bool, datetime]:
    """Whether a campaign may still mail people, and when it last could."""
    if start.ended_at is not None:
        return False, start.ended_at
    try:
        campaign = world.campaigns.get(session, start.run.campaign)
    except NotFound:
        return False, start.at
    return frequency.goes_on(start, campaign, world.clock.now()), campaign.updated_at


def _reached(
    world: World, session: PartnerSession, start: Started, number: int, goes_on: bool, tallied: Tallied,
) -> Iterator[bytes]:
    """Whom one slice of an earlier campaign reached, or may have, or still may."""
    key = SliceKey(start.run, number)
    manifest = world.ledger.manifest(session, key)
    if manifest is None:
        return tallied.within(byte_range(number, start.slices)) if goes_on else iter(())
    attempts = by_batch(world.ledger.attempts(session, key, 0, manifest.batches))
    return frequency.reached(manifest, attempts, open_too=goes_on)

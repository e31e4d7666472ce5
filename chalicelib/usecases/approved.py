"""What was approved, loaded for sending: both digests and the content's hash are computed anew."""

from __future__ import annotations

import hashlib

from chalicelib.domain import digest
from chalicelib.domain.campaign import Campaign, Digests, Revision
from chalicelib.domain.content import Content, decode
from chalicelib.domain.errors import CountersignError, NotFound
from chalicelib.domain.record import dataclass
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases.keys import content_key
from chalicelib.usecases.world import World


class Altered(CountersignError):
    """What is stored is not what was approved: nothing of it may be sent."""


@dataclass(frozen=True, slots=True)
class Approved:
    """A revision and its content, proven to be what the campaign's digests bind."""

    revision: Revision
    content: Content
    digests: Digests
    content_bytes: int


def load(world: World, session: PartnerSession, campaign: Campaign) -> Approved:
    """Load the campaign's revision and content; raises Altered if a digest differs."""
    history = world.campaigns.history(session, campaign.id)
    revision = next((r for r in history.revisions if r.number == campaign.revision), None)
    if revision is None or campaign.digests is None or digest.of(revision) != campaign.digests:
        raise Altered("revision")
    try:
        data = world.blobs.get(session, content_key(session.partner, revision.content))
    except NotFound:
        raise Altered("content") from None
    if hashlib.sha256(data).hexdigest() != revision.content:
        raise Altered("content")
    return Approved(revision, decode(data), campaign.digests, len(data))

"""The keys of the workflow table, in one place.

Every key begins with ``ORG#<org>#`` or ``P#<partner>#``. What comes from outside goes through
:func:`part`, so that no id can smuggle a ``#`` into a key and reach another item.
"""

from __future__ import annotations

import hashlib
import re

from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import CampaignId, OrgId, PartnerId, PersonId, ProgrammeId
from chalicelib.ports.workflow import DUE_SHARDS

_PART = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


def part(text: str) -> str:
    """A piece of a key; raises NotFound for what no id, hash or name of ours looks like."""
    if not _PART.fullmatch(text):
        raise NotFound("no such key")
    return text


def sha256(text: str) -> str:
    """The SHA-256 (hex) under which addresses and subjects of limits are kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def org(org_id: OrgId, *names: str) -> str:
    """A partition of the org: ``ORG#<org>#<names>``."""
    return "#".join(["ORG", part(org_id), *(part(name) for name in names)])


def person(org_id: OrgId, person_id: PersonId) -> str:
    """Everything about one person."""
    return org(org_id, "PRS", person_id)


def switch(org_id: OrgId) -> str:
    """HQ's switch for all sends: alone in its partition, since the partners' role may read it."""
    return org(org_id, "SWITCH")


def home(partner: PartnerId) -> str:
    """The partner itself and its participations."""
    return f"P#{part(partner)}#HOME"


def campaigns(partner: PartnerId) -> str:
    """The control items of a partner."""
    return f"P#{part(partner)}#CMP"


def track(partner: PartnerId) -> str:
    """What became of a partner's campaigns; alone in its partition, since it is read by key and never listed."""
    return f"P#{part(partner)}#TRACK"


def history(partner: PartnerId, campaign: CampaignId) -> str:
    """Draft, revisions, asks and audit of one campaign."""
    return f"P#{part(partner)}#CMP#{part(campaign)}"


def programme_index(org_id: OrgId, programme: ProgrammeId) -> str:
    """A programme's partition of the index by programme."""
    return org(org_id, "PRG", programme)


def due_shard(campaign: CampaignId) -> int:
    """The shard of the due index that a campaign is in, always the same."""
    return hashlib.sha256(campaign.encode()).digest()[0] % DUE_SHARDS


def due_index(shard: int) -> str:
    """A shard's partition of the due index."""
    return f"DUE#{shard}"

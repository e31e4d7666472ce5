"""The control item of a campaign, kept under 1 KB so that a write costs one unit.

What the keys say is not stored again: id and partner stand in ``pk`` and ``sk``, programme and
last change in the keys of the index by programme, the next look in the key of the due index.
Hashes are bytes, half as long as their hex. The start is flat, because an index can project whole
attributes only.
"""

from __future__ import annotations

import re
from dataclasses import fields

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.codec import Kind, moment_of, stamp
from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain.campaign import Campaign, State
from chalicelib.domain.errors import Permanent
from chalicelib.domain.ids import CampaignId, OrgId, PartnerId, ProgrammeId
from chalicelib.domain.schedule import SendTime
from chalicelib.ports.workflow import CampaignCard, Due

CONTROL = Kind(
    Campaign, "campaign",
    implied=frozenset({
        "id", "org", "partner", "programme", "start", "next_at", "updated_at", "digests", "audit_hash",
    }),
)
CARD_COLUMNS = ("name", "state", "bracket", "start_local", "start_zone")
"""What the index by programme projects beside keys: exactly what a CampaignCard needs."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_START = tuple(field.name for field in fields(SendTime))


def control_item(campaign: Campaign) -> Item:
    """The item of a campaign, with the keys of both indexes; the due keys only if it has a ``next_at``."""
    item = CONTROL.item(
        campaign, keys.campaigns(campaign.partner), keys.part(campaign.id),
        prg_pk=keys.programme_index(campaign.org, campaign.programme),
        prg_sk=f"{stamp(campaign.updated_at)}#{campaign.id}", audit_hash=_packed(campaign.audit_hash),
    )
    if campaign.digests is not None:
        item |= {"digest": _packed(campaign.digests.partner), "frame_digest": _packed(campaign.digests.frame)}
    if campaign.start is not None:
        start = campaign.start
        item |= {
            "start_local": start.local, "start_zone": start.zone, "start_fold": start.fold,
            "start_at": stamp(start.at), "start_tzdata": start.tzdata,
        }
    if campaign.next_at is not None:
        item |= {
            "due_pk": keys.due_index(keys.due_shard(campaign.id)),
            "due_sk": f"{stamp(campaign.next_at)}#{campaign.id}",
        }
    return item


def control_of(item: Item, org: OrgId, partner: PartnerId) -> Campaign:
    """Read back what :func:`control_item` made."""
    updated_at, _, _ = str(item.get("prg_sk", "")).partition("#")
    due, _, _ = str(item.get("due_sk", "")).partition("#")
    digests = {"partner": _hex(item["digest"]), "frame": _hex(item["frame_digest"])} if "digest" in item else None
    start = {name: item[f"start_{name}"] for name in _START} if "start_local" in item else None
    return CONTROL.read(
        item, id=item["sk"], org=org, partner=partner, programme=_last(item, "prg_pk"),
        start=start, next_at=due or None, updated_at=updated_at, digests=digests, audit_hash=_hex(item["audit_hash"]),
    )


def card_of(item: Item) -> CampaignCard:
    """A line of the index by programme."""
    updated_at, _, campaign = str(item["prg_sk"]).partition("#")
    return CampaignCard(
        id=CampaignId(campaign), partner=PartnerId(_partner(item)), programme=ProgrammeId(_last(item, "prg_pk")),
        name=item["name"], state=State(item["state"]), bracket=item.get("bracket", ""),
        start_local=item.get("start_local", ""), start_zone=item.get("start_zone", ""),
        updated_at=moment_of(updated_at),
    )


def due_of(item: Item) -> Due:
    """A line of the due index."""
    at, _, campaign = str(item["due_sk"]).partition("#")
    if campaign != item["sk"]:
        raise Permanent("a line of the due index is damaged")
    return Due(PartnerId(_partner(item)), CampaignId(campaign), moment_of(at))


def _packed(digest: str) -> bytes | str:
    """A SHA-256 in hex as its 32 bytes; any other text as it is."""
    return bytes.fromhex(digest) if _SHA256.fullmatch(digest) else digest


def _hex(stored: bytes | str) -> str:
    return stored if isinstance(stored, str) else stored.hex()


def _partner(item: Item) -> str:
    return str(item["pk"]).split("#")[1]


def _last(item: Item, name: str) -> str:
    return str(item.get(name, "")).rpartition("#")[2]

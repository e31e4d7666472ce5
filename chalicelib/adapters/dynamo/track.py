"""A partner's track record, one item beside its campaigns.

``P#<partner>#TRACK`` / ``TRACK``: ``n`` counts the writes, ``decided`` holds a text each:
``<at>|<campaign>|<a or d>|<lane>``; ``cut_at`` is there where some did not fit. The step that decides a campaign
writes it in its own transaction, on condition of ``n``, so that of two decisions at once none is lost.
"""

from __future__ import annotations

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.codec import check, moment_of, stamp
from chalicelib.adapters.dynamo.steps import Put
from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain.errors import Permanent
from chalicelib.domain.ids import CampaignId, PartnerId
from chalicelib.domain.track import Decided, Track

SK = _TYPE = "TRACK"
_SIGNS = {False: "a", True: "d"}


def place(partner: PartnerId) -> tuple[str, str]:
    """The item's keys."""
    return keys.track(partner), SK


def put(partner: PartnerId, track: Track, stands: Item | None) -> Put:
    """Replace the item that was read (None: there was none)."""
    pk, sk = place(partner)
    number = int(stands["n"]) if stands else 0
    item: Item = {"pk": pk, "sk": sk, "type": _TYPE, "v": 1, "n": number + 1, "decided": [*map(_text, track.decided)]}
    if track.cut_at:
        item["cut_at"] = stamp(track.cut_at)
    return Put(item, ex.equals("n", number) if stands else ex.absent("pk"))


def track_of(item: Item) -> Track:
    """The record that an item holds."""
    check(item, _TYPE, 1)
    cut = item.get("cut_at")
    return Track(tuple(map(_decided, item["decided"])), moment_of(cut) if cut else None)


def _text(one: Decided) -> str:
    return "|".join((stamp(one.at), one.campaign, _SIGNS[one.declined], one.lane))


def _decided(text: str) -> Decided:
    try:
        at, campaign, sign, lane = text.split("|", 3)
        return Decided(CampaignId(campaign), moment_of(at), lane, declined=sign == _SIGNS[True])
    except ValueError:
        raise Permanent("a stored decision is damaged") from None

"""The message tag, by which an SES event names its message.

``<partner>-<campaign>-<mailing>-<variant>-<slice>-<batch>-<attempt>-<ordinal>``: one tag, because
SES does not say whether tags of an entry replace those of the call.
"""

from __future__ import annotations

from typing import NamedTuple

from chalicelib.domain.ids import CampaignId, PartnerId, is_id
from chalicelib.domain.manifest import MAX_BATCHES, MAX_SLICES, MAX_WINDOW, BatchKey, Run, SliceKey

TAG = "message"


class MessageRef(NamedTuple):
    """Which message of which attempt an SES event speaks of."""

    partner: PartnerId
    key: BatchKey
    ordinal: int


def tag_of(partner: PartnerId, key: BatchKey) -> str:
    """The value of the tag up to the ordinal, which the caller appends (hot path)."""
    (run, number), batch, attempt = key
    return f"{partner}-{run.campaign}-{run.mailing}-{run.variant}-{number}-{batch}-{attempt}-"


def read_tag(value: str) -> MessageRef:
    """Read a tag back; raises ValueError for whatever :func:`tag_of` did not write."""
    parts = value.split("-")
    if len(parts) != 8 or not is_id(parts[0], "prt") or not is_id(parts[1], "cmp"):
        raise ValueError("not a tag of ours")
    mailing, variant, number, batch, attempt, ordinal = (_number(part) for part in parts[2:])
    if number >= MAX_SLICES or batch >= MAX_BATCHES or ordinal >= MAX_WINDOW or 0 in (mailing, variant, attempt):
        raise ValueError("a number in the tag is out of range")
    run = Run(CampaignId(parts[1]), mailing, variant)
    return MessageRef(PartnerId(parts[0]), BatchKey(SliceKey(run, number), batch, attempt), ordinal)


def _number(text: str) -> int:
    """A number as we write it: ASCII digits, no sign, no leading zero."""
    if not text.isascii() or not text.isdigit() or len(text) > 6 or (len(text) > 1 and text[0] == "0"):
        raise ValueError("not a number of ours")
    return int(text)

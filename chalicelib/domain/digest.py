"""The two digests an approval binds, computed from full field lists; absent fields are null.

``partner`` covers what the partner chose, ``frame`` what HQ and the law put around it and the
encoded content itself. The sender computes both again and compares.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from chalicelib.domain.campaign import Digests, Revision
from chalicelib.domain.schedule import SendTime

VERSION = 1


def of(revision: Revision) -> Digests:
    """Compute both digests of a revision; its own ``digests`` and findings are not looked at."""
    return Digests(partner=_sha256(_partner_part(revision)), frame=_sha256(_frame(revision)))


def bound(revision: Revision) -> Revision:
    """The same revision with its digests filled in."""
    return replace(revision, digests=of(revision))


def _partner_part(r: Revision) -> dict[str, object]:
    return {
        "v": VERSION, "campaign": r.campaign, "revision": r.number,
        "values": dict(r.values), "subject": r.subject, "preheader": r.preheader,
        "assets": list(r.assets), "audience_rule": r.audience_rule, "bracket": r.bracket,
        "start": _time(r.start), "on_lapse": r.on_lapse.value,
        "sender": {"address": r.sender_address, "name": r.sender_name, "reply_to": r.reply_to},
        "merge_fields": [list(pair) for pair in r.merge_fields],
        "mailing": 1, "variant": 1,
    }


def _frame(r: Revision) -> dict[str, object]:
    return {
        "v": VERSION, "campaign": r.campaign, "revision": r.number,
        "template": r.template, "template_version": r.template_version, "language": r.language,
        "locked": r.locked_sha256, "kit": None,
        "entity_version": r.entity_version, "imprint": r.imprint_sha256,
        "headers": [list(pair) for pair in r.headers], "message_class": r.message_class,
        "content": r.content,
    }


def _time(moment: SendTime) -> dict[str, object]:
    return {
        "local": moment.local, "zone": moment.zone, "fold": moment.fold,
        "at": moment.at.isoformat(timespec="milliseconds"), "tzdata": moment.tzdata,
    }


def _sha256(fields: dict[str, object]) -> str:
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()

"""One step of a campaign's life: the next control item and the audit entry that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain import audit
from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.campaign import Action, Actor, Campaign, State
from chalicelib.domain.transitions import target

OUTBOX_RETRY = timedelta(minutes=1)
SENDING_LOOK = timedelta(minutes=2)
HELD_LOOK = timedelta(days=1)


def next_look(campaign: Campaign, now: datetime) -> datetime | None:
    """When the clock must look at a campaign again, so that whatever dies is found.

    None for what rests until a person acts (a draft) and for what is over.
    """
    if campaign.outbox:
        return now + OUTBOX_RETRY
    if campaign.state in (State.IN_REVIEW, State.APPROVED):
        return campaign.start.at if campaign.start else now
    if campaign.state is State.SENDING:
        return now + SENDING_LOOK
    if campaign.state is State.HELD:
        return now + HELD_LOOK
    return None


def take(
    before: Campaign, action: Action, actor: Actor, *, now: datetime, by: str, to: State | None = None,
    notices: tuple[str, ...] = (), details: Mapping[str, str | int] | None = None, **changes: Any,
) -> tuple[Campaign, AuditEntry]:
    """Apply an action: the control item after it and its audit entry.

    ``by`` names who acted (a person's id or the actor), ``notices`` are added to the outbox,
    ``changes`` replace further fields. Raises Conflict where the transition table says no.
    """
    state = target(before.state, action, actor, to)
    after = replace(before, state=state, updated_at=now, queued_until=None, **changes)
    return record(
        replace(after, outbox=tuple(dict.fromkeys(before.outbox + notices))),
        action.value, now=now, by=by, details={"from": before.state.value, "to": state.value, **(details or {})},
    )


def record(
    after: Campaign, action: str, *, now: datetime, by: str, details: Mapping[str, str | int] | None = None,
) -> tuple[Campaign, AuditEntry]:
    """Add an audit entry to a change of a campaign and count its version up.

    The control item remembers the last entry's number and hash, so that the trail is extended
    without reading it and two writers cannot both extend the same end.
    """
    entry = audit.extend(
        after.audit_sequence, after.audit_hash, campaign=after.id, at=now, actor=by, action=action, details=details,
    )
    written = replace(
        after, version=after.version + 1, audit_sequence=entry.sequence, audit_hash=entry.hash,
    )
    return replace(written, next_at=next_look(written, now)), entry

"""What SES tells of messages later: united with the ledger, in any order, any number of times.

An event names its message by a tag that we wrote. It is believed only if the attempt exists,
addressed that place, and the event's recipient is the very contact that stands there in the frozen
manifest (compared by HMAC): a forged, foreign or stray event changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from chalicelib import observe
from chalicelib.domain import sending
from chalicelib.domain.address import normalise
from chalicelib.domain.campaign import Actor, State
from chalicelib.domain.contact import Suppression, SuppressionReason
from chalicelib.domain.errors import Conflict, NotFound, Refused, Retryable
from chalicelib.domain.ids import ContactId, PartnerId
from chalicelib.domain.ledger import Attempt, Mark, Seen
from chalicelib.domain.manifest import BatchKey, Manifest, SliceKey
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Zone
from chalicelib.domain.tag import MessageRef
from chalicelib.domain.totals import Totals, tally
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import control
from chalicelib.usecases.world import World

_SUPPRESSES = {Seen.BOUNCED: SuppressionReason.BOUNCED, Seen.COMPLAINED: SuppressionReason.COMPLAINED}


@dataclass(frozen=True, slots=True)
class Event:
    """One SES event: which message, of whom, what it proves, when."""

    ref: MessageRef
    recipient: str
    seen: Seen
    at: datetime


@dataclass(frozen=True, slots=True)
class Absorbed:
    """Places in the given sequence: ``again`` must be handed in once more, ``refused`` never."""

    again: frozenset[int]
    refused: frozenset[int]


_Numbered = tuple[int, Event]


def absorb(world: World, events: Sequence[Event]) -> Absorbed:
    """Unite events with the ledger; those of one slice succeed or fail together."""
    groups: dict[tuple[PartnerId, SliceKey], list[_Numbered]] = {}
    for place, event in enumerate(events):
        groups.setdefault((event.ref.partner, event.ref.key.slice), []).append((place, event))
    again: set[int] = set()
    refused: set[int] = set()
    for (partner, key), members in groups.items():
        try:
            refused |= _absorb_slice(world, partner, key, members)
        except Retryable:
            again |= {place for place, _ in members}
    return Absorbed(frozenset(again), frozenset(refused))


def _absorb_slice(world: World, partner: PartnerId, key: SliceKey, members: Sequence[_Numbered]) -> set[int]:
    """Absorb the events of one slice; returns the places of those that are refused."""
    try:
        session = world.sessions.open(partner, Zone.PARTNER)
        manifest = world.ledger.manifest(session, key)
        attempts = world.ledger.attempts(session, key, 0, manifest.batches) if manifest else ()
    except NotFound:
        return {place for place, _ in members}
    if manifest is None:
        return {place for place, _ in members}
    known = {attempt.key: attempt for attempt in attempts}
    good = [(place, e) for place, e in members if _is_genuine(world, session, manifest, known, e)]
    for _, event in good:
        _suppress(world, session, manifest, event)
    for batch, seen in _by_attempt(e for _, e in good).items():
        world.ledger.saw(session, batch, seen)
    observe.count(
        bounced=sum(e.seen is Seen.BOUNCED for _, e in good),
        complained=sum(e.seen is Seen.COMPLAINED for _, e in good),
    )
    if good:
        _recount(world, session, manifest)
    if any(e.seen in _SUPPRESSES for _, e in good):
        _guard(world, session, key)
    return {place for place, _ in members} - {place for place, _ in good}


def _is_genuine(
    world: World, session: PartnerSession, manifest: Manifest, known: Mapping[BatchKey, Attempt], event: Event,
) -> bool:
    """Whether the event speaks of a message that this attempt really sent to this recipient."""
    attempt = known.get(event.ref.key)
    contact = manifest.member(event.ref.key.batch, event.ref.ordinal)
    if attempt is None or contact is None or event.ref.ordinal >= len(attempt.marks):
        return False
    if attempt.marks[event.ref.ordinal] != Mark.ADDRESSED:
        return False
    return _id_of(world, session, event.recipient) == contact


def _id_of(world: World, session: PartnerSession, address: str) -> ContactId | None:
    try:
        return world.vault.contact_id(session, normalise(address))
    except (Refused, NotFound):
        return None


def _suppress(world: World, session: PartnerSession, manifest: Manifest, event: Event) -> None:
    """A hard bounce or a complaint ends all mail to that contact, before anything else is written."""
    reason = _SUPPRESSES.get(event.seen)
    contact = manifest.member(event.ref.key.batch, event.ref.ordinal)
    if reason is not None and contact is not None:
        world.contacts.suppress(session, Suppression(
            contact=contact, reason=reason, at=event.at, source=manifest.key.run.campaign))


def _by_attempt(events: Iterable[Event]) -> dict[BatchKey, dict[Seen, frozenset[int]]]:
    """What the events prove, by attempt: one write an attempt, however many events there are."""
    united: dict[BatchKey, dict[Seen, frozenset[int]]] = {}
    for event in events:
        seen = united.setdefault(event.ref.key, {})
        seen[event.seen] = seen.get(event.seen, frozenset()) | {event.ref.ordinal}
    return united


def _recount(world: World, session: PartnerSession, manifest: Manifest) -> None:
    now = world.clock.now()
    attempts = world.ledger.attempts(session, manifest.key, 0, manifest.batches)
    world.ledger.count(session, manifest.key, tally(manifest, attempts), now)


def _guard(world: World, session: PartnerSession, key: SliceKey) -> None:
    """Hold the campaign when too many bounce or complain, unless a person has let that pass."""
    totals = sum((state.totals for state in world.ledger.slices(session, key.run)), Totals())
    reason = sending.guard(totals)
    if reason is None:
        return
    try:
        campaign = world.campaigns.get(session, key.run.campaign)
        if campaign.state is State.SENDING and campaign.hold_reason is not reason:
            control.hold(world, session, campaign.id, reason, actor=Actor.GUARD, by="feedback")
    except (Conflict, NotFound):
        return

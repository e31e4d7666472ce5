"""A partner's customers: how many there are, who would receive a mailing, one person's record.

Counting reads all 256 partitions, which no page can wait for. So a count is made after every
import and when somebody asks for it, always by the imports function, and stored with its time;
pages read it with one call and say "as of". Unsubscribes and bounces since then make the true
number smaller, never larger; the sender judges every single contact anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from chalicelib.domain.address import normalise
from chalicelib.domain.audience import Preflight, Tally, preflight_of
from chalicelib.domain.contact import Consent, LegalBasis, Suppression, SuppressionReason
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import ContactId, PersonId
from chalicelib.domain.people import Account
from chalicelib.domain.record import dataclass
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.ports.trust import require_customers
from chalicelib.usecases.world import World

PARTITIONS = 256

__all__ = [
    "Customer", "Preflight", "Summary", "ask_recount", "find", "may_see", "preflight", "recount", "stop_mailing",
    "summary",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Counts of a partner's customers, nothing of a single one.

    A customer with two legal bases counts under both; one that is not mailed counts under its
    reason only. ``as_of`` None: never counted, there was no import yet.
    """

    total: int = 0
    mailable: int = 0
    by_basis: Mapping[LegalBasis, int] = field(default_factory=dict)
    suppressed: Mapping[SuppressionReason, int] = field(default_factory=dict)
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer in the clear, for a member who may see customers."""

    id: ContactId
    address: str = field(repr=False)
    profile: Mapping[str, str] = field(default_factory=dict, repr=False)
    consents: tuple[Consent, ...] = ()
    suppression: Suppression | None = None
    created_at: datetime | None = None


def preflight(world: World, session: PartnerSession, market: str) -> Preflight:
    """How many would receive a mailing in this market and why others would not; one read."""
    require_customers(session)
    tally = world.contacts.tally(session)
    return preflight_of(tally, market) if tally is not None else Preflight()


def summary(world: World, session: PartnerSession, market: str = "all") -> Summary:
    """The counts that the customers' page shows; one read."""
    require_customers(session)
    tally = world.contacts.tally(session)
    if tally is None:
        return Summary()
    by_basis: Counter[LegalBasis] = Counter()
    for bases, count in tally.by_bases.items():
        for basis in bases:
            by_basis[basis] += count
    return Summary(
        total=tally.total, mailable=preflight_of(tally, market).receive,
        by_basis=dict(sorted(by_basis.items())), suppressed=dict(sorted(tally.suppressed.items())), as_of=tally.at,
    )


def recount(world: World, session: PartnerSession) -> Tally:
    """Count all customers and store the result; for the imports function only (it reads them all).

    The time is taken before the first read: what changes while it counts may or may not be in it.
    """
    require_customers(session)
    at = world.clock.now()
    suppressed: Counter[SuppressionReason] = Counter()
    by_bases: Counter[frozenset[LegalBasis]] = Counter()
    for byte in range(PARTITIONS):
        for record in world.contacts.scan(session, byte):
            if record.contact is None:
                continue
            if record.suppression is not None:
                suppressed[record.suppression.reason] += 1
            else:
                by_bases[frozenset(consent.basis for consent in record.contact.consents)] += 1
    tally = Tally(at=at, suppressed=dict(suppressed), by_bases=dict(by_bases))
    world.contacts.save_tally(session, tally)
    return tally


def ask_recount(world: World, session: PartnerSession) -> None:
    """Have the customers counted again soon; asking twice counts twice and harms nothing."""
    require_customers(session)
    world.queue.put(QueueName.IMPORTS, {"v": 1, "kind": "recount", "partner": session.partner})


def may_see(account: Account, session: PartnerSession, now: datetime) -> bool:
    """Whether a person has a membership at this partner, in force, that sees single customers."""
    return any(
        m.partner == session.partner and m.sees_contacts and (m.expires_at is None or m.expires_at > now)
        for m in account.memberships
    )


def find(world: World, account: Account, session: PartnerSession, address: str) -> Customer:
    """One customer by address, to answer that person's question.

    Raises NotFound to somebody who may not see customers, exactly as for an unknown address;
    Refused for what is no address.
    """
    require_customers(session)
    if not may_see(account, session, world.clock.now()):
        raise NotFound("customer")
    contact = world.vault.contact_id(session, normalise(address))
    record = world.contacts.read(session, [contact])[0]
    if record.contact is None:
        raise NotFound("customer")
    opened = world.vault.open(session, record.contact)
    return Customer(
        id=contact, address=opened.address, profile=opened.profile, consents=record.contact.consents,
        suppression=record.suppression, created_at=record.contact.created_at,
    )


def stop_mailing(world: World, actor: PersonId, session: PartnerSession, address: str) -> bool:
    """Record that somebody asked the partner, by phone or letter, for no more mail.

    Needs no right to see customers and tells nothing about them: it works for every address,
    known or not. Returns whether it was new. Raises Refused for what is no address.
    """
    require_customers(session)
    world.vault.create_keys(session)
    contact = world.vault.contact_id(session, normalise(address))
    return world.contacts.suppress(session, Suppression(
        contact=contact, reason=SuppressionReason.MANUAL, at=world.clock.now(), source=actor,
    ))

"""Exceptions: HQ lets one finding of one partner pass, in one place, with these words, for a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.ids import PartnerId
from chalicelib.domain.partner import Partner
from chalicelib.domain.people import Person
from chalicelib.domain.policy import ONE_REVIEWER, Policy
from chalicelib.domain.scope import Zone
from chalicelib.domain.waiver import Waiver, waiver_problems
from chalicelib.usecases.partner_change import change
from chalicelib.usecases.world import World

MAX_EXCEPTIONS = 50
"""They stand in the partner's own item, which every page reads."""
REMEMBERED = timedelta(days=365)


def of(world: World, partner: PartnerId) -> Sequence[Waiver]:
    """A partner's exceptions, those in force and those that were."""
    stored = world.partners.home(world.sessions.open(partner, Zone.REVIEW)).partner
    return sorted(stored.exceptions, key=lambda w: w.expires_at, reverse=True)


def day_end(text: str) -> datetime | None:
    """The end of a day (UTC) that was typed as 2026-12-31; None for what cannot be read: that is expired."""
    try:
        return datetime.combine(datetime.strptime(text.strip(), "%Y-%m-%d").date(), time.max, UTC)
    except ValueError:
        return None


def grant(
    world: World, by: Person, partner: PartnerId, *, print_: str, code: str, reason: str, expires: str,
    region: str = "", quote: str = "", policy: Policy = ONE_REVIEWER,
) -> Waiver:
    """Grant an exception within the bounds of the routes in force; raises Refused with all that speaks against it."""
    now, until = world.clock.now(), day_end(expires)
    problems = waiver_problems(code, reason, now, until, policy.never, policy.max_days)
    if len(print_) != 32 or not set(print_) <= set("0123456789abcdef"):
        problems.append(Problem("waiver.finding", "fingerprint"))
    if problems or until is None:
        raise Refused(problems)
    made = Waiver(
        fingerprint=print_, partner=partner, code=code, quote=quote[:200], region=region[:80],
        reason=" ".join(reason.split())[:500], granted_by=by.id, granted_at=now, expires_at=until,
    )
    _store(world, made)
    return made


def _store(world: World, made: Waiver) -> None:
    """Add it to the partner's, in place of one of the same fingerprint; what ended a year ago is forgotten.

    Raises Refused ``waiver.full``, Conflict ``partner.changed`` if the partner was changed three times meanwhile.
    """
    def with_it(stands: Partner) -> Partner:
        kept = tuple(
            w for w in stands.exceptions
            if w.fingerprint != made.fingerprint and w.expires_at > made.granted_at - REMEMBERED
        )
        if len(kept) >= MAX_EXCEPTIONS:
            raise Refused([Problem("waiver.full", "", {"max": MAX_EXCEPTIONS})])
        return replace(stands, exceptions=(*kept, made))

    change(world, made.partner, with_it)

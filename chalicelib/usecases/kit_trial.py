"""A kit tried on past submissions before it is in force: what it would find more and less, and whom it would stop.

The submissions are read as reviewers read them, with credentials that reach no customer. The newest are
taken, so many at most; each mail is rendered as it was submitted and judged twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from chalicelib.domain.campaign import Revision, State
from chalicelib.domain.compliance.document import Demands
from chalicelib.domain.compliance.finding import Finding
from chalicelib.domain.errors import NotFound, Refused
from chalicelib.domain.ids import PartnerId, ProgrammeId
from chalicelib.domain.kit import Kit
from chalicelib.domain.partner import Partner
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Scope, Zone
from chalicelib.ports.workflow import CampaignCard
from chalicelib.usecases import kits
from chalicelib.usecases.world import World

MOST = 25
"""Submissions that a trial looks at; each is rendered and judged twice, within a page's time."""
MAX_PROGRAMMES = 10


@dataclass(frozen=True, slots=True)
class Stopped:
    """A submission that the kit would have stopped: its campaign, whose it is, and the rules."""

    campaign: str
    partner: PartnerId
    programme: ProgrammeId
    codes: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """``changes`` are rules with their findings before and after, where these differ. ``unread`` could not be
    judged (their company's data or template changed in a way that renders no mail)."""

    looked_at: int = 0
    unread: int = 0
    more: bool = False
    changes: tuple[tuple[str, int, int], ...] = ()
    stopped: tuple[Stopped, ...] = ()


def dry_run(world: World, scope: Scope, new: Kit) -> Trial:
    """Judge the newest submissions by the kit in force and by ``new``."""
    before, after, stopped = Counter[str](), Counter[str](), list[Stopped]()
    looked_at = unread = 0
    cards, more = _newest(world)
    current = world.books.recent()
    for card, revision, partner in _submitted(world, cards, scope):
        if looked_at + unread == MOST:
            more = True
            break
        mail = _judged(world, revision, partner, kits.demand(current, scope).kit, new)
        if mail is None:
            unread += 1
            continue
        looked_at += 1
        old, fresh = mail
        before.update(f.code for f in old)
        after.update(f.code for f in fresh)
        known = {(f.code, f.region, f.quote) for f in old if f.blocks}
        found = [f for f in fresh if f.blocks and f.region and (f.code, f.region, f.quote) not in known]
        if found:
            stopped.append(Stopped(card.name, card.partner, card.programme, tuple(sorted({f.code for f in found})),
                                   tuple(dict.fromkeys(f.quote for f in found if f.quote))[:5]))
    codes = sorted(code for code in before.keys() | after.keys() if before[code] != after[code])
    return Trial(looked_at=looked_at, unread=unread, more=more, stopped=tuple(stopped),
                 changes=tuple((code, before[code], after[code]) for code in codes))


def _newest(world: World) -> tuple[Sequence[CampaignCard], bool]:
    """The campaigns that changed last, over the newest programmes."""
    programmes = world.programmes.list()
    found = [card for p in programmes[:MAX_PROGRAMMES] for card in world.indexes.cards(p.id, limit=2 * MOST)]
    found = [card for card in found if card.state is not State.DRAFT]
    return sorted(found, key=lambda c: c.updated_at, reverse=True), len(programmes) > MAX_PROGRAMMES


def _submitted(
    world: World, cards: Sequence[CampaignCard], scope: Scope,
) -> Iterator[tuple[CampaignCard, Revision, Partner]]:
    """Each campaign's last revision with its partner, for partners whose market the kit is for."""
    for card in cards:
        session = world.sessions.open(card.partner, Zone.REVIEW)
        try:
            partner = world.partners.home(session).partner
            if scope.market not in ("all", partner.market):
                continue
            history = world.campaigns.history(session, card.id)
        except NotFound:
            continue
        if history.revisions:
            yield card, max(history.revisions, key=lambda r: r.number), partner


def _judged(
    world: World, revision: Revision, partner: Partner, *kits_: Kit,
) -> tuple[list[Finding], ...] | None:
    """What each kit finds in the mail; None where it cannot be rendered any more."""
    from chalicelib.rendering.examine import examine
    from chalicelib.rendering.fill import LockedBytesChanged
    from chalicelib.rendering.mail import render

    version = world.templates.get(revision.template, revision.template_version)
    try:
        mail = render(version, values=revision.values, subject=revision.subject, preheader=revision.preheader,
                      entity=partner.entity)
    except (Refused, LockedBytesChanged):
        return None
    return tuple(examine(version, mail, partner.entity, Demands(
        kit=kit, sends_on=revision.start.local[:10], message_class=revision.message_class)) for kit in kits_)

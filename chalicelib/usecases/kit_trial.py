"""A kit tried on past submissions before it is in force: what it would find more and less, and whom it would stop.

The submissions are read as reviewers read them, with credentials that reach no customer. The newest are
looked through, so many at most; those of the kit's market are rendered as they were submitted and judged twice.
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
"""Submissions that a trial judges; each is rendered and judged twice, within a page's time."""
LOOKED_THROUGH = 60
"""Submissions that it looks through for those of one market, each partner read once."""
MAX_PROGRAMMES = 10
PER_PROGRAMME = 50


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
    """``changes`` are rules with their findings before and after, where these differ.

    ``judged`` submissions are those of the market among the newest ``looked_at`` of ``known``; ``more``: there are
    others that were not even counted. ``unread`` could not be judged (their company's data or template changed in
    a way that renders no mail).
    """

    judged: int = 0
    looked_at: int = 0
    known: int = 0
    unread: int = 0
    more: bool = False
    changes: tuple[tuple[str, int, int], ...] = ()
    stopped: tuple[Stopped, ...] = ()


def dry_run(world: World, scope: Scope, new: Kit) -> Trial:
    """Judge the newest submissions by the kit in force and by ``new``."""
    before, after, stopped = Counter[str](), Counter[str](), list[Stopped]()
    judged = looked_at = unread = 0
    cards, more = _newest(world)
    current = world.books.recent()
    for card, found in _submitted(world, cards[:LOOKED_THROUGH], scope):
        looked_at += 1
        if found is None:
            continue
        revision, partner = found
        mail = _judged(world, revision, partner, kits.demand(current, scope).kit, new)
        if mail is None:
            unread += 1
            continue
        judged += 1
        old, fresh = mail
        before.update(f.code for f in old)
        after.update(f.code for f in fresh)
        known = {(f.code, f.region, f.quote) for f in old if f.blocks}
        stops = [f for f in fresh if f.blocks and f.region and (f.code, f.region, f.quote) not in known]
        if stops:
            stopped.append(Stopped(card.name, card.partner, card.programme, tuple(sorted({f.code for f in stops})),
                                   tuple(dict.fromkeys(f.quote for f in stops if f.quote))[:5]))
        if judged + unread == MOST:
            break
    codes = sorted(code for code in before.keys() | after.keys() if before[code] != after[code])
    return Trial(judged=judged, looked_at=looked_at, known=len(cards), unread=unread, more=more, stopped=tuple(stopped),
                 changes=tuple((code, before[code], after[code]) for code in codes))


def _newest(world: World) -> tuple[Sequence[CampaignCard], bool]:
    """The campaigns that changed last, over the newest programmes; whether there are others."""
    programmes = world.programmes.list()
    found, more = list[CampaignCard](), len(programmes) > MAX_PROGRAMMES
    for programme in programmes[:MAX_PROGRAMMES]:
        cards = world.indexes.cards(programme.id, limit=PER_PROGRAMME)
        more = more or len(cards) == PER_PROGRAMME
        found += [card for card in cards if card.state is not State.DRAFT]
    return sorted(found, key=lambda c: c.updated_at, reverse=True), more


def _submitted(
    world: World, cards: Sequence[CampaignCard], scope: Scope,
) -> Iterator[tuple[CampaignCard, tuple[Revision, Partner] | None]]:
    """Each campaign, with its last revision and its partner where the kit is for the partner's market."""
    partners: dict[PartnerId, Partner | None] = {}
    for card in cards:
        session = world.sessions.open(card.partner, Zone.REVIEW)
        try:
            if card.partner not in partners:
                partners[card.partner] = world.partners.home(session).partner
            partner = partners[card.partner]
            history = world.campaigns.history(session, card.id) if partner and _is_for(scope, partner) else None
        except NotFound:
            partners.setdefault(card.partner, None)
            partner = history = None
        last = max(history.revisions, key=lambda r: r.number, default=None) if history else None
        yield card, (last, partner) if last and partner else None


def _is_for(scope: Scope, partner: Partner) -> bool:
    return scope.market in ("all", partner.market)


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

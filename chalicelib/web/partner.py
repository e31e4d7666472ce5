"""A partner's pages. This module has the home page and gathers the others' routes.

Every page is guarded by the partner in its path; whatever belongs to somebody else is the same
404 as what does not exist. A page reads the account, and then at most two more things.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from chalicelib.domain.campaign import Campaign, State
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import ProgrammeId, is_id
from chalicelib.domain.partner import Participation, ParticipationState
from chalicelib.domain.record import dataclass
from chalicelib.texts.partner import NEXT
from chalicelib.usecases import drafts
from chalicelib.usecases.drafts import EDITABLE
from chalicelib.web import (
    partner_assets,
    partner_campaign,
    partner_check,
    partner_customers,
    partner_edit,
    partner_fix,
    partner_last,
    partner_profile,
    partner_release,
    partner_version,
)
from chalicelib.web.guard import Visit, partner_page
from chalicelib.web.http import Answer, redirect
from chalicelib.web.pages import navigation, render
from chalicelib.web.partner_common import campaign_url, new_id, wording
from chalicelib.web.routes import Routes

LIMIT = 50
SOON = timedelta(days=7)
routes = Routes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A programme as the home page shows it. ``days`` is what is left until it closes."""

    part: Participation
    open: bool
    days: int
    soon: bool
    campaign: Campaign | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A campaign as the home page lists it, with what comes next."""

    campaign: Campaign
    url: str
    next: str


@routes.get("/p/{partner}")
@partner_page()
def home(visit: Visit) -> Answer:
    """Programmes open to the partner and its campaigns."""
    found = visit.world.partners.home(visit.credentials)
    before = visit.request.query.get("before")
    campaigns = visit.world.campaigns.list(
        visit.credentials, limit=LIMIT, before=before if is_id(before, "cmp") else "",
    )
    older = campaigns[-1].id if len(campaigns) == LIMIT else ""
    offers = _offers(visit, found.participations, campaigns)
    return render(
        visit, "partner/home.html", place=found.partner.name, active=navigation(visit)[0][0], partner=found.partner,
        offers=offers, lines=[_line(visit, campaign) for campaign in campaigns], older=older, first=not before,
        once=new_id(visit), closed=sum(p.closes_at <= visit.now for p in found.participations),
    )


def _offers(visit: Visit, parts: Sequence[Participation], campaigns: Sequence[Campaign]) -> list[Offer]:
    """What is not over yet, the nearest deadline first; with the draft that is already begun."""
    offers = []
    for part in sorted(parts, key=lambda p: p.closes_at):
        left = part.closes_at - visit.now
        if left <= timedelta() or part.state is ParticipationState.DECLINED:
            continue
        draft = next((c for c in campaigns if c.programme == part.programme and c.state in EDITABLE), None)
        offers.append(Offer(
            part=part, open=part.opens_at <= visit.now, days=left.days, soon=left <= SOON, campaign=draft,
        ))
    return offers


def _line(visit: Visit, campaign: Campaign) -> Line:
    page = ("edit",) if campaign.state is State.DRAFT else ()
    return Line(
        campaign=campaign, url=campaign_url(visit, campaign.id, *page), next=wording(visit, NEXT, campaign.state.value),
    )


@routes.post("/p/{partner}/programmes/{programme}/start")
@partner_page()
def start(visit: Visit, programme: str) -> Answer:
    """Begin a campaign in a programme and go on to its form."""
    if not is_id(programme, "prg"):
        raise NotFound
    campaign = drafts.start(
        visit.world, visit.credentials, visit.person, ProgrammeId(programme), visit.form.get("name"),
        once=visit.form.get("id"),
    )
    return redirect(campaign_url(visit, campaign.id, "edit"))


routes.include(partner_assets.routes)
routes.include(partner_edit.routes, partner_fix.routes, partner_last.routes, partner_check.routes)
routes.include(partner_campaign.routes, partner_customers.routes, partner_profile.routes, partner_version.routes)
routes.include(partner_release.routes)

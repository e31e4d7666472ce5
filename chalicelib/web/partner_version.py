"""Taking a newer version of the template over into a draft: what changes, and what becomes of each text."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import CampaignId, is_id
from chalicelib.usecases import versions
from chalicelib.web import partner_form
from chalicelib.web.guard import Visit, partner_page
from chalicelib.web.http import Answer, redirect
from chalicelib.web.pages import navigation, render
from chalicelib.web.partner_common import campaign_url, partner_name
from chalicelib.web.routes import Routes

routes = Routes()


@routes.get("/p/{partner}/campaigns/{campaign}/version")
@partner_page()
def look(visit: Visit, campaign: str) -> Answer:
    """What a newer version would change, before anything is changed."""
    if not is_id(campaign, "cmp"):
        raise NotFound
    found = versions.look(visit.world, visit.credentials, CampaignId(campaign))
    return render(
        visit, "partner/version.html", place=partner_name(visit), active=navigation(visit)[0][0], found=found,
        here={"edit": campaign_url(visit, campaign, "edit"), "version": campaign_url(visit, campaign, "version")},
    )


@routes.post("/p/{partner}/campaigns/{campaign}/version")
@partner_page()
def take(visit: Visit, campaign: str) -> Answer:
    """Put the draft on the version that was shown."""
    number = visit.form.get("number")
    if not is_id(campaign, "cmp") or not (number.isascii() and number.isdigit() and len(number) < 7):
        raise NotFound
    versions.take_over(
        visit.world, visit.credentials, visit.person, CampaignId(campaign),
        draft_version=partner_form.version_of(visit.form), number=int(number),
    )
    return redirect(campaign_url(visit, campaign, "edit", saved="1"))

"""Texts of the partner's last campaign in a new draft: what would come over, what not and why, field by field."""

from __future__ import annotations

from chalicelib.domain.errors import Conflict, Problem
from chalicelib.usecases import last, story
from chalicelib.usecases.story import Story
from chalicelib.web import partner_form
from chalicelib.web.guard import Visit, partner_page
from chalicelib.web.http import Answer, redirect
from chalicelib.web.pages import navigation, render
from chalicelib.web.partner_common import campaign_url, partner_name
from chalicelib.web.routes import Routes

routes = Routes()
MOST = 200
"""Fields that one form takes over."""


@routes.get("/p/{partner}/campaigns/{campaign}/last")
@partner_page()
def look(visit: Visit, campaign: str) -> Answer:
    """Every text of the last campaign beside the draft's own, before anything is changed."""
    return _page(visit, story.read(visit.world, visit.credentials, campaign))


@routes.post("/p/{partner}/campaigns/{campaign}/last")
@partner_page()
def take(visit: Visit, campaign: str) -> Answer:
    """Take the ticked texts over; 409 where somebody saved the draft meanwhile."""
    told = story.read(visit.world, visit.credentials, campaign)
    try:
        last.take(
            visit.world, visit.credentials, visit.person, told, partner_form.version_of(visit.form),
            frozenset(visit.form.all("take")[:MOST]),
        )
    except Conflict as conflict:
        if conflict.code != "draft.changed":
            raise
        return _page(visit, told, conflict.problem)
    return redirect(campaign_url(visit, told.id, "edit", taken="1"))


def _page(visit: Visit, told: Story, problem: Problem | None = None) -> Answer:
    found = last.look(visit.world, visit.credentials, told)
    return render(
        visit, "partner/last.html", status=409 if problem else 200, errors=[problem] if problem else [],
        place=partner_name(visit), active=navigation(visit)[0][0], found=found, name=told.name,
        here={name: campaign_url(visit, told.id, name) for name in ("edit", "last")},
    )

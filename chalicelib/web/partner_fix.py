"""Safe fixes in the form: one by its button, several from a page that shows each before and after."""

from __future__ import annotations

from functools import partial

from chalicelib.domain import undo
from chalicelib.domain.campaign import Draft
from chalicelib.usecases import fixes, gate, story
from chalicelib.usecases.story import Story
from chalicelib.web.forms import field_id
from chalicelib.web.guard import Visit, partner_page
from chalicelib.web.http import Answer, redirect
from chalicelib.web.pages import navigation, render
from chalicelib.web.partner_common import campaign_url
from chalicelib.web.partner_edit import kept
from chalicelib.web.partner_hints import field_of
from chalicelib.web.routes import Routes

routes = Routes()
MOST = 100
"""Fixes that one click takes."""


@routes.get("/p/{partner}/campaigns/{campaign}/fixes")
@partner_page()
def look(visit: Visit, campaign: str) -> Answer:
    """Every safe fix of the saved draft with its words before and after, before anything is changed."""
    told = story.read(visit.world, visit.credentials, campaign)
    if not told.editable:
        return redirect(campaign_url(visit, campaign))
    desk = visit.world.partners.desk(visit.credentials, told.programme)
    answers = gate.consider(visit.world, visit.credentials, told, desk)
    offers = [(field_of(offer.key), offer) for offer in fixes.of(visit.world, answers)]
    return render(
        visit, "partner/fixes.html", place=desk.partner.name, active=navigation(visit)[0][0], offers=offers,
        draft=answers.draft, here={name: campaign_url(visit, campaign, name) for name in ("edit", "fix")},
    )


@routes.post("/p/{partner}/campaigns/{campaign}/fix")
@partner_page()
def take(visit: Visit, campaign: str) -> Answer:
    """Save the draft with the chosen fixes, or with head office's text in one field again; 409 from a stale page."""
    if name := visit.form.get("reset"):
        write = partial(fixes.put_back, name=name)
    else:
        write = partial(fixes.take, wanted=frozenset(visit.form.all("fix")[:MOST]))
    return kept(visit, campaign, write, lambda told, saved: _done(visit, told, saved))


def _done(visit: Visit, told: Story, saved: Draft) -> Answer:
    """Back to the form at the first field that was changed."""
    before, after = undo.parts(told.history.draft), undo.parts(saved)
    changed = next((name for name in after if after[name] != before.get(name)), "")
    place = f"#{field_id(changed)}" if changed else ""
    return redirect(campaign_url(visit, told.id, "edit", fixed="1" if changed else "0") + place)

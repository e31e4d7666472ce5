"""Head office asks about a campaign under way: the mail as it is and as it would be, and the partner's answer."""

from __future__ import annotations

from chalicelib import texts
from chalicelib.domain.errors import NotFound, Problem
from chalicelib.domain.ids import CampaignId, is_id
from chalicelib.usecases import release_question
from chalicelib.web.guard import Visit, partner_page
from chalicelib.web.http import Answer, preview, redirect
from chalicelib.web.pages import navigation, render
from chalicelib.web.partner_common import campaign_url, partner_name
from chalicelib.web.routes import Routes

routes = Routes()


@routes.get("/p/{partner}/campaigns/{campaign}/look/{release}")
@partner_page()
def ask(visit: Visit, campaign: str, release: str) -> Answer:
    """What would change, and whether one click is enough."""
    question = _question(visit, campaign, release)
    return render(
        visit, "partner/look.html", place=partner_name(visit), active=navigation(visit)[0][0], question=question,
        sentence_of=lambda code: texts.sentence(Problem(code), visit.language),
        here={"status": campaign_url(visit, campaign), "answer": campaign_url(visit, campaign, "look", release),
              "now": campaign_url(visit, campaign, "preview"),
              "then": campaign_url(visit, campaign, "look", release, "mail"),
              "withdraw": campaign_url(visit, campaign, confirm="withdraw")},
    )


@routes.get("/p/{partner}/campaigns/{campaign}/look/{release}/mail")
@partner_page()
def mail(visit: Visit, campaign: str, release: str) -> Answer:
    """The mail as it would be; nothing is stored."""
    from chalicelib.domain.content import decode
    from chalicelib.rendering.placeholders import data_for, expand

    found = _question(visit, campaign, release).then
    if found.data is None:
        raise NotFound
    content = decode(found.data)
    return preview(expand(content, data_for(content, {}, "#"))[1])


@routes.post("/p/{partner}/campaigns/{campaign}/look/{release}")
@partner_page()
def answer(visit: Visit, campaign: str, release: str) -> Answer:
    """Take the new look over, or keep the old one."""
    wanted = visit.form.get("answer")
    if wanted not in ("take", "keep") or not is_id(campaign, "cmp") or not is_id(release, "rel"):
        raise NotFound
    release_question.answer(
        visit.world, visit.credentials, visit.person, CampaignId(campaign), release, take=wanted == "take",
        shown=visit.form.get("shown"),
    )
    return redirect(campaign_url(visit, campaign))


def _question(visit: Visit, campaign: str, release: str) -> release_question.Question:
    if not is_id(campaign, "cmp") or not is_id(release, "rel"):
        raise NotFound
    return release_question.ask(visit.world, visit.credentials, CampaignId(campaign), release)

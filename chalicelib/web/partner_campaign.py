"""One campaign after it was written: where it stands, its results, and what the partner may do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from chalicelib.domain.campaign import Actor, HoldReason, State
from chalicelib.domain.errors import Conflict, Problem
from chalicelib.domain.frame import open_one
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.totals import Totals
from chalicelib.texts.contacts import REASONS
from chalicelib.texts.partner import HOLDS, NEXT
from chalicelib.usecases import control, drafts, progress, story, submit
from chalicelib.usecases.story import Story
from chalicelib.web import http
from chalicelib.web.guard import Visit, partner_page
from chalicelib.web.http import Answer, redirect
from chalicelib.web.pages import environment, navigation, render
from chalicelib.web.partner_common import campaign_url, clock_time, new_id, partner_name, timeline, url, wording
from chalicelib.web.routes import Routes

routes = Routes()
ACTIONS: dict[State, tuple[str, ...]] = {
    State.DRAFT: ("edit",), State.CHANGES_REQUESTED: ("edit",), State.IN_REVIEW: ("withdraw",),
    State.APPROVED: ("withdraw", "hold"), State.SENDING: ("hold",), State.HELD: ("resume", "cancel"),
    State.SENT: ("again",), State.DECLINED: ("again",), State.EXPIRED: ("again",), State.CANCELLED: ("again",),
}
"""What the page offers in each state; the transition table decides again when it is done."""
WAITING = (State.IN_REVIEW, State.APPROVED, State.HELD)
"""Where head office may ask about a new look: submitted, and nothing is sent yet."""
EVENTS = ("delivered", "bounced", "complained", "opened", "clicked")
ANSWERS = timedelta(hours=1)
"""Nearly all mail servers have answered by then; what comes later is there when the page is loaded again."""
NEEDS_CONFIRMATION = ("withdraw", "cancel", "resend")


@routes.get("/p/{partner}/campaigns/{campaign}")
@partner_page()
def show(visit: Visit, campaign: str) -> Answer:
    """State, next step, numbers, the reviewer's words and the timeline."""
    return _page(visit, story.read(visit.world, visit.credentials, campaign))


def _page(visit: Visit, told: Story, problem: Problem | None = None, *, status: int = 200) -> Answer:
    numbers = _numbers(visit, told)
    return render(
        visit, "partner/campaign.html", status=status, errors=[problem] if problem else (),
        place=partner_name(visit) or visit.world.facts.org_name, active=navigation(visit)[0][0], story=told,
        next=wording(visit, NEXT, told.state.value), actions=ACTIONS[told.state], here=_links(visit, told),
        why_held=wording(visit, HOLDS, told.hold_reason.value) if told.hold_reason else "",
        answers=[a for a in reversed(told.history.asks) if a.verdict is not None], asks=_open_asks(told),
        proposal=_proposal(visit, told), timeline=timeline(visit, told), confirm=visit.request.query.get("confirm"),
        once=new_id(visit), **numbers,
    )


def _proposal(visit: Visit, told: Story) -> tuple[str, str] | None:
    """Head office's open question about a new look: its title and page, while the campaign waits."""
    if told.state not in WAITING or told.started or told.revision is None:
        return None
    found = open_one(told.history.proposals, told.revision.number, told.revision.template_version)
    return (found.title, campaign_url(visit, told.id, "look", found.release)) if found else None


def _numbers(visit: Visit, told: Story) -> dict[str, Any]:
    """The totals in words and numbers that add up; nothing before the first mail."""
    if not told.started:
        return {"totals": None, "lines": [], "events": [], "live": False, "arriving": False, "counted": ""}
    totals, left = progress.results_of(visit.world, visit.credentials, told.id, told.state)
    return {
        "totals": totals, "lines": lines(visit, totals), "live": told.state is State.SENDING,
        "arriving": _arriving(visit, told, totals),
        "events": [*((name, getattr(totals, name)) for name in EVENTS), ("unsubscribed", left)],
        "counted": clock_time(visit.now, told.history.draft.zone or "UTC"),
    }


def _arriving(visit: Visit, told: Story, totals: Totals) -> bool:
    """Whether a finished campaign was sent so lately that the answers of mail servers still come in."""
    ended = max((entry.at for entry in told.history.audit if entry.action == "finish"), default=None)
    late = ended is not None and visit.now - ended < ANSWERS
    return told.state is State.SENT and late and totals.delivered + totals.bounced < totals.sent


def lines(visit: Visit, totals: Totals) -> list[tuple[str, str, int]]:
    """What became of the audience: (kind, reason, count); the counts add up to the audience."""
    skipped = sorted(totals.suppressed.items(), key=lambda item: (-item[1], item[0]))
    found = [("sent", "", totals.sent)]
    found += [("skipped", wording(visit, REASONS, reason), count) for reason, count in skipped if count]
    rest = [("failed", totals.failed), ("unknown", totals.unknown), ("not_attempted", totals.not_attempted),
            ("pending", totals.pending)]
    return found + [(kind, "", count) for kind, count in rest if count]


def _open_asks(told: Story) -> list[str]:
    """Who is asked and has not answered yet."""
    if told.state is not State.IN_REVIEW or told.revision is None:
        return []
    return [a.person_name for a in told.history.asks if a.revision == told.revision.number and a.verdict is None]


def _links(visit: Visit, told: Story) -> dict[str, str]:
    names = ("edit", "preview", "preview.txt", "progress", "withdraw", "hold", "resume", "cancel", "again", "resend")
    links = {name: campaign_url(visit, told.id, name) for name in names}
    confirm = {f"confirm-{name}": campaign_url(visit, told.id, confirm=name) for name in NEEDS_CONFIRMATION}
    return links | confirm | {"status": campaign_url(visit, told.id), "home": url(visit)}


@routes.get("/p/{partner}/campaigns/{campaign}/progress")
@partner_page()
def show_progress(visit: Visit, campaign: str) -> Answer:
    """The numbers alone, asked for every five seconds; once it is over, the whole page is loaded again.

    A page that was loaded after the end asks with ``over=1`` until the mail servers have answered.
    """
    told = story.read(visit.world, visit.credentials, campaign)
    if not visit.request.htmx:
        return redirect(campaign_url(visit, campaign))
    body = environment(visit.language).get_template("partner/_progress.html").render(
        here=_links(visit, told), **_numbers(visit, told),
    )
    answer = http.page(body)
    known = told.state is State.SENDING or (told.state is State.SENT and visit.request.query.get("over") == "1")
    return answer if known else answer.with_header("HX-Refresh", "true")


def _step(visit: Visit, campaign: str, act: Callable[[CampaignId], object]) -> Answer:
    """Take a step and show where the campaign stands; a step that came too late says so on the page."""
    told = story.read(visit.world, visit.credentials, campaign)
    try:
        act(told.id)
    except Conflict as conflict:
        return _page(visit, story.read(visit.world, visit.credentials, campaign), conflict.problem, status=409)
    return redirect(campaign_url(visit, campaign))


@routes.post("/p/{partner}/campaigns/{campaign}/withdraw")
@partner_page()
def withdraw(visit: Visit, campaign: str) -> Answer:
    """Take it back until it is sent: it is a draft again, approval and links are void."""
    return _step(visit, campaign, lambda id_: submit.withdraw(visit.world, visit.credentials, visit.person, id_))


@routes.post("/p/{partner}/campaigns/{campaign}/hold")
@partner_page()
def hold(visit: Visit, campaign: str) -> Answer:
    """Pause: at most one batch goes out after this."""
    return _step(visit, campaign, lambda id_: control.hold(
        visit.world, visit.credentials, id_, HoldReason.PARTNER, actor=Actor.PARTNER, by=visit.person.id,
    ))


@routes.post("/p/{partner}/campaigns/{campaign}/resume")
@partner_page()
def resume(visit: Visit, campaign: str) -> Answer:
    """Go on from where it was paused."""
    return _step(visit, campaign, lambda id_: control.resume(
        visit.world, visit.credentials, id_, actor=Actor.PARTNER, by=visit.person.id,
    ))


@routes.post("/p/{partner}/campaigns/{campaign}/cancel")
@partner_page()
def cancel(visit: Visit, campaign: str) -> Answer:
    """End it for good."""
    return _step(visit, campaign, lambda id_: control.cancel(
        visit.world, visit.credentials, id_, actor=Actor.PARTNER, by=visit.person.id,
    ))


@routes.post("/p/{partner}/campaigns/{campaign}/resend")
@partner_page()
def resend(visit: Visit, campaign: str) -> Answer:
    """Send again to those whose mail was never confirmed; some of them may get it twice, and the page says so."""
    told = story.read(visit.world, visit.credentials, campaign)
    try:
        released = progress.resend_unknown(visit.world, visit.credentials, told.id, by=visit.person.id)
    except Conflict as conflict:
        return _page(visit, told, conflict.problem, status=409)
    if released.too_early and not released.recipients:
        return _page(visit, told, Problem("resend.too_early", "", {"count": released.too_early}), status=409)
    return redirect(campaign_url(visit, campaign))


@routes.post("/p/{partner}/campaigns/{campaign}/again")
@partner_page()
def again(visit: Visit, campaign: str) -> Answer:
    """Begin a new draft with this campaign's texts."""
    told = story.read(visit.world, visit.credentials, campaign)
    made = drafts.use_again(visit.world, visit.credentials, visit.person, told.id, once=visit.form.get("id"))
    return redirect(campaign_url(visit, made.id, "edit"))

"""What the partner's pages share: their URLs, their words, and who did what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from chalicelib import texts
from chalicelib.domain import schedule
from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import PersonId, make_id
from chalicelib.texts.partner import HOLDS, TITLES
from chalicelib.texts.times import local_time
from chalicelib.usecases.story import Story
from chalicelib.web.guard import Visit


def url(visit: Visit, *parts: str, **query: str) -> str:
    """A page of the partner in the path."""
    if visit.partner is None:
        raise NotFound
    return visit.urls.partner_page(visit.partner, *parts, **query)


def campaign_url(visit: Visit, campaign: str, *parts: str, **query: str) -> str:
    """A page of one campaign."""
    return url(visit, "campaigns", campaign, *parts, **query)


def new_id(visit: Visit) -> str:
    """An id that comes with a form, so that sending the form twice begins one campaign."""
    return make_id("cmp", visit.now, visit.world.entropy.bytes(10))


def partner_name(visit: Visit) -> str:
    """The partner's name as the membership has it; no read."""
    memberships = visit.account.memberships if visit.account else ()
    return next((m.partner_name for m in memberships if m.partner == visit.partner and m.partner_name), "")


def partner_zone(visit: Visit) -> str:
    """The partner's zone as the membership has it, UTC where it has none; no read."""
    memberships = visit.account.memberships if visit.account else ()
    return next((m.partner_zone for m in memberships if m.partner == visit.partner and m.partner_zone), "UTC")


def wording(visit: Visit, words: Mapping[str, str], code: str) -> str:
    """A phrase of a dictionary in the person's language; the code itself where there is none."""
    return texts.translations(visit.language).gettext(words[code]) if code in words else code


def clock_time(at: datetime, zone: str) -> str:
    """Hours and minutes in a zone, in UTC where the zone is not known."""
    try:
        return at.astimezone(schedule.zone_of(zone)).strftime("%H:%M")
    except KeyError:
        return at.strftime("%H:%M")


def colleague(visit: Visit, person: PersonId) -> str:
    """The name of a member, by one read; on the rare pages that must say who was faster."""
    if person == visit.person.id:
        return texts.translations(visit.language).gettext("You, in another window or tab,")
    try:
        return visit.world.people.account(person).person.name
    except NotFound:
        return texts.translations(visit.language).gettext("A colleague")


def who(visit: Visit, story: Story, entry: AuditEntry) -> str:
    """Who took a step, by what the trail and the reviewers' list know, without a read."""
    _ = texts.translations(visit.language).gettext
    known = {ask.person: ask.person_name for ask in story.history.asks}
    if entry.actor == visit.person.id:
        return _("you")
    if entry.actor in known:
        return known[PersonId(entry.actor)]
    if entry.action == "start" or entry.action == "finish" or entry.action == "lapse":
        return _("by itself")
    if entry.action in ("hold", "resume", "cancel") and entry.details.get("reason") == "hq":
        return _("head office")
    return _("a colleague") if entry.actor.startswith("prs_") else _("by itself")


Moment = tuple[datetime, str, str, str]
"""Time, zone, title and text of one entry of a timeline."""


def timeline(visit: Visit, story: Story) -> list[Moment]:
    """The trail as people read it, oldest first, in the zone of the draft."""
    zone = story.history.draft.zone or "UTC"
    return [
        (entry.at, zone, f"{wording(visit, TITLES, entry.action)} · {who(visit, story, entry)}",
         _text(visit, story, entry))
        for entry in story.history.audit
    ]


def _text(visit: Visit, story: Story, entry: AuditEntry) -> str:
    """What there is to say beside a step: the reviewer's reason, why it paused, which fields."""
    if entry.action in ("request_changes", "decline", "approve"):
        answers = (a for a in story.history.asks if a.person == entry.actor and a.answered_at is not None)
        return next((a.reason for a in answers if abs((a.answered_at or entry.at) - entry.at).total_seconds() < 5), "")
    if entry.action == "hold":
        return wording(visit, HOLDS, str(entry.details.get("reason", "")))
    if entry.action == "refused_locked":
        return str(entry.details.get("fields", ""))
    if entry.action == "submit":
        revision = next((r for r in story.history.revisions if r.number == entry.details.get("revision")), None)
        return revision.note if revision else ""
    return ""


def shown_time(visit: Visit, at: datetime, zone: str) -> str:
    """A moment with the city of its zone."""
    return local_time(at, zone, language=visit.language)

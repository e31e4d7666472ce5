"""A release's mails: one a person, whatever the number of campaigns, and none to whom nothing is left to do."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib import texts
from chalicelib.domain.campaign import State
from chalicelib.domain.errors import NotFound, Problem
from chalicelib.domain.ids import PartnerId
from chalicelib.domain.people import Person, Role
from chalicelib.domain.record import dataclass
from chalicelib.domain.release import Line, Record
from chalicelib.domain.scope import Zone
from chalicelib.rendering.mails import render_mail
from chalicelib.texts.times import local_time
from chalicelib.usecases import review_link, story, system_mail
from chalicelib.usecases.reframe import Site
from chalicelib.usecases.world import World

MAX_LINES = 100
"""Campaigns that one mail names; the others stand on the pages."""


def tell_partner(world: World, site: Site, lines: Sequence[Line]) -> None:
    """One mail to each of the partner's people, with every campaign that waits for them."""
    now, partner = world.clock.now(), site.look.partner
    for person_id in partner.people:
        account = world.people.account(person_id)
        if not account.roles_at(partner.id, now):
            continue
        language = account.person.language or partner.language
        told = [(line.name, f"{world.facts.base_url}/p/{partner.id}/campaigns/{line.campaign}",
                 texts.sentence(Problem(f"release.told.{line.outcome.value}"), language)) for line in lines[:MAX_LINES]]
        mail = render_mail("release_news", {
            "person": account.person, "release": site.release, "partner_name": partner.name, "lines": told,
            "more": max(0, len(lines) - MAX_LINES), "org_name": world.facts.org_name, "until": site.release.last_day,
            "url": f"{world.facts.base_url}/p/{partner.id}",
        }, texts.translations(language))
        system_mail.send(world, account.person, mail, kind="release_news")


@dataclass(frozen=True, slots=True)
class Again:
    """One campaign that a reviewer looks at again; ``when`` it starts is said in the reviewer's language."""

    name: str
    partner: str
    when: str
    url: str


def tell_reviewer(world: World, known: Record, person: Person) -> None:
    """One mail with a link for each campaign that waits for this reviewer; the code is the same for all of them."""
    if Role.REVIEWER not in world.people.account(person.id).roles_at(None, world.clock.now()):
        return
    code, waiting = review_link.new_code(world), []
    for result in known.results:
        for line in result.lines:
            if person.id in line.asked and (again := _link(world, result.partner, result.name, line, person, code)):
                waiting.append(again)
    if not waiting:
        return
    mail = render_mail("release_review", {
        "person": person, "release": known.release, "waiting": waiting, "code": code,
        "org_name": world.facts.org_name,
    }, texts.translations(person.language))
    system_mail.send(world, person, mail, kind="release_review")


def _link(world: World, partner: PartnerId, partner_name: str, line: Line, person: Person, code: str) -> Again | None:
    """A fresh link to a question that is still open; None where it is not."""
    session = world.sessions.open(partner, Zone.REVIEW)
    try:
        campaign = world.campaigns.get(session, line.campaign)
        history = world.campaigns.history(session, line.campaign)
    except NotFound:
        return None
    ask = next((a for a in history.asks if (a.revision, a.stage, a.person) == (
        line.revision, campaign.stage, person.id) and a.verdict is None), None)
    if campaign.state is not State.IN_REVIEW or campaign.revision != line.revision or ask is None:
        return None
    revision = story.revision_of(history, line.revision)
    url = review_link.make(
        world, person, campaign, revision, stage=campaign.stage, partner_name=partner_name, code=code)
    when = local_time(revision.start.at, revision.start.zone, language=person.language)
    return Again(campaign.name, partner_name, when, url)

"""Texts of the last campaign in a new draft: matched by field and type, shown first, taken one by one or all."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from chalicelib.domain.campaign import Draft
from chalicelib.domain.ids import CampaignId, TemplateId, make_id
from chalicelib.domain.scope import Scope
from chalicelib.rendering.source import compile_source
from chalicelib.usecases import access, submit
from tests.web.partner_stage import LOCAL, STARTER, Place, place

OWN = {
    "headline": "Our own headline", "hours": "Closed on Monday", "ends": "2026-03-20", "deadline.show": "yes",
    "offers.count": "2", "offers.1.service": "Brakes", "offers.2.service": "Wheels", "offers.2.cost": "35.00",
}


def stored(here: Place, campaign: str) -> Draft:
    """The draft as it is stored."""
    return here.world.campaigns.history(here.session, CampaignId(campaign)).draft


def sent_before(here: Place) -> str:
    """A campaign of the partner's that was submitted with texts of its own."""
    made = here.draft(subject="Our own subject", local_time=LOCAL, zone="Europe/Berlin",
                      **{f"value_{key}": text for key, text in OWN.items()})
    submit.submit(here.world, here.session, here.anna, made.id, 2, terms=True)
    return made.id


def later(here: Place, days: int) -> None:
    """Days pass, and Anna signs in again."""
    here.world.clock.advance(days=days)
    account = here.world.people.account(here.anna.id)
    here.browser.cookies["__Host-cs"], _ = access.start(here.world, account.person, here.browser.agent)


def ticked(body: str) -> list[str]:
    """The fields that the page offers."""
    return re.findall(r'name="take" value="([^"]+)" checked', body)


def text_of(body: str) -> str:
    """The words of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_a_new_draft_offers_the_texts_of_the_last_campaign() -> None:
    """The form leads to a page that shows each text now and then; looking changes nothing and costs three reads."""
    here = place()
    sent_before(here)
    made = here.draft()
    assert "Take texts over from your last campaign" in here.get("campaigns", made.id, "edit").body
    page = here.get("campaigns", made.id, "last")
    assert len(here.watched.database()) <= 3 and here.watched.writes() == [], here.watched.names()
    assert ticked(page.body) == ["subject", "headline", "offers.1.service", "offers.2.service", "offers.2.cost", "ends",
                                 "hours", "deadline"]
    text = text_of(page.body)
    assert "Now Back on the road, with a bike you can trust Last time Our own headline" in text
    assert "Times and customers are always chosen anew" in text and "Now Left out Last time In the mail" in text


def test_all_at_once() -> None:
    """What is ticked comes over in one save: copies of a group with their number, never a time; undo takes it back."""
    here = place()
    sent_before(here)
    made = here.draft()
    before = stored(here, made.id)
    take = ticked(here.get("campaigns", made.id, "last").body)
    got = here.browser.post(here.path("campaigns", made.id, "last"), {"csrf": here.csrf, "version": "1", "take": take})
    assert got.status == 303 and got.location.endswith("/edit?taken=1")
    after = stored(here, made.id)
    assert {key: after.values[key] for key in OWN} == OWN
    assert after.subject == "Our own subject" and after.version == 2
    assert (after.local_time, after.zone, after.on_lapse) == (before.local_time, before.zone, before.on_lapse)
    assert set(after.values) - set(before.values) <= {"offers.2.service", "offers.2.cost", "offers.2.cost.currency",
                                                      "offers.2.cost.until", "offers.count", "deadline.show"}
    here.post("campaigns", made.id, "undo", version="2")
    assert stored(here, made.id).values == before.values and stored(here, made.id).subject == before.subject


def test_field_by_field() -> None:
    """Only what is ticked comes over; the second entry of a group makes room for itself."""
    here = place()
    sent_before(here)
    made = here.draft()
    before = stored(here, made.id).values
    here.post("campaigns", made.id, "last", version="1", take="offers.2.service")
    after = stored(here, made.id).values
    assert after["offers.2.service"] == "Wheels" and after["offers.count"] == "2"
    assert after["headline"] == before["headline"]
    assert "offers.2.service" not in ticked(here.get("campaigns", made.id, "last").body)


@pytest.mark.parametrize("wanted", ["imprint", "hero", "nothing", "local_time", "ends", "unsubscribe"])
def test_what_cannot_come_over_is_left(wanted: str) -> None:
    """A locked part, what was never changed, a time, a day that is over: asked for all the same, nothing happens."""
    here = place()
    sent_before(here)
    made = here.draft()
    later(here, 25)
    before = stored(here, made.id)
    assert here.post("campaigns", made.id, "last", version="1", take=wanted).status == 303
    assert stored(here, made.id).values == before.values and stored(here, made.id).local_time == before.local_time


def test_a_day_that_is_over_is_named_with_the_reason() -> None:
    """What is not taken over stands in a list of its own, with why."""
    here = place()
    sent_before(here)
    made = here.draft()
    later(here, 25)
    body = here.get("campaigns", made.id, "last").body
    assert {"ends", "deadline"}.isdisjoint(ticked(body))
    assert "Offer ends on 2026-03-20 Its day is over" in text_of(body)


def test_a_field_that_is_gone_or_another_is_named() -> None:
    """On a newer version of the template each text says what becomes of it."""
    here = place()
    sent_before(here)
    source = STARTER.read_text("utf-8").replace('data-region="hours"', 'data-region="opening"').replace(
        'data-region="headline" data-region-type="text"', 'data-region="headline" data-region-type="date"'
        ' data-region-default="2027-01-01"')
    version = compile_source(source.encode()).version(
        template=here.template.template, number=2, scope=here.template.scope, name="Spring",
        published_by=here.anna.id, published_at=here.world.clock.now())
    here.world.templates.publish(version)
    here.world.programmes.programmes[here.programme.id] = replace(here.programme, template_version=2)
    made = here.draft()
    body = here.get("campaigns", made.id, "last").body
    assert {"headline", "hours", "opening"}.isdisjoint(ticked(body)) and "subject" in ticked(body)
    text = text_of(body)
    assert "Opening hours Closed on Monday The template has no place for it any more" in text
    assert "Headline Our own headline The template has no place for it any more" in text


def test_a_stale_page_takes_nothing_over() -> None:
    """Two tabs: the second is told, and sees what stands."""
    here = place()
    sent_before(here)
    made = here.draft()
    here.post("campaigns", made.id, "edit", version="1", subject="Meanwhile")
    got = here.post("campaigns", made.id, "last", version="1", take="headline")
    assert got.status == 409 and 'role="alert"' in got.body and "Meanwhile" in got.body
    assert stored(here, made.id).values["headline"] != "Our own headline"


def test_without_a_last_campaign_there_is_no_offer() -> None:
    """Neither for the first draft, nor for drafts that were never submitted, nor from another template."""
    here = place()
    first = here.draft(value_headline="Never sent")
    second = here.draft()
    for made in (first, second):
        assert "last campaign" not in here.get("campaigns", made.id, "edit").body
        assert here.get("campaigns", made.id, "last").status == 404
        assert here.post("campaigns", made.id, "last", version="1", take="headline").status == 404
    sent_before(here)
    other = compile_source(STARTER.read_bytes()).version(
        template=TemplateId(make_id("tpl", here.world.clock.now(), b"other67890")), number=1,
        scope=Scope(here.template.scope.org), name="Other", published_by=here.anna.id,
        published_at=here.world.clock.now())
    other = replace(other, family="")
    here.world.templates.publish(other)
    here.world.programmes.programmes[here.programme.id] = replace(here.programme, template=other.template)
    assert stored(here, here.draft().id).previous == ""


def test_a_family_shares_its_texts_over_languages() -> None:
    """The last campaign may stand on another language of the family: fields share their ids."""
    here = place()
    family = replace(here.template, family="spring", number=3)
    here.world.templates.publish(family)
    here.world.programmes.programmes[here.programme.id] = replace(here.programme, template_version=3)
    before = sent_before(here)
    german = replace(family, template=TemplateId(make_id("tpl", here.world.clock.now(), b"german7890")), number=1,
                     language="de")
    here.world.templates.publish(german)
    here.world.programmes.programmes[here.programme.id] = replace(here.programme, template=german.template,
                                                                   template_version=1)
    made = here.draft()
    assert stored(here, made.id).previous == before
    assert "headline" in ticked(here.get("campaigns", made.id, "last").body)


def test_a_draft_of_a_partner_cannot_reach_another_partners_texts() -> None:
    """The last campaign is read with the partner's own credentials: a foreign id is not found."""
    here, other = place(), place(seed=7, name="Other")
    foreign = sent_before(other)
    made = here.draft()
    draft = stored(here, made.id)
    here.world.campaigns.save_draft(here.session, replace(draft, version=2, previous=foreign))
    assert here.get("campaigns", made.id, "last").status == 404

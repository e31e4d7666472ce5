"""Safe fixes and the approval route in the form: shown with before and after, taken by a click, judged by the gate."""

from __future__ import annotations

import html
import re

import pytest

from chalicelib.domain.campaign import Draft
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.scope import Scope
from chalicelib.domain.waiver import fingerprint
from chalicelib.usecases import exceptions, gate, kits, lanes
from tests.web.partner_stage import LOCAL, Place, place

KIT = """
names: [{name: Nordlicht Bikes}, {name: Fjordrunner, mark: "®"}]
banned: {en: [cheapest]}
links: {hosts: [example.com]}
limits: {exclamations: 1, capitals: 1}
"""
LANES = """
lanes:
  - name: auto
    if: {changed_regions_risk: {at_most: low}, findings: {warn: 0, undecidable: 0, exceptions: 0}}
    requires: {reviewers: 0}
  - name: one
    if: {changed_regions_risk: {at_most: medium}, audience: {at_most: 50000}}
    requires: {chain: brand-manager, within_business_hours: 8}
  - name: two
    if_any: [{changed_regions_risk: {at_least: high}}]
    requires: {chain: brand-then-legal}
shadow: {first_decisions: 0}
default: two
"""
BY_RECORD = """
lanes:
  - name: auto
    if:
      partner: {approved_last_365d: {at_least: 3}, declined_last_365d: {at_most: 0}}
      budget: {auto_per_partner_week: 5}
    requires: {reviewers: 0}
  - name: one
    if: {audience: {at_most: 50000}}
    requires: {reviewers: 1}
shadow: {first_decisions: 0}
default: one
"""
SLIPS = {
    "value_headline": "With Nordlicht Bieks on tour", "value_button": "http://shop.example.com/x",
    "value_body": "<p>GREAT NEWS from <b>Fjordrunner</b>!!</p>",
}


def brand(seed: int = 0) -> Place:
    """A partner whose head office has a kit and approval routes."""
    here = place(seed=seed)
    scope = Scope(here.world.facts.org_id)
    kits.publish(here.world, here.reviewer, scope, KIT, number=1)
    lanes.publish(here.world, here.reviewer, scope, LANES, number=1)
    return here


def stored(here: Place, campaign: str) -> Draft:
    """The draft as it is stored."""
    return here.world.campaigns.history(here.session, CampaignId(campaign)).draft


def buttons(body: str, name: str = "fix") -> dict[str, str]:
    """The buttons of fixes: what they are about, and their value."""
    found = re.findall(rf'name="{name}" value="([^"]+)">[^<]*(?:<span class="visually-hidden">: ([^<]*))?', body)
    return {html.unescape(words): value for value, words in found}


def text_of(body: str) -> str:
    """The words of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_a_fix_stands_at_its_field_with_before_and_after() -> None:
    """Each safe fix names the words it takes out and those it puts in, at its own field."""
    here = brand()
    made = here.draft(**SLIPS)
    body = here.get("campaigns", made.id, "edit").body
    at = re.search(r'id="said-f-v-headline">(.*?)</div>', body, re.DOTALL)
    assert at and "Fix: replace Bieks by Bikes" in text_of(at.group(1))
    assert set(buttons(body)) == {"Bieks", "http://shop.example.com/x", "Fjordrunner!!", "GREAT … Fjordrunner!!"}
    at = re.search(r'id="said-f-v-button">(.*?)</div>', body, re.DOTALL)
    assert at and "replace http://shop.example.com/x by https://shop.example.com/x" in text_of(at.group(1))


def test_a_click_applies_exactly_this_fix() -> None:
    """The saved draft differs by the shown words alone; undo brings them back; a second click changes nothing."""
    here = brand()
    made = here.draft(**SLIPS)
    before = stored(here, made.id)
    fix = buttons(here.get("campaigns", made.id, "edit").body)["Bieks"]
    got = here.post("campaigns", made.id, "fix", version="2", fix=fix)
    assert got.status == 303 and got.location.endswith("/edit?fixed=1#f-v-headline")
    after = stored(here, made.id)
    assert after.values == {**before.values, "headline": "With Nordlicht Bikes on tour"}
    assert (after.subject, after.version) == (before.subject, before.version + 1)
    assert "Fixed and saved" in here.browser.get(got.location.partition("#")[0]).body
    again = here.post("campaigns", made.id, "fix", version="3", fix=fix)
    assert again.location.endswith("/edit?fixed=0") and stored(here, made.id).values == after.values
    here.post("campaigns", made.id, "undo", version="4")
    assert stored(here, made.id).values == before.values


def test_a_stale_fix_is_a_conflict() -> None:
    """Somebody saved meanwhile: 409, nothing is changed, and the form shows what stands."""
    here = brand()
    made = here.draft(**SLIPS)
    fix = buttons(here.get("campaigns", made.id, "edit").body)["Bieks"]
    here.post("campaigns", made.id, "edit", version="2", subject="Meanwhile")
    got = here.post("campaigns", made.id, "fix", version="2", fix=fix)
    assert got.status == 409 and "Somebody saved this draft before you" in got.body
    assert "Bieks" in stored(here, made.id).values["headline"]


def test_what_is_typed_is_kept_with_the_fix() -> None:
    """The button posts the form: unsaved text is saved, then fixed, and each can be undone by itself."""
    here = brand()
    made = here.draft(**SLIPS)
    fix = buttons(here.get("campaigns", made.id, "edit").body)["Bieks"]
    typed = {"version": "2", "fix": fix, "v.headline": "Nordlicht Bieks, and more", "subject": "Typed"}
    assert here.send(("campaigns", made.id, "fix"), typed).status == 303
    assert stored(here, made.id).values["headline"] == "Nordlicht Bikes, and more"
    here.post("campaigns", made.id, "undo", version="3")
    assert stored(here, made.id).values["headline"] == "Nordlicht Bieks, and more"
    assert stored(here, made.id).subject == "Typed"


def test_all_safe_fixes_on_one_page() -> None:
    """The page shows every change in its words; what is ticked is done at once, and the findings are gone."""
    here = brand()
    made = here.draft(**SLIPS)
    before = stored(here, made.id).values
    body = here.get("campaigns", made.id, "fixes").body
    assert len(here.watched.database()) <= 3, here.watched.names()
    ids = re.findall(r'name="fix" value="(\w+)" checked', body)
    assert len(ids) == 4 and stored(here, made.id).version == 2
    assert "<del>Bieks</del>" in body and "<ins>Bikes</ins>" in body
    got = here.browser.post(here.path("campaigns", made.id, "fix"), {"csrf": here.csrf, "version": "2", "fix": ids})
    assert got.status == 303
    after = stored(here, made.id).values
    assert after["headline"] == "With Nordlicht Bikes on tour"
    assert after["button"] == "https://shop.example.com/x"
    assert after["body"] == "<p>Great NEWS from <b>Fjordrunner®</b>!</p>"
    assert {key for key in after if after[key] != before[key]} == {"headline", "button", "body"}
    assert "There is nothing to fix by a click" in here.get("campaigns", made.id, "fixes").body
    got = here.browser.post(here.path("campaigns", made.id, "fix"), {"csrf": here.csrf, "version": "2", "fix": ids})
    assert got.status == 409


def test_an_address_without_its_scheme_is_fixed_before_there_is_a_mail() -> None:
    """It keeps the mail from being made, so no rule is run yet; the fix is offered all the same."""
    here = brand()
    made = here.draft(value_button="shop.example.com/x")
    fix = buttons(here.get("campaigns", made.id, "edit").body)["shop.example.com/x"]
    assert here.post("campaigns", made.id, "fix", version="2", fix=fix).status == 303
    assert stored(here, made.id).values["button"] == "https://shop.example.com/x"


@pytest.mark.parametrize("name", ["imprint", "unsubscribe", "nothing", "../x", "subject.x"])
def test_locked_parts_are_out_of_reach(name: str) -> None:
    """A name that is no open field changes nothing, whether as a fix or as a text to put back."""
    here = brand()
    made = here.draft(**SLIPS)
    before = stored(here, made.id).values
    for field in ("fix", "reset"):
        version = str(stored(here, made.id).version)
        assert here.post("campaigns", made.id, "fix", version=version, **{field: name}).status == 303
        assert stored(here, made.id).values == before


def test_a_finding_that_is_excepted_is_named_so_and_not_fixed() -> None:
    """The form knows of exceptions as the gate does: the word is a note, the routes count the exception."""
    here = brand()
    made = here.draft(value_headline="The cheapest check-up", local_time=LOCAL, zone="Europe/Berlin")
    body = here.get("campaigns", made.id, "hints").body
    assert "Blocks" in body and "cheapest" in body
    assert len(here.watched.database()) <= 3, here.watched.names()
    (key, finding), = gate.look(here.world, here.session, made.id).waivable
    exceptions.grant(here.world, here.reviewer, here.ours.id, print_=key, code=finding.code,
                     reason="The name of a book", expires="2026-03-30")
    body = here.get("campaigns", made.id, "hints").body
    assert "Blocks" not in body and "An exception of head office covers this." in text_of(body)
    assert gate.look(here.world, here.session, made.id).route.facts.exceptions == ("BRD009",)


def test_a_fix_is_taken_by_the_facts_by_which_it_is_offered() -> None:
    """A form that was open while an exception was granted takes no fix of what the exception lets pass."""
    here = brand()
    made = here.draft(**SLIPS)
    button = buttons(here.get("campaigns", made.id, "edit").body)["Bieks"]
    answers = gate.look(here.world, here.session, made.id)
    finding, = [f for f in answers.findings if f.code == "BRD007"]
    key = fingerprint(answers.template.template, answers.template.number, finding)
    exceptions.grant(here.world, here.reviewer, here.ours.id, print_=key, code=finding.code,
                     reason="The name of a book", expires="2026-03-30")
    assert "Bieks" not in buttons(here.get("campaigns", made.id, "edit").body)
    before, version = stored(here, made.id).values, str(stored(here, made.id).version)
    assert here.post("campaigns", made.id, "fix", version=version, fix=button).status == 303
    assert stored(here, made.id).values == before


def test_taking_a_fix_asks_the_library_as_the_check_does() -> None:
    """Both judge with what is known of the pictures."""
    here = brand()
    made = here.draft(**SLIPS)
    here.watched.calls.clear()
    assert here.get("campaigns", made.id, "edit").status == 200
    assert "assets.recent" in here.watched.names()
    button = buttons(here.get("campaigns", made.id, "edit").body)["Bieks"]
    here.watched.calls.clear()
    assert here.post("campaigns", made.id, "fix", version=str(stored(here, made.id).version), fix=button).status == 303
    assert "assets.recent" in here.watched.names()


# --- the route while editing

def test_routes_that_ask_for_the_partners_record_cost_no_further_read() -> None:
    """Approved, declined, at once this week: form, hints and check page know it within three calls, writing nothing."""
    here = place()
    scope = Scope(here.world.facts.org_id)
    lanes.publish(here.world, here.reviewer, scope, BY_RECORD, number=1)
    made = here.draft(local_time=LOCAL, zone="Europe/Berlin")
    for page in ("edit", "hints", "check", "fixes"):
        assert here.get("campaigns", made.id, page).status == 200
        assert len(here.watched.database()) <= 3, (page, here.watched.names())
        assert here.watched.writes() == [], page
    facts = gate.look(here.world, here.session, made.id).route.facts
    assert (facts.approved, facts.declined, facts.auto_week) == (0, 0, 0)



def test_the_route_stands_in_the_form_and_follows_each_save() -> None:
    """What the form says is what a submission would take: risk by risk, with the change that would make it faster."""
    here = brand()
    made = here.draft()
    body = text_of(here.get("campaigns", made.id, "edit").body)
    assert len(here.watched.database()) <= 3, here.watched.names()
    assert "Approved at once, without a reviewer" in body
    assert "All 60 checks pass; audience 1,204; you changed nothing of head office’s text." in body
    for version, (key, text, lane, said) in enumerate((
        ("hours", "Closed on Monday", "auto", "you changed Opening hours (low risk)."),
        ("headline", "A day out", "one", "Headline (medium risk)"),
        ("price", "Spring check-up for €59", "two", "Price line (high risk)"),
    ), 1):
        here.send(("campaigns", made.id, "edit"), {"version": str(version), f"v.{key}": text})
        body = text_of(here.get("campaigns", made.id, "hints").body)
        assert len(here.watched.database()) <= 3, here.watched.names()
        assert said in body
        assert gate.look(here.world, here.session, made.id).lane.name == lane
    assert "2 reviewers decide" in body
    assert "Without that change it could be: One reviewer decides." in body


def test_a_route_tells_in_how_many_hours_an_answer_is_asked_for() -> None:
    """The lane's own hours, where it has any."""
    here = brand()
    made = here.draft(value_headline="A day out")
    body = text_of(here.get("campaigns", made.id, "hints").body)
    assert "One reviewer decides (an answer is asked for within 8 working hours)" in body
    assert "Without that change it could be: Approved at once, without a reviewer. Headline" in body


def test_the_smallest_change_is_a_click_at_its_field() -> None:
    """Head office's text is put back in the field that costs the faster route, and in no other."""
    here = brand()
    made = here.draft(value_headline="A day out", value_hours="Closed")
    body = here.get("campaigns", made.id, "edit").body
    assert re.findall(r'name="reset" value="([^"]+)"', body) == ["headline"]
    got = here.post("campaigns", made.id, "fix", version="2", reset="headline")
    assert got.location.endswith("#f-v-headline")
    after = stored(here, made.id).values
    assert after["headline"] == here.template.region("headline").default and after["hours"] == "Closed"  # type: ignore[union-attr]
    assert gate.look(here.world, here.session, made.id).lane.name == "auto"
    assert 'name="reset"' not in here.get("campaigns", made.id, "edit").body


def test_a_warning_takes_the_fast_route_away_and_its_fix_gives_it_back() -> None:
    """Findings are conditions like any other; the page says what is there and what is wanted."""
    here = brand()
    made = here.draft(value_hours="Nordlicht Bieks: closed")
    body = here.get("campaigns", made.id, "edit").body
    assert "One reviewer decides" in text_of(body) and "59 of 60 checks pass" in text_of(body)
    assert re.search(r'Warnings</th><td[^>]*>1</td><td[^>]*>at most 0</td>', body)
    here.post("campaigns", made.id, "fix", version="2", fix=buttons(body)["Bieks:"])
    assert "All 60 checks pass" in text_of(here.get("campaigns", made.id, "hints").body)
    assert gate.look(here.world, here.session, made.id).lane.name == "auto"


def test_the_fragment_brings_each_field_its_hints() -> None:
    """After an autosave the hints at the fields are swapped with the list, whether there are any or not."""
    here = brand()
    made = here.draft(**SLIPS)
    body = here.get("campaigns", made.id, "hints").body
    shown = set(re.findall(r'<div class="said" id="([^"]+)">', here.get("campaigns", made.id, "edit").body))
    again = set(re.findall(r'<div class="said" id="([^"]+)" hx-swap-oob="true">', body))
    assert shown == again and "said-f-v-headline" in again and len(again) > 15


def test_hints_and_fixes_of_another_partner_are_the_same_404() -> None:
    """A foreign campaign has no hints, no fixes and takes none."""
    here, other = brand(), place(seed=7, name="Other")
    foreign = other.draft()
    for parts in (("hints",), ("fixes",), ("edit",)):
        assert here.get("campaigns", foreign.id, *parts).status == 404
    assert here.post("campaigns", foreign.id, "fix", version="1", fix="x").status == 404

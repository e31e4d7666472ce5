"""The partner's home, profile and what holds for all of its pages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.ids import PartnerId, make_id
from chalicelib.domain.people import Membership, Role
from chalicelib.domain.totals import Totals
from chalicelib.usecases import imports
from tests.web import stage
from tests.web.partner_stage import ROUTES, Place, place

HOSTILE = ('"><script>alert(1)</script>', "'\"><img src=x onerror=alert(1)>", "{{7*7}}{% raw %}", "javascript:alert(1)")


def all_pages(here: Place) -> dict[str, tuple[str, ...]]:
    """A page of every kind, by a name for the report."""
    draft, review = here.draft().id, here.submitted().id
    sending = here.sending(Totals(audience=4, sent=2, unknown=1, pending=1)).id
    batch, _ = imports.start_import(
        here.world, here.anna.id, here.session, file_name="a.csv", basis="double_opt_in", source="web", wording="Yes",
        attest=True,
    )
    return {
        "home": (), "profile": ("profile",), "edit": ("campaigns", draft, "edit"), "status": ("campaigns", review),
        "check": ("campaigns", draft, "check"),
        "preview": ("campaigns", draft, "preview"), "text": ("campaigns", draft, "preview.txt"),
        "hints": ("campaigns", draft, "hints"), "sending": ("campaigns", sending), "customers": ("customers",),
        "import": ("customers", "import"), "sample": ("customers", "sample.csv"),
        "upload": ("customers", "imports", batch.id),
    }


def test_every_page_reads_at_most_three_times_and_writes_nothing() -> None:
    """A page costs at most three DynamoDB calls, the account included, and GET changes nothing."""
    here = place()
    for name, parts in all_pages(here).items():
        got = here.get(*parts)
        assert got.status == 200, name
        assert len(here.watched.database()) <= 3, (name, here.watched.database())
        assert here.watched.writes() == [], name


def test_home_shows_programme_deadline_and_action() -> None:
    """An open programme shows its window, what is left of it, its brief and one action."""
    got = place().get()
    for words in ("Spring check", "Invite your customers", "30 days left", "Start a campaign", "in three steps"):
        assert words in got.body, words


def test_home_without_programmes_says_what_happens() -> None:
    """An empty state tells the next step."""
    here = place()
    here.world.partners.participations.clear()
    assert "Head office opens programmes" in here.get().body


def test_start_leads_to_the_form_and_closed_programmes_refuse() -> None:
    """Starting makes one draft; after the window it is a conflict that says so."""
    here = place()
    got = here.post("programmes", here.programme.id, "start")
    assert got.status == 303 and got.location.endswith("/edit")
    assert here.browser.get(got.location).status == 200
    here.world.clock.advance(days=2)
    here.world.programmes.programmes[here.programme.id] = replace(here.programme, closes_at=here.world.clock.now())
    assert here.post("programmes", here.programme.id, "start").status == 409


def test_a_double_click_begins_one_campaign() -> None:
    """The form brings an id of its own: sent twice, also after it was filled, it leads to the same draft."""
    here = place()
    form = here.get()
    first = here.post("programmes", here.programme.id, "start", id=form.field("id"))
    campaign = first.location.split("/")[-2]
    assert here.post("campaigns", campaign, "edit", version="1", subject="Mine").status == 303
    second = here.post("programmes", here.programme.id, "start", id=form.field("id"))
    assert first.status == second.status == 303 and first.location == second.location
    assert 'value="Mine"' in here.browser.get(second.location).body
    assert len(here.world.campaigns.list(here.session)) == 1
    for other in ("", "cmp_x", "prg_" + "0" * 26, "../" + form.field("id")):
        assert here.post("programmes", here.programme.id, "start", id=other).location != first.location


def test_a_form_id_of_another_partners_campaign_opens_nothing_of_it() -> None:
    """A campaign's id counts within its partner: who sends a foreign one gets a campaign of their own."""
    here, other = place(), place(name="Other", seed=1)
    theirs = other.draft(subject="Secret plan")
    here.world.campaigns.controls.update(other.world.campaigns.controls)
    here.world.campaigns.beside.update(other.world.campaigns.beside)
    got = here.post("programmes", here.programme.id, "start", id=theirs.id)
    assert got.status == 303 and "Secret plan" not in here.browser.get(got.location).body
    assert other.world.campaigns.history(other.session, theirs.id).draft.subject == "Secret plan"
    assert here.world.campaigns.get(here.session, theirs.id).partner == here.ours.id


def test_foreign_ids_of_every_kind_are_the_same_404() -> None:
    """N33, N36: a foreign, unknown or malformed id answers byte for byte alike, on every page."""
    here, other = place(), place(name="Other", seed=1)
    theirs = other.draft().id
    here.world.campaigns.controls.update(other.world.campaigns.controls)
    here.world.campaigns.beside.update(other.world.campaigns.beside)
    unknown = make_id("cmp", here.world.clock.now(), bytes(10))
    pages = ("", "edit", "preview", "preview.txt", "hints", "check", "progress")
    bodies = set()
    for campaign in (theirs, unknown, "cmp_x", "..", "prs_" + "0" * 26):
        for name in pages:
            got = here.get("campaigns", campaign, *([name] if name else []))
            assert got.status == 404, (campaign, name)
            bodies.add(got.body)
    for batch in (make_id("imp", here.world.clock.now(), bytes(10)), "imp_x"):
        for tail in ((), ("progress",), ("refused.csv",)):
            got = here.get("customers", "imports", batch, *tail)
            assert got.status == 404
            bodies.add(got.body)
    assert len(bodies) == 1


@pytest.mark.parametrize("verb", [
    "edit", "submit", "withdraw", "hold", "resume", "cancel", "again", "resend", "test-mail",
])
def test_no_step_of_a_foreign_campaign(verb: str) -> None:
    """N15, N38: every verb on a foreign campaign is 404, and nothing was written."""
    here, other = place(), place(name="Other", seed=1)
    theirs = other.draft().id
    here.world.campaigns.controls.update(other.world.campaigns.controls)
    here.world.campaigns.beside.update(other.world.campaigns.beside)
    before = dict(here.world.campaigns.controls)
    assert here.post("campaigns", theirs, verb, version="1").status == 404
    assert here.world.campaigns.controls == before


def test_only_members_see_the_partner() -> None:
    """N36, N39: HQ, reviewers, members of another partner and strangers get the same 404 or sign in."""
    here = place()
    draft = here.draft().id
    paths = [here.path(), here.path("customers"), here.path("campaigns", draft, "preview")]
    hq = stage.person(here.world, "Hanna", [Role.HQ_ADMIN, Role.HQ_DESIGNER, Role.REVIEWER])
    foreign = stage.person(here.world, "Tom", {Role.PARTNER_ADMIN: PartnerId("prt_" + "9" * 26)})
    for who in (hq, foreign):
        browser = stage.browser(here.world, who, routes=ROUTES, surface="partner")
        assert {browser.get(path).status for path in paths} == {404}
    stranger = stage.browser(here.world, None, routes=ROUTES, surface="partner")
    assert all(stranger.get(path).status == 303 for path in paths)


def test_a_form_without_the_token_changes_nothing() -> None:
    """N2, N20: every step without this session's token is refused."""
    here = place()
    made = here.ready()
    for verb in ("edit", "submit", "withdraw", "test-mail"):
        got = here.send(("campaigns", made.id, verb), {"csrf": "wrong", "version": "2"})
        assert got.status == 403
    assert here.world.campaigns.get(here.session, made.id).state.value == "draft"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_values_are_inert_on_every_page(text: str) -> None:
    """N9, N28, N30: what people typed never becomes markup of our pages."""
    here = place(name=text)
    member = next(iter(here.world.people.memberships.values()))
    assert isinstance(member, Membership)
    made = here.draft(subject=text, preheader=text, value_headline=text, value_price=text)
    here.world.people.persons[here.anna.id] = replace(here.anna, name=text)
    here.world.partners.participations = {
        key: replace(part, title=text, params={"brief": text})
        for key, part in here.world.partners.participations.items()
    }
    here.world.imports.save(here.session, replace(imports.start_import(
        here.world, here.anna.id, here.session, file_name="x.csv", basis="double_opt_in", source=text, wording=text,
        attest=True,
    )[0], version=2), expected_version=1)
    pages = [(), ("profile",), ("customers",), ("campaigns", made.id), ("campaigns", made.id, "edit"),
             ("campaigns", made.id, "check"), ("campaigns", made.id, "hints"), ("campaigns", made.id, "preview")]
    for parts in pages:
        got = here.get(*parts)
        assert got.status == 200, parts
        assert "<script>alert" not in got.body and "<img src=x" not in got.body, parts
        assert 'href="javascript:' not in got.body and ">49<" not in got.body, parts

"""HQ's pages: who may open them, what they cost and change, and their forms."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.campaign import Campaign, Draft, State
from chalicelib.domain.ids import CampaignId, PersonId, ProgrammeId, TemplateId, make_id
from chalicelib.domain.partner import Partner
from chalicelib.domain.people import Person, Role
from chalicelib.domain.scope import Zone
from chalicelib.domain.step import record
from chalicelib.usecases import programmes, publish
from tests.fakes.world import FakeWorld
from tests.web import stage
from tests.web.client import Browser

TPL = "tpl_" + "1" * 26
PRG = "prg_" + "1" * 26
PRT = "prt_" + "1" * 26
ADMIN_ONLY = ("/hq/programmes/new", "/hq/partners", "/hq/partners/invite", "/hq/people", "/hq/stop")
STAFF = (
    "/hq", "/hq/templates", "/hq/templates/new", f"/hq/templates/new?template={TPL}", f"/hq/templates/{TPL}/1",
    f"/hq/templates/{TPL}/1/preview", f"/hq/templates/{TPL}/1/preview?show=fields", "/hq/programmes",
    f"/hq/programmes/{PRG}",
)
POSTS = (
    "/hq/templates", "/hq/templates/check", "/hq/programmes", f"/hq/programmes/{PRG}/tell", "/hq/partners/invite",
    "/hq/people", "/hq/stop",
)


def furnished() -> tuple[FakeWorld, Person]:
    """A world with an admin, a template and a programme."""
    world = FakeWorld()
    admin = stage.person(world, "Hanna", [Role.HQ_ADMIN, Role.REVIEWER])
    publish.publish(world, admin, publish.Upload(
        template=TPL, number=1, name="Spring check", language="", source=stage.SOURCE,
    ))
    programmes.define(world, admin, definition(world))
    return world, admin


def definition(world: FakeWorld, **changed: str) -> programmes.Definition:
    """A good form of a programme."""
    day = world.clock.now()
    values = {
        "id": PRG, "title": "Spring", "brief": "Bring them in.", "template": f"{TPL}/1", "zone": "Europe/Berlin",
        "opens": (day - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
        "closes": (day + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M"), "reviewers": "hanna@example.com",
    }
    return programmes.Definition(**{**values, **changed})


def roles_of(name: str) -> list[Role]:
    """A person's roles at HQ in the matrix below."""
    return {"admin": [Role.HQ_ADMIN], "designer": [Role.HQ_DESIGNER], "reviewer": [Role.REVIEWER], "nobody": []}[name]


@pytest.mark.parametrize("path", [*STAFF, *ADMIN_ONLY])
@pytest.mark.parametrize("who", ["admin", "designer", "reviewer", "nobody", "partner", "stranger"])
def test_who_may_open_which_page(path: str, who: str) -> None:
    """Roles x pages: whoever has no right to a page gets the same 404 as for no page at all (N14, N36)."""
    world, _ = furnished()
    if who == "stranger":
        assert stage.browser(world).get(path).location.startswith("https://hq.example.com/sign-in?next=%2Fhq")
        return
    if who == "partner":
        person = stage.person(world, "Paul", {Role.PARTNER_ADMIN: stage.partner(world).id})
    else:
        person = stage.person(world, "Wendy", roles_of(who))
    browser = stage.browser(world, person)
    got = browser.get(path)
    allowed = who == "admin" or (who == "designer" and path in STAFF)
    assert got.status == (200 if allowed else 404)
    if not allowed:
        assert got.body == browser.get("/hq/programmes/prg_" + "z" * 26).body == browser.get("/hq/templates/x/1").body


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("who", ["designer", "reviewer", "nobody"])
def test_who_may_send_which_form(path: str, who: str) -> None:
    """A form that is not a person's to send changes nothing and answers 404, like one that does not exist (N38)."""
    base, _ = furnished()
    world = stage.Watched(base)
    browser = stage.browser(world, stage.person(base, "Wendy", roles_of(who)))
    token = browser.get("/sessions").field("csrf")
    world.calls.clear()
    got = browser.post(path, {"csrf": token})
    if who == "designer" and path.startswith("/hq/templates"):
        assert got.status in (404, 422)
    else:
        assert got.status == 404
    assert world.writes() == []


@pytest.mark.parametrize("path", [*STAFF, *ADMIN_ONLY, "/sessions", "/start", "/sign-in", "/"])
def test_reading_changes_nothing_and_costs_three_calls_at_most(path: str) -> None:
    """GET and HEAD of every page write nothing, and cost at most three DynamoDB calls."""
    base, admin = furnished()
    world = stage.Watched(base)
    browser = stage.browser(world, admin)
    for ask in (browser.get, browser.head):
        world.calls.clear()
        assert ask(path).status in (200, 303)
        assert world.writes() == []
        assert len(world.database()) <= 3, world.names()


@pytest.mark.parametrize("path", [
    "/hq/templates/tpl_nope/1", f"/hq/templates/{TPL}/2", f"/hq/templates/{TPL}/x", f"/hq/templates/{TPL}/-1",
    f"/hq/templates/{TPL}/9999999", f"/hq/templates/{TPL}/٣", f"/hq/templates/{PRG}/1", "/hq/templates/new?template=x",
    "/hq/programmes/..", f"/hq/programmes/{PRG}x", f"/hq/programmes/{TPL}", "/hq/programmes/prg_" + "2" * 26,
])
def test_what_is_not_there_is_one_404(path: str) -> None:
    """Unknown, malformed and foreign ids give one and the same page (N33)."""
    world, admin = furnished()
    browser = stage.browser(world, admin)
    got = browser.get(path)
    assert got.status == 404 and got.body == browser.get("/hq/programmes/prg_" + "z" * 26).body


# --- templates

def test_a_template_is_checked_then_published_once() -> None:
    """Checking stores nothing; publishing stores a version; sending the form again publishes no second one."""
    world = FakeWorld()
    browser = stage.browser(world, stage.person(world, "Dora", [Role.HQ_DESIGNER]))
    page = browser.get("/hq/templates/new")
    checked = browser.submit(page, "/hq/templates/check", name="Spring", html=stage.SOURCE.decode())
    assert checked.status == 200 and "can be published" in checked.body and "Headline" in checked.body
    assert world.templates.list() == []
    for _ in range(2):
        done = browser.submit(page, "/hq/templates", name="Spring", language="de", html=stage.SOURCE.decode())
        assert done.status == 303
    stored = world.templates.list()
    assert [(s.number, s.name, s.language) for s in stored] == [(1, "Spring", "de")]
    shown = browser.get(done.location.removeprefix("https://hq.example.com"))
    assert "Spring" in shown.body and "headline" in shown.body


def test_a_further_version_gets_the_next_number() -> None:
    """A new version stands beside the old one; a stale form of the same number is a conflict (409)."""
    world, admin = furnished()
    browser = stage.browser(world, admin)
    page, stale = (browser.get(f"/hq/templates/new?template={TPL}") for _ in range(2))
    assert page.field("number") == "2"
    changed = stage.SOURCE.replace(b"Ready for spring?", b"Ready for summer?")
    assert browser.submit(page, "/hq/templates", name="Summer", html=changed.decode()).status == 303
    lost = browser.submit(stale, "/hq/templates", name="Other", html=stage.SOURCE.decode())
    assert lost.status == 409 and "published already" in lost.body
    assert sorted(s.number for s in world.templates.list()) == [1, 2]
    assert browser.submit(page, "/hq/templates", name="S", html=changed.decode(), number="7").status == 409


@pytest.mark.parametrize("html", [
    "", "<p>no region</p>", "<html><body><script>alert(1)</script></body></html>", "x" * 700_000, "a\x00b",
    '<html><body><p data-region="a">1</p><p data-region="a">2</p></body></html>',
])
def test_a_template_that_is_refused_tells_why_and_keeps_the_form(html: str) -> None:
    """Bad sources are answered with 422 and every reason; name and source stay in the form."""
    world = FakeWorld()
    browser = stage.browser(world, stage.person(world, "Dora", [Role.HQ_DESIGNER]))
    page = browser.get("/hq/templates/new")
    got = browser.submit(page, "/hq/templates", name="Kept name", html=html)
    assert got.status == 422 and "The HTML was refused" in got.body and 'value="Kept name"' in got.body
    assert got.field("template") == page.field("template")
    assert "<script>alert" not in got.body
    assert len(got.body) < 1_000_000
    assert world.templates.list() == []


def test_a_preview_is_sandboxed() -> None:
    """A template is shown under a policy of its own: no script, no form, an opaque origin, our frames only (N3)."""
    world, admin = furnished()
    got = stage.browser(world, admin).get(f"/hq/templates/{TPL}/1/preview?show=fields")
    policy = got.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'") and "script-src" not in policy
    assert "frame-ancestors 'self'" in policy and got.headers["x-robots-tag"] == "noindex"
    assert not got.cookies and "outline:2px dashed" in got.body


# --- programmes

def test_a_programme_is_stored_and_its_partners_are_told_once() -> None:
    """Only partners of its groups are told; sending the form twice makes one programme."""
    world, admin = furnished()
    north, south = stage.partner(world, "North", ["north"]), stage.partner(world, "South", ["south"])
    world.queue.waiting.clear()
    browser = stage.browser(world, admin)
    page = browser.get("/hq/programmes/new")
    form = {n: v for n, v in vars_of(definition(world, groups="North, west")).items() if n != "id"}
    for _ in range(2):
        assert browser.submit(page, "/hq/programmes", **form).status == 303
    assert len(world.programmes.list()) == 2
    told = [m.body["partner"] for m in world.queue.waiting]
    assert set(told) == {north.id} and south.id not in told


def vars_of(form: programmes.Definition) -> dict[str, str]:
    """The fields of a form."""
    return {name: getattr(form, name) for name in programmes.Definition.__dataclass_fields__}


def test_a_programme_says_how_often_a_customer_may_be_mailed() -> None:
    """The limit that was typed stands on the programme's page; without one it says so."""
    world, admin = furnished()
    browser = stage.browser(world, admin)
    assert "no limit" in browser.get(f"/hq/programmes/{PRG}").body
    page = browser.get("/hq/programmes/new")
    form = {n: v for n, v in vars_of(definition(world, cap_count="2", cap_days="30")).items() if n != "id"}
    made = browser.submit(page, "/hq/programmes", **form)
    assert "at most 2 in 30 days" in browser.get(made.location).body


def test_every_problem_of_a_programme_is_told_at_once() -> None:
    """A form full of mistakes comes back with a message at each field and every value kept."""
    world, admin = furnished()
    browser = stage.browser(world, admin)
    page = browser.get("/hq/programmes/new")
    got = browser.submit(
        page, "/hq/programmes", title=" ", brief="b" * 5000, template="tpl_x/1", opens="tomorrow", closes="",
        zone="Mars/Base", reviewers="nobody@example.com, broken", groups="g" * 50, cap_count="3", cap_days="",
    )
    assert got.status == 422
    for field in ("title", "brief", "template", "zone", "reviewers", "groups", "cap_count"):
        assert f'href="#f-{field}"' in got.body, field
    assert "nobody@example.com" in got.body and got.field("id") == page.field("id")


def test_a_time_that_happens_twice_is_asked_back() -> None:
    """In the night of the change the page asks which of the two times is meant, and takes the answer."""
    world, admin = furnished()
    browser = stage.browser(world, admin)
    page = browser.get("/hq/programmes/new")
    form = {n: v for n, v in vars_of(definition(world, closes="2026-10-25T02:30")).items() if n != "id"}
    asked = browser.submit(page, "/hq/programmes", **form)
    assert asked.status == 422 and 'name="closes_fold"' in asked.body
    assert browser.submit(asked, "/hq/programmes", **{**form, "closes_fold": "1"}).status == 303
    made = world.programmes.get(ProgrammeId(page.field("id")))
    assert made.closes_at.isoformat() == "2026-10-25T01:30:00+00:00" and made.zone == "Europe/Berlin"
    gap = browser.submit(browser.get("/hq/programmes/new"), "/hq/programmes", **{**form, "closes": "2026-03-29T02:30"})
    assert gap.status == 422 and "does not exist in Europe/Berlin" in gap.body


def add_campaign(world: FakeWorld, partner: Partner, name: str) -> None:
    """A partner's campaign in the programme."""
    now = world.clock.now()
    author = PersonId("prs_" + "5" * 26)
    campaign = Campaign(
        id=CampaignId(make_id("cmp", now, world.entropy.bytes(10))), org=world.facts.org_id, partner=partner.id,
        programme=ProgrammeId(PRG), name=name, created_by=author, bracket="251-1000", updated_at=now,
    )
    draft = Draft(campaign=campaign.id, template=TemplateId(TPL), template_version=1, saved_at=now, saved_by=author)
    session = world.session(partner.id, Zone.PARTNER)
    after, entry = record(campaign, now=now, by=author, action="created")
    world.campaigns.create(session, after, draft, entry)


def test_hq_sees_state_and_bracket_of_campaigns_and_no_more() -> None:
    """A programme's page names partner, campaign, state and size bracket; it opens no partner's data at all."""
    base, admin = furnished()
    acme = stage.partner(base, "Acme <b>& Sons</b>")
    add_campaign(base, acme, '"><img src=x onerror=alert(1)>')
    base.indexes.catch_up()
    world = stage.Watched(base)
    browser = stage.browser(world, admin)
    got = browser.get(f"/hq/programmes/{PRG}")
    assert "Acme &lt;b&gt;&amp; Sons&lt;/b&gt;" in got.body and "251-1000" in got.body and "Draft" in got.body
    assert "<img src=x" not in got.body
    assert State.DRAFT.value == "draft"
    assert not {n for n in world.names() if n.split(".")[0] in ("sessions", "contacts", "imports", "vault")}


# --- partners, people, the switch

def test_an_invited_partner_is_there_once() -> None:
    """The invitation makes partner, person and mail; the same form again makes nothing twice."""
    world, admin = furnished()
    browser = stage.browser(world, admin)
    page = browser.get("/hq/partners/invite")
    values = {"name": "Radhaus", "person_name": "Anna", "email": "Anna@Radhaus.example", "market": "de",
              "language": "de", "zone": "Europe/Berlin", "groups": "North"}
    for _ in range(2):
        assert browser.submit(page, "/hq/partners/invite", **values).status == 303
    [card] = world.partners.cards()
    assert (card.name, card.state, card.groups) == ("Radhaus", "invited", frozenset({"north"}))
    listed = browser.get("/hq/partners").body
    assert "Radhaus" in listed
    assert "/hq/exceptions/prt_" in listed
    assert world.queue.kinds().count("programme_opened") == 2  # one a try; the reader tells each partner once


@pytest.mark.parametrize(("field", "value"), [
    ("name", ""), ("name", "x" * 200), ("email", "nope"), ("email", "a@b.example\r\nBcc: c@d.example"),
    ("person_name", "\x07"),
    ("market", "moon"), ("zone", "../etc/passwd"), ("language", "tlh"), ("country", "Germany"), ("street", "s" * 300),
    ("sender_address", "x@@y"), ("reply_to", "also not"), ("entity_email", "nor this"), ("groups", "g" * 99),
])
def test_each_field_of_an_invitation_is_judged(field: str, value: str) -> None:
    """Whatever does not fit is told at its field, kept, and nothing is stored."""
    world, admin = furnished()
    browser = stage.browser(world, admin)
    values = {"name": "Radhaus", "person_name": "Anna", "email": "anna@radhaus.example", "market": "de",
              "language": "de", "zone": "Europe/Berlin"}
    got = browser.submit(browser.get("/hq/partners/invite"), "/hq/partners/invite", **{**values, field: value})
    assert got.status == 422 and f'href="#f-{field}"' in got.body
    assert world.partners.cards() == [] and world.people.find("anna@radhaus.example") is None


def test_an_id_of_another_partner_in_the_form_adds_nobody_to_it() -> None:
    """A form that names an existing partner's id is a conflict, and the person gets no membership there."""
    world, admin = furnished()
    acme = stage.partner(world, "Acme")
    browser = stage.browser(world, admin)
    page = browser.get("/hq/partners/invite")
    got = browser.submit(page, "/hq/partners/invite", id=acme.id, name="Evil", person_name="E", market="de",
                         email="evil@example.com", language="de", zone="UTC")
    assert got.status == 409 and world.people.find("evil@example.com") is None
    assert browser.submit(page, "/hq/partners/invite", id="prt_x").status == 404


def test_a_colleague_gets_a_role() -> None:
    """HQ gives roles at HQ only; a partner's role, or none, is refused."""
    world, admin = furnished()
    browser = stage.browser(world, admin)
    page = browser.get("/hq/people")
    done = browser.submit(page, "/hq/people", email="R@example.com", name="Rita", role="reviewer")
    assert "has the role now" in done.body
    found = world.people.find("r@example.com")
    assert found and world.people.account(found).roles_at(None, world.clock.now()) == {Role.REVIEWER}
    for role in ("partner_admin", "root", ""):
        assert browser.submit(page, "/hq/people", email="x@example.com", name="X", role=role).status == 422


def test_a_role_is_listed_and_taken_away() -> None:
    """The list names everybody; who lost a role is signed out; admins cannot take their own."""
    world, admin = furnished()
    rita = stage.person(world, "Rita", [Role.HQ_DESIGNER])
    hers, browser = stage.browser(world, rita), stage.browser(world, admin)
    assert hers.get("/hq").status == 200
    page = browser.get("/hq/people")
    assert "rita@example.com" in page.body and "Take the role away" in page.body
    form = {"csrf": page.field("csrf")}
    assert browser.post("/hq/people/take", form | {"person": rita.id, "role": "hq_designer"}).status == 303
    assert hers.get("/hq").status == 303 and "rita@example.com" not in browser.get("/hq/people").body
    assert browser.post("/hq/people/take", form | {"person": rita.id, "role": "hq_designer"}).status == 404
    own = browser.post("/hq/people/take", form | {"person": admin.id, "role": "hq_admin"})
    assert own.status == 422 and "your own role" in own.body
    assert browser.get("/hq/people").status == 200


def switch(browser: Browser, to: str, **more: str) -> int:
    """Throw the switch as the page would."""
    return browser.post("/hq/stop", {"csrf": browser.get("/hq/stop").field("csrf"), "to": to, **more}).status


def test_the_switch_asks_is_kept_and_shows_everywhere() -> None:
    """Stopping needs a confirmation, is kept with a reason, shows on every page of HQ; a stale form is 409."""
    world, admin = furnished()
    browser = stage.browser(world, admin)
    assert switch(browser, "stop") == 422 and not world.programmes.stopped()
    assert switch(browser, "stop", sure="yes", reason="r" * 501) == 422 and not world.programmes.stopped()
    assert switch(browser, "stop", sure="yes", reason="Wrong price") == 303 and world.programmes.stopped()
    for path in (*STAFF[:4], *ADMIN_ONLY):
        assert "All sending is stopped." in browser.get(path).body, path
    assert switch(browser, "stop", sure="yes") == 409
    assert switch(browser, "go", sure="yes") == 303 and not world.programmes.stopped()
    assert "All sending is stopped." not in browser.get("/hq").body
    assert switch(browser, "else", sure="yes") == 404


def test_empty_pages_tell_the_next_step() -> None:
    """A deployment on its first day leads on from every empty list."""
    world = FakeWorld()
    browser = stage.browser(world, stage.person(world, "Hanna", [Role.HQ_ADMIN]))
    assert "Three steps" in browser.get("/hq").body
    for path in ("/hq/templates", "/hq/programmes", "/hq/partners", "/hq/programmes/new"):
        assert 'class="empty"' in browser.get(path).body


MAILCHIMP = (Path(__file__).resolve().parents[1] / "rendering" / "dialects" / "mailchimp.html").read_text("utf-8")


def test_another_systems_template_is_shown_with_its_report_before_it_is_published() -> None:
    """Check and publish both stop at a foreign dialect: the rewritten source stands in the form, nothing is stored."""
    world = FakeWorld()
    browser = stage.browser(world, stage.person(world, "Dora", [Role.HQ_DESIGNER]))
    form = {"template": "tpl_" + "1" * 26, "number": "1", "name": "Spring", "language": "", "html": MAILCHIMP}
    token = browser.get("/hq/templates/new").field("csrf")
    for path in ("/hq/templates/check", "/hq/templates"):
        got = browser.post(path, {**form, "csrf": token})
        assert got.status == 200 and "Imported from Mailchimp" in got.body and "can be published" in got.body
        assert "data-region=&#34;note&#34;" in got.body and "Not understood" in got.body
        assert world.templates.list() == []
    html = publish.bring(MAILCHIMP.encode()).source.decode()  # type: ignore[union-attr]
    assert browser.post("/hq/templates", {**form, "html": html, "csrf": token}).status == 303
    assert [s.regions for s in world.templates.list()] == [8]
    refused = browser.post("/hq/templates/check", {**form, "html": "%%=v(@x)=%%", "csrf": token})
    assert refused.status == 422 and "AMPscript" in refused.body


def test_fields_are_chosen_from_a_list_without_scripts() -> None:
    """Plain HTML becomes a template by choosing elements; the preview shows their numbers in a sandbox."""
    world = FakeWorld()
    browser = stage.browser(world, stage.person(world, "Dora", [Role.HQ_DESIGNER]))
    token = browser.get("/hq/templates/new").field("csrf")
    html = "<html lang='en'><head><title>x</title></head><body><h1>Spring</h1><p>Law</p></body></html>"
    form = {"csrf": token, "html": html, "template": TPL, "number": "1", "name": "Spring", "do": ""}
    got = browser.post("/hq/templates/mark", form)
    assert got.status == 200 and "Spring" in got.body and world.templates.list() == []
    at = str(html.index("<h1>"))
    refused = browser.post("/hq/templates/mark", {**form, "do": "mark", "at": at, "kind": "text", "region": "A"})
    assert refused.status == 422 and f'value="{at}" checked' in refused.body
    got = browser.post("/hq/templates/mark", {**form, "do": "mark", "at": at, "kind": "text", "region": "headline"})
    assert "&lt;h1 data-region=&#34;headline&#34;" in got.body and 'value="Spring"' in got.body
    assert f"unmark:{at}" in got.body
    shown = browser.post("/hq/templates/mark/preview", form)
    assert shown.headers["content-security-policy"].startswith("sandbox") and ">1</span>Spring" in shown.body


def test_two_versions_are_compared() -> None:
    """The page names what changed and which programmes stand on which version."""
    world, admin = furnished()
    publish.publish(world, admin, publish.Upload(
        template=TPL, number=2, name="Spring check", language="",
        source=stage.SOURCE.replace(b'data-region-max-length="60"', b'data-region-max-length="59"', 1),
    ))
    browser = stage.browser(world, admin)
    assert f"/hq/templates/{TPL}/2/compare" in browser.get(f"/hq/templates/{TPL}/2").body
    body = browser.get(f"/hq/templates/{TPL}/2/compare").body
    assert "max_length" in body and ">60<" in body and ">59<" in body and "Campaigns not sent yet" in body
    assert browser.get(f"/hq/templates/{TPL}/2/compare?with=9").status == 404
    assert "Nothing changed" in browser.get(f"/hq/templates/{TPL}/1/compare").body

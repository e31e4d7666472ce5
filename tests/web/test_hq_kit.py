"""HQ's pages of rules: the kit, the routes, the reference, exceptions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.domain.people import Role
from chalicelib.web import hq_kit
from tests.fakes.world import FakeWorld
from tests.web import stage
from tests.web.client import Browser

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "lanes.md"
ROUTES = (*stage.FRAME, *hq_kit.routes)
LANES = "lanes: [{name: one, requires: {reviewers: 1}}]\ndefault: one\n"


def opened(*roles: Role) -> tuple[FakeWorld, Browser]:
    """A browser of somebody at HQ."""
    world = FakeWorld()
    return world, stage.browser(world, stage.person(world, "Hanna", roles or (Role.HQ_ADMIN,)), routes=ROUTES)


def post(browser: Browser, path: str, **form: str) -> tuple[int, str]:
    """Send a form with its token."""
    got = browser.post(path, {"csrf": browser.get("/hq/rules/kit").field("csrf"), **form})
    return got.status, got.body


@pytest.mark.parametrize("path", ["/hq/rules", "/hq/rules/kit", "/hq/rules/lanes", "/hq/rules/kit?market=de"])
def test_pages_cost_three_reads_at_most(path: str) -> None:
    """Each page is cheap and changes nothing; a reviewer does not see it."""
    world, _ = opened()
    watched = stage.Watched(world)
    designer = stage.person(world, "Dana", (Role.HQ_DESIGNER,))
    assert stage.browser(watched, designer, routes=ROUTES).get(path).status == 200
    assert len(watched.database()) <= 3, watched.names()
    assert watched.writes() == []
    assert stage.browser(world, stage.person(world, "Rita", (Role.REVIEWER,)), routes=ROUTES).get(path).status == 404


@pytest.mark.parametrize(("kind", "text"), [("kit", "brand: Nordlicht\n"), ("lanes", LANES)])
def test_a_text_is_tried_and_published(kind: str, text: str) -> None:
    """Trying stores nothing; publishing makes version 1, which the page shows and gives as a file."""
    world, browser = opened()
    status, body = post(browser, f"/hq/rules/{kind}", yaml=text, number="1", **{"try": "yes"})
    assert status == 200
    assert "The text is sound" in body
    assert world.books.books == {}
    assert post(browser, f"/hq/rules/{kind}", yaml=text, number="1", note="first")[0] == 303
    assert "Version 1" in browser.get(f"/hq/rules/{kind}").body
    assert browser.get(f"/hq/rules/{kind}/text").body == text
    assert post(browser, f"/hq/rules/{kind}", yaml=text + "# more\n", number="1")[0] == 409


def test_the_first_routes_begin_with_the_documents_example() -> None:
    """Who has published none is offered the document's small routes; they can be published as they stand."""
    assert f"```yaml\n{hq_kit.EXAMPLE}```" in DOCUMENT.read_text("utf-8")
    _, browser = opened()
    assert "audit_sample" not in browser.get("/hq/rules/lanes").body
    assert '/hq/rules/lanes?example=yes"' in browser.get("/hq/rules/lanes").body
    assert "audit_sample: 0.1" in browser.get("/hq/rules/lanes?example=yes").body
    assert post(browser, "/hq/rules/lanes", yaml=hq_kit.EXAMPLE, number="1")[0] == 303
    assert "example=yes" not in browser.get("/hq/rules/lanes").body


def test_the_reference_says_what_each_rule_finds() -> None:
    """Every rule with its three sentences, in words alone: no name of a parameter is shown."""
    _, browser = opened()
    body = browser.get("/hq/rules").body.partition("<table")[2]
    assert "is not in the brand&#39;s palette; the nearest is …<" in body
    assert "Colours that are nearly right make the brand look careless. Use …<" in body
    assert re.search(r"\{[a-z]+\}", body) is None


def test_every_fault_is_told_and_the_text_kept() -> None:
    """A bad text comes back with all its faults."""
    world, browser = opened()
    status, body = post(browser, "/hq/rules/kit", yaml="brnd: x\nlogos: 3\n", number="1")
    assert status == 422
    assert "Did you mean “brand”?" in body
    assert "logos" in body
    assert "brnd: x" in body
    assert world.books.books == {}


def test_designers_look_and_admins_publish() -> None:
    """A designer may try nothing out on everybody."""
    _, browser = opened(Role.HQ_DESIGNER)
    assert post(browser, "/hq/rules/kit", yaml="brand: x\n", number="1")[0] == 404
    assert browser.get("/hq/rules/moon").status == 404
    assert browser.get("/hq/rules/kit?market=moon").status == 404


def test_routes_that_ask_for_more_than_is_enforced_say_so() -> None:
    """The page names what is kept and not acted upon, for the text in force and for one that is tried."""
    _, browser = opened()
    text = "lanes: [{name: two, requires: {chain: brand-then-legal, within_business_hours: 8}}]\ndefault: two\n"
    for form in ({"try": "yes"}, {}):
        post(browser, "/hq/rules/lanes", yaml=text, number="1", **form)
    page = browser.get("/hq/rules/lanes").body
    assert "in one stage" in page
    assert "no clock acts upon them" in page


def test_who_may_grant_is_the_routes_to_say() -> None:
    """Once the routes name reviewers, they grant and administrators look; before, reviewers see nothing."""
    world, browser = opened()
    partner = stage.partner(world)
    page = f"/hq/exceptions/{partner.id}"
    rita = stage.browser(world, stage.person(world, "Rita", (Role.REVIEWER,)), routes=ROUTES)
    assert rita.get(page).status == 404
    day = world.clock.now().strftime("%Y-%m-") + "28"
    good = {"code": "LEG005", "fingerprint": "a" * 32, "reason": "a bullet, no footnote", "expires": day}
    text = LANES + "waivers: {max_days: 60, may_grant: [reviewers]}\n"
    assert post(browser, "/hq/rules/lanes", yaml=text, number="1")[0] == 303
    assert "name others who may grant" in browser.get(page).body
    assert post(browser, page, **good)[0] == 404
    form = rita.get(page)
    assert "At most 60 days ahead" in form.body
    assert rita.post(page, {"csrf": form.field("csrf"), **good}).status == 303
    assert "a bullet, no footnote" in browser.get(page).body


def test_exceptions_of_a_partner() -> None:
    """HQ grants one and sees it; what is wrong with it is told at once; a foreign id is unknown."""
    world, browser = opened()
    partner = stage.partner(world)
    page = f"/hq/exceptions/{partner.id}"
    assert "has no exceptions" in browser.get(page).body
    status, body = post(browser, page, code="SEC001", fingerprint="x", reason="", expires="never")
    assert status == 422
    assert "No exception can be made of SEC001" in body
    day = world.clock.now().strftime("%Y-%m-") + "28"
    good = {"code": "LEG005", "fingerprint": "a" * 32, "reason": "a bullet, no footnote", "expires": day}
    assert post(browser, page, **good)[0] == 303
    assert "a bullet, no footnote" in browser.get(page).body
    assert browser.get("/hq/exceptions/prt_" + "9" * 26).status == 404

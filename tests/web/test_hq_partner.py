"""Head office's page of one partner, and the language of its mails."""

from __future__ import annotations

import pytest

from chalicelib.domain.people import Role
from tests.fakes.world import FakeWorld
from tests.web import stage


def test_the_page_shows_a_partner_and_changes_its_language() -> None:
    """State, market and people; the language is chosen from the five and shown as chosen."""
    world = FakeWorld()
    ours = stage.partner(world, "Radhaus", ["north"])
    browser = stage.browser(world, stage.person(world, "Hanna", [Role.HQ_ADMIN]))
    assert f"/hq/partners/{ours.id}" in browser.get("/hq/partners").body
    page = browser.get(f"/hq/partners/{ours.id}")
    for words in ("Radhaus", "north", "Another market", "English", "Deutsch", "Magyar"):
        assert words in page.body
    form = {"csrf": page.field("csrf"), "language": "hu"}
    answer = browser.post(f"/hq/partners/{ours.id}/language", form)
    assert answer.status == 303
    shown = browser.get(f"/hq/partners/{ours.id}?stored=1").body
    assert '<option value="hu" selected' in shown
    assert "from the next page and the next mail on" in shown
    assert world.partners.partners[ours.id].language == "hu"
    refused = browser.post(f"/hq/partners/{ours.id}/language", {**form, "language": "tlh"})
    assert refused.status == 422
    assert world.partners.partners[ours.id].language == "hu"


def test_reading_it_costs_three_calls_and_changes_nothing() -> None:
    """Person, partner and what every page shows."""
    world = FakeWorld()
    ours = stage.partner(world)
    watched = stage.Watched(world)
    browser = stage.browser(watched, stage.person(world, "Hanna", [Role.HQ_ADMIN]))
    assert browser.get(f"/hq/partners/{ours.id}").status == 200
    assert len(watched.database()) <= 3, watched.names()
    assert watched.writes() == []


@pytest.mark.parametrize("role", [Role.HQ_DESIGNER, Role.REVIEWER, None])
def test_it_is_the_administrators_page(role: Role | None) -> None:
    """For others, and for a partner that is not there, it is the same 404, and nothing changes."""
    world = FakeWorld()
    ours = stage.partner(world)
    browser = stage.browser(world, stage.person(world, "Wendy", [role] if role else {Role.PARTNER_ADMIN: ours.id}))
    nothing = browser.get("/hq/partners/prt_" + "z" * 26)
    got = browser.get(f"/hq/partners/{ours.id}")
    assert (got.status, got.body) == (404, nothing.body)
    form = {"csrf": browser.get("/sessions").field("csrf"), "language": "de"}
    assert browser.post(f"/hq/partners/{ours.id}/language", form).status == 404
    assert world.partners.partners[ours.id].language == "en"


@pytest.mark.parametrize("partner", ["prt_" + "0" * 26, "prt_x", "tpl_" + "0" * 26])
def test_what_is_no_partner_is_one_404(partner: str) -> None:
    """An id that is none, or nobody's."""
    world = FakeWorld()
    browser = stage.browser(world, stage.person(world, "Hanna", [Role.HQ_ADMIN]))
    form = {"csrf": browser.get("/sessions").field("csrf"), "language": "de"}
    assert browser.get(f"/hq/partners/{partner}").status == 404
    assert browser.post(f"/hq/partners/{partner}/language", form).status == 404

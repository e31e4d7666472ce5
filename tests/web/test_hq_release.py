"""HQ's pages of releases."""

from __future__ import annotations

import re

import pytest

from chalicelib.domain.people import Role
from chalicelib.domain.release import Phase
from chalicelib.web import assets, hq_release, partner, session
from tests.stage import Stage
from tests.usecases.release_stage import (
    NEW_LOGO,
    OLD_LOGO,
    applied,
    approved_campaign,
    moving,
    plan,
    publish_next,
    set_stage,
)
from tests.web import stage
from tests.web.client import Browser

ROUTES = (*stage.FRAME, *hq_release.routes)


def opened() -> tuple[Stage, Browser, Browser]:
    """The stage, and browsers of the two people at head office."""
    here = set_stage()
    return here, *(stage.browser(here.world, here.people[name], routes=ROUTES) for name in ("hanna", "henry"))  # type: ignore[return-value]


def fill(browser: Browser, path: str = "/hq/releases/new", **form: str) -> dict[str, str]:
    """The form with its hidden fields."""
    page = browser.get(path)
    kept = {name: page.field(name) for name in ("csrf", "id", "rows", "programme")}
    return {**kept, "title": "New logo", "treatment": "carry", "old": "keep", "market": "all", **form}


def prepare(browser: Browser, **form: str) -> str:
    """Prepare one; its path."""
    answer = browser.post("/hq/releases", fill(browser, **{"old-1": OLD_LOGO, "new-1": NEW_LOGO, **form}))
    assert answer.status == 303, answer.body
    return re.sub(r"^https?://[^/]+", "", answer.headers["location"])


def send(browser: Browser, path: str, **form: str) -> tuple[int, str]:
    """Send a form of the page above it."""
    page = browser.get(path.rsplit("/", 1)[0])
    answer = browser.post(path, {"csrf": page.field("csrf"), **form})
    return answer.status, answer.body


def test_from_the_form_to_the_result() -> None:
    """Prepared by one, approved by the other, applied; each page says where it stands."""
    here, hanna, henry = opened()
    approved_campaign(here)
    path = prepare(hanna)
    page = hanna.get(path).body
    assert "Waits for a second person" in page
    assert "You prepared it" in page
    assert "Approve and apply it" not in page
    assert "Spring" in page
    shown = henry.get(path)
    assert NEW_LOGO in henry.get(f"{path}/mail/{next(iter(here.world.templates.versions))[0]}").body
    assert send(henry, f"{path}/approve", shown=shown.field("shown"))[0] == 422
    assert send(hanna, f"{path}/approve", shown=shown.field("shown"), sure="yes")[0] == 409
    assert send(henry, f"{path}/approve", shown="x", sure="yes")[0] == 409
    assert send(henry, f"{path}/approve", shown=shown.field("shown"), sure="yes")[0] == 303
    assert "It is being applied" in henry.get(path).body
    here.deliver()
    assert "Carried over" in henry.get(path).body
    assert "Paula Bikes" in henry.get(path).body
    assert "Done" in hanna.get("/hq/releases").body
    assert send(henry, f"{path}/withdraw")[0] == 409


def test_pages_cost_three_reads_at_most() -> None:
    """Each page is cheap and changes nothing."""
    here, hanna, _ = opened()
    path = prepare(hanna)
    template = next(iter(here.world.templates.versions))[0]
    watched = stage.Watched(here.world)
    browser = stage.browser(watched, here.people["henry"], routes=ROUTES)
    for one in ("/hq/releases", "/hq/releases/new", f"/hq/releases/new?programme={here.programme}", path,
                f"{path}/progress", f"{path}/mail/{template}"):
        watched.calls.clear()
        assert browser.get(one).status in (200, 303), one
        assert len(watched.database()) <= 3, (one, watched.database())
        assert watched.writes() == []


def test_rows_are_added_without_javascript() -> None:
    """The button sends the form, keeps what was typed and shows one more row."""
    _, hanna, _ = opened()
    page = hanna.post("/hq/releases/new", fill(hanna, **{"old-1": "abc", "do": "row"}))
    assert page.status == 200
    assert 'name="old-2"' in page.body
    assert 'value="abc"' in page.body
    assert 'value="New logo"' in page.body


def test_what_is_wrong_is_told_at_its_field() -> None:
    """All faults at once, everything typed kept."""
    here, hanna, _ = opened()
    answer = hanna.post("/hq/releases", fill(hanna, title="", until="never", old="until", **{
        "old-1": "https://nowhere.example/x.png", "new-1": "<b>"}))
    assert answer.status == 422
    for text in ("Choose a day that lies ahead", "could change the structure", "https://nowhere.example/x.png"):
        assert text in answer.body
    assert here.world.releases.releases == {}


def test_one_programme_moves_on() -> None:
    """The programme's page leads to a release of its own template alone."""
    here, hanna, _ = opened()
    publish_next(here, (b"Hello {{", b"Dear {{"))
    page = hanna.get(f"/hq/programmes/{here.programme}")
    assert f"/hq/releases/new?programme={here.programme}" in page.body
    form = fill(hanna, f"/hq/releases/new?programme={here.programme}")
    assert form["programme"] == here.programme
    assert "<dt>Programme</dt>" in hanna.get(f"/hq/releases/new?programme={here.programme}").body
    template = next(iter(here.world.templates.versions))[0]
    path = prepare(hanna, **{"old-1": "", "new-1": "", **form, "templates": template})
    assert "version 1" in hanna.get(path).body


def test_withdrawn_counted_and_gone_on() -> None:
    """The small steps: count anew, withdraw, go on."""
    here, hanna, henry = opened()
    path = prepare(hanna)
    here.draft()
    assert send(hanna, f"{path}/count")[0] == 303
    assert here.world.releases.get(path.rsplit("/", 1)[1]).release.touched.count("draft") == 1
    assert send(hanna, f"{path}/withdraw")[0] == 303
    assert here.world.releases.get(path.rsplit("/", 1)[1]).release.phase is Phase.WITHDRAWN
    assert send(henry, f"{path}/approve", shown="x", sure="yes")[0] == 409
    assert send(henry, f"{path}/go-on")[0] == 303
    assert hanna.get(f"{path}/mail/tpl_{'9' * 26}").status == 404
    assert hanna.get("/hq/releases/rel_" + "9" * 26).status == 404


@pytest.mark.parametrize(("roles", "sees", "approves"), [
    ((Role.HQ_DESIGNER,), True, False), ((Role.REVIEWER,), False, False), ((Role.HQ_ADMIN,), True, True),
])
def test_who_may(roles: tuple[Role, ...], sees: bool, approves: bool) -> None:
    """Designers prepare, administrators approve, reviewers see nothing of it."""
    here, hanna, _ = opened()
    path = prepare(hanna)
    other = stage.browser(here.world, stage.person(here.world, "Dana", roles), routes=ROUTES)
    assert (other.get(path).status == 200) is sees
    if sees:
        status, _ = send(other, f"{path}/approve", shown=hanna.get(path).field("csrf"), sure="yes")
        assert (status != 404) is approves


def at_partner(here: Stage, campaign: str) -> tuple[stage.Watched, Browser, str]:
    """Paula's browser, and the page of her campaign."""
    watched = stage.Watched(here.world)
    routes = (*assets.routes, *session.routes, *partner.routes)
    browser = stage.browser(watched, here.people["paula"], routes=routes, surface="partner")
    return watched, browser, f"/p/{here.partner}/campaigns/{campaign}"


def test_the_partner_looks_and_takes_the_new_look() -> None:
    """The campaign's page names the question; its own page shows both mails; one click, and the approval stays."""
    here = set_stage()
    campaign = approved_campaign(here)
    known = applied(here, plan(here, treatment="ask"))
    _, browser, home = at_partner(here, campaign.id)
    path = f"{home}/look/{known.release.id}"
    assert path in browser.get(home).body
    page = browser.get(path)
    assert "Your text stays, and so does its approval" in page.body
    assert NEW_LOGO in browser.get(f"{path}/mail").body
    assert OLD_LOGO in browser.get(f"{home}/preview").body
    form = {"csrf": page.field("csrf"), "shown": page.field("shown")}
    assert browser.post(path, {**form, "shown": "x", "answer": "take"}).status == 409
    assert browser.post(path, {**form, "answer": "maybe"}).status == 404
    assert browser.post(path, {**form, "answer": "take"}).status == 303
    assert here.now_of(campaign).digests != campaign.digests
    assert path not in browser.get(home).body
    assert "New look of head office" in browser.get(home).body
    assert browser.get(path).status == 404


def test_the_partner_reads_why_it_does_not_fit() -> None:
    """No button that cannot work; the reason and the way are named; keeping it is an answer, too."""
    here = set_stage()
    campaign = approved_campaign(here)
    publish_next(here, (b'max-length="60"', b'max-length="15"'))
    known = applied(here, moving(here, old="withdrawn"))
    _, browser, home = at_partner(here, campaign.id)
    path = f"{home}/look/{known.release.id}"
    page = browser.get(path)
    assert "do not fit the new version" in page.body
    assert "Take the new look" not in page.body
    assert "paused at its start" in page.body
    assert browser.get(f"{path}/mail").status == 404
    assert browser.post(path, {"csrf": page.field("csrf"), "answer": "keep"}).status == 303
    assert browser.get(path).status == 404


def test_the_partners_pages_change_nothing_by_being_read() -> None:
    """Looking is free; somebody else's release is no page."""
    here = set_stage()
    campaign = approved_campaign(here)
    known = applied(here, plan(here, treatment="ask"))
    watched, browser, home = at_partner(here, campaign.id)
    for path in (home, f"{home}/look/{known.release.id}", f"{home}/look/{known.release.id}/mail"):
        watched.calls.clear()
        assert browser.get(path).status == 200
        assert watched.writes() == []
        assert len(watched.database()) <= 3, watched.database()
    assert browser.get(f"{home}/look/rel_{'9' * 26}").status == 404
    assert browser.get(f"{home}/look/nonsense").status == 404

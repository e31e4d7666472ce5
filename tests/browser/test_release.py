"""A release in a browser: prepared, approved by a second person, and what a customer gets is in the new look."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PHONE, Running, person, sign_in

HEADLINE = "Ready before the first warm day"
OLD, NEW = "#12372a", "#1a4a8a"
HENRY = "henry@nordlicht.example"


def both_sizes(page: Page, place: Running, name: str) -> None:
    """Look at a page on a desktop and on a phone, where nothing scrolls sideways."""
    size = page.viewport_size
    place.look(page, name)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    place.look(page, name)
    page.set_viewport_size(size)  # type: ignore[arg-type]


def approved_campaign(browser: Browser, place: Running) -> Page:
    """Tom writes and submits, Marco approves from the mail; the page of the campaign."""
    tom = person(browser)
    sign_in(tom, place, "tom@northbikes.example")
    tom.get_by_role("button", name="Start a campaign").first.click()
    tom.get_by_label("Headline", exact=False).first.fill(HEADLINE)
    expect(tom.locator("[data-save-state=saved]")).to_be_visible()
    start = place.now() + timedelta(days=3)
    tom.get_by_label("Day and time").fill(start.strftime("%Y-%m-%dT09:00"))
    tom.get_by_role("button", name="Save and check").click()
    terms = tom.get_by_label(re.compile("I accept"))
    if terms.count():
        terms.check()
    known = frozenset(m["id"] for m in place.mails(to="marco@nordlicht.example"))
    tom.get_by_role("button", name="Submit for review").click()
    expect(tom.locator(".heading .tag")).to_have_text("In review")
    mail = place.mail("marco@nordlicht.example", "Please decide", known=known)
    link, code = re.search(r"https?://\S+/r/[\w-]+", mail["text"]), re.search(r"Your code: (\d{4})", mail["text"])
    assert link
    assert code
    marco = person(browser, PHONE, script=False)
    marco.goto(link.group())
    marco.get_by_label("Code from the mail").fill(code.group(1))
    marco.get_by_role("button", name="Approve").click()
    expect(marco.locator("main")).to_contain_text("Approved by Marco Bianchi")
    marco.context.close()
    tom.reload()
    expect(tom.locator(".heading .tag")).to_have_text("Approved")
    return tom


def second_person(browser: Browser, place: Running, hanna: Page) -> Page:
    """Henry becomes an administrator and opens head office on a phone without JavaScript."""
    hanna.goto(f"{place.hq}/hq/people")
    hanna.get_by_label("E-mail address").fill(HENRY)
    hanna.get_by_label("Name", exact=True).fill("Henry Holt")
    hanna.get_by_label(re.compile("^Admin")).check()
    hanna.get_by_role("button", name="Give the role").click()
    henry = person(browser, PHONE, script=False)
    sign_in(henry, place, HENRY, hq=True)
    return henry


def prepare(hanna: Page, place: Running) -> str:
    """Hanna replaces a colour in all templates and sees who is touched; the release's address."""
    hanna.goto(f"{place.hq}/hq/releases")
    both_sizes(hanna, place, "releases-empty")
    hanna.get_by_role("link", name="Prepare a release").first.click()
    hanna.get_by_label("Title").fill("New blue")
    hanna.get_by_label("Old, 1").fill("#00ff01")
    hanna.get_by_label("New, 1").fill("blue")
    hanna.get_by_role("button", name="Prepare it").click()
    expect(hanna.get_by_role("alert")).to_contain_text("is not a colour")
    both_sizes(hanna, place, "release-refused")
    hanna.get_by_label("Old, 1").fill(OLD)
    hanna.get_by_label("New, 1").fill(NEW)
    hanna.get_by_role("button", name="Prepare it").click()
    expect(hanna.get_by_role("heading", name="New blue", exact=True)).to_be_visible()
    expect(hanna.locator("main")).to_contain_text("Spring check-up")
    expect(hanna.get_by_role("row", name=re.compile("Approved, not started"))).to_contain_text("1")
    expect(hanna.locator("main")).to_contain_text("somebody else at head office has to approve it")
    hanna.locator("iframe").first.scroll_into_view_if_needed()
    both_sizes(hanna, place, "release-prepared")
    return hanna.url


def test_a_new_look_reaches_the_customer(browser: Browser, running: Running) -> None:
    """The approval of a text survives a new colour in all templates; the customer's mail has both."""
    tom = approved_campaign(browser, running)
    hanna = person(browser)
    sign_in(hanna, running, "hanna@nordlicht.example", hq=True)
    henry = second_person(browser, running, hanna)
    address = prepare(hanna, running)

    henry.goto(address)
    henry.get_by_role("button", name="Approve and apply it").click()
    expect(henry.get_by_role("alert")).to_contain_text("Tick the box")
    henry.get_by_label(re.compile("I have looked")).check()
    running.look(henry, "release-approve", axe=False)
    henry.get_by_role("button", name="Approve and apply it").click()
    expect(hanna.locator("body")).to_be_visible()
    hanna.goto(address)
    expect(hanna.locator("main")).to_contain_text("Carried over", timeout=60_000)
    hanna.reload()
    expect(hanna.get_by_role("row", name=re.compile("Carried over"))).to_contain_text("1")
    both_sizes(hanna, running, "release-done")

    tom.reload()
    expect(tom.locator(".heading .tag")).to_have_text("Approved")
    expect(tom.locator("main")).to_contain_text("New look of head office, your text unchanged")
    page = tom.url
    running.advance(days=3)
    for _ in range(4):
        running.advance(minutes=15)
    sign_in(tom, running, "tom@northbikes.example")
    tom.goto(page)
    for _ in range(120):
        running.call("/_tick", {})
        mails = [m for m in running.mails() if HEADLINE in m["html"] and "kind" not in m["tags"]]
        if mails:
            break
        running.advance(minutes=1)
        tom.wait_for_timeout(250)
    assert mails
    assert NEW in mails[0]["html"]
    assert OLD not in mails[0]["html"]
    for one in (tom, hanna, henry):
        one.context.close()


def test_the_kit_field_by_field_without_javascript(browser: Browser, running: Running) -> None:
    """On a phone without JavaScript: a row more, a fault at its field, the change shown, then published."""
    phone = person(browser, PHONE, script=False)
    sign_in(phone, running, "hanna@nordlicht.example", hq=True)
    phone.goto(f"{running.hq}/hq/kit")
    running.look(phone, "kit", axe=False)
    boxes = phone.locator('input[name="palette.colours"]')
    before = boxes.count()
    phone.get_by_role("button", name="One more colour").click()
    expect(boxes).to_have_count(before + 1)
    boxes.last.fill("sky")
    phone.get_by_role("button", name="Show what would change").last.click()
    expect(phone.get_by_role("alert")).to_contain_text("is not a colour")
    running.look(phone, "kit-refused", axe=False)
    boxes = phone.locator('input[name="palette.colours"]')
    phone.locator('input[name="palette.colours"][value="sky"]').fill("#87ceeb")
    phone.get_by_role("button", name="Show what would change").last.click()
    expect(phone.locator(".diff ins")).to_contain_text(["#87ceeb"])
    running.look(phone, "kit-change", axe=False)
    phone.get_by_role("button", name=re.compile("Publish version")).click()
    expect(phone.locator('input[name="palette.colours"][value="#87ceeb"]')).to_be_visible()
    phone.context.close()

    desk = person(browser, script=True)
    sign_in(desk, running, "hanna@nordlicht.example", hq=True)
    desk.goto(f"{running.hq}/hq/kit")
    both_sizes(desk, running, "kit")
    desk.goto(f"{running.hq}/hq/rules/kit")
    expect(desk.locator("textarea[name=yaml]")).to_have_value(re.compile("#87ceeb"))
    both_sizes(desk, running, "kit-yaml")
    desk.goto(f"{running.hq}/hq/kit/baseline")
    desk.get_by_role("button", name="Look at every template").click()
    both_sizes(desk, running, "baselines")
    for path in ("/hq/rules/lanes", "/hq/rules"):
        desk.goto(running.hq + path)
        both_sizes(desk, running, path.rsplit("/", 1)[-1])
    desk.context.close()

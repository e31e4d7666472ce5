"""The form in a real browser: rich text, fixes, undo, texts of the last campaign, the route; with a script and without.

The pages run under their strict policy: a violation of it, an error in a script or a finding of axe fails the test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from chalicelib.domain import graphemes, richtext
from chalicelib.domain.template import Region, RegionType
from chalicelib.rendering import fill
from tests.browser.conftest import DESKTOP, PHONE, Running, person, sign_in

BODY = Region(id="body", type=RegionType.RICH, label="Body", hosts=("example.com",))
LANES = """
lanes:
  - name: auto
    if: {changed_regions_risk: {at_most: low}, findings: {warn: 0, undecidable: 0, exceptions: 0}}
    requires: {reviewers: 0}
  - name: one
    if: {changed_regions_risk: {at_most: medium}}
    requires: {chain: brand-manager, within_business_hours: 8}
  - name: two
    if_any: [{changed_regions_risk: {at_least: high}}]
    requires: {chain: brand-then-legal}
shadow: {first_decisions: 0}
default: two
"""
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.sample}`);
});
"""


@contextmanager
def watched(page: Page) -> Iterator[Page]:
    """A page on which errors of scripts and violations of the policy are found."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.add_init_script(WATCH)
    yield page
    assert page.evaluate("window.violations") == []
    assert wrong == [], wrong


COOKIES: dict[str, list[Any]] = {}
"""By address, so that a person signs in once for all tests: links to sign in are limited."""


def begin(page: Page, running: Running, address: str = "julie@cyclesdulac.example") -> None:
    """Sign in and begin a campaign, or go on with the draft of the test before."""
    if address in COOKIES:
        page.context.add_cookies(COOKIES[address])
        page.goto(f"{running.url}/start")
    else:
        sign_in(page, running, address)
        COOKIES[address] = page.context.cookies()
    page.goto(re.sub(r"(/p/\w+).*", r"\1", page.url))
    start = page.get_by_role("button", name="Start a campaign").or_(page.locator("main a[href*='/edit']")).first
    start.click()
    expect(page.get_by_role("heading", name="In the inbox")).to_be_visible()


def editor(page: Page) -> tuple[str, str]:
    """The selectors of the editor of the message and of its textarea."""
    expect(page.locator("#f-v-body.rich-text")).to_be_visible()
    return "#f-v-body.rich-text", "#f-v-body-source"


def source(page: Page) -> str:
    """What the form's field of the message holds."""
    return page.locator('textarea[name="v.body"]').input_value()


@contextmanager
def saving(page: Page) -> Iterator[None]:
    """What is done inside is saved by the form itself."""
    with page.expect_response(lambda answer: answer.request.method == "POST" and answer.url.endswith("/edit")) as told:
        yield
    assert told.value.status == 200
    expect(page.locator("[data-save-state=saved]")).to_be_visible()


def press(page: Page, key: str) -> None:
    """A key as a person presses it: the browser has told of the selection before the next one."""
    page.keyboard.press(key)
    page.wait_for_timeout(40)


def test_rich_text_is_what_the_server_keeps(browser: Browser, running: Running) -> None:
    """Bold, a list and a link made with the toolbar and keys come out as HTML that the sanitiser does not change."""
    page = person(browser)
    begin(page, running)
    with watched(page):
        page.reload()
        text, _ = editor(page)
        page.locator(text).click()
        press(page, "Control+a")
        press(page, "Delete")
        page.keyboard.type("Come & see <us>")
        press(page, "Shift+Home")
        page.get_by_role("button", name="Bold").click()
        expect(page.get_by_role("button", name="Bold")).to_have_attribute("aria-pressed", "true")
        press(page, "End")
        press(page, "Enter")
        page.get_by_role("button", name="List", exact=True).click()
        page.keyboard.type("Brakes")
        press(page, "Enter")
        page.keyboard.type("Gears")
        press(page, "Enter")
        press(page, "Enter")
        with saving(page):
            page.keyboard.type("Book")
        press(page, "Control+Shift+ArrowLeft")
        press(page, "Control+k")
        field = page.get_by_label("Address it opens").first
        expect(field).to_be_focused()
        field.fill("evil.example/x")
        press(page, "Enter")
        expect(page.get_by_role("alert").filter(has_text="allowed addresses")).to_be_visible()
        running.look(page, "form-link")
        field.fill("shop.example.com/a?b=1&c=2")
        with saving(page):
            press(page, "Enter")
        expect(page.locator(text)).to_be_focused()
        made = source(page)
        assert made == (
            "<p><strong>Come &amp; see &lt;us&gt;</strong></p>\n"
            "<ul><li>Brakes</li><li>Gears</li></ul>\n"
            '<p><a href="https://shop.example.com/a?b=1&amp;c=2">Book</a></p>')
        assert fill.rich(BODY, made) == (made, [])
        page.reload()
        editor(page)
        assert source(page) == made
        assert page.locator(text).inner_text().split() == ["Come", "&", "see", "<us>", "Brakes", "Gears", "Book"]
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        running.look(page, "form-rich")
    page.context.close()


def test_the_editors_schema_is_the_servers_list(browser: Browser, running: Running) -> None:
    """Nodes and marks together are exactly the tags that nh3 lets through, for paragraphs and for headings."""
    page = person(browser)
    begin(page, running)
    editor(page)
    for region, tags in ((BODY, richtext.BLOCK), (Region(id="h", type=RegionType.RICH, label="H", inline=True),
                                                  richtext.INLINE)):
        rules = richtext.for_editor(region, 100)
        found = page.evaluate("""async (rules) => {
            const at = (name) => [...document.scripts].map((s) => s.src).find((s) => s.includes(name));
            const rich = await import(at("/rich.")), pm = await import(document.getElementById("prosemirror").href);
            const schema = rich.schemaOf(pm, rules);
            const attributes = Object.entries(schema.marks).map(([n, m]) => [n, Object.keys(m.spec.attrs || {})]);
            return {nodes: Object.keys(schema.nodes), marks: Object.keys(schema.marks),
                    attributes: Object.fromEntries(attributes)};
        }""", rules)
        assert {*found["nodes"], *found["marks"]} - {"doc", "text"} == tags
        assert {name: set(names) for name, names in found["attributes"].items() if names} == dict(richtext.ATTRIBUTES)
        assert json.loads(page.locator('textarea[name="v.body"]').get_attribute("data-rich") or "")["tags"] == sorted(
            richtext.BLOCK)
    page.context.close()


def test_pasted_text_keeps_what_may_stay(browser: Browser, running: Running) -> None:
    """From a word processor: bold, lists and allowed links stay; styles, scripts, foreign links and pictures go."""
    pasted = """<b style="font-weight:normal" id="docs"><p style="color:red"><span style="font-size:30px">Hello</span>
      <strong>big</strong> <a href="https://evil.example/x">away</a> <a href="https://shop.example.com/y">ours</a>
      <img src="https://evil.example/p.png" onerror="alert(1)"></p><script>alert(1)</script>
      <ul><li><p>one</p></li><li>two</li></ul><h2>Head</h2><table><tr><td>cell</td></tr></table></b>"""
    page = person(browser)
    begin(page, running)
    with watched(page):
        page.reload()
        text, _ = editor(page)
        page.locator(text).click()
        press(page, "Control+a")
        page.evaluate("""([selector, html]) => {
            const data = new DataTransfer();
            data.setData("text/html", html);
            const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
            document.querySelector(selector).dispatchEvent(event);
        }""", [text, pasted])
        made = source(page)
    assert made == fill.rich(BODY, made)[0]
    assert '<a href="https://shop.example.com/y">ours</a>' in made and "<strong>big</strong>" in made
    assert "<ul><li>one</li><li>two</li></ul>" in made and "away" in made and "Head" in made and "cell" in made
    assert not re.search("evil|style|span|script|img|<b>|h2|table", made), made
    page.context.close()


def test_the_toolbar_is_used_by_keyboard(browser: Browser, running: Running) -> None:
    """One stop for Tab, arrows between the buttons; Tab leads into the text and out of it, Escape out of the link."""
    page = person(browser)
    begin(page, running)
    text, _ = editor(page)
    bold = page.get_by_role("button", name="Bold")
    bold.focus()
    press(page, "ArrowRight")
    expect(page.get_by_role("button", name="Italic")).to_be_focused()
    press(page, "End")
    expect(page.get_by_role("button", name="Redo typing")).to_be_focused()
    press(page, "ArrowRight")
    expect(bold).to_be_focused()
    press(page, "Tab")
    expect(page.locator(text)).to_be_focused()
    press(page, "Control+k")
    expect(page.get_by_label("Address it opens").first).to_be_focused()
    press(page, "Escape")
    expect(page.locator(text)).to_be_focused()
    press(page, "Tab")
    expect(page.locator(text)).not_to_be_focused()
    expect(page.get_by_role("textbox", name="Your message")).to_have_attribute("aria-multiline", "true")
    expect(page.get_by_role("toolbar", name=re.compile("Your message"))).to_be_visible()
    page.context.close()


def test_paragraphs_are_read_as_the_server_reads_them(browser: Browser, running: Running) -> None:
    """What people type without tags means the same to the editor and to the server (partner_writing.from_writing)."""
    from chalicelib.web import partner_writing

    page = person(browser)
    begin(page, running)
    editor(page)
    inline = Region(id="h", type=RegionType.RICH, label="H", inline=True)
    for typed in ("one", "one\ntwo\n\nthree", "a & b < c", "<b>bold</b>\n\nnext", "<p>kept</p>", "", " \n \n", "x<br>y",
                  "<ul><li>a</li></ul>", "<BLOCKQUOTE>x</BLOCKQUOTE>"):
        for region in (BODY, inline):
            read = page.evaluate("""async ([typed, inline]) => {
                const at = [...document.scripts].map((s) => s.src).find((s) => s.includes("/rich."));
                return (await import(at)).fromWriting(typed, inline);
            }""", [typed, region.inline])
            assert read == partner_writing.from_writing(region, typed)
    page.context.close()


COUNTED = (
    "Ünnepi árvíztűrő tükörfúrógép", "gy\u0171j\u0151 \u0151\u0171", "e\u0301\u0302 a\u030a", "tab\u00a0nbsp",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f9d1\U0001f3fe\u200d\U0001f680",
    "\U0001f1ed\U0001f1fa\U0001f1e9\U0001f1ea\U0001f1eb", "\U0001f44d\U0001f3fd\u2764\ufe0f",
    "\u1112\u1161\u11ab \ud55c",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "1\ufe0f\u20e3 \u2122\ufe0f",
)


def test_characters_are_counted_as_the_server_counts_them(browser: Browser, running: Running) -> None:
    """Families, flags, marks and Hungarian letters: the browser's counter and domain.graphemes say the same."""
    page = person(browser)
    begin(page, running)
    headline = page.get_by_label("Headline", exact=False).first
    counter = page.locator("#f-v-headline + output.counter")
    for text in COUNTED:
        headline.fill(text)
        expect(counter).to_have_text(re.compile(rf"^{graphemes.count(text)} of 60"))
    headline.fill("\U0001f468\u200d\U0001f469\u200d\U0001f467" * 61)
    expect(counter).to_have_text("61 of 60: 1 too many")
    page.context.close()


# --- fixes, routes, undo and the last campaign, with a script and without

def publish_routes(browser: Browser, running: Running) -> None:
    """Head office publishes approval routes, once for all tests of this file."""
    hanna = person(browser)
    sign_in(hanna, running, "hanna@nordlicht.example")
    hanna.goto(f"{running.hq}/hq/rules/lanes")
    if "changed_regions_risk" not in hanna.locator("#f-yaml").input_value():
        hanna.locator("#f-yaml").fill(LANES)
        hanna.get_by_role("button", name=re.compile("Publish version")).click()
        expect(hanna.get_by_text("Version 1,")).to_be_visible()
    hanna.context.close()


def write(page: Page, label: str, text: str, *, script: bool) -> None:
    """Type into a field and have it saved: by itself, or by the button."""
    field = page.get_by_label(label, exact=False).first
    if script:
        with saving(page):
            field.fill(text)
        return
    field.fill(text)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(re.compile("^Saved \\d\\d:\\d\\d"))).to_have_count(2)


def turn(page: Page, name: str) -> None:
    """Press undo or redo, and wait for the page that says so."""
    with page.expect_navigation(url=re.compile("turned=1")):
        page.get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_text("taken back or done again")).to_be_visible()


@pytest.mark.parametrize(("script", "address"), [(True, "anna@radhaus.example"), (False, "tom@northbikes.example")])
def test_the_route_follows_the_risk_of_the_edits(
    browser: Browser, running: Running, script: bool, address: str,
) -> None:
    """Nothing changed is approved at once; a headline asks one, the price line two; undo and put back lead back."""
    publish_routes(browser, running)
    page = person(browser, script=script)
    begin(page, running, address)
    route = page.locator(".route-now")
    expect(route).to_contain_text("Approved at once, without a reviewer")
    write(page, "Headline", "A day on the road", script=script)
    expect(route).to_contain_text("One reviewer decides (an answer is asked for within 8 working hours)")
    expect(route).to_contain_text("Headline (medium risk)")
    expect(route).to_contain_text("Without that change it could be: Approved at once, without a reviewer")
    write(page, "Price line", "Check-up for €39", script=script)
    expect(route).to_contain_text("2 reviewers decide")
    name = "script" if script else "plain"
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        running.look(page, f"form-route-{name}", axe=script)
    page.locator("#said-f-v-price").get_by_role("button", name="Put head office’s text back").click()
    expect(page.get_by_text("Fixed and saved")).to_be_visible()
    expect(page.locator(".route-now")).to_contain_text("One reviewer decides")
    turn(page, "Undo")
    expect(page.locator(".route-now")).to_contain_text("2 reviewers decide")
    turn(page, "Undo")
    turn(page, "Undo")
    expect(page.locator(".route-now")).to_contain_text("Approved at once")
    turn(page, "Redo")
    expect(page.get_by_label("Headline", exact=False).first).to_have_value("A day on the road")
    turn(page, "Undo")
    page.context.close()


@pytest.mark.parametrize(("script", "address"), [(True, "anna@radhaus.example"), (False, "tom@northbikes.example")])
def test_fixes_are_taken_one_by_one_and_all(browser: Browser, running: Running, script: bool, address: str) -> None:
    """A slip is hinted at while it is written, put right by its button; the others on the page that shows them all."""
    page = person(browser, script=script)
    begin(page, running, address)
    write(page, "Headline", "Nordlicht Bieks, at last", script=script)
    hint = page.locator("#said-f-v-headline")
    expect(hint).to_contain_text("Fix: replace Bieks, by Bikes,")
    write(page, "Opening hours", "Ask for the Fjordrunner!! HUGE SALE", script=script)
    expect(page.locator("#said-f-v-hours")).to_contain_text("Fix: replace")
    name = "script" if script else "plain"
    running.look(page, f"form-fix-{name}", axe=script)
    # Enter in a field saves, and takes no fix that happens to stand first.
    with page.expect_navigation(url=re.compile("saved=1")):
        page.get_by_label("Headline", exact=False).first.press("Enter")
    expect(page.get_by_label("Headline", exact=False).first).to_have_value("Nordlicht Bieks, at last")
    hint.get_by_role("button", name=re.compile("Fix this")).click()
    expect(page.get_by_text("Fixed and saved")).to_be_visible()
    expect(page.get_by_label("Headline", exact=False).first).to_have_value("Nordlicht Bikes, at last")
    page.get_by_role("link", name=re.compile("safe fixes")).click()
    expect(page.get_by_role("heading", name="Safe fixes", level=1)).to_be_visible()
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        running.look(page, f"form-fixes-{name}", axe=script)
    page.get_by_role("button", name="Fix what is ticked").click()
    expect(page.get_by_text("Fixed and saved")).to_be_visible()
    expect(page.get_by_label("Opening hours", exact=False).first).to_have_value("Ask for the Fjordrunner®! Huge SALE")
    expect(page.locator(".field-fix del")).to_have_count(0)
    page.context.close()


def test_two_tabs_cannot_undo_each_other(browser: Browser, running: Running) -> None:
    """The tab that is behind is told who was faster, keeps its text, and undoes nothing."""
    page = person(browser)
    begin(page, running, "anna@radhaus.example")
    url = page.url
    write(page, "Headline", "From the first tab", script=True)
    other = page.context.new_page()
    other.goto(url)
    write(other, "Headline", "From the second tab", script=True)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("Somebody saved this draft before you")).to_be_visible()
    expect(page.get_by_label("Headline", exact=False).first).to_have_value("From the first tab")
    other.reload()
    expect(other.get_by_label("Headline", exact=False).first).to_have_value("From the second tab")
    page.context.close()


def test_texts_of_the_last_campaign_without_a_script(browser: Browser, running: Running) -> None:
    """A submitted campaign's texts are offered to the next draft, taken as ticked, and can be taken back."""
    page = person(browser, script=False)
    begin(page, running)
    write(page, "Headline", "Our very own headline", script=False)
    write(page, "Subject", "Our very own subject", script=False)
    start = running.now() + timedelta(days=4)
    page.get_by_label("Day and time").fill(start.strftime("%Y-%m-%dT09:00"))
    page.get_by_role("button", name="Save and check").click()
    page.get_by_label(re.compile("I accept")).check()
    page.get_by_role("button", name="Submit for review").click()
    expect(page.locator(".heading .tag")).not_to_have_text("Draft")
    page.get_by_role("link", name="Campaigns").first.click()
    page.get_by_role("button", name="Start a campaign").first.click()
    page.get_by_role("link", name="Take texts over from your last campaign").click()
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        running.look(page, "form-last", axe=False)
    expect(page.locator(".last-card")).not_to_have_count(0)
    page.get_by_role("button", name="Take over what is ticked").click()
    expect(page.get_by_text("Taken over and saved")).to_be_visible()
    expect(page.get_by_label("Subject", exact=True)).to_have_value("Our very own subject")
    expect(page.get_by_label("Day and time")).to_have_value("")
    turn(page, "Undo")
    expect(page.get_by_label("Subject", exact=True)).not_to_have_value("Our very own subject")
    seeing = person(browser)
    seeing.context.add_cookies(page.context.cookies())  # type: ignore[arg-type]
    seeing.goto(re.sub(r"/edit.*", "/last", page.url))
    running.look(seeing, "form-last")
    for one in (seeing, page):
        one.context.close()


def test_the_form_on_a_dark_screen(browser: Browser, running: Running) -> None:
    """The editor, the route and the hints keep their contrast in the dark."""
    page = person(browser, dark=True)
    begin(page, running, "anna@radhaus.example")
    editor(page)
    write(page, "Headline", "Nordlicht Bieks!! HUGE SALE", script=True)
    expect(page.locator("#said-f-v-headline")).to_contain_text("Fix: replace")
    page.get_by_role("button", name="Link", exact=True).click()
    running.look(page, "form-dark")
    page.context.close()

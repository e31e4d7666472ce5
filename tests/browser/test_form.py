"""The form in a real browser: rich text, fixes, undo, texts of the last campaign, the route; with a script and without.

The pages run under their strict policy: a violation of it, an error in a script or a finding of axe fails the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect

from chalicelib.domain import richtext
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


def begin(page: Page, running: Running, address: str = "julie@cyclesdulac.example") -> None:
    """Sign in and begin a campaign, or go on with the draft of the test before."""
    sign_in(page, running, address)
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

"""The mailbox page in a real browser: no script, both themes, a phone and a desk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from tests.local.ses.desk import Desk, running, simple
from tests.local.ses.test_ses_mailbox import hooks_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, once for this module."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def box() -> Iterator[Desk]:
    """A mailbox with a few mails, and a clock that may be moved."""
    with running(hooks=hooks_of) as found:
        found.set_up()
        yield found


def hostile(url: str) -> dict[str, object]:
    """A mail that links to ``url`` and tries to run a script, to load a picture and to send a form."""
    html = (
        f'<h1>Hello</h1><a id="go" href="{url}/help">Help</a><script>document.body.textContent = "ran"</script>'
        f'<img src="{url}/static/mailbox.css" onerror="document.body.textContent = 1">'
        f'<form action="{url}/clear" method="post"><button id="clear">x</button></form>'
    )
    message = simple()["Content"]["Simple"] | {"Body": {"Html": {"Data": html}, "Text": {"Data": "Hello"}}}
    return {"Simple": message}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_is_accessible_and_fits(
    box: Desk, browser: Browser, scheme: Literal["light", "dark"], width: int
) -> None:
    """axe finds nothing on any page, nothing is wider than the screen, and the policy is not violated."""
    from axe_playwright_python.sync_playwright import Axe

    message_id = box.send(ConfigurationSetName="campaigns", EmailTags=[{"Name": "campaign", "Value": "x" * 200}])
    failed = box.send("kata+ses-bounce@a-very-long-domain-name-of-somebody.example.com")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    paths = ["/", "/?q=none", "/senders", "/help", f"/mail/{failed}"]
    paths += [f"/mail/{message_id}?tab={tab}" for tab in ("preview", "phone", "text", "headers", "details", "events")]
    for path in paths:
        page.goto(box.server.url + path)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{path} is {wider} px too wide"
    assert said == []
    context.close()


def test_a_mail_runs_nothing_and_its_links_open_in_a_new_tab(box: Desk, browser: Browser) -> None:
    """Inside the frame no script runs and no form is sent, while a link opens beside the mailbox."""
    box.send(Content=hostile(box.server.url))
    context = browser.new_context()
    page = context.new_page()
    page.goto(box.server.url)
    page.get_by_role("link", name="Spring offers").click()
    frame = page.frame_locator("iframe")
    assert frame.locator("h1").text_content() == "Hello"
    frame.locator("#clear").click()
    with context.expect_page() as opened:
        frame.locator("#go").click()
    opened.value.wait_for_load_state()
    assert opened.value.get_by_role("heading", name="Test addresses").is_visible()
    assert frame.locator("h1").text_content() == "Hello" and len(box.mails()) == 1
    context.close()


def test_the_forms_of_the_page_work_without_scripts(box: Desk, browser: Browser) -> None:
    """Searching, events, senders, the clock and emptying the mailbox pass the checks of origin."""
    box.send(ConfigurationSetName="campaigns")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(box.server.url)
    page.get_by_label("Search", exact=True).fill("spring")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Spring offers").click()
    page.get_by_role("link", name="Events").click()
    page.get_by_role("button", name="Complaint").click()
    assert page.get_by_text("published to sns").is_visible()
    page.get_by_role("link", name="Senders").click()
    page.get_by_label("State of partner.example").select_option("PENDING")
    page.get_by_role("button", name="Save").click()
    assert box.client.get_email_identity(EmailIdentity="partner.example")["VerificationStatus"] == "PENDING"
    page.get_by_label("Advance the time by").fill("90")
    page.get_by_role("button", name="Advance").click()
    assert page.get_by_text("22 November 2026, 05:07").is_visible()
    page.get_by_text("Empty the mailbox").click()
    page.get_by_role("button", name="Delete all mails").click()
    assert page.get_by_role("heading", name="No mail yet").is_visible() and box.mails() == []
    context.close()

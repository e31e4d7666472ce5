"""The whole journey in one browser after the other: HQ, partner, reviewer on a phone, customer.

The steps build on each other as a campaign's life does, so they are one test; each page on the way
is looked at by axe, and its screenshot is kept. The same steps are made against the local run and
against the stack that is deployed to the emulator: a place says where its pages and its mailbox are.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import person, sign_in
from tests.browser.place import DESKTOP, PHONE, ROOT, Place
from tests.browser.steps import invite, open_programme

SOURCE = ROOT / "templates" / "starter" / "spring-offer.en.html"
NEWCOMER = "nora@velonord.example"
HEADLINE = "Your bike wants to see the sun"
CSV = """email,first_name,last_name,city,consent_basis,consent_at,consent_source,status
ada.new@freiburg.example,Ada,New,Freiburg,double_opt_in,2026-05-01,Shop,subscribed
Ben.New@FREIBURG.example,Ben,New,Freiburg,double_opt_in,2026-05-02,Shop,subscribed
gone@freiburg.example,Gone,Away,Freiburg,double_opt_in,2026-05-02,Shop,unsubscribed
ada.new@freiburg.example,Ada,Twice,Freiburg,double_opt_in,2026-05-01,Shop,subscribed
jürgen@freiburg.example,Jürgen,Umlaut,Freiburg,double_opt_in,2026-05-01,Shop,subscribed
nobasis@freiburg.example,No,Basis,Freiburg,,2026-05-01,Shop,subscribed
"""


def run(browser: Browser, place: Place, folder: Path) -> list[str]:
    """A template of HQ ends in a customer's inbox, decided by a manager in between, and the way out works.

    The answer is who received the campaign, an address a mail.
    """
    expect.set_options(timeout=place.patience)
    head_office(browser, place)
    newcomer(browser, place)
    anna = person(browser)
    sign_in(anna, place, "anna@radhaus.example")
    place.look(anna, "partner-home")
    customers(anna, place, folder)
    start = write_campaign(anna, place)
    submit(anna, place)
    decide_on_a_phone(browser, place)
    expect_state(anna, "Approved")
    place.look(anna, "campaign-approved")
    received = send(anna, place, start)
    unsubscribe(browser, place, received)
    results(anna, place)
    head_office_sees_no_numbers(browser, place)
    return [mail["recipient"] for mail in received]


def head_office(browser: Browser, place: Place) -> None:
    """HQ publishes a template by file, opens a programme with it, and invites a partner."""
    hanna = person(browser)
    hanna.goto(f"{place.hq}/sign-in")
    place.look(hanna, "sign-in")
    sign_in(hanna, place, "hanna@nordlicht.example", hq=True)
    place.look(hanna, "hq-home")
    hanna.get_by_role("link", name="Publish a template").first.click()
    hanna.get_by_label("Name").fill("Summer ride")
    source = SOURCE.read_text("utf-8")
    broken = source.replace("<body", '<body onload="x()"').replace("</body>", "<script>1</script></body>")
    hanna.get_by_label("HTML", exact=True).fill(broken)
    hanna.get_by_role("button", name="Publish").click()
    expect(hanna.get_by_role("alert")).to_contain_text("Line 41")
    place.look(hanna, "hq-template-refused")
    hanna.get_by_label("HTML", exact=True).fill(source)
    hanna.get_by_role("button", name="Publish").click()
    expect(hanna.get_by_role("heading", name="Summer ride")).to_be_visible()
    place.look(hanna, "hq-template")
    invite(hanna, place, "Velo Nord", "Nora Nord", NEWCOMER, group="newcomers")
    open_programme(hanna, place, "Summer ride weeks", template="Summer ride", group="newcomers", told=NEWCOMER)
    for page in (
        "programmes", "partners", "people", "stop", "health", "templates", "programmes/new", "partners/invite",
    ):
        hanna.goto(f"{place.hq}/hq/{page}")
        place.look(hanna, f"hq-{page.replace('/', '-')}")
    hanna.set_viewport_size(PHONE)  # type: ignore[arg-type]
    hanna.goto(f"{place.hq}/hq")
    place.look(hanna, "hq-home")
    hanna.goto(f"{place.hq}/hq/health")
    place.look(hanna, "hq-health")
    hanna.context.close()


def newcomer(browser: Browser, place: Place) -> None:
    """The invited person signs in, sees the one programme for it, and nothing of other partners."""
    nora = person(browser)
    sign_in(nora, place, NEWCOMER)
    expect(nora.locator("main")).to_contain_text("Summer ride weeks")
    assert "Radhaus" not in nora.content()
    assert "Spring check-up weeks" not in nora.content()
    place.look(nora, "partner-home-new")
    nora.context.close()


def customers(anna: Page, place: Place, folder: Path) -> None:
    """A file straight to the bucket: good rows come in, each refused one is told with its reason."""
    file = folder / "new.csv"
    file.write_text(CSV, "utf-8")
    anna.get_by_role("link", name="My customers").first.click()
    place.look(anna, "customers")
    anna.get_by_role("link", name=re.compile("import", re.I)).first.click()
    anna.get_by_label(re.compile("double opt-in", re.I)).first.check()
    anna.get_by_label("Where they gave it").fill("Trade fair in May")
    anna.get_by_label("The sentence they agreed to").fill("Yes, write to me.")
    anna.get_by_label(re.compile("I confirm")).check()
    place.look(anna, "import-new")
    anna.get_by_role("button", name=re.compile("Next")).click()
    place.look(anna, "import-upload")
    anna.locator("input[type=file]").set_input_files(file)
    anna.get_by_role("button", name="Upload").click()
    expect(anna.get_by_text("Done").first).to_be_visible(timeout=60_000)
    anna.reload()
    body = anna.locator("main").inner_text()
    for words in ("3 rows were refused", "same address stands in row 2", "letters that no mail server takes",
                  "legal basis is missing"):
        assert words.lower() in body.lower(), body
    place.look(anna, "import-done")


def write_campaign(anna: Page, place: Place) -> datetime:
    """The form saves by itself, shows the mail beside it, and tells what is wrong in plain words."""
    anna.get_by_role("link", name="Campaigns").first.click()
    anna.get_by_role("button", name="Start a campaign").first.click()
    headline = anna.get_by_label("Headline", exact=False).first
    headline.fill(HEADLINE)
    expect(anna.locator("[data-save-state=saved]")).to_be_visible()
    frame = anna.frame_locator("iframe.frame-light")
    expect(frame.get_by_text(HEADLINE)).to_be_visible()
    place.look(anna, "edit")
    # A night in which the clocks skip the hour: the form asks instead of guessing.
    anna.get_by_label("Day and time").fill("2027-03-28T02:30")
    anna.get_by_role("button", name="Save and check").click()
    expect(anna.locator("main")).to_contain_text("01:59")
    start = place.now() + timedelta(days=4)
    local = start.strftime("%Y-%m-%dT09:00")
    anna.goto(re.sub(r"/(check|edit).*", "/edit", anna.url))
    anna.get_by_label("Day and time").fill(local)
    for size, name in ((PHONE, "edit"), (DESKTOP, "edit-filled")):
        anna.set_viewport_size(size)  # type: ignore[arg-type]
        place.look(anna, name)
    anna.get_by_role("button", name=re.compile("Send the saved version")).click()
    place.mail("anna@radhaus.example", "[Test]")
    anna.goto(re.sub(r"/(check|edit).*", "/edit", anna.url))
    anna.get_by_role("button", name="Save and check").click()
    return datetime.strptime(local, "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)


def submit(anna: Page, place: Place) -> None:
    """Check the answers, accept the terms once, submit."""
    expect(anna.get_by_text(HEADLINE).first).to_be_visible()
    place.look(anna, "check")
    anna.get_by_role("button", name="Submit for review").click()
    expect(anna.locator("main")).to_contain_text("terms")
    anna.get_by_label(re.compile("I accept")).check()
    anna.get_by_label(re.compile("Note to the reviewer")).fill("Our best month. Please be quick.")
    anna.get_by_role("button", name="Submit for review").click()
    expect_state(anna, "In review")
    place.look(anna, "campaign-in-review")


def decide_on_a_phone(browser: Browser, place: Place) -> None:
    """The manager reads the mail on a phone, opens the link without JavaScript, types four digits, approves."""
    mail = place.mail("marco@nordlicht.example", "Please decide")
    phone = person(browser, PHONE, script=False)
    phone.set_content(mail["html"])
    place.look(phone, "review-mail", axe=False)
    assert HEADLINE in mail["html"]
    assert len(mail["html"].encode()) < 90_000
    code = re.search(r"Your code: (\d{4})", mail["text"])
    link = re.search(rf"{re.escape(place.hq)}/r/[\w-]+", mail["text"])
    assert code
    assert link
    for number in range(place.scanners):
        scanner_visits(browser, link.group(), press=number % 2 == 0)
    phone.goto(link.group() + "?verdict=approve")
    expect(phone.get_by_text("Radhaus Lindner").first).to_be_visible()
    expect(phone.frame_locator("iframe.mail-frame").get_by_text(HEADLINE)).to_be_visible()
    place.look(phone, "review", axe=False)
    phone.get_by_label("Code from the mail").fill("0000" if code.group(1) != "0000" else "1111")
    phone.get_by_role("button", name="Approve").click()
    expect(phone.get_by_role("alert")).to_contain_text("code")
    place.look(phone, "review-wrong-code", axe=False)
    phone.get_by_label("Code from the mail").fill(code.group(1))
    phone.get_by_role("button", name="Approve").click()
    expect(phone.locator("main")).to_contain_text("Approved by Marco Bianchi")
    place.look(phone, "review-decided", axe=False)
    again = person(browser, DESKTOP)
    again.goto(link.group())
    expect(again.locator("main")).to_contain_text("Already decided")
    place.look(again, "review-decided")
    for one in (phone, again):
        one.context.close()


def scanner_visits(browser: Browser, link: str, *, press: bool) -> None:
    """A link scanner with JavaScript: opens the page and presses every button it finds."""
    page = person(browser)
    page.goto(link)
    if press:
        for number in range(page.get_by_role("button").count()):
            button = page.get_by_role("button").nth(number)
            if button.is_visible():
                button.click()
                page.goto(link)
    assert "Approved by" not in page.locator("main").inner_text()
    page.context.close()


def send(anna: Page, place: Place, start: datetime) -> list[dict[str, Any]]:
    """Nothing goes out before its time; then every customer who may be mailed gets it, once."""
    assert not campaign_mails(place)
    now = place.now()
    place.advance(seconds=(start - timedelta(hours=2) - now).total_seconds())
    for _ in range(6):
        place.advance(minutes=20)
    page = anna.url
    sign_in(anna, place, "anna@radhaus.example")  # three days later, the sign-in has ended
    anna.goto(page)
    for _ in range(120):
        place.call("/_tick", {})
        anna.reload()
        if "Sent" in anna.locator(".heading .tag").inner_text():
            break
        place.advance(minutes=1)
        anna.wait_for_timeout(250)
    expect_state(anna, "Sent")
    received = campaign_mails(place)
    addresses = [m["recipient"] for m in received]
    assert len(addresses) == len(set(addresses))
    assert len(addresses) > 200
    assert "gone@freiburg.example" not in addresses
    assert {"ada.new@freiburg.example", "ben.new@freiburg.example"} <= set(addresses)
    (ada,) = [m for m in received if m["recipient"] == "ada.new@freiburg.example"]
    assert "Ada" in ada["html"]
    assert HEADLINE in ada["html"]
    assert HEADLINE in ada["text"]
    return received


def campaign_mails(place: Place) -> list[dict[str, Any]]:
    """The mails of campaigns, to customers; the program's own carry a kind."""
    return [m for m in place.mails() if "campaign" in m["tags"] and "kind" not in m["tags"]]


def unsubscribe(browser: Browser, place: Place, received: list[dict[str, Any]]) -> None:
    """The visible page and the mail client's button (RFC 8058) both work, without sign-in or script."""
    (ada,) = [m for m in received if m["recipient"] == "ada.new@freiburg.example"]
    link = re.search(rf"{re.escape(place.url)}/u/[\w-]+", ada["text"])
    assert link
    phone = person(browser, PHONE, script=False)
    phone.goto(link.group())
    expect(phone.locator("main")).to_contain_text("Radhaus Lindner")
    place.look(phone, "unsubscribe", axe=False)
    phone.get_by_role("button").first.click()
    place.look(phone, "unsubscribed", axe=False)
    assert "ada.new" not in phone.content()
    headers = {name.lower(): value for name, value in ada["headers"]} if isinstance(ada["headers"], list) else {
        name.lower(): value for name, value in ada["headers"].items()}
    assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert headers["list-unsubscribe"].startswith(f"<{place.url}/u/")
    phone.context.close()


def results(anna: Page, place: Place) -> None:
    """The results add up, and the customer who left counts as unsubscribed from now on."""
    anna.reload()
    place.look(anna, "campaign-sent")
    anna.set_viewport_size(PHONE)  # type: ignore[arg-type]
    place.look(anna, "campaign-sent")
    anna.set_viewport_size(DESKTOP)  # type: ignore[arg-type]


def head_office_sees_no_numbers(browser: Browser, place: Place) -> None:
    """HQ's page of the programme shows state and bracket, and no customer."""
    hanna = person(browser)
    sign_in(hanna, place, "hanna@nordlicht.example", hq=True)
    hanna.get_by_role("link", name="Spring check-up weeks").first.click()
    expect(hanna.get_by_text("Sent").first).to_be_visible()
    expect(hanna.get_by_text("51-250").first).to_be_visible()
    assert "freiburg.example" not in hanna.content()
    place.look(hanna, "hq-programme")
    hanna.context.close()


def expect_state(anna: Page, state: str) -> None:
    """The campaign's page shows this state."""
    anna.goto(re.sub(r"(/campaigns/cmp_\w+).*", r"\1", anna.url))
    expect(anna.locator(".heading .tag")).to_have_text(state)

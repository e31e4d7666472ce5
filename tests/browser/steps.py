"""What head office does in more than one test, by its pages."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Page, expect

from tests.browser.place import Place


def invite(hanna: Page, place: Place, name: str, person: str, address: str, *, group: str) -> None:
    """HQ invites a further partner, whose first person gets the mail with the way to the partners' pages."""
    hanna.goto(f"{place.hq}/hq/partners/invite")
    hanna.get_by_label("Name of the partner").fill(name)
    hanna.get_by_label("Who begins there").fill(person)
    hanna.get_by_label("E-mail address", exact=True).fill(address)
    hanna.get_by_label("Groups").fill(group)
    hanna.get_by_role("button", name="Send the invitation").click()
    expect(hanna.locator("main")).to_contain_text(name)
    assert f"{place.url}/" in place.mail(address, "")["text"]


def open_programme(hanna: Page, place: Place, title: str, *, template: str, group: str, told: str) -> None:
    """HQ offers a template's newest version to a group of partners; ``told`` is the address of one of them."""
    hanna.goto(f"{place.hq}/hq/programmes/new")
    hanna.get_by_label("Title").fill(title)
    choice = hanna.get_by_label("Template")
    choice.select_option(choice.locator(f"optgroup[label='{template}'] option").first.get_attribute("value"))
    now = place.now()
    hanna.get_by_label("From").fill(now.strftime("%Y-%m-%dT00:00"))
    hanna.get_by_label("Until").fill((now + timedelta(days=30)).strftime("%Y-%m-%dT00:00"))
    hanna.get_by_label("Groups of partners").fill(group)
    hanna.get_by_label("Reviewers").fill("marco@nordlicht.example")
    hanna.get_by_role("button", name="Store and tell the partners").click()
    expect(hanna.get_by_role("heading", name=title)).to_be_visible()
    assert place.mail(told, title)["to"]

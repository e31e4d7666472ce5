"""Long words on a narrow screen: no page is wider than a phone in the languages with the longest words."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import PHONE, Running, look, person, sign_in

WIDE = """() => [...document.querySelectorAll("main *, header *")].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !one.closest("nav, thead, .scroll, iframe, .visually-hidden, pre");
}).map((one) => `${one.tagName} ${one.textContent.trim().slice(0, 60)}`).slice(0, 5)"""
"""For the message: the elements that reach over the right edge. Menus and wide tables scroll within themselves."""
HQ = ["/hq", "/hq/templates", "/hq/templates/new", "/hq/programmes", "/hq/programmes/new", "/hq/partners",
      "/hq/partners/invite", "/hq/people", "/hq/rules", "/hq/rules/lanes", "/hq/stop", "/sessions"]
LANGUAGES = ("de", "es", "fr", "hu")


def speak(page: Page, base: str, language: str) -> None:
    """Choose the language on one's own page, as a person does."""
    page.goto(f"{base}/sessions")
    page.locator("select[name=language]").select_option(language)
    page.locator("form[action$='/language'] button").click()
    page.wait_for_load_state()
    assert page.locator("html").get_attribute("lang") == language


def too_wide(page: Page, url: str) -> list[str]:
    """What reaches over the edge of the screen, if the page can be moved sideways."""
    page.goto(url)
    page.wait_for_load_state()
    if page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
        return []
    return [url, *page.evaluate(WIDE)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_head_offices_pages_fit_a_phone(browser: Browser, running: Running, language: str) -> None:
    """Every list and form of head office, at 390 pixels."""
    page = person(browser, PHONE)
    sign_in(page, running, "hanna@nordlicht.example", hq=True)
    speak(page, running.hq, language)
    for path in HQ:
        assert too_wide(page, running.hq + path) == []
    look(page, f"language-{language}-sessions")
    speak(page, running.hq, "en")
    page.context.close()


def test_the_partners_pages_fit_a_phone_in_every_language(browser: Browser, running: Running) -> None:
    """From the home page to the check of a draft, in each language; the words beside a field are the page's own."""
    page = person(browser, PHONE)
    sign_in(page, running, "tom@northbikes.example")
    home = page.url
    page.locator("main form button").first.click()
    page.wait_for_load_state()
    edit = page.url
    assert edit.endswith("/edit")
    pages = [home, f"{home}/customers", f"{home}/customers/import", f"{home}/profile", edit,
             edit.removesuffix("/edit"), edit.replace("/edit", "/check")]
    for language in LANGUAGES:
        speak(page, running.url, language)
        for url in pages:
            assert too_wide(page, url) == []
        page.goto(edit)
        counter = page.locator("output.counter").first.inner_text()
        between = {"de": "von", "es": "de", "fr": "sur", "hu": "/"}[language]
        assert re.fullmatch(rf"\d+ {between} \d+", counter.split(":")[0])
        look(page, f"language-{language}-edit")
    speak(page, running.url, "en")
    page.context.close()

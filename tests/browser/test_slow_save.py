"""The form on a slow line: what saves itself and what a person presses must not get in each other's way."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import Running, person, sign_in

PAUSE_MS = 2_000
"""Longer than the pause after which the form saves by itself."""


def test_what_is_typed_during_a_save_is_saved_after_it(browser: Browser, running: Running) -> None:
    """Two saves never name the same version, and a button pressed during a save waits for it."""
    tom = person(browser)
    sign_in(tom, running, "tom@northbikes.example")
    tom.get_by_role("button", name="Start a campaign").first.click()
    headline = tom.get_by_label("Headline", exact=False).first
    expect(headline).to_be_visible()
    held: list[Route] = []
    answers: list[int] = []
    pressed = False

    def hold(route: Route) -> None:
        if route.request.headers.get("accept") == "application/json" and not pressed:
            held.append(route)
        else:
            route.continue_()

    tom.route("**/campaigns/**", hold)
    tom.on("response", lambda answer: answers.append(answer.status) if answer.request.method == "POST" else None)
    for text in ("First thought", "Second thought"):
        headline.fill(text)
        tom.wait_for_timeout(PAUSE_MS)
        assert len(held) == 1, "the second save waits for the first one's version"
    tom.get_by_role("button", name="Save and check").click(no_wait_after=True)
    pressed = True
    held[0].continue_()
    expect(tom).to_have_url(re.compile("/check"), timeout=20_000)
    expect(tom.get_by_text("Second thought").first).to_be_visible()
    assert 409 not in answers, answers
    tom.context.close()

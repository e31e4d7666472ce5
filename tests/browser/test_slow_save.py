"""The form on a slow or broken line: saves wait for each other, and what got lost on the way comes again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Running, person, sign_in

PAUSE_MS = 2_000
"""Longer than the pause after which the form saves by itself."""


def writing(browser: Browser, running: Running, address: str = "tom@northbikes.example") -> Page:
    """A partner in front of the form of a draft."""
    tom = person(browser)
    sign_in(tom, running, address)
    begin, go_on = tom.get_by_role("button", name="Start a campaign"), tom.get_by_role("link", name="Continue my draft")
    begin.or_(go_on).first.click()
    expect(tom.get_by_label("Headline", exact=False).first).to_be_visible()
    return tom


class Busy(BaseHTTPRequestHandler):
    """What API Gateway says while a function cannot be started."""

    def do_GET(self) -> None:
        """Not now."""
        self.send_error(HTTPStatus.BAD_GATEWAY)

    def log_message(self, *_: object) -> None:
        """Nothing of interest."""


@pytest.fixture
def busy() -> Iterator[str]:
    """The address of a server that always fails: the browser tells a page nothing of an answer made up by a test."""
    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def autosaves(route: Route) -> bool:
    """Whether a request is the form's own save."""
    return route.request.headers.get("accept") == "application/json"


def test_what_is_typed_during_a_save_is_saved_after_it(browser: Browser, running: Running) -> None:
    """Two saves never name the same version, and a button pressed during a save waits for it."""
    tom = writing(browser, running)
    headline = tom.get_by_label("Headline", exact=False).first
    held: list[Route] = []
    answers: list[int] = []
    pressed = False

    def hold(route: Route) -> None:
        if autosaves(route) and not pressed:
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
    expect(tom).to_have_url(re.compile("/check"))
    expect(tom.get_by_text("Second thought").first).to_be_visible()
    assert 409 not in answers, answers
    tom.context.close()


def test_what_got_lost_on_the_way_comes_again(browser: Browser, running: Running, busy: str) -> None:
    """A save that was refused, one whose answer was lost, a preview that failed: all is mended by itself.

    Who typed on while an answer was lost is not in conflict with it.
    """
    tom = writing(browser, running)
    done: list[str] = []

    def break_once(route: Route) -> None:
        what = "save" if autosaves(route) else "preview" if "/preview?at=" in route.request.url else ""
        if what == "save" and done.count(what) < 2:
            if done.count(what):
                route.fetch()  # It arrives; only the answer does not.
                route.abort()
            else:
                route.fulfill(status=503, body="Service Unavailable")
        elif what == "preview" and done.count(what) < 1:
            route.continue_(url=busy)
        else:
            route.continue_()
        done.append(what)

    tom.route("**/campaigns/**", break_once)
    state = tom.locator("[data-save-state]")
    tom.get_by_label("Headline", exact=False).first.fill("Written on a train")
    expect(state).to_have_attribute("data-save-state", "failed")
    expect(state).to_contain_text("We keep trying")
    expect(state).to_have_attribute("data-save-state", "saved")
    frame = tom.frame_locator("iframe.frame-light")
    expect(frame.get_by_text("Written on a train")).to_be_visible(timeout=20_000)
    assert done.count("save") == 3
    assert done.count("preview") >= 2
    tom.unroute("**/campaigns/**")
    assert 409 not in loses_an_answer(tom)
    tom.context.close()


def loses_an_answer(page: Page) -> list[int]:
    """Type on after a save that arrives, but whose answer is lost; the status of each save until both are saved."""
    held: list[Route] = []
    answers: list[int] = []

    def arrive(route: Route) -> None:
        if not autosaves(route):
            route.continue_()
        elif answers:
            answer = route.fetch()
            answers.append(answer.status)
            route.fulfill(response=answer)
        else:
            answers.append(route.fetch().status)
            held.append(route)

    page.route("**/campaigns/**", arrive)
    headline = page.get_by_label("Headline", exact=False).first
    headline.fill("A beginning")
    page.wait_for_timeout(PAUSE_MS)
    headline.fill("A beginning and much more")
    held[0].fulfill(status=504, json={"message": "Endpoint request timed out"})
    shown = page.frame_locator("iframe.frame-light").get_by_text("A beginning and much more")
    expect(shown).to_be_visible(timeout=20_000)
    expect(page.locator("[data-save-state]")).to_have_attribute("data-save-state", "saved")
    return answers


def test_a_button_after_a_lost_answer_waits_for_what_arrived(browser: Browser, running: Running) -> None:
    """The text typed since is saved over one's own older save, which is no conflict with anybody."""
    julie = writing(browser, running, "julie@cyclesdulac.example")
    lost: list[int] = []

    def lose(route: Route) -> None:
        if autosaves(route) and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    julie.route("**/campaigns/**", lose)
    posts: list[int] = []
    julie.on("response", lambda answer: posts.append(answer.status) if answer.request.method == "POST" else None)
    headline = julie.get_by_label("Headline", exact=False).first
    headline.fill("It arrived")
    expect(julie.locator("[data-save-state]")).to_have_attribute("data-save-state", "failed")
    headline.fill("It arrived and went on")
    julie.get_by_role("button", name="Save and check").click()
    expect(julie).to_have_url(re.compile("/check"))
    expect(julie.get_by_text("It arrived and went on").first).to_be_visible()
    assert lost == [HTTPStatus.OK]
    assert HTTPStatus.CONFLICT not in posts
    julie.context.close()


def test_what_cannot_be_kept_is_said_and_not_tried_again(browser: Browser, running: Running) -> None:
    """A text far over its length is answered in words; a text of more than 64 KiB in all is saved."""
    tom = writing(browser, running)
    state = tom.locator("[data-save-state]")
    headline = tom.get_by_label("Headline", exact=False).first
    headline.evaluate("field => field.removeAttribute('maxlength')")
    headline.fill("x" * 20_001)
    expect(state).to_have_attribute("data-save-state", "failed")
    expect(state).to_contain_text("Headline: This text has 20001 characters")
    for label in ("Headline", "Price line", "Small print"):
        tom.get_by_label(label, exact=False).first.fill("ö" * 15_000)
    expect(state).to_have_attribute("data-save-state", "saved")
    tom.context.close()


def test_who_is_signed_out_is_told_and_keeps_the_text(browser: Browser, running: Running) -> None:
    """After a new sign-in in another tab all is saved: by whoever comes back, and with the next change."""
    tom = writing(browser, running)
    state = tom.locator("[data-save-state]")
    headline = tom.get_by_label("Headline", exact=False).first
    tom.context.clear_cookies()
    headline.fill("Written without a session")
    expect(state).to_contain_text("you are signed out")
    tab = tom.context.new_page()
    sign_in(tab, running, "tom@northbikes.example")
    tom.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # Tabs without a window are never hidden.
    expect(state).to_have_attribute("data-save-state", "saved")
    with tom.expect_response(lambda answer: answer.request.method == "POST" and answer.ok):
        headline.press_sequentially("!")
    expect(state).to_have_attribute("data-save-state", "saved")
    tom.context.close()

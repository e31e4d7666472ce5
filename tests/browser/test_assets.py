"""Pictures in a real browser: head office's library, a partner's own, and cutting one into a mail."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests import pictures
from tests.browser.conftest import DESKTOP, PHONE, Running, look, person, sign_in


def both(page: Page, name: str) -> None:
    """Look at a page on a desk and on a phone."""
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        look(page, name)


def upload(page: Page, file: Path, name: str, alt: str) -> None:
    """Say what is in a picture and send its file."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("What does the picture show?").fill(alt)
    page.get_by_role("button", name="Next: the file").click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Upload").click()


def loaded(page: Page, selector: str = "main img") -> bool:
    """Whether every picture of the page was allowed and arrived."""
    page.wait_for_load_state("networkidle")
    arrived = "s => [...document.querySelectorAll(s)].every(i => i.complete && i.naturalWidth > 0)"
    return bool(page.evaluate(arrived, selector))


def test_head_office_fills_its_library(browser: Browser, running: Running, tmp_path: Path) -> None:
    """A logo is uploaded and described; a file that is no picture is told why, and what to do."""
    hanna = person(browser)
    sign_in(hanna, running, "hanna@nordlicht.example")
    hanna.get_by_role("link", name="Pictures").first.click()
    expect(hanna.get_by_role("heading", name="Pictures")).to_be_visible()
    both(hanna, "hq-images")
    assert loaded(hanna)
    hanna.get_by_role("link", name="Upload a picture").first.click()
    both(hanna, "hq-image-new")
    file = tmp_path / "logo.jpg"
    file.write_bytes(b"Dear customers, this is no picture.")
    upload(hanna, file, "Logo", "Nordlicht Bikes")
    expect(hanna.get_by_role("alert")).to_contain_text("This file is not a picture", timeout=30_000)
    look(hanna, "hq-image-refused")
    hanna.get_by_role("link", name="Upload another file").click()
    file.write_bytes(pictures.photo(480, 160, seed=3))
    upload(hanna, file, "Logo", "Nordlicht Bikes")
    expect(hanna.get_by_text("The picture is in the library")).to_be_visible(timeout=30_000)
    both(hanna, "hq-image-done")
    hanna.get_by_role("link", name="Look at it").click()
    both(hanna, "hq-image")
    assert loaded(hanna)
    hanna.context.close()


def test_a_partner_cuts_a_picture_into_a_mail(browser: Browser, running: Running, tmp_path: Path) -> None:
    """Upload, choose, cut by dragging, and the preview shows it; the form's hint says that somebody will look."""
    julie = person(browser)
    sign_in(julie, running, "julie@cyclesdulac.example")
    julie.get_by_role("button", name="Start a campaign").first.click()
    julie.get_by_role("button", name="Choose from the library").first.click()
    expect(julie.get_by_text("From head office")).to_be_visible()
    both(julie, "image-choose")
    julie.get_by_role("link", name="Upload a picture").first.click()
    file = tmp_path / "shop.jpg"
    file.write_bytes(pictures.photo(1600, 1200, seed=7))
    both(julie, "image-new")
    upload(julie, file, "Our shop", "Our shop by the lake")
    expect(julie.get_by_text("The picture is in the library")).to_be_visible(timeout=30_000)
    both(julie, "image-done")
    julie.get_by_role("button", name="Put it into the mail").click()
    expect(julie.get_by_role("heading", name="Cut it to its place")).to_be_visible()
    view = julie.locator("[data-cut-view]")
    before = view.get_attribute("viewBox")
    julie.get_by_label("How close").fill("150")
    assert view.get_attribute("viewBox") != before
    place = view.bounding_box()
    assert place
    julie.mouse.move(place["x"] + 100, place["y"] + 60)
    julie.mouse.down()
    julie.mouse.move(place["x"] + 160, place["y"] + 90, steps=4)
    julie.mouse.up()
    dragged = view.get_attribute("viewBox") or ""
    both(julie, "image-cut")
    julie.get_by_role("button", name="Cut it like this").click()
    expect(julie.get_by_text("Cut to the place")).to_be_visible(timeout=30_000)
    box = [int(n) for n in dragged.split()]
    assert abs(box[2] / box[3] - 600 / 280) < 0.02
    both(julie, "image-cut-done")
    julie.get_by_role("button", name="Put it into the mail").click()
    julie.wait_for_url(re.compile(r"/edit#f-v-hero$"))
    expect(julie.get_by_text("From the library", exact=True)).to_be_visible()
    assert loaded(julie, ".picture img")
    frame = julie.frame_locator("iframe.frame-light")
    expect(frame.locator("img[alt='Our shop by the lake']")).to_be_visible(timeout=20_000)
    expect(julie.locator("main")).to_contain_text("nobody has agreed to it")
    look(julie, "edit-with-image")
    julie.goto(re.sub(r"/campaigns/.*", "/images", julie.url))
    both(julie, "images")
    julie.get_by_role("link", name="Our shop").first.click()
    both(julie, "image")
    julie.context.close()


def again_until(page: Page, words: str) -> None:
    """Load a page again by its link until it says something."""
    for _ in range(60):
        if page.get_by_text(words).count():
            return
        page.get_by_role("link", name="Load again").click()
    raise AssertionError(f"the page never said {words!r}")


def test_without_javascript(browser: Browser, running: Running, tmp_path: Path) -> None:
    """The same by plain forms: the upload, the sliders, "Show", and pages that are loaded again."""
    tom = person(browser, PHONE, script=False)
    sign_in(tom, running, "tom@northbikes.example")
    tom.get_by_role("button", name="Start a campaign").first.click()
    tom.get_by_role("button", name="Choose from the library").first.click()
    tom.get_by_role("link", name="Upload a picture").first.click()
    file = tmp_path / "wharf.png"
    file.write_bytes(pictures.file(pictures.scene(1500, 1500, seed=9)))
    upload(tom, file, "The wharf", "Our shop at the wharf")
    again_until(tom, "The picture is in the library")
    tom.get_by_role("button", name="Put it into the mail").click()
    before = tom.locator("[data-cut-view]").get_attribute("viewBox")
    tom.locator("input[name=zoom]").press("End")
    tom.get_by_role("button", name="Show").click()
    assert tom.locator("[data-cut-view]").get_attribute("viewBox") != before
    tom.locator("input[name=zoom]").press("Home")
    tom.get_by_role("button", name="Cut it like this").click()
    again_until(tom, "Cut to the place")
    tom.get_by_role("button", name="Put it into the mail").click()
    expect(tom.get_by_text("From the library", exact=True)).to_be_visible()
    tom.context.close()

"""A real browser against the whole of `make run`: its own data, its own ports, ended by process id."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.place import DESKTOP, PATIENCE, PHONE, ROOT, SHOTS, Place, hold_to_axe
from tests.isolation.judge import JUDGE, Noted
from tests.local.ports import three_free_ports

__all__ = ["DESKTOP", "PHONE", "SHOTS", "hold_to_axe"]

CHROMIUM = next((p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
                 if Path(p).exists()), "")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is a browser test."""
    for item in items:
        if Path(str(item.fspath)).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


class Running(Place):
    """The local default under test, with what a tester may do to it from outside."""

    def __init__(self, port: int, process: subprocess.Popen[str]) -> None:
        url = f"http://127.0.0.1:{port}"
        super().__init__(url, url, f"http://127.0.0.1:{port + 1}")
        self.process = process


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`make run`'s program, seeded anew for each file of tests; its clean stop is part of the test."""
    if not (ROOT / ".venv-emulator").exists():
        pytest.skip("the local AWS is not installed: run `make run` or `make check` once")
    port, folder = three_free_ports().pages, tmp_path_factory.mktemp("local")
    log = (folder / "run.log").open("w+", encoding="utf-8")
    noted = Noted(folder / "calls.jsonl", "")
    process = subprocess.Popen(
        noted.command(
            sys.executable, "-u", "-m", "infra.local.run", "--port", str(port), "--data", str(folder / "data")),
        cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, text=True,
    )
    JUDGE.noted.append(noted)
    try:
        deadline = time.monotonic() + 120
        while "Countersign is ready" not in (said := Path(log.name).read_text("utf-8")):
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        yield Running(port, process)
    finally:
        process.send_signal(signal.SIGINT)
        status = process.wait(60)
        said = Path(log.name).read_text("utf-8")
        log.close()
    JUDGE.catch_up()
    JUDGE.noted.remove(noted)
    assert status == 0, said
    assert "Traceback" not in said, said
    assert JUDGE.wrong == []
    assert {"pages", "tick"} <= set(noted.count), "the calls of pages and handlers were heard"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium, driven by playwright, which can be started once at a time in a process."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed: `apt-get install chromium`")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()


def person(browser: Browser, size: dict[str, int] = DESKTOP, *, script: bool = True, dark: bool = False) -> Page:
    """A browser of one person: own cookies, own size."""
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]}, java_script_enabled=script,
        color_scheme="dark" if dark else "light", locale="en-GB",
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.set_default_navigation_timeout(60_000)  # a deployed function's first page waits for its start
    return page


def sign_in(page: Page, place: Place, address: str, *, hq: bool = False) -> None:
    """Ask for the link, take it from the mail, press the button; ``hq`` on HQ's surface."""
    base = place.hq if hq else place.url
    known = frozenset(m["id"] for m in place.mails(to=address))
    page.goto(f"{base}/sign-in")
    page.get_by_label("address", exact=False).first.fill(address)
    page.get_by_role("button", name=re.compile("link|sign", re.I)).click()
    mail = place.mail(address, "sign", known=known)
    link = re.search(rf"{re.escape(base)}/sign-in/[\w-]+", mail["text"])
    assert link
    page.goto(link.group())
    page.get_by_role("button", name=re.compile("sign in", re.I)).click()
    page.wait_for_load_state()


def look(page: Page, name: str, *, axe: bool = True) -> None:
    """Take a screenshot and hold the page to WCAG 2.2 AA as far as axe can tell."""
    Place("", "", "").look(page, name, axe=axe)

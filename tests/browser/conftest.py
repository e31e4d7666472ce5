"""A real browser against the whole of `make run`: its own data, its own ports, ended by process id."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.local.ports import three_free_ports

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "build" / "screenshots"
CHROMIUM = next((p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
                 if Path(p).exists()), "")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is a browser test."""
    for item in items:
        if Path(str(item.fspath)).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


class Running:
    """The local default under test, with what a tester may do to it from outside."""

    def __init__(self, port: int, process: subprocess.Popen[str]) -> None:
        self.url, self.mailbox = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
        self.process = process

    def call(self, path: str, body: dict[str, object] | None = None) -> Any:
        """Ask the mailbox's JSON interface."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.mailbox + path, data=data, headers={"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def mails(self, **query: str) -> list[dict[str, Any]]:
        """Mails with all their parts, newest first."""
        asked = urlencode({**query, "full": "1", "limit": "1000"})
        found: list[dict[str, Any]] = self.call(f"/_mails?{asked}")["mails"]
        return found

    def mail(self, to: str, subject: str, *, known: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Wait for a mail to an address whose subject has these words; the ids in ``known`` are older ones."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for mail in self.mails(to=to):
                if subject.lower() in mail["subject"].lower() and mail["id"] not in known:
                    return mail
            time.sleep(0.2)
        raise AssertionError(f"no mail to {to} with the subject {subject!r}; there are "
                             f"{[(m['to'], m['subject']) for m in self.mails()][:20]}")

    def advance(self, **amount: float) -> None:
        """Move the application's clock on and let it tick."""
        from datetime import timedelta

        self.call("/_clock", {"advance": timedelta(**amount).total_seconds()})
        self.call("/_tick", {})


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`make run`'s program, seeded anew; its clean stop is part of the test."""
    if not (ROOT / ".venv-emulator").exists():
        pytest.skip("the local AWS is not installed: run `make run` or `make check` once")
    port, folder = three_free_ports().pages, tmp_path_factory.mktemp("local")
    log = (folder / "run.log").open("w+", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "infra.local.run", "--port", str(port), "--data", str(folder / "data")],
        cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, text=True,
    )
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
    assert status == 0, said
    assert "Traceback" not in said, said


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium, driven by playwright, which can be started once at a time in a process."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed: `apt-get install chromium`")
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
    page.set_default_timeout(15_000)
    return page


def sign_in(page: Page, running: Running, address: str) -> None:
    """Ask for the link, take it from the mail, press the button."""
    known = frozenset(m["id"] for m in running.mails(to=address))
    page.goto(f"{running.url}/sign-in")
    page.get_by_label("address", exact=False).first.fill(address)
    page.get_by_role("button", name=re.compile("link|sign", re.I)).click()
    mail = running.mail(address, "sign", known=known)
    link = re.search(rf"{re.escape(running.url)}/sign-in/[\w-]+", mail["text"])
    assert link
    page.goto(link.group())
    page.get_by_role("button", name=re.compile("sign in", re.I)).click()
    page.wait_for_load_state()


def look(page: Page, name: str, *, axe: bool = True) -> None:
    """Take a screenshot and hold the page to WCAG 2.2 AA as far as axe can tell."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    width = (page.viewport_size or DESKTOP)["width"]
    page.screenshot(path=SHOTS / f"{name}-{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), f"{name} scrolls sideways"
    if axe:
        hold_to_axe(page, name)


def hold_to_axe(page: Page, name: str) -> None:
    """Fail with every violation's rule, words and place."""
    from axe_playwright_python.sync_playwright import Axe

    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(page, options={"runOnly": tags})
    assert found.violations_count == 0, f"{name}: " + "; ".join(
        f"{v['id']} ({v['help']}): {[n['target'] for n in v['nodes']][:5]}" for v in found.response["violations"]
    )

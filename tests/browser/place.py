"""A running deployment as people's browsers meet it: two surfaces, and the mailbox that stands for everybody's."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "build" / "screenshots"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
PATIENCE = 20_000.0
"""Milliseconds that what is awaited may take on a busy machine; only a failure takes as long."""


class Place:
    """``url`` is where partners' and customers' pages are, ``hq`` where HQ's and reviewers' are.

    ``mailbox`` is the local SES, which also moves the application's clock and ticks; ``shots`` is where
    screenshots are kept. ``scanners`` is how many link scanners come to a review link, and ``axe`` whether
    pages are held to WCAG: both tell of the pages themselves, which are the same at every place. ``patience``
    is how many milliseconds a page may take to show what is awaited.
    """

    def __init__(
        self, url: str, hq: str, mailbox: str, shots: Path = SHOTS, *, scanners: int = 20, axe: bool = True,
        patience: float = PATIENCE,
    ) -> None:
        self.url, self.hq, self.mailbox, self.shots = url, hq, mailbox, shots
        self.scanners, self.axe, self.patience = scanners, axe, patience

    def call(self, path: str, body: dict[str, object] | None = None) -> Any:
        """Ask the mailbox's JSON interface."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.mailbox + path, data=data, headers={"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def now(self) -> datetime:
        """The application's time, in UTC."""
        return datetime.fromisoformat(self.call("/_health")["time"].replace("Z", "+00:00"))

    def mails(self, **query: str) -> list[dict[str, Any]]:
        """Mails with all their parts, newest first."""
        asked = urlencode({**query, "full": "1", "limit": "1000"})
        found: list[dict[str, Any]] = self.call(f"/_mails?{asked}")["mails"]
        return found

    def mail(self, to: str, subject: str, *, known: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Wait for a mail to an address whose subject has these words; the ids in ``known`` are older ones."""
        deadline = time.monotonic() + 3 * self.patience / 1000
        while time.monotonic() < deadline:
            for mail in self.mails(to=to):
                if subject.lower() in mail["subject"].lower() and mail["id"] not in known:
                    return mail
            time.sleep(0.2)
        raise AssertionError(f"no mail to {to} with the subject {subject!r}; there are "
                             f"{[(m['to'], m['subject']) for m in self.mails()][:20]}")

    def advance(self, **amount: float) -> None:
        """Move the application's clock on and let it tick."""
        self.call("/_clock", {"advance": timedelta(**amount).total_seconds()})
        self.call("/_tick", {})

    def look(self, page: Page, name: str, *, axe: bool = True) -> None:
        """Take a screenshot and hold the page to WCAG 2.2 AA as far as axe can tell."""
        self.shots.mkdir(parents=True, exist_ok=True)
        width = (page.viewport_size or DESKTOP)["width"]
        page.evaluate("scrollTo(0, 0)")  # what sticks to the window is photographed at its place
        page.screenshot(path=self.shots / f"{name}-{width}.png", full_page=True)
        fits = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
        assert fits, f"{name} scrolls sideways"
        if axe and self.axe:
            hold_to_axe(page, name)


def hold_to_axe(page: Page, name: str) -> None:
    """Fail with every violation's rule, words and place."""
    from axe_playwright_python.sync_playwright import Axe

    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(page, options={"runOnly": tags})
    assert found.violations_count == 0, f"{name}: " + "; ".join(
        f"{v['id']} ({v['help']}): {[n['target'] for n in v['nodes']][:5]}" for v in found.response["violations"]
    )

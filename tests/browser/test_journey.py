"""The journey against the local default: what `make run` starts, in a process of its own."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser import journey
from tests.browser.conftest import Running


def test_from_template_to_inbox(browser: Browser, running: Running, tmp_path: Path) -> None:
    """A template of HQ ends in a customer's inbox, decided by a manager in between, and the way out works."""
    reached = journey.run(browser, running, tmp_path)
    assert "ben.new@freiburg.example" in reached
    assert len(reached) == len(set(reached))

"""The journey of the local default, in the same browsers, against the deployed stack: API Gateway in between."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from chalicelib.wiring import Container
from tests.browser import journey
from tests.browser.conftest import browser
from tests.browser.place import SHOTS, Place
from tests.deploy.conftest import Deployed

__all__ = ["browser"]
pytestmark = [pytest.mark.package, pytest.mark.emulator, pytest.mark.browser]


def test_from_template_to_inbox(browser: Browser, deployed: Deployed, world: Container, tmp_path: Path) -> None:
    """Two APIs with their stage in the path, a bucket for the upload, functions behind queues: the same steps."""
    stage = Place(
        world.settings.base_url, world.settings.hq_base_url, deployed.mail.url,
        SHOTS.with_name("screenshots-deployed"), scanners=2, axe=False, patience=60_000,
    )
    assert stage.url != stage.hq
    deployed.warm(f"{stage.url}/sign-in", f"{stage.hq}/sign-in")
    reached = journey.run(browser, stage, tmp_path)
    assert "ben.new@freiburg.example" in reached
    assert len(reached) == len(set(reached))

"""The README's pictures: what the browser tests photographed, cut and scaled into ``docs/images``.

Run the browser tests first (``make screenshots`` does): they leave full pages in
``build/screenshots``. Chromium scales them and writes WebP, so no picture library is needed.
"""

from __future__ import annotations

import base64
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHOTS, IMAGES = ROOT / "build" / "screenshots", ROOT / "docs" / "images"
LIMIT = 150_000
"""Bytes a picture may have: a README is read on phones, too."""


@dataclass(frozen=True, slots=True)
class Picture:
    """``shot`` is the test's name for it; it is scaled to ``width`` pixels and cut at ``height``."""

    shot: str
    width: int
    height: int


PICTURES = {
    "edit": Picture("edit-1280", 960, 620),
    "check": Picture("check-1280", 960, 620),
    "review": Picture("review-390", 390, 844),
    "sent": Picture("campaign-sent-1280", 960, 620),
}


def main() -> int:
    """Make every picture; returns 1 and says which shots are missing or came out too large."""
    from playwright.sync_api import sync_playwright

    missing = [picture.shot for picture in PICTURES.values() if not (SHOTS / f"{picture.shot}.png").exists()]
    if missing:
        print(f"No {', '.join(missing)} in {SHOTS.relative_to(ROOT)}: run the browser tests first.", file=sys.stderr)
        return 1
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    IMAGES.mkdir(parents=True, exist_ok=True)
    large = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        session = page.context.new_cdp_session(page)
        for name, picture in PICTURES.items():
            data = base64.b64encode((SHOTS / f"{picture.shot}.png").read_bytes()).decode()
            page.set_viewport_size({"width": picture.width, "height": picture.height})
            page.set_content(f'<body style="margin:0"><img width="{picture.width}" src="data:image/png;base64,{data}">')
            page.wait_for_function("document.images[0].complete && document.images[0].naturalWidth > 0")
            taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": 80})
            content = base64.b64decode(taken["data"])
            (IMAGES / f"{name}.webp").write_bytes(content)
            print(f"{name}.webp  {len(content) // 1000} KB")
            large += [name] if len(content) > LIMIT else []
        browser.close()
    if large:
        print(f"Over {LIMIT // 1000} KB: {', '.join(large)}", file=sys.stderr)
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(main())

"""The contrast rule and axe-core in Chromium judge the same mails alike, element by element."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from chalicelib.domain.compliance import colours
from chalicelib.domain.compliance.accessibility import contrasts
from chalicelib.rendering import document
from tests.corpus.contrast import Mail, mails, numbered

pytestmark = pytest.mark.browser

KINDS = (("violations", "fail"), ("passes", "pass"), ("incomplete", "unknown"))
ABSTAINS: Mapping[str, frozenset[str]] = {
    # Text in exactly the colour behind it: axe suspects a trick and leaves it to people; nobody can read it.
    "equalRatio": frozenset({"fail"}),
    # A single character: axe suspects an icon.
    "shortTextContent": frozenset({"fail", "pass"}),
}
"""Where axe gives no verdict although it knows both colours: its reason, and what ours may say."""
STARTERS = Path(__file__).resolve().parents[2] / "templates" / "starter"


def ours(html: str) -> dict[str, str]:
    """Number of each element with words of its own -> verdict; axe passes over a mere colon."""
    found = {}
    for element, colour, background, needed in contrasts(document.read(html.encode())):
        if (number := element.get("data-n")) and any(c.isalnum() for c in element.own):
            known = "pass" if background and colours.contrast(colour, background) >= needed else "fail"
            found[number] = known if background else "unknown"
    return found


def theirs(page: Any, html: str) -> dict[str, tuple[str, str]]:
    """Number of each element with text -> axe's verdict and, where it gives none, its reason."""
    from axe_playwright_python.sync_playwright import Axe

    page.set_content(html)
    answer = Axe().run(page, options={"runOnly": ["color-contrast"]}).response
    found = {}
    for kind, verdict in KINDS:
        for node in (node for rule in answer[kind] for node in rule["nodes"]):
            number = page.evaluate("s => document.querySelector(s).dataset.n", node["target"][0])
            data = (node["any"][0]["data"] if node["any"] else None) or {}
            found[number] = (verdict, str(data.get("messageKey") or ""))
    return found


def test_verdicts_agree_with_axe(browser: Browser) -> None:
    """On a hundred mails no element is judged otherwise, and none is seen by one of the two only."""
    page = browser.new_context(java_script_enabled=True).new_page()
    starters = (Mail(p.name, "", source=numbered(p.read_text("utf-8"))) for p in sorted(STARTERS.glob("*.html")))
    made = [*mails(), *starters]
    compared, wrong = 0, []
    for mail in made:
        mine, axe = ours(mail.html), theirs(page, mail.html)
        for number in sorted({*mine, *axe}, key=int):
            verdict, (other, reason) = mine.get(number, "unseen"), axe.get(number, ("unseen", ""))
            compared += 1
            if verdict != other and verdict not in ABSTAINS.get(reason, ()):
                wrong.append(f"{mail.name}: element {number}: we say {verdict}, axe {other} {reason}")
    page.context.close()
    assert not wrong, "\n".join(wrong)
    assert len(made) >= 60
    assert len({mail.html for mail in made}) == len(made)
    assert compared >= 200

"""The examples of docs/templates.md do what the page says, and its table names every setting."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.domain.template import RegionType
from chalicelib.rendering.metadata import METADATA
from tests.rendering.samples import SYSTEM, page, problems

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "templates.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```(html|mjml)(?: refused=(\S+))?\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("kind", "refused", "example"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_does_what_it_shows(kind: str, refused: str, example: str) -> None:
    """An example compiles in a page with the legal parts, or is refused with exactly the code that is written."""
    own = "data-system=\"unsubscribe\"" in example
    field = "" if "data-region" in example else "<p data-region='f'>x</p>"
    whole = kind == "mjml" or example.startswith("<!doctype")
    source = example.encode() if whole else page(field + example + ("" if own else SYSTEM))
    assert {p.code for p in problems(source)} == set(filter(None, refused.split(",")))


def test_the_page_names_every_setting_and_type() -> None:
    """What the compiler knows stands on the page, and nothing else does."""
    named = set(re.findall(r"`data-region-([a-z-]+)(?:=[^`]*)?`", TEXT))
    assert named == set(METADATA)
    assert {str(t) for t in RegionType if t is not RegionType.SYSTEM} <= set(re.findall(r"`([a-z]+)`", TEXT))
    assert len(EXAMPLES) >= 10

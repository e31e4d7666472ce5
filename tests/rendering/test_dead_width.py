"""A mail inside a reviewer's mail fits a phone, although its own style sheet is gone."""

from __future__ import annotations

import pytest

from chalicelib.rendering.dead import dead


@pytest.mark.parametrize(("given", "made"), [
    ('<table width="600"></table>', '<table width="100%"></table>'),
    ('<table width="120"></table>', '<table width="120"></table>'),
    ('<table style="width: 600px"></table>', "width:100%;max-width:600px"),
    ('<td style="max-width:600px;width:90px"></td>', "width:90px"),
    ('<img src="https://a.example/b.png" width="600" height="280" style="width:600px;height:280px">',
     '<img src="https://a.example/b.png" width="100%" style="width:100%;max-width:600px;height:auto">'),
])
def test_wide_things_shrink(given: str, made: str) -> None:
    """Widths beyond a phone become fluid and images keep their shape; narrow things stay as they are."""
    if given.startswith("<td"):
        given = f"<table><tr>{given}</tr></table>"
    assert made in dead(given)

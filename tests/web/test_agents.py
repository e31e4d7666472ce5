"""Browsers by the names that people know."""

from __future__ import annotations

import pytest

from chalicelib.web import agents

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537"


@pytest.mark.parametrize(("agent", "name"), [
    (CHROME, "Chrome · Windows"),
    (f"{CHROME} Edg/126.0.0.0", "Edge · Windows"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
     "Mobile/15E148 Safari/604.1", "Safari · iPhone"),
    ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox · Android"),
    ("Firefox/1.0", "Firefox"),
    ("curl/8.5.0", "curl/8.5.0"),
    ("", ""),
])
def test_browsers_by_name(agent: str, name: str) -> None:
    """The more particular sign counts; what is not known is shown as it was sent."""
    assert agents.named(agent) == name

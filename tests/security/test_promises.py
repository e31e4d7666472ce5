"""What SECURITY.md promises, and the tests that hold it (docs/security-tests.md)."""

from __future__ import annotations

import re

import pytest

from tests.security.test_catalogue import known
from tests.structure.sources import ROOT

PROMISES = re.findall(r"^(\d+)\. ", (ROOT / "SECURITY.md").read_text("utf-8"), re.MULTILINE)
NAMED = dict(re.findall(
    r"^\| (\d+) \| ([^|]+) \|$", (ROOT / "docs" / "security-tests.md").read_text("utf-8"), re.MULTILINE))


def test_every_promise_has_its_row() -> None:
    """Whoever promises more says which test holds it; a row without a promise is left over."""
    assert len(PROMISES) >= 7
    assert list(NAMED) == PROMISES


@pytest.mark.parametrize("promise", PROMISES)
def test_its_tests_exist(promise: str) -> None:
    """A test that was renamed or removed leaves no promise behind that nothing holds."""
    named = re.findall(r"`([^`]+)`", NAMED[promise])
    assert named
    assert [name for name in named if name not in known()] == []

"""The starter templates are what we would want HQ to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.domain.template import RegionType
from chalicelib.rendering.examine import examine
from chalicelib.rendering.source import compile_source
from tests.rendering.samples import ENTITY, rendered, version

STARTER = Path(__file__).resolve().parents[2] / "templates" / "starter"
FILES = sorted(STARTER.glob("*.html"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_findings(path: Path) -> None:
    """A starter template compiles without a finding, and its defaults make a mail without one."""
    source = path.read_bytes()
    compiled = compile_source(source)
    assert compiled.findings == () and compiled.language == path.name.split(".")[1]
    of = version(source)
    mail = rendered(of, subject=of.subject, preheader=of.preheader)
    assert examine(of, mail, ENTITY) == [] and mail.warnings == ()
    assert len(mail.content.html.encode()) < 30_000


def test_same_regions_in_both_languages() -> None:
    """Locale variants share their region ids, and there is one of each type."""
    regions = [compile_source(path.read_bytes()).regions for path in FILES]
    assert len(FILES) == 2
    assert [(r.id, r.type) for r in regions[0]] == [(r.id, r.type) for r in regions[1]]
    assert {r.type for r in regions[0]} == set(RegionType)

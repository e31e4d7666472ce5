"""0 locked bytes change, whatever is typed: every starter template, every import, every field.

Here the rendering alone is tried; ``tests/web/test_fuzzed_fills.py`` goes the whole way through the form.
"""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain import blocks, values
from chalicelib.domain.errors import Refused
from chalicelib.domain.template import Region, RegionType, TemplateVersion
from chalicelib.rendering import importers
from chalicelib.rendering.examine import examine
from chalicelib.rendering.mail import preview, render
from tests.rendering.samples import ENTITY, HOSTILE, version
from tests.rendering.test_mjml import SOURCE as MJML

ROOT = Path(__file__).resolve().parents[2]
STARTERS = sorted((ROOT / "templates" / "starter").glob("*.html"))
IMPORTS = sorted((ROOT / "tests" / "rendering" / "dialects").glob("*.html"))


def read(path: Path) -> bytes:
    """The source of a starter template, or what an import makes of one."""
    source = path.read_bytes()
    imported = importers.convert(source)
    return imported.source if imported else source


SOURCES = {path.name: read(path) for path in (*STARTERS, *IMPORTS)} | {"plain.mjml": MJML}
VERSIONS = {name: version(source) for name, source in SOURCES.items()}
FILLS = int(os.environ.get("COUNTERSIGN_FUZZ", "2000"))  # noqa: TID251 - how much to fuzz is the caller's choice
EACH = max(FILLS // 4 // len(VERSIONS), 1)
"""Fills a template."""
TYPED = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8)), min_size=1, max_size=4).map("".join)
FREE = (RegionType.TEXT, RegionType.RICH, RegionType.LIST)


def plausible(region: Region, key: str) -> str:
    """What a person might type where something is demanded."""
    if key.endswith(".until") or region.type is RegionType.DATE:
        return "2026-12-31"
    return {RegionType.PRICE: "49.90", RegionType.LINK: "https://example.com/"}.get(region.type, "x")


@st.composite
def fills(draw: st.DrawFn, of: TemplateVersion, *, hostile: int = 0) -> dict[str, str]:
    """Values for a mail: blocks as they may be, and something hostile in about half of the fields, or so many."""
    typed = {blocks.control(b): draw(st.integers(b.least, b.most)) for b in of.blocks}
    chosen = {key: ("yes" if count else "") if key.endswith(".show") else str(count) for key, count in typed.items()}
    concrete = blocks.concrete(of, chosen)
    out = {**values.defaults(concrete.regions), **chosen}
    keys = [key for region in concrete.regions for key in values.keys(region)]
    some = set(draw(st.lists(st.sampled_from(keys), max_size=hostile))) if hostile and keys else None
    for region in concrete.regions:
        for key in values.keys(region):
            if key in some if some is not None else draw(st.booleans()):
                out[key] = draw(TYPED)
            elif region.required and not out[key]:
                out[key] = plausible(region, key)
    return out


def stretches(of: TemplateVersion, made: bytes, typed: dict[str, str], filled: tuple[tuple[int, int], ...]) -> bool:
    """Whether the bytes between the fields are those of the published version, by plain slicing alone."""
    html, out, position = of.html.encode(), b"", 0
    for block in sorted(of.blocks, key=lambda b: b.start):
        count = blocks.copies(block, typed)[0]
        out += html[position:block.start] + html[block.start:block.end] * count
        position = block.end
    published = out + html[position:]
    slots = tuple((s.start, s.end) for s in blocks.concrete(of, typed).slots)
    return between(published, slots) == between(made, filled)


def between(html: bytes, slots: tuple[tuple[int, int], ...]) -> list[bytes]:
    """The bytes before, between and behind the slots."""
    ends = ((0, 0), *slots, (len(html), len(html)))
    return [html[a[1]:b[0]] for a, b in pairwise(ends)]


@pytest.mark.parametrize("name", VERSIONS)
def test_no_locked_byte_changes(name: str) -> None:
    """What renders has exactly the published bytes between its fields; the rest is refused by its field."""
    of = VERSIONS[name]
    mails = 0

    @settings(max_examples=EACH, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(fills(of))
    def check(typed: dict[str, str]) -> None:
        nonlocal mails
        open_keys = values.open_keys(of)
        try:
            mail = render(of, values=typed, subject="Subject", preheader="", entity=ENTITY)
        except Refused as refused:
            assert {p.field for p in refused.problems} <= open_keys
            # What is refused is spoiled only in the fields named: with HQ's own values there it renders.
            bad = {p.field for p in refused.problems}
            regions = blocks.concrete(of, typed).regions
            mended = {k for r in regions if bad.intersection(values.keys(r)) for k in values.keys(r)}
            typed = {**typed, **{k: v for k, v in values.defaults(regions).items() if k in mended}}
            try:
                mail = render(of, values=typed, subject="Subject", preheader="", entity=ENTITY)
            except Refused as still:
                assert {p.code for p in still.problems} == {"value.required"}
                return
        mails += 1
        assert stretches(of, mail.filled.html, typed, tuple((s.start, s.end) for s in mail.filled.slots))
        assert b"<script" not in mail.filled.html.lower()
        if mails % 10 == 0:
            assert not [f for f in examine(of, mail, ENTITY) if f.code == "SEC006"]
            preview(of, values=typed, subject="Subject")

    check()
    assert mails > EACH // 2


def test_enough_is_tried() -> None:
    """Both starter templates and every importer's output are filled."""
    assert len(STARTERS) >= 2
    assert {path.stem for path in IMPORTS} == set(importers.DIALECTS)

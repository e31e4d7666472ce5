"""Replacements in the locked bytes of templates: nothing else moves, nothing opens or closes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain import blocks, stamp, values
from chalicelib.domain.ids import OrgId, PersonId, TemplateId
from chalicelib.domain.partner import LegalEntity
from chalicelib.domain.scope import Scope
from chalicelib.domain.template import TemplateVersion
from chalicelib.rendering.mail import render
from chalicelib.rendering.source import compile_source

STARTER = Path(__file__).resolve().parents[2] / "templates" / "starter"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
WHO = PersonId("prs_" + "1" * 26)
ENTITY = LegalEntity(name="Acme", street="S 1", postal_code="1", city="C", country="DE", email="a@acme.example")
SYSTEM = """<div data-region="imprint" data-region-type="system">I</div><p data-region="unsubscribe"
 data-region-type="system">U</p><div data-region="address" data-region-type="system">A</div>"""
GROUPS = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>T</title></head><body>
<p style="color:#AABBCC">Nordlicht &amp; Co</p><h1 data-region="headline">Nordlicht says hello</h1>
<div data-repeat="items" data-repeat-max="3"><b style="color:#abc">Nordlicht</b><i
 data-region="item">Nordlicht</i></div>
<div data-optional="note">Nordlicht <span data-region="words">Nordlicht</span></div>{SYSTEM}</body></html>""".encode()


def version(source: bytes) -> TemplateVersion:
    """A source as a published version."""
    return compile_source(source).version(
        template=TemplateId("tpl_" + "1" * 26), number=3, scope=Scope(OrgId("org_" + "1" * 26)), name="T",
        published_by=WHO, published_at=NOW)


VERSIONS = [version(path.read_bytes()) for path in sorted(STARTER.glob("*.html"))] + [version(GROUPS)]


def stamped(of: TemplateVersion, *pairs: tuple[str, str]) -> TemplateVersion | None:
    """The next version."""
    return stamp.stamped(of, pairs, number=of.number + 1, by=WHO, at=NOW)


def parts(of: TemplateVersion) -> tuple[list[bytes], bytes]:
    """What stands in the slots, and the locked bytes with a mark where each slot is."""
    html, position, inside, locked = of.html.encode(), 0, [], b""
    for slot in of.slots:
        inside.append(html[slot.start:slot.end])
        locked += html[position:slot.start] + b"\x00"
        position = slot.end
    return inside, locked + html[position:]


@pytest.mark.parametrize("of", VERSIONS, ids=lambda v: f"{len(v.html)}")
def test_only_locked_bytes_change(of: TemplateVersion) -> None:
    """What partners fill in keeps each byte; the locked part is as if the words were replaced in it alone."""
    word = "Nordlicht"
    made = stamped(of, (word, "A much longer name"))
    assert made is not None
    (before, locked), (after, new) = parts(of), parts(made)
    assert after == before
    assert new == locked.replace(word.encode(), b"A much longer name")
    assert (made.number, made.regions, made.merge_fields) == (4, of.regions, of.merge_fields)
    assert made.locked_sha256 != of.locked_sha256
    assert [(s.region, s.context) for s in made.slots] == [(s.region, s.context) for s in of.slots]


def test_blocks_move_along() -> None:
    """Copies of a group and parts that may be left out are cut where they were, and mails render."""
    of = version(GROUPS)
    made = stamped(of, ("Nordlicht", "N"), ("#abc", "#123456"))
    assert made is not None
    for block, old in zip(made.blocks, of.blocks, strict=True):
        inside = made.html.encode()[block.start:block.end]
        assert inside.startswith(of.html.encode()[old.start:old.start + 4])
        assert inside.endswith(b">")
    typed = values.defaults(made.regions) | {"items.count": "3", "note.show": ""}
    html = render(made, values=typed, subject="S", preheader="", entity=ENTITY).content.html
    assert html.count(">N</b>") == 3
    assert html.count("#123456") == 3
    assert "#abc" not in html
    assert blocks.concrete(made, typed).blocks == ()


def test_colours_are_found_however_they_are_written() -> None:
    """Letters of either size; a longer colour that only begins so is another one."""
    made = stamped(version(GROUPS), ("#aabbcc", "#010203"))
    assert made is not None
    assert "color:#010203" in made.html
    assert "color:#abc" in made.html
    short = stamped(version(GROUPS), ("#aab", "#010203"))
    assert short is None


def test_words_are_meant_as_they_are_read() -> None:
    """An ampersand is one in the source's spelling, too; two replacements do not undo each other."""
    made = stamped(version(GROUPS), ("Nordlicht & Co", "Fjord & Co"), ("Fjord", "Nord"))
    assert made is not None
    assert "Fjord &amp; Co" in made.html


def test_what_is_nowhere_makes_no_version() -> None:
    """Words that stand only in what partners fill in are nowhere."""
    assert stamped(version(GROUPS), ("says hello", "says bye")) is None


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=3, max_size=30), st.text(min_size=3, max_size=30))
def test_whatever_is_accepted_leaves_the_structure(old: str, new: str) -> None:
    """Texts without a problem never open or close anything: slots, tags and fields are those of before."""
    if stamp.problems([(old, new)]):
        return
    of = VERSIONS[-1]
    made = stamped(of, (old, new))
    if made is None:
        return
    assert parts(made)[0] == parts(of)[0]
    assert made.html.count("<") == of.html.count("<")
    assert made.html.count(">") == of.html.count(">")
    assert made.html.count('"') == of.html.count('"')


@pytest.mark.parametrize("sign", list("<>\"'`{}|\\*\n\x00\u202e"))
def test_signs_that_could_open_or_close_are_refused(sign: str) -> None:
    """On either side."""
    assert [p.code for p in stamp.problems([(f"ab{sign}cd", "abcd"), ("abcd", f"ab{sign}cd")])] == [
        "release.pair_sign"] * 2

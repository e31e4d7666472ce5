"""Fields made from plain HTML: only the chosen start tag changes."""

from __future__ import annotations

import time

import pytest

from chalicelib.domain.errors import Refused
from chalicelib.rendering import marking
from chalicelib.rendering.source import compile_source
from tests.rendering.samples import HOSTILE, page

PLAIN = page("""<table><tr><td><img src="https://img.example.com/a.png" alt="Bike"></td>
<td><h1>Spring</h1><p>Words <b>bold</b></p><a href="https://shop.example.com/">Shop</a></td></tr></table>
<ul><li>One</li></ul><p>Imprint here</p><p><a href="https://x.example.com/">Leave</a></p>""")


def part(source: bytes, excerpt: str, tag: str) -> marking.Part:
    """The element of the outline with that text."""
    return next(p for p in marking.outline(source) if p.excerpt == excerpt and p.tag == tag)


def test_the_outline_offers_what_each_element_can_be() -> None:
    """Numbers run through; pictures, words, links, lists and boxes have their own kinds."""
    parts = marking.outline(PLAIN)
    assert [p.number for p in parts] == list(range(1, len(parts) + 1))
    assert part(PLAIN, "Bike", "img").kinds == ("image", "logo")
    assert "text" in part(PLAIN, "Spring", "h1").kinds and "rich" in part(PLAIN, "Words bold", "p").kinds
    assert "unsubscribe" in part(PLAIN, "Shop", "a").kinds and "list" in part(PLAIN, "One", "ul").kinds
    assert "repeat" in next(p for p in parts if p.tag == "tr").kinds


def test_plain_html_becomes_a_template() -> None:
    """Choosing element by element ends in a source that compiles; every other byte is the author's."""
    source = PLAIN
    for excerpt, tag, kind, name in (
        ("Spring", "h1", "text", "headline"), ("Bike", "img", "image", "hero"), ("Shop", "a", "button", "cta"),
        ("One", "ul", "list", "points"), ("Imprint here", "p", "imprint", ""), ("Leave", "a", "unsubscribe", ""),
    ):
        before = source
        chosen = part(source, excerpt, tag)
        source = marking.mark(source, chosen.at, kind, name=name, label="My label")
        tag_end = chosen.at + 1 + len(tag)
        added = len(source) - len(before)
        assert source[:tag_end] == before[:tag_end] and source[tag_end + added:] == before[tag_end:]
    compiled = compile_source(source)
    assert [(r.id, r.type.value) for r in compiled.regions] == [
        ("hero", "image"), ("headline", "text"), ("cta", "button"), ("points", "list"), ("imprint", "system"),
        ("unsubscribe", "system")]
    for one in [p.at for p in marking.outline(source) if p.mark][::-1]:
        source = marking.unmark(source, one)
    assert source == PLAIN


@pytest.mark.parametrize(("at", "kind", "name", "code"), [
    (3, "text", "a", "mark.element"), (-1, "text", "a", "mark.element"), (None, "image", "a", "mark.element"),
    (None, "text", "A b", "template.region_name"), (None, "choice", "a", "mark.choices"),
    (None, "nope", "a", "mark.element"),
    (None, "text", '"><script>', "template.region_name"),
])
def test_what_cannot_be_marked_is_refused(at: int | None, kind: str, name: str, code: str) -> None:
    """A stale place, a kind that does not fit and a name that is none are told by their field."""
    place = part(PLAIN, "Spring", "h1").at if at is None else at
    with pytest.raises(Refused) as refused:
        marking.mark(PLAIN, place, kind, name=name)
    assert [p.code for p in refused.value.problems] == [code]


def test_a_label_stays_in_its_attribute() -> None:
    """What is typed as a label cannot leave its quotes."""
    source = marking.mark(PLAIN, part(PLAIN, "Spring", "h1").at, "text", name="a", label='"><script>x</script>')
    assert b"<script>" not in source


@pytest.mark.parametrize("text", [*HOSTILE, "", "<p>" * 5_000, "<table><tr><td>x" * 3_000])
def test_any_source_has_an_outline_and_numbers(text: str) -> None:
    """No source breaks the list or the picture, and neither takes long."""
    source = page(text + "<p>x</p>").decode("utf-8", "replace").encode("utf-8", "replace")
    begun = time.process_time()
    assert len(marking.outline(source)) <= marking.MAX_SHOWN and "x" in marking.numbered(source)
    assert time.process_time() - begun < 5

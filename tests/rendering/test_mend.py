"""A fix in a value: plain text, rich text between its tags, addresses; never a tag, never a problem of its own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.compliance import Finding
from chalicelib.domain.kit import Kit, Limits, Name
from chalicelib.domain.plain_text import visible
from chalicelib.domain.template import Region, RegionType
from chalicelib.rendering import fill
from chalicelib.rendering.mend import mended

KIT = Kit(names=(Name(name="Nordlicht"),), limits=Limits(capitals=1, exclamations=1))
RICH = Region(id="body", type=RegionType.RICH, label="Body", hosts=("shop.example",))
TEXT = Region(id="line", type=RegionType.TEXT, label="Line", max_length=20)
ROWS = Region(id="rows", type=RegionType.TEXT, label="Rows", rows=4)
LINK = Region(id="cta", type=RegionType.BUTTON, label="Button", hosts=("shop.example",))
SLIP = Finding(code="BRD007", region="body", fix=("Nordlciht", "Nordlicht"))
HTTP = Finding(code="LNK008", region="body", fix=("http://shop.example/a&b", "https://shop.example/a&b"))
CLAIM = Finding(code="BRD010", region="body", params={"text": "Terms & more", "url": ""})


@pytest.mark.parametrize(("value", "after"), [
    ("<p>At <b>Nordlciht</b> &amp; more</p>", "<p>At <b>Nordlicht</b> &amp; more</p>"),
    ("<p>a&nbsp;Nordlciht&nbsp;b &lt;i&gt;</p>", "<p>a&nbsp;Nordlicht&nbsp;b &lt;i&gt;</p>"),
    ('<p><a href="https://shop.example/Nordlciht">Nordlciht</a></p>',
     '<p><a href="https://shop.example/Nordlciht">Nordlicht</a></p>'),
    ("<ul><li>one</li><li>Nordlciht</li></ul><p>Nordlciht</p>",
     "<ul><li>one</li><li>Nordlicht</li></ul><p>Nordlicht</p>"),
    ("<p>Nordl<b>ciht</b></p>", None),
    ("<p>nothing here</p>", None),
])
def test_words_of_rich_text(value: str, after: str | None) -> None:
    """The text between tags is changed; tags, references and addresses stay; a word over a tag is left alone."""
    assert mended(RICH, "body", value, SLIP, KIT) == after


def test_addresses_of_rich_text() -> None:
    """Every link with that address is changed, the words and the other links are not."""
    value = ('<p><a href="http://shop.example/a&amp;b">http://shop.example/a&amp;b</a> '
             '<a href="http://shop.example/c">c</a></p>')
    assert mended(RICH, "body", value, HTTP, KIT) == value.replace('"http://shop.example/a', '"https://shop.example/a')


def test_a_fix_that_brings_a_problem_of_its_own_is_none() -> None:
    """Too long after it, or a host that is not allowed after it: a person decides."""
    long = Finding(code="BRD007", region="line", fix=("Nordlciht", "Nordlicht Bikes of the North"))
    assert mended(TEXT, "line", "At Nordlciht", long, KIT) is None
    away = Finding(code="LNK002", region="cta", fix=("evil.example", "https://evil.example"))
    assert mended(LINK, "cta", "evil.example", away, KIT) is None
    home = Finding(code="LNK002", region="cta", fix=("shop.example/x", "https://shop.example/x"))
    assert mended(LINK, "cta", "shop.example/x", home, KIT) == "https://shop.example/x"
    assert mended(LINK, "cta.text", "shop.example/x", home, KIT) is None


def test_a_text_behind_the_end() -> None:
    """A disclaimer becomes a paragraph of rich text, a line of a text with rows, and nothing elsewhere."""
    assert mended(RICH, "body", "<p>climate neutral</p>", CLAIM, KIT) == "<p>climate neutral</p><p>Terms &amp; more</p>"
    assert mended(ROWS, "rows", "climate neutral", CLAIM, KIT) == "climate neutral\nTerms & more"
    assert mended(TEXT, "line", "climate neutral", CLAIM, KIT) is None
    linked = Finding(code="BRD010", region="body", params={"text": "Terms", "url": "https://shop.example/t?a=1&b=2"})
    assert mended(RICH, "body", "<p>x</p>", linked, KIT) == (
        '<p>x</p><p><a href="https://shop.example/t?a=1&amp;b=2">Terms</a></p>')
    foreign = Finding(code="BRD010", region="body", params={"text": "Terms", "url": "https://evil.example/"})
    assert mended(RICH, "body", "<p>x</p>", foreign, KIT) is None
    assert mended(ROWS, "rows", "climate neutral", linked, KIT) is None


@pytest.mark.parametrize("kind", [RegionType.CHOICE, RegionType.IMAGE, RegionType.PRICE, RegionType.DATE])
def test_what_is_chosen_is_not_rewritten(kind: RegionType) -> None:
    """Head office's choices, pictures, amounts and days are no words of the partner's."""
    region = Region(id="x", type=kind, label="X", choices=("Nordlciht",))
    assert mended(region, "x", "Nordlciht", Finding(code="BRD007", region="x", fix=SLIP.fix), KIT) is None


PARTS = ("<p>", "</p>", "<b>", "</b>", "Nordlciht", " Nordlicht ", "&amp;", "x", "<br>", "<ul>", "<li>", "</li>",
         "</ul>", '<a href="https://shop.example/Nordlciht">', "</a>", "Nordl", "ciht", "ÄÖ", "&nbsp;")


@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join))
def test_tags_are_never_touched(value: str) -> None:
    """Whatever the rich text: the tags before and after are the same, the words differ by the fix alone."""
    before = fill.rich(RICH, value)[0]
    after = mended(RICH, "body", value, SLIP, KIT)
    if after is None:
        return
    tag = re.compile(r"<[^>]*>")
    assert tag.findall(before) == tag.findall(after)
    assert fill.rich(RICH, after)[0] == after
    assert len(visible(after)) == len(visible(before))
    assert mended(RICH, "body", after, SLIP, KIT) is None

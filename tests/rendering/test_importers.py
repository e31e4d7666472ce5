"""Templates of other systems become ours, with nothing legal open and nothing lost in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib import texts
from chalicelib.domain.errors import Refused
from chalicelib.rendering import importers
from chalicelib.rendering.importers import Sort
from chalicelib.rendering.source import compile_source
from tests.rendering.samples import HOSTILE, page, problems

DIALECTS = Path(__file__).parent / "dialects"
FILES = {path.stem: path.read_bytes() for path in sorted(DIALECTS.glob("*.html"))}


def imported(source: bytes) -> importers.Imported:
    """The import of a source that is in some dialect."""
    got = importers.convert(source)
    assert got is not None
    return got


def codes(got: importers.Imported, sort: Sort) -> set[tuple[str, int]]:
    """The report's codes with their lines."""
    return {(entry.problem.code, entry.line) for entry in got.of(sort)}


@pytest.mark.parametrize("name", FILES)
def test_every_dialect_compiles_after_its_import(name: str) -> None:
    """A template that its own system takes can be published here at once, and keeps its author's lines."""
    got = imported(FILES[name])
    assert got.dialect == name and problems(got.source) == ()
    assert got.source.count(b"\n") == FILES[name].count(b"\n")
    compiled = compile_source(got.source)
    assert {"imprint", "unsubscribe"} <= {r.id for r in compiled.regions}
    for sign in ("mc:", "*|", "singleline", "klaviyo-region", "{%", "fallback="):
        assert sign not in compiled.html
    assert all(entry.problem.code in texts.messages() for entry in got.entries)


def test_mailchimps_language() -> None:
    """Each kind of mark is mapped, locked with its reason, or named as not understood."""
    got = imported(FILES["mailchimp"])
    compiled = compile_source(got.source)
    assert [(r.id, r.type.value) for r in compiled.regions] == [
        ("preheader_content", "text"), ("header_image", "image"), ("product_left.1.title", "rich"),
        ("product_right.1.pic", "image"), ("product_right.1.words", "text"), ("note", "text"),
        ("imprint", "system"), ("unsubscribe", "system"),
    ]
    assert [(b.id, b.kind.value, b.most) for b in compiled.blocks] == [
        ("product_left", "repeat", 6), ("product_right", "repeat", 6), ("part", "optional", 1)]
    assert compiled.regions[1].label == "Header"
    locked = codes(got, Sort.LOCKED)
    assert {("import.legal", 11), ("import.legal", 19), ("import.styles", 0), ("import.personal", 14),
            ("import.condition", 17), ("import.condition_gone", 9), ("import.second", 20)} <= locked
    assert codes(got, Sort.UNKNOWN) == {("import.crossing", 18), ("import.unpaired", 21), ("import.attribute", 13)}
    assert "vip" in compiled.html and "Hello, welcome" in compiled.html and "View it in" not in compiled.html
    assert "h1{color:#202020" in compiled.html and "@editable" not in got.source.decode()


def test_campaign_monitors_language() -> None:
    """Lines, blocks, layouts and fallbacks are mapped; a layout of several elements is named."""
    got = imported(FILES["campaign_monitor"])
    compiled = compile_source(got.source)
    assert [b.id for b in compiled.blocks] == ["text_and_picture", "text_only"]
    assert ("first_name", "there") in compiled.merge_fields and "[note]" in compiled.html
    assert ("import.several", 12) in codes(got, Sort.UNKNOWN)


def test_klaviyos_language() -> None:
    """Each block of a region becomes a field; what holds the way out stays locked."""
    got = imported(FILES["klaviyo"])
    compiled = compile_source(got.source)
    assert [r.type.value for r in compiled.regions] == ["image", "rich", "link", "text", "system", "system"]
    assert compiled.title == 'Hello {{ contact.first_name|default("there") }}'
    assert ("import.legal", 11) in codes(got, Sort.LOCKED) and ("import.tag", 10) in codes(got, Sort.UNKNOWN)


@pytest.mark.parametrize(("source", "code"), [
    (b"<p>%%=v(@name)=%%</p>", "import.salesforce"),
    (b"<custom name='opencounter' type='tracking'>", "import.salesforce"),
    (b"{% dnd_area 'main' %}{% end_dnd_area %}", "import.hubspot"), (b"<a href='{{ unsubscribe_link_all }}'>x</a>",
                                                                       "import.hubspot"),
])
def test_programs_are_refused_with_the_reason(source: bytes, code: str) -> None:
    """A template that computes each customer's mail cannot be locked."""
    with pytest.raises(Refused) as refused:
        importers.convert(source)
    assert [p.code for p in refused.value.problems] == [code]


def test_our_own_and_plain_html_are_no_dialect() -> None:
    """What carries our marks, or none, is not touched."""
    assert importers.convert(page("<p data-region=x>*|FNAME|* mc:edit</p>")) is None
    assert importers.convert(page("<p>Hello</p>")) is None


def test_a_legal_tag_locks_what_would_be_open() -> None:
    """Neither a field nor a block may hold the way out or the address."""
    source = page('<div mc:hideable="f"><p mc:edit="a">*|LIST:ADDRESSLINE|*</p></div><p mc:repeatable="b">'
                  '<a href="*|UNSUB|*" mc:edit="c">Leave</a></p><p mc:edit="d">Free</p>')
    got = imported(source)
    compiled = compile_source(got.source)
    assert compiled.blocks == () and [r.id for r in compiled.regions] == ["imprint", "unsubscribe", "d"]


def test_what_is_missing_is_put_in_its_place() -> None:
    """A source without a way out gets one at its end, and its author is told."""
    got = imported(page('<p mc:edit="x">x</p>'))
    assert ("import.footer", 2) in codes(got, Sort.SUGGESTION) and problems(got.source) == ()


def test_what_no_mail_may_load_is_taken_out() -> None:
    """Scripts, foreign style sheets and revealed conditions do not stop an import."""
    head = ('<title>x</title><link rel="stylesheet" href="https://a.example/x.css"><script>x()</script>'
            "<style>@import url(https://a.example/y.css);p{color:red}</style>")
    got = imported(page('<p mc:edit="x" onclick="x()" class="a" class="b">x</p><![if !mso]><p>y</p><![endif]>', head))
    assert problems(got.source) == ()
    assert codes(got, Sort.LOCKED) >= {("import.outside", 1), ("import.attribute", 2)}


PARTS = [
    *HOSTILE, "<p mc:edit='a'>", "</p>", "<td mc:repeatable=x mc:variant='y'>", "</td>", "<img mc:edit=i src='x'>",
    "*|IF:A|*", "*|ELSE:|*", "*|END:IF|*", "*|UNSUB|*", "<a href='*|UNSUB|*'>", "</a>", "*|LIST:ADDRESS|*", "*|FNAME|*",
    "<singleline label='a'>", "</singleline>", "<repeater><layout label=x>", "</layout></repeater>",
    "[firstname,fallback=x]",
    "<unsubscribe>", "<div data-klaviyo-region='true'>", "</div>", "{% unsubscribe %}", "{{ first_name }}",
    "<!-- mc:edit -->",
    "<div mc:hideable>", "<img editable src='https://a.example/a.png'>", "\n", "mc:edit", "<![if x]>", "<![endif]>",
    "<style>/*@editable*/a{b:c}</style>", "<table>", "<div mc:edit=z><table><tr><td>t</td></tr></table></div>",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=12))
def test_no_source_breaks_an_importer(parts: list[str]) -> None:
    """Whatever is put together, the import ends in a source and a report; the compiler has the last word."""
    source = page("".join(parts)).decode("utf-8", "replace").encode("utf-8", "replace")
    try:
        got = importers.convert(source)
    except Refused as refused:
        assert all(p.code in texts.messages() for p in refused.problems)
        return
    if got is not None:
        assert all(entry.problem.code in texts.messages() for entry in got.entries)
        problems(got.source)

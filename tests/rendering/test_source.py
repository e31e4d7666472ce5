"""Compiling: what is refused, with which line, and what stays as it was."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Refused
from chalicelib.domain.template import RegionType, Risk
from chalicelib.rendering.source import MAX_UPLOAD, compile_source
from chalicelib.rendering.tokens import tokenise
from tests.rendering.samples import BODY, SYSTEM, page, problems, refusal, version

R = '<p data-region="r">x</p>\n'

REFUSED = [
    ("<p>only locked</p>", "template.no_regions", 0),
    ('<div data-region="a"><p data-region="b">x</p></div>', "template.region_nested", 2),
    (R + '<p data-region="r">y</p>', "template.region_doubled", 3),
    ('<p data-region="A b">x</p>', "template.region_name", 2),
    ('<p data-region="">x</p>', "template.region_name", 2),
    ('<p data-region="subject">x</p>', "template.region_reserved", 2),
    (R + '<!-- <p data-region="c">x</p> -->', "template.region_in_comment", 3),
    (R + '<!--[if mso]><p data-region="c">x</p><![endif]-->', "template.region_in_comment", 3),
    (R + "<p title='<b data-region=x>'>x</p>", "template.region_in_attribute", 3),
    (R + '<td data-region="u">x', "template.region_unclosed", 3),
    (R + '<p data-region="u">x<div>y</div>', "template.region_unclosed", 3),
    ('<img data-region="i" data-region-type="text" src="https://a.example/x.png">', "template.region_element", 2),
    ('<br data-region="i">', "template.region_element", 2),
    ('<p data-region="i" data-region-type="image">x</p>', "template.region_element", 2),
    ('<table data-region="t" data-region-type="rich"></table>', "template.region_element", 2),
    ('<p data-region="i" data-region-lable="x">x</p>', "template.region_metadata", 2),
    ('<p data-region="i" data-region-type="txt">x</p>', "template.region_type", 2),
    ('<p data-region="i" data-region-risk="hihg">x</p>', "template.region_risk", 2),
    ('<p data-region="i" data-region-rows="many">x</p>', "template.region_value", 2),
    ('<p data-region="i" data-region-required="perhaps">x</p>', "template.region_value", 2),
    ('<a data-region="i" href="https://a.example/" data-region-hosts="not a host!">x</a>', "template.region_value", 2),
    ('<p data-region="i" data-region-type="choice">x</p>', "template.region_choices", 2),
    ('<p data-region="i" data-region-type="choice" data-region-choices="a|b">c</p>', "template.bad_default", 2),
    ('<p data-region="i" data-region-max-length="2">long</p>', "template.bad_default", 2),
    ('<img data-region="i">', "template.region_choices", 2),
    ('<img data-region="i" src="a.png">', "template.image_url", 2),
    ('<img data-region="i" src="https://a.example/c.png" data-region-choices="https://a.example/d.png">',
     "template.image_default", 2),
    ('<p data-region-label="x">x</p>' + R, "template.meta_without_region", 2),
    ('<p data-region="t" data-region-type="text">a<b>c</b></p>', "template.text_default", 2),
    ('<div data-region="t" data-region-type="rich"><table></table></div>', "template.rich_default", 2),
    ('<p data-region="t" data-region-type="rich"><ul></ul></p>', "template.rich_default", 2),
    ('<p><div data-region="t">x</div></p>', "template.region_in_text", 2),
    ('<a href="https://a.example/"><span data-region="t" data-region-type="rich">x</span></a>',
    "template.region_in_link", 2),
    (R + '<p data-region="foo" data-region-type="system">x</p>', "template.system_name", 3),
    (R + '<p data-system="unsubscrib">x</p>', "template.system_name", 3),
    (R + "<script>x</script>", "SEC001", 3),
    (R + "<iframe src='https://a.example'></iframe>", "SEC001", 3),
    (R + "<object></object>", "SEC001", 3),
    (R + "<form></form>", "SEC001", 3),
    (R + "<SvG></SvG>", "SEC001", 3),
    (R + "<meta http-equiv=' Refresh ' content='0'>", "SEC001", 3),
    (R + "<base href='https://a.example'>", "SEC001", 3),
    (R + "<!--[if mso]><script>x</script><![endif]-->", "SEC001", 3),
    (R + "<link rel=stylesheet href=https://a.example/x.css>", "SEC002", 3),
    (R + "<style>@import url(https://a.example/x.css);</style>", "SEC002", 3),
    (R + "<style>@\\69mport 'https://a.example/x.css';</style>", "SEC002", 3),
    (R + "<!--[if mso]><style>@import 'x';</style><![endif]-->", "SEC002", 3),
    (R + "<p onclick=x>x</p>", "SEC003", 3),
    (R + "<p ONMOUSEOVER='x'>x</p>", "SEC003", 3),
    (R + "<a href='java&#10;script:x'>x</a>", "SEC004", 3),
    (R + "<a href='vbscript:x'>x</a>", "SEC004", 3),
    (R + "<img src='data:image/png;base64,x' alt=''>", "SEC004", 3),
    (R + "<td background='javascript:x'></td>", "SEC004", 3),
    (R + "<p style=\"background:url('javascript:x')\">x</p>", "SEC004", 3),
    (R + "<p style='width:expression(x)'>x</p>", "SEC008", 3),
    (R + "<style>p{-moz-binding:url(x)}</style>", "SEC008", 3),
    (R + "<img src='https://t.example/p.gif' width=1 height=1 alt=''>", "SEC005", 3),
    (R + "<a href='#'>x</a>", "LNK001", 3),
    (R + "<a href='www.example.com'>x</a>", "LNK002", 3),
    (R + "<p>*|FNAME|*</p>", "DLV008", 3),
    (R + "<p>{{ contact.first_name }}</p>", "DLV008", 3),
    (R + "<p>{{ env }}</p>", "template.syntax", 3),
    (R + "<p>{% for x in y %}</p>", "template.syntax", 3),
    (R + "<p>{{ contact.__class__|default('x') }}</p>", "template.syntax", 3),
    (R + "<p>{{ contact.a|default('x')|upper }}</p>", "template.syntax", 3),
    (R + "<p>{{ ''.__class__.__mro__ }}</p>", "template.syntax", 3),
    (R + "<p>{{ contact.a.b|default('x') }}</p>", "template.syntax", 3),
    (R + "<p>{{ 'a' * 1000000000 }}</p>", "template.syntax", 3),
    (R + "<p>{{{ contact.a|default('x') }}}</p>", "template.syntax", 3),
    (R + "<style>p{content:'{{ contact.a|default('x') }}'}</style>", "template.merge_place", 3),
    (R + "<a href=\"{{ contact.url|default('x') }}\">x</a>", "template.merge_url", 3),
    ("<p data-region='r'>{{ contact.a|default('x') }}</p>", "template.merge_in_region", 2),
    (R + "<![if !mso]>x<![endif]>", "template.broken", 3),
    (R + "<?xml version='1.0'?>", "template.broken", 3),
    (R + "<p a=1 a=2>x</p>", "template.attribute_doubled", 3),
    (R + "<p title=\"a\"b\">x</p>", "template.attribute_name", 3),
    (R + "<body>", "template.body", 0),
]


@pytest.mark.parametrize(("body", "code", "line"), REFUSED, ids=[f"{c}-{i}" for i, (_, c, _) in enumerate(REFUSED)])
def test_refused_with_its_line(body: str, code: str, line: int) -> None:
    """A source with a fault is refused, and the problem tells the line where it stands."""
    found = refusal(page(body + SYSTEM))
    assert line in found.get(code, []), found


@pytest.mark.parametrize(("system", "code"), [
    ('<p data-system="imprint">x</p>', "LEG001"),
    ('<a data-system="unsubscribe" href="https://u.example.com/">x</a>', "LEG002"),
    ('<p data-system="imprint">x</p><a href="https://u.example.com/">Unsubscribe</a>', "LEG001"),
])
def test_missing_legal_blocks(system: str, code: str) -> None:
    """Unsubscribe and address are system blocks; a link that merely says so is none."""
    assert set(refusal(page(R + system))) == {code}


def test_all_problems_at_once() -> None:
    """An author sees everything that is wrong in one go, in the order of the lines."""
    found = problems(page("<script></script>\n<p onclick=x data-region='A'>x</p>\n{% x %}\n"))
    assert {p.code for p in found} >= {"SEC001", "SEC003", "template.region_name", "template.syntax",
        "LEG001", "LEG002"}
    lines = [int(p.params.get("line", 0)) for p in found]
    assert lines == sorted(lines)


@pytest.mark.parametrize(("source", "code"), [
    (b"", "template.empty"), (b" \n", "template.empty"), (b"x" * (MAX_UPLOAD + 1), "template.too_big"),
    (b"x" * 600_000, "template.too_big"), (b"<p>\xff</p>", "template.not_utf8"), (page("\x00"), "template.control"),
    ("\ufeff<p>".encode("utf-16"), "template.not_utf8"), (page("\u202e"), "template.control"),
    (page("\ufdd0"), "template.control"),
    (b"<div>" * 60_000, "template.too_deep"), (b"<body>" + b"<br>" * 20_000, "template.too_many_elements"),
])
def test_unreadable_sources(source: bytes, code: str) -> None:
    """Size, encoding and characters are refused before anything else is looked at."""
    assert code in refusal(source)


@pytest.mark.parametrize("body", [
    "<style>" + ",".join(["div " * 8] * 120) + "{color:red}</style>" + ("<div>" * 90 + "</div>" * 90) * 50,
    "<style>" + "".join(f".c{i}{{color:red}}" for i in range(2_000)) + "</style>",
    "<style>" + "a{" * 30_000 + "</style>",
    "<style>" + "x" * 70_000 + "</style>",
])
def test_hostile_style_sheets_are_refused_by_counting(body: str) -> None:
    """What would keep the inliner busy for minutes is refused before it starts (N35)."""
    found = refusal(page(body + R + SYSTEM))
    assert {"template.css_too_complex", "template.css_too_big", "SEC002"} & set(found), found


def test_compiled() -> None:
    """Regions carry their metadata, slots their bytes, and a sent mail has no region attribute."""
    of = version()
    html = of.html.encode()
    assert "data-region" not in of.html and "data-system" not in of.html
    assert [(s.region, s.context, html[s.start:s.end]) for s in of.slots if s.region in ("hero", "cta",
        "preheader")] == [
        ("preheader", "content", b""), ("hero", "src", b"https://img.example.com/a.png"),
        ("hero", "alt", b"a &quot;quoted&quot; word"), ("cta", "href", b"https://shop.example.com/?a=1&amp;b=2"),
        ("cta", "content", b"Buy"),
    ]
    headline, cell = of.region("headline"), of.region("cell")
    assert headline is not None and cell is not None
    assert (headline.type, headline.max_length, headline.default, headline.risk) == (
        RegionType.TEXT, 60, "Hello & welcome", Risk.MEDIUM)
    assert (cell.type, cell.hosts, cell.inline) == (RegionType.RICH, ("example.com",), False)
    assert of.merge_fields == (("first_name", "customer"), ("first_name", "you"))


def test_inlining_touches_start_tags_only() -> None:
    """Inlining adds style attributes; comments, merge fields, tables and style sheets stay byte for byte."""
    head = "<title>T</title><style>p{color:red} td{padding:1px} @media (max-width:9px){p{color:blue}}</style>"
    body = BODY + "<p style='margin:0'>x</p><table><!--[if mso]><tr><td>q<![endif]--><tr>"
    body += "<td>{{ contact.a|default('x') }}"
    source = page(body + "</td></tr></table>" + SYSTEM, head)
    compiled = compile_source(source).html.encode()
    before = [source[t.start:t.end] for t in tokenise(source) if t.name not in ("p", "td", "h1", "img", "a",
        "span", "div")]
    after = [compiled[t.start:t.end] for t in tokenise(compiled) if t.name not in ("p", "td", "h1", "img",
        "a", "span", "div")]
    assert before == after
    assert b'<p style="color:red; margin:0">x</p>' in compiled
    assert b"@media (max-width:9px){p{color:blue}}" in compiled


def test_same_source_same_bytes() -> None:
    """Compiling is a function of the source."""
    assert version().html == version().html and version().locked_sha256 == version().locked_sha256


def test_lookalikes_compile() -> None:
    """What only looks dangerous is let through."""
    body = (
        "<p class=once data-x='javascript:'>Re: data: javascript: <b>50 %% off</b> [[ ]] } { %}</p>"
        "<!--[if !mso]><!--><p>x</p><!--<![endif]--><a name=top></a><a href='#top'>up</a>"
        "<a href='mailto:a@b.example'>m</a><a href='tel:+49301'>t</a>"
        "<style>@media (max-width:600px){#main{width:50%}}</style>"
        "<img src='https://a.example/s.gif' width=1 height=20 alt=''>"
    )
    assert refusal(page(R + body + SYSTEM)) == {}


def test_refused_carries_problems() -> None:
    """The exception tells its codes, for logs."""
    with pytest.raises(Refused, match=r"template\.empty"):
        compile_source(b"")

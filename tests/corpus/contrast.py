# ruff: noqa: E501 - a mail on a line reads better than one in pieces
"""Mails of our own whose contrast a browser's checker and our rule must judge alike.

Each writes its colours another way: as brands' templates do, with the old attributes, in style
sheets, half transparent, on images, large and bold.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{name}</title><style>{style}</style></head>
<body style="margin:0;font-family:Arial,sans-serif;font-size:16px">{body}</body></html>"""
LOREM = "Let us look over brakes and tyres"
IMAGE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail; each of its elements carries a number, so that two verdicts can be compared."""

    name: str
    body: str
    style: str = ""
    source: str = ""

    @property
    def html(self) -> str:
        """The whole document."""
        return self.source or PAGE.format(name=self.name, style=self.style, body=numbered(self.body))


def numbered(html: str) -> str:
    """The same with a number on each start tag."""
    counted = itertools.count()
    return re.sub(r"<([a-z][a-z0-9]*)", lambda m: f'<{m[1]} data-n="{next(counted)}"', html)


def _box(css: str, inner: str = LOREM, tag: str = "p") -> str:
    return f'<{tag} style="{css}">{inner}</{tag}>'


def _cell(attributes: str, inner: str) -> str:
    return f'<table role="presentation" width="600"><tr><td {attributes}>{inner}</td></tr></table>'


_GREYS = ("#000000", "#595959", "#757575", "#767676", "#777777", "#8a8a8a", "#949494", "#959595", "#b0b0b0", "#ffffff")
_SIZES = ("12px", "16px", "18px", "18.6px", "18.66px", "19px", "23.9px", "24px", "18pt", "13.9pt", "14pt", "1.5em", "150%",
          "x-large", "small", "1.2rem")
_WRITTEN = (
    "#767676", "#777", "#7777", "rgb(118,118,118)", "rgb(46%, 46%, 46%)", "rgba(0,0,0,.54)", "rgba(0,0,0,.53)",
    "hsl(0,0%,46%)", "hsla(0,0%,0%,.5)", "grey", "dimgray", "DarkGray", "#76767680", "transparent", "nonsense",
)
_OTHERS: tuple[Mail, ...] = (
    Mail("a button", _cell('bgcolor="#12372a" style="padding:12px"', '<a href="https://e.example" style="color:#ffffff;text-decoration:none">Book a check</a>')),
    Mail("a pale button", _cell('bgcolor="#8fd3b6" style="padding:12px"', '<a href="https://e.example" style="color:#ffffff">Book a check</a>')),
    Mail("a bare link on white", '<p>Read <a href="https://e.example">more about brakes</a> today</p>'),
    Mail("a bare link on the brand's green", _cell('bgcolor="#12372a"', '<p style="color:#fff">Read <a href="https://e.example">more about brakes</a> today</p>')),
    Mail("an anchor without an address", _cell('bgcolor="#12372a" style="color:#fff"', '<a name="top">Top of the mail</a>')),
    Mail("a link that inherits", _cell('bgcolor="#12372a" style="color:#ffffff"', '<a href="https://e.example" style="color:inherit">More</a>')),
    Mail("attributes of old", _cell('bgcolor="ffffcc"', '<font color="cc9900">Old ways</font> <font color="#333300">still here</font>')),
    Mail("font sizes of old", '<font color="#888888" size="5">Large by attribute</font><br><font color="#888888" size="2">Small by attribute</font>'),
    Mail("body attributes", '<div style="background:#222"><p>Black on nearly black</p></div>'),
    Mail("a background image", _cell(f'background="{IMAGE}" style="color:#ffffff"', "Text on a picture")),
    Mail("a background image by style", _box(f"background-image:url({IMAGE});background-color:#000;color:#fff")),
    Mail("a background image in short", _box(f"background:#123456 url({IMAGE}) no-repeat;color:#fff")),
    Mail("a colour over an image", _cell(f'background="{IMAGE}"', _box("background-color:#ffffff;color:#595959"))),
    Mail("a gradient", _box("background:linear-gradient(#fff,#000);color:#fff")),
    Mail("a gradient under a colour", _box("background-image:linear-gradient(#fff,#000);background-color:#fff;color:#000")),
    Mail("a half-transparent veil", _cell('bgcolor="#000000"', _box("background:rgba(255,255,255,.5);color:#000000"))),
    Mail("a thin veil", _cell('bgcolor="#000000"', _box("background:rgba(255,255,255,.2);color:#000000"))),
    Mail("two veils", _cell('bgcolor="#000000"', f'<div style="background:rgba(255,255,255,.5)">{_box("background:rgba(255,255,255,.5);color:#555555")}</div>')),
    Mail("a transparent cell", _cell('bgcolor="#222222"', _cell('bgcolor="transparent"', _box("color:#333333")))),
    Mail("background none", _cell('bgcolor="#222222"', _box("background:none;color:#333333"))),
    Mail("a background in short form", _box("background:#333 none repeat;color:#eeeeee")),
    Mail("hidden text", '<div style="display:none;color:#ffffff">Only in the inbox list</div><p>Shown</p>'),
    Mail("invisible text", '<div style="visibility:hidden;color:#ffffff">Nobody sees this</div><p>Shown</p>'),
    Mail("no font size", '<div style="font-size:0;color:#ffffff">x<span style="font-size:16px;color:#999999">Shown pale</span></div>'),
    Mail("headings", '<h1 style="color:#949494">A title</h1><h2 style="color:#949494">Below it</h2><h3 style="color:#949494">Smaller</h3><h4 style="color:#949494">Small</h4>'),
    Mail("bold words", '<p style="font-size:19px;color:#949494">Not bold, <b>but this is</b>, <strong>and this</strong>, <span style="font-weight:700">and this</span></p>'),
    Mail("weights", "".join(f'<p style="font-size:19px;color:#949494;font-weight:{w}">Weight {w}</p>' for w in (400, 500, 600, 700, 900, "bold", "bolder", "lighter", "normal"))),
    Mail("bold undone", '<h3 style="font-size:19px;font-weight:normal;color:#949494">A light heading</h3>'),
    Mail("small print", '<p style="color:#767676">Fine <small>fine as well</small> <small style="color:#888">too pale</small></p>'),
    Mail("superscripts", '<p style="color:#949494;font-size:24px">Large<sup>1</sup> and <sub>below</sub></p>'),
    Mail("a table head", '<table><tr><th style="color:#949494;font-size:19px">Bike</th><td style="color:#949494;font-size:19px">Price</td></tr></table>'),
    Mail("a class", '<p class="muted">Too pale</p><p class="ok">Fine</p>', ".muted{color:#aaa}.ok{color:#444}"),
    Mail("a class of a tag", '<p class="x">Pale</p><div class="x">Fine</div>', "p.x{color:#aaa}"),
    Mail("an id", '<p id="top" class="ok">The id wins</p>', "#top{color:#aaa}.ok{color:#000}"),
    Mail("a later rule", '<p class="a">The later one</p>', ".a{color:#aaa}.a{color:#333}"),
    Mail("inline over sheet", '<p class="a" style="color:#333">Inline wins</p>', ".a{color:#aaa}"),
    Mail("two classes", '<p class="a b">Both</p><p class="a">One</p>', ".a{color:#333}.a.b{color:#aaa}"),
    Mail("a tag's rule", "<p>Every paragraph</p><div>but this</div>", "p{color:#aaa}"),
    Mail("links by sheet", '<p><a href="https://e.example">Pale link</a></p>', "a{color:#9ad}"),
    Mail("everything by sheet", "<p>All pale</p>", "*{color:#aaa}"),
    Mail("important", '<p class="a" style="color:#aaa">The sheet insists</p>', ".a{color:#333 !important}"),
    Mail("important inline", '<p class="a" style="color:#aaa !important">Pale stays</p>', ".a{color:#333 !important}"),
    Mail("inside of a class", '<div class="card"><p>Pale inside</p></div><p>Fine outside</p>', ".card p{color:#aaa}"),
    Mail("a direct child", '<div class="card"><p>Pale</p><div><p>Fine</p></div></div>', ".card > p{color:#aaa}"),
    Mail("only on phones", '<p class="a">Fine at this width</p>', "@media (max-width:300px){.a{color:#eee}}"),
    Mail("only on screens", '<p class="a">Pale on every screen</p>', "@media screen{.a{color:#bbb}}"),
    Mail("in the dark", '<p class="a">Fine by day</p>', "@media (prefers-color-scheme:dark){.a{color:#eee}}"),
    Mail("a hovered link", '<a class="a" href="https://e.example">Fine at rest</a>', ".a{color:#00c}.a:hover{color:#eee}"),
    Mail("opacity", _box("opacity:.5;color:#000")),
    Mail("opacity around", f'<div style="opacity:.4">{_box("color:#000")}</div>'),
    Mail("current colour", _box("color:#aaa", f'<span style="color:currentColor">{LOREM}</span>')),
    Mail("inherit and initial", f'<div style="color:#aaa"><p style="color:initial">{LOREM}</p><p style="color:inherit">{LOREM}</p></div>'),
    Mail("a mark", f'<p style="color:#767676">Words <mark>{LOREM}</mark></p>'),
    Mail("relative sizes", f'<div style="font-size:20px"><div style="font-size:1.25em;color:#949494">{LOREM}</div><div style="font-size:90%;color:#949494">{LOREM}</div></div>'),
    Mail("larger and smaller", f'<p style="color:#949494">Words <big>{LOREM}</big> <span style="font-size:larger">{LOREM}</span></p>'),
    Mail("the font in short", f'<p style="font:bold 19px/1.4 Georgia,serif;color:#949494">{LOREM}</p><p style="font:19px Georgia;color:#949494">{LOREM}</p>'),
    Mail("nested cells", _cell('bgcolor="#eeeeee"', _cell('bgcolor="#12372a"', _cell('style="color:#ffffff"', f"{LOREM} {_box('color:#12372a')}")))),
    Mail("a row's colour", f'<table><tr bgcolor="#222222"><td style="color:#fff">{LOREM}</td><td style="color:#333">{LOREM}</td></tr></table>'),
    Mail("a table's colour", f'<table bgcolor="#222222"><tr><td style="color:#fff">{LOREM}</td><td style="color:#333">{LOREM}</td></tr></table>'),
    Mail("a list", '<ul style="color:#767676"><li>Brakes</li><li style="color:#999">Tyres</li></ul>'),
    Mail("a quotation", f'<blockquote style="background:#f4f4f4;color:#767676">{LOREM}</blockquote>'),
    Mail("emphasis", f'<p style="color:#8a8a8a"><em>{LOREM}</em> <i style="color:#555">{LOREM}</i> <u>{LOREM}</u> <s>{LOREM}</s></p>'),
    Mail("a brand palette", "".join(_box(f"background:{b};color:{f}") for b, f in (("#12372a", "#f3b61f"), ("#f3b61f", "#12372a"), ("#eef2ef", "#2f7d5b"), ("#2f7d5b", "#eef2ef"), ("#ffffff", "#f3b61f")))),
)


def mails() -> Iterator[Mail]:
    """All of them."""
    for grey in _GREYS:
        yield Mail(f"text of {grey}", _box(f"color:{grey}") + _box(f"background-color:#222222;color:{grey}"))
    for size in _SIZES:
        yield Mail(f"text of {size}", _box(f"font-size:{size};color:#949494") + _box(f"font-size:{size};color:#949494", f"<b>{LOREM}</b>"))
    for written in _WRITTEN:
        yield Mail(f"written {written}", _box(f"color:{written}") + _box(f"background:{written};color:#000"))
    yield from _OTHERS

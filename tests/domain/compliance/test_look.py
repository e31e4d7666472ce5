"""How an element looks: what of its style sheets reaches it, and what the eye sees of that."""

from __future__ import annotations

import pytest

from chalicelib.domain.compliance.look import Look, looks
from chalicelib.rendering import document


def look(body: str, style: str = "") -> Look:
    """The look of the last element of a mail."""
    read = document.read(f"<html><head><style>{style}</style></head><body>{body}</body></html>".encode())
    return looks(read)[-1]


@pytest.mark.parametrize(("body", "style", "colour"), [
    ('<p class="a">x</p>', ".a{color:#111}p{color:#222}", 0x11),
    ('<p class="a" id="b">x</p>', "#b{color:#111}.a{color:#222}p.a{color:#333}", 0x11),
    ('<p class="a">x</p>', ".a{color:#222}.a{color:#111}", 0x11),
    ('<p class="a b">x</p>', ".a.b{color:#111}.b{color:#222}", 0x11),
    ('<p class="a" style="color:#222">x</p>', ".a{color:#111 !important}", 0x11),
    ('<p class="a" style="color:#111!important">x</p>', ".a{color:#222 !important}", 0x11),
    ('<p style="color:#111 !important;color:#222">x</p>', "", 0x11),
    ('<div class="card"><i><p>x</p></i></div>', ".card p{color:#111}", 0x11),
    ('<div class="card"><i><p>x</p></i></div>', ".card > p{color:#222}", 0),
    ('<div class="card"><p>x</p></div>', ".card>p{color:#111}", 0x11),
    ('<p class="a">x</p>', "@media screen{.a{color:#111}}", 0x11),
    ('<p class="a">x</p>', "@media screen and (max-width:600px){.a{color:#222}}", 0),
    ('<p class="a">x</p>', ".a:hover{color:#222}.a::before{color:#222}[class]{color:#222}p+p{color:#222}", 0),
    ('<p class="a">x</p>', ",.a,{color:#222} .b,.a{color:#111}", 0x11),
    ("<p>x</p>", " ".join(["div"] * 20) + " p{color:#222}", 0),
    ('<div style="color:#222"><p style="color:initial">x</p></div>', "", 0),
])
def test_the_winning_colour(body: str, style: str, colour: int) -> None:
    """Specificity, order and importance decide as in a browser; what needs a condition does not count."""
    assert look(body, style).colour == (colour, colour, colour)


@pytest.mark.parametrize(("style", "size", "bold"), [
    ("font:bold 19px/1.4 Georgia,serif", 19, True), ("font:italic 700 2em Arial", 32, True),
    ("font:12pt Arial", 16, False),
    ("font:bold 19px Arial;font-weight:400", 19, False), ("font-size:20px;font:10px Arial", 10, False),
    ("font:10px Arial;font-size:20px", 20, False), ("font:inherit", 16, False), ("font-size:larger", 19.2, False),
    ("font-weight:600", 16, False), ("font-weight:bolder", 16, True),
])
def test_size_and_weight(style: str, size: float, bold: bool) -> None:
    """The short form and the long ones are read in their order; bold begins at 700."""
    found = look(f'<p style="{style}">x</p>')
    assert (round(found.size, 2), found.bold) == (size, bold)


@pytest.mark.parametrize(("size", "pixels"), [("5", 24), ("+2", 24), ("-1", 13), ("9", 48), ("huge", 16)])
def test_the_old_font_element(size: str, pixels: float) -> None:
    """1 to 7, or steps from 3."""
    assert look(f'<font size="{size}">x</font>').size == pixels


def test_what_reaches_the_eye() -> None:
    """Opacity mixes text and its own background with what lies behind, from the inside out; an image stays unknown."""
    assert look('<p style="opacity:.5">x</p>').seen() == ((128, 128, 128), (255, 255, 255))
    both = look('<div style="opacity:.5"><p style="opacity:50%;background:#000;color:#fff">x</p></div>')
    assert both.seen() == ((255, 255, 255), (192, 192, 192))
    assert look('<div style="background:url(a.png)"><p style="opacity:.5">x</p></div>').seen()[1] is None
    assert look("<p><mark>x</mark></p>").seen() == ((0, 0, 0), (255, 255, 0))

"""A mail's body for embedding in another mail: nothing in it can be pressed, run or styled from afar."""

from __future__ import annotations

import html as escaping
import re

from chalicelib.rendering.text import plain
from chalicelib.rendering.tokens import Kind, tags, tokenise

MAX_BYTES = 60_000
"""Gmail clips at 102 KB, and the decision stands in the same mail."""

_TAGS = tags(
    "a abbr b blockquote br center div em font h1 h2 h3 h4 h5 h6 hr i img li ol p s small span strong sub sup table"
    " tbody td tfoot th thead tr u ul")
_LAYOUT = tags("align bgcolor border cellpadding cellspacing colspan height rowspan style valign width")
_STYLES = tags(
    "background-color border border-bottom border-collapse border-color border-left border-radius border-right"
    " border-spacing border-style border-top border-width color display direction font font-family font-size"
    " font-style font-weight height letter-spacing line-height list-style list-style-type margin margin-bottom"
    " margin-left margin-right margin-top max-height max-width min-width mso-line-height-rule opacity overflow padding"
    " padding-bottom padding-left padding-right padding-top text-align text-decoration text-transform"
    " vertical-align white-space width word-break")
_WIDE = 320
"""Pixels from which a width gives way to the width of a phone; without its style sheet a mail cannot know it."""
_WIDTH = re.compile(r"(?<![\w-])width\s*:\s*(\d{3,5})(?:\.\d+)?px", re.IGNORECASE)
_HEIGHT = re.compile(r"(?<![\w-])height\s*:\s*\d+(?:\.\d+)?px", re.IGNORECASE)
_DROPPED = tags("head style script title textarea template noscript svg math iframe object form")


def dead(html: str) -> str:
    """The sanitised content of a mail's body: no links, ids, classes, forms, comments or style sheets.

    Images keep their https address. What would be larger than 60 KB loses its inline styles,
    and after that is cut to its text.
    """
    inner, style = _body(html)
    for layout in (_LAYOUT, _LAYOUT - {"style"}):
        cleaned = _clean(inner, layout)
        frame = _clean(f'<div style="{escaping.escape(style)}"></div>', layout)
        wrapped = frame.removesuffix("</div>") + cleaned + "</div>"
        if len(wrapped.encode()) < MAX_BYTES:
            return wrapped
    words = plain(html.encode("utf-8", "replace")).encode()[:MAX_BYTES // 8].decode("utf-8", "ignore")
    return "<div>" + escaping.escape(words).replace("\n", "<br>") + "…</div>"


def _body(html: str) -> tuple[str, str]:
    """What stands between the body's tags (or everything), and the body's style."""
    source = html.encode("utf-8", "replace")
    start, end, style = 0, len(source), ""
    for token in tokenise(source):
        if token.name == "body" and token.kind is Kind.START:
            start, style = token.end, token.get("style") or ""
        elif token.name == "body" and token.kind is Kind.END:
            end = token.start
    return source[start:max(start, end)].decode(), style


def _clean(fragment: str, layout: frozenset[str]) -> str:
    import nh3

    return nh3.clean(
        fragment, tags=set(_TAGS), clean_content_tags=set(_DROPPED), attribute_filter=_fluid,
        attributes={"*": set(layout), "img": {"src", "alt"}, "font": {"color", "face", "size"}},
        filter_style_properties=set(_STYLES), url_schemes={"https", "http"}, url_relative="deny", link_rel=None,
    )


def _fluid(tag: str, name: str, value: str) -> str | None:
    """Let what is wider than a phone shrink to it: the rule that did so stood in the style sheet."""
    if name == "width" and value.strip().isdigit() and int(value) > _WIDE:
        return "100%"
    if name == "height" and tag == "img":
        return None
    if name != "style":
        return value
    wide = _WIDTH.search(value)
    if wide is None or int(wide.group(1)) <= _WIDE:
        return value
    fluid = _WIDTH.sub(f"width:100%;max-width:{wide.group(1)}px", value)
    return _HEIGHT.sub("height:auto", fluid) if tag == "img" else fluid

"""CLI: what some mail clients drop or show differently. It informs designers; clients that count are the kit's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.domain.compliance import css
from chalicelib.domain.compliance.document import Document, MailFacts
from chalicelib.domain.compliance.finding import Finding, Severity, quoted
from chalicelib.domain.compliance.gather import distinct_styles, gathered, of_tag, style_of, texts_that
from chalicelib.domain.compliance.registry import Rule

GMAIL_STYLE_BYTES = 16 * 1024
"""Gmail drops all style sheets of a mail when they are longer together (caniemail.com, "html-style")."""

_OUTLOOK, _GMAIL = "outlook-windows", "gmail"
UNSUPPORTED: dict[str, tuple[str, ...]] = {
    "display:flex": (_OUTLOOK, "gmx"),
    "display:grid": (_OUTLOOK, _GMAIL, "yahoo", "outlook-web", "gmx"),
    "position": (_OUTLOOK, _GMAIL, "yahoo", "outlook-web", "gmx"),
    "border-radius": (_OUTLOOK,),
    "box-shadow": (_OUTLOOK, _GMAIL, "yahoo", "gmx"),
    "text-shadow": (_OUTLOOK, _GMAIL),
    "float": (_OUTLOOK,),
    "transform": (_OUTLOOK, _GMAIL, "yahoo", "outlook-web", "gmx"),
    "animation": (_OUTLOOK, _GMAIL, "yahoo", "outlook-web", "gmx"),
    "transition": (_OUTLOOK, _GMAIL, "yahoo", "gmx"),
    "object-fit": (_OUTLOOK, _GMAIL, "yahoo", "gmx"),
    "opacity": (_OUTLOOK, "gmx"),
    "max-width": (_OUTLOOK,),
    "gap": (_OUTLOOK, "yahoo", "gmx"),
    "filter": (_OUTLOOK, _GMAIL, "yahoo", "outlook-web", "gmx"),
    "clip-path": (_OUTLOOK, _GMAIL, "yahoo", "outlook-web", "gmx"),
    "@font-face": (_OUTLOOK, _GMAIL, "yahoo", "outlook-web", "gmx"),
    "var()": (_OUTLOOK, _GMAIL, "yahoo", "outlook-web", "gmx"),
    "calc()": (_OUTLOOK, "outlook-web"),
    "<video>": (_OUTLOOK, _GMAIL, "yahoo", "outlook-web", "gmx"),
    "<audio>": (_OUTLOOK, _GMAIL, "yahoo", "outlook-web", "gmx"),
    "<picture>": (_OUTLOOK, _GMAIL, "yahoo", "gmx"),
}
"""Feature -> clients that do not know it: a part of caniemail.com's table (MIT), read once by hand."""
_TAGS = tuple(feature[1:-1] for feature in UNSUPPORTED if feature.startswith("<"))
_ENHANCING = frozenset({"border-radius", "box-shadow", "max-width", "transition", "opacity"})
"""What degrades without harm: told only where the kit names the client."""
_FORMATS = {"webp": "WebP", "svg": "SVG", "avif": "AVIF"}
_VML = frozenset({"v:rect", "v:roundrect", "v:fill", "v:image", "v:shape"})


def _unsupported(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """CLI001: features that clients of the kit do not know, each once."""
    clients = facts.kit.clients
    first: dict[str, int] = {}
    for style, read in distinct_styles(document):
        for name, value in read.properties:
            feature = f"display:{value}" if name == "display" else name
            if name == "position" and value in ("static", "relative"):
                continue
            if feature in UNSUPPORTED:
                first.setdefault(feature, style.line)
        for feature, there in (("@font-face", "font-face" in read.at_rules), ("var()", "var" in read.functions),
                               ("calc()", "calc" in read.functions)):
            if there:
                first.setdefault(feature, style.line)
    for element in of_tag(document, *_TAGS):
        first.setdefault(f"<{element.tag}>", element.line)
    for feature, line in first.items():
        lacking = [c for c in UNSUPPORTED[feature] if c in clients]
        if lacking and feature not in _ENHANCING:
            yield Finding(code="CLI001", severity=Severity.INFO, quote=feature, line=line,
                          params={"clients": ", ".join(lacking)})


def _dropped_style(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """CLI002: style sheets so long, or rules nested so, that Gmail drops them."""
    sheets = [style for style in document.styles if not style.inline]
    size = sum(len(style.text.encode()) for style in sheets)
    if size > GMAIL_STYLE_BYTES:
        yield Finding(code="CLI002", severity=Severity.WARN, line=sheets[0].line, quote=f"{size} bytes",
                      params={"bytes": size, "limit": GMAIL_STYLE_BYTES})
    for style in sheets:
        depth = 0
        for char in re.sub(r"/\*.*?\*/", "", style.text, flags=re.DOTALL):
            depth += (char == "{") - (char == "}")
            if depth > 2:
                yield Finding(code="CLI002", severity=Severity.WARN, line=style.line, quote="{ { {",
                              params={"bytes": size, "limit": GMAIL_STYLE_BYTES})
                break


def _no_fallback(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """CLI003: Outlook shows no background image without VML; parts only it sees are looked at, too."""
    if facts.kit.clients and _OUTLOOK not in facts.kit.clients:
        return
    if any(element.mso for element in of_tag(document, *_VML)):
        return
    pictured = texts_that(document, lambda read: "url(" in _behind(read))
    given = gathered(document)
    styled = (index for index, text in given.attribute("style").items() if text in pictured)
    for index in sorted({*styled, *given.attribute("background")}):
        element = document.elements[index]
        behind = _behind(style_of(document, element))
        if not element.mso and (element.get("background") or "url(" in behind):
            yield Finding(code="CLI003", severity=Severity.INFO, region=element.region, line=element.line,
                          quote=quoted(element.get("background") or behind))
            return


def _behind(read: css.Facts) -> str:
    return read.value("background-image") or read.value("background")


def _formats(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """CLI004: formats that Outlook and others do not show, and animations too heavy for a phone."""
    known = {image.url: image for image in facts.images}
    for element in of_tag(document, "img"):
        source = element.get("src") or ""
        if element.mso or not source:
            continue
        image = known.get(source)
        ending = source.partition("?")[0].partition("#")[0].rpartition(".")[2].lower()
        kind = (image.kind if image else "") or (ending if ending in _FORMATS else "")
        if kind in _FORMATS:
            yield Finding(code="CLI004", severity=Severity.WARN, region=element.region, line=element.line,
                          quote=quoted(source), params={"kind": _FORMATS[kind], "kb": 0})
        elif image and image.animated and image.size > facts.kit.limits.animation_kb * 1024:
            yield Finding(code="CLI004", severity=Severity.WARN, region=element.region, line=element.line,
                          quote=quoted(source), params={"kind": "animation", "kb": image.size // 1024})


RULES = (
    Rule("CLI001", Severity.INFO, _unsupported),
    Rule("CLI002", Severity.WARN, _dropped_style),
    Rule("CLI003", Severity.INFO, _no_fallback),
    Rule("CLI004", Severity.WARN, _formats),
)

"""SEC: nothing in a mail may run, load foreign code, hide or escape its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from chalicelib.domain import urls
from chalicelib.domain.compliance.css import Facts
from chalicelib.domain.compliance.document import Document, Element, MailFacts
from chalicelib.domain.compliance.finding import Finding, FindingState, Severity, quoted
from chalicelib.domain.compliance.gather import distinct_styles, gathered, of_tag, style_of, styles_that, texts_that
from chalicelib.domain.compliance.registry import Rule

_FORBIDDEN = (
    "script iframe frame frameset object embed applet form input select option textarea button base noscript svg math"
    " template xmp plaintext noembed noframes portal slot dialog marquee keygen isindex"
)
FORBIDDEN = frozenset(_FORBIDDEN.split())
URL_ATTRIBUTES = frozenset({
    "href", "src", "background", "action", "formaction", "cite", "longdesc", "poster", "srcset", "data", "ping",
    "xlink:href", "usemap", "manifest", "profile", "codebase", "classid", "archive", "lowsrc", "dynsrc", "o:href",
})
_HANDLER = re.compile(r"on[a-z]+")
_SYNTAX = re.compile(r"\{\{|\{%|\{#|\*\||\|\*")


def _forbidden_elements(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """SEC001: elements that run, embed, submit, redirect, or switch parsers to other rules."""
    for element in document.elements:
        refresh = element.tag == "meta" and (element.get("http-equiv") or "").strip().lower() == "refresh"
        if element.tag in FORBIDDEN or refresh:
            yield _at(element, "SEC001", "<meta refresh>" if refresh else f"<{element.tag}>")
    for quote, line in document.broken:
        yield Finding(code="SEC001", quote=quoted(quote), line=line)


def _external_css(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """SEC002: style that is fetched: ``<link>`` of any kind and ``@import`` however it is written."""
    for element in of_tag(document, "link"):
        yield _at(element, "SEC002", f"<link {element.get('href') or ''}>")
    for style, _ in styles_that(document, lambda read: "import" in read.at_rules):
        yield Finding(code="SEC002", region=style.region, line=style.line, quote="@import")


def _handlers(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """SEC003: event handlers."""
    handlers = {name for name in gathered(document).attributes if _HANDLER.fullmatch(name)}
    for element in document.elements if handlers else ():
        for name, _ in element.attributes:
            if name in handlers:
                yield _at(element, "SEC003", name)


def _dangerous_urls(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """SEC004: URLs that run or carry content, blanks and control characters taken out first."""
    safe = set[str]()
    for element in document.elements:
        for name, value in element.attributes:
            if name not in URL_ATTRIBUTES or (value in safe and name != "srcset"):
                continue
            candidates = value.split(",") if name == "srcset" else [value]
            if any(urls.is_dangerous(url) for url in candidates):
                yield _at(element, "SEC004", value)
            else:
                safe.add(value)
    for style, read in styles_that(document, lambda read: read.urls):
        for url in read.urls:
            if urls.is_dangerous(url):
                yield Finding(code="SEC004", region=style.region, line=style.line, quote=quoted(url))


def _tracking_pixels(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """SEC005: an image nobody can see, from a host that is not the brand's own."""
    for element in of_tag(document, "img", "v:image", "v:imagedata"):
        source = element.get("src")
        if source and _invisible(document, element) and urls.host_of(source) not in facts.image_hosts:
            yield _at(element, "SEC005", source)


def _locked(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """SEC006: the bytes outside the open regions are those that HQ published."""
    if not facts.locked_sha256 or facts.locked_sha256 != facts.rendered_locked_sha256:
        yield Finding(code="SEC006")


def _hidden_text(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """SEC007: text that stands in an element hidden by its own style.

    ``font-size:0`` on a cell whose children set a size is how layouts close gaps, so only the
    text that stands in the element directly counts. Where a style sheet may show the element
    again (a class on it), a person must look.
    """
    hiding, given = texts_that(document, _hides), gathered(document)
    for index in given.texts:
        element = document.elements[index]
        if element.region == "preheader" or element.mso:
            continue
        hidden = given.attribute("style").get(index) in hiding and _hides(style_of(document, element))
        if hidden or index in given.attribute("hidden"):
            state = FindingState.UNDECIDABLE if element.get("class") else FindingState.FAIL
            yield Finding(code="SEC007", severity=Severity.WARN, state=state, region=element.region,
                          quote=quoted(element.own), line=element.line)


def _partner_css_and_syntax(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """SEC008: CSS that runs anywhere; any CSS of a partner's; template syntax in a partner's text.

    The syntax is harmless (it is sent as text), so it is a warning; a whole merge tag is DLV008.
    """
    running = {(style.text, style.inline): read.active for style, read in distinct_styles(document) if read.active}
    for style in document.styles:
        active = running.get((style.text, style.inline), "")
        partner = style.region not in ("", "preheader", "imprint", "address", "unsubscribe")
        if active or partner:
            yield Finding(code="SEC008", region=style.region, line=style.line, quote=quoted(active or style.text))
    for value in document.values:
        if match := _SYNTAX.search(value.text):
            yield Finding(code="SEC008", severity=Severity.WARN, region=value.region, quote=match.group())


def _at(element: Element, code: str, quote: str) -> Finding:
    return Finding(code=code, region=element.region, quote=quoted(quote), line=element.line)


def _invisible(document: Document, element: Element) -> bool:
    style = style_of(document, element)
    sizes = [style.value(name) or (element.get(name) or "").strip() for name in ("width", "height")]
    return all(_tiny(size) for size in sizes) or _hides(style)


@lru_cache(maxsize=256)
def _tiny(size: str) -> bool:
    match = re.fullmatch(r"([0-9]{0,6}(?:\.[0-9]{1,6})?)(?:px)?", size)
    return bool(match and match.group(1)) and float(match.group(1)) <= 1 if match else False


def _hides(style: Facts) -> bool:
    size, opacity = style.value("font-size"), style.value("opacity")
    return (
        style.value("display") == "none" or style.value("visibility") == "hidden"
        or (size[:1] == "0" and bool(re.match(r"0+(\.0+)?([a-z%]*)$", size)))
        or (opacity != "" and bool(re.match(r"0?\.?0+$", opacity)))
    )


RULES = (
    Rule("SEC001", Severity.BLOCK, _forbidden_elements),
    Rule("SEC002", Severity.BLOCK, _external_css),
    Rule("SEC003", Severity.BLOCK, _handlers),
    Rule("SEC004", Severity.BLOCK, _dangerous_urls),
    Rule("SEC005", Severity.BLOCK, _tracking_pixels),
    Rule("SEC006", Severity.BLOCK, _locked, template=False),
    Rule("SEC007", Severity.WARN, _hidden_text),
    Rule("SEC008", Severity.BLOCK, _partner_css_and_syntax),
)

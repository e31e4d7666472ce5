"""A11Y: mails that a screen reader can read (WCAG 2.2)."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.compliance.document import Document, MailFacts
from chalicelib.domain.compliance.finding import Finding, Severity, quoted
from chalicelib.domain.compliance.registry import Rule


def _alternative_text(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """A11Y001: an image has an ``alt``; an empty one says that it is decoration (WCAG 1.1.1).

    An image that a partner chose and left without words is told to the partner.
    """
    for element in document.elements:
        if element.tag != "img" or element.mso or (element.region and facts.template):
            continue
        alt = element.get("alt")
        pixel = (element.get("width"), element.get("height")) == ("1", "1")
        if (alt is None and not pixel) or (element.region and not (alt or "").strip()):
            yield Finding(code="A11Y001", severity=Severity.WARN, region=element.region,
                          quote=quoted(element.get("src") or ""), line=element.line)


def _language(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """A11Y003: the document says its language (WCAG 3.1.1)."""
    for element in document.elements:
        if element.tag == "html" and not element.mso and not (element.get("lang") or "").strip():
            yield Finding(code="A11Y003", severity=Severity.WARN, line=element.line)


RULES = (
    Rule("A11Y001", Severity.WARN, _alternative_text),
    Rule("A11Y003", Severity.WARN, _language),
)

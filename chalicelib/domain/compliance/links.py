"""LNK: links that lead somewhere, and the same way in every client."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.domain import urls
from chalicelib.domain.compliance.document import Document, Element, MailFacts
from chalicelib.domain.compliance.finding import Finding, FindingState, Severity, quoted
from chalicelib.domain.compliance.registry import Rule

_FIELD = re.compile(r"\{\{[^{}]*\}\}")
_OTHER_SCHEMES = re.compile(r"(mailto:[^\s@<>\"]+@[^\s@<>\"]+|(tel|sms):\+?[0-9().\- ]{2,30})", re.IGNORECASE)


def _links(document: Document, facts: MailFacts) -> Iterator[tuple[Element, str]]:
    """All links with an address; one that a partner still fills in is not judged in the template."""
    for element in document.elements:
        href = element.get("href")
        if href is None or element.tag in ("link", "base") or (facts.template and element.region):
            continue
        if element.region != "unsubscribe":  # its address is ours and made per recipient
            yield element, href


def _empty(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LNK001: a link to nowhere. ``<a name=...>`` without an address is a target, not a link."""
    for element, href in _links(document, facts):
        if href.strip() in ("", "#"):
            yield Finding(code="LNK001", region=element.region, quote=quoted(element.text or f"<{element.tag}>"),
                          line=element.line)


def _malformed(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LNK002: an address without a scheme, with blanks, or one that clients read differently."""
    for element, href in _links(document, facts):
        href = href.strip()
        if href in ("", "#") or href.startswith("#") or _OTHER_SCHEMES.fullmatch(href) or urls.is_dangerous(href):
            continue  # LNK001, a place in the same mail, mail and telephone, SEC004
        if _FIELD.match(href):
            yield Finding(code="LNK002", state=FindingState.UNDECIDABLE, region=element.region, quote=quoted(href),
                          line=element.line)
            continue
        try:
            urls.normalise(_FIELD.sub("x", href))
        except urls.BadUrl as error:
            yield Finding(code="LNK002", region=element.region, quote=quoted(href), line=element.line,
                          params={"reason": error.code})


def _insecure(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LNK008: ``http:`` in links and images; namespaces and document types are not links."""
    for element in document.elements:
        if element.tag == "img" and element.region and not facts.template:
            continue  # a partner chooses among HQ's images; HQ was told at publish
        for name in ("href", "src", "background"):
            value = element.get(name) or ""
            if urls.scheme_of(value) == "http":
                yield Finding(code="LNK008", severity=Severity.WARN, region=element.region, quote=quoted(value),
                              line=element.line)


RULES = (
    Rule("LNK001", Severity.BLOCK, _empty),
    Rule("LNK002", Severity.BLOCK, _malformed),
    Rule("LNK008", Severity.WARN, _insecure),
)

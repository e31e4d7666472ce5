"""DLV: what decides whether the mail arrives whole and is read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.domain import graphemes
from chalicelib.domain.compliance import words
from chalicelib.domain.compliance.document import Document, MailFacts
from chalicelib.domain.compliance.finding import Finding, Severity, quoted
from chalicelib.domain.compliance.flow import SYSTEM, blocks, said
from chalicelib.domain.compliance.gather import of_tag
from chalicelib.domain.compliance.registry import Rule

CLIP_BYTES = 102 * 1024
"""Gmail clips a message whose HTML is larger."""
WARN_BYTES = 90 * 1024
MAX_SUBJECT = 60

_NAME = r"[A-Za-z_][A-Za-z0-9_.:\- ]{0,60}"
_MERGE_TAG = re.compile(
    r"\{\{[^{}]{0,200}\}\}|\{%[^{}%]{1,200}%\}"  # Jinja2, Handlebars, Liquid
    rf"|\*\|{_NAME}\|\*|%%{_NAME}%%|\[\[{_NAME}\]\]|\$\{{{_NAME}\}}"  # Mailchimp, Salesforce, and others
)


def _size(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """DLV001: the encoded HTML stays below what Gmail shows in one piece."""
    size = document.html_bytes
    if size > WARN_BYTES:
        severity = Severity.BLOCK if size > CLIP_BYTES else Severity.WARN
        yield Finding(code="DLV001", severity=severity, params={"bytes": size, "limit": CLIP_BYTES})


def _plain_text(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """DLV004: there is a text part, and it carries the way out."""
    if not facts.plain_text.strip() or facts.unsubscribe_placeholder not in facts.plain_text:
        yield Finding(code="DLV004")


def _one_click(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """DLV005: List-Unsubscribe and List-Unsubscribe-Post (RFC 2369, RFC 8058)."""
    headers = {name.lower(): value for name, value in facts.headers}
    missing = [
        name for name, value in (("List-Unsubscribe", headers.get("list-unsubscribe", "").strip("<> ")),
                                 ("List-Unsubscribe-Post", headers.get("list-unsubscribe-post", "")))
        if not value or (name.endswith("Post") and value != "List-Unsubscribe=One-Click")
    ]
    if missing:
        yield Finding(code="DLV005", quote=", ".join(missing))


def _subject(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """DLV006: a subject that phones show in full."""
    length = graphemes.count(facts.subject)
    if not facts.subject.strip() or length > MAX_SUBJECT:
        yield Finding(code="DLV006", severity=Severity.WARN, region="subject", quote=quoted(facts.subject),
                      params={"length": length, "limit": MAX_SUBJECT})


def _preheader(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """DLV007: the line that inboxes show beside the subject says something more than it."""
    text = facts.preheader.strip()
    if not text or text.casefold() == facts.subject.strip().casefold():
        yield Finding(code="DLV007", severity=Severity.WARN, region="preheader", quote=quoted(text))


def _merge_tags(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """DLV008: no merge tag that nothing replaces, and no field without a text for those who lack it."""
    for field in facts.undefaulted:
        yield Finding(code="DLV008", quote=quoted(field))
    texts = [(value.region, value.text, 0) for value in document.values]
    if facts.template:
        texts += [(element.region, element.own, element.line) for element in document.elements]
    for region, text, line in texts:
        for match in _MERGE_TAG.finditer(text):
            if not (facts.template and match.group().startswith("{{")):  # the compiler has judged those
                yield Finding(code="DLV008", region=region, quote=quoted(match.group()), line=line)


def _image_only(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """DLV002: a mail of pictures says nothing where pictures are off; 60 characters a picture, 80 in all."""
    pictures = 0
    for element in of_tag(document, "img"):
        if not element.mso and element.get("src") and (
            (element.get("width"), element.get("height")) != ("1", "1")
        ):
            pictures += 1
    shown = sum(len(passage.text.strip()) for passage in blocks(document) if passage.region not in SYSTEM)
    if pictures and shown < max(80, 60 * pictures):
        yield Finding(code="DLV002", severity=Severity.WARN, params={"pictures": pictures, "characters": shown})


def _spam(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """DLV003: phrases that filters count against a mail."""
    phrases = (*words.SPAM["all"], *words.SPAM.get(facts.language[:2].lower() or "en", ()))
    for passage, found in said(document, facts, phrases):
        for phrase in dict.fromkeys(found) if passage.open else ():
            yield Finding(code="DLV003", severity=Severity.WARN, region=passage.region, line=passage.line,
                          quote=quoted(phrase))


RULES = (
    Rule("DLV001", Severity.BLOCK, _size),
    Rule("DLV002", Severity.WARN, _image_only, template=False),
    Rule("DLV003", Severity.WARN, _spam),
    Rule("DLV004", Severity.BLOCK, _plain_text, template=False),
    Rule("DLV005", Severity.BLOCK, _one_click, template=False),
    Rule("DLV006", Severity.WARN, _subject, template=False),
    Rule("DLV007", Severity.WARN, _preheader, template=False),
    Rule("DLV008", Severity.BLOCK, _merge_tags),
)

"""LEG: what the law wants in every commercial mail. These rules know no exception.

Neither guesses from words: HQ's template places the blocks, the program fills them, and the
rules look whether they are there and hold what was to be put in.
"""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.compliance.document import Document, MailFacts
from chalicelib.domain.compliance.finding import Finding, Severity, quoted
from chalicelib.domain.compliance.registry import Rule


def _unsubscribe(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LEG001: the unsubscribe block with its link (CAN-SPAM 15 USC 7704(a)(3); UWG §7; GDPR art. 21)."""
    text = document.block("unsubscribe")
    hrefs = [href for name, href in document.block_links if name == "unsubscribe"]
    if text is None:
        yield Finding(code="LEG001")
    elif not facts.template and (not text.strip() or facts.unsubscribe_placeholder not in hrefs):
        yield Finding(code="LEG001", region="unsubscribe", quote=quoted(text))


def _postal_address(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LEG002: the sender's postal address (CAN-SPAM 15 USC 7704(a)(5)(A)(iii); DDG §5)."""
    blocks = [text for name, text in document.blocks if name in ("address", "imprint")]
    if not blocks:
        yield Finding(code="LEG002")
    elif not facts.template:
        shown = [" ".join(text.split()) for text in blocks]
        lines = [" ".join(line.split()) for line in facts.postal_address]
        if not any(lines) or not any(all(line in text for line in lines if line) for text in shown):
            yield Finding(code="LEG002", region="address", quote=quoted(shown[0]))


RULES = (
    Rule("LEG001", Severity.BLOCK, _unsubscribe),
    Rule("LEG002", Severity.BLOCK, _postal_address),
)

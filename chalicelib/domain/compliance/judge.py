"""The table of all rules, and what they say of a mail or of a template."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.compliance import (
    accessibility,
    brand_look,
    brand_words,
    clients,
    delivery,
    legal,
    links,
    security,
)
from chalicelib.domain.compliance.document import Document, MailFacts
from chalicelib.domain.compliance.finding import Finding, FindingState, Severity
from chalicelib.domain.compliance.registry import Fix, Rule, run
from chalicelib.domain.waiver import matches

RULES: tuple[Rule, ...] = (
    *security.RULES, *legal.RULES, *links.RULES, *delivery.RULES, *brand_look.RULES, *brand_words.RULES,
    *clients.RULES, *accessibility.RULES,
)

ABSOLUTE = ("SEC*", "LEG001", "LEG002", "DLV*", "LNK001", "LNK002")
"""What a template may not be published with."""


def check(document: Document, facts: MailFacts) -> list[Finding]:
    """What stands against a rendered mail: blocking rules on all of it, the others on open parts.

    A warning at a place in a locked part is its author's business, told at publish; it does
    not count against the partner. What has no place (the subject, the size) concerns the whole.
    """
    found = run(RULES, document, facts)
    return [finding for finding in found if finding.severity is Severity.BLOCK or finding.region or not finding.line]


def check_template(document: Document, facts: MailFacts) -> list[Finding]:
    """The lint at publish: every rule that needs no values, on the whole source.

    Nothing is refused for style: only what cannot be made safe or lawful blocks, the rest is a warning
    for the author, since a partner's values may still put it right.
    """
    return [
        replace(f, severity=Severity.WARN) if f.severity is Severity.BLOCK and not matches(f.code, ABSOLUTE) else f
        for f in run(RULES, document, facts)
    ]


_FIXES = {rule.code: rule.fix for rule in RULES if rule.fix}


def fix_of(finding: Finding) -> Fix | None:
    """The safe fix of the finding's rule, None where it has none or does not know one for this finding."""
    known = finding.fix is not None or finding.code in ("BRD010", "LEG007")
    return _FIXES.get(finding.code) if known and finding.state is FindingState.FAIL else None

"""The shape of a rule, and how rules are run: one that fails to run is never a rule that passed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from chalicelib.domain.compliance.document import Document, MailFacts
from chalicelib.domain.compliance.finding import Finding, FindingState, Severity
from chalicelib.domain.record import dataclass

Check = Callable[[Document, MailFacts], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A code, the severity of what it finds unless it says otherwise, and the function.

    ``template``: it runs on an author's source at publish; ``mail``: on the rendered mail.
    """

    code: str
    severity: Severity
    check: Check
    template: bool = True
    mail: bool = True


def run(rules: Sequence[Rule], document: Document, facts: MailFacts) -> list[Finding]:
    """All findings in the order of the table, blocking ones first."""
    findings = [finding for rule in rules for finding in _run_one(rule, document, facts)]
    order = {Severity.BLOCK: 0, Severity.WARN: 1, Severity.INFO: 2}
    return sorted(findings, key=lambda finding: order[finding.severity])


def _run_one(rule: Rule, document: Document, facts: MailFacts) -> list[Finding]:
    if not (rule.template if facts.template else rule.mail):
        return []
    try:
        # The sentence about a finding may quote; so the quoted words are a parameter, too.
        return [replace(found, params={"quote": found.quote, **found.params}) for found in rule.check(document, facts)]
    except Exception as error:  # whatever it is: the rule could not tell, so a person must
        return [Finding(code=rule.code, severity=rule.severity, state=FindingState.UNDECIDABLE,
                        params={"error": type(error).__name__})]

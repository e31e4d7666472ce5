"""The shape of a rule, and how rules are run: one that fails to run is never a rule that passed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from enum import StrEnum

from chalicelib.domain.compliance.document import Document, MailFacts
from chalicelib.domain.compliance.finding import Finding, FindingState, Severity
from chalicelib.domain.kit import Kit
from chalicelib.domain.record import dataclass

Check = Callable[[Document, MailFacts], Iterable[Finding]]


class At(StrEnum):
    """What of a value a fix changes: its words, the address of a link, or (``END``) what stands behind it."""

    WORDS = "words"
    ADDRESS = "address"
    END = "end"


Edit = tuple[int, int, str]
"""``text[start:end]`` becomes the words."""
Edits = Sequence[Edit]
"""In order, none over another."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A safe fix: a pure function of a text, the finding in it and the brand's kit, and what text it is given.

    It gives no edits where the finding does not stand (any more), so that twice is the same as once. An edit
    with ``At.END`` stands behind the last word.
    """

    edits: Callable[[str, Finding, Kit], Edits]
    at: At = At.WORDS


def edited(text: str, edits: Edits) -> str:
    """The text with the edits made."""
    out, position = [], 0
    for start, end, words in edits:
        out += [text[position:start], words]
        position = end
    return "".join([*out, text[position:]])


@dataclass(frozen=True, slots=True)
class Rule:
    """A code, the severity of what it finds unless it says otherwise, and the function.

    ``template``: it runs on an author's source at publish; ``mail``: on the rendered mail.
    ``fix`` is what puts a finding right without a person having to think, where there is such a thing.
    """

    code: str
    severity: Severity
    check: Check
    template: bool = True
    mail: bool = True
    fix: Fix | None = None


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

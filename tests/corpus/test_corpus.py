"""The corpus: every rule fires where it must and keeps quiet where it only looks alike."""

from __future__ import annotations

import pytest

from chalicelib.domain.compliance import RULES, Severity
from chalicelib.domain.compliance.registry import run
from tests.corpus.mails import TABLE, Mail, mails

ALL = list(mails())
BLOCKING = {rule.code for rule in RULES if rule.severity is Severity.BLOCK}


def test_it_covers_every_rule() -> None:
    """Sixty rules, each with a mail that must fire it and two lookalikes; 150 mails or more."""
    assert set(TABLE) == {rule.code for rule in RULES}
    assert len(RULES) == 60
    assert len(ALL) >= 150


@pytest.mark.parametrize("mail", ALL, ids=lambda mail: mail.name)
def test_labels(mail: Mail) -> None:
    """On each mail exactly the labelled rules fire: precision and recall are 1, for blocking rules above all."""
    found = {finding.code for finding in run(RULES, *mail.read())}
    assert found & BLOCKING == mail.codes & BLOCKING
    assert found == mail.codes

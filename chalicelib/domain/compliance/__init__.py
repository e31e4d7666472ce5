"""The brand and legal rules: small pure functions in one table, run over a parsed mail.

To add a rule takes three steps:

1. Write a function ``(Document, MailFacts) -> Iterable[Finding]`` in the module of its group
   (``security``, ``legal``, ``links``, ``delivery``, ``brand``, ``clients``, ``accessibility``) and
   name it in that module's ``RULES``, with its code and severity.
2. Give its code a message, a why and a fix in ``chalicelib/texts/rules.py``.
3. Add a mail that must fire and two lookalikes that must not to ``tests/corpus/``, and run
   ``python -m infra.rules_reference`` for ``docs/rules.md``.

A rule sees facts only (``Document``, ``MailFacts``); it imports no parser but tinycss2, inside a
function. A rule that raises counts as *undecidable*: a person looks, it never counts as passed.

What this package gives comes from its modules when it is asked for: most pages know a finding or a document
and never judge a mail, so they load none of the rules.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.domain.compliance.document import Css, Demands, Document, Element, MailFacts, OpenValue
    from chalicelib.domain.compliance.finding import Finding, FindingState, Severity
    from chalicelib.domain.compliance.judge import RULES, check, check_template, fix_of
    from chalicelib.domain.compliance.registry import At, Fix, Rule, edited

__all__ = [
    "RULES", "At", "Css", "Demands", "Document", "Element", "Finding", "FindingState", "Fix", "MailFacts", "OpenValue",
    "Rule", "Severity", "check", "check_template", "edited", "fix_of",
]
_MODULES = {
    "document": ("Css", "Demands", "Document", "Element", "MailFacts", "OpenValue"),
    "finding": ("Finding", "FindingState", "Severity"), "judge": ("RULES", "check", "check_template", "fix_of"),
    "registry": ("At", "Fix", "Rule", "edited"),
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """A name of ``__all__`` (PEP 562); raises AttributeError for any other."""
        for module, names in _MODULES.items():
            if name in names:
                return getattr(importlib.import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""What a compliance rule says about a mail: a value with a code, never a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from chalicelib.domain.campaign import FindingRecord
from chalicelib.domain.record import dataclass

MAX_QUOTE = 120


class Severity(StrEnum):
    """``BLOCK`` stops a submission, ``WARN`` goes to the reviewer, ``INFO`` tells the author."""

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


class FindingState(StrEnum):
    """``UNDECIDABLE``: the rule could not tell, and a person must look; it never counts as passed."""

    FAIL = "fail"
    UNDECIDABLE = "undecidable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a rule found.

    ``region`` is the id of the open region it stands in, "" for a locked part or the whole;
    ``quote`` the words it is about; ``line`` the line of the source where that is known.
    ``fix`` is a safe change, where the rule knows one: these words, replaced by those.
    The sentences (message, why, what to do) are made from ``code`` and ``params`` by
    ``chalicelib.texts.compliance``.
    """

    code: str
    severity: Severity = Severity.BLOCK
    state: FindingState = FindingState.FAIL
    region: str = ""
    quote: str = ""
    line: int = 0
    params: Mapping[str, str | int] = field(default_factory=dict)
    fix: tuple[str, str] | None = None

    @property
    def blocks(self) -> bool:
        """Whether a submission is refused while this stands."""
        return self.severity is Severity.BLOCK and self.state is FindingState.FAIL

    def record(self) -> FindingRecord:
        """The finding as a revision keeps it."""
        params = dict(self.params) | ({"line": self.line} if self.line else {})
        return FindingRecord(
            code=self.code, severity=self.severity.value, state=self.state.value,
            region=self.region, quote=self.quote, params=params,
        )


def quoted(text: str) -> str:
    """``text`` on one line and short enough to quote."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 1] + "…"

"""The ledger, the mailers and the rate: what the sending path needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemMail:
    """A mail of the program itself (sign-in, review request, notice, test mail) to one person."""

    to: str
    subject: str
    text: str
    html: str
    from_address: str = ""
    from_name: str = ""
    reply_to: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


class Mailer(Protocol):
    """Sends system mails, one at a time."""

    def send(self, mail: SystemMail) -> None:
        """Hand a mail to SES; raises Retryable or Permanent."""

    def sender_verified(self, address: str) -> bool:
        """Whether SES would accept the address as a From (identity or its domain verified)."""


class BulkMailer(Protocol):
    """Sends one batch of a campaign in one call."""


class Ledger(Protocol):
    """Manifests, claims and outcomes of a campaign's batches."""


class RateLimiter(Protocol):
    """Reserves the right to send a number of mails."""

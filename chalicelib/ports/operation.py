"""What the doctor and the operator's commands ask of the account and of the name system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Protocol

from chalicelib.domain.contact import Suppression
from chalicelib.domain.frequency import Started
from chalicelib.domain.ids import PartnerId
from chalicelib.domain.ledger import Attempt
from chalicelib.domain.manifest import Manifest
from chalicelib.domain.record import dataclass
from chalicelib.ports.system import QueueName


@dataclass(frozen=True, slots=True, kw_only=True)
class MailState:
    """What SES says of the account and of the configuration set; ``suppressed`` None: the account's own list."""

    production: bool
    sending: bool
    per_day: float
    sent_today: float
    rate: float
    set_found: bool
    suppressed: tuple[str, ...] | None
    events: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityState:
    """A sender's domain or address at SES; ``tokens`` are the names of its DKIM records."""

    name: str
    verified: bool
    dkim: str
    tokens: tuple[str, ...] = ()
    mail_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """A table as it stands, and as it should be."""

    name: str
    found: bool
    ttl: bool = False
    wants_ttl: bool = False
    recovery: bool = False
    wants_recovery: bool = False
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """A queue and its dead-letter queue, in messages."""

    name: QueueName
    found: bool
    waiting: int = 0
    dead: int = 0


class Inspector(Protocol):
    """Reads the account; every method raises Permanent or Retryable where it may not or can't."""

    @property
    def emulated(self) -> bool:
        """Whether this is an emulator, which has neither backups nor alarms, and whose clock people move."""

    def mail(self) -> MailState:
        """SES."""

    def identities(self) -> frozenset[str]:
        """The names of all domains and addresses that SES knows, whatever their state."""

    def identity(self, name: str) -> IdentityState | None:
        """A sender's identity; None if SES does not know it."""

    def tables(self) -> Sequence[TableState]:
        """The three tables."""

    def queues(self) -> Sequence[QueueState]:
        """The five queues."""

    def alarms(self) -> Mapping[str, str]:
        """Name -> state (OK, ALARM, INSUFFICIENT_DATA) of the deployment's alarms."""

    def remote_time(self) -> datetime:
        """AWS's time, as the head of an answer gives it: to the second."""


class Resolver(Protocol):
    """The name system."""

    def texts(self, name: str) -> Sequence[str]:
        """The TXT records of a name; none if there is no such name. Raises Retryable."""

    def alias(self, name: str) -> str:
        """The CNAME of a name, "" if it has none. Raises Retryable."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What may be shown of a dead message: never its body, which may hold addresses."""

    kind: str
    version: object
    partner: str
    receives: int
    handle: str = field(repr=False)


class DeadLetters(Protocol):
    """The dead-letter queues."""

    def look(self, queue: QueueName, limit: int) -> Sequence[DeadLetter]:
        """Some of what lies there; it is hidden for half a minute by being looked at."""

    def redrive(self, queue: QueueName, limit: int) -> int:
        """Put at most ``limit`` messages back into their queue; returns how many. Each may come twice."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What the journal kept of one partner: written beside the tables, so that a rollback spares it."""

    partner: PartnerId
    manifests: tuple[Manifest, ...]
    claims: tuple[Attempt, ...]
    suppressions: tuple[Suppression, ...]
    starts: tuple[Started, ...] = ()


class Journal(Protocol):
    """The journal, read with an administrator's rights: the program itself may only add to it."""

    def partners(self) -> Sequence[PartnerId]:
        """Every partner that has entries."""

    def since(self, partner: PartnerId, moment: datetime) -> Replay:
        """What was written from that moment on, each kind in its order."""

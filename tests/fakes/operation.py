"""An account and a name system in perfect order, until a test spoils them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.errors import Permanent
from chalicelib.ports.operation import IdentityState, MailState, QueueState, TableState
from chalicelib.ports.system import QueueName
from tests.fakes.system import START

EVENTS = frozenset({"SEND", "DELIVERY", "DELIVERY_DELAY", "BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE"})
MAIL = MailState(
    production=True, sending=True, per_day=50_000, sent_today=10, rate=14, set_found=True, suppressed=(), events=EVENTS)
TABLE = TableState(
    name="t", found=True, ttl=True, wants_ttl=True, recovery=True, wants_recovery=True, protected=True)
QUEUE = QueueState(name=QueueName.SEND, found=True)
KNOWN = IdentityState(
    name="example.com", verified=True, dkim="SUCCESS", tokens=("abc",), mail_from="bounce.example.com")


@dataclass
class FakeAccount:
    """Satisfies ``Inspector`` and ``Resolver``; ``refuses`` names methods that lack a right."""

    state: MailState = MAIL
    table: TableState = TABLE
    queue: QueueState = QUEUE
    ringing: Mapping[str, str] = field(default_factory=lambda: {"send-dead": "OK"})
    known: IdentityState | None = KNOWN
    time: datetime = START
    records: dict[str, list[str]] = field(default_factory=lambda: {
        "bounce.example.com": ["v=spf1 include:amazonses.com -all"], "_dmarc.example.com": ["v=DMARC1; p=quarantine"]})
    aliases: dict[str, str] = field(default_factory=lambda: {
        "abc._domainkey.example.com": "abc.dkim.amazonses.com."})
    refuses: frozenset[str] = frozenset()
    emulated: bool = False
    asked: list[str] = field(default_factory=list)

    def mail(self) -> MailState:
        self._ask("mail")
        return self.state

    def identities(self) -> frozenset[str]:
        self._ask("identities")
        return frozenset({self.known.name} if self.known else ())

    def identity(self, name: str) -> IdentityState | None:
        self._ask("identity")
        return self.known if self.known and name == self.known.name else None

    def tables(self) -> Sequence[TableState]:
        self._ask("tables")
        return [self.table]

    def queues(self) -> Sequence[QueueState]:
        self._ask("queues")
        return [self.queue]

    def alarms(self) -> Mapping[str, str]:
        self._ask("alarms")
        return self.ringing

    def remote_time(self) -> datetime:
        self._ask("remote_time")
        return self.time

    def texts(self, name: str) -> Sequence[str]:
        self._ask(f"texts {name}")
        return self.records.get(name, [])

    def alias(self, name: str) -> str:
        self._ask(f"alias {name}")
        return self.aliases.get(name, "")

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.refuses:
            raise Permanent(f"{what}: AccessDenied")

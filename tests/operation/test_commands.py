"""The operator's commands: what the doctor finds and says, hold, resume, redrive."""

from __future__ import annotations

import io
import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from chalicelib import cli, texts
from chalicelib.adapters.aws import Clients
from chalicelib.adapters.dns import DnsResolver
from chalicelib.adapters.doctor import AwsInspector, SqsDeadLetters
from chalicelib.adapters.schema import Names, ensure
from chalicelib.domain.campaign import State, Verdict
from chalicelib.domain.errors import Permanent
from chalicelib.ports.operation import (
    DeadLetters,
    IdentityState,
    Inspector,
    Journal,
    MailState,
    QueueState,
    Resolver,
    TableState,
)
from chalicelib.ports.system import QueueName
from chalicelib.usecases import review
from chalicelib.usecases.doctor import EVENTS, Level, examine
from infra.local import resources, ses
from infra.local.emulator import REGION
from tests.contract.backends import Backend, own_keys
from tests.fakes.system import START, FakeEntropy
from tests.fakes.world import FakeWorld
from tests.isolation.judge import administrator
from tests.stage import stage

NAMES = Names("op", "test", "op-test-data")
MAIL = MailState(
    production=True, sending=True, per_day=50_000, sent_today=10, rate=14, set_found=True, suppressed=(), events=EVENTS)
TABLE = TableState(
    name="t", found=True, ttl=True, wants_ttl=True, recovery=True, wants_recovery=True, protected=True)
QUEUE = QueueState(name=QueueName.SEND, found=True)
KNOWN = IdentityState(
    name="example.com", verified=True, dkim="SUCCESS", tokens=("abc",), mail_from="bounce.example.com")


@dataclass
class FakeAccount:
    """An account in perfect order, until a test spoils it; also a name system."""

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
    refuses: bool = False

    def mail(self) -> MailState:
        if self.refuses:
            raise Permanent("AccessDenied")
        return self.state

    def identity(self, name: str) -> IdentityState | None:
        return self.known if self.known and name == self.known.name else None

    def tables(self) -> Sequence[TableState]:
        return [self.table]

    def queues(self) -> Sequence[QueueState]:
        return [self.queue]

    def alarms(self) -> Mapping[str, str]:
        return self.ringing

    def remote_time(self) -> datetime:
        return self.time

    def texts(self, name: str) -> Sequence[str]:
        return self.records.get(name, [])

    def alias(self, name: str) -> str:
        return self.aliases.get(name, "")


@dataclass
class FakeTools:
    """What the commands get."""

    inspector: Inspector
    dead_letters: DeadLetters = field(init=False)
    journal: Journal = field(init=False)
    resolver: Resolver | None = None


def wrong(account: FakeAccount) -> set[str]:
    """The codes of what the doctor finds."""
    return {c.told.code for c in examine(FakeWorld(), account, account).checks if c.level is not Level.OK}


def test_a_sound_deployment_is_told_sound() -> None:
    """Nothing is found where nothing is wrong, and the exit status says so."""
    account, out = FakeAccount(), io.StringIO()
    assert wrong(account) == set()
    assert cli.main(["doctor", "--all"], FakeWorld(), out, tools=FakeTools(account, resolver=account)) == 0
    assert "DMARC of mail.example.com: in order." in out.getvalue()


@pytest.mark.parametrize(("spoil", "code", "status"), [
    ({"state": replace(MAIL, production=False)}, "doctor.sandbox", 0),
    ({"state": replace(MAIL, sending=False)}, "doctor.sending", 1),
    ({"state": replace(MAIL, sent_today=49_000)}, "doctor.quota", 0),
    ({"state": replace(MAIL, set_found=False)}, "doctor.set", 1),
    ({"state": replace(MAIL, suppressed=None)}, "doctor.suppression", 1),
    ({"state": replace(MAIL, suppressed=("BOUNCE",))}, "doctor.suppression", 1),
    ({"state": replace(MAIL, events=EVENTS - {"BOUNCE"})}, "doctor.events", 1),
    ({"table": replace(TABLE, found=False)}, "doctor.table", 1),
    ({"table": replace(TABLE, ttl=False)}, "doctor.ttl", 1),
    ({"table": replace(TABLE, recovery=False)}, "doctor.recovery", 1),
    ({"table": replace(TABLE, wants_recovery=False)}, "doctor.no_recovery", 1),
    ({"table": replace(TABLE, protected=False)}, "doctor.protection", 0),
    ({"queue": replace(QUEUE, found=False)}, "doctor.queue", 1),
    ({"queue": replace(QUEUE, dead=3)}, "doctor.dead", 1),
    ({"ringing": {}}, "doctor.no_alarms", 0),
    ({"ringing": {"send-dead": "ALARM"}}, "doctor.alarm", 1),
    ({"known": None}, "doctor.identity", 1),
    ({"known": replace(KNOWN, dkim="PENDING")}, "doctor.dkim", 1),
    ({"known": replace(KNOWN, mail_from="")}, "doctor.mail_from", 0),
    ({"aliases": {}}, "doctor.dkim_record", 1),
    ({"records": {"_dmarc.example.com": ["v=DMARC1; p=reject"]}}, "doctor.spf", 1),
    ({"records": {"bounce.example.com": ["v=spf1 include:amazonses.com"]}}, "doctor.dmarc", 1),
    ({"records": {**FakeAccount().records, "_dmarc.example.com": ["v=DMARC1; p=none"]}}, "doctor.dmarc_weak", 0),
    ({"time": START + timedelta(minutes=6)}, "doctor.clock", 1),
    ({"refuses": True}, "doctor.unknown", 3),
])
def test_each_fault_is_found_alone_with_what_to_do(spoil: dict[str, object], code: str, status: int) -> None:
    """One thing wrong is one finding with its sentence; the exit status tells failure, doubt and warning apart."""
    account = FakeAccount(**spoil)  # type: ignore[arg-type]
    assert wrong(account) == {code}
    out = io.StringIO()
    assert cli.main(["doctor", "--json"], FakeWorld(), out, tools=FakeTools(account, resolver=account)) == status
    told = [c for c in json.loads(out.getvalue())["checks"] if c["level"] != "ok"]
    assert [c["code"] for c in told] == [code]
    assert len(told[0]["text"]) > 20
    assert code in texts.messages()


def test_the_switch_is_a_warning() -> None:
    """Sending that head office stopped is no fault, but nobody should wonder why nothing leaves."""
    world, out = FakeWorld(), io.StringIO()
    account = FakeAccount()
    assert cli.main(["hold", "--all"], world, out) == 0
    assert world.programmes.stopped()
    assert cli.main(["doctor"], world, out, tools=FakeTools(account, resolver=account)) == 0
    assert "head office has stopped all sending" in out.getvalue()
    assert cli.main(["resume", "--all"], world, out) == 0
    assert not world.programmes.stopped()


def test_one_campaign_is_paused_and_goes_on() -> None:
    """Hold and resume name a partner and a campaign; half a name is refused, a wrong state is told."""
    set_up, out = stage(), io.StringIO()
    campaign = set_up.submitted()
    names = [str(set_up.partner), str(campaign.id)]
    tools = FakeTools(FakeAccount())
    assert cli.main(["hold", *names], set_up.world, out, tools=tools) == 1, "nobody pauses what is in review"
    for name in ("rita", "ron"):
        if set_up.now_of(campaign).state is not State.APPROVED:
            token, code = set_up.token_and_code(name)
            review.decide(set_up.world, token, Verdict.APPROVE, code=code)
    assert cli.main(["hold", *names], set_up.world, out, tools=tools) == 0
    assert set_up.now_of(campaign).state is State.HELD
    assert cli.main(["resume", *names], set_up.world, out, tools=tools) == 0
    assert set_up.now_of(campaign).state is State.APPROVED
    assert cli.main(["hold", names[0]], set_up.world, out, tools=tools) == 2
    assert cli.main(["hold"], set_up.world, out, tools=tools) == 2


def test_dead_messages_are_shown_without_contents_and_put_back(moto: Backend) -> None:
    """Looking shows kind, version and partner only; putting back keeps body and correlation id."""
    world, clients, out = FakeWorld(), Clients(REGION, own=own_keys), io.StringIO()
    tools = FakeTools(FakeAccount())
    tools.dead_letters = SqsDeadLetters(clients, NAMES)
    sqs = clients.get("sqs")
    with administrator():
        ensure(clients, NAMES)
        urls = {n: sqs.get_queue_url(QueueName=f"op-test-{n}")["QueueUrl"] for n in ("notices", "notices-dead")}
        for number in range(12):
            body = {"v": 0, "kind": "old", "partner": "prt_x", "to": f"jane{number}@example.com"}
            sqs.send_message(QueueUrl=urls["notices-dead"], MessageBody=json.dumps(body), MessageAttributes={
                "correlation": {"DataType": "String", "StringValue": "req-1"}})
        assert cli.main(["redrive", "notices", "--look", "--limit", "1"], world, out, tools=tools) == 0
        assert "old v0 prt_x" in out.getvalue()
        assert "jane" not in out.getvalue()
        assert cli.main(["redrive", "notices"], world, out, tools=tools) == 0
        assert "11 messages put back into notices." in out.getvalue()
        found = sqs.receive_message(
            QueueUrl=urls["notices"], MessageAttributeNames=["All"], MaxNumberOfMessages=10)["Messages"]
    assert {m["MessageAttributes"]["correlation"]["StringValue"] for m in found} == {"req-1"}


def test_the_inspector_reads_a_real_interface(moto: Backend) -> None:
    """Tables, queues and clock are read from moto, SES from the local endpoint; one missing service is one doubt."""
    clients = Clients(REGION, own=own_keys)
    server = ses.Server(ses.Config(store="memory", port=0))
    server.start()
    try:
        with administrator():
            ensure(clients, NAMES)
            resources.ensure_mail(
                clients.get("sesv2", endpoint=server.url), "countersign", REGION, ("mail.example.com",))
            inspector = AwsInspector(clients, NAMES, configuration_set="countersign", endpoint=server.url)
            mail = inspector.mail()
            assert (mail.production, mail.sending, mail.set_found, mail.suppressed) == (True, True, True, ())
            assert mail.events >= EVENTS
            found = inspector.identity("mail.example.com")
            assert found is not None
            assert found.dkim == "SUCCESS"
            assert inspector.identity("other.example.com") is None
            assert {t.name: (t.found, t.ttl) for t in inspector.tables()} == {
                "op-test-workflow": (True, True), "op-test-trust": (True, True),
                "op-test-keys": (True, False)}
            assert all(q.found for q in inspector.queues())
            assert dict(inspector.alarms()) == {}
            assert inspector.remote_time().tzinfo is not None
    finally:
        server.stop()


@pytest.fixture
def name_server() -> Iterator[tuple[str, int]]:
    """A name server on the loopback with two records."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                query, peer = sock.recvfrom(512)
                if query == b"end":
                    return
                text = b"\x06v=spf1\x0e -all and more"
                alias = b"\x05alias\xc0\x0c"
                kind = struct.unpack(">H", query[-4:-2])[0]
                data = text if kind == 16 else alias
                known = b"\x05known" in query
                head = query[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, int(known), 0, 0)
                answer = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data if known else b""
                sock.sendto(head + query[12:] + answer, peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        address = sock.getsockname()
        yield address
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"end", address)
        thread.join(2)


def test_the_resolver_speaks_dns(name_server: tuple[str, int]) -> None:
    """Strings of a TXT record are joined, compressed names are followed, an unknown name has no records."""
    resolver = DnsResolver(FakeEntropy(), [name_server])
    assert resolver.texts("known.example") == ["v=spf1 -all and more"]
    assert resolver.alias("known.example") == "alias.known.example"
    assert resolver.texts("other.example") == []

"""The doctor: what it finds, what it says, whom it asks, and how long anybody waits for it."""

from __future__ import annotations

import ast
import io
import json
import re
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib import cli, texts
from chalicelib.adapters.aws import Clients
from chalicelib.adapters.dns import DnsResolver
from chalicelib.adapters.doctor import AwsInspector
from chalicelib.adapters.schema import Names, ensure
from chalicelib.domain.errors import Retryable
from chalicelib.domain.ids import PartnerId
from chalicelib.ports.operation import TableState
from chalicelib.ports.workflow import PartnerCard
from chalicelib.texts.doctor import MESSAGES
from chalicelib.usecases.doctor import EVENTS, Health, Level, examine
from infra.local import resources, ses
from infra.local.emulator import REGION
from tests.contract.backends import Backend, own_keys
from tests.fakes.operation import KNOWN, MAIL, QUEUE, TABLE, FakeAccount
from tests.fakes.system import START, FakeEntropy
from tests.fakes.world import FakeWorld
from tests.isolation.judge import administrator

ROOT = Path(__file__).resolve().parents[2]
NAMES = Names("op", "test", "op-test-data")


def healthy(account: FakeAccount | None = None) -> FakeWorld:
    """A world with that account, which is its name system, too."""
    world = FakeWorld()
    world.inspector = world.resolver = account or FakeAccount()
    return world


def look(account: FakeAccount, *domains: str) -> Health:
    """What the doctor sees, with partners who send from those domains."""
    world = healthy(account)
    for number, domain in enumerate(domains):
        world.partners.register(PartnerCard(
            id=PartnerId(f"prt_{number:026}"), name="x", groups=frozenset(), state="invited", sender_domain=domain))
    return examine(world, account, account)


def wrong(health: Health) -> set[str]:
    """The codes of what is not in order."""
    return {c.code for c in health.checks if c.level is not Level.OK}


def test_a_sound_deployment_is_told_sound() -> None:
    """Nothing is found where nothing is wrong, and the exit status says so."""
    out = io.StringIO()
    assert wrong(look(FakeAccount())) == set()
    assert cli.main(["doctor", "--all"], healthy(), out) == 0
    assert "The DMARC policy of mail.example.com is quarantine." in out.getvalue()
    assert "Sending is switched on." in out.getvalue()


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
    ({"known": replace(KNOWN, verified=False)}, "doctor.identity", 1),
    ({"known": replace(KNOWN, dkim="PENDING")}, "doctor.dkim", 1),
    ({"known": replace(KNOWN, mail_from="")}, "doctor.mail_from", 0),
    ({"aliases": {}}, "doctor.dkim_record", 1),
    ({"records": {"_dmarc.example.com": ["v=DMARC1; p=reject"]}}, "doctor.spf", 1),
    ({"records": {"bounce.example.com": ["v=spf1 include:amazonses.com"]}}, "doctor.dmarc", 1),
    ({"records": {**FakeAccount().records, "_dmarc.example.com": ["v=DMARC1; p=none"]}}, "doctor.dmarc_weak", 0),
    ({"records": {**FakeAccount().records, "_dmarc.example.com": ["v=DMARC1; p=reject; sp=none"]}},
     "doctor.dmarc_weak", 0),
    ({"time": START + timedelta(minutes=6)}, "doctor.clock", 1),
    ({"refuses": frozenset({"mail"})}, "doctor.unknown", 3),
    ({"refuses": frozenset({"identities"})}, "doctor.unknown", 3),
    ({"emulated": True}, "doctor.emulated.*", 3),
])
def test_each_fault_is_found_alone_with_what_to_do(spoil: dict[str, object], code: str, status: int) -> None:
    """One thing wrong is one finding with its sentence; the exit status tells failure, doubt and warning apart."""
    out = io.StringIO()
    account = FakeAccount(**spoil)  # type: ignore[arg-type]
    assert cli.main(["doctor", "--json"], healthy(account), out) == status
    told = [c for c in json.loads(out.getvalue())["checks"] if c["level"] != "ok"]
    assert told
    for check in told:
        assert re.fullmatch(code, check["code"])
        assert len(check["text"]) > 20
        assert check["code"] in texts.messages()


def test_the_switch_is_a_warning() -> None:
    """Sending that head office stopped is no fault, but nobody should wonder why nothing leaves."""
    world, out = healthy(), io.StringIO()
    assert cli.main(["hold", "--all"], world, out) == 0
    assert world.programmes.stopped()
    assert cli.main(["doctor"], world, out) == 0
    assert "Head office has stopped all sending" in out.getvalue()
    assert cli.main(["resume", "--all"], world, out) == 0
    assert not world.programmes.stopped()


def test_every_partners_sender_is_looked_at_by_itself() -> None:
    """A partner with a domain of its own that SES does not know is found; nobody has to name it."""
    account = FakeAccount()
    health = look(account, "acme.example.com", "shop.elsewhere.example", "")
    assert wrong(health) == {"doctor.identity", "doctor.dmarc"}
    assert {c.told.params["name"] for c in health.checks if c.level is Level.FAIL} == {"shop.elsewhere.example"}
    assert any(c.told.params.get("name") == "acme.example.com" for c in health.checks if c.code == "doctor.dmarc")


def test_the_cost_does_not_grow_with_the_partners() -> None:
    """Three hundred partners below one mail zone cost one identity and one DMARC question each, nothing more."""
    one, many = FakeAccount(), FakeAccount()
    look(one, "p0.example.com")
    look(many, *(f"p{n}.example.com" for n in range(300)))
    others = [[a for a in account.asked if not a.startswith("texts _dmarc.p")] for account in (one, many)]
    assert sorted(others[0]) == sorted(others[1])
    assert len([a for a in many.asked if a.startswith("texts _dmarc.p")]) == 300


def test_a_silent_name_server_is_no_verdict() -> None:
    """Where the name system does not answer, nothing is called missing: it was not checked."""
    @dataclass
    class Silent(FakeAccount):
        def texts(self, name: str) -> Sequence[str]:
            raise Retryable("no name server answered")

        def alias(self, name: str) -> str:
            raise Retryable("no name server answered")

    health = look(Silent())
    assert wrong(health) == {"doctor.silent"}
    assert {c.level for c in health.checks} == {Level.OK, Level.UNKNOWN}
    assert examine(FakeWorld(), FakeAccount(), None).count(Level.UNKNOWN) == 1


def test_nobody_waits_longer_than_allowed() -> None:
    """What takes too long is told as not checked, with what was seen before; the rest is complete."""
    go_on, ended = threading.Event(), threading.Event()

    @dataclass
    class Slow(FakeAccount):
        second: list[str] = field(default_factory=list)

        def tables(self) -> Sequence[TableState]:
            go_on.wait(30)
            ended.set()
            return [TABLE]

        def texts(self, name: str) -> Sequence[str]:
            self.second.append(name)
            go_on.wait(30)
            return []

    account = Slow()
    health = examine(healthy(account), account, account, seconds=0.3)
    late = [c for c in health.checks if c.code == "doctor.late"]
    assert [c.area for c in late] == ["senders", "tables"]
    assert {c.code for c in health.checks if c.area == "senders"} == {
        "doctor.identity", "doctor.dkim", "doctor.dkim_record", "doctor.mail_from", "doctor.late"}
    assert health.count(Level.OK) > 10
    before = len(health.checks)
    go_on.set()
    assert ended.wait(5)
    assert len(health.checks) == before
    assert len(account.second) == 1, "what nobody waits for any more asks nothing further"


def test_every_code_has_both_sentences() -> None:
    """What can be wrong can also be in order, and both are told; a sentence that nothing says is gone."""
    used: set[str] = set()
    for name in ("doctor", "doctor_senders"):
        tree = ast.parse((ROOT / "chalicelib" / "usecases" / f"{name}.py").read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("verdict", "unknown"):
                codes = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
                found = {code for code in codes if code.startswith("doctor.")}
                # What is only told when it is wrong, such as an alarm, has no sentence for the other case.
                judged = node.func.id == "verdict" and not (  # type: ignore[attr-defined]
                    isinstance(node.args[0], ast.Constant) and node.args[0].value is False)
                used |= found | ({f"{code}.ok" for code in found} if judged else set())
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.IfExp):
                chosen = {str(n.value) for n in ast.walk(node.value) if isinstance(n, ast.Constant)}
                used |= chosen | {f"{code}.ok" for code in chosen}
    assert {code for code in used if code.startswith("doctor.")} == set(MESSAGES)


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
            assert inspector.identities() == {"mail.example.com"}
            assert not inspector.emulated
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

"""C4: a real process is killed with SIGKILL at every call of the sending path, against a real store.

The store is the local emulator (DynamoDB, SQS, S3, KMS, STS), SES our own endpoint; every port is the real
adapter. For each call of a campaign's life (tick, plan, freeze, announce, claim, send, record, finish) a
process of its own works on a campaign until it kills itself right before that call, and another one right
after it, which is also what a call looks like whose answer was lost. Then this process plays SQS, which
brings every message again, and the clock; and the ledger is held against what SES really took.

``python -m tests.sending.kills --full --repeats 20`` is the full size. The test kills twice at each checkpoint,
before and after, and lets the first of equal reads in a row stand for them.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.entropy import SystemEntropy
from chalicelib.adapters.rate import DynamoRate
from chalicelib.adapters.schema import Names, ensure
from chalicelib.domain import digest
from chalicelib.domain.campaign import State
from chalicelib.domain.cap import Cap
from chalicelib.domain.contact import Consent, Contact, LegalBasis, SealedContact, Suppression, SuppressionReason
from chalicelib.domain.frequency import Started
from chalicelib.domain.ids import CampaignId, ContactId, OrgId, base32, bytes_of
from chalicelib.domain.ledger import Attempt, Result, by_batch, status
from chalicelib.domain.manifest import BatchKey, Manifest, Run, SliceKey
from chalicelib.domain.scope import Zone
from chalicelib.domain.tag import TAG, read_tag
from chalicelib.ports.sending import RateLimiter, SesAccount
from chalicelib.ports.system import QueueName
from chalicelib.ports.workflow import Change
from chalicelib.usecases import progress, tick
from chalicelib.usecases.keys import content_key
from chalicelib.usecases.world import World
from chalicelib.wiring import Container
from infra.local.emulator import ACCOUNT, Emulator, free_port
from infra.local.ses import Config, Server
from infra.local.ses.account import ConfigurationSet
from infra.local.ses.control import set_identity
from tests.contract.backends import SETTINGS, own_keys
from tests.fakes.system import FakeClock
from tests.sending.faults import PORTS
from tests.sending.stage import BATCH, CONTENT, LIFE, NOON, PARTNER, PROGRAMME, START, Stage, handle

ADDRESSES = tuple(f"c{n}@example.com" for n in range(7))
NO_CONSENT, UNSUBSCRIBED, ENOUGH = 1, 2, 3
"""Places among the addresses: whom the path leaves out, and why."""
MAILABLE = len(ADDRESSES) - 3
WINDOW = 4.0
"""Mails a second, so that the audience makes two batches."""
STEP = timedelta(hours=25)
"""From one campaign to the next: a day's frequency cap has forgotten the one before."""
SIDES = ("before", "after")
QUEUES = (QueueName.PLAN, QueueName.SEND)


@dataclass(frozen=True)
class Outcome:
    """What became of one campaign: where its first process was killed, and what the ledger says in the end."""

    campaign: str
    call: str
    side: str
    state: str
    statuses: dict[str, str]
    conserved: bool
    pending: int
    unknown: int
    suppressed: dict[str, int]


class Real(Container):
    """The adapters of a deployment; whoever waits for the rate moves the clock on instead."""

    @cached_property
    def rate(self) -> RateLimiter:
        """GCRA in the emulator's table."""
        return DynamoRate(self.tables.workflow, self.tables.trust, self.settings.org_id, self.clock, sleep=self._wait)

    def _wait(self, seconds: float) -> None:
        cast(FakeClock, self.clock).advance(seconds=seconds)


class Lethal:
    """A world whose calls are counted; the process dies right before or after one of them.

    Of the 256 partition reads of a manifest those of partitions that hold nobody are not made, delays of
    messages are the clock's business here, and SES's rate is told as small, for several batches.
    """

    def __init__(
        self, real: Container, bytes_used: frozenset[int], at: int = -1, side: str = "", note: str = "",
    ) -> None:
        self._real = real
        self._used = bytes_used
        self._at, self._side, self._note = at, side, note
        self.calls: list[str] = []
        self.messages: list[Mapping[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        port = getattr(self._real, name)
        return _Port(self, name, port) if name in PORTS else port

    def call(self, port: str, name: str, real: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Make one call, and die at its checkpoint."""
        if name == "pause":
            return real(*args)
        if name == "ids" and args[1] not in self._used:
            return iter(())
        number = len(self.calls)
        self.calls.append(f"{port}.{name}")
        if (number, self._side) == (self._at, "before"):
            self._die()
        if port == "queue":
            kwargs.pop("delay", None)
            self.messages += [args[1]] if name == "put" else args[1]
        found: Any = real(*args, **kwargs)
        if isinstance(found, Iterator):
            found = list(found)
        if (number, self._side) == (self._at, "after"):
            self._die()
        return SesAccount(rate=WINDOW) if name == "account" else found


    def _die(self) -> None:
        Path(self._note).write_text(json.dumps(self.calls))
        os.kill(os.getpid(), signal.SIGKILL)


class _Port:
    def __init__(self, lethal: Lethal, name: str, real: object) -> None:
        self._lethal, self._name, self._real = lethal, name, real

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        return lambda *args, **kwargs: self._lethal.call(self._name, name, real, args, kwargs)


class Shard:
    """A deployment of its own in the emulator, and campaigns in it one after the other."""

    def __init__(self, endpoint: str, ses: str, side: str) -> None:
        self.clock = FakeClock(NOON)
        name = f"c4-{side}"
        clients = Clients(SETTINGS.region, endpoint=endpoint, own=own_keys)
        ensure(clients, Names(SETTINGS.app, name, f"{SETTINGS.app}-{name}-data"))
        settings = replace(
            SETTINGS, stage=name, bucket=f"{SETTINGS.app}-{name}-data", endpoint=endpoint, ses_endpoint=ses,
            kms_key=str(clients.get("kms").create_key()["KeyMetadata"]["KeyId"]), org_id=OrgId(f"org_{base32(7)}"),
            partner_role=f"arn:aws:iam::{ACCOUNT}:role/partner", review_role=f"arn:aws:iam::{ACCOUNT}:role/review",
        )
        self._sqs, self._urls = clients.get("sqs"), {}
        for queue in QUEUES:
            self._urls[queue] = self._sqs.get_queue_url(QueueName=f"{settings.prefix}-{queue.value}")["QueueUrl"]
        self.world = Real(settings, clock=self.clock, entropy=SystemEntropy(), clients=clients)
        # Made here, where it costs once, and never called here: a child must not share a connection.
        self._spare = Clients(SETTINGS.region, endpoint=endpoint, own=own_keys)
        for service in ("dynamodb", "sqs", "s3", "kms", "sts"):
            self._spare.get(service)
        self._spare.get("sesv2", endpoint=ses)
        self.session = self.world.sessions.open(PARTNER, Zone.PARTNER)
        self.ids: dict[str, ContactId] = {}
        self._number = 1_000_000 * SIDES.index(side)
        self._stage = Stage(contacts=1)
        self._furnish()
        self._used = frozenset(bytes_of(contact)[0] for contact in self.ids.values())

    def _furnish(self) -> None:
        """A partner, its customers, and a programme that allows one campaign a day."""
        world, session = self.world, self.session
        world.vault.create_keys(session)
        world.partners.save(session, self._stage.fakes.partners.home(self._stage.session).partner, expected_version=0)
        world.programmes.add(replace(
            self._stage.fakes.programmes.get(PROGRAMME), cap=Cap(1, 1), closes_at=NOON + timedelta(days=3_650)))
        world.blobs.put(session, content_key(PARTNER, CONTENT.sha256), CONTENT.encode(), "application/json")
        for number, address in enumerate(ADDRESSES):
            contact = Contact(id=world.vault.contact_id(session, address), address=address, profile={})
            sealed = world.vault.seal(session, contact)
            basis = LegalBasis.SAFETY_ONLY if number == NO_CONSENT else LegalBasis.PROVEN_OPT_IN
            world.contacts.upsert(session, SealedContact(
                id=contact.id, address=sealed[0], profile=sealed[1], batch=BATCH, created_at=NOON, updated_at=NOON,
                consents=(Consent(basis=basis, obtained_at=NOON, source="shop", batch=BATCH),)))
            self.ids[address] = contact.id
        world.contacts.suppress(session, Suppression(
            contact=self.ids[ADDRESSES[UNSUBSCRIBED]], reason=SuppressionReason.UNSUBSCRIBED, at=NOON))

    def checkpoints(self) -> list[str]:
        """The calls that a campaign without a death makes, as a process of its own tells them."""
        campaign = self._campaign()
        ended, calls = self._fork(campaign)
        assert ended == 0
        self._recover(campaign)
        return calls

    def run(self, at: int, side: str, call: str) -> Outcome:
        """Kill a process at one checkpoint of one campaign, let everything come again, and tell how it ended."""
        campaign = self._campaign()
        ended, calls = self._fork(campaign, at, side)
        assert (ended, calls[-1], len(calls)) == (-signal.SIGKILL, call, at + 1), f"{call}: {ended}, {calls}"
        self._recover(campaign)
        return self._outcome(campaign, call, side)

    def _campaign(self) -> CampaignId:
        """An approved campaign that is due now, and another one yesterday's of which used up somebody's cap."""
        self._number += 1
        self.clock.set(START + STEP * (self._number % 1_000_000))
        now, world, session = self.clock.now(), self.world, self.session
        earlier = Run(CampaignId(f"cmp_{base32(2 * self._number)}"))
        key = SliceKey(earlier, 0)
        ids = bytes_of(self.ids[ADDRESSES[ENOUGH]])
        ago = now - timedelta(hours=1)
        world.ledger.enter(session, Started(run=earlier, at=ago, slices=1))
        world.ledger.freeze(session, Manifest(key=key, ids=ids, window=50, made_at=ago))
        world.ledger.claim(session, Attempt(
            key=BatchKey(key, 0, 1), marks=b"\0", claimed_at=ago, deadline=ago, answered=(Result.SENT,)))
        world.ledger.end(session, earlier, ago, 1)
        campaign = CampaignId(f"cmp_{base32(2 * self._number + 1)}")
        history = self._stage.fakes.campaigns.history(self._stage.session, self._stage.campaign.id)
        start = replace(history.revisions[0].start, at=now)
        revision = digest.bound(replace(history.revisions[0], campaign=campaign, start=start))
        after = replace(
            self._stage.campaign, id=campaign, org=world.settings.org_id, version=2, digests=revision.digests,
            start=start, approved_at=now - timedelta(days=1), next_at=now)
        before = replace(after, version=1, state=State.DRAFT, next_at=None)
        world.campaigns.create(
            session, before, replace(history.draft, campaign=campaign), replace(history.audit[0], campaign=campaign))
        world.campaigns.commit(session, Change(before=before, after=after, revision=revision))
        return campaign

    def _fork(self, campaign: CampaignId, at: int = -1, side: str = "") -> tuple[int, list[str]]:
        """A process that ticks and then handles whatever was queued; its end (negative: a signal) and its calls."""
        with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
            ended = self._forked(campaign, at, side, file.name)
            return ended, json.loads(file.read() or "[]")

    def _forked(self, campaign: CampaignId, at: int, side: str, note: str) -> int:
        child = os.fork()
        if child == 0:
            try:
                real = Real(
                    self.world.settings, clock=self.clock, entropy=SystemEntropy(), clients=self._spare)
                lethal = Lethal(real, self._used, at, side, note)
                self._live(lethal, campaign)
                Path(note).write_text(json.dumps(lethal.calls))
                os._exit(0)
            finally:
                os._exit(1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _live(self, lethal: Lethal, campaign: CampaignId) -> None:
        world = cast(World, lethal)
        tick.tick(world)
        while lethal.messages:
            message = lethal.messages.pop(0)
            if message.get("campaign") == campaign:
                handle(world, message, self.clock.now() + LIFE)

    def _recover(self, campaign: CampaignId) -> None:
        """SQS brings every message (handled or not), the clock ticks, until the campaign is over."""
        lethal = Lethal(self.world, self._used)
        for _ in range(12):
            while self._deliver(lethal):
                # Delays are not waited for: a slice that is in somebody's hands asks to come back in half a minute.
                self.clock.advance(seconds=30)
            stands = self.world.campaigns.get(self.session, campaign)
            if stands.state.final:
                # So that the next campaign makes the same calls: the news are taken out, and its end is noted even
                # where the process died before that line (which costs later campaigns a read, and nothing else).
                self.world.ledger.end(self.session, Run(campaign), self.clock.now(), 0)
                self.world.campaigns.commit(self.session, Change(before=stands, after=replace(
                    stands, version=stands.version + 1, outbox=(), next_at=None)))
                return
            self.clock.advance(minutes=16)
            tick.tick(cast(World, lethal))
        stands = self.world.campaigns.get(self.session, campaign)
        raise AssertionError(f"the campaign does not come to an end: {stands}")

    def _deliver(self, lethal: Lethal) -> int:
        """What lies in the queues now, each message once; returns how many there were."""
        delivered = 0
        for queue in QUEUES:
            found = self._sqs.receive_message(
                QueueUrl=self._urls[queue], MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages", [])
            for message in found:
                handle(cast(World, lethal), json.loads(message["Body"]), self.clock.now() + LIFE)
                self._sqs.delete_message(QueueUrl=self._urls[queue], ReceiptHandle=message["ReceiptHandle"])
            delivered += len(found)
        return delivered

    def _outcome(self, campaign: CampaignId, call: str, side: str) -> Outcome:
        item = self.world.campaigns.get(self.session, campaign)
        totals = progress.recount(self.world, self.session, item)
        by_id: dict[ContactId, str] = {}
        for number in range(item.slices):
            key = SliceKey(Run(campaign), number)
            manifest = self.world.ledger.manifest(self.session, key)
            assert manifest is not None, item
            tried = by_batch(self.world.ledger.attempts(self.session, key, 0, manifest.batches))
            for batch in range(manifest.batches):
                for ordinal, contact in enumerate(manifest.members(batch)):
                    assert contact not in by_id, "a contact stands in two manifests"
                    by_id[contact] = status(tried.get(batch, []), ordinal).value
        return Outcome(
            campaign, call, side, item.state.value, {address: by_id[c] for address, c in self.ids.items()},
            totals.conserved, totals.pending, totals.unknown, dict(totals.suppressed))


def work(endpoint: str, ses: str, side: str, *, full: bool, repeats: int) -> list[Outcome]:
    """A kill on one side of every checkpoint; unless ``full``, the first of equal calls in a row stands for them."""
    shard = Shard(endpoint, ses, side)
    calls = shard.checkpoints()
    chosen = [at for at in range(len(calls)) if full or not at or calls[at] != calls[at - 1]]
    return [shard.run(at, side, calls[at]) for _ in range(repeats) for at in chosen]


def judge(outcomes: Sequence[Outcome], taken: Counter[tuple[str, str]]) -> None:
    """Promise 1: ``taken`` counts what SES accepted, by campaign and address."""
    left_out = {ADDRESSES[place] for place in (NO_CONSENT, UNSUBSCRIBED, ENOUGH)}
    for one in outcomes:
        where = f"killed {one.side} {one.call}: {one}"
        assert one.state == State.SENT, where
        assert one.conserved, where
        assert one.pending == 0, where
        assert one.suppressed == {"no_consent": 1, "unsubscribed": 1, "frequency": 1}, where
        for address, here in one.statuses.items():
            mails = taken[one.campaign, address]
            assert mails <= 1, f"{address} was mailed {mails} times; {where}"
            assert mails or here != "sent", f"{address} counts as sent, but SES never had it; {where}"
            assert not mails or here in ("sent", "unknown"), f"{address} is {here}, but SES had it; {where}"
            assert (here == "suppressed") == (address in left_out), where
            assert here != "open", where


@contextmanager
def surroundings() -> Iterator[tuple[str, Server]]:
    """The emulator in a process of its own and SES's endpoint in this one."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        emulator = Emulator(free_port(), Path(folder))
        emulator.start()
        stack.callback(emulator.stop)
        server = Server(Config(store="memory", port=0))
        set_identity(server.account, "mail.example.com", "SUCCESS")
        server.account.sets[SETTINGS.configuration_set] = ConfigurationSet(SETTINGS.configuration_set)
        server.start()
        stack.callback(server.stop)
        yield emulator.url, server


def accepted(server: Server) -> Counter[tuple[str, str]]:
    """What SES took of campaigns: by campaign and address."""
    found: Counter[tuple[str, str]] = Counter()
    for entry in server.store.newest():
        mail = server.store.get(entry.id)
        assert mail is not None
        found[read_tag(dict(mail.tags)[TAG]).key.slice.run.campaign, mail.recipient] += 1
    return found


def campaign(*, full: bool = False, repeats: int = 1) -> tuple[list[Outcome], Counter[tuple[str, str]]]:
    """All kills, each side by a process of its own; what became of each campaign and what SES took."""
    with surroundings() as (endpoint, server):
        command = [sys.executable, "-m", "tests.sending.kills", "--repeats", str(repeats), "--endpoint", endpoint,
                   "--ses", server.url, *(["--full"] if full else []), "--side"]
        running = [subprocess.Popen([*command, side], stdout=subprocess.PIPE, text=True) for side in SIDES]
        told = [process.communicate()[0] for process in running]
        assert [process.returncode for process in running] == [0, 0], told
        return [Outcome(**one) for text in told for one in json.loads(text)], accepted(server)


def main() -> int:
    """Kill, judge and print what was found."""
    parser = argparse.ArgumentParser(prog="tests.sending.kills", description=__doc__)
    parser.add_argument("--repeats", type=int, default=1, help="kills at each checkpoint and side")
    parser.add_argument("--endpoint", default="", help=argparse.SUPPRESS)
    parser.add_argument("--ses", default="", help=argparse.SUPPRESS)
    parser.add_argument("--side", choices=SIDES, default=SIDES[0], help=argparse.SUPPRESS)
    parser.add_argument("--full", action="store_true", help="every single call, also equal ones in a row")
    options = parser.parse_args()
    if options.endpoint:
        found = work(options.endpoint, options.ses, options.side, full=options.full, repeats=options.repeats)
        print(json.dumps([asdict(one) for one in found]))
        return 0
    outcomes, taken = campaign(full=options.full, repeats=options.repeats)
    judge(outcomes, taken)
    lost = sum(one.unknown > 0 for one in outcomes)
    print(f"C4: {len(outcomes)} kills at {len({(o.call, o.side) for o in outcomes})} kinds of checkpoints, "
          f"0 duplicates, 0 lost, {lost} campaigns with recipients shown as not confirmed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

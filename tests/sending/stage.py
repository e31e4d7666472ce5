"""A small deployment with one approved campaign, and a runner that plays SQS, Lambda and the clock."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from chalicelib.domain import audit, digest
from chalicelib.domain import ledger as rules
from chalicelib.domain.campaign import Actor, Campaign, Digests, Draft, OnLapse, Revision, State
from chalicelib.domain.cap import Cap
from chalicelib.domain.contact import Consent, Contact, LegalBasis, SealedContact, Suppression, SuppressionReason
from chalicelib.domain.content import Content, Context, Placeholder
from chalicelib.domain.errors import Conflict
from chalicelib.domain.frequency import Started
from chalicelib.domain.ids import (
    CampaignId,
    ContactId,
    ImportId,
    PartnerId,
    PersonId,
    ProgrammeId,
    TemplateId,
    bytes_of,
)
from chalicelib.domain.ledger import Result, Status
from chalicelib.domain.manifest import BatchKey, Manifest, Run, SliceKey
from chalicelib.domain.partner import LegalEntity, Partner, Sender
from chalicelib.domain.programme import Programme
from chalicelib.domain.schedule import SendTime
from chalicelib.domain.scope import Scope
from chalicelib.domain.tag import read_tag
from chalicelib.domain.totals import Totals
from chalicelib.ports.sending import BulkAnswer, BulkBatch
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.ports.workflow import DUE_SHARDS
from chalicelib.usecases import control, plan, progress, send, tick
from chalicelib.usecases.feedback import Event, absorb
from chalicelib.usecases.keys import content_key
from chalicelib.usecases.world import World
from tests.fakes.sending import FakeBulkMailer
from tests.fakes.system import FakeClock, FakeSession
from tests.fakes.trust import FakeContacts, FakeVault
from tests.fakes.world import ORG, FakeWorld

PARTNER = PartnerId("prt_" + "1" * 26)
CAMPAIGN = CampaignId("cmp_" + "1" * 26)
PROGRAMME = ProgrammeId("prg_" + "1" * 26)
PERSON = PersonId("prs_" + "1" * 26)
BATCH = ImportId("imp_" + "1" * 26)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
START = NOON + timedelta(hours=1)
LIFE = timedelta(seconds=120)
"""The hard timeout of the send function here."""
PER_SLICE = 32
"""So that the handful of contacts of a stage is cut into two slices."""

CONTENT = Content(
    subject="News for {{subject_first}}", html='<p>Hello {{html_first}}</p><a href="{{html_unsubscribe_url}}">stop</a>',
    text="Hello {{text_first}}",
    placeholders=(
        Placeholder("subject_first", "first_name", Context.SUBJECT, "you"),
        Placeholder("html_first", "first_name", Context.HTML, "you"),
        Placeholder("text_first", "first_name", Context.TEXT, "you"),
        Placeholder("html_unsubscribe_url", "unsubscribe_url", Context.HTML),
    ),
)


class Died(BaseException):
    """The process is gone: nothing in it may catch this."""


class StageContacts(FakeContacts):
    """The fake's contacts; ids by byte are looked up instead of sorted each time."""

    def ids(self, session: PartnerSession, byte: int) -> Iterator[tuple[ContactId, datetime]]:
        found = self._contacts.get(session.partner, {})
        return iter(sorted((c, found[c].created_at) for c in found if _first_byte(c) == byte))


@lru_cache(maxsize=4096)
def _first_byte(contact: ContactId) -> int:
    return bytes_of(contact)[0]


@lru_cache(maxsize=8)
def addresses(count: int) -> tuple[str, ...]:
    """Addresses of which exactly one lies where the plan samples, so that there are two slices."""
    vault, session = FakeVault(), FakeSession(PARTNER)
    vault.create_keys(session)
    sampled: list[str] = []
    others: list[str] = []
    for number in itertools.count():
        address = f"c{number}@example.com"
        (sampled if _first_byte(vault.contact_id(session, address)) % 64 == 0 else others).append(address)
        if sampled and len(others) >= count - 1:
            return (sampled[0], *others[:count - 1])
    raise AssertionError


class Stage:
    """A world with an approved campaign that is due at ``START``; the clock stands at ``NOON``."""

    def __init__(
        self, *, contacts: int = 10, rate: float = 3.0, seed: int = 0, per_slice: int = PER_SLICE,
        cap: Cap | None = None, message_class: str = "marketing", store: type[StageContacts] = StageContacts,
    ) -> None:
        self.fakes = FakeWorld(clock=FakeClock(NOON), seed=seed)
        self.fakes.contacts = store()
        self.fakes.bulk_mailer = FakeBulkMailer(rate=rate)
        self.world: World = self.fakes
        self.session = FakeSession(PARTNER)
        self.per_slice = per_slice
        self.ids: dict[str, ContactId] = {}
        self.fakes.vault.create_keys(self.session)
        for number, address in enumerate(addresses(contacts) if contacts else ()):
            self.add_contact(address, consents=number != 1)
        if contacts > 2:
            self.suppress(addresses(contacts)[2])
        self.capped: frozenset[str] = frozenset()
        self._partner(cap)
        self.campaign_of(CAMPAIGN, message_class=message_class)

    def mailed_before(self, *mailed: str, ago: timedelta = timedelta(days=1), number: int = 2) -> CampaignId:
        """An earlier campaign of the partner that is over and was sent to these addresses."""
        run = Run(CampaignId("cmp_" + str(number) * 26))
        ledger, ids = self.fakes.ledger, b"".join(sorted(bytes_of(self.ids[address]) for address in mailed))
        at = NOON - ago
        ledger.enter(self.session, Started(run=run, at=at, slices=1))
        key = SliceKey(run, 0)
        manifest = ledger.freeze(self.session, Manifest(key=key, ids=ids, window=50, made_at=at))
        sent = (Result.SENT,) * manifest.count
        ledger.claim(self.session, rules.Attempt(
            key=BatchKey(key, 0, 1), marks=bytes(manifest.count), claimed_at=at, deadline=at, answered=sent))
        ledger.end(self.session, run, at, manifest.count)
        return run.campaign

    def add_contact(self, address: str, *, consents: bool = True, at: datetime = NOON) -> ContactId:
        """Store a customer, with a proven opt-in or without any basis for marketing."""
        vault = self.fakes.vault
        contact = Contact(id=vault.contact_id(self.session, address), address=address, profile={"first_name": "Ada"})
        sealed = vault.seal(self.session, contact)
        basis = LegalBasis.PROVEN_OPT_IN if consents else LegalBasis.SAFETY_ONLY
        self.fakes.contacts.upsert(self.session, SealedContact(
            id=contact.id, address=sealed[0], profile=sealed[1], batch=BATCH, created_at=at, updated_at=at,
            consents=(Consent(basis=basis, obtained_at=at, source="shop", batch=BATCH),),
        ))
        self.ids[address] = contact.id
        return contact.id

    def suppress(self, address: str, reason: SuppressionReason = SuppressionReason.UNSUBSCRIBED) -> None:
        """Put a suppression, as an unsubscribe does."""
        self.fakes.contacts.suppress(self.session, Suppression(
            contact=self.ids[address], reason=reason, at=self.fakes.clock.now()))

    @property
    def campaign(self) -> Campaign:
        """The control item as it stands."""
        return self.fakes.campaigns.controls[PARTNER, CAMPAIGN]

    @property
    def accepted(self) -> Counter[str]:
        """How many mails SES took for each address, in truth."""
        return Counter(entry.to for entry in self.fakes.bulk_mailer.accepted)

    def hold(self) -> None:
        """The partner presses pause."""
        from chalicelib.domain.campaign import HoldReason

        control.hold(self.fakes, self.session, CAMPAIGN, HoldReason.PARTNER, actor=Actor.PARTNER, by=PERSON)

    def resume(self) -> None:
        """The partner presses go on."""
        control.resume(self.fakes, self.session, CAMPAIGN, actor=Actor.PARTNER, by=PERSON)

    def recount(self) -> Totals:
        """The exact totals."""
        return progress.recount(self.fakes, self.session, self.campaign)

    def statuses(self, campaign: CampaignId = CAMPAIGN) -> dict[str, Status | None]:
        """Where each address stands in the ledger; None for one that no manifest has."""
        by_id: dict[ContactId, Status] = {}
        for number in range(self.fakes.campaigns.controls[PARTNER, campaign].slices):
            key = SliceKey(Run(campaign), number)
            manifest = self.fakes.ledger.manifest(self.session, key)
            if manifest is None:
                continue
            tried = rules.by_batch(self.fakes.ledger.attempts(self.session, key, 0, manifest.batches))
            for batch in range(manifest.batches):
                for ordinal, contact in enumerate(manifest.members(batch)):
                    assert contact not in by_id, "a contact stands in two manifests"
                    by_id[contact] = rules.status(tried.get(batch, []), ordinal)
        return {address: by_id.get(contact) for address, contact in self.ids.items()}

    def _partner(self, cap: Cap | None) -> None:
        entity = LegalEntity(name="Nord", street="Kai 1", postal_code="20457", city="Hamburg", country="DE")
        sender = Sender(address="nord@mail.example.com", display_name="Nord", verified=True)
        self.fakes.partners.save(self.session, Partner(
            id=PARTNER, org=ORG, name="Nord", entity=entity, sender=sender, created_at=NOON), expected_version=0)
        self.fakes.programmes.add(Programme(
            id=PROGRAMME, scope=Scope(ORG), title="Spring", template=TemplateId("tpl_" + "1" * 26), template_version=1,
            opens_at=NOON - timedelta(days=1), closes_at=NOON + timedelta(days=30), created_at=NOON,
            cap=cap,
        ))

    def campaign_of(self, campaign_id: CampaignId, *, message_class: str = "marketing") -> None:
        """An approved campaign that is due at ``START``; the first one is the stage's own."""
        data = CONTENT.encode()
        self.fakes.blobs.put(self.session, content_key(PARTNER, CONTENT.sha256), data, "application/json")
        start = SendTime(local="2026-03-02T14:00", zone="Europe/Berlin", fold=0, at=START, tzdata="2026a")
        revision = digest.bound(Revision(
            campaign=campaign_id, number=1, template=TemplateId("tpl_" + "1" * 26), template_version=1, language="en",
            subject="News", preheader="", values={"intro": "Hello"}, content=CONTENT.sha256, locked_sha256="0" * 64,
            merge_fields=(("first_name", "you"),), bracket="1-50", start=start, on_lapse=OnLapse.EXPIRE,
            sender_address="nord@mail.example.com", sender_name="Nord", reply_to="", entity_version=1,
            imprint_sha256="0" * 64, headers=(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),),
            message_class=message_class, digests=Digests(partner="", frame=""), submitted_by=PERSON, submitted_at=NOON,
        ))
        campaign = Campaign(
            id=campaign_id, org=ORG, partner=PARTNER, programme=PROGRAMME, name="Spring", created_by=PERSON,
            updated_at=NOON,
        )
        draft = Draft(
            campaign=campaign_id, template=revision.template, template_version=1, saved_at=NOON, saved_by=PERSON)
        entry = audit.extend(0, "", campaign=campaign_id, at=NOON, actor=PERSON, action="create")
        self.fakes.campaigns.create(self.session, campaign, draft, entry)
        self.fakes.campaigns.controls[PARTNER, campaign_id] = replace(
            campaign, state=State.APPROVED, revision=1, digests=revision.digests, start=start, approved_at=NOON,
            next_at=START, audit_sequence=1, audit_hash=entry.hash, submitted_by=PERSON,
        )
        self.fakes.campaigns.beside[PARTNER, campaign_id].revisions[1] = revision


class Redelivery:
    """What becomes of a message whose handler died or failed: seconds until it comes again."""

    LAMBDA = 0
    SQS = 900
    MANUAL = None
    """Nobody tries it again: it lies in the dead-letter queue, and the clock must find the campaign."""


_Handler = Callable[[World, Mapping[str, Any], datetime], None]


def handle(world: World, message: Mapping[str, Any], stop_at: datetime) -> None:
    """What the Lambda functions do with a message."""
    kind = message["kind"]
    if kind == "plan":
        plan.look(world, PartnerId(message["partner"]), CampaignId(message["campaign"]), per_slice=PER_SLICE)
    elif kind == "send":
        send.send(world, send.work_of(message), stop_at=stop_at)


class Runner:
    """Delivers messages when they are due, ticks every minute, and kills what dies.

    ``handlers`` may replace what handles a message (a mutant); ``between`` is called before each
    delivery, for what people do meanwhile.
    """

    def __init__(
        self, stage: Stage, world: World | None = None, *, redelivery: int | None = Redelivery.LAMBDA,
        handler: _Handler = handle, between: Callable[[int], None] | None = None,
    ) -> None:
        self.stage = stage
        self.world = world or stage.world
        self.redelivery = redelivery
        self.handler = handler
        self.between = between
        self.clock = stage.fakes.clock
        self.dead: list[Mapping[str, Any]] = []
        self.deaths = 0
        self.deliveries = 0
        self._due: list[tuple[datetime, int, Mapping[str, Any]]] = []
        self._numbers = itertools.count()
        stage.fakes.queue.put = self._put  # type: ignore[method-assign]
        stage.fakes.queue.put_many = self._put_many  # type: ignore[method-assign]

    def _put(self, queue: QueueName, message: Mapping[str, object], *, delay: int = 0) -> None:
        assert 0 <= delay <= 900, "SQS takes no longer delay"
        if queue in (QueueName.PLAN, QueueName.SEND):
            self.push(message, timedelta(seconds=delay))

    def _put_many(self, queue: QueueName, messages: Sequence[Mapping[str, object]]) -> None:
        for message in messages:
            self._put(queue, message)

    def push(self, message: Mapping[str, Any], delay: timedelta = timedelta()) -> None:
        """Make a message visible after a delay."""
        heapq.heappush(self._due, (self.clock.now() + delay, next(self._numbers), message))

    def run(self, until: datetime, *, finish: bool = True) -> None:
        """Go on until a time, or until the campaign is over and nothing is due."""
        while self.clock.now() < until:
            if finish and self.stage.campaign.state.final and not self._due:
                return
            if finish and self.stage.campaign.state is State.HELD and not self._due:
                return
            self._step(until)

    def _step(self, until: datetime) -> None:
        """Deliver the next message, or tick at the minute at which the tick would do something."""
        ready = self._due[0][0] if self._due else until
        due = min((line.at for shard in range(DUE_SHARDS)
                   for line in self.stage.fakes.indexes.due(shard, until)), default=until)
        minute = max(due - timedelta(seconds=60), self._next_minute())
        if self._due and ready <= minute:
            self.clock.set(max(ready, self.clock.now()))
            self._deliver(heapq.heappop(self._due)[2])
        else:
            self.clock.set(min(max(minute, self.clock.now()), until))
            self._guarded(lambda: tick.tick(self.world))
            self._ticked = self.clock.now()

    _ticked = datetime(2000, 1, 1, tzinfo=UTC)

    def _next_minute(self) -> datetime:
        return max(self._ticked + timedelta(minutes=1), self.clock.now())

    def _deliver(self, message: Mapping[str, Any]) -> None:
        self.deliveries += 1
        assert self.deliveries < 5_000, "the campaign does not come to an end"
        if self.between is not None:
            self.between(self.deliveries)
        stop_at = self.clock.now() + LIFE
        if not self._guarded(lambda: self.handler(self.world, message, stop_at)):
            if self.redelivery is None:
                self.dead.append(message)
            else:
                self.push(message, timedelta(seconds=self.redelivery))

    def _guarded(self, work: Callable[[], object]) -> bool:
        """Run as Lambda does: whatever is raised ends this invocation only."""
        try:
            work()
        except (Died, Exception) as error:
            if isinstance(error, AssertionError):
                raise
            self.deaths += 1
            return False
        return True


def people_go_on(runner: Runner, *, rounds: int = 5) -> None:
    """Run to the end; when the campaign is paused, a person looks at it and resumes it."""
    for _ in range(rounds):
        runner.run(runner.clock.now() + timedelta(hours=6))
        if runner.stage.campaign.state is not State.HELD:
            return
        try:
            runner.stage.resume()
        except Conflict:
            return
    raise AssertionError("the campaign is paused again and again")


def judge(stage: Stage, *, resent: frozenset[str] = frozenset()) -> Totals:
    """C8 and promise 1: nobody twice, nobody lost, the ledger tells nothing that is not true."""
    accepted, statuses = stage.accepted, stage.statuses()
    totals = stage.recount()
    assert totals.conserved, totals
    twice = {address for address, count in accepted.items() if count > 1} - resent
    assert not twice, f"mailed twice: {sorted(twice)}"
    assert not {a for a in accepted if statuses.get(a) is None}, "mailed, but in no manifest"
    assert not {a for a in accepted if a in stage.capped}, "mailed, although it had enough campaigns lately"
    for address, status in statuses.items():
        if status is Status.SENT:
            assert accepted[address], f"{address} counts as sent, but SES never had it"
        elif status in (Status.SUPPRESSED, Status.FAILED, Status.OPEN):
            assert not accepted[address], f"{address} is {status}, but SES had it"
    if stage.campaign.state.final:
        assert totals.pending == 0, totals
        told = progress.progress(stage.fakes, stage.session, stage.campaign)
        assert told == totals, (told, totals)
    if stage.campaign.state is State.SENT:
        assert totals.audience == len([s for s in statuses.values() if s is not None])
        assert totals.not_attempted == 0, totals
    assert audit.first_break(stage.fakes.campaigns.history(stage.session, CAMPAIGN).audit) is None
    return totals


def event(stage: Stage, number: int, seen: rules.Seen) -> Event:
    """The event that SES publishes of its ``number``-th accepted mail."""
    entry = stage.fakes.bulk_mailer.accepted[number]
    return Event(read_tag(entry.tag), entry.to, seen, stage.fakes.clock.now())


def tell_all(stage: Stage, seen: rules.Seen = rules.Seen.DELIVERED) -> None:
    """SES's events of every accepted mail arrive."""
    absorb(stage.fakes, [event(stage, n, seen) for n in range(len(stage.fakes.bulk_mailer.accepted))])


def answer(
    stage: Stage, batch: BulkBatch, said: Sequence[Result], took: Sequence[bool],
) -> BulkAnswer:
    """Let SES say one thing and do another."""
    return stage.fakes.bulk_mailer.take(batch, said, took)



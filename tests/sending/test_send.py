"""Single guards of the send worker, each alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain import ledger as rules
from chalicelib.domain import sending
from chalicelib.domain.campaign import Digests, HoldReason, State
from chalicelib.domain.contact import Contact, SealedContact
from chalicelib.domain.errors import Permanent, Retryable
from chalicelib.domain.ids import ImportId
from chalicelib.domain.ledger import Result, Status
from chalicelib.domain.manifest import BatchKey, Run, SliceKey
from chalicelib.domain.tag import read_tag
from chalicelib.domain.totals import SliceState
from chalicelib.ports.sending import BulkAnswer, BulkBatch
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import approved, control, plan, progress
from chalicelib.usecases.freeze import freeze
from chalicelib.usecases.send import Work, send, work_of
from tests.fakes.sending import FakeBulkMailer, FakeLedger
from tests.fakes.trust import FakeVault
from tests.sending.stage import (
    CAMPAIGN,
    LIFE,
    NOON,
    PARTNER,
    PER_SLICE,
    PERSON,
    START,
    Redelivery,
    Runner,
    Stage,
    addresses,
    handle,
    judge,
    people_go_on,
    tell_all,
)


class Says(FakeBulkMailer):
    """SES that gives the same answer to every call, until it has given ``times`` of them."""

    def __init__(self, result: Result, *, took: bool, times: int = 1_000, refused: str = "", rate: float = 3.0) -> None:
        super().__init__(rate=rate)
        self.result, self.took, self.times, self.refused = result, took, times, refused

    def send(self, batch: BulkBatch) -> BulkAnswer:
        if self.times <= 0:
            return super().send(batch)
        self.times -= 1
        found = self.take(batch, [self.result] * len(batch.entries), [self.took] * len(batch.entries))
        return replace(found, refused=self.refused)


class Meanwhile(FakeBulkMailer):
    """SES during whose second call something happens."""

    def __init__(self, stage: Stage, happens: Any) -> None:
        super().__init__(rate=3.0)
        self.stage, self.happens = stage, happens

    def send(self, batch: BulkBatch) -> BulkAnswer:
        answer = super().send(batch)
        if len(self.calls) == 2:
            self.happens(self.stage)
        return answer


def run(stage: Stage, hours: float = 3) -> Runner:
    """Run the stage from noon."""
    runner = Runner(stage)
    runner.run(NOON + timedelta(hours=hours))
    return runner


def test_five_unknown_batches_in_a_row_hold_the_campaign() -> None:
    """SES that answers nothing is not asked for ever; who is unknown is not mailed again."""
    stage = Stage(contacts=40)
    stage.fakes.bulk_mailer = Says(Result.UNKNOWN, took=True)
    run(stage)
    assert (stage.campaign.state, stage.campaign.hold_reason) == (State.HELD, HoldReason.UNKNOWNS)
    assert len(stage.fakes.bulk_mailer.calls) <= 2 * 5, "five in each of two slices at most"
    totals = judge(stage)
    assert totals.unknown == sum(stage.accepted.values())
    assert totals.not_attempted == totals.audience - totals.unknown - totals.left_out


def test_throttled_entries_alone_are_tried_again() -> None:
    """What SES throttled is known unsent and comes in the next attempt; nobody else does."""
    stage = Stage()
    stage.fakes.bulk_mailer = Says(Result.UNSENT, took=False, times=3)
    run(stage)
    totals = judge(stage)
    assert stage.campaign.state is State.SENT
    assert totals.sent == 8
    attempts = [read_tag(e.tag).key.attempt for call in stage.fakes.bulk_mailer.calls for e in call.entries]
    assert max(attempts) >= 2


def test_a_refusal_of_every_call_holds_with_nothing_sent() -> None:
    """An unverified sender or a paused account is for a person to mend; then all is sent."""
    stage = Stage()
    stage.fakes.bulk_mailer = Says(Result.UNSENT, took=False, times=1, refused="SendingPausedException")
    runner = run(stage)
    assert (stage.campaign.state, stage.campaign.hold_reason) == (State.HELD, HoldReason.SENDER)
    assert not stage.accepted
    people_go_on(runner)
    assert judge(stage).sent == 8


def test_what_ses_rejects_is_failed() -> None:
    """A definite rejection is told, and not tried again."""
    stage = Stage()
    stage.fakes.bulk_mailer = Says(Result.FAILED, took=False)
    run(stage)
    totals = judge(stage)
    assert (stage.campaign.state, totals.failed, totals.sent) == (State.SENT, 8, 0)


@pytest.mark.parametrize("happens", [
    Stage.hold, lambda stage: control.switch_all(stage.fakes, stopped=True, person=PERSON),
], ids=("hold", "switch"))
def test_a_pause_and_the_switch_end_the_sending_within_one_batch(happens: Any) -> None:
    """No worker begins a batch after it could have seen the pause."""
    stage = Stage(contacts=40)
    stage.fakes.bulk_mailer = Meanwhile(stage, happens)
    run(stage)
    assert stage.campaign.state is State.HELD
    assert len(stage.fakes.bulk_mailer.calls) == 2
    totals = judge(stage)
    assert totals.not_attempted > 10
    control.switch_all(stage.fakes, stopped=False, person=PERSON)
    people_go_on(Runner(stage))
    assert judge(stage).sent == 38


def test_cancelling_leaves_the_rest_not_attempted() -> None:
    """A cancelled campaign has nothing pending; what was sent counts as sent."""
    from chalicelib.domain.campaign import Actor

    stage = Stage(contacts=40)
    stage.fakes.bulk_mailer = Meanwhile(stage, Stage.hold)
    run(stage)
    control.cancel(stage.fakes, stage.session, CAMPAIGN, actor=Actor.PARTNER, by=PERSON)
    totals = judge(stage)
    assert stage.campaign.state is State.CANCELLED
    assert (totals.pending, totals.not_attempted > 10) == (0, True)


def test_each_pause_and_each_resume_begins_a_new_epoch() -> None:
    """What was queued before a pause, or during one, is dropped for good: resuming does not wake it."""
    stage = Stage(contacts=40)
    stage.fakes.clock.set(START)
    Runner(stage)
    plan.look(stage.world, PARTNER, CAMPAIGN, per_slice=PER_SLICE)
    epochs = [stage.campaign.epoch]
    for step in (Stage.hold, Stage.resume, Stage.hold, Stage.resume):
        step(stage)
        epochs.append(stage.campaign.epoch)
    assert epochs == [1, 2, 3, 4, 5] and stage.campaign.state is State.SENDING
    for epoch in epochs:
        work = Work(partner=PARTNER, key=SliceKey(Run(CAMPAIGN), 0), epoch=epoch)
        send(stage.world, work, stop_at=stage.fakes.clock.now() + LIFE)
        assert bool(stage.fakes.bulk_mailer.calls) is (epoch == 5)


def test_other_digests_on_the_control_item_stop_the_worker() -> None:
    """What the worker loaded must be what the campaign binds, at every batch."""
    stage = Stage(contacts=40)

    def rebind(stage: Stage) -> None:
        other = replace(stage.campaign, digests=Digests(partner="0" * 64, frame="0" * 64))
        stage.fakes.campaigns.controls[PARTNER, CAMPAIGN] = other

    stage.fakes.bulk_mailer = Meanwhile(stage, rebind)
    run(stage)
    assert (stage.campaign.state, stage.campaign.hold_reason) == (State.HELD, HoldReason.DIGEST)
    assert len(stage.fakes.bulk_mailer.calls) == 2


def test_an_unsubscribe_counts_while_the_campaign_runs() -> None:
    """Who unsubscribes before a batch reads its contacts gets no mail."""
    stage = Stage(contacts=40)
    last = list(stage.ids)

    def leave(stage: Stage) -> None:
        for address in last:
            if address not in stage.accepted:
                stage.suppress(address)
        stage.fakes.clock.advance(seconds=11)

    stage.fakes.bulk_mailer = Meanwhile(stage, leave)
    run(stage)
    totals = judge(stage)
    assert totals.sent == sum(stage.accepted.values()) == 6
    assert totals.suppressed["unsubscribed"] >= 30


def test_an_unsubscribe_counts_although_the_clock_was_put_back() -> None:
    """Nobody is mailed by what was read an hour ahead, while the clock comes up to it; and all goes on afterwards."""
    stage = Stage(contacts=40)
    last = list(stage.ids)

    def leave(stage: Stage) -> None:
        for address in last:
            if address not in stage.accepted:
                stage.suppress(address)
        stage.fakes.clock.set(stage.fakes.clock.now() - timedelta(hours=1))

    stage.fakes.bulk_mailer = Meanwhile(stage, leave)
    run(stage)
    assert judge(stage).sent == sum(stage.accepted.values()) == 6


def test_a_rate_that_is_next_to_nothing_is_waited_for() -> None:
    """A mail every twenty minutes: longer than a queue holds a message back."""
    stage = Stage(contacts=4, rate=1 / 1200)
    run(stage)
    assert (stage.campaign.state, judge(stage).sent) == (State.SENT, 2)


def test_a_contact_that_is_gone_is_not_mailed() -> None:
    """Erased after the manifest was frozen: suppressed as gone."""
    stage = Stage(contacts=40)

    def erase(stage: Stage) -> None:
        for address, contact in stage.ids.items():
            if address not in stage.accepted:
                stage.fakes.contacts.erase(stage.session, contact)
        stage.fakes.clock.advance(seconds=11)

    stage.fakes.bulk_mailer = Meanwhile(stage, erase)
    run(stage)
    totals = judge(stage)
    assert totals.suppressed["gone"] >= 1
    assert totals.sent == 6


def refill(stage: Stage, address: str, first_name: str) -> SealedContact:
    """Give a customer another first name; returns what is stored."""
    (record,) = stage.fakes.contacts.read(stage.session, [stage.ids[address]])
    assert record.contact is not None
    sealed = stage.fakes.vault.seal(
        stage.session, Contact(id=record.id, address=address, profile={"first_name": first_name}))
    stored = replace(record.contact, address=sealed[0], profile=sealed[1])
    stage.fakes.contacts.upsert(stage.session, stored)
    return stored


def test_who_cannot_be_mailed_fails_alone() -> None:
    """A damaged contact, and one whose data weigh a byte more than an entry may; the others get their mail."""
    before = Stage()
    run(before)
    entry = before.fakes.bulk_mailer.accepted[0]
    room = sending.ENTRY_BYTES - len(entry.data.encode()) + 3 * len("Ada")  # the name stands there three times
    stage = Stage()
    heavy, fitting, damaged = [address for address in stage.ids if address in before.accepted][:3]
    refill(stage, heavy, "é" * (room // 6) + "x" * (room % 6 // 3 + 1))
    refill(stage, fitting, "é" * (room // 6) + "x" * (room % 6 // 3))
    whole = refill(stage, damaged, "Ada")
    stage.fakes.contacts.upsert(stage.session, replace(whole, address=whole.profile))
    run(stage)
    assert {a for a, status in stage.statuses().items() if status is Status.FAILED} == {damaged, heavy}
    assert (judge(stage).failed, judge(stage).sent) == (2, 6)
    longest = max(len(e.data.encode()) for e in stage.fakes.bulk_mailer.accepted)
    assert sending.ENTRY_BYTES - 3 < longest <= sending.ENTRY_BYTES


class Locked(FakeVault):
    """A vault whose keys KMS refuses until ``until``."""

    def __init__(self, stage: Stage, until: datetime) -> None:
        super().__init__()
        self.create_keys(stage.session)
        self.clock, self.until = stage.fakes.clock, until

    def open(self, session: PartnerSession, sealed: SealedContact) -> Contact:
        if self.clock.now() < self.until:
            raise Permanent("kms decrypt: KMSInvalidStateException")
        return super().open(session, sealed)


def test_a_key_that_is_refused_costs_nobody_the_mail() -> None:
    """KMS says no (a policy, a disabled key of the partner's): nobody is failed, and all is sent once it says yes."""
    stage = Stage()
    stage.fakes.vault = Locked(stage, START + timedelta(hours=1))
    runner = Runner(stage, redelivery=Redelivery.MANUAL)
    runner.run(START + timedelta(minutes=50), finish=False)
    totals = stage.recount()
    assert (stage.campaign.state, totals.failed, totals.unknown, totals.sent) == (State.SENDING, 0, 0, 0)
    runner.run(START + timedelta(hours=2))
    assert (stage.campaign.state, judge(stage).sent) == (State.SENT, 8)


def test_who_brings_too_much_is_failed_alone() -> None:
    """Data of one recipient that would not fit beside forty-nine others are not sent; everybody else is."""
    stage = Stage()
    address = addresses(10)[5]
    contact = Contact(id=stage.ids[address], address=address, profile={"first_name": "é" * (sending.ENTRY_BYTES // 6)})
    sealed = stage.fakes.vault.seal(stage.session, contact)
    (stands,) = stage.fakes.contacts.read(stage.session, [contact.id])
    assert stands.contact is not None
    stage.fakes.contacts.upsert(stage.session, replace(
        stands.contact, profile=sealed[1], batch=ImportId("imp_" + "2" * 26), updated_at=START))
    run(stage)
    totals = judge(stage)
    assert (totals.sent, totals.failed, stage.accepted[address]) == (7, 1, 0)
    assert stage.statuses()[address] is Status.FAILED


def test_unknown_recipients_are_resent_by_a_person_after_the_deadline_only() -> None:
    """Too early nothing is released; later exactly the unknown ones are mailed again."""
    stage = Stage()
    stage.fakes.bulk_mailer = Says(Result.UNKNOWN, took=False, times=1)
    runner = Runner(stage)
    runner.run(START + timedelta(minutes=3), finish=False)
    assert stage.campaign.state is State.SENDING, "it waits for news of unknown recipients"
    lost = {a for a, status in stage.statuses().items() if status is Status.UNKNOWN}
    assert lost
    first = progress.resend_unknown(stage.fakes, stage.session, CAMPAIGN, by=PERSON)
    assert (first.recipients, first.too_early) == (0, len(lost))
    runner.run(START + timedelta(minutes=10), finish=False)
    second = progress.resend_unknown(stage.fakes, stage.session, CAMPAIGN, by=PERSON)
    assert (second.recipients, second.too_early) == (len(lost), 0)
    runner.run(START + timedelta(hours=2))
    totals = judge(stage)
    assert (stage.campaign.state, totals.sent, totals.unknown) == (State.SENT, 8, 0)
    actions = [e.action for e in stage.fakes.campaigns.history(stage.session, CAMPAIGN).audit]
    assert "resend_unknown" in actions


class Reluctant(FakeLedger):
    """A ledger that does not move a slice on, as long as it is ``tired``."""

    tired = False

    def advance(self, session: PartnerSession, before: SliceState, after: SliceState) -> None:
        if self.tired:
            raise Retryable("throttled")
        super().advance(session, before, after)


def test_a_resend_that_broke_off_is_made_good_by_the_next() -> None:
    """Released, but the slice was not opened again: whoever presses the button once more has them mailed."""
    stage = Stage()
    stage.fakes.ledger = ledger = Reluctant()
    stage.fakes.bulk_mailer = Says(Result.UNKNOWN, took=False, times=1)
    runner = Runner(stage)
    runner.run(START + timedelta(minutes=10), finish=False)
    lost = {a for a, status in stage.statuses().items() if status is Status.UNKNOWN}
    ledger.tired = True
    with pytest.raises(Retryable):
        progress.resend_unknown(stage.fakes, stage.session, CAMPAIGN, by=PERSON)
    ledger.tired = False
    again = progress.resend_unknown(stage.fakes, stage.session, CAMPAIGN, by=PERSON)
    assert again.recipients == len(lost) > 0
    runner.run(START + timedelta(hours=2))
    totals = judge(stage)
    assert (stage.campaign.state, totals.sent, totals.unknown) == (State.SENT, 8, 0)


def test_an_event_settles_an_unknown_recipient() -> None:
    """SES's own word on a message ends the doubt, and the campaign is finished without waiting."""
    stage = Stage()
    stage.fakes.bulk_mailer = Says(Result.UNKNOWN, took=True, times=1)
    runner = Runner(stage)
    runner.run(START + timedelta(minutes=3), finish=False)
    assert stage.recount().unknown > 0
    tell_all(stage)
    runner.run(START + timedelta(minutes=10))
    totals = judge(stage)
    assert (stage.campaign.state, totals.unknown, totals.sent) == (State.SENT, 0, 8)


def test_a_worker_without_time_sends_nothing() -> None:
    """A call that might outlive the function is not begun; its recipients are known unsent."""
    stage = Stage()
    short: list[Mapping[str, Any]] = []

    def handler(world: Any, message: Mapping[str, Any], stop_at: Any) -> None:
        if message["kind"] == "send" and len(short) < 3:
            short.append(message)
            stop_at = stage.fakes.clock.now() + timedelta(seconds=20)
        handle(world, message, stop_at)

    runner = Runner(stage, handler=handler)
    runner.run(NOON + timedelta(hours=3))
    assert len(short) == 3
    assert judge(stage).sent == 8


class SlowClaims(FakeLedger):
    """A ledger whose first claims take as long as a function lives, but for a moment."""

    def __init__(self, stage: Stage, times: int) -> None:
        super().__init__()
        self.clock, self.times = stage.fakes.clock, times

    def claim(self, session: PartnerSession, attempt: rules.Attempt) -> None:
        super().claim(session, attempt)
        if self.times > 0:
            self.times -= 1
            self.clock.set(attempt.deadline - timedelta(seconds=1))


def test_a_claim_that_took_too_long_is_not_sent_upon() -> None:
    """The call could outlive the function, and a person would mail its recipients again: known unsent instead."""
    stage = Stage()
    stage.fakes.ledger = SlowClaims(stage, times=2)
    stops: list[datetime] = []
    late: list[timedelta] = []

    class Watched(FakeBulkMailer):
        def send(self, batch: BulkBatch) -> BulkAnswer:
            late.append(stage.fakes.clock.now() + sending.CALL_TIME - stops[-1])
            return super().send(batch)

    def handler(world: Any, message: Mapping[str, Any], stop_at: datetime) -> None:
        stops.append(stop_at)
        handle(world, message, stop_at)

    stage.fakes.bulk_mailer = Watched(rate=3.0)
    Runner(stage, handler=handler).run(NOON + timedelta(hours=3))
    assert late and max(late) <= timedelta()
    tried = [a for n in range(2) for a in stage.fakes.ledger.attempts(stage.session, SliceKey(Run(CAMPAIGN), n), 0, 99)]
    assert sum(set(a.answered or ()) >= {Result.UNSENT} for a in tried) == 2
    assert (judge(stage).sent, max(stage.accepted.values())) == (8, 1)


def test_a_slice_whose_other_worker_was_throttled_is_gone_through_again() -> None:
    """The end of a slice looks at every window once more before it is done."""
    stage = Stage()
    stage.fakes.clock.set(START)
    runner = Runner(stage)
    plan.look(stage.world, PARTNER, CAMPAIGN, per_slice=PER_SLICE)
    key = SliceKey(Run(CAMPAIGN), 1)
    mail = approved.load(stage.world, stage.session, stage.campaign)
    manifest = freeze(stage.fakes, stage.session, stage.campaign, key, mail)
    claim = rules.Attempt(
        key=BatchKey(key, 0, 1), marks=bytes(manifest.size_of(0)), claimed_at=START,
        deadline=START + timedelta(seconds=120))
    stage.fakes.ledger.claim(stage.session, claim)
    runner.run(START + timedelta(seconds=60), finish=False)
    assert stage.campaign.state is State.SENDING
    stage.fakes.ledger.settle(stage.session, claim.key, [Result.UNSENT] * len(claim.marks))
    runner.run(START + timedelta(hours=1))
    totals = judge(stage)
    assert (stage.campaign.state, totals.sent, totals.pending) == (State.SENT, 8, 0)


def test_each_mail_carries_its_own_unsubscribe_and_tag() -> None:
    """RFC 8058 headers with a link of this recipient, and a tag that leads back to the place in the ledger."""
    stage = Stage()
    run(stage)
    links = set()
    for call in stage.fakes.bulk_mailer.calls:
        assert ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") in call.headers
        assert sum(name.lower().startswith("list-unsubscribe") for name, _ in call.headers) == 1
        tags = dict(call.tags)
        place = tuple(int(tags.pop(name)) for name in ("mailing", "variant", "slice", "batch", "attempt"))
        assert tags == {"partner": PARTNER, "campaign": CAMPAIGN}
        for entry in call.entries:
            token = entry.list_unsubscribe.removeprefix("<https://partners.example.com/u/").removesuffix(">")
            found = stage.fakes.unsubscribe.read(token)
            assert (found.partner, found.contact, found.campaign) == (PARTNER, stage.ids[entry.to], CAMPAIGN)
            ref = read_tag(entry.tag)
            manifest = stage.fakes.ledger.manifest(stage.session, ref.key.slice)
            assert manifest is not None
            run_of = ref.key.slice.run
            assert place == (run_of.mailing, run_of.variant, ref.key.slice.number, ref.key.batch, ref.key.attempt)
            assert manifest.member(ref.key.batch, ref.ordinal) == stage.ids[entry.to]
            links.add(token)
    assert len(links) == 8


@pytest.mark.parametrize("message", [
    {}, {"partner": PARTNER}, {"partner": PARTNER, "campaign": CAMPAIGN, "slice": "1", "epoch": 1},
    {"partner": PARTNER, "campaign": CAMPAIGN, "slice": 1, "epoch": None},
])
def test_a_message_that_is_not_ours_is_refused(message: dict[str, object]) -> None:
    """Poison goes to the dead-letter queue; it is never guessed at."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        work_of(message)


def test_a_throttling_storm_settles_everybody() -> None:
    """C6, small: nine of ten calls are throttled, and all the same everybody is mailed once."""
    stage = Stage(contacts=300, rate=50.0)
    mailer = Storm()
    stage.fakes.bulk_mailer = mailer
    runner = Runner(stage)
    runner.run(NOON + timedelta(hours=12))
    totals = judge(stage)
    assert (stage.campaign.state, totals.sent, totals.unknown) == (State.SENT, 298, 0)
    assert mailer.asked > 5 * (300 // 50)


class Storm(FakeBulkMailer):
    """SES that throttles nine of ten entries."""

    def __init__(self) -> None:
        super().__init__(rate=50.0)
        self.asked = 0

    def send(self, batch: BulkBatch) -> BulkAnswer:
        took = []
        for _ in batch.entries:
            self.asked += 1
            took.append(self.asked % 10 == 0)
        return self.take(batch, [Result.SENT if t else Result.UNSENT for t in took], took)

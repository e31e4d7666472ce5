"""What the clock does to one campaign: it starts in time, not otherwise, and is found again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.campaign import HoldReason, State
from chalicelib.domain.content import Content
from chalicelib.domain.frequency import Started
from chalicelib.domain.ledger import Result
from chalicelib.domain.manifest import Run, SliceKey
from chalicelib.domain.tag import read_tag
from chalicelib.domain.totals import Totals
from chalicelib.ports.sending import BulkAnswer, BulkBatch
from chalicelib.ports.system import QueueName
from chalicelib.usecases import control, plan, tick
from chalicelib.usecases.keys import content_key
from tests.fakes.sending import FakeBulkMailer
from tests.sending.stage import CAMPAIGN, CONTENT, LIFE, NOON, PARTNER, PER_SLICE, PERSON, START, Runner, Stage, judge


def look_at(stage: Stage) -> None:
    """The plan function's work on the stage's campaign."""
    plan.look(stage.world, PARTNER, CAMPAIGN, per_slice=PER_SLICE)


def change(stage: Stage, **fields: object) -> None:
    """Change the stored control item behind everybody's back."""
    stage.fakes.campaigns.controls[PARTNER, CAMPAIGN] = replace(stage.campaign, **fields)  # type: ignore[arg-type]


def switch(stage: Stage) -> None:
    """HQ stops everything."""
    control.switch_all(stage.world, stopped=True, person=PERSON)


def late(stage: Stage) -> None:
    """Nobody looked for more than two hours."""
    stage.fakes.clock.advance(hours=2, seconds=1)


def close(stage: Stage) -> None:
    """The programme's run window ended."""
    programme = stage.fakes.programmes.get(stage.campaign.programme)
    stage.fakes.programmes.programmes[programme.id] = replace(programme, closes_at=START)


def unverify(stage: Stage) -> None:
    """The sender's identity was lost."""
    stage.fakes.mailer.unverified.add("nord@mail.example.com")


def alter_content(stage: Stage) -> None:
    """One byte of the stored mail differs."""
    altered = Content(subject=CONTENT.subject + "!", html=CONTENT.html, text=CONTENT.text)
    stage.fakes.blobs.put(stage.session, content_key(PARTNER, CONTENT.sha256), altered.encode(), "application/json")


def lose_content(stage: Stage) -> None:
    """The stored mail is gone: the revision names another."""
    alter_revision(stage, content="0" * 64)


def alter_revision(stage: Stage, **fields: object) -> None:
    """A stored field of the revision differs from what was approved."""
    revisions = stage.fakes.campaigns.beside[PARTNER, CAMPAIGN].revisions
    revisions[1] = replace(revisions[1], **(fields or {"sender_name": "Somebody else"}))  # type: ignore[arg-type]


@pytest.mark.parametrize(("spoil", "reason"), [
    (switch, HoldReason.HQ), (late, HoldReason.LATE), (close, HoldReason.WINDOW), (unverify, HoldReason.SENDER),
    (alter_content, HoldReason.DIGEST), (lose_content, HoldReason.DIGEST), (alter_revision, HoldReason.DIGEST),
], ids=lambda value: getattr(value, "__name__", str(value)))
def test_what_must_not_start_is_held_with_the_reason(spoil: Callable[[Stage], None], reason: HoldReason) -> None:
    """A campaign that is due but may not start is paused, mails nobody and tells why."""
    stage = Stage()
    stage.fakes.clock.set(START)
    spoil(stage)
    look_at(stage)
    assert (stage.campaign.state, stage.campaign.hold_reason) == (State.HELD, reason)
    assert stage.campaign.outbox == ("held",)
    assert stage.campaign.held_from is State.APPROVED
    assert "outbox" in stage.fakes.queue.kinds(QueueName.NOTICES)
    assert not stage.accepted


def test_a_late_campaign_that_a_person_resumes_is_sent() -> None:
    """Lateness is for a person to decide, and then decided."""
    stage = Stage()
    stage.fakes.clock.set(START)
    late(stage)
    look_at(stage)
    stage.resume()
    runner = Runner(stage)
    look_at(stage)
    runner.run(stage.fakes.clock.now() + timedelta(hours=2))
    assert stage.campaign.state is State.SENT
    assert judge(stage).sent == 8


def test_an_early_message_is_put_back_until_the_due_second() -> None:
    """A plan that arrives before its second starts nothing, and comes again then."""
    stage = Stage()
    stage.fakes.clock.set(START - timedelta(seconds=3))
    runner = Runner(stage)
    look_at(stage)
    assert stage.campaign.state is State.APPROVED
    runner.run(START, finish=False)
    runner.run(START + timedelta(hours=1))
    assert stage.campaign.started_at == START


def test_an_approval_is_followed_by_ten_minutes_of_grace() -> None:
    """Who approves at the last second can still think again."""
    stage = Stage()
    change(stage, approved_at=START - timedelta(seconds=1))
    runner = Runner(stage)
    runner.run(NOON + timedelta(hours=3))
    assert stage.campaign.started_at == START - timedelta(seconds=1) + timedelta(minutes=10)
    judge(stage)


def test_planning_again_gives_the_same_slices() -> None:
    """Whatever happens to the customers after the start, slices and audience stay."""
    stage = Stage()
    stage.fakes.clock.set(START)
    runner = Runner(stage)
    look_at(stage)
    before = stage.campaign
    for number in range(500, 540):
        stage.add_contact(f"c{number}@example.com", at=START + timedelta(seconds=1))
    for _ in range(3):
        look_at(stage)
    assert (stage.campaign.slices, stage.campaign.started_at) == (before.slices, before.started_at)
    runner.run(START + timedelta(hours=1))
    assert judge(stage).audience == 10


def test_a_campaign_is_cut_as_the_list_of_starts_says() -> None:
    """The start was entered a moment ago, for a smaller list, by a plan that died: later campaigns go by that entry."""
    stage = Stage(contacts=40, per_slice=PER_SLICE)
    run = Run(CAMPAIGN)
    stage.fakes.ledger.enter(stage.session, Started(run=run, at=START - timedelta(minutes=1), slices=4))
    runner = Runner(stage)
    runner.run(START + timedelta(hours=1))
    (start,) = stage.fakes.ledger.starts(stage.session)
    assert stage.campaign.slices == start.slices == 4
    assert judge(stage).audience == 40


def test_a_count_that_is_out_of_date_does_not_keep_a_campaign_open() -> None:
    """Another machine's clock runs ahead: its earlier count stands over the last one, and all slices are done."""
    stage = Stage()
    first = SliceKey(Run(CAMPAIGN), 0)

    def meanwhile(_: int) -> None:
        if stage.fakes.ledger.manifest(stage.session, first) is None:
            ahead = stage.fakes.clock.now() + timedelta(hours=3)
            stage.fakes.ledger.count(stage.session, first, Totals(audience=9, pending=9), ahead)

    runner = Runner(stage, between=meanwhile)
    runner.run(START + timedelta(hours=2))
    assert stage.campaign.state is State.SENT
    judge(stage)


def test_who_was_throttled_after_the_slice_was_closed_is_tried_again() -> None:
    """A worker that was taken for dead (clocks differ) says that nothing was sent: its slice is opened again."""
    stage = Stage()
    stage.fakes.bulk_mailer = Slow(stage)
    runner = Runner(stage)
    runner.run(START + timedelta(hours=2))
    assert (stage.campaign.state, judge(stage).sent) == (State.SENT, 8)


def test_a_slice_is_open_again_before_it_is_queued() -> None:
    """A worker may have the message a moment later: it must not find the slice done, and leave it to the next look."""
    stage = Stage()
    stage.fakes.bulk_mailer = Slow(stage)
    runner = Watching(stage)
    runner.run(START + timedelta(hours=2))
    assert (stage.campaign.state, judge(stage).sent) == (State.SENT, 8)
    assert len(runner.done) > stage.campaign.slices
    assert not any(runner.done)


class Watching(Runner):
    """Notes for each slice that the plan queues whether it was done at that moment."""

    def __init__(self, stage: Stage) -> None:
        self.done: list[bool] = []
        super().__init__(stage)

    def _put_many(self, queue: QueueName, messages: Sequence[Mapping[str, object]]) -> None:
        ledger, session = self.stage.fakes.ledger, self.stage.session
        for message in messages:
            if queue is QueueName.SEND:
                assert isinstance(message["slice"], int)
                self.done.append(ledger.slice(session, SliceKey(Run(CAMPAIGN), message["slice"])).done)
        super()._put_many(queue, messages)


class Slow(FakeBulkMailer):
    """SES whose first answer, that it sent nothing, is recorded after everybody else has closed the slice."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(rate=50.0)
        self.stage = stage

    def send(self, batch: BulkBatch) -> BulkAnswer:
        if self.calls:
            return super().send(batch)
        self.take(batch, [Result.UNSENT] * len(batch.entries), [False] * len(batch.entries))
        key = read_tag(batch.entries[0].tag).key
        clock, ledger, session = self.stage.fakes.clock, self.stage.fakes.ledger, self.stage.session
        began = clock.now()
        clock.set(began + LIFE + timedelta(seconds=1))
        state = ledger.slice(session, key.slice)
        manifest = ledger.manifest(session, key.slice)
        assert manifest is not None
        ledger.advance(session, state, replace(
            state, turn=state.turn + 1, epoch=self.stage.campaign.epoch, cursor=manifest.batches, done=True,
            touched_at=clock.now()))
        return BulkAnswer((Result.UNSENT,) * len(batch.entries))


@pytest.mark.parametrize("totals", [Totals(audience=5, sent=4, pending=1), Totals(audience=5, sent=4)],
                         ids=("pending", "not conserved"))
def test_no_campaign_ends_on_numbers_that_do_not_add_up(totals: Totals) -> None:
    """Slices that call themselves done are not enough: everybody must be accounted for, in counts that are written."""
    stage = Stage()
    stage.fakes.clock.set(START)
    Runner(stage)
    look_at(stage)
    ledger, session = stage.fakes.ledger, stage.session
    keys = [SliceKey(Run(CAMPAIGN), number) for number in range(stage.campaign.slices)]
    for key in keys:
        before = ledger.slice(session, key)
        ledger.advance(session, before, replace(before, turn=before.turn + 1, done=True, touched_at=START))
        ledger.count(session, key, totals, START)
    look_at(stage)
    seen = [stage.campaign.state]
    for key in keys:
        ledger.count(session, key, Totals(audience=5, sent=5), START)
    look_at(stage)
    assert [*seen, stage.campaign.state] == [State.SENDING, State.SENT]


def test_the_tick_queues_once_what_is_due_soon() -> None:
    """Seen 90 seconds ahead, delayed to its second, and not queued again a minute later."""
    stage = Stage()
    stage.fakes.clock.set(START - timedelta(seconds=91))
    assert tick.tick(stage.world) == 0
    stage.fakes.clock.advance(seconds=1)
    assert tick.tick(stage.world) == 1
    assert [message.due for message in stage.fakes.queue.waiting] == [START]
    stage.fakes.clock.advance(seconds=60)
    assert tick.tick(stage.world) == 0
    assert stage.fakes.queue.kinds(QueueName.PLAN) == ["plan"]
    stage.fakes.clock.set(START + timedelta(minutes=2))
    assert tick.tick(stage.world) == 1, "its message was lost, so it is queued again"


def test_the_tick_divides_the_rate_among_those_who_have_work() -> None:
    """A partner alone has all of SES's rate; an account that may not send gives none."""
    stage = Stage(rate=14.0)
    stage.fakes.clock.set(START)
    tick.tick(stage.world)
    assert stage.fakes.rate.share().each == 14.0
    stage.fakes.bulk_mailer.enabled = False
    tick.tick(stage.world)
    assert stage.fakes.rate.share().each == 0.0


def test_a_campaign_that_is_gone_or_resting_is_left_alone() -> None:
    """A stray message changes nothing."""
    stage = Stage()
    change(stage, state=State.DRAFT)
    before = stage.campaign
    look_at(stage)
    plan.look(stage.world, PARTNER, CAMPAIGN[:-1] + "z")  # type: ignore[arg-type]
    assert stage.campaign == before


def test_a_held_campaign_is_looked_at_once_a_day() -> None:
    """Every campaign that is not over has a next look."""
    stage = Stage()
    stage.hold()
    change(stage, outbox=())
    stage.fakes.clock.advance(days=2)
    look_at(stage)
    assert stage.campaign.next_at == stage.fakes.clock.now() + timedelta(days=1)

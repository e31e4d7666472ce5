"""What the clock does to one campaign: it starts in time, not otherwise, and is found again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.campaign import HoldReason, State
from chalicelib.domain.content import Content
from chalicelib.ports.system import QueueName
from chalicelib.usecases import control, plan, tick
from chalicelib.usecases.keys import content_key
from tests.sending.stage import CAMPAIGN, CONTENT, NOON, PARTNER, PER_SLICE, PERSON, START, Runner, Stage, judge


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


def test_the_tick_queues_once_what_is_due_soon() -> None:
    """Seen 90 seconds ahead, delayed to its second, and not queued again a minute later."""
    stage = Stage()
    stage.fakes.clock.set(START - timedelta(seconds=91))
    assert tick.tick(stage.world) == 0
    stage.fakes.clock.advance(seconds=1)
    assert tick.tick(stage.world) == 1
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

"""Campaigns: conditions, transactions, indexes, and that nobody reaches another partner's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.dynamo.keys import due_shard
from chalicelib.domain.audit import first_break
from chalicelib.domain.campaign import Campaign, State, Verdict
from chalicelib.domain.errors import Conflict, NotFound, Permanent, Retryable
from chalicelib.domain.ids import CampaignId, ProgrammeId
from chalicelib.domain.scope import Zone
from chalicelib.domain.track import Decided, Track
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import DUE_SHARDS, Change
from chalicelib.usecases.world import World
from tests.contract import values
from tests.contract.backends import new_partner
from tests.fakes.system import START


@pytest.fixture
def session(world: World) -> PartnerSession:
    """A partner's session."""
    return world.sessions.open(new_partner(), Zone.PARTNER)


def create(world: World, session: PartnerSession, campaign: Campaign | None = None) -> Campaign:
    """A stored campaign."""
    made = campaign or values.campaign(world.facts.org_id, session.partner)
    world.campaigns.create(session, made, values.draft(made), values.entry(made))
    return made


def test_a_campaign_is_what_was_created(world: World, session: PartnerSession) -> None:
    """A full campaign, its draft and first entry come back whole."""
    campaign = create(world, session, values.full_campaign(world.facts.org_id, session.partner))
    assert world.campaigns.get(session, campaign.id) == campaign
    history = world.campaigns.history(session, campaign.id)
    assert (history.draft, history.audit) == (values.draft(campaign), (values.entry(campaign),))
    with pytest.raises(Conflict, match=r"campaign\.exists"):
        create(world, session, campaign)


def test_a_bare_campaign_is_what_was_created(world: World, session: PartnerSession) -> None:
    """What is absent stays absent."""
    campaign = create(world, session)
    assert world.campaigns.get(session, campaign.id) == campaign


def test_control_reads_the_campaign_and_the_switch_together(world: World, session: PartnerSession) -> None:
    """Before each batch a worker sees the campaign and HQ's switch as they are at that moment."""
    campaign = create(world, session)
    now = world.clock.now()
    for on in (True, False):
        world.programmes.stop(on, values.EMMA, now)
        control = world.campaigns.control(session, campaign.id)
        assert (control.campaign, control.stopped) == (campaign, on)
    with pytest.raises(NotFound):
        world.campaigns.control(session, CampaignId("cmp_" + "0" * 26))
    with pytest.raises(NotFound):
        world.campaigns.control(world.sessions.open(new_partner(), Zone.PARTNER), campaign.id)


def test_campaigns_are_listed_newest_first_in_pages(world: World, session: PartnerSession) -> None:
    """A page goes on where the one before ended."""
    made = [create(world, session) for _ in range(5)]
    first = world.campaigns.list(session, limit=2)
    assert list(first) == [made[4], made[3]]
    assert list(world.campaigns.list(session, limit=9, before=first[-1].id)) == [made[2], made[1], made[0]]
    assert list(world.campaigns.list(session, before=made[0].id)) == []


def test_a_step_writes_everything(world: World, session: PartnerSession) -> None:
    """Control item, draft, revision, asks and audit entry of one step are all there."""
    campaign = create(world, session)
    entry = values.entry(campaign, values.entry(campaign), "submit")
    after = replace(
        campaign, version=2, state=State.IN_REVIEW, revision=1, start=values.send_time(),
        next_at=START + timedelta(days=7), audit_sequence=2, audit_hash=entry.hash,
    )
    draft = replace(values.draft(campaign), version=2, subject="later")
    world.campaigns.commit(session, Change(
        before=campaign, after=after, audit=entry, draft=draft, revision=values.revision(campaign),
        asks=(values.ask(campaign),),
    ))
    assert world.campaigns.get(session, campaign.id) == after
    history = world.campaigns.history(session, campaign.id)
    assert history.draft == draft
    assert history.revisions == (values.revision(campaign),)
    assert history.asks == (values.ask(campaign),)
    assert first_break(history.audit) is None and len(history.audit) == 2
    answered = values.ask(campaign, verdict=Verdict.APPROVE)
    world.campaigns.commit(session, Change(before=after, after=replace(after, version=3), asks=(answered,)))
    assert world.campaigns.history(session, campaign.id).asks == (answered,)


def _stale(campaign: Campaign) -> dict[str, Change]:
    """Changes that must lose, each for one reason, against a stored bare campaign."""
    after = replace(campaign, version=2, name="changed")
    first, second = values.entry(campaign), values.entry(campaign, values.entry(campaign))
    late = replace(campaign, version=7)
    return {
        "version": Change(before=late, after=replace(after, version=8), audit=second),
        "state": Change(before=replace(campaign, state=State.APPROVED), after=after, audit=second),
        "audit": Change(before=campaign, after=after, audit=first),
        "draft": Change(before=campaign, after=after, audit=second, draft=replace(values.draft(campaign), version=3)),
    }


@pytest.mark.parametrize("reason", ["version", "state", "audit", "draft"])
def test_a_step_that_lost_writes_nothing(world: World, session: PartnerSession, reason: str) -> None:
    """One condition that fails leaves everything as it was."""
    campaign = create(world, session)
    with pytest.raises(Conflict, match=r"campaign\.changed"):
        world.campaigns.commit(session, _stale(campaign)[reason])
    assert world.campaigns.get(session, campaign.id) == campaign
    history = world.campaigns.history(session, campaign.id)
    assert (history.draft, history.audit) == (values.draft(campaign), (values.entry(campaign),))


def _decided(campaign: Campaign, **changes: Any) -> Change:
    """A step that decides, or takes a decision back."""
    fields = {"state": State.APPROVED, "lane": "people", "approved_at": START + timedelta(hours=1), **changes}
    after = replace(campaign, version=campaign.version + 1, updated_at=START + timedelta(hours=2), **fields)
    return Change(before=campaign, after=after)


def test_a_partners_track_follows_each_decision(world: World, session: PartnerSession) -> None:
    """Approved, taken back, declined: each campaign counts once, by what stands; other steps change nothing."""
    one, two = create(world, session), create(world, session)
    assert world.campaigns.track(session) == Track()
    step = _decided(one)
    world.campaigns.commit(session, step)
    first = Decided(one.id, START + timedelta(hours=1), "people")
    assert world.campaigns.track(session) == Track((first,))
    with pytest.raises(Conflict, match=r"campaign\.changed"):  # delivered twice
        world.campaigns.commit(session, step)
    held = replace(step.after, version=3, state=State.HELD)
    world.campaigns.commit(session, Change(before=step.after, after=held))
    assert world.campaigns.track(session) == Track((first,))
    declined = _decided(two, state=State.DECLINED, approved_at=None)
    world.campaigns.commit(session, declined)
    second = Decided(two.id, START + timedelta(hours=2), "people", declined=True)
    assert world.campaigns.track(session) == Track((first, second))
    back = replace(held, version=4, state=State.DRAFT, approved_at=None)
    world.campaigns.commit(session, Change(before=held, after=back))
    assert world.campaigns.track(session) == Track((second,))
    world.campaigns.commit(session, _decided(back, lane="auto | fast"))
    assert world.campaigns.track(session) == Track((Decided(one.id, first.at, "auto | fast"), second))


def test_a_step_that_lost_leaves_the_track_alone(world: World, session: PartnerSession) -> None:
    """What is not stored is not counted either."""
    campaign = create(world, session)
    with pytest.raises(Conflict, match=r"campaign\.changed"):
        world.campaigns.commit(session, _decided(replace(campaign, state=State.IN_REVIEW)))
    assert world.campaigns.track(session) == Track()


def test_a_partner_from_before_tracks_is_counted_and_then_kept(world: World, session: PartnerSession) -> None:
    """Without an item the campaigns tell; with the next decision they are in the item, and what was before with it."""
    old = create(world, session, replace(
        values.campaign(world.facts.org_id, session.partner), state=State.SENT, lane="auto", approved_at=START))
    declined = create(world, session, replace(
        values.campaign(world.facts.org_id, session.partner), state=State.DECLINED, lane="people"))
    new = create(world, session)
    before = (Decided(old.id, START, "auto"), Decided(declined.id, declined.updated_at, "people", declined=True))
    counted = world.campaigns.track(session)
    assert counted == Track(tuple(sorted(before, key=lambda one: (one.at, one.campaign))))
    world.campaigns.commit(session, _decided(new))
    found = world.campaigns.track(session)
    assert set(found.decided) == {*before, Decided(new.id, START + timedelta(hours=1), "people")}
    assert found.cut_at is None


# Without moto: it looks at conditions and writes without a lock, so two threads can both win there.
@pytest.mark.parametrize("world", ["fake", pytest.param("emulator", marks=pytest.mark.emulator)], indirect=True)
def test_of_decisions_at_once_none_is_lost(world: World, session: PartnerSession) -> None:
    """Four campaigns decided in one moment, from no track on: all four are counted."""
    campaigns = [create(world, session) for _ in range(4)]
    together, errors = threading.Barrier(4), list[Exception]()

    def decide(campaign: Campaign) -> None:
        together.wait()
        try:
            world.campaigns.commit(session, _decided(campaign))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=decide, args=(campaign,)) for campaign in campaigns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert {one.campaign for one in world.campaigns.track(session).decided} == {c.id for c in campaigns}


# Without moto: it looks at conditions and writes without a lock, so two threads can both win there.
@pytest.mark.parametrize("world", ["fake", pytest.param("emulator", marks=pytest.mark.emulator)], indirect=True)
def test_of_two_who_decide_at_once_one_is_told(world: World, session: PartnerSession) -> None:
    """Two threads commit on what both have read: one step is stored, the other is a conflict."""
    campaign = create(world, session)
    for _ in range(5):
        before = campaign
        told: list[str] = []
        together = threading.Barrier(2)

        def decide(name: str, before: Campaign = before, told: list[str] = told, gate: Any = together) -> None:
            after = replace(before, version=before.version + 1, name=name)
            gate.wait(10)
            while True:
                try:
                    world.campaigns.commit(session, Change(before=before, after=after))
                    told.append(name)
                except Retryable:
                    continue  # DynamoDB cancels both of two transactions that meet; the next try decides.
                except Conflict:
                    told.append("conflict")
                return

        threads = [threading.Thread(target=decide, args=(name,)) for name in ("approve", "decline")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        campaign = world.campaigns.get(session, campaign.id)
        assert sorted(told) == sorted([campaign.name, "conflict"])
        assert campaign.version == before.version + 1


def test_a_revision_is_never_replaced(world: World, session: PartnerSession) -> None:
    """What was submitted stays what it was."""
    campaign = create(world, session)
    second = replace(campaign, version=2)
    world.campaigns.commit(session, Change(before=campaign, after=second, revision=values.revision(campaign)))
    forged = replace(values.revision(campaign), subject="forged")
    with pytest.raises(Conflict, match=r"campaign\.changed"):
        world.campaigns.commit(session, Change(before=second, after=replace(second, version=3), revision=forged))
    assert world.campaigns.history(session, campaign.id).revisions == (values.revision(campaign),)


def test_the_version_counts_up_by_one(world: World, session: PartnerSession) -> None:
    """A change that forgot to count would undo the lock, so the store refuses it."""
    campaign = create(world, session)
    for version in (1, 3):
        with pytest.raises(Permanent):
            world.campaigns.commit(session, Change(before=campaign, after=replace(campaign, version=version)))


def test_of_two_drafts_the_second_is_told(world: World, session: PartnerSession) -> None:
    """An autosave on an old version tells who saved when, and changes nothing."""
    campaign = create(world, session)
    mine = replace(values.draft(campaign), version=2, subject="mine", saved_at=START + timedelta(minutes=1))
    world.campaigns.save_draft(session, mine)
    with pytest.raises(Conflict, match=r"draft\.changed") as refused:
        world.campaigns.save_draft(session, replace(mine, subject="yours"))
    assert refused.value.params == {"at": "2026-03-02T09:01:00+00:00", "by": values.EMMA}
    assert world.campaigns.history(session, campaign.id).draft == mine


def test_what_is_not_there(world: World, session: PartnerSession) -> None:
    """An unknown id, or what is no id at all, is NotFound."""
    for nothing in (CampaignId(values.new_id("cmp")), CampaignId("cmp_x#DRAFT"), CampaignId("")):
        with pytest.raises(NotFound):
            world.campaigns.get(session, nothing)
        with pytest.raises(NotFound):
            world.campaigns.history(session, nothing)
    ghost = values.campaign(world.facts.org_id, session.partner)
    with pytest.raises(NotFound):
        world.campaigns.save_draft(session, replace(values.draft(ghost), version=2))
    with pytest.raises(Conflict, match=r"campaign\.changed"):
        world.campaigns.commit(session, Change(before=ghost, after=replace(ghost, version=2)))


@pytest.mark.parametrize("zone", list(Zone))
def test_another_partner_s_campaign_is_not_found(world: World, session: PartnerSession, zone: Zone) -> None:
    """Reading, listing, saving, committing and making: nothing of another partner is reached."""
    campaign = create(world, session)
    foreign = world.sessions.open(new_partner(), zone)
    second = replace(campaign, version=2)
    tries: list[Callable[[], object]] = [
        lambda: world.campaigns.get(foreign, campaign.id),
        lambda: world.campaigns.history(foreign, campaign.id),
        lambda: world.campaigns.save_draft(foreign, replace(values.draft(campaign), version=2)),
        lambda: world.campaigns.commit(foreign, Change(before=campaign, after=second)),
        lambda: create(world, foreign, values.campaign(world.facts.org_id, session.partner)),
    ]
    for attempt in tries:
        with pytest.raises(NotFound):
            attempt()
    assert list(world.campaigns.list(foreign)) == []
    assert world.campaigns.get(session, campaign.id) == campaign


def test_a_change_is_of_one_campaign(world: World, session: PartnerSession) -> None:
    """Entries, drafts and asks of another campaign do not ride along."""
    campaign, other = create(world, session), create(world, session)
    second = replace(campaign, version=2)
    for change in (
        Change(before=campaign, after=second, audit=values.entry(other)),
        Change(before=campaign, after=second, draft=replace(values.draft(other), version=2)),
        Change(before=campaign, after=second, revision=values.revision(other)),
        Change(before=campaign, after=second, asks=(values.ask(other),)),
        Change(before=other, after=second),
    ):
        with pytest.raises(NotFound):
            world.campaigns.commit(session, change)
    assert world.campaigns.get(session, campaign.id) == campaign


def test_cards_show_hq_a_programme_s_campaigns(world: World) -> None:
    """HQ sees metadata over all partners, the newest change first, and it follows changes."""
    programme, org = ProgrammeId(values.new_id("prg")), world.facts.org_id
    sessions = [world.sessions.open(new_partner(), Zone.PARTNER) for _ in range(2)]
    first = create(world, sessions[0], values.campaign(org, sessions[0].partner, programme))
    second = replace(
        values.full_campaign(org, sessions[1].partner), programme=programme, updated_at=START + timedelta(seconds=1),
    )
    create(world, sessions[1], second)
    create(world, sessions[0])
    cards = world.indexes.cards(programme)
    assert [c.id for c in cards] == [second.id, first.id]
    newest = cards[0]
    assert (newest.partner, newest.programme, newest.name) == (second.partner, programme, second.name)
    assert (newest.state, newest.bracket, newest.updated_at) == (State.HELD, "50001-100000", second.updated_at)
    assert (newest.start_local, newest.start_zone) == ("2026-03-09T10:00", "America/Argentina/ComodRivadavia")
    assert (cards[1].start_local, cards[1].bracket) == ("", "")
    after = replace(first, version=2, updated_at=START + timedelta(seconds=2), state=State.SENT)
    world.campaigns.commit(sessions[0], Change(before=first, after=after))
    assert [(c.id, c.state) for c in world.indexes.cards(programme, limit=1)] == [(first.id, State.SENT)]


def test_the_due_index_has_what_the_clock_must_look_at(world: World, session: PartnerSession) -> None:
    """In order, up to and including the moment; a campaign without a next look is not in it."""
    def due(until_minutes: int) -> list[CampaignId]:
        until = START + timedelta(minutes=until_minutes)
        found = [d for shard in range(DUE_SHARDS) for d in world.indexes.due(shard, until)]
        return [d.campaign for d in sorted(found, key=lambda d: d.at) if d.partner == session.partner]

    org = world.facts.org_id
    later, soon = (
        create(world, session, replace(
            values.campaign(org, session.partner), next_at=START + timedelta(minutes=minutes)))
        for minutes in (2, 1)
    )
    create(world, session)
    assert due(0) == []
    assert due(1) == [soon.id]
    assert due(2) == [soon.id, later.id]
    rested = replace(soon, version=2, next_at=None)
    world.campaigns.commit(session, Change(before=soon, after=rested))
    assert due(9) == [later.id]
    assert world.campaigns.get(session, soon.id) == rested


def test_due_lines_are_limited_oldest_first(world: World, session: PartnerSession) -> None:
    """A page of one line is the oldest of its shard, and every campaign has a shard."""
    far, org = START - timedelta(days=3_650), world.facts.org_id
    made = [
        create(world, session, replace(values.campaign(org, session.partner), next_at=far + timedelta(seconds=n)))
        for n in range(8)
    ]
    until = far + timedelta(hours=1)
    oldest: dict[int, CampaignId] = {}
    for campaign in made:
        oldest.setdefault(due_shard(campaign.id), campaign.id)
    for shard in range(DUE_SHARDS):
        found = [line.campaign for line in world.indexes.due(shard, until, limit=1)]
        assert found == ([oldest[shard]] if shard in oldest else [])
    for campaign in made:
        world.campaigns.commit(session, Change(before=campaign, after=replace(campaign, version=2, next_at=None)))

"""Shares of SES's rate and the tick's notes: the same on every backend."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.scope import Zone
from chalicelib.ports.sending import Share
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases.world import World
from tests.contract.backends import new_partner
from tests.contract.values import new_id
from tests.fakes.system import START, FakeClock


@pytest.fixture
def session(world: World) -> PartnerSession:
    """A partner's session."""
    return world.sessions.open(new_partner(), Zone.PARTNER)


def test_before_the_first_tick_the_rate_is_careful(world: World) -> None:
    """One mail a second, which every account of SES may send."""
    assert world.rate.share() == Share(rate=1.0, partners=1)


def test_the_share_is_what_the_last_tick_wrote(world: World) -> None:
    """SES's rate is divided among the partners that have work."""
    world.rate.publish(Share(rate=14.5, partners=1))
    world.rate.publish(Share(rate=90.0, partners=3))
    assert world.rate.share() == Share(rate=90.0, partners=3)
    assert world.rate.share().each == 30.0


def test_reservations_follow_one_another(world: World, session: PartnerSession, clock: FakeClock) -> None:
    """Each begins where the one before ends; one that would begin too late is not made."""
    world.rate.publish(Share(rate=10.0, partners=1))
    first = world.rate.reserve(session, 10)
    assert (first.granted, first.start, first.interval) == (True, START, 0.1)
    second = world.rate.reserve(session, 30)
    assert (second.granted, second.start) == (True, START + timedelta(seconds=1))
    third = world.rate.reserve(session, 10)
    assert (third.granted, third.start) == (False, START + timedelta(seconds=4))
    clock.advance(seconds=2)
    assert world.rate.reserve(session, 10).start == START + timedelta(seconds=4)
    clock.advance(minutes=5)
    assert world.rate.reserve(session, 10).start == clock.now()


def test_in_ten_seconds_no_more_goes_out_than_the_rate_and_one_batch(
    world: World, session: PartnerSession, clock: FakeClock,
) -> None:
    """The bound that SES is promised, whenever the ten seconds begin."""
    world.rate.publish(Share(rate=14.0, partners=1))
    sent: list[float] = []
    while clock.now() < START + timedelta(seconds=40):
        share = world.rate.reserve(session, 14)
        if share.granted:
            sent += [(share.start - START).total_seconds()] * 14
        clock.advance(milliseconds=300)
    assert len(sent) > 14 * 30, "and the rate is used"
    for begin in set(sent):
        assert sum(begin <= moment < begin + 10 for moment in sent) <= 14 * 10 + 14


def test_partners_do_not_use_up_one_anothers_share(world: World, session: PartnerSession) -> None:
    """Each partner has a time of its own."""
    world.rate.publish(Share(rate=10.0, partners=2))
    assert world.rate.reserve(session, 100).granted
    other = world.sessions.open(new_partner(), Zone.PARTNER)
    assert world.rate.reserve(other, 100).start == START
    assert not world.rate.reserve(session, 1).granted


def test_nothing_is_granted_while_the_account_may_not_send(world: World, session: PartnerSession) -> None:
    """A rate of nothing means: come back later."""
    world.rate.publish(Share(rate=0.0, partners=1))
    answer = world.rate.reserve(session, 1)
    assert not answer.granted
    assert answer.start > START


def test_a_reviewer_reserves_nothing(world: World, session: PartnerSession) -> None:
    """The review zone reaches no customers, so it sends to none."""
    with pytest.raises(NotFound):
        world.rate.reserve(world.sessions.open(session.partner, Zone.REVIEW), 1)


def test_the_tick_remembers_what_it_queued(world: World) -> None:
    """Notes are replaced whole."""
    first, second = CampaignId(new_id("cmp")), CampaignId(new_id("cmp"))
    assert world.rate.queued() == {}
    world.rate.remember({first: START})
    world.rate.remember({second: START + timedelta(minutes=2)})
    assert world.rate.queued() == {second: START + timedelta(minutes=2)}

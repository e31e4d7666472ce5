"""Templates, programmes and partners: the same on every backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.audience import Tally
from chalicelib.domain.campaign import State
from chalicelib.domain.contact import LegalBasis, SuppressionReason
from chalicelib.domain.errors import Conflict, NotFound, Permanent
from chalicelib.domain.frequency import Started
from chalicelib.domain.ids import CampaignId, PartnerId, ProgrammeId
from chalicelib.domain.manifest import Run
from chalicelib.domain.scope import Zone
from chalicelib.domain.track import Decided, Track
from chalicelib.domain.waiver import Waiver
from chalicelib.ports.workflow import Change, PartnerCard, PartnerDesk
from chalicelib.usecases.world import World
from tests.contract import values
from tests.contract.backends import new_partner
from tests.fakes.system import START


def test_a_version_is_what_was_published(world: World) -> None:
    """A version comes back whole, byte by byte."""
    version = values.template(1)
    world.templates.publish(version)
    assert world.templates.get(version.template, 1) == version
    assert world.templates.get(version.template, 1).locked_sha256 == version.locked_sha256
    with pytest.raises(NotFound):
        world.templates.get(version.template, 2)


def test_a_version_is_never_replaced(world: World) -> None:
    """Of two who publish the same number one is refused, and the first version stays."""
    version = values.template(1)
    world.templates.publish(version)
    with pytest.raises(Conflict, match=r"template\.version_exists"):
        world.templates.publish(replace(version, name="another", html="<p></p>", slots=()))
    assert world.templates.get(version.template, 1) == version


def test_versions_are_listed_newest_first(world: World) -> None:
    """The list needs no HTML."""
    first = values.template(1)
    other = values.template(2)
    second = values.template(3, first.template)
    for version in (first, other, second):
        world.templates.publish(version)
    assert [(s.template, s.number, s.regions) for s in world.templates.list()] == [
        (first.template, 3, 1), (other.template, 2, 1), (first.template, 1, 1),
    ]


def test_programmes_are_kept_and_listed(world: World) -> None:
    """A programme comes back whole; the list has the newest first."""
    first, second = values.programme(world.facts.org_id), values.programme(world.facts.org_id)
    world.programmes.add(first)
    world.programmes.add(second)
    assert world.programmes.get(first.id) == first
    assert world.programmes.list() == [second, first]
    with pytest.raises(NotFound):
        world.programmes.get(ProgrammeId("prg_nobody"))
    with pytest.raises(Conflict, match=r"programme\.exists"):
        world.programmes.add(replace(first, title="another"))


def test_the_switch(world: World) -> None:
    """Off until it is thrown; the last hand on it decides."""
    assert not world.programmes.stopped()
    world.programmes.stop(True, values.EMMA, START)
    assert world.programmes.stopped()
    assert world.programmes.desk().stopped
    world.programmes.stop(False, values.EMMA, START)
    assert not world.programmes.stopped()
    assert not world.programmes.desk().stopped


def test_the_desk_shows_what_is_there(world: World) -> None:
    """One read of the switch, a programme and partners; what is not there is left out."""
    programme, known, unknown = values.programme(world.facts.org_id), new_partner(), new_partner()
    card = PartnerCard(id=known, name="Rad & Tat", groups=frozenset({"gold", "a"}), state="active")
    world.programmes.add(programme)
    world.partners.register(card)
    desk = world.programmes.desk(programme.id, [unknown, known, known])
    assert (desk.programme, desk.partners, desk.stopped) == (programme, (card,), False)
    assert world.programmes.desk(ProgrammeId("prg_nobody")).programme is None
    with pytest.raises(Permanent):
        world.programmes.desk(partners=[PartnerId(f"prt_{i}") for i in range(99)])


def test_the_registry_of_partners(world: World) -> None:
    """HQ's list has a line per partner; the last write stands."""
    first, second = new_partner(), new_partner()
    for partner in (second, first):
        world.partners.register(PartnerCard(id=partner, name="x", groups=frozenset(), state="invited"))
    card = PartnerCard(id=second, name="Rad", groups=frozenset({"gold"}), state="active")
    world.partners.register(card)
    assert [c.id for c in world.partners.cards()] == [first, second]
    assert world.partners.cards()[1] == card


def test_a_partner_and_its_parts(world: World) -> None:
    """One read gives the partner and its participations back whole."""
    session = world.sessions.open(new_partner(), Zone.PARTNER)
    partner = replace(values.partner(session.partner, world.facts.org_id), exceptions=(Waiver(
        fingerprint="f" * 32, partner=session.partner, code="LEG005", quote="*", reason="a bullet",
        granted_by=values.EMMA, granted_at=START, expires_at=START + timedelta(days=9)),))
    with pytest.raises(NotFound):
        world.partners.home(session)
    world.partners.save(session, partner, expected_version=0)
    parts = [values.participation(session.partner) for _ in range(2)]
    for part in parts:
        world.partners.participate(session, part)
    home = world.partners.home(session)
    assert home.partner == partner
    assert home.participations == tuple(parts)


def test_a_partners_desk_is_one_read_over_both_zones(world: World) -> None:
    """Partner, its part in a programme, the customers' count, starts and track come back; a reviewer reaches none."""
    session = world.sessions.open(new_partner(), Zone.PARTNER)
    partner, programme = values.partner(session.partner, world.facts.org_id), ProgrammeId("prg_none")
    with pytest.raises(NotFound):
        world.partners.desk(session, programme)
    world.partners.save(session, partner, expected_version=0)
    assert world.partners.desk(session, programme) == PartnerDesk(partner, None, None, track=Track())
    mine, other = (values.participation(session.partner) for _ in range(2))
    for part in (mine, other):
        world.partners.participate(session, part)
    tally = Tally(at=START, suppressed={SuppressionReason.BOUNCED: 2}, by_bases={
        frozenset({LegalBasis.DOUBLE_OPT_IN}): 7, frozenset(): 1})
    start = Started(run=Run(CampaignId("cmp_one")), at=START, slices=2)
    world.ledger.enter(session, start)
    assert world.partners.desk(session, mine.programme) == PartnerDesk(partner, mine, None, (start,), Track())
    world.contacts.save_tally(session, tally)
    assert world.partners.desk(session, mine.programme) == PartnerDesk(partner, mine, tally, (start,), Track())
    campaign = values.campaign(world.facts.org_id, session.partner)
    world.campaigns.create(session, campaign, values.draft(campaign), values.entry(campaign))
    approved = replace(campaign, version=2, state=State.APPROVED, lane="auto", approved_at=START)
    world.campaigns.commit(session, Change(before=campaign, after=approved))
    track = Track((Decided(campaign.id, START, "auto"),))
    assert world.partners.desk(session, mine.programme) == PartnerDesk(partner, mine, tally, (start,), track)
    with pytest.raises(NotFound):
        world.partners.desk(world.sessions.open(session.partner, Zone.REVIEW), mine.programme)


def test_a_partner_is_saved_on_the_version_that_was_read(world: World) -> None:
    """Of two who change a partner the second is told."""
    session = world.sessions.open(new_partner(), Zone.PARTNER)
    partner = values.partner(session.partner, world.facts.org_id)
    with pytest.raises(NotFound):
        world.partners.save(session, partner, expected_version=1)
    world.partners.save(session, partner, expected_version=0)
    with pytest.raises(Conflict, match=r"partner\.changed"):
        world.partners.save(session, partner, expected_version=0)
    world.partners.save(session, replace(partner, version=2), expected_version=1)
    with pytest.raises(Conflict, match=r"partner\.changed"):
        world.partners.save(session, replace(partner, version=2), expected_version=1)


def test_a_partner_is_reached_by_its_own_session_only(world: World) -> None:
    """What belongs to another partner is NotFound, whichever way it is asked for."""
    mine, yours = (world.sessions.open(new_partner(), Zone.PARTNER) for _ in range(2))
    partner = values.partner(yours.partner, world.facts.org_id)
    world.partners.save(yours, partner, expected_version=0)
    tries: list[Callable[[], object]] = [
        lambda: world.partners.home(mine),
        lambda: world.partners.save(mine, partner, expected_version=1),
        lambda: world.partners.participate(mine, values.participation(yours.partner)),
    ]
    for attempt in tries:
        with pytest.raises(NotFound):
            attempt()
    assert world.partners.home(yours).participations == ()

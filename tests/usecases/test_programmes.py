"""Programmes below the pages: telling partners, at least once and never twice."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from chalicelib.domain.cap import Cap
from chalicelib.domain.errors import Permanent
from chalicelib.domain.ids import PartnerId, ProgrammeId
from chalicelib.domain.partner import Participation, ParticipationState, Partner
from chalicelib.domain.people import Person, Role
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import QueueName
from chalicelib.usecases import partners, programmes, publish
from tests.fakes.world import FakeWorld
from tests.web import stage

TPL, PRG = "tpl_" + "1" * 26, ProgrammeId("prg_" + "1" * 26)


def opened() -> tuple[FakeWorld, Person, PartnerId]:
    """A world with a programme and a partner that was invited before it."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN, Role.REVIEWER])
    publish.publish(world, hanna, publish.Upload(
        template=TPL, number=1, name="Spring", language="", source=stage.SOURCE,
    ))
    acme = partners.invite(world, hanna, partners.Invitation(
        id="prt_" + "1" * 26, name="Acme", email="paul@example.com", person_name="Paul",
    ))
    now = world.clock.now()
    programmes.define(world, hanna, programmes.Definition(
        id=PRG, title="Spring", brief="Bring them in.", template=f"{TPL}/1", zone="Europe/Berlin",
        opens=now.strftime("%Y-%m-%dT%H:%M"), closes=(now + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M"),
        reviewers="hanna@example.com",
    ))
    return world, hanna, acme


def home(world: FakeWorld, partner: PartnerId) -> tuple[Partner, tuple[Participation, ...]]:
    """A partner with its participations."""
    found = world.partners.home(world.session(partner, Zone.REVIEW))
    return found.partner, found.participations


def test_opening_puts_it_on_the_partners_home_and_mails_once() -> None:
    """A message that comes twice gives one participation and one mail to each person of the partner."""
    world, _, acme = opened()
    for _ in range(2):
        programmes.open_for(world, PRG, acme)
    _, parts = home(world, acme)
    assert [(p.programme, p.title, p.state) for p in parts] == [(PRG, "Spring", ParticipationState.INVITED)]
    mails = [m for m in world.mailer.sent if m.tags["kind"] == "programme_opened"]
    assert [m.to for m in mails] == ["paul@example.com"]
    assert "(Berlin)" in mails[0].text and f"https://partners.example.com/p/{acme}" in mails[0].text


@pytest.mark.parametrize(("count", "days", "cap"), [("", "", None), ("2", "30", Cap(2, 30)), (" 1 ", "7", Cap(1, 7))])
def test_a_programme_may_cap_how_often_a_customer_is_mailed(count: str, days: str, cap: Cap | None) -> None:
    """Two numbers make the limit, none make none; the partner's part carries it for the partner's pages."""
    world, hanna, acme = opened()
    now = world.clock.now()
    prg = programmes.define(world, hanna, programmes.Definition(
        id="prg_" + "2" * 26, title="Capped", brief="", template=f"{TPL}/1", zone="UTC",
        opens=now.strftime("%Y-%m-%dT%H:%M"), closes=(now + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M"),
        reviewers="hanna@example.com", cap_count=count, cap_days=days,
    ))
    assert world.programmes.get(prg).cap == cap
    programmes.open_for(world, prg, acme)
    assert next(part for part in home(world, acme)[1] if part.programme == prg).cap == cap


def test_a_crash_after_the_mail_sends_it_again_rather_than_never() -> None:
    """Mail first, then the note that it was told: what dies between is told twice, never forgotten."""
    world, _, acme = opened()

    class Broken(Exception):
        pass

    class Dying:
        def __getattr__(self, name: str) -> object:
            if name != "mailer":
                return getattr(world, name)
            return self

        def send(self, mail: object) -> None:
            raise Broken

    with pytest.raises(Broken):
        programmes.open_for(Dying(), PRG, acme)  # type: ignore[arg-type]
    assert len(home(world, acme)[1]) == 1
    programmes.open_for(world, PRG, acme)
    assert [m.to for m in world.mailer.sent if m.tags["kind"] == "programme_opened"] == ["paul@example.com"]


def test_telling_again_keeps_how_far_a_partner_went() -> None:
    """A partner that has begun already is not set back to invited."""
    from dataclasses import replace

    world, _, acme = opened()
    programmes.open_for(world, PRG, acme)
    session = world.session(acme, Zone.REVIEW)
    part = home(world, acme)[1][0]
    world.partners.participate(session, replace(part, state=ParticipationState.JOINED, campaigns=2))
    programmes.open_for(world, PRG, acme)
    assert home(world, acme)[1][0].state is ParticipationState.JOINED


def test_a_later_partner_hears_of_what_is_open_to_it() -> None:
    """An invitation queues the programmes that are still open; closed ones are not."""
    world, hanna, _ = opened()
    world.queue.waiting.clear()
    partners.invite(world, hanna, partners.Invitation(
        id="prt_" + "2" * 26, name="Bolt", email="b@example.com", person_name="B",
    ))
    assert sorted(world.queue.kinds(QueueName.NOTICES)) == ["invited", "programme_opened"]
    world.clock.advance(days=30)
    world.queue.waiting.clear()
    partners.invite(world, hanna, partners.Invitation(
        id="prt_" + "3" * 26, name="Late", email="l@example.com", person_name="L",
    ))
    assert world.queue.kinds(QueueName.NOTICES) == ["invited"]


def test_a_person_who_left_the_partner_is_not_written_to() -> None:
    """Only people who still are members get the mail (N31)."""
    from dataclasses import replace

    world, _, acme = opened()
    paul = home(world, acme)[0].people[0]
    membership = world.people.account(paul).memberships[0]
    world.people.grant(replace(membership, expires_at=world.clock.now()))
    programmes.open_for(world, PRG, acme)
    assert [m for m in world.mailer.sent if m.tags["kind"] == "programme_opened"] == []


def test_the_switch_leaves_a_record() -> None:
    """Who threw the switch, when and why lies in the org's audit folder before it takes effect."""
    world, hanna, _ = opened()
    programmes.switch(world, hanna, True, "Wrong price")
    key = next(k for k in world.blobs.objects if k.startswith("ORG/audit/switch/"))
    entry = json.loads(world.blobs.get(None, key))
    assert (entry["action"], entry["person"], entry["reason"]) == ("stop", hanna.id, "Wrong price")
    assert world.programmes.stopped()


def test_without_a_record_the_switch_is_not_thrown() -> None:
    """If the record can't be written, nothing is switched and the page says that something failed."""
    world, hanna, _ = opened()

    class NoBlobs:
        def __getattr__(self, name: str) -> object:
            if name != "blobs":
                return getattr(world, name)
            return self

        def put(self, *_: object) -> None:
            raise Permanent("no")

    with pytest.raises(Permanent):
        programmes.switch(NoBlobs(), hanna, True)  # type: ignore[arg-type]
    assert not world.programmes.stopped()

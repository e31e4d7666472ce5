"""Inviting partners below the pages: crash-safe, once, and without a way to customers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from chalicelib.domain.errors import Conflict
from chalicelib.domain.ids import PartnerId
from chalicelib.domain.people import Role
from chalicelib.domain.scope import Zone
from chalicelib.usecases import partners
from tests.fakes.world import FakeWorld
from tests.web import stage

ID = PartnerId("prt_" + "1" * 26)
FORM = partners.Invitation(
    id=ID, name="Radhaus Kiel", email="Anna@Radhaus.example", person_name="Anna", market="de", groups="North, north, B",
    street="Hafenstr. 1", postal_code="24103", city="Kiel", country="de", sender_address="post@radhaus.example",
)


def test_an_invitation_makes_partner_person_and_message() -> None:
    """All that was typed is stored in its normal form; the person is the partner's admin."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    partners.invite(world, hanna, FORM)
    partner = world.partners.home(world.session(ID, Zone.REVIEW)).partner
    assert (partner.name, partner.groups, partner.entity.country) == ("Radhaus Kiel", frozenset({"north", "b"}), "DE")
    assert (partner.entity.name, partner.sender.display_name) == ("Radhaus Kiel", "Radhaus Kiel")
    person = world.people.find("anna@radhaus.example")
    assert person and partner.people == (person,)
    assert world.people.account(person).roles_at(ID, world.clock.now()) == {Role.PARTNER_ADMIN}
    assert [m.partner_zone for m in world.people.account(person).memberships] == [partner.zone]
    assert [m.body for m in world.queue.waiting] == [{"v": 1, "kind": "invited", "person": person, "partner": ID}]


def test_hq_never_opens_the_trust_zone() -> None:
    """An invitation works with review-zone credentials and touches no key and no customer."""
    world = stage.Watched(FakeWorld())
    hanna = stage.person(world._world, "Hanna", [Role.HQ_ADMIN])
    partners.invite(world, hanna, FORM)
    opened = [args for name, args in world.calls if name == "sessions.open"]
    assert opened and all(zone is Zone.REVIEW for _, zone in opened)
    assert not [n for n in world.names() if n.split(".")[0] in ("vault", "contacts", "imports")]


class Dying:
    """A world whose n-th writing call fails before it takes effect."""

    def __init__(self, world: FakeWorld, after: int) -> None:
        self._world, self.left = world, after

    def __getattr__(self, name: str) -> Any:
        port = getattr(self._world, name)
        if name not in (*stage.TABLES, *stage.OTHERS):
            return port
        outer = self

        class Port:
            def __getattr__(self, method: str) -> Any:
                if f"{name}.{method}" not in stage.READS:
                    if outer.left == 0:
                        raise RuntimeError("died")
                    outer.left -= 1
                return getattr(port, method)
        return Port()


WRITES = 5
"""The writing calls of an invitation."""


def test_every_writing_call_of_an_invitation_can_die() -> None:
    """A call that is added is tried by the next test, too."""
    world = FakeWorld()
    mortal = Dying(world, WRITES)
    partners.invite(cast(Any, mortal), stage.person(world, "Hanna", [Role.HQ_ADMIN]), FORM)
    assert mortal.left == 0


@pytest.mark.parametrize("after", range(WRITES))
def test_a_form_sent_again_after_any_crash_makes_one_partner(after: int) -> None:
    """Whatever call the first try died at, the second one completes it and nothing is there twice."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    with pytest.raises(RuntimeError, match="died"):
        partners.invite(cast(Any, Dying(world, after)), hanna, FORM)
    partners.invite(world, hanna, FORM)
    assert [card.name for card in world.partners.cards()] == ["Radhaus Kiel"]
    partner = world.partners.home(world.session(ID, Zone.REVIEW)).partner
    person = world.people.find("anna@radhaus.example")
    assert person and partner.people == (person,)
    assert len(world.people.account(person).memberships) == 1
    assert "invited" in world.queue.kinds()


def test_a_form_of_another_partner_changes_nothing() -> None:
    """The id of a partner that is there belongs to that partner alone."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    partners.invite(world, hanna, FORM)
    with pytest.raises(Conflict, match=r"partner\.exists"):
        partners.invite(world, hanna, replace(FORM, name="Evil", email="evil@example.com"))
    assert world.people.find("evil@example.com") is None


def test_nobody_joins_a_partner_by_its_own_form() -> None:
    """Its id and name with another address, even HQ's own, are a conflict: HQ stays outside of its partners (N38)."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    partners.invite(world, hanna, FORM)
    for address in (hanna.address, "evil@example.com"):
        with pytest.raises(Conflict, match=r"partner\.exists"):
            partners.invite(world, hanna, replace(FORM, email=address))
    assert world.people.find("evil@example.com") is None
    assert {m.role for m in world.people.account(hanna.id).memberships} == {Role.HQ_ADMIN}
    assert len(world.partners.home(world.session(ID, Zone.REVIEW)).partner.people) == 1


def test_two_clicks_at_once_make_one_partner() -> None:
    """Of two forms that both noted the person, the slower one finds it noted and is taken, too."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    save = world.partners.save

    def twice(session: Any, partner: Any, *, expected_version: int) -> None:
        save(session, partner, expected_version=expected_version)
        if expected_version:
            save(session, partner, expected_version=expected_version)

    world.partners.save = twice  # type: ignore[method-assign]
    partners.invite(world, hanna, FORM)
    assert len(world.partners.home(world.session(ID, Zone.REVIEW)).partner.people) == 1


def test_the_invitation_is_mailed_to_members_only() -> None:
    """The mail names the partner and leads to signing in; who is no member any more gets none (N31)."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    partners.invite(world, hanna, FORM)
    person = world.people.find("anna@radhaus.example")
    assert person
    partners.send_invitation(world, person, ID)
    mail = world.mailer.sent[-1]
    assert mail.to == "anna@radhaus.example" and "Radhaus Kiel" in mail.subject
    assert f"https://partners.example.com/sign-in?next=/p/{ID}" in mail.text
    partners.send_invitation(world, hanna.id, ID)
    assert len(world.mailer.sent) == 1

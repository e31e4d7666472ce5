"""People, links and rate limits: the same on every backend."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import PersonId
from chalicelib.domain.people import Role
from chalicelib.usecases.world import World
from tests.contract import values
from tests.contract.backends import new_partner
from tests.fakes.system import START


def test_account_is_what_was_added(world: World) -> None:
    """One read gives person, memberships and sessions back whole."""
    person, partner, org = values.person("zoe@example.com"), new_partner(), world.facts.org_id
    at_partner = values.membership(person, org, partner)
    at_hq = values.membership(person, org, None, Role.HQ_ADMIN)
    world.people.add(person, [at_partner, at_hq])
    session = values.session(person)
    world.people.start_session(session)
    account = world.people.account(person.id)
    assert account.person == person
    assert set(account.memberships) == {at_partner, at_hq}
    assert account.sessions == (session,)


def test_nobody_is_not_found(world: World) -> None:
    """A person who is not there, or no id at all, is NotFound."""
    for nobody in (values.person("a@example.com").id, PersonId("x#y"), PersonId("")):
        with pytest.raises(NotFound):
            world.people.account(nobody)


def test_an_address_is_found_and_unique(world: World) -> None:
    """Two people never share an address, and the second leaves nothing behind."""
    first, second = values.person("zoe@example.com"), values.person("zoe@example.com")
    assert world.people.find("zoe@example.com") is None
    world.people.add(first, [])
    with pytest.raises(Conflict, match=r"person\.exists"):
        world.people.add(second, [])
    assert world.people.find("zoe@example.com") == first.id
    with pytest.raises(NotFound):
        world.people.account(second.id)


def test_save_needs_the_generation_that_was_read(world: World) -> None:
    """Of two who change a person the second is told; an address is not changed this way."""
    person = values.person("zoe@example.com")
    world.people.add(person, [])
    world.people.save(replace(person, name="Z", generation=2), expected_generation=1)
    assert world.people.account(person.id).person.name == "Z"
    with pytest.raises(Conflict, match=r"person\.changed"):
        world.people.save(replace(person, name="Y", generation=2), expected_generation=1)
    with pytest.raises(Conflict, match=r"person\.changed"):
        world.people.save(replace(person, address="b@example.com", generation=3), expected_generation=2)
    with pytest.raises(NotFound):
        world.people.save(values.person("c@example.com"), expected_generation=1)


def test_a_revoked_role_is_gone_everywhere(world: World) -> None:
    """Account and list lose it, the generation rises once, and a second try finds nothing."""
    person, partner, org = values.person("zoe@example.com"), new_partner(), world.facts.org_id
    before = list(world.people.colleagues())
    world.people.add(person, [values.membership(person, org, None, Role.REVIEWER)])
    world.people.grant(values.membership(person, org, None, Role.HQ_ADMIN))
    world.people.grant(values.membership(person, org, partner))
    ours = [c for c in world.people.colleagues() if c not in before]
    assert sorted((c.role, c.name, c.address) for c in ours) == [
        (Role.HQ_ADMIN, person.name, person.address), (Role.REVIEWER, person.name, person.address),
    ]
    generation = world.people.account(person.id).person.generation
    world.people.revoke(person.id, Role.HQ_ADMIN, None)
    account = world.people.account(person.id)
    assert account.person.generation == generation + 1
    assert account.roles_at(None, START) == {Role.REVIEWER} and account.roles_at(partner, START)
    assert [c.role for c in world.people.colleagues() if c.person == person.id] == [Role.REVIEWER]
    for role, where in ((Role.HQ_ADMIN, None), (Role.PARTNER_EDITOR, new_partner())):
        with pytest.raises(NotFound):
            world.people.revoke(person.id, role, where)
    assert world.people.account(person.id).person.generation == generation + 1


def test_a_grant_raises_the_generation(world: World) -> None:
    """A change of role ends sessions and links, which carry the generation they were made under."""
    person, partner = values.person("zoe@example.com"), new_partner()
    world.people.add(person, [])
    membership = values.membership(person, world.facts.org_id, partner)
    world.people.grant(membership)
    world.people.grant(replace(membership, sees_contacts=False))
    account = world.people.account(person.id)
    assert account.person.generation == 3
    assert account.memberships == (replace(membership, sees_contacts=False),)
    stranger = values.person("b@example.com")
    with pytest.raises(NotFound):
        world.people.grant(values.membership(stranger, world.facts.org_id, partner))
    with pytest.raises(NotFound):
        world.people.account(stranger.id)


def test_what_a_membership_repeats_is_changed_without_ending_anything(world: World) -> None:
    """The partner's language changes in it, sessions and links stay; a role that was taken away does not come back."""
    person, partner = values.person("zoe@example.com"), new_partner()
    membership = values.membership(person, world.facts.org_id, partner)
    world.people.add(person, [membership])
    after = replace(membership, partner_language="hu")
    world.people.describe(after)
    account = world.people.account(person.id)
    assert (account.memberships, account.person.generation) == ((after,), 1)
    world.people.revoke(person.id, membership.role, partner)
    with pytest.raises(NotFound):
        world.people.describe(after)
    assert world.people.account(person.id).memberships == ()


def test_a_session_ends_once_and_again(world: World) -> None:
    """Ending a session that is gone is fine, and another stays."""
    person = values.person("zoe@example.com")
    world.people.add(person, [])
    first, second = values.session(person), values.session(person)
    world.people.start_session(first)
    world.people.start_session(second)
    for _ in range(2):
        world.people.end_session(person.id, first.secret_hash)
    assert world.people.account(person.id).sessions == (second,)


def test_a_link_is_used_once(world: World) -> None:
    """The second use is refused and tells when the first was."""
    link = values.link()
    world.links.put(link)
    assert world.links.get(link.token_hash) == link
    world.links.use(link.token_hash, START + timedelta(milliseconds=1))
    with pytest.raises(Conflict, match=r"link\.used") as refused:
        world.links.use(link.token_hash, START + timedelta(minutes=5))
    assert refused.value.params["at"] == "2026-03-02T09:00:00.001Z"
    assert world.links.get(link.token_hash).used_at == START + timedelta(milliseconds=1)


def test_a_link_that_is_not_there(world: World) -> None:
    """Reading, using and trying a link of nobody is NotFound, and makes none."""
    missing = values.link().token_hash
    for _ in range(2):
        with pytest.raises(NotFound):
            world.links.get(missing)
        with pytest.raises(NotFound):
            world.links.use(missing, START)
        with pytest.raises(NotFound):
            world.links.count_try(missing, limit=5)
        with pytest.raises(NotFound):
            world.links.forgive_try(missing)


def test_a_link_is_never_replaced(world: World) -> None:
    """A hash that is taken is refused."""
    link = values.link()
    world.links.put(link)
    with pytest.raises(Conflict, match=r"link\.exists"):
        world.links.put(replace(link, person=values.EMMA))


def test_tries_are_counted_up_to_the_limit(world: World) -> None:
    """A code can be guessed at only so often."""
    link = values.link()
    world.links.put(link)
    assert [world.links.count_try(link.token_hash, limit=3) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(Conflict, match=r"link\.tries"):
        world.links.count_try(link.token_hash, limit=3)
    assert world.links.get(link.token_hash).tries == 3


def test_a_right_try_is_taken_back(world: World) -> None:
    """What was right does not count, and nothing is taken back below nothing."""
    link = values.link()
    world.links.put(link)
    world.links.count_try(link.token_hash, limit=3)
    for _ in range(3):
        world.links.forgive_try(link.token_hash)
    assert world.links.get(link.token_hash).tries == 0
    assert world.links.count_try(link.token_hash, limit=3) == 1


def test_a_limit_holds_for_an_hour_and_a_subject(world: World) -> None:
    """The limit counts per subject and clock hour."""
    def ask(subject: str, minutes: int) -> bool:
        return world.links.allow(subject, START + timedelta(minutes=minutes), per_hour=2)

    assert [ask("a", 0), ask("a", 59), ask("a", 59)] == [True, True, False]
    assert ask("b", 59)
    assert ask("a", 60)
    assert not world.links.allow("c", START, per_hour=0)

"""People and roles, and the command line that makes the first admin."""

from __future__ import annotations

import io

import pytest

from chalicelib import cli
from chalicelib.domain.errors import Refused
from chalicelib.domain.people import Role
from chalicelib.usecases import access, people
from tests.fakes.world import FakeWorld
from tests.web import stage


def test_the_first_admin_comes_from_the_command_line() -> None:
    """``admin add`` makes an HQ admin with a normalised address; a second run changes nothing."""
    world, out = FakeWorld(), io.StringIO()
    for _ in range(2):
        assert cli.main(["admin", "add", " Hanna@Example.com ", "--name", "Hanna  Hansen"], world, out) == 0
    found = world.people.find("hanna@example.com")
    assert found is not None
    account = world.people.account(found)
    assert account.person.name == "Hanna Hansen" and account.person.generation == 1
    assert account.roles_at(None, world.clock.now()) == {Role.HQ_ADMIN}
    assert "https://hq.example.com/sign-in" in out.getvalue()


def test_the_command_line_says_what_is_wrong() -> None:
    """A bad address is refused in a sentence, with exit status 1."""
    out = io.StringIO()
    assert cli.main(["admin", "add", "nobody"], FakeWorld(), out) == 1
    assert "not an e-mail address" in out.getvalue()


def test_an_organisation_id_needs_no_deployment() -> None:
    """``admin org`` prints an id of the right shape without any setting."""
    out = io.StringIO()
    assert cli.main(["admin", "org"], None, out) == 0
    assert out.getvalue().startswith("org_") and len(out.getvalue().strip()) == 30


def test_one_person_has_one_sign_in_for_all_memberships() -> None:
    """A known address gets a further membership, not a second person; the name stays the person's own."""
    world = FakeWorld()
    acme = stage.partner(world, "Acme")
    first = people.give_role(world, address="a@example.com", name="Anna", role=Role.REVIEWER, by="x")
    second = people.give_role(
        world, address="a@example.com", name="Other", role=Role.PARTNER_ADMIN, by="x", partner=acme.id,
    )
    account = world.people.account(first)
    assert first == second and account.person.name == "Anna" and len(account.memberships) == 2


def test_a_role_that_is_held_already_ends_no_session() -> None:
    """Giving a role twice is harmless; giving a new one ends what was open (N4)."""
    world = FakeWorld()
    anna = stage.person(world, "Anna", [Role.REVIEWER])
    cookie, _ = access.start(world, anna, "x")
    people.give_role(world, address=anna.address, name="Anna", role=Role.REVIEWER, by="x")
    assert access.who(world, cookie, world.clock.now())
    people.give_role(world, address=anna.address, name="Anna", role=Role.HQ_ADMIN, by="x")
    assert access.who(world, cookie, world.clock.now()) is None


@pytest.mark.parametrize(("name", "code"), [
    ("", "name.missing"), ("  \n ", "name.missing"), ("a" * 81, "name.too_long"), ("a\x00b", "name.control"),
    ("a\u202eb", "name.control"),
])
def test_names_are_one_line_of_text(name: str, code: str) -> None:
    """Names are short and without control or direction characters."""
    with pytest.raises(Refused, match=code):
        people.add_admin(FakeWorld(), "a@example.com", name)


def test_all_problems_are_told_at_once() -> None:
    """A form with three mistakes gives three problems."""
    world = FakeWorld()
    with pytest.raises(Refused) as refused:
        people.add_at_hq(world, stage.person(world, "Hanna"), address="x", name="", role="king")
    assert [p.field for p in refused.value.problems] == ["name", "email", "role"]

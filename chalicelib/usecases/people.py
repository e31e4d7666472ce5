"""People and their roles: added by HQ or the command line; a changed role ends old sessions."""

from __future__ import annotations

from dataclasses import replace

from chalicelib import texts
from chalicelib.domain.address import normalise
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import PartnerId, PersonId, is_id, make_id
from chalicelib.domain.people import Membership, Person, Role
from chalicelib.usecases.world import World

NAME_LENGTH = 80
COMMAND_LINE = "command line"


def checked_name(name: str, problems: list[Problem], *, field: str = "name", limit: int = NAME_LENGTH) -> str:
    """A name in one line without control characters; adds a problem if it is empty or too long."""
    text = " ".join(name.split())
    if not text:
        problems.append(Problem("name.missing", field))
    elif len(text) > limit:
        problems.append(Problem("name.too_long", field, {"length": len(text), "max": limit}))
    elif not text.isprintable():
        problems.append(Problem("name.control", field))
    return text


def checked_address(address: str, problems: list[Problem], *, field: str = "email") -> str:
    """A normalised address; adds its problems under the name of the form's field."""
    if not address.strip():
        problems.append(Problem("address.missing", field))
        return ""
    try:
        return normalise(address)
    except Refused as refused:
        problems.extend(Problem(p.code, field, p.params) for p in refused.problems)
        return ""


def give_role(
    world: World, *, address: str, name: str, role: Role, by: str, partner: PartnerId | None = None,
    partner_name: str = "", partner_zone: str = "", partner_language: str = "",
) -> PersonId:
    """Give a role to the person of an address, who is added if nobody has it yet.

    Giving a role ends the person's sessions and open links (the store raises the generation).
    The address must be normalised already. Doing it twice changes nothing more.
    """
    now = world.clock.now()
    known = world.people.find(address)
    membership = Membership(
        person=known or PersonId(""), role=role, org=world.facts.org_id, partner=partner, partner_name=partner_name,
        partner_zone=partner_zone, partner_language=partner_language, granted_by=by,
    )
    if known is None:
        person = Person(
            id=PersonId(make_id("prs", now, world.entropy.bytes(10))), address=address, name=name, created_at=now,
        )
        try:
            world.people.add(person, [replace(membership, person=person.id)])
            return person.id
        except Conflict:  # somebody added the same address a moment ago
            known = world.people.find(address)
            if known is None:
                raise
    if role not in world.people.account(known).roles_at(partner, now):
        world.people.grant(replace(membership, person=known))
    return known


def choose_language(world: World, person: Person, language: str) -> None:
    """Note the language a person reads in, "" for that of the partner or the browser.

    Raises Refused for a language there is none of, Conflict ``person.changed``.
    """
    if language and language not in texts.LANGUAGES:
        raise Refused([Problem("choice.unknown", "language", {"value": language[:40]})])
    world.people.save(replace(person, language=language), expected_generation=person.generation)


def add_at_hq(world: World, by: Person, *, address: str, name: str, role: str) -> PersonId:
    """HQ gives a colleague a role; raises Refused with every problem of the form."""
    problems: list[Problem] = []
    clean_name = checked_name(name, problems)
    clean_address = checked_address(address, problems)
    chosen = next((r for r in Role if r.value == role and r.at_hq), None)
    if chosen is None:
        problems.append(Problem("person.role", "role", {"value": role[:40]}))
    if problems or chosen is None:
        raise Refused(problems)
    return give_role(world, address=clean_address, name=clean_name, role=chosen, by=by.id)


def take_at_hq(world: World, by: Person, person: str, role: str) -> None:
    """Take a colleague's role away, which ends that person's sign-ins and links at once.

    Raises Refused for one's own role as admin (somebody else must take it: an admin always stays),
    NotFound for a role that the person does not have.
    """
    chosen = next((r for r in Role if r.value == role and r.at_hq), None)
    if chosen is None or not is_id(person, "prs"):
        raise NotFound
    if person == by.id and chosen is Role.HQ_ADMIN:
        raise Refused([Problem("person.own_role", "")])
    world.people.revoke(PersonId(person), chosen, None)


def add_admin(world: World, address: str, name: str) -> PersonId:
    """The first admin of a new deployment, from the command line; raises Refused."""
    problems: list[Problem] = []
    clean_name = checked_name(name, problems)
    clean_address = checked_address(address, problems)
    if problems:
        raise Refused(problems)
    return give_role(world, address=clean_address, name=clean_name, role=Role.HQ_ADMIN, by=COMMAND_LINE)


def end_session(world: World, person: PersonId, secret_hash: str) -> None:
    """End one of a person's own sessions; the store looks in that person's partition only."""
    if len(secret_hash) == 64 and all(c in "0123456789abcdef" for c in secret_hash):
        world.people.end_session(person, secret_hash)

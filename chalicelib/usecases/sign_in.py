"""Signing in by a mailed one-time link.

Asking takes the same steps whether or not anybody has the address: two counts, one look-up, one
queue message (N16). The link's page shows a button; only its POST uses the link, once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib import texts
from chalicelib.domain.address import normalise
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import PersonId
from chalicelib.domain.people import Account, Link, Purpose, Session
from chalicelib.domain.record import dataclass
from chalicelib.ports.system import QueueName
from chalicelib.usecases import access
from chalicelib.usecases.world import World

LINK_LIFE = timedelta(minutes=15)
PER_ADDRESS = 5
PER_SOURCE = 30
"""Requests in one hour; many people may share one source address."""
TOKEN_LENGTHS = range(40, 65)


@dataclass(frozen=True, slots=True)
class Started:
    """A session that a link started, and the value of its cookie."""

    account: Account
    session: Session
    cookie: str


def ask(world: World, address: str, source: str, language: str = "") -> None:
    """Queue a sign-in mail for whoever has the address; the answer never tells whether anybody has.

    ``language`` is that of the page: the mail comes in it if neither the person nor a partner has one.

    Raises Refused for a malformed address, and ``sign_in.too_often`` past the hourly limits.
    """
    if not address.strip():
        raise Refused([Problem("address.missing", "email")])
    address = normalise(address)
    now = world.clock.now()
    # Both are counted always, so that the calls do not differ.
    allowed = [
        world.links.allow(f"sign-in-source:{source}", now, per_hour=PER_SOURCE),
        world.links.allow(f"sign-in-address:{address}", now, per_hour=PER_ADDRESS),
    ]
    if not all(allowed):
        raise Refused([Problem("sign_in.too_often", "email")])
    person = world.people.find(address)
    # A message without a person is dropped by its reader; it keeps both cases alike.
    world.queue.put(QueueName.NOTICES, {"v": 1, "kind": "sign_in", "person": person or "", "language": language})


def send_link(world: World, person_id: PersonId, language: str = "") -> None:
    """Make a link and mail it in the person's language, else the asker's.

    A message that comes twice sends two links, and both work.
    """
    from chalicelib.rendering.mails import render_mail
    from chalicelib.usecases import system_mail

    try:
        account = world.people.account(person_id) if person_id else None
    except NotFound:
        account = None
    if account is None:
        return
    person, now = account.person, world.clock.now()
    token = access.random_token(world)
    world.links.put(Link(
        token_hash=access.secret_hash(token), purpose=Purpose.SIGN_IN, person=person.id, generation=person.generation,
        created_at=now, expires_at=now + LINK_LIFE,
    ))
    mail = render_mail("sign_in", {
        "person": person, "org_name": world.facts.org_name, "minutes": int(LINK_LIFE.total_seconds() // 60),
        "url": f"{home_base(world, account, now)}/sign-in/{token}",
    }, texts.translations(account.language_at() or language))
    system_mail.send(world, person, mail, kind="sign_in")


def home_base(world: World, account: Account, now: datetime) -> str:
    """The base URL of the surface a person works on; who has a role at HQ starts there."""
    return world.facts.hq_base_url if account.roles_at(None, now) else world.facts.base_url


def look(world: World, token: str) -> Link:
    """Read a sign-in link without using it.

    Raises NotFound for what is no such link, Conflict ``sign_in.used`` or ``sign_in.expired``.
    """
    if len(token) not in TOKEN_LENGTHS or not token.isascii():
        raise NotFound
    link = world.links.get(access.secret_hash(token))
    if link.purpose is not Purpose.SIGN_IN:
        raise NotFound
    if link.used_at is not None:
        raise Conflict("sign_in.used")
    if link.expires_at <= world.clock.now():
        raise Conflict("sign_in.expired")
    return link


def consume(world: World, token: str, agent: str, former: access.SignedIn | None = None) -> Started:
    """Use a link once and start a session with a new secret; a session that was there ends.

    Raises what :func:`look` raises, and Conflict ``sign_in.expired`` if the person's roles or
    address changed since the link was made.
    """
    link = look(world, token)
    account = world.people.account(link.person)
    if link.generation != account.person.generation:
        raise Conflict("sign_in.expired")
    try:
        world.links.use(link.token_hash, world.clock.now())
    except Conflict:
        raise Conflict("sign_in.used") from None
    cookie, session = access.start(world, account.person, agent)
    if former is not None:
        world.people.end_session(former.account.person.id, former.session.secret_hash)
    return Started(account, session, cookie)

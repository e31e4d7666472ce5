"""Sessions: who a browser's cookie stands for, and how long.

A cookie is ``<person id>.<secret>``; the store knows the secret's SHA-256 only. A session ends
three days after the last step that changed something, thirty days after the sign-in at the
latest, at once when it is revoked, and when the person's roles or address change (their
generation grows). Reading a page changes nothing, so it prolongs nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import PersonId, is_id
from chalicelib.domain.people import Account, Person, Session
from chalicelib.domain.record import dataclass
from chalicelib.usecases.world import World

IDLE = timedelta(days=3)
ABSOLUTE = timedelta(days=30)
RENEW_AFTER = timedelta(hours=1)
"""A session that is younger than this since its last renewal is not written again."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The account and the session that a cookie stands for."""

    account: Account
    session: Session


def secret_hash(secret: str) -> str:
    """What is stored of a session's secret or a link's token: the SHA-256, hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def random_token(world: World, count: int = 32) -> str:
    """A URL-safe token of ``count`` random bytes."""
    return base64.urlsafe_b64encode(world.entropy.bytes(count)).rstrip(b"=").decode()


def who(world: World, cookie: str, now: datetime) -> SignedIn | None:
    """Read the account in one query; None for every cookie that does not stand for a live session."""
    person, _, secret = cookie.partition(".")
    if not secret or len(secret) > 100 or not is_id(person, "prs"):
        return None
    try:
        account = world.people.account(PersonId(person))
    except NotFound:
        return None
    wanted = secret_hash(secret)
    for session in account.sessions:
        if hmac.compare_digest(session.secret_hash, wanted) and alive(session, account.person, now):
            return SignedIn(account, session)
    return None


def alive(session: Session, person: Person, now: datetime) -> bool:
    """Whether a session still counts."""
    return session.generation == person.generation and session.expires_at > now


def start(world: World, person: Person, agent: str) -> tuple[str, Session]:
    """Start a session with a fresh secret and return the cookie's value.

    ``agent`` is what the browser calls itself; it is shown to the person, cut and cleaned.
    """
    now = world.clock.now()
    secret = random_token(world)
    session = Session(
        person=person.id, secret_hash=secret_hash(secret), csrf=random_token(world, 18), generation=person.generation,
        created_at=now, expires_at=now + IDLE, agent=clean_agent(agent),
    )
    world.people.start_session(session)
    return f"{person.id}.{secret}", session


def prolong(world: World, session: Session) -> None:
    """Move the idle end on after a step of the person; written at most once an hour."""
    now = world.clock.now()
    end = min(now + IDLE, session.created_at + ABSOLUTE)
    if end - session.expires_at > RENEW_AFTER:
        world.people.start_session(replace(session, expires_at=end))


def clean_agent(agent: str) -> str:
    """A User-Agent as it is kept: printable characters only, 200 at most (N5)."""
    return "".join(c for c in agent if c.isprintable())[:200]

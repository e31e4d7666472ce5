"""Sign-in links and sessions below the pages: what is stored, and what never is."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.people import Link, Purpose, Role
from chalicelib.usecases import access, sign_in
from tests.fakes.world import FakeWorld
from tests.web import stage


def mailed_token(world: FakeWorld) -> str:
    """The token in the last mail."""
    return world.mailer.sent[-1].text.split("/sign-in/")[1].split()[0]


def test_tokens_and_secrets_are_stored_as_hashes_only() -> None:
    """Neither the link's token nor the session's secret can be read from the store."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    sign_in.send_link(world, hanna.id)
    token = mailed_token(world)
    assert len(token) == 43
    link = world.links.get(access.secret_hash(token))
    assert token not in repr(link)
    started = sign_in.consume(world, token, "agent")
    secret = started.cookie.partition(".")[2]
    assert len(secret) == 43 and secret not in repr(world.people.account(hanna.id))


def test_tokens_are_never_the_same() -> None:
    """Two links for one person at one moment have two tokens of 256 bits."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    for _ in range(2):
        sign_in.send_link(world, hanna.id)
    first, second = (m.text.split("/sign-in/")[1].split()[0] for m in world.mailer.sent)
    assert first != second


def test_a_link_of_another_purpose_signs_nobody_in() -> None:
    """A review link opens no session, whatever page it is brought to."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    token = access.random_token(world)
    now = world.clock.now()
    world.links.put(Link(
        token_hash=access.secret_hash(token), purpose=Purpose.REVIEW, person=hanna.id, generation=1, created_at=now,
        expires_at=now + sign_in.LINK_LIFE,
    ))
    with pytest.raises(NotFound):
        sign_in.consume(world, token, "agent")
    assert world.people.account(hanna.id).sessions == ()


def test_only_one_of_two_uses_counts() -> None:
    """Whoever comes second, even in the same moment, gets no session."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    sign_in.send_link(world, hanna.id)
    token = mailed_token(world)
    sign_in.consume(world, token, "a")
    with pytest.raises(Conflict, match=r"sign_in\.used"):
        sign_in.consume(world, token, "b")
    assert len(world.people.account(hanna.id).sessions) == 1


def test_the_mail_leads_to_the_surface_of_the_person() -> None:
    """HQ's people get a link to HQ's pages, a partner's to the partners' pages; the mail is automatic and plain."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.REVIEWER])
    paul = stage.person(world, "Paul", {Role.PARTNER_ADMIN: stage.partner(world).id})
    for who, base in ((hanna, "https://hq.example.com/"), (paul, "https://partners.example.com/")):
        sign_in.send_link(world, who.id)
        mail = world.mailer.sent[-1]
        assert f"{base}sign-in/" in mail.text and f'href="{base}sign-in/' in mail.html
        assert mail.to == who.address and ("Auto-Submitted", "auto-generated") in mail.headers
        assert "\n" not in mail.subject and "15 minutes" in mail.text


def test_names_in_mails_are_text() -> None:
    """A person's name with markup is escaped in the HTML of a mail (N9)."""
    world = FakeWorld()
    evil = stage.person(world, "Eve", [Role.REVIEWER])
    from dataclasses import replace
    world.people.save(replace(evil, name='<img src=x onerror=alert(1)>'), expected_generation=1)
    sign_in.send_link(world, evil.id)
    assert "<img" not in world.mailer.sent[-1].html


def test_the_browser_of_a_session_is_kept_short_and_clean() -> None:
    """What a browser calls itself is cut to 200 printable characters (N5)."""
    assert access.clean_agent("a\x00\r\n\u202eb" + "x" * 500) == "ab" + "x" * 198


def test_a_session_is_prolonged_once_an_hour_at_most() -> None:
    """Steps move the idle end on, but do not write at each of them."""
    world = stage.Watched(FakeWorld())
    hanna = stage.person(world._world, "Hanna", [Role.HQ_ADMIN])
    cookie, session = access.start(world._world, hanna, "x")
    world._world.clock.advance(minutes=59)
    access.prolong(world, session)
    assert world.writes() == []
    world._world.clock.advance(minutes=2)
    access.prolong(world, session)
    assert world.writes() == ["people.start_session"]
    known = access.who(world._world, cookie, world._world.clock.now())
    assert known and known.session.created_at == session.created_at

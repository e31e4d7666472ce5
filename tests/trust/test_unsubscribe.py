"""Unsubscribe: tokens, the use case and the pages."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from chalice.app import Chalice
from chalice.test import Client
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.unsubscribe import LENGTH, MacTokens
from chalicelib.domain.contact import SuppressionReason
from chalicelib.domain.errors import NotFound, Retryable
from chalicelib.domain.ids import CampaignId, ContactId, PartnerId, base32_of, make_id
from chalicelib.domain.manifest import Run
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.trust import Unsubscribe
from chalicelib.web import public
from chalicelib.web.routes import mount
from chalicelib.web.urls import Urls
from tests.contract.values import partner as filled_partner
from tests.fakes.sending import FakeLedger
from tests.fakes.system import START
from tests.fakes.world import FakeWorld

SECRET = b"secret of this test, long enough"
PARTNER = PartnerId(make_id("prt", START, b"0123456789"))
CONTACT = ContactId(base32_of(b"contact of tests"))
CAMPAIGN = make_id("cmp", START, b"abcdefghij")
FORM = "application/x-www-form-urlencoded"


def token_of(secret: bytes = SECRET) -> str:
    """A genuine token."""
    return MacTokens(secret).make(PARTNER, CONTACT, CAMPAIGN)


# --- tokens

IDS = st.binary(min_size=16, max_size=16).map(base32_of)


@given(IDS, IDS, IDS | st.just(""))
def test_a_token_names_what_it_was_made_for(partner: str, contact: str, campaign: str) -> None:
    """Every partner, contact and campaign comes back; the token is short and fits a URL and a header."""
    campaign = f"cmp_{campaign}" if campaign and campaign != "0" * 26 else ""
    made = MacTokens(SECRET).make(PartnerId(f"prt_{partner}"), ContactId(contact), campaign)
    assert len(made) == LENGTH < 120 and made.replace("-", "").replace("_", "").isalnum()
    assert MacTokens(SECRET).read(made) == Unsubscribe(PartnerId(f"prt_{partner}"), ContactId(contact), campaign)


def test_every_changed_character_is_refused() -> None:
    """N49: nobody can unsubscribe somebody else by changing a token, in any of its characters."""
    tokens = MacTokens(SECRET)
    good = token_of()
    for place in range(LENGTH):
        for other in "A_-9z":
            forged = good[:place] + other + good[place + 1:]
            if forged != good:
                with pytest.raises(NotFound):
                    tokens.read(forged)


@pytest.mark.parametrize("bad", [
    "", "x", "A" * 87, "A" * 86, "A" * 88, "é" * 87, "=" * 87, token_of()[:-1], token_of() + "A", token_of() + "=",
    token_of().upper(), token_of(b"another secret of sixteen+ bytes"), " " + token_of()[1:], "\0" * 87, "A" * 100_000,
])
def test_what_is_not_ours_is_not_found(bad: str) -> None:
    """Cut, forged, foreign and nonsense tokens all raise the same error with the same text."""
    with pytest.raises(NotFound) as caught:
        MacTokens(SECRET).read(bad)
    assert str(caught.value) == "unsubscribe token"


def test_only_one_way_of_writing_is_ours() -> None:
    """The spare bits of the last character do not make a second valid token."""
    good = token_of()
    data = base64.urlsafe_b64decode(good + "=")
    same = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            if base64.urlsafe_b64decode(good[:-1] + c + "=") == data]
    assert len(same) == 4
    for last in same:
        if last != good[-1]:
            with pytest.raises(NotFound):
                MacTokens(SECRET).read(good[:-1] + last)


def test_former_secrets_still_read() -> None:
    """After a change of the secret the links of old mails go on working."""
    old, new = SECRET, b"the next secret, also long enough"
    assert MacTokens(new, old).read(token_of(old)).contact == CONTACT
    assert MacTokens(new, old).make(PARTNER, CONTACT, "") == MacTokens(new).make(PARTNER, CONTACT, "")
    with pytest.raises(NotFound):
        MacTokens(new).read(token_of(old))
    with pytest.raises(ValueError, match="16 bytes"):
        MacTokens(b"short")


# --- pages

@pytest.fixture
def world() -> FakeWorld:
    """A world with one partner whose name would be dangerous unescaped."""
    made = FakeWorld()
    partner = replace(filled_partner(PARTNER, made.facts.org_id), name="Rad & <b>Tat</b>", language="")
    made.partners.save(made.session(PARTNER), partner, expected_version=0)
    made.unsubscribe = MacTokens(SECRET)
    return made


class Browser:
    """Sends requests to the mounted routes as API Gateway would."""

    def __init__(self, world: FakeWorld) -> None:
        app = Chalice("test")
        mount(app, public.routes, lambda: world, lambda: Urls("https://p.example.com", "https://hq.example.com"))
        self._app = app

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> Any:
        """The response; headers by name with underscores."""
        with Client(self._app) as client:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            return client.http.request(method, path, headers=sent, body=body)


def suppressed(world: FakeWorld) -> list[SuppressionReason]:
    """Why the token's contact is not mailed, if it is not."""
    session = world.session(PARTNER)
    record = world.contacts.read(session, [CONTACT])[0]
    return [record.suppression.reason] if record.suppression else []


def test_looking_changes_nothing(world: FakeWorld) -> None:
    """GET and HEAD write nothing, set no cookie, name the sender escaped and forbid storing and indexing."""
    browser = Browser(world)
    for method in ("GET", "HEAD"):
        for _ in range(3):
            answer = browser.send(method, f"/u/{token_of()}", Referer="https://evil.example/", Cookie="__Host-cs=x.y")
            assert answer.status_code == 200
            assert "Set-Cookie" not in answer.headers
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Robots-Tag"] == "noindex"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert (suppressed(world), world.contacts.writes, world.queue.sent) == ([], 0, [])
    body = browser.send("GET", f"/u/{token_of()}").body.decode()
    assert "Rad &amp; &lt;b&gt;Tat&lt;/b&gt;" in body and "<b>Tat" not in body
    assert body.count("<button") == 1 and "<script" not in body and "evil.example" not in body


def test_other_methods_change_nothing(world: FakeWorld) -> None:
    """Nothing but GET, HEAD and POST reaches our code (Chalice answers OPTIONS by itself)."""
    assert {method for route in public.routes for method in route.methods} == {"GET", "HEAD", "POST"}
    for method in ("PUT", "PATCH", "DELETE"):
        assert Browser(world).send(method, f"/u/{token_of()}").status_code == 405
    assert suppressed(world) == []


@pytest.mark.parametrize(("kind", "body"), [
    (FORM, b"List-Unsubscribe=One-Click"), (FORM + "; charset=utf-8", b"List-Unsubscribe=One-Click"), (FORM, b""),
    ("multipart/form-data; boundary=xyz",
     b'--xyz\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--xyz--\r\n'),
    ("text/plain", b"List-Unsubscribe=One-Click"), ("application/json", b"{}"), ("", b""),
    (FORM, b"a=1&" * 1000), (FORM, b"email=somebody.else%40example.com"), (FORM, b"%ff%fe\x00"),
])
def test_one_click(world: FakeWorld, kind: str, body: bytes) -> None:
    """RFC 8058: the POST of a mail program works with any type and whatever body, without a cookie."""
    answer = Browser(world).send("POST", f"/u/{token_of()}", body, Content_Type=kind)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers and answer.headers["Cache-Control"] == "no-store"
    assert suppressed(world) == [SuppressionReason.UNSUBSCRIBED]


def test_leaving_twice_is_leaving_once(world: FakeWorld) -> None:
    """The second time reads as the first, and the first reason, time and campaign stay."""
    browser = Browser(world)
    first = browser.send("POST", f"/u/{token_of()}", Content_Type=FORM).body
    world.clock.advance(days=400)
    assert browser.send("POST", f"/u/{token_of()}", Content_Type=FORM).body == first
    suppression = world.contacts.read(world.session(PARTNER), [CONTACT])[0].suppression
    assert suppression is not None and (suppression.at, suppression.source) == (START, CAMPAIGN)


def left(world: FakeWorld) -> int:
    """How many unsubscribed with a mail of the campaign."""
    return world.ledger.results(world.session(PARTNER), Run(CampaignId(CAMPAIGN)))[1]


def test_a_campaign_counts_each_who_left_once(world: FakeWorld) -> None:
    """Repeated clicks and deliveries count once, looking counts nothing, a mail of no campaign belongs to none."""
    browser = Browser(world)
    other = MacTokens(SECRET).make(PARTNER, ContactId(base32_of(b"somebody else...")), CAMPAIGN)
    browser.send("GET", f"/u/{token_of()}")
    assert left(world) == 0
    for token in (token_of(), token_of(), other, token_of()):
        assert browser.send("POST", f"/u/{token}", Content_Type=FORM).status_code == 200
    browser.send("POST", f"/u/{MacTokens(SECRET).make(PARTNER, CONTACT, '')}", Content_Type=FORM)
    assert left(world) == 2


class Away(FakeLedger):
    """A ledger that cannot be reached."""

    def left(self, session: PartnerSession, run: Run, contact: ContactId) -> None:
        """Fails."""
        raise Retryable("away")


def test_leaving_does_not_wait_for_the_count(world: FakeWorld) -> None:
    """Where it cannot be noted the customer has left all the same; the next click notes it."""
    there, world.ledger = world.ledger, Away()
    assert Browser(world).send("POST", f"/u/{token_of()}", Content_Type=FORM).status_code == 200
    assert suppressed(world) == [SuppressionReason.UNSUBSCRIBED]
    world.ledger = there
    assert left(world) == 0
    Browser(world).send("POST", f"/u/{token_of()}", Content_Type=FORM)
    assert left(world) == 1


def test_members_and_others_get_the_same_answer(world: FakeWorld) -> None:
    """N49: the pages are the same for a customer, for nobody and for somebody who left: nothing is learnt."""
    browser = Browser(world)
    others = [ContactId(base32_of(bytes([n]) * 16)) for n in range(3)]
    tokens = [MacTokens(SECRET).make(PARTNER, contact, CAMPAIGN) for contact in others]
    assert len({browser.send("GET", f"/u/{t}").body for t in tokens}) == 1
    assert len({browser.send("POST", f"/u/{t}", Content_Type=FORM).body for t in tokens * 2}) == 1


def test_forged_tokens_meet_one_page(world: FakeWorld) -> None:
    """N23, N49: whatever the token, the 404 is the same, reflects nothing and touches no store."""
    browser = Browser(world)
    bodies = set()
    for bad in (token_of()[:-1], token_of(b"x" * 16), "AAAA", token_of() + "&lt;script&gt;", "%3Cscript%3Ealert(1)"):
        for method, kind in (("GET", ""), ("POST", FORM), ("POST", "multipart/form-data; boundary=x")):
            answer = browser.send(method, f"/u/{bad}", Content_Type=kind)
            assert answer.status_code == 404
            assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["X-Robots-Tag"] == "noindex"
            bodies.add(answer.body)
    assert len(bodies) == 1 and b"alert" not in bodies.pop()
    assert world.sessions.opened == {} and world.contacts.writes == 0


def test_it_outlives_the_partner(world: FakeWorld) -> None:
    """Without profile, keys or contact the token still suppresses, and the page names nobody."""
    lost = PartnerId(make_id("prt", START, b"9876543210"))
    token = MacTokens(SECRET).make(lost, CONTACT, CAMPAIGN)
    answer = Browser(world).send("POST", f"/u/{token}", Content_Type=FORM)
    assert answer.status_code == 200 and b"The sender will send you no more" in answer.body
    assert world.contacts.read(world.session(lost), [CONTACT])[0].suppression is not None


def test_it_uses_the_customers_own_partner(world: FakeWorld) -> None:
    """The session that is opened is that of the token's partner, and no other."""
    Browser(world).send("POST", f"/u/{token_of()}", Content_Type=FORM)
    assert dict(world.sessions.opened) == {(PARTNER, Zone.PARTNER): 1}
    assert json.dumps([str(m.body) for m in world.queue.sent]) == "[]"

"""Signing in by link, sessions and the chooser, through the pages."""

from __future__ import annotations

import pytest

from chalicelib.domain.ids import PersonId
from chalicelib.domain.people import Role
from chalicelib.ports.system import QueueName
from chalicelib.usecases import access, people, sign_in
from tests.fakes.world import FakeWorld
from tests.web import stage
from tests.web.client import Browser, Got, application

DEAD = "This link does not work any more"


def link_for(world: FakeWorld, address: str) -> str:
    """The path of the link that the last sign-in mail to an address holds."""
    mail = next(m for m in reversed(world.mailer.sent) if m.to == address)
    return "/sign-in/" + mail.text.split("/sign-in/")[1].split()[0]


def deliver(world: FakeWorld) -> None:
    """Run the notices that are queued."""
    world.queue.deliver(QueueName.NOTICES, lambda message: sign_in.send_link(world, PersonId(str(message["person"]))))


def ask(browser: Browser, address: str, **more: str) -> Got:
    """Open the form and ask for a link."""
    return browser.submit(browser.get("/sign-in"), "/sign-in", email=address, **more)


def test_a_person_signs_in_by_the_mailed_link() -> None:
    """Ask, open the link, press the button: the session is there, and its cookie is closed to scripts."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    browser = stage.browser(world)
    assert "Look into your mail" in ask(browser, " Hanna@Example.COM ").body
    deliver(world)
    path = link_for(world, "hanna@example.com")
    shown = browser.get(path)
    assert shown.status == 200 and shown.headers["referrer-policy"] == "no-referrer"
    done = browser.submit(shown, path)
    assert (done.status, done.location) == (303, "https://hq.example.com/hq")
    line = next(c for c in done.cookies if c.startswith("__Host-cs="))
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(line.split("; "))
    assert browser.get("/hq").status == 200
    assert browser.cookies["__Host-cs"].startswith(hanna.id + ".")


def test_opening_a_link_uses_nothing_up() -> None:
    """Scanners open links by GET and HEAD, often: nothing is written and the link stays good."""
    world = stage.Watched(FakeWorld())
    stage.person(world._world, "Hanna", [Role.HQ_ADMIN])
    browser = stage.browser(world)
    ask(browser, "hanna@example.com")
    deliver(world._world)
    path = link_for(world._world, "hanna@example.com")
    world.calls.clear()
    scanner = Browser(browser.app, browser.base)
    for _ in range(3):
        assert scanner.get(path).status == 200 and scanner.head(path).status == 200
    assert world.writes() == []
    assert browser.submit(browser.get(path), path).status == 303


def test_a_link_works_once_and_offers_a_fresh_one() -> None:
    """A second use, in any browser, gets a page that says so and the form for a new link."""
    world = FakeWorld()
    stage.person(world, "Hanna", [Role.HQ_ADMIN])
    browser = stage.browser(world)
    ask(browser, "hanna@example.com")
    deliver(world)
    path = link_for(world, "hanna@example.com")
    other = Browser(browser.app, browser.base)
    first, second = browser.get(path), other.get(path)
    assert browser.submit(first, path).status == 303
    again = other.submit(second, path)
    assert again.status == 410 and DEAD in again.body and "used already" in again.body
    assert 'name="email"' in again.body
    assert "__Host-cs" not in other.cookies


def test_a_link_dies_after_a_quarter_of_an_hour() -> None:
    """An expired link says so, by GET and by POST."""
    world = FakeWorld()
    stage.person(world, "Hanna", [Role.HQ_ADMIN])
    browser = stage.browser(world)
    ask(browser, "hanna@example.com")
    deliver(world)
    path = link_for(world, "hanna@example.com")
    shown = browser.get(path)
    world.clock.advance(minutes=15)
    assert browser.get(path).status == 410
    late = browser.submit(shown, path)
    assert late.status == 410 and "has expired" in late.body


@pytest.mark.parametrize("token", ["x", "x" * 43, "%3Cscript%3E", "..", "x" * 300, "é" * 43])
def test_a_token_that_is_none_is_told_without_repeating_it(token: str) -> None:
    """Foreign, cut and hostile tokens get one page, which holds nothing of the token (N7)."""
    browser = stage.browser(FakeWorld())
    got = browser.get(f"/sign-in/{token}")
    assert got.status == 410 and DEAD in got.body
    assert len(token) < 3 or token not in got.body


def test_the_answer_never_tells_whether_an_address_is_known() -> None:
    """Known and unknown addresses give the same status, body and calls, but for the message's person (N16)."""
    answers, calls, messages = [], [], []
    for address in ("hanna@example.com", "nobody@example.com"):
        world = stage.Watched(FakeWorld())
        stage.person(world._world, "Hanna", [Role.HQ_ADMIN])
        browser = stage.browser(world)
        shown = browser.get("/sign-in")
        world.calls.clear()
        answers.append(browser.submit(shown, "/sign-in", email=address))
        calls.append(world.names())
        messages.append([args for name, args in world.calls if name == "queue.put"])
    assert (answers[0].status, answers[0].body) == (answers[1].status, answers[1].body)
    assert {k: v for k, v in answers[0].headers.items()} == dict(answers[1].headers)
    assert calls[0] == calls[1] == ["links.allow", "links.allow", "people.find", "queue.put"]
    assert messages[0][0][1].keys() == messages[1][0][1].keys()


def test_a_message_without_a_person_sends_nothing() -> None:
    """What was queued for an unknown address, or for somebody who is gone, is dropped."""
    world = FakeWorld()
    sign_in.send_link(world, PersonId(""))
    sign_in.send_link(world, PersonId("prs_" + "0" * 26))
    assert world.mailer.sent == []


def test_asking_is_limited_per_address_and_per_source() -> None:
    """Past the hourly limit the page says so with 429; the source is what API Gateway saw, no header (N52)."""
    world = FakeWorld()
    browser = stage.browser(world)
    for _ in range(sign_in.PER_ADDRESS):
        assert ask(browser, "hanna@example.com").status == 200
    assert ask(browser, "hanna@example.com").status == 429
    fresh = stage.browser(FakeWorld())
    page = fresh.get("/sign-in")
    for number in range(sign_in.PER_SOURCE):
        form = {"csrf": page.field("csrf"), "email": f"p{number}@example.com"}
        assert fresh.post("/sign-in", form, **{"x-forwarded-for": f"198.51.100.{number}"}).status == 200
    assert fresh.submit(page, "/sign-in", email="one.more@example.com").status == 429


def test_the_limit_ends_with_the_hour() -> None:
    """An hour later the address may ask again."""
    world = FakeWorld()
    browser = stage.browser(world)
    for _ in range(sign_in.PER_ADDRESS + 1):
        last = ask(browser, "hanna@example.com")
    assert last.status == 429
    world.clock.advance(hours=1)
    assert ask(browser, "hanna@example.com").status == 200


@pytest.mark.parametrize("address", ["", "hanna", "a@b", "jürgen@example.com", "a@example.com\nBcc: x@example.com"])
def test_a_malformed_address_is_told_at_the_field(address: str) -> None:
    """What can't be an address is refused by name, with the value kept."""
    got = ask(stage.browser(FakeWorld()), address)
    assert got.status == 422 and 'href="#f-email"' in got.body and 'aria-invalid="true"' in got.body


def test_a_session_gets_a_new_secret_and_the_old_one_ends() -> None:
    """Signing in over a session rotates its secret: what was there before is worth nothing."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    browser = stage.browser(world, hanna)
    before = browser.cookies["__Host-cs"]
    ask(browser, "hanna@example.com")
    deliver(world)
    path = link_for(world, "hanna@example.com")
    assert browser.submit(browser.get(path), path).status == 303
    assert browser.cookies["__Host-cs"] != before
    old = Browser(browser.app, browser.base, cookies={"__Host-cs": before})
    assert old.get("/hq").status == 303


def test_signing_out_ends_the_session_for_good() -> None:
    """After signing out the cookie is gone and its value opens nothing."""
    world = FakeWorld()
    browser = stage.browser(world, stage.person(world, "Hanna", [Role.HQ_ADMIN]))
    before = dict(browser.cookies)
    got = browser.submit(browser.get("/hq"), "/sign-out")
    assert got.status == 303 and "__Host-cs" not in browser.cookies
    assert Browser(browser.app, browser.base, cookies=before).get("/hq").location.startswith(
        "https://hq.example.com/sign-in",
    )


def test_a_changed_role_ends_every_session_and_link() -> None:
    """When HQ changes what a person may do, open sessions and sign-in links die (N4)."""
    world = FakeWorld()
    admin = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    dora = stage.person(world, "Dora", [Role.HQ_DESIGNER])
    browser = stage.browser(world, dora)
    fresh = stage.browser(world)
    ask(fresh, "dora@example.com")
    deliver(world)
    path = link_for(world, "dora@example.com")
    shown = fresh.get(path)
    people.add_at_hq(world, admin, address="dora@example.com", name="Dora", role="hq_admin")
    assert browser.get("/hq").status == 303
    assert fresh.submit(shown, path).status == 410


def test_sessions_end_by_rest_and_at_last() -> None:
    """A session ends three days after the last step, and after thirty days whatever happens."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    browser = stage.browser(world, hanna)
    world.clock.advance(hours=71)
    assert browser.get("/hq").status == 200
    world.clock.advance(hours=1)
    assert browser.get("/hq").status == 303
    busy = stage.browser(world, hanna)
    for _ in range(15):
        shown = busy.get("/hq/people")
        assert busy.submit(shown, "/hq/people", email="r@example.com", name="R", role="reviewer").status == 200
        world.clock.advance(days=2)
    assert busy.get("/hq").status == 303


def test_reading_prolongs_nothing() -> None:
    """GET writes nothing, so only steps keep a session alive."""
    world = stage.Watched(FakeWorld())
    browser = stage.browser(world, stage.person(world._world, "Hanna", [Role.HQ_ADMIN]))
    world.clock.advance(hours=30)
    browser.get("/hq")
    assert world.writes() == []


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\u202e\x07'


def test_my_sign_ins_show_hostile_browsers_as_text() -> None:
    """A User-Agent or Referer with markup is shown as text, without control characters (N5)."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    access.start(world, hanna, HOSTILE)
    got = stage.browser(world, hanna).get("/sessions", referer=HOSTILE)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in got.body
    assert "<script>alert" not in got.body and "\u202e" not in got.body and "\x07" not in got.body


def test_a_person_ends_other_sign_ins_but_nobody_elses() -> None:
    """Ending takes effect at once; a session of another person is untouched by any value in the form."""
    world = FakeWorld()
    hanna, dora = stage.person(world, "Hanna", [Role.HQ_ADMIN]), stage.person(world, "Dora", [Role.HQ_ADMIN])
    mine, phone, hers = (stage.browser(world, who) for who in (hanna, hanna, dora))
    page = mine.get("/sessions")
    assert page.body.count("This browser") == 1
    for browser in (phone, hers):
        secret = browser.cookies["__Host-cs"].partition(".")[2]
        assert mine.submit(page, "/sessions/end", session=access.secret_hash(secret)).status == 303
    assert phone.get("/hq").status == 303
    assert hers.get("/hq").status == 200 and mine.get("/hq").status == 200


def test_a_forged_cookie_is_nobody() -> None:
    """Any broken, foreign or mixed cookie is like none; of two equal names the first counts."""
    world = FakeWorld()
    hanna, dora = stage.person(world, "Hanna", [Role.HQ_ADMIN]), stage.person(world, "Dora", [Role.HQ_ADMIN])
    secret = stage.browser(world, hanna).cookies["__Host-cs"].partition(".")[2]
    for value in ("", ".", "x", f"{dora.id}.{secret}", f"{hanna.id}.{secret}x", f"{hanna.id}.", f"PRS.{secret}",
                  f"{hanna.id}.{'x' * 5000}", "prs_" + "9" * 26 + "." + secret):
        browser = stage.browser(world)
        browser.cookies["__Host-cs"] = value
        assert browser.get("/hq").status == 303, value


def test_where_a_person_lands() -> None:
    """One membership leads straight to its pages, several to a page to choose from, none to a page that says so."""
    world = FakeWorld()
    acme, bolt = stage.partner(world, "Acme"), stage.partner(world, "Bolt")
    one = stage.person(world, "One", {Role.PARTNER_ADMIN: acme.id})
    both = stage.person(world, "Both", {Role.HQ_ADMIN: None, Role.PARTNER_EDITOR: bolt.id})
    nobody = stage.person(world, "Nobody")
    assert stage.browser(world, one).get("/start").location == f"https://partners.example.com/p/{acme.id}"
    assert stage.browser(world, both).get("/start").body.count("card-link") == 2
    assert "Nothing is open to you" in stage.browser(world, nobody).get("/start").body
    assert stage.browser(world).get("/start").location == "https://hq.example.com/sign-in?next=%2Fstart"


@pytest.mark.parametrize(("wanted", "goes"), [
    ("/hq/templates", "https://hq.example.com/hq/templates"), ("//evil.example", "https://hq.example.com/hq"),
    ("/\\evil.example", "https://hq.example.com/hq"), ("https:evil.example", "https://hq.example.com/hq"),
    ("/a;Domain=evil.example", "https://hq.example.com/hq"), ("", "https://hq.example.com/hq"),
])
def test_signing_in_goes_on_to_pages_of_ours_only(wanted: str, goes: str) -> None:
    """The page that was wanted before signing in is kept in a cookie of ours, if it is one of ours (N17)."""
    world = FakeWorld()
    stage.person(world, "Hanna", [Role.HQ_ADMIN])
    browser = stage.browser(world)
    browser.post("/sign-in", {
        "csrf": browser.get("/sign-in").field("csrf"), "email": "hanna@example.com", "next": wanted,
    })
    deliver(world)
    path = link_for(world, "hanna@example.com")
    assert browser.submit(browser.get(path), path).location == goes


def test_behind_a_stage_prefix_the_wanted_page_comes_back() -> None:
    """API Gateway's path begins with the stage, which the base URL holds already; it is not doubled."""
    from chalice.app import Chalice

    from chalicelib.web.routes import mount
    from chalicelib.web.urls import Urls

    world = FakeWorld()
    stage.person(world, "Hanna", [Role.HQ_ADMIN])
    base = "https://hq.example.com/api"
    app = Chalice(app_name="staged")
    mount(app, stage.FRAME, lambda: world, lambda: Urls(base, base, base))
    browser = Browser(app, base=base)
    browser.cookies["__Host-next"] = "/api/hq/templates"
    ask(browser, "hanna@example.com")
    deliver(world)
    path = link_for(world, "hanna@example.com")
    assert browser.submit(browser.get(path), path).location == "https://hq.example.com/api/hq/templates"


def test_the_front_page_leads_on() -> None:
    """The bare address is no dead end."""
    world = FakeWorld()
    assert stage.browser(world).get("/").location == "https://hq.example.com/sign-in"
    hanna = stage.person(world, "Hanna", [Role.HQ_ADMIN])
    assert stage.browser(world, hanna).get("/").location == "https://hq.example.com/start"
    assert application(world, stage.FRAME).routes["/"].keys() == {"GET", "HEAD"}

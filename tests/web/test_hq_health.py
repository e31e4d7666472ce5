"""HQ's page of health: who may see it, what it says in each state; looking costs little and changes nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from chalicelib.domain.people import Role
from chalicelib.ports.operation import TableState
from chalicelib.web import hq_health
from chalicelib.web.guard import hq_page
from chalicelib.web.routes import Routes
from tests.fakes.operation import MAIL, QUEUE, FakeAccount
from tests.fakes.world import FakeWorld
from tests.web import stage
from tests.web.client import Browser

ROUTES = (*stage.FRAME, *hq_health.routes)


def opened(account: FakeAccount, *roles: Role) -> Browser:
    """A browser of somebody at HQ, over that account."""
    world = FakeWorld()
    world.inspector = world.resolver = account
    return stage.browser(world, stage.person(world, "Hanna", roles or (Role.HQ_ADMIN,)), routes=ROUTES)


def test_only_admins_see_it() -> None:
    """Designers and reviewers get the one 404; the link stands in the admins' navigation."""
    page = opened(FakeAccount()).get("/hq/health")
    assert page.status == 200
    assert 'href="https://hq.example.com/hq/health" aria-current="page"' in page.body
    for role in (Role.HQ_DESIGNER, Role.REVIEWER):
        assert opened(FakeAccount(), role).get("/hq/health").status == 404


def test_looking_costs_three_reads_and_changes_nothing() -> None:
    """Session, switch and the list of partners: no more, however many partners there are."""
    base = FakeWorld()
    for number in range(5):
        stage.partner(base, f"Partner {number}")
    world = stage.Watched(base)
    browser = stage.browser(world, stage.person(base, "Hanna", (Role.HQ_ADMIN,)), routes=ROUTES)
    for ask in (browser.get, browser.head):
        world.calls.clear()
        assert ask("/hq/health").status == 200
        assert world.writes() == []
        assert len(world.database()) == 3, world.names()


def test_a_sound_deployment_is_told_sound() -> None:
    """Nothing to do, and each thing in order is there to read."""
    body = opened(FakeAccount()).get("/hq/health").body
    assert "Nothing is wrong" in body
    assert "Everything was checked, and everything is in order." in body
    assert "SES lets us send from example.com." in body
    assert "What to do</h2>" not in body


@pytest.mark.parametrize(("account", "title", "sentence"), [
    (FakeAccount(state=replace(MAIL, production=False)), "Something wants a look", "the account is in its sandbox"),
    (FakeAccount(queue=replace(QUEUE, dead=3)), "Something is wrong", "queue send that failed for good: 3."),
    (FakeAccount(ringing={"send-late": "ALARM"}), "Something is wrong", "Read docs/runbook/send-late.md."),
    (FakeAccount(refuses=frozenset({"alarms"})), "Nothing is wrong", "Not checked: alarms: AccessDenied."),
    (FakeAccount(emulated=True), "Nothing is wrong", "Alarms were not checked: this program runs on an emulator"),
])
def test_each_state_is_told_with_what_to_do(account: FakeAccount, title: str, sentence: str) -> None:
    """Wrong, worth a look, and not checked are told apart, in a sentence."""
    body = opened(account).get("/hq/health").body
    assert title in body
    assert sentence in body


def test_a_partners_domain_is_text() -> None:
    """What a partner typed as its sender's domain is shown as text, never as markup."""
    world = FakeWorld()
    made = stage.partner(world)
    odd = replace(made, sender=replace(made.sender, address="a@<script>x.example"))
    world.partners.register(type(world.partners.cards()[0]).of(odd))
    browser = stage.browser(world, stage.person(world, "Hanna", (Role.HQ_ADMIN,)), routes=ROUTES)
    body = browser.get("/hq/health").body
    assert "&lt;script&gt;x.example" in body
    assert "<script>x" not in body


def test_a_stopped_switch_shows_the_banner() -> None:
    """The page shows the same banner as every other page of HQ, from what the doctor has read."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", (Role.HQ_ADMIN,))
    world.programmes.stop(True, hanna.id, world.clock.now())
    body = stage.browser(world, hanna, routes=ROUTES).get("/hq/health").body
    assert "All sending is stopped." in body
    assert "Head office has stopped all sending." in body


def test_a_silent_service_does_not_hold_up_the_page() -> None:
    """The page answers in time, with everything else; what did not answer is told as not checked."""
    go_on = threading.Event()

    @dataclass
    class Slow(FakeAccount):
        def tables(self) -> Sequence[TableState]:
            go_on.wait(60)
            return []

    assert hq_health.WAIT < 20, "API Gateway gives up after 29 seconds, and a cold start is in them"
    world, own = FakeWorld(), Routes()
    world.inspector = world.resolver = Slow()
    own.get("/hq/soon")(hq_page(Role.HQ_ADMIN)(lambda visit: hq_health.shown(visit, 0.6)))
    hanna = stage.person(world, "Hanna", (Role.HQ_ADMIN,))
    body = stage.browser(world, hanna, routes=(*stage.FRAME, *own)).get("/hq/soon").body
    go_on.set()
    assert "Not all of it was checked: there was no answer within 1 seconds." in body
    assert "SES lets us send from example.com." in body


def test_importing_the_page_loads_nothing_of_the_doctor() -> None:
    """Pages that people wait for don't pay for the doctor: neither its use case nor threads' pools are imported."""
    code = ("import sys, chalicelib.web.hq_health; "
            "print([m for m in sys.modules if 'doctor' in m or m == 'concurrent.futures.thread'])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

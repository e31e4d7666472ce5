"""What holds for every route of both surfaces, whoever wrote it."""

from __future__ import annotations

import inspect

import pytest

from chalicelib.domain.people import Role
from chalicelib.web.routes import Route
from chalicelib.web.surfaces import MODULES, routes_of
from tests.fakes.world import FakeWorld
from tests.web import stage
from tests.web.client import Browser

ALL = list(routes_of("all"))
POSTS = [r for r in ALL if r.methods == ("POST",)]
GETS = [r for r in ALL if "GET" in r.methods]
VALUES = {"template": "tpl_" + "1" * 26, "number": "1", "programme": "prg_" + "1" * 26, "token": "x" * 43,
          "campaign": "cmp_" + "1" * 26, "batch": "imp_" + "1" * 26, "name": "app.css", "kind": "kit",
          "release": "rel_" + "1" * 26, "image": "a" * 64, "upload": "upl_" + "1" * 26, "region": "photo"}


def everything() -> tuple[stage.Watched, Browser, str]:
    """A browser of somebody with every role, and the partner's id."""
    world = FakeWorld()
    acme = stage.partner(world)
    person = stage.person(world, "Hanna", {Role.HQ_ADMIN: None, Role.REVIEWER: None, Role.PARTNER_ADMIN: acme.id})
    watched = stage.Watched(world)
    return watched, stage.browser(watched, person, routes=ALL), acme.id


def path_of(route: Route, partner: str) -> str:
    """The route's path with ids that have the right shape."""
    return route.path.format(partner=partner, **VALUES)


def test_reading_and_changing_are_apart() -> None:
    """A route either reads (GET and HEAD together) or changes (POST); there is no other method."""
    assert {r.methods for r in ALL} == {("GET", "HEAD"), ("POST",)}


def test_only_one_click_goes_without_a_token() -> None:
    """The unsubscribe POST is the single form without CSRF check, because it has no cookie (RFC 8058)."""
    assert [r.path for r in POSTS if not r.csrf] == ["/u/{token}"]


@pytest.mark.parametrize("route", [r for r in POSTS if r.csrf], ids=lambda r: r.path)
@pytest.mark.parametrize("attack", ["no token", "wrong token", "foreign origin", "cross site", "no cookie"])
def test_a_form_from_elsewhere_changes_nothing(route: Route, attack: str) -> None:
    """Every POST of every surface answers 403 and writes nothing for a form that is not ours (N2, N20)."""
    world, browser, partner = everything()
    token = browser.get("/sessions").field("csrf")
    form = {"csrf": {"no token": "", "wrong token": token[:-1] + "!"}.get(attack, token)}
    headers = {"foreign origin": {"origin": "https://evil.example"},
               "cross site": {"origin": "null", "sec-fetch-site": "cross-site"}}.get(attack, {})
    if attack == "no cookie":
        browser.cookies.clear()
    world.calls.clear()
    assert browser.post(path_of(route, partner), form, **headers).status == 403
    assert world.writes() == []


@pytest.mark.parametrize("route", GETS, ids=lambda r: r.path)
def test_no_page_changes_anything_by_being_read(route: Route) -> None:
    """GET and HEAD of every route write nothing, for strangers and for people with every role."""
    world, browser, partner = everything()
    for visitor in (browser, Browser(browser.app, browser.base)):
        for ask in (visitor.get, visitor.head):
            world.calls.clear()
            assert ask(path_of(route, partner)).status < 500
            assert world.writes() == [], world.names()


@pytest.mark.parametrize("route", [r for r in ALL if r.path.startswith("/p/")], ids=lambda r: r.path)
def test_another_partners_page_is_no_page(route: Route) -> None:
    """Every page of a partner, opened by somebody of another one, is byte for byte the 404 of what never was (N33)."""
    world = FakeWorld()
    acme, other = stage.partner(world, "Acme"), stage.partner(world, "Other")
    paul = stage.person(world, "Paul", {Role.PARTNER_ADMIN: acme.id})
    watched = stage.Watched(world)
    browser = stage.browser(watched, paul, routes=ALL, surface="partner")
    token = browser.get("/sessions").field("csrf")

    def ask(partner: str) -> tuple[int, str]:
        path = path_of(route, partner)
        got = browser.get(path) if "GET" in route.methods else browser.post(path, {"csrf": token})
        return got.status, got.body

    watched.calls.clear()
    assert ask(other.id) == ask("prt_" + "9" * 26) == ask("nonsense")
    assert ask(other.id)[0] == 404
    assert not {n for n in watched.names() if n.startswith(("sessions", "contacts", "campaigns", "partners"))}


def test_each_surface_has_its_own_pages_only() -> None:
    """HQ's function mounts no page of a partner, and the partners' function none of HQ (N14)."""
    partner, hq = ({r.path for r in routes_of(s)} for s in ("partner", "hq"))
    assert not [p for p in partner if p.startswith(("/hq", "/r/"))]
    assert not [p for p in hq if p.startswith(("/p/", "/u/"))]
    assert set(MODULES) == {"partner", "hq"}
    with pytest.raises(ValueError, match="surface"):
        list(routes_of("moon"))


def test_handlers_take_what_their_path_names() -> None:
    """Each handler's parameters are the visit and the path's own, or the guard has taken the partner."""
    for route in ALL:
        named = {part.strip("{}") for part in route.path.split("/") if part.startswith("{")}
        taken = set(inspect.signature(route.handler).parameters) - {"visit"}
        assert taken in (named, named - {"partner"}), route.path

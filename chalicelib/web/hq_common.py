"""What HQ's pages share: who they are for, ids that come with forms, and what there is to choose from."""

from __future__ import annotations

import functools

from chalicelib import texts
from chalicelib.domain import schedule
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import make_id
from chalicelib.domain.people import Role
from chalicelib.domain.scope import Scope
from chalicelib.texts.languages import NAMES
from chalicelib.usecases import partners
from chalicelib.web.guard import Visit

STAFF = (Role.HQ_ADMIN, Role.HQ_DESIGNER)
AREAS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


def new_id(visit: Visit, prefix: str) -> str:
    """An id that comes with a form, so that sending the form twice makes one thing."""
    return make_id(prefix, visit.now, visit.world.entropy.bytes(10))


@functools.cache
def zones() -> tuple[tuple[str, str], ...]:
    """The zones to choose from: UTC, then the areas of the world."""
    named = sorted(name for name in schedule.zone_names() if name.split("/")[0] in AREAS)
    return (("UTC", "UTC"), *((name, name.replace("_", " ")) for name in named))


def languages(codes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Languages by their own names, which need no translation."""
    return [(code, NAMES[code]) for code in codes]


def markets(visit: Visit) -> list[tuple[str, str]]:
    _ = texts.translations(visit.language).gettext
    names = {
        "de": _("Germany"), "at": _("Austria"), "ch": _("Switzerland"), "gb": _("United Kingdom"),
        "us": _("United States"), "es": _("Spain"), "fr": _("France"), "hu": _("Hungary"), "all": _("Another market"),
    }
    return [(code, names[code]) for code in partners.MARKETS]


def market_of(market: str) -> str:
    """A market of a form or query, "all" for none; raises NotFound for what is no market."""
    if market and market not in partners.MARKETS:
        raise NotFound
    return market or "all"


def market_choices(visit: Visit) -> list[tuple[str, str]]:
    """The markets that a kit or routes may be for."""
    _ = texts.translations(visit.language).gettext
    return [("all", _("All markets")), *(one for one in markets(visit) if one[0] != "all")]


def scope_of(visit: Visit, market: str) -> Scope:
    """The org's scope for a market."""
    return Scope(visit.world.facts.org_id, market=market)


def number_of(text: str) -> int:
    """A version's number of a form or path; raises NotFound for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise NotFound
    return int(text)

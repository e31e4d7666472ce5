"""Which modules answer on which surface, and how they are mounted.

HQ's and the partners' pages are two functions with two roles (``COUNTERSIGN_SURFACE``), so that
the function of HQ's pages has no way to a partner's customers; locally one process serves both.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator

from chalice.app import Chalice

from chalicelib.usecases.world import World
from chalicelib.web.routes import Route, Routes, mount
from chalicelib.web.urls import Urls

MODULES = {
    "partner": ("assets", "session", "partner", "public"),
    "hq": ("assets", "session", "hq", "hq_assets", "hq_kit", "hq_kit_form", "hq_release", "hq_health", "review"),
}
"""Surface -> modules of ``chalicelib.web`` with ``routes``; ``all`` is both, each module once."""


def routes_of(surface: str) -> Iterator[Route]:
    """The routes of ``partner``, ``hq`` or ``all``; raises ValueError for another surface."""
    if surface == "all":
        names = tuple(dict.fromkeys(name for modules in MODULES.values() for name in modules))
    elif surface in MODULES:
        names = MODULES[surface]
    else:
        raise ValueError(f"no surface {surface!r}; there are partner, hq and all")
    for name in names:
        routes: Routes = importlib.import_module(f"chalicelib.web.{name}").routes
        yield from routes


def mount_surface(app: Chalice, surface: str, world: Callable[[], World]) -> None:
    """Mount one surface; ``world`` is asked at the first request, so that importing costs nothing."""
    @functools.cache
    def urls() -> Urls:
        facts = world().facts
        return Urls(facts.base_url, facts.hq_base_url, facts.hq_base_url if surface == "hq" else facts.base_url)

    mount(app, routes_of(surface), world, urls)

"""People, partners and a template for tests of pages, and sign-in without the mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from chalicelib.domain.ids import OrgId, PartnerId, PersonId, make_id
from chalicelib.domain.partner import LegalEntity, Partner, Sender
from chalicelib.domain.people import Membership, Person, Role
from chalicelib.domain.scope import Zone
from chalicelib.ports.workflow import PartnerCard
from chalicelib.usecases import access
from chalicelib.web import assets, hq, session
from chalicelib.web.routes import Route
from tests.fakes.world import FakeWorld
from tests.web.client import BASE, HQ, Browser, application

FRAME: tuple[Route, ...] = (*assets.routes, *session.routes, *hq.routes)

SOURCE = (Path(__file__).resolve().parents[2] / "templates" / "starter" / "spring-offer.en.html").read_bytes()
"""A template that compiles, from the starter kit."""


class Recorder:
    """Stands before a port and writes down each call; what a page costs and changes is read from it."""

    def __init__(self, name: str, port: object, log: list[tuple[str, tuple[Any, ...]]]) -> None:
        self._name, self._port, self._log = name, port, log

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._port, attribute)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._log.append((f"{self._name}.{attribute}", args))
            return found(*args, **kwargs)
        return call


TABLES = (
    "people", "links", "templates", "programmes", "partners", "campaigns", "indexes", "books", "route_notes",
    "contacts",
    "assets", "uploads",
    "imports", "ledger", "releases",
)
OTHERS = ("queue", "blobs", "sessions", "vault", "mailer")
KEPT = ("assets.recent", "templates.get", "templates.recent", "books.recent", "releases.recently_retired",
        "route_notes.decided")
READS = frozenset({
    "templates.recent", "books.recent",
    "assets.recent", "assets.all", "assets.get", "assets.uses", "uploads.get",
    "people.account", "people.find", "people.colleagues",
    "links.get", "templates.get", "templates.list", "programmes.get",
    "programmes.list", "programmes.stopped", "programmes.desk", "partners.cards", "partners.desk", "partners.home",
    "campaigns.get", "campaigns.list", "campaigns.track", "campaigns.history", "indexes.cards", "indexes.due",
    "sessions.open", "blobs.get", "blobs.size",
    "mailer.sender_verified", "contacts.tally", "imports.get", "imports.list", "ledger.slices", "ledger.results",
    "blobs.upload_form",
    "blobs.lines", "books.current", "books.versions", "route_notes.decided", "route_notes.notes",
    "releases.get", "releases.turn", "releases.list", "releases.retired", "releases.recently_retired",
})


class Watched:
    """A world whose every call of a port is written down in ``calls``."""

    def __init__(self, world: FakeWorld) -> None:
        self._world = world
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        port = getattr(self._world, name)
        return Recorder(name, port, self.calls) if name in (*TABLES, *OTHERS) else port

    def names(self) -> list[str]:
        """The calls so far, by port and method."""
        return [name for name, _ in self.calls]

    def database(self) -> list[str]:
        """The calls that cost DynamoDB requests of a warm function.

        A template's version comes from memory or the blob store, and what is the same for everybody is kept.
        """
        return [n for n in self.names() if n.split(".")[0] in TABLES and n not in KEPT]

    def writes(self) -> list[str]:
        """The calls that change something."""
        return [name for name in self.names() if name not in READS]


def person(world: FakeWorld, name: str, roles: Mapping[Role, PartnerId | None] | Iterable[Role] = ()) -> Person:
    """Add a person with roles; at HQ unless a partner is named."""
    now = world.clock.now()
    made = Person(
        id=PersonId(make_id("prs", now, world.entropy.bytes(10))), address=f"{name.lower()}@example.com", name=name,
        created_at=now,
    )
    pairs = roles.items() if isinstance(roles, Mapping) else [(role, None) for role in roles]
    world.people.add(made, [
        Membership(
            person=made.id, role=role, org=OrgId(world.facts.org_id), partner=at, partner_name="Acme" if at else "",
        )
        for role, at in pairs
    ])
    return made


def partner(world: FakeWorld, name: str = "Acme", groups: Iterable[str] = ()) -> Partner:
    """Add a partner that is registered at HQ."""
    now = world.clock.now()
    made = Partner(
        id=PartnerId(make_id("prt", now, world.entropy.bytes(10))), org=OrgId(world.facts.org_id), name=name,
        groups=frozenset(groups), created_at=now,
        entity=LegalEntity(name=name, street="Hafenstr. 1", postal_code="20457", city="Hamburg", country="DE",
                           email="info@acme.example"),
        sender=Sender(address="news@acme.example.com", display_name=name),
    )
    world.partners.save(world.session(made.id, Zone.REVIEW), made, expected_version=0)
    world.partners.register(PartnerCard.of(made))
    return made


def browser(world: Any, who: Person | None = None, *, routes: Iterable[Route] = FRAME, surface: str = "hq") -> Browser:
    """A browser, signed in as somebody."""
    found = Browser(application(world, routes, surface=surface), base=HQ if surface == "hq" else BASE)
    if who is not None:
        account = world.people.account(who.id)
        found.cookies["__Host-cs"], _ = access.start(world, account.person, found.agent)
        if isinstance(world, Watched):
            world.calls.clear()
    return found

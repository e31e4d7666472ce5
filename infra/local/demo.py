"""What the demo dealers sell to whom: two templates, a programme and customers, made the usual ways.

Customers come through the import, as a dealer's own file would; names are drawn from short lists
by the row's number, so that every first start looks alike.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from chalicelib.domain.asset import Details
from chalicelib.domain.book import BookKind
from chalicelib.domain.contact import LegalBasis
from chalicelib.domain.ids import PartnerId, PersonId, make_id
from chalicelib.domain.people import Person
from chalicelib.domain.schedule import LOCAL_FORMAT, zone_of
from chalicelib.domain.scope import Scope, Zone
from chalicelib.usecases import asset_run, assets, imports, kits, programmes, publish
from chalicelib.usecases.programmes import Definition
from chalicelib.usecases.publish import Upload
from chalicelib.usecases.world import World

STARTER = Path(__file__).resolve().parents[2] / "templates" / "starter"
KIT = STARTER / "nordlicht.kit.yaml"
IMAGE_HOST = "https://images.example.com/nordlicht/"
"""Where the starter templates expect HQ's pictures; the local run serves them from its bucket."""
TEMPLATES = {"spring-offer.en.html": "Spring check-up", "fruehjahr.de.html": "Frühjahrs-Check"}
PICTURES = {
    "spring-lake.png": "A bicycle by a lake on a clear spring morning", "city-morning.png": "A city in morning light",
    "forest-trail.png": "A trail through a forest",
}
"""The pictures of head office's library and what they show."""
PROGRAMME = "Spring check-up weeks"
BRIEF = ("Invite your customers to a spring check-up. Choose a picture, tell your own story and your opening hours; "
         "logo, colours and legal text come from us.")
OPEN_DAYS = 60

FIRST = ("Ada", "Ben", "Carla", "Dario", "Elif", "Femke", "Goran", "Hedda", "Ilka", "Jonas", "Kaya", "Lena", "Milan",
         "Nora", "Otto", "Pia", "Quentin", "Rosa", "Sami", "Tilda", "Uwe", "Vera", "Wim", "Xenia", "Yann", "Zoe")
LAST = ("Adler", "Berg", "Costa", "Dahl", "Eder", "Falk", "Grau", "Holm", "Ivens", "Jung", "Klein", "Lang", "Moser")
HEADER = ("email", "first_name", "last_name", "city", "consent_basis", "consent_at", "consent_source", "status")
SIMULATED = ("bounce", "complaint", "success")
"""The mailboxes of SES's simulator, so that feedback can be seen without a real bounce."""


def publish_templates(world: World, admin: Person, images: str) -> str:
    """Publish the starter templates once; returns ``<id>/<version>`` of the English one."""
    known = {t.latest.name: f"{t.id}/{t.latest.number}" for t in publish.templates(world)}
    for file in sorted((STARTER / "images").glob("*.png")):
        world.blobs.put(None, f"ORG/assets/{file.name}", file.read_bytes(), "image/png")
    for name, title in TEMPLATES.items():
        if title in known:
            continue
        source = (STARTER / name).read_text("utf-8").replace(IMAGE_HOST, images)
        version = publish.publish(world, admin, Upload(
            template=make_id("tpl", world.clock.now(), world.entropy.bytes(10)), number=1, name=title, language="",
            source=source.encode(),
        ))
        known[title] = f"{version.template}/{version.number}"
    return known[TEMPLATES["spring-offer.en.html"]]


def fill_library(world: World, admin: Person) -> None:
    """Put head office's pictures into its library, once; its queue does not run yet, so they are made at once."""
    if world.assets.all(None):
        return
    for name, alt in PICTURES.items():
        file = STARTER / "images" / name
        started = assets.start_upload(
            world, admin.id, None, Details(name=file.stem.replace("-", " ").capitalize(), alt=alt))
        world.blobs.put(None, assets.upload_key("", started.id), file.read_bytes(), "image/png")
        asset_run.run(world, None, started.id)


def publish_kit(world: World, admin: Person) -> None:
    """Publish the brand's kit, once."""
    scope = Scope(world.facts.org_id)
    if not kits.published(world, BookKind.KIT, scope):
        kits.publish(world, admin, scope, KIT.read_text("utf-8"), number=1, note="The brand as it is")


def define_programme(world: World, admin: Person, template: str, reviewer: str, zone: str) -> None:
    """Open the programme to every dealer for two months, once."""
    if any(p.title == PROGRAMME for p in world.programmes.list()):
        return
    today = world.clock.now().astimezone(zone_of(zone)).replace(hour=0, minute=0)
    programmes.define(world, admin, Definition(
        id=make_id("prg", world.clock.now(), world.entropy.bytes(10)), title=PROGRAMME, brief=BRIEF,
        template=template, opens=today.strftime(LOCAL_FORMAT),
        closes=(today + timedelta(days=OPEN_DAYS)).strftime(LOCAL_FORMAT), zone=zone, groups="dealers",
        reviewers=reviewer, cap_count="4", cap_days="30",
    ))


def import_customers(world: World, partner: PartnerId, person: PersonId, place: str, count: int) -> None:
    """Upload a file of customers for a dealer who has none; its queue does the rest."""
    session = world.sessions.open(partner, Zone.PARTNER)
    world.vault.create_keys(session)
    if world.imports.list(session):
        return
    batch, _ = imports.start_import(
        world, person, session, file_name=f"customers-{place}.csv", basis=LegalBasis.DOUBLE_OPT_IN.value,
        source="Newsletter form in the shop", wording="Yes, send me news and offers by e-mail.", attest=True,
    )
    world.blobs.put(session, imports.upload_key(partner, batch.id), customers(world, place, count), "text/csv",
                    temporary=True)


def customers(world: World, place: str, count: int) -> bytes:
    """A file of customers: most opted in, some have unsubscribed, two rows are refused."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    writer.writerows(_rows(world, place, count))
    writer.writerow(["not-an-address", "Typo", "Error", place, "double_opt_in", "2026-01-15", "shop", ""])
    writer.writerow([f"later@{place}.example", "No", "Consent", place, "", "2026-01-15", "shop", ""])
    return out.getvalue().encode()


def _rows(world: World, place: str, count: int) -> Iterator[list[str]]:
    agreed = (world.clock.now() - timedelta(days=200)).date()
    for number in range(count):
        first, last = FIRST[number % len(FIRST)], LAST[number // 2 % len(LAST)]
        address = f"{first}.{last}{number}@{place}.example".lower()
        if number < len(SIMULATED):
            address = f"{SIMULATED[number]}+{place}@simulator.amazonses.com"
        status = "unsubscribed" if number % 17 == 5 else "subscribed"
        when = (agreed + timedelta(days=number % 150)).isoformat()
        yield [address, first, last, place.title(), "double_opt_in", when, "Newsletter form in the shop", status]

"""A world without AWS: every port is a fake that enforces what the real one does."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.adapters.draws import MacDraws
from chalicelib.adapters.images import PillowImages
from chalicelib.adapters.unsubscribe import MacTokens
from chalicelib.domain.ids import OrgId, PartnerId
from chalicelib.domain.scope import Zone
from chalicelib.ports.operation import Inspector, Resolver
from tests.fakes.assets import FakeAssets, FakeUploads
from tests.fakes.operation import FakeAccount
from tests.fakes.releases import FakeReleases
from tests.fakes.rules import FakeBooks, FakeRouteNotes
from tests.fakes.sending import FakeBulkMailer, FakeLedger, FakeMailer, FakeRate
from tests.fakes.system import FakeBlobs, FakeClock, FakeEntropy, FakeQueue, FakeSession, FakeSessions
from tests.fakes.trust import FakeContacts, FakeImports, FakeVault
from tests.fakes.workflow import (
    FakeCampaigns,
    FakeIndexes,
    FakeLinks,
    FakePartners,
    FakePeople,
    FakeProgrammes,
    FakeTemplates,
)

ORG = OrgId("org_" + "0" * 26)


@dataclass(frozen=True, slots=True)
class FakeFacts:
    """The settings a use case may know."""

    org_id: OrgId = ORG
    org_name: str = "Fjord Bikes"
    base_url: str = "https://partners.example.com"
    hq_base_url: str = "https://hq.example.com"
    media_url: str = "https://media.example.com"
    mail_from: str = "countersign@mail.example.com"
    configuration_set: str = "countersign"


class FakeWorld:
    """Satisfies ``usecases.world.World``; a test reaches the fakes' own fields through it."""

    def __init__(self, *, clock: FakeClock | None = None, facts: FakeFacts | None = None, seed: int = 0) -> None:
        self.facts = facts or FakeFacts()
        self.clock = clock or FakeClock()
        self.entropy = FakeEntropy(seed)
        self.sessions = FakeSessions()
        self.queue = FakeQueue(self.clock)
        self.blobs = FakeBlobs()
        self.people = FakePeople()
        self.links = FakeLinks()
        self.templates = FakeTemplates()
        self.contacts = FakeContacts()
        self.partners = FakePartners(self.contacts, lambda: self.ledger)
        self.programmes = FakeProgrammes(self.partners)
        self.campaigns = FakeCampaigns(self.programmes, self.partners.tracks)
        self.indexes = FakeIndexes(self.campaigns)
        self.books = FakeBooks()
        self.route_notes = FakeRouteNotes()
        self.assets = FakeAssets()
        self.uploads = FakeUploads()
        self.images = PillowImages()
        self.releases = FakeReleases()
        self.imports = FakeImports()
        self.vault = FakeVault()
        self.draws = MacDraws(b"a secret of tests, 32 bytes long")
        self.unsubscribe = MacTokens(b"a secret of tests, 32 bytes long")
        self.ledger = FakeLedger()
        self.mailer = FakeMailer()
        self.bulk_mailer = FakeBulkMailer()
        self.rate = FakeRate(self.clock, self._sleep)
        self.inspector: Inspector = FakeAccount()
        self.resolver: Resolver | None = FakeAccount()

    def session(self, partner: PartnerId, zone: Zone = Zone.PARTNER) -> FakeSession:
        """A session, without asking ``sessions`` for it."""
        return FakeSession(partner, zone)

    def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)

"""Everything a use case may reach, as one protocol; wiring builds it lazily, tests fake it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

# A page that uses one port need not make the protocols of all: annotations are never evaluated.
if TYPE_CHECKING:
    from chalicelib.domain.ids import OrgId
    from chalicelib.ports.assets import Assets, Images, Uploads
    from chalicelib.ports.operation import Inspector, Resolver
    from chalicelib.ports.releases import Releases
    from chalicelib.ports.rules import Books, RouteNotes
    from chalicelib.ports.sending import BulkMailer, Ledger, Mailer, RateLimiter
    from chalicelib.ports.system import Blobs, Clock, Draws, Entropy, PartnerSessions, Queue
    from chalicelib.ports.trust import Contacts, Imports, UnsubscribeTokens, Vault
    from chalicelib.ports.workflow import (
        CampaignIndexes,
        Campaigns,
        Links,
        Partners,
        People,
        Programmes,
        Templates,
    )


class Facts(Protocol):
    """The few settings a use case may know."""

    @property
    def org_id(self) -> OrgId:
        """The org this deployment serves."""

    @property
    def org_name(self) -> str:
        """Its name, as mails and pages show it."""

    @property
    def base_url(self) -> str:
        """Where partners' and customers' pages are, without a slash at the end."""

    @property
    def hq_base_url(self) -> str:
        """Where HQ's and reviewers' pages are, without a slash at the end."""

    @property
    def media_url(self) -> str:
        """Where images are seen by everybody, without a slash at the end."""

    @property
    def mail_from(self) -> str:
        """The sender of system mails."""

    @property
    def configuration_set(self) -> str:
        """The SES configuration set of every mail."""


class World(Protocol):
    """One read-only property per port; a use case touches only what it needs."""

    @property
    def facts(self) -> Facts: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def entropy(self) -> Entropy: ...
    @property
    def draws(self) -> Draws: ...
    @property
    def sessions(self) -> PartnerSessions: ...
    @property
    def queue(self) -> Queue: ...
    @property
    def blobs(self) -> Blobs: ...
    @property
    def people(self) -> People: ...
    @property
    def links(self) -> Links: ...
    @property
    def templates(self) -> Templates: ...
    @property
    def programmes(self) -> Programmes: ...
    @property
    def partners(self) -> Partners: ...
    @property
    def campaigns(self) -> Campaigns: ...
    @property
    def indexes(self) -> CampaignIndexes: ...
    @property
    def books(self) -> Books: ...
    @property
    def route_notes(self) -> RouteNotes: ...
    @property
    def assets(self) -> Assets: ...
    @property
    def uploads(self) -> Uploads: ...
    @property
    def images(self) -> Images: ...
    @property
    def releases(self) -> Releases: ...
    @property
    def contacts(self) -> Contacts: ...
    @property
    def imports(self) -> Imports: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def unsubscribe(self) -> UnsubscribeTokens: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def mailer(self) -> Mailer: ...
    @property
    def bulk_mailer(self) -> BulkMailer: ...
    @property
    def rate(self) -> RateLimiter: ...
    @property
    def inspector(self) -> Inspector: ...
    @property
    def resolver(self) -> Resolver | None: ...

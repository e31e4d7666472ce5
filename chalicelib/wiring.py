"""Picks the adapters: one container per process, in which every port is made at first use.

Importing this module makes no AWS client and loads no AWS library; adapters are imported where
they are made, because a page that reads one table should not pay for the rest.
"""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from chalicelib import observe
from chalicelib import settings as settings_module
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.entropy import SystemEntropy
from chalicelib.domain.scope import Zone
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.adapters.aws import Clients
    from chalicelib.adapters.dynamo.table import Table
    from chalicelib.adapters.schema import Names
    from chalicelib.ports.assets import Assets, Images, Uploads
    from chalicelib.ports.operation import DeadLetters, Inspector, Journal, Resolver
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
    from chalicelib.usecases.world import Facts, World


class Tables(NamedTuple):
    """The three tables, by trust zone (docs/adr/0002)."""

    workflow: Table
    trust: Table
    keys: Table


class Container:
    """Satisfies ``usecases.world.World`` with the adapters of one deployment.

    ``clock``, ``entropy`` and ``clients`` may be given, which the local runner and tests do.
    """

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, entropy: Entropy | None = None,
        clients: Clients | None = None,
    ) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.entropy: Entropy = entropy or SystemEntropy()
        self._clients = clients

    @property
    def facts(self) -> Facts:
        """The few settings a use case may know."""
        return self.settings

    @cached_property
    def clients(self) -> Clients:
        """The AWS clients; each is made when it is first asked for."""
        from chalicelib.adapters.aws import Clients

        return self._clients or Clients(self.settings.region, endpoint=self.settings.endpoint)

    @cached_property
    def names(self) -> Names:
        """The names of this deployment's tables and queues."""
        from chalicelib.adapters.schema import Names

        return Names(self.settings.app, self.settings.stage, self.settings.bucket)

    @cached_property
    def tables(self) -> Tables:
        """The deployment's three tables."""
        from chalicelib.adapters.dynamo.connection import ScopedConnection
        from chalicelib.adapters.schema import KEYS, TRUST, WORKFLOW, open_table

        connection = ScopedConnection(self.clients)
        return Tables(*(open_table(connection, self.names, schema) for schema in (WORKFLOW, TRUST, KEYS)))

    # --- system

    @cached_property
    def sessions(self) -> PartnerSessions:
        """Credentials per partner, from STS."""
        from chalicelib.adapters.sessions import StsPartnerSessions

        roles = {Zone.PARTNER: self.settings.partner_role, Zone.REVIEW: self.settings.review_role}
        return StsPartnerSessions(self.clients, self.clock, roles)

    @cached_property
    def draws(self) -> Draws:
        """Draws under the deployment's secret."""
        from chalicelib.adapters.draws import MacDraws
        from chalicelib.adapters.secret import reveal

        return MacDraws(reveal(self.clients, self.settings.secret))

    @cached_property
    def queue(self) -> Queue:
        """SQS."""
        from chalicelib.adapters.queue import SqsQueue

        return SqsQueue(self.clients, self.settings.prefix, url_prefix=self.settings.queue_url_prefix)

    @cached_property
    def blobs(self) -> Blobs:
        """S3."""
        from chalicelib.adapters.blobs import S3Blobs

        return S3Blobs(self.clients, self.settings.bucket)

    # --- workflow

    @cached_property
    def people(self) -> People:
        """Persons, memberships, sessions."""
        from chalicelib.adapters.dynamo.people import DynamoPeople

        return DynamoPeople(self.tables.workflow, self.settings.org_id)

    @cached_property
    def links(self) -> Links:
        """Mailed links and rate limits."""
        from chalicelib.adapters.dynamo.links import DynamoLinks

        return DynamoLinks(self.tables.workflow, self.settings.org_id)

    @cached_property
    def templates(self) -> Templates:
        """Template versions."""
        from chalicelib.adapters.dynamo.templates import DynamoTemplates

        return DynamoTemplates(self.tables.workflow, self.blobs, self.settings.org_id, self.clock)

    @cached_property
    def programmes(self) -> Programmes:
        """Programmes and the switch."""
        from chalicelib.adapters.dynamo.programmes import DynamoProgrammes

        return DynamoProgrammes(self.tables.workflow, self.settings.org_id)

    @cached_property
    def partners(self) -> Partners:
        """Partners and their participations."""
        from chalicelib.adapters.dynamo.partners import DynamoPartners

        return DynamoPartners(self.tables.workflow, self.tables.trust, self.settings.org_id)

    @cached_property
    def campaigns(self) -> Campaigns:
        """Campaigns of one partner."""
        from chalicelib.adapters.dynamo.campaigns import DynamoCampaigns

        return DynamoCampaigns(self.tables.workflow, self.settings.org_id)

    @cached_property
    def indexes(self) -> CampaignIndexes:
        """What reaches over partners."""
        from chalicelib.adapters.dynamo.indexes import DynamoCampaignIndexes

        return DynamoCampaignIndexes(self.tables.workflow, self.settings.org_id)

    @cached_property
    def books(self) -> Books:
        """Brand kits and approval routes."""
        from chalicelib.adapters.dynamo.books import DynamoBooks

        return DynamoBooks(self.tables.workflow, self.blobs, self.settings.org_id, self.clock)

    @cached_property
    def route_notes(self) -> RouteNotes:
        """What the approval routes did with submissions."""
        from chalicelib.adapters.dynamo.books import DynamoRouteNotes

        return DynamoRouteNotes(self.tables.workflow, self.settings.org_id, self.clock)

    @cached_property
    def releases(self) -> Releases:
        """Releases of head office, and template versions that end."""
        from chalicelib.adapters.dynamo.releases import DynamoReleases

        return DynamoReleases(self.tables.workflow, self.blobs, self.settings.org_id, self.clock)

    @cached_property
    def assets(self) -> Assets:
        """Images of HQ and of partners."""
        from chalicelib.adapters.dynamo.assets import DynamoAssets

        return DynamoAssets(self.tables.workflow, self.settings.org_id, self.clock)

    @cached_property
    def uploads(self) -> Uploads:
        """Image files on their way."""
        from chalicelib.adapters.dynamo.assets import DynamoUploads

        return DynamoUploads(self.tables.workflow, self.settings.org_id)

    @cached_property
    def images(self) -> Images:
        """What makes pictures of files; loads Pillow at its first use."""
        from chalicelib.adapters.images import PillowImages

        return PillowImages()

    # --- trust

    @cached_property
    def contacts(self) -> Contacts:
        """Sealed customers."""
        from chalicelib.adapters.dynamo.contacts import DynamoContacts
        from chalicelib.adapters.journal import journaled_contacts

        return journaled_contacts(DynamoContacts(self.tables.trust), self.clients, self.settings.bucket, self.clock)

    @cached_property
    def imports(self) -> Imports:
        """Import batches."""
        from chalicelib.adapters.dynamo.imports import DynamoImports

        return DynamoImports(self.tables.trust)

    @cached_property
    def vault(self) -> Vault:
        """The partners' keys."""
        from chalicelib.adapters.vault import KmsVault

        return KmsVault(self.clients, self.tables.keys, self.settings.kms_key, self.clock, self.entropy)

    @cached_property
    def unsubscribe(self) -> UnsubscribeTokens:
        """Tokens under the deployment's secrets."""
        from chalicelib.adapters.secret import reveal
        from chalicelib.adapters.unsubscribe import MacTokens

        secrets = [self.settings.secret, *self.settings.former_secrets]
        return MacTokens(*(reveal(self.clients, secret) for secret in secrets))

    # --- sending

    @cached_property
    def ledger(self) -> Ledger:
        """Manifests, attempts, slices."""
        from chalicelib.adapters.dynamo.ledger import DynamoLedger
        from chalicelib.adapters.journal import journaled_ledger

        return journaled_ledger(DynamoLedger(self.tables.trust), self.clients, self.settings.bucket, self.clock)

    @cached_property
    def mailer(self) -> Mailer:
        """SES, for system mails."""
        from chalicelib.adapters.ses import SesMailer

        return SesMailer(
            self.clients, configuration_set=self.settings.configuration_set, endpoint=self.settings.ses_endpoint)

    @cached_property
    def bulk_mailer(self) -> BulkMailer:
        """SES, for campaigns."""
        from chalicelib.adapters.ses import SesBulkMailer

        return SesBulkMailer(
            self.clients, configuration_set=self.settings.configuration_set, endpoint=self.settings.ses_endpoint)

    @cached_property
    def rate(self) -> RateLimiter:
        """The partners' shares of SES's rate."""
        from chalicelib.adapters.rate import DynamoRate

        return DynamoRate(self.tables.workflow, self.tables.trust, self.settings.org_id, self.clock)

    # --- operation

    @cached_property
    def inspector(self) -> Inspector:
        """Reads the account, for the doctor."""
        from chalicelib.adapters.doctor import AwsInspector

        return AwsInspector(
            self.clients, self.names, configuration_set=self.settings.configuration_set,
            endpoint=self.settings.ses_endpoint)

    @cached_property
    def resolver(self) -> Resolver | None:
        """The name system; None where everything is local and no domain is real."""
        from chalicelib.adapters.dns import DnsResolver

        return None if self.settings.endpoint else DnsResolver(self.entropy)

    @cached_property
    def journal(self) -> Journal:
        """What a rollback of the tables spares."""
        from chalicelib.adapters.journal import S3Journal

        return S3Journal(self.clients, self.settings.bucket)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """The dead-letter queues."""
        from chalicelib.adapters.doctor import SqsDeadLetters

        return SqsDeadLetters(self.clients, self.names)


_lock = threading.Lock()
_installed: World | None = None


def container() -> World:
    """The process's container, made from the environment at the first call."""
    global _installed
    if _installed is None:
        with _lock:
            if _installed is None:
                loaded = settings_module.load()
                if loaded.function:
                    observe.install(loaded.prefix)
                _installed = Container(loaded)
    return _installed


def tools() -> Container:
    """The container with what only an operator's commands use; raises TypeError for another world."""
    made = container()
    if not isinstance(made, Container):
        raise TypeError("the operator's commands need a deployment")
    return made


def machine() -> tuple[Clock, Entropy]:
    """Time and chance of this machine, for what needs no deployment."""
    return SystemClock(), SystemEntropy()


def install(world: World | None) -> None:
    """Take this container from now on, as the local runner and tests do; None: that of the environment."""
    global _installed
    with _lock:
        _installed = world

"""The packaged handlers do all of a campaign's work against the local AWS, message by message."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import ReadOnlyCredentials

from chalicelib import settings, wiring
from chalicelib.adapters.aws import Clients
from chalicelib.domain.campaign import Campaign, State, Verdict
from chalicelib.domain.schedule import LOCAL_FORMAT, zone_of
from chalicelib.domain.scope import Zone
from chalicelib.events.registry import FUNCTIONS
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import decision, drafts, progress, review, submit
from chalicelib.usecases.drafts import Typed
from infra.local import resources, seed, ses
from infra.local.clock import OffsetClock
from infra.local.deployment import BUCKET, Identity, Ports, environment
from infra.local.emulator import ACCESS_KEY, REGION, SECRET_KEY, Emulator, free_port
from infra.local.pump import Pump, carry_delays, queue_urls
from tests.isolation.judge import JUDGE, Noted
from tests.package.conftest import Packaged

pytestmark = [pytest.mark.package, pytest.mark.emulator]


class Deployment:
    """The local AWS and SES, with every function running from the package."""

    def __init__(self, unzipped: Path, data: Path) -> None:
        self.clock = OffsetClock()
        self.emulator = Emulator(free_port(), data)
        self.emulator.start()
        variables = environment(Ports(1, 2, self.emulator.port), Identity.kept_in(data, self.clock.now()))
        keys = ReadOnlyCredentials(ACCESS_KEY, SECRET_KEY, None, None)
        clients = Clients(REGION, endpoint=self.emulator.url, own=lambda: keys)
        sqs = clients.get("sqs")
        self.world = wiring.Container(settings.read(variables), clock=self.clock, clients=clients)
        resources.ensure(clients, self.world.names)
        urls = queue_urls(sqs, self.world.names.prefix)
        self.mail = ses.Server(
            ses.Config(port=0, store="memory", region=REGION, max_send_rate=10_000), clock=self.clock.now,
            sinks=ses.AwsSinks(sqs=sqs, queue_url=urls["feedback"], s3=clients.get("s3"), bucket=BUCKET),
        )
        self.mail.start()
        variables["COUNTERSIGN_SES_ENDPOINT"] = self.mail.url
        self.world = wiring.Container(settings.read(variables), clock=self.clock, clients=clients)
        resources.ensure_mail(
            clients.get("sesv2", endpoint=self.mail.url), self.world.names.prefix, REGION, seed.SENDERS)
        self.noted = Noted(data / "calls.jsonl", "")
        JUDGE.noted.append(self.noted)
        self.package = Packaged(unzipped, variables | {"SURROUNDINGS_CALLS": str(self.noted.file)})
        self.package.ask(world=True)
        self.handled: Counter[str] = Counter()
        self.pump = Pump(sqs, urls, self.clock, region=REGION, find=self.find)
        carry_delays(sqs, self.clock)

    def find(self, name: str) -> Callable[[Mapping[str, Any], object], object]:
        """A function of the package; whatever it does not finish fails the test."""

        def handler(event: Mapping[str, Any], context: object) -> object:
            for record in event.get("Records", ()):
                body = json.loads(record["body"])
                self.handled[f"{name} {body.get('kind') or body.get('Type') or 'S3'}"] += 1
            answer = self.package.ask(handler=f"chalicelib.events.{name}.handler", event=event)["result"]
            assert name == "tick" or answer == {"batchItemFailures": []}
            self.handled[name] += 1
            return answer

        return handler

    def advance(self, by: timedelta) -> None:
        """Let time pass for everybody, with the tick that follows."""
        self.clock.advance(by)
        self.package.ask(advance=by.total_seconds())
        self.pump.tick()
        self.settle()

    def settle(self) -> None:
        """Handle everything that waits, SES's events included."""
        self.pump.settle()
        self.mail.publisher.flush()
        self.pump.settle()

    def newest_text(self, to: str) -> str:
        """The text of the newest mail to somebody."""
        entry = next(entry for entry in self.mail.store.newest() if to in entry.recipient)
        mail = self.mail.store.get(entry.id)
        assert mail is not None
        return str(mail.as_json())

    def close(self) -> None:
        """End everything."""
        self.package.close()
        self.mail.stop()
        self.emulator.stop()
        JUDGE.noted.remove(self.noted)


@pytest.fixture
def deployment(unzipped: Path, tmp_path: Path) -> Iterator[Deployment]:
    """A seeded deployment: partners invited, customers imported, a programme opened, all by the package."""
    running = Deployment(unzipped, tmp_path)
    try:
        seed.seed(running.world)
        running.settle()
        yield running
    finally:
        running.close()


def submitted(deployment: Deployment) -> tuple[PartnerSession, Campaign]:
    """A campaign of the third dealer, for tomorrow at nine."""
    world = deployment.world
    card = next(card for card in world.partners.cards() if card.name == seed.invitations()[2].name)
    session = world.sessions.open(card.id, Zone.PARTNER)
    home = world.partners.home(session)
    person = world.people.account(home.partner.people[0]).person
    campaign = drafts.start(world, session, person, home.participations[0].programme)
    tomorrow = world.clock.now().astimezone(zone_of(home.partner.zone)) + timedelta(days=1)
    saved = drafts.save(world, session, person, campaign.id, 1, Typed(
        subject="Your bike wakes up", preheader="Book your check-up",
        local_time=tomorrow.replace(hour=9, minute=0).strftime(LOCAL_FORMAT), zone=home.partner.zone,
    ))
    return session, submit.submit(world, session, person, campaign.id, saved.version, terms=True)


def test_the_package_does_the_work(deployment: Deployment) -> None:
    """From the invitation to the last event of SES, every message is handled by what is deployed."""
    world = deployment.world
    session, campaign = submitted(deployment)
    deployment.settle()

    text = deployment.newest_text(seed.MANAGER.address)
    token, code = re.search(r"/r/([\w-]+)", text), re.search(r"Your code: (\d+)", text)
    assert token
    assert code
    shown = review.look(world, token[1])
    decision.decide(world, token[1], Verdict.APPROVE, code=code[1], shown=shown.revision.digests.both)
    deployment.settle()
    assert world.campaigns.get(session, campaign.id).state is State.APPROVED

    assert campaign.start
    deployment.advance(campaign.start.at - world.clock.now() + timedelta(seconds=5))
    for _ in range(15):
        if world.campaigns.get(session, campaign.id).state is State.SENT:
            break
        deployment.advance(timedelta(minutes=1))
    after = world.campaigns.get(session, campaign.id)
    assert (after.state, after.hold_reason) == (State.SENT, None)

    mails = [entry for entry in deployment.mail.store.newest() if entry.subject == "Your bike wakes up"]
    assert len(mails) >= 30
    assert len({entry.recipient for entry in mails}) == len(mails), "nobody gets it twice"
    totals = progress.progress(world, session, after)
    assert totals.unknown == totals.pending == 0
    assert totals.sent + totals.failed == len(mails)
    kinds = set(deployment.handled)
    assert {"tick", "plan plan", "send send", "feedback Notification", "feedback S3", "imports S3"} <= kinds
    assert {"notices invited", "notices programme_opened", "notices outbox", "notices import_done"} <= kinds
    JUDGE.catch_up()
    assert set(FUNCTIONS) <= set(deployment.noted.count), "the calls of each function were heard and judged"


def test_every_kind_of_message_is_known_to_the_package(deployment: Deployment) -> None:
    """The kinds that no campaign brings about are handled as well: sign-in, fresh link, import and recount."""
    world = deployment.world
    session, campaign = submitted(deployment)
    deployment.settle()
    person = world.people.find(seed.ADMIN.address)
    manager = world.people.find(seed.MANAGER.address)
    batch = world.imports.list(session)[0]
    for queue, message in (
        ("notices", {"v": 1, "kind": "sign_in", "person": person}),
        ("notices", {"v": 1, "kind": "fresh_link", "partner": campaign.partner, "campaign": campaign.id, "revision": 1,
                     "stage": 1, "person": manager}),
        ("imports", {"v": 1, "kind": "import", "partner": campaign.partner, "import": batch.id}),
        ("imports", {"v": 1, "kind": "recount", "partner": campaign.partner}),
    ):
        url = queue_urls(deployment.world.clients.get("sqs"), world.names.prefix)[queue]
        world.clients.get("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(message))
    deployment.settle()
    assert {"notices sign_in", "notices fresh_link", "imports import", "imports recount"} <= set(deployment.handled)
    assert "/sign-in" in deployment.newest_text(seed.ADMIN.address)

"""The send path against the naive loop, in mails per CPU second: ``python -m tests.bench.send_path``.

Both send the same mail of 48 KB with ten merge fields to the same stub on the loopback, in turns, and
only this process's CPU time counts. The naive loop is what one would write first: a compiled template,
one client with its default configuration, one thread; per recipient put, render, SendEmail, update.
Ours is the whole of ``usecases.send`` for one slice of an audience of 100,000 (about 3,100 contacts in
eight partitions): manifest, the frequency cap over the rounds before (two in the median round), sealed
contacts and suppressions, rate, control item, the journal's objects, claim, bulk call, outcome, totals.
The second figure is the worker's peak memory at 100,000 against 10,000 recipients.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import Keys, ScopedSession
from chalicelib.adapters.dynamo.codec import stamp
from chalicelib.adapters.dynamo.values import encode_item
from chalicelib.adapters.rate import DynamoRate
from chalicelib.domain import digest
from chalicelib.domain.campaign import State
from chalicelib.domain.cap import Cap
from chalicelib.domain.contact import Contact
from chalicelib.domain.content import Content, Context, Placeholder
from chalicelib.domain.frequency import Started
from chalicelib.domain.ids import CampaignId, ContactId, PartnerId, base32, bytes_of
from chalicelib.domain.manifest import Run, SliceKey, byte_range, slices_for
from chalicelib.domain.scope import Zone
from chalicelib.ports.sending import RateLimiter, Share
from chalicelib.ports.system import Blobs, PartnerSession, PartnerSessions, QueueName
from chalicelib.ports.workflow import Change
from chalicelib.usecases.keys import content_key
from chalicelib.usecases.send import send, work_of
from chalicelib.wiring import Container
from tests import memory as kept
from tests.contract.backends import SETTINGS
from tests.fakes.system import FakeBlobs, FakeClock, FakeEntropy
from tests.sending.stage import BATCH, NOON, PARTNER, START, Stage

FIELDS = tuple(f"field_{n}" for n in range(10))
CAP = Cap(30, 90)
"""So generous that every round sends to everybody, and all of them count."""
GOAL_RATIO, GOAL_MEMORY = 14.0, 1.1
_KEYS = Keys("test", "test", None, None)


def the_mail() -> Content:
    """48 KB of HTML in which ten merge fields stand."""
    row = "<tr><td style=\"padding:8px;font-family:Arial,sans-serif\">{filler}{{{{html_{field}}}}}</td></tr>\n"
    rows = "".join(row.format(filler="Spring offers for every day. " * 160, field=field) for field in FIELDS)
    html = f"<html><body><table>\n{rows}</table><a href=\"{{{{html_unsubscribe_url}}}}\">Unsubscribe</a></body></html>"
    placeholders = [Placeholder(f"html_{field}", field, Context.HTML, "you") for field in FIELDS]
    return Content(
        subject="News for {{subject_field_0}}", html=html, text="Hello {{text_field_0}}",
        placeholders=(
            *placeholders, Placeholder("subject_field_0", "field_0", Context.SUBJECT, "you"),
            Placeholder("text_field_0", "field_0", Context.TEXT, "you"),
            Placeholder("html_unsubscribe_url", "unsubscribe_url", Context.HTML),
        ),
    )


def profile(number: int) -> dict[str, str]:
    """A customer's ten fields."""
    return {field: f"value {number} of {field}" for field in FIELDS}


class _Sessions:
    def open(self, partner: PartnerId, zone: Zone) -> PartnerSession:
        return ScopedSession(partner, zone, lambda: _KEYS)


class Bench(Container):
    """The real adapters against the stub; credentials and the content's blob need no call."""

    def __init__(self, endpoint: str) -> None:
        settings = replace(SETTINGS, endpoint=endpoint, ses_endpoint=endpoint, kms_key="key",
                           queue_url_prefix=f"{endpoint}/q/")
        clients = Clients(settings.region, endpoint=endpoint, own=lambda: _KEYS)
        super().__init__(settings, clock=FakeClock(NOON), entropy=FakeEntropy(), clients=clients)

    @cached_property
    def sessions(self) -> PartnerSessions:
        """Static keys."""
        return _Sessions()

    @cached_property
    def blobs(self) -> Blobs:
        """In memory."""
        return FakeBlobs()

    @cached_property
    def rate(self) -> RateLimiter:
        """Reserved as always but not waited for: after a sleep the processor is cold, which the other loop never is."""
        return DynamoRate(
            self.tables.workflow, self.tables.trust, self.settings.org_id, self.clock, sleep=lambda seconds: None)

    @cached_property
    def queue(self) -> Any:
        """Nowhere: the benchmark itself calls the next turn."""
        return _NoQueue()


class _NoQueue:
    def __init__(self) -> None:
        self.last: dict[str, Any] = {}

    def put(self, queue: QueueName, message: dict[str, Any], *, delay: int = 0) -> None:
        self.last = message

    def put_many(self, queue: QueueName, messages: list[dict[str, Any]]) -> None:
        raise NotImplementedError


@contextmanager
def stub() -> Iterator[str]:
    """The stub's URL; it ends with this process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.stub"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdin is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait(timeout=10)


def seed(bench: Bench, campaign_id: CampaignId, recipients: int, *, contacts: range | None) -> int:
    """A sending campaign and its customers, as the importer would have stored them; returns the slices.

    Of the customers only those whose ids begin with a byte in ``contacts`` are stored; None: nobody.
    """
    content = the_mail()
    stage = Stage(contacts=1)
    session = bench.sessions.open(PARTNER, Zone.PARTNER)
    bench.vault.create_keys(session)
    slices = slices_for(recipients, per_slice=4_000)
    bench.ledger.enter(session, Started(run=Run(campaign_id), at=START, slices=slices))
    if contacts:
        bench.programmes.add(replace(stage.fakes.programmes.get(stage.campaign.programme), cap=CAP))
        bench.partners.save(session, stage.fakes.partners.home(stage.session).partner, expected_version=0)
    bench.blobs.put(session, content_key(PARTNER, content.sha256), content.encode(), "application/json")
    revision = stage.fakes.campaigns.history(stage.session, stage.campaign.id).revisions[0]
    revision = digest.bound(replace(revision, campaign=campaign_id, content=content.sha256))
    before = replace(stage.campaign, id=campaign_id, org=SETTINGS.org_id)
    after = replace(
        before, version=2, state=State.SENDING, started_at=START, slices=slices, digests=revision.digests)
    history = stage.fakes.campaigns.history(stage.session, stage.campaign.id)
    bench.campaigns.create(
        session, before, replace(history.draft, campaign=campaign_id),
        replace(history.audit[0], campaign=campaign_id))
    bench.campaigns.commit(session, Change(before=before, after=after, revision=revision))
    bench.rate.publish(Share(rate=1_000_000.0, partners=1))
    if contacts:
        _seed_contacts(bench, session, recipients, contacts)
    return slices


def _seed_contacts(bench: Bench, session: PartnerSession, recipients: int, wanted: range) -> None:
    table = bench.names.table(_trust_schema())
    items: list[list[Any]] = []
    for number in range(recipients):
        address = f"customer{number}@example.com"
        contact = Contact(id=bench.vault.contact_id(session, address), address=address, profile=profile(number))
        if bytes_of(contact.id)[0] not in wanted:
            continue
        sealed = bench.vault.seal(session, contact)
        items.append([table, _wire(contact.id, *sealed)])
        if len(items) == 2_000:
            _post(bench.settings.endpoint, items)
            items = []
    _post(bench.settings.endpoint, items)


def _trust_schema() -> Any:
    from chalicelib.adapters.schema import TRUST

    return TRUST


def _wire(contact: ContactId, address: bytes, sealed_profile: bytes) -> dict[str, Any]:
    """The item that an import makes of a customer."""
    from chalicelib.adapters.dynamo.contacts import _consent_text
    from chalicelib.domain.contact import Consent, LegalBasis

    consent = Consent(basis=LegalBasis.PROVEN_OPT_IN, obtained_at=NOON, source="shop", batch=BATCH)
    wire = encode_item({
        "pk": f"P#{PARTNER}#C#{bytes_of(contact)[0]:02x}", "sk": contact, "type": "contact", "v": 1,
        "address": address, "profile": sealed_profile, "batch": BATCH, "created_at": stamp(NOON),
        "updated_at": stamp(NOON), "made_by": BATCH, "consents": {_consent_text(consent)},
    })
    return {name: _texts(value) for name, value in wire.items()}


def _texts(value: dict[str, Any]) -> dict[str, Any]:
    """Binary as JSON carries it."""
    ((kind, inner),) = value.items()
    return {kind: base64.b64encode(inner).decode()} if kind == "B" and isinstance(inner, bytes) else value


def _post(endpoint: str, items: list[list[Any]]) -> None:
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"))
    connection.request("POST", "/_seed", json.dumps(items))
    connection.getresponse().read()
    connection.close()


def send_slice(bench: Bench, campaign_id: CampaignId, number: int) -> None:
    """Every turn of one slice, one after the other."""
    queue = bench.queue
    queue.last = {
        "v": 1, "kind": "send", "partner": PARTNER, "campaign": campaign_id, "slice": number, "epoch": 1, "turn": 0,
    }
    while queue.last.get("kind") == "send":
        message, queue.last = queue.last, {}
        send(bench, work_of(message), stop_at=bench.clock.now() + timedelta(minutes=15))


class Naive:
    """The loop that one would write first."""

    def __init__(self, endpoint: str) -> None:
        import boto3
        from jinja2 import Environment

        self.dynamo = boto3.client(
            "dynamodb", endpoint_url=endpoint, region_name="eu-central-1", aws_access_key_id="test",
            aws_secret_access_key="test")
        self.ses = boto3.client(
            "sesv2", endpoint_url=endpoint, region_name="eu-central-1", aws_access_key_id="test",
            aws_secret_access_key="test")
        html = the_mail().html
        for field in FIELDS:
            html = html.replace(f"{{{{html_{field}}}}}", f"{{{{ {field} }}}}")
        self.template = Environment(autoescape=True).from_string(html.replace("html_unsubscribe_url", "url"))

    def send(self, number: int) -> None:
        """One recipient."""
        key = {"pk": {"S": "naive"}, "sk": {"S": f"recipient-{number}"}}
        address = f"customer{number}@example.com"
        self.dynamo.put_item(TableName="naive", Item={**key, "address": {"S": address}, "state": {"S": "sending"}})
        html = self.template.render(url=f"https://example.com/u/{number}", **profile(number))
        self.ses.send_email(
            FromEmailAddress="nord@mail.example.com", Destination={"ToAddresses": [address]},
            Content={"Simple": {
                "Subject": {"Data": "News"}, "Body": {"Html": {"Data": html}, "Text": {"Data": "Hello"}},
            }},
        )
        self.dynamo.update_item(
            TableName="naive", Key=key, UpdateExpression="SET #0 = :0", ExpressionAttributeNames={"#0": "state"},
            ExpressionAttributeValues={":0": {"S": "sent"}})


def ratio(rounds: int, recipients: int, single: int) -> float:
    """Mails per CPU second of the send path over those of the naive loop: the median of rounds in turns."""
    with stub() as url:
        bench, naive = Bench(url), Naive(url)
        for number in range(20):
            naive.send(number)
        found = []
        for turn in range(rounds):
            campaign_id = CampaignId(f"cmp_{base32(turn + 1)}")
            eight = byte_range(0, slices_for(recipients, per_slice=4_000))
            seed(bench, campaign_id, recipients, contacts=eight if turn == 0 else None)
            found.append(_one_round(bench, naive, campaign_id, single))
        ours, theirs = (statistics.median(column) for column in zip(*found, strict=True))
    print(f"send path  {1e6 * ours:8.0f} us of CPU a mail ({1 / ours:8.0f} mails a CPU second)")
    print(f"naive loop {1e6 * theirs:8.0f} us of CPU a mail ({1 / theirs:8.0f} mails a CPU second)")
    print(f"ratio      {theirs / ours:8.1f} (goal: at least {GOAL_RATIO:.0f})")
    return float(theirs / ours)


def _one_round(
    bench: Bench, naive: Naive, campaign_id: CampaignId, single: int,
) -> tuple[float, float]:
    """CPU seconds a mail of both, one right after the other."""
    began = time.process_time()
    send_slice(bench, campaign_id, 0)
    spent = time.process_time() - began
    state = bench.ledger.slice(bench.sessions.open(PARTNER, Zone.PARTNER), SliceKey(Run(campaign_id), 0))
    assert state.done and state.totals.sent == state.totals.audience > 0, state
    ours = spent / state.totals.sent
    began = time.process_time()
    for number in range(single):
        naive.send(number)
    return ours, (time.process_time() - began) / single


def worker(url: str, recipients: int) -> None:
    """A process that does nothing but send; prints its peak memory in KB."""
    bench, campaign_id = Bench(url), CampaignId(f"cmp_{base32(1)}")
    content = the_mail()
    session = bench.sessions.open(PARTNER, Zone.PARTNER)
    bench.blobs.put(session, content_key(PARTNER, content.sha256), content.encode(), "application/json")
    slices = bench.campaigns.get(session, campaign_id).slices
    for number in range(slices):
        send_slice(bench, campaign_id, number)
    sent = sum(state.totals.sent for state in bench.ledger.slices(session, Run(campaign_id)))
    assert sent == recipients, f"{sent} of {recipients} were sent"
    print(kept.peak())


def peak(recipients: int) -> int:
    """Peak memory in KB of a worker of its own that sends to so many."""
    with stub() as url:
        seed(Bench(url), CampaignId(f"cmp_{base32(1)}"), recipients, contacts=range(256))
        command = [sys.executable, "-m", "tests.bench.send_path", "--worker", url, "--recipients", str(recipients)]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(found.stdout)


def memory(small: int, large: int) -> float:
    """How much more memory the worker needs for the larger audience."""
    one, other = peak(small), peak(large)
    print(f"memory     {one / 1024:.1f} MB at {small:,} recipients, {other / 1024:.1f} MB at {large:,}")
    print(f"ratio      {other / one:.3f} (goal: at most {GOAL_MEMORY})")
    return other / one


def main() -> int:
    """Print the figures; the exit code tells whether both goals are met."""
    parser = argparse.ArgumentParser(prog="tests.bench.send_path")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--single", type=int, default=150, help="mails of the naive loop in a round")
    parser.add_argument("--large", type=int, default=100_000, help="the larger audience; 0: no memory figure")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker, options.recipients)
        return 0
    good = ratio(options.rounds, options.recipients, options.single) >= GOAL_RATIO
    if options.large:
        good = memory(options.large // 10, options.large) <= GOAL_MEMORY and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

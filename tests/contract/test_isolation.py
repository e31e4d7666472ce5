"""Nobody reaches another partner: every store method, judged by the deployed policies."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.credentials import acting_as
from chalicelib.domain.asset import Asset, Details, Kind, Upload, UploadId, Use
from chalicelib.domain.audience import Tally
from chalicelib.domain.campaign import State
from chalicelib.domain.contact import (
    Consent,
    Contact,
    ImportBatch,
    LegalBasis,
    SealedContact,
    Suppression,
    SuppressionReason,
)
from chalicelib.domain.errors import Conflict, NotFound, Permanent
from chalicelib.domain.frequency import Started
from chalicelib.domain.ids import ContactId, ImportId, base32, base32_of
from chalicelib.domain.ledger import Attempt, Mark, Result, Seen
from chalicelib.domain.manifest import BatchKey, Manifest, Run, SliceKey
from chalicelib.domain.scope import Zone
from chalicelib.domain.totals import SliceState, Totals
from chalicelib.ports import assets, sending, system, trust, workflow
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import Change
from chalicelib.usecases.world import World
from chalicelib.wiring import Container
from tests.contract import values
from tests.contract.backends import Backend, new_partner
from tests.contract.policy import Access, Policy
from tests.contract.recorder import NAMES, Recorder
from tests.fakes.system import START, FakeClock

PORTS: dict[str, type] = {
    "partners": workflow.Partners, "campaigns": workflow.Campaigns, "contacts": trust.Contacts,
    "imports": trust.Imports, "vault": trust.Vault, "ledger": sending.Ledger, "blobs": system.Blobs,
    "rate": sending.RateLimiter, "assets": assets.Assets, "uploads": assets.Uploads,
}
"""Every port with methods that take a partner session."""


def scoped_methods() -> set[str]:
    """``port.method`` for every method of a port that takes a session."""
    return {
        f"{port}.{name}" for port, protocol in PORTS.items()
        for name, method in inspect.getmembers(protocol, inspect.isfunction)
        if "session" in inspect.signature(method).parameters
    }


class Everything:
    """Calls every such method for one partner, with sound arguments."""

    def __init__(self, world: World, session: PartnerSession) -> None:
        w, s, org = world, session, world.facts.org_id
        campaign = values.campaign(org, s.partner)
        partner = values.partner(s.partner, org)
        contact = ContactId(base32_of(bytes(16)))
        batch = ImportBatch(
            id=ImportId(values.new_id("imp")), partner=s.partner, file_name="a.csv", basis=LegalBasis.PROVEN_OPT_IN,
            source="s", wording="w", attested_by=values.EMMA, created_at=START,
        )
        consent = Consent(basis=LegalBasis.PROVEN_OPT_IN, obtained_at=START, source="s", batch=batch.id)
        sealed = SealedContact(
            id=contact, address=b"a", profile=b"p", consents=(consent,), batch=batch.id, created_at=START,
            updated_at=START,
        )
        clear = Contact(id=contact, address="a@example.com", profile={"first_name": "A"})
        slice_ = SliceKey(Run(campaign.id), 0)
        key = BatchKey(slice_, 0, 1)
        attempt = Attempt(
            key=key, marks=MARKS, nonce=b"n" * 8, claimed_at=START, deadline=START + timedelta(minutes=1))
        blob = f"P/{s.partner}/content/a.json"
        ids = (ContactId(base32_of(bytes([n]) * 16)) for n in range(40))
        many = list(ids)
        image = Asset(
            sha256="a" * 64, owner=s.partner, token="0" * 26, kind=Kind.PNG, width=9, height=9, size=9, name="A",
            added_by=values.EMMA, added_at=START,
        )
        upload = Upload(
            id=UploadId(values.new_id("upl")), owner=s.partner, token="0" * 26, details=Details(),
            started_by=values.EMMA, started_at=START,
        )
        use = Use(campaign=campaign.id, partner=s.partner, name="A", at=START)
        self.calls: dict[str, Callable[[], Any]] = {
            "partners.save": lambda: w.partners.save(s, partner, expected_version=0),
            "partners.participate": lambda: w.partners.participate(s, values.participation(s.partner)),
            "partners.home": lambda: w.partners.home(s),
            "partners.desk": lambda: w.partners.desk(s, campaign.programme),
            "campaigns.create": lambda: w.campaigns.create(
                s, campaign, values.draft(campaign), values.entry(campaign)),
            "campaigns.get": lambda: w.campaigns.get(s, campaign.id),
            "campaigns.control": lambda: w.campaigns.control(s, campaign.id),
            "campaigns.list": lambda: w.campaigns.list(s),
            "campaigns.history": lambda: w.campaigns.history(s, campaign.id),
            "campaigns.save_draft": lambda: w.campaigns.save_draft(s, replace(values.draft(campaign), version=2)),
            "campaigns.commit": lambda: w.campaigns.commit(s, Change(
                before=campaign, revision=values.revision(campaign),
                after=replace(campaign, version=2, state=State.APPROVED, approved_at=START),
                asks=(values.ask(campaign),), draft=replace(values.draft(campaign), version=3))),
            "campaigns.track": lambda: w.campaigns.track(s),
            "contacts.ids": lambda: list(w.contacts.ids(s, 0)),
            "contacts.read": lambda: w.contacts.read(s, [contact, *many]),
            "contacts.scan": lambda: list(w.contacts.scan(s, 0)),
            "contacts.upsert": lambda: w.contacts.upsert(s, sealed),
            "contacts.suppress": lambda: w.contacts.suppress(
                s, Suppression(contact=contact, reason=SuppressionReason.MANUAL, at=START)),
            "contacts.tally": lambda: w.contacts.tally(s),
            "contacts.save_tally": lambda: w.contacts.save_tally(s, TALLY),
            "imports.save": lambda: w.imports.save(s, batch, expected_version=0),
            "imports.get": lambda: w.imports.get(s, batch.id),
            "imports.list": lambda: w.imports.list(s),
            "vault.create_keys": lambda: w.vault.create_keys(s),
            "vault.contact_id": lambda: w.vault.contact_id(s, "a@example.com"),
            "vault.seal": lambda: w.vault.seal(s, clear),
            "vault.open": lambda: w.vault.open(s, replace(sealed, address=b"\x01" * 40, profile=b"\x01" * 40)),
            "ledger.freeze": lambda: w.ledger.freeze(
                s, Manifest(key=slice_, ids=bytes(16), window=50, made_at=START)),
            "ledger.manifest": lambda: w.ledger.manifest(s, slice_),
            "ledger.attempts": lambda: w.ledger.attempts(s, slice_, 0, 9),
            "ledger.announce": lambda: w.ledger.announce(s, [attempt]),
            "ledger.claim": lambda: w.ledger.claim(s, attempt),
            "ledger.settle": lambda: w.ledger.settle(s, key, (Result.SENT,)),
            "ledger.release": lambda: w.ledger.release(s, key, frozenset({0}), START + timedelta(hours=1)),
            "ledger.saw": lambda: w.ledger.saw(s, key, {Seen.DELIVERED: frozenset({0})}),
            "ledger.slice": lambda: w.ledger.slice(s, slice_),
            "ledger.slices": lambda: w.ledger.slices(s, slice_.run),
            "ledger.left": lambda: w.ledger.left(s, slice_.run, contact),
            "ledger.results": lambda: w.ledger.results(s, slice_.run),
            "ledger.advance": lambda: w.ledger.advance(
                s, SliceState(key=slice_), SliceState(key=slice_, turn=1, epoch=1)),
            "ledger.count": lambda: w.ledger.count(s, slice_, Totals(audience=1, pending=1), START),
            "ledger.starts": lambda: w.ledger.starts(s),
            "ledger.enter": lambda: w.ledger.enter(s, Started(run=slice_.run, at=START, slices=1)),
            "ledger.end": lambda: w.ledger.end(s, slice_.run, START, 1),
            "assets.add": lambda: w.assets.add(s, image),
            "assets.all": lambda: w.assets.all(s),
            "assets.recent": lambda: w.assets.recent(s, ["1" * 26]),
            "assets.get": lambda: w.assets.get(s, image.sha256),
            "assets.change": lambda: w.assets.change(s, replace(image, version=2), expected_version=1),
            "assets.note": lambda: w.assets.note(s, image.sha256, use),
            "assets.uses": lambda: w.assets.uses(s, image.sha256),
            "uploads.begin": lambda: w.uploads.begin(s, upload),
            "uploads.get": lambda: w.uploads.get(s, upload.id),
            "uploads.settle": lambda: w.uploads.settle(s, upload),
            "blobs.put_new": lambda: w.blobs.put_new(s, f"MEDIA/P/{s.partner}/a/b.png", b"x", "image/png"),
            "blobs.put": lambda: w.blobs.put(s, blob, b"x", "text/plain"),
            "blobs.get": lambda: w.blobs.get(s, blob),
            "blobs.lines": lambda: list(w.blobs.lines(s, blob)),
            "blobs.size": lambda: w.blobs.size(s, blob),
            "blobs.upload_form": lambda: w.blobs.upload_form(s, blob, max_bytes=9, seconds=9),
            "rate.reserve": lambda: w.rate.reserve(s, 1),
        }


MARKS = bytes([Mark.ADDRESSED])
TALLY = Tally(at=START)
LOCAL = {"vault.contact_id", "vault.seal", "vault.open", "blobs.upload_form"}
"""Methods that may work from keys in memory, without a call of their own."""


@pytest.fixture
def moto_world(moto: Backend) -> Iterator[tuple[Container, Recorder]]:
    """A container on moto with its recorder."""
    yield moto.container(FakeClock())


def test_every_method_that_takes_a_session_is_tried(world: World) -> None:
    """A method that is added to a port fails here until it is tried, too."""
    assert set(Everything(world, world.sessions.open(new_partner(), Zone.PARTNER)).calls) == scoped_methods()


def test_every_method_touches_its_own_partner_only(moto_world: tuple[Container, Recorder]) -> None:
    """Each call is signed with the session's credentials, and the deployed policy allows it."""
    world, recorder = moto_world
    session = world.sessions.open(new_partner(), Zone.PARTNER)
    world.sessions.open(new_partner(), Zone.PARTNER)
    for name, call in Everything(world, session).calls.items():
        recorder.calls.clear()
        with suppress(NotFound, Conflict, Permanent):
            call()
        made = [c for c in recorder.calls if c.name != "sts.AssumeRole"]
        assert made or name in LOCAL, f"{name} made no call"
        own = [c for c in made if c.partner != session.partner]
        # The share of the rate is the org's own note; everything else is the partner's.
        assert name == "rate.reserve" or not own, f"{name} made calls without the partner's credentials: {own}"
        assert recorder.wrong() == [], name


def test_the_recorder_sees_what_is_wrong(moto_world: tuple[Container, Recorder]) -> None:
    """A call that goes round the stores is caught: a foreign key, and a partner's key under the own role."""
    world, recorder = moto_world
    mine, yours = (world.sessions.open(new_partner(), Zone.PARTNER) for _ in range(2))
    client, table = world.clients.get("dynamodb"), "countersign-test-workflow"
    key = {"pk": {"S": f"P#{yours.partner}#HOME"}, "sk": {"S": "PARTNER"}}
    with acting_as(yours):
        client.get_item(TableName=table, Key=key)
    assert recorder.wrong() == []
    with acting_as(mine):
        client.get_item(TableName=table, Key=key)
    client.get_item(TableName=table, Key=key)
    first, second = recorder.wrong()
    assert f"partner of {mine.partner} may not" in first and str(yours.partner) in first
    assert "the function itself touched" in second
    with pytest.raises(AssertionError, match="Scan"):
        client.scan(TableName=table)


@pytest.mark.parametrize(("action", "resource", "context", "allowed"), [
    ("dynamodb:Query", "table/countersign-test-trust", ("P#{me}#C#00",), True),
    ("dynamodb:Query", "table/countersign-test-trust", ("P#{you}#C#00",), False),
    ("dynamodb:BatchGetItem", "table/countersign-test-trust", ("P#{me}#C#00", "P#{you}#C#00"), False),
    ("dynamodb:Query", "table/countersign-test-trust", (), False),
    ("dynamodb:Scan", "table/countersign-test-trust", ("P#{me}#C#00",), False),
    ("dynamodb:Query", "table/countersign-test-workflow/index/due", ("P#{me}#",), False),
    ("dynamodb:GetItem", "table/countersign-test-workflow", ("ORG#x",), False),
    ("dynamodb:GetItem", "table/another", ("P#{me}#HOME",), False),
])
def test_the_judge_reads_the_policy_as_iam_does(
    action: str, resource: str, context: tuple[str, ...], allowed: bool,
) -> None:
    """Keys of the tag only, no request without a key, no scan, no index, no other table."""
    me, you = (f"prt_{base32(n)}" for n in (1, 2))
    policy = Policy("partner-data", NAMES | {"App": "countersign", "Stage": "test", "Bucket": "b"})
    keys = tuple(key.format(me=me, you=you) for key in context)
    access = Access(action, f"arn:aws:dynamodb:region:account:{resource}", {"dynamodb:LeadingKeys": keys})
    assert policy.allows(access, me) is allowed


def test_reviewers_have_no_grant_on_customers() -> None:
    """The role of the review zone reaches the workflow table and no other."""
    me = f"prt_{base32(1)}"
    policy = Policy("review-data", NAMES | {"App": "countersign", "Stage": "test", "Bucket": "b"})
    for table, allowed in (("workflow", True), ("trust", False), ("keys", False)):
        arn = f"arn:aws:dynamodb:region:account:table/countersign-test-{table}"
        access = Access("dynamodb:Query", arn, {"dynamodb:LeadingKeys": (f"P#{me}#X",)})
        assert policy.allows(access, me) is allowed
    decrypt = Access("kms:Decrypt", NAMES["PartnerKeysKey.Arn"], {"kms:EncryptionContext:partner": (me,)})
    assert not policy.allows(decrypt, me)
    assert not policy.allows(Access("s3:GetObject", f"arn:aws:s3:::b/P/{me}/imports/a.csv", {}), me)

"""The journal: starts, manifests, claims and suppressions once more, as S3 objects, which no table's rollback undoes.

``JOURNAL/<partner>/<time>-<kind>-<hash>.json``. The partner's role may add there and neither read nor delete;
ids and times only, no address. Suppressions are written after the table (an unsubscribe works even where S3 does
not), manifests and claims before anything is sent under them. Claims are written as they are announced, a page of
batches in one object; a claim that no announcement of this process covers is written by itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import acting_as, acting_as_self
from chalicelib.adapters.dynamo.codec import moment_of, stamp
from chalicelib.adapters.dynamo.contacts import DynamoContacts
from chalicelib.adapters.dynamo.ledger import DynamoLedger
from chalicelib.adapters.errors import VENDOR_ERRORS, translated
from chalicelib.domain.contact import Suppression, SuppressionReason
from chalicelib.domain.frequency import Started
from chalicelib.domain.ids import CampaignId, ContactId, PartnerId
from chalicelib.domain.ledger import Attempt, Mark
from chalicelib.domain.manifest import BatchKey, Manifest, Run, SliceKey
from chalicelib.ports.operation import Replay
from chalicelib.ports.system import Clock, PartnerSession

PREFIX = "JOURNAL/"
GOOD_FOR = timedelta(minutes=1)
"""How long an announcement stands for the claims that follow it."""
MANIFEST, CLAIM, SUPPRESSION, START = "manifest", "claim", "suppression", "start"


class _Pen:
    """Adds entries, signed with the partner's own keys."""

    def __init__(self, clients: Clients, bucket: str, clock: Clock) -> None:
        self._clients = clients
        self._bucket = bucket
        self._clock = clock

    def write(self, session: PartnerSession, kind: str, entry: Mapping[str, object]) -> None:
        """One object; the same entry at the same time is the same object."""
        body = json.dumps({"v": 1, "kind": kind, **entry}, separators=(",", ":")).encode()
        name = f"{stamp(self._clock.now())}-{kind}-{hashlib.sha256(body).hexdigest()[:16]}"
        try:
            with acting_as(session) as partner:
                self._clients.get("s3").put_object(
                    Bucket=self._bucket, Key=f"{PREFIX}{partner}/{name}.json", Body=body,
                    ContentType="application/json")
        except VENDOR_ERRORS as error:
            raise translated(error, "put_object") from error


class Announced:
    """The claims of the last announcement: which of those that follow stand in the journal already."""

    def __init__(self, attempts: Iterable[Attempt] = ()) -> None:
        self._known = {attempt.key: attempt for attempt in attempts}

    def covers(self, attempt: Attempt) -> bool:
        """Whether a claim was announced a moment ago, with everybody whom it addresses.

        The journal is read from a quarter of an hour before a restored moment, so that what was
        announced long before it was claimed might be missed.
        """
        known = self._known.get(attempt.key)
        if known is None or not timedelta(0) <= attempt.claimed_at - known.claimed_at <= GOOD_FOR:
            return False
        return set(attempt.addressed()) <= set(known.addressed())


class _Contacts(DynamoContacts):
    """The store of contacts with a journal of its suppressions."""

    pen: _Pen

    def suppress(self, session: PartnerSession, suppression: Suppression) -> bool:
        """First where it counts, then where it lasts; both bear repetition."""
        new = super().suppress(session, suppression)
        self.pen.write(session, SUPPRESSION, {
            "contact": suppression.contact, "reason": suppression.reason.value, "at": stamp(suppression.at),
            "source": suppression.source,
        })
        return new


class _Ledger(DynamoLedger):
    """The ledger with a journal of its starts, manifests and claims."""

    pen: _Pen
    announced: Announced

    def enter(self, session: PartnerSession, start: Started) -> Started:
        """Before the start: later campaigns must find it on the list, whatever becomes of the table."""
        self.pen.write(session, START, {
            "campaign": start.run.campaign, "mailing": start.run.mailing, "variant": start.run.variant,
            "at": stamp(start.at), "slices": start.slices,
        })
        return super().enter(session, start)

    def freeze(self, session: PartnerSession, manifest: Manifest) -> Manifest:
        """The manifest that stands is the one to remember."""
        stands = super().freeze(session, manifest)
        self.pen.write(session, MANIFEST, {
            **_place(stands.key), "ids": base64.b64encode(stands.ids).decode(), "window": stands.window,
            "made_at": stamp(stands.made_at), "capped": base64.b64encode(stands.capped).decode(),
        })
        return stands

    def announce(self, session: PartnerSession, attempts: Sequence[Attempt]) -> None:
        """One object for them all: what may be sent must be remembered, what is remembered need not be sent."""
        super().announce(session, attempts)
        if wanted := [attempt for attempt in attempts if attempt.addressed()]:
            self.pen.write(session, CLAIM, {"claims": [_entry(attempt) for attempt in wanted]})
            self.announced = Announced(wanted)

    def claim(self, session: PartnerSession, attempt: Attempt) -> None:
        """Before the claim, unless an announcement covers it."""
        if attempt.addressed() and not self.announced.covers(attempt):
            self.pen.write(session, CLAIM, {"claims": [_entry(attempt)]})
        super().claim(session, attempt)


def journaled_contacts(store: DynamoContacts, clients: Clients, bucket: str, clock: Clock) -> DynamoContacts:
    """The same store, remembering suppressions."""
    made = _Contacts(store._table)
    made.pen = _Pen(clients, bucket, clock)
    return made


def journaled_ledger(store: DynamoLedger, clients: Clients, bucket: str, clock: Clock) -> DynamoLedger:
    """The same ledger, remembering manifests and claims."""
    made = _Ledger(store._table)
    made.pen = _Pen(clients, bucket, clock)
    made.announced = Announced()
    return made


class S3Journal:
    """See ``ports.operation.Journal``; reads with the operator's own role."""

    def __init__(self, clients: Clients, bucket: str) -> None:
        self._clients = clients
        self._bucket = bucket

    def partners(self) -> Sequence[PartnerId]:
        """By the folders of the prefix."""
        with acting_as_self():
            pages = self._clients.get("s3").get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=PREFIX, Delimiter="/")
            return [
                PartnerId(folder["Prefix"].split("/")[1]) for page in pages for folder in page.get("CommonPrefixes", ())
            ]

    def since(self, partner: PartnerId, moment: datetime) -> Replay:
        """Keys sort by time, so that S3 skips what is older."""
        entries = list(self._entries(partner, moment))
        return Replay(
            partner,
            tuple(_manifest(e) for e in entries if e["kind"] == MANIFEST),
            united(_claim(c) for e in entries if e["kind"] == CLAIM for c in e.get("claims", (e,))),
            tuple(_suppression(e) for e in entries if e["kind"] == SUPPRESSION),
            tuple(_start(e) for e in entries if e["kind"] == START),
        )

    def _entries(self, partner: PartnerId, moment: datetime) -> Iterator[dict[str, Any]]:
        client, prefix = self._clients.get("s3"), f"{PREFIX}{partner}/"
        try:
            with acting_as_self():
                pages = client.get_paginator("list_objects_v2").paginate(
                    Bucket=self._bucket, Prefix=prefix, StartAfter=f"{prefix}{stamp(moment)}")
                for page in pages:
                    for found in page.get("Contents", ()):
                        yield json.loads(client.get_object(Bucket=self._bucket, Key=found["Key"])["Body"].read())
        except VENDOR_ERRORS as error:
            raise translated(error, "journal") from error


def united(claims: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """One of each claim: whoever was addressed by any of its entries may have been mailed.

    A batch is announced again where a worker died or paused before it claimed it.
    """
    found: dict[BatchKey, Attempt] = {}
    for claim in claims:
        stands = found.get(claim.key)
        if stands is None:
            found[claim.key] = claim
            continue
        marks = bytes(Mark.ADDRESSED if Mark.ADDRESSED in pair else pair[0]
                      for pair in zip(stands.marks, claim.marks, strict=True))
        found[claim.key] = replace(stands, marks=marks, deadline=max(stands.deadline, claim.deadline))
    return tuple(found.values())


def _entry(attempt: Attempt) -> dict[str, object]:
    return {
        **_place(attempt.key.slice), "batch": attempt.key.batch, "attempt": attempt.key.attempt,
        "marks": base64.b64encode(attempt.marks).decode(), "nonce": attempt.nonce.hex(),
        "claimed_at": stamp(attempt.claimed_at), "deadline": stamp(attempt.deadline),
    }


def _place(key: SliceKey) -> dict[str, object]:
    return {
        "campaign": key.run.campaign, "mailing": key.run.mailing, "variant": key.run.variant, "slice": key.number,
    }


def _run(entry: Mapping[str, Any]) -> Run:
    return Run(CampaignId(entry["campaign"]), entry["mailing"], entry["variant"])


def _slice(entry: Mapping[str, Any]) -> SliceKey:
    return SliceKey(_run(entry), entry["slice"])


def _start(entry: Mapping[str, Any]) -> Started:
    return Started(run=_run(entry), at=moment_of(entry["at"]), slices=entry["slices"])


def _manifest(entry: Mapping[str, Any]) -> Manifest:
    return Manifest(
        key=_slice(entry), ids=base64.b64decode(entry["ids"]), window=entry["window"],
        made_at=moment_of(entry["made_at"]), capped=base64.b64decode(entry.get("capped", "")))


def _claim(entry: Mapping[str, Any]) -> Attempt:
    return Attempt(
        key=BatchKey(_slice(entry), entry["batch"], entry["attempt"]), marks=base64.b64decode(entry["marks"]),
        nonce=bytes.fromhex(entry["nonce"]), claimed_at=moment_of(entry["claimed_at"]),
        deadline=moment_of(entry["deadline"]))


def _suppression(entry: Mapping[str, Any]) -> Suppression:
    return Suppression(
        contact=ContactId(entry["contact"]), reason=SuppressionReason(entry["reason"]), at=moment_of(entry["at"]),
        source=entry["source"])

"""Customers in the trust table: 256 partitions a partner, contact and suppression side by side.

``P#<partner>#C#<first byte of the id>``: `<contact>` holds the two sealed blobs and the consents,
`<contact>#S` the suppression. They are two items so that no write of an import can undo an
unsubscribe, and stand together so that one query reads both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo.codec import check, moment_of, stamp
from chalicelib.adapters.dynamo.failures import ConditionFailed
from chalicelib.adapters.dynamo.table import Table
from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain.audience import Tally
from chalicelib.domain.contact import Consent, LegalBasis, SealedContact, Suppression, SuppressionReason
from chalicelib.domain.errors import Permanent
from chalicelib.domain.ids import ALPHABET, ContactId, ImportId
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.trust import ContactRecord, Upserted, require_customers

PARTITIONS = 256
MAX_READ = 500
_DENSE = 8
"""From this many contacts asked for in one partition, one range query beats reading them by key:
their ids were cut from a sorted list, so few others lie between them."""
_CONTACT = "contact"
_SUPPRESSION = "suppression"
_AFTER = "~"
"""Sorts behind every character of an id and behind ``#S``."""


class DynamoContacts:
    """A partner's customers; every call is signed with the partner's own credentials."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def ids(self, session: PartnerSession, byte: int) -> Iterator[tuple[ContactId, datetime]]:
        """Ids and times of creation in one partition, in the order of ids."""
        require_customers(session)
        items = self._table.of(session).query(
            _pk(session, byte), consistent=True, attributes=("sk", "type", "created_at"))
        for item in items:
            if item.get("type") == _CONTACT:
                yield ContactId(item["sk"]), moment_of(item["created_at"])

    def read(self, session: PartnerSession, ids: Sequence[ContactId]) -> Sequence[ContactRecord]:
        """Contacts with their suppressions, read consistently, in the order asked; at most 500.

        Partitions of which many contacts are asked are read by range, the others all together by
        key (100 keys a call): of a large list a window lies in one or two partitions, of a small
        one it is spread over most of the 256.
        """
        require_customers(session)
        if len(ids) > MAX_READ:
            raise Permanent(f"at most {MAX_READ} contacts are read at once")
        table = self._table.of(session)
        by_byte: dict[int, list[ContactId]] = {}
        for contact in ids:
            by_byte.setdefault(byte_of(contact), []).append(contact)
        found: dict[str, Item] = {}
        keys: list[tuple[str, str]] = []
        for byte, wanted in by_byte.items():
            if len(wanted) >= _DENSE:
                low, high = min(wanted), max(wanted) + _AFTER
                for item in table.query(_pk(session, byte), low=low, high=high, consistent=True):
                    found[item["sk"]] = item
            else:
                keys += [(_pk(session, byte), sk) for contact in wanted for sk in (contact, f"{contact}#S")]
        for item in table.batch_get(keys, consistent=True) if keys else ():
            found[item["sk"]] = item
        return [_record(contact, found.get(contact), found.get(f"{contact}#S")) for contact in ids]

    def scan(self, session: PartnerSession, byte: int) -> Iterator[ContactRecord]:
        """Everything in one partition, in the order of ids."""
        require_customers(session)
        contact: Item | None = None
        for item in self._table.of(session).query(_pk(session, byte), consistent=True):
            sk: str = item["sk"]
            if not sk.endswith("#S"):
                if contact is not None:
                    yield _record(ContactId(contact["sk"]), contact, None)
                contact = item
                continue
            owner = ContactId(sk[:-2])
            if contact is not None and contact["sk"] != owner:
                yield _record(ContactId(contact["sk"]), contact, None)
                contact = None
            yield _record(owner, contact, item)
            contact = None
        if contact is not None:
            yield _record(ContactId(contact["sk"]), contact, None)

    def upsert(self, session: PartnerSession, contact: SealedContact) -> Upserted:
        """One conditional update: times and maker only if absent, consents as a union of sets.

        A set of texts makes the union idempotent: the same row written twice is the same consent.
        """
        require_customers(session)
        pk, sk = _pk(session, byte_of(contact.id)), contact.id
        consents = ex.add("consents", {_consent_text(consent) for consent in contact.consents})
        actions = [
            ex.put("type", _CONTACT), ex.put("v", 1), ex.put("address", contact.address),
            ex.put("profile", contact.profile), ex.put("batch", contact.batch),
            ex.put("updated_at", stamp(contact.updated_at)),
            ex.put_if_absent("created_at", stamp(contact.created_at)), ex.put_if_absent("made_by", contact.batch),
            consents,
        ]
        table = self._table.of(session)
        fresh_enough = ex.any_of(ex.absent("updated_at"), ex.at_most("updated_at", stamp(contact.updated_at)))
        try:
            after = table.update(pk, sk, actions, condition=fresh_enough)
        except ConditionFailed:
            # A newer batch refreshed the blobs already: this one adds its consent and nothing else.
            after = table.update(pk, sk, [consents], condition=ex.present("pk"))
        return Upserted.ADDED if after["made_by"] == contact.batch else Upserted.UPDATED

    def suppress(self, session: PartnerSession, suppression: Suppression) -> bool:
        """Put a suppression if there is none; the first reason stays, whatever comes later."""
        require_customers(session)
        item = {
            "pk": _pk(session, byte_of(suppression.contact)), "sk": f"{suppression.contact}#S",
            "type": _SUPPRESSION, "v": 1, "reason": suppression.reason.value, "at": stamp(suppression.at),
            "source": suppression.source or None,
        }
        try:
            self._table.of(session).put(item, condition=ex.absent("pk"))
        except ConditionFailed as failed:
            # A repeated call may have met its own first write; then the suppression is new after all.
            return failed.retried and (failed.item or {}).get("at") == item["at"]
        return True

    def tally(self, session: PartnerSession) -> Tally | None:
        """The stored count, in one read."""
        require_customers(session)
        item = self._table.of(session).get(*tally_key(session))
        return tally_of(item) if item is not None else None

    def save_tally(self, session: PartnerSession, tally: Tally) -> None:
        """Store a count, unless a newer one is there."""
        require_customers(session)
        counts = {
            "suppressed": {reason.value: count for reason, count in tally.suppressed.items()},
            "by_bases": {"+".join(sorted(bases)): count for bases, count in tally.by_bases.items()},
        }
        item = {
            "pk": tally_key(session)[0], "sk": tally_key(session)[1], "type": "tally", "v": 1, "at": stamp(tally.at),
            "counts": json.dumps(counts),
        }
        try:
            self._table.of(session).put(item, condition=ex.any_of(ex.absent("at"), ex.at_most("at", item["at"])))
        except ConditionFailed:
            return


def byte_of(contact: ContactId) -> int:
    """The first of the id's 16 bytes: its first two characters carry three and five bits of it."""
    return ALPHABET.index(contact[0]) * 32 + ALPHABET.index(contact[1])


def _pk(session: PartnerSession, byte: int) -> str:
    return f"P#{session.partner}#C#{byte:02x}"


def tally_key(session: PartnerSession) -> tuple[str, str]:
    """Where the count of a partner's customers lies."""
    return f"P#{session.partner}#COUNT", "TALLY"


def tally_of(item: Item) -> Tally:
    """A stored count."""
    check(item, "tally", 1)
    counts = json.loads(item["counts"])
    return Tally(
        at=moment_of(item["at"]),
        suppressed={SuppressionReason(reason): count for reason, count in counts["suppressed"].items()},
        by_bases={
            frozenset(LegalBasis(name) for name in names.split("+") if name): count
            for names, count in counts["by_bases"].items()
        },
    )


def _record(contact: ContactId, item: Item | None, suppressed: Item | None) -> ContactRecord:
    return ContactRecord(contact, _sealed(item) if item else None, _suppression(suppressed) if suppressed else None)


def _sealed(item: Item) -> SealedContact:
    check(item, _CONTACT, 1)
    return SealedContact(
        id=ContactId(item["sk"]), address=item["address"], profile=item["profile"],
        consents=tuple(_consent(text) for text in sorted(item["consents"])), batch=ImportId(item["batch"]),
        created_at=moment_of(item["created_at"]), updated_at=moment_of(item["updated_at"]),
    )


def _suppression(item: Item) -> Suppression:
    check(item, _SUPPRESSION, 1)
    return Suppression(
        contact=ContactId(item["sk"][:-2]), reason=SuppressionReason(item["reason"]), at=moment_of(item["at"]),
        source=item.get("source", ""),
    )


def _consent_text(consent: Consent) -> str:
    """One member of the set; the time comes first, so that sorting is by time."""
    return f"{stamp(consent.obtained_at)}|{consent.basis.value}|{consent.batch}|{consent.source}"


@lru_cache(maxsize=4096)
def _consent(text: str) -> Consent:
    at, basis, batch, source = text.split("|", 3)
    return Consent(basis=LegalBasis(basis), obtained_at=moment_of(at), source=source, batch=ImportId(batch))

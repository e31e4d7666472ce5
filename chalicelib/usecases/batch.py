"""One batch on its way out: who is addressed, why others are not, and each one's own data.

This is the hot path: what is the same for all recipients is made once per mailing, and a contact
is in the clear only between opening and the call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from chalicelib.domain.audience import Skip, skip_reason
from chalicelib.domain.errors import Damaged
from chalicelib.domain.ids import CampaignId, ContactId
from chalicelib.domain.ledger import MARK_OF, Mark
from chalicelib.domain.manifest import BatchKey, Manifest
from chalicelib.domain.record import dataclass
from chalicelib.domain.sending import ENTRY_BYTES
from chalicelib.domain.tag import tag_of
from chalicelib.ports.sending import BulkBatch, BulkEntry
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.trust import ContactRecord
from chalicelib.rendering.placeholders import writer
from chalicelib.usecases.approved import Approved
from chalicelib.usecases.world import World

UNSUBSCRIBE = "list-unsubscribe"
ONE_CLICK = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
"""RFC 8058, section 3.1; the other header is each recipient's own."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What one mailing of one partner has in common for all its batches."""

    world: World
    session: PartnerSession
    campaign: CampaignId
    mail: Approved
    market: str

    def seal(
        self, key: BatchKey, manifest: Manifest, allowed: Sequence[int], records: Sequence[ContactRecord],
    ) -> tuple[bytes, BulkBatch]:
        """The marks of an attempt and the call that goes with them, entries in the order of ordinals.

        ``records`` are the window's contacts in its order; ``allowed`` the ordinals that this
        attempt may address.
        """
        first = key.batch * manifest.window
        marks = bytearray([Mark.ABSENT]) * len(records)
        prefix = tag_of(self.session.partner, key)
        entries, write = [], writer(self.mail.content)
        for ordinal in allowed:
            capped = manifest.is_capped(first + ordinal)
            mark, entry = self._judge(records[ordinal], capped, prefix, ordinal, write)
            marks[ordinal] = mark
            if entry is not None:
                entries.append(entry)
        return bytes(marks), self._batch(key, entries)

    def expected(
        self, manifest: Manifest, batch: int, allowed: Sequence[int], records: Sequence[ContactRecord],
    ) -> bytes:
        """The marks that an attempt has at most: whoever may be mailed by what is known now.

        The others are absent, not left out: what keeps this must not say what nobody has judged yet.
        """
        first = batch * manifest.window
        marks = bytearray([Mark.ABSENT]) * len(records)
        for ordinal in allowed:
            record = records[ordinal]
            if record.contact is not None and self._skip(record, manifest.is_capped(first + ordinal)) is None:
                marks[ordinal] = Mark.ADDRESSED
        return bytes(marks)

    def _skip(self, record: ContactRecord, capped: bool) -> Skip | None:
        assert record.contact is not None
        return skip_reason(
            record.contact.consents, record.suppression, market=self.market, recently_mailed=capped)

    def _judge(
        self, record: ContactRecord, capped: bool, prefix: str, ordinal: int,
        write: Callable[[Mapping[str, str], str], str],
    ) -> tuple[Mark, BulkEntry | None]:
        """Whether a recipient is mailed now, and with what."""
        if record.contact is None:
            return Mark.GONE, None
        skip = self._skip(record, capped)
        if skip is not None:
            return MARK_OF[skip], None
        try:
            contact = self.world.vault.open(self.session, record.contact)
        except Damaged:
            return Mark.UNUSABLE, None
        url = self._unsubscribe_url(record.id)
        data = write(contact.profile, url)
        if len(data) * 2 > ENTRY_BYTES and len(data.encode()) > ENTRY_BYTES:
            return Mark.UNUSABLE, None
        return Mark.ADDRESSED, BulkEntry(contact.address, data, f"{prefix}{ordinal}", f"<{url}>")

    def _unsubscribe_url(self, contact: ContactId) -> str:
        token = self.world.unsubscribe.make(self.session.partner, contact, self.campaign)
        return f"{self.world.facts.base_url}/u/{token}"

    def _batch(self, key: BatchKey, entries: Sequence[BulkEntry]) -> BulkBatch:
        revision, content = self.mail.revision, self.mail.content
        (run, number), batch, attempt = key
        own = {UNSUBSCRIBE, ONE_CLICK[0].lower()}
        return BulkBatch(
            from_address=revision.sender_address, from_name=revision.sender_name, reply_to=revision.reply_to,
            subject=content.subject, html=content.html, text=content.text,
            headers=(*(h for h in revision.headers if h[0].lower() not in own), ONE_CLICK),
            tags=(
                ("partner", self.session.partner), ("campaign", run.campaign), ("mailing", str(run.mailing)),
                ("variant", str(run.variant)), ("slice", str(number)), ("batch", str(batch)),
                ("attempt", str(attempt)),
            ),
            entries=tuple(entries),
        )

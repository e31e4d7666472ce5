"""Mailed links by the hash of their token, and counters of the rate limits."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.codec import Kind, epoch, stamp
from chalicelib.adapters.dynamo.failures import ConditionFailed
from chalicelib.adapters.dynamo.table import Table
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import OrgId
from chalicelib.domain.people import Link

LINK = Kind(Link, "link")
KEPT = timedelta(days=30)
"""How long an expired link stays, so that its page can still say so and offer a fresh one."""


class DynamoLinks:
    """See ``ports.workflow.Links``."""

    def __init__(self, table: Table, org: OrgId) -> None:
        self._table = table
        self._org = org

    def put(self, link: Link) -> None:
        """Token hashes have 256 bits: the condition only says that nothing is ever replaced."""
        item = LINK.item(link, self._key(link.token_hash), "LINK", ttl=epoch(link.expires_at + KEPT))
        try:
            self._table.put(item, condition=ex.absent("pk"))
        except ConditionFailed as failed:
            if not failed.was_ours(item):
                raise Conflict("link.exists") from None

    def get(self, token_hash: str) -> Link:
        """A consistent read: a link that was used a moment ago is seen as used."""
        item = self._table.get(self._key(token_hash), "LINK", consistent=True)
        if item is None:
            raise NotFound("no such link")
        return LINK.read(item)

    def use(self, token_hash: str, at: datetime) -> None:
        """Conditional on nobody having used it: of two, one is told when the other did."""
        unused = ex.all_of(ex.present("pk"), ex.absent("used_at"))
        try:
            self._table.update(self._key(token_hash), "LINK", [ex.put("used_at", stamp(at))], condition=unused)
        except ConditionFailed as failed:
            if failed.item is None:
                raise NotFound("no such link") from None
            if failed.retried and failed.item.get("used_at") == stamp(at):
                return
            raise Conflict("link.used", at=str(failed.item.get("used_at", ""))) from None

    def count_try(self, token_hash: str, *, limit: int) -> int:
        """One conditional update, so that guesses made at once are all counted."""
        allowed = ex.all_of(ex.present("pk"), ex.below("tries", limit))
        try:
            item = self._table.update(self._key(token_hash), "LINK", [ex.add("tries", 1)], condition=allowed)
        except ConditionFailed as failed:
            if failed.item is None:
                raise NotFound("no such link") from None
            raise Conflict("link.tries", limit=limit) from None
        return int(item["tries"])

    def forgive_try(self, token_hash: str) -> None:
        """Conditional on there being one; a repeated call after a timeout may forgive another, which is harmless."""
        counted = ex.all_of(ex.present("pk"), ex.above("tries", 0))
        try:
            self._table.update(self._key(token_hash), "LINK", [ex.add("tries", -1)], condition=counted)
        except ConditionFailed as failed:
            if failed.item is None:
                raise NotFound("no such link") from None

    def allow(self, subject: str, now: datetime, *, per_hour: int) -> bool:
        """One item per subject and hour; the subject itself (an address, an IP) is not stored."""
        if per_hour <= 0:
            return False
        hour = now.replace(minute=0, second=0, microsecond=0)
        actions = [
            ex.add("uses", 1), ex.put("type", "limit"), ex.put("v", 1),
            ex.put("ttl", epoch(hour + timedelta(hours=2))),
        ]
        free = ex.any_of(ex.absent("uses"), ex.below("uses", per_hour))
        pk = keys.org(self._org, "LIMIT", keys.sha256(subject))
        try:
            self._table.update(pk, stamp(hour)[:13].translate({ord(c): None for c in "-T"}), actions, condition=free)
        except ConditionFailed:
            return False
        return True

    def _key(self, token_hash: str) -> str:
        return keys.org(self._org, "LINK", token_hash)

"""The partners' shares of SES's rate, and the tick's notes.

``ORG#<org>#CONTROL`` / ``SHARE``: rate and number of active partners, written by the tick;
``ORG#<org>#CONTROL`` / ``QUEUED``: until when a campaign need not be queued again.
``P#<partner>#RATE`` / ``RATE`` in the trust table: the time up to which the partner's share is spoken
for, in milliseconds. That is GCRA (ITU-T I.371, "virtual scheduling"): one number, moved on by what
is reserved. An atomic addition moves it, so that two workers never wait for one another.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.codec import check, moment_of, stamp
from chalicelib.adapters.dynamo.failures import ConditionFailed
from chalicelib.adapters.dynamo.table import Table
from chalicelib.domain.errors import Retryable
from chalicelib.domain.ids import CampaignId, OrgId
from chalicelib.domain.sending import MAX_PAUSE
from chalicelib.ports.sending import Reservation, Share
from chalicelib.ports.system import Clock, PartnerSession
from chalicelib.ports.trust import require_customers

AHEAD = timedelta(seconds=2)
"""A reservation that would begin later than this is not made: the worker comes back instead."""
KEPT = timedelta(seconds=10)
"""How old a worker's knowledge of the rate may be."""
TRIES = 5
_CAREFUL = Share(rate=1.0, partners=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCALE = 1_000
"""Rates are stored in thousandths, because stored numbers are whole."""


class DynamoRate:
    """See ``ports.sending.RateLimiter``."""

    def __init__(
        self, workflow: Table, trust: Table, org: OrgId, clock: Clock, *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._workflow = workflow
        self._trust = trust
        self._org = org
        self._clock = clock
        self._sleep = sleep
        self._known: tuple[datetime, Share] | None = None

    def share(self) -> Share:
        """One read of a small item, good for ten seconds: the tick writes it once a minute."""
        now = self._clock.now()
        if self._known is None or not timedelta(0) <= now - self._known[0] < KEPT:
            self._known = (now, self._read_share())
        return self._known[1]

    def _read_share(self) -> Share:
        item = self._workflow.get(self._pk, "SHARE")
        if item is None:
            return _CAREFUL
        check(item, "share", 1)
        return Share(rate=item["rate"] / _SCALE, partners=item["partners"])

    def publish(self, share: Share) -> None:
        """Replace the item; the last tick is right."""
        self._known = None
        self._workflow.put({
            "pk": self._pk, "sk": "SHARE", "type": "share", "v": 1, "rate": int(share.rate * _SCALE),
            "partners": share.partners,
        })

    def reserve(self, session: PartnerSession, count: int) -> Reservation:
        """Move the partner's time on by what ``count`` mails take, unless it lies too far ahead."""
        require_customers(session)
        each, now = self.share().each, self._clock.now()
        if each <= 0:
            return Reservation(False, now + timedelta(minutes=1), 0.0)
        interval = 1 / each
        cost, here = max(1, round(count * interval * 1000)), _millis(now)
        for _ in range(TRIES):
            free_at = self._add(session, cost, here) or self._restart(session, cost, here)
            if free_at is not None:
                granted = free_at <= here + _millis(_EPOCH + AHEAD)
                return Reservation(granted, _EPOCH + timedelta(milliseconds=max(free_at, here)), interval)
        raise Retryable("the rate of a partner is in great demand")

    def _add(self, session: PartnerSession, cost: int, here: int) -> int | None:
        """Add to a time that lies ahead; returns what it was, also if it lies too far; None if it is past."""
        limit = here + _millis(_EPOCH + AHEAD)
        table = self._trust.of(session)
        try:
            after = table.update(
                *_place(session), [ex.add("free_at", cost)], condition=ex.between("free_at", here, limit))
        except ConditionFailed as failed:
            before = int((failed.item or {}).get("free_at", 0))
            return before if before > limit else None
        return int(after["free_at"]) - cost

    def _restart(self, session: PartnerSession, cost: int, here: int) -> int | None:
        """Begin anew where nothing is spoken for; None if another worker was faster."""
        unused = ex.any_of(ex.absent("free_at"), ex.below("free_at", here))
        actions = [ex.put("type", "rate"), ex.put("v", 1), ex.put("free_at", here + cost)]
        try:
            self._trust.of(session).update(*_place(session), actions, condition=unused)
        except ConditionFailed:
            return None
        return here

    def pause(self, seconds: float) -> None:
        """Wait, a few seconds at most."""
        self._sleep(min(max(0.0, seconds), MAX_PAUSE))

    def queued(self) -> Mapping[CampaignId, datetime]:
        """One read, once a minute."""
        item = self._workflow.get(self._pk, "QUEUED", consistent=True)
        if item is None:
            return {}
        check(item, "queued", 1)
        return {CampaignId(campaign): moment_of(until) for campaign, until in item["until"].items()}

    def remember(self, queued: Mapping[CampaignId, datetime]) -> None:
        """Replace the notes; those of a tick that ran at the same time are lost, which is harmless."""
        self._workflow.put({
            "pk": self._pk, "sk": "QUEUED", "type": "queued", "v": 1,
            "until": {campaign: stamp(until) for campaign, until in queued.items()},
        })

    @property
    def _pk(self) -> str:
        return keys.org(self._org, "CONTROL")


def _place(session: PartnerSession) -> tuple[str, str]:
    return f"P#{session.partner}#RATE", "RATE"


def _millis(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)

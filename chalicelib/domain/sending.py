"""The bounds of the sending path: how far it looks, how much it does at once, when it stops itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.campaign import Campaign, HoldReason
from chalicelib.domain.manifest import MAX_WINDOW
from chalicelib.domain.schedule import GRACE, LATENESS
from chalicelib.domain.totals import Totals

LOOKAHEAD = timedelta(seconds=90)
"""The tick runs every minute and queues what is due within this time, so that a missed one is harmless."""
ACTIVE = timedelta(seconds=150)
"""Who has work within this time counts as active: sending campaigns are looked at every two minutes."""
REPEAT = timedelta(minutes=2)
"""How long after its due second a campaign is not queued a second time."""
STALE = timedelta(minutes=5)
"""A slice that nobody touched for so long has lost its message (a turn takes less) and is queued again."""
PATIENCE = timedelta(minutes=30)
"""How long a campaign whose slices are done waits for news of unknown recipients before it is finished."""
HOP_LIMIT = 500
"""Continuations in one chain; then the clock queues the slice anew. Lambda's own loop detection is off."""
TURN_BATCHES = 40
TURN_TIME = timedelta(seconds=20)
"""What one message may do before it queues its continuation."""
PAGE_BATCHES = 10
"""Batches whose contacts are read at once (500 at most) and whose rate is reserved at once."""
PAGE_SECONDS = 10.0
"""The longest stretch of sending that one reservation covers."""
FRESH = timedelta(seconds=10)
"""An unsubscribe counts up to this long before a claim: older pages are read again."""
MAX_PAUSE = 5.0
"""Seconds that a worker waits for its turn; for more it queues a continuation."""
CALL_TIME = timedelta(seconds=25)
"""What one SES call may take (connect 3 s, read 20 s, and a little): later than this before the end
of the function, none is begun."""
UNKNOWN_LIMIT = 5
"""So many unknown batches in a row hold the campaign."""
MAX_DELAY = 900
"""Seconds that a queue holds a message back at most (SQS quota); whoever must wait longer asks again then."""
MAX_BACKOFF = 60
CALL_BYTES = 900_000
"""What one SendBulkEmail may weigh."""
ENTRY_BYTES = 16_000
"""What one recipient may add to it; who needs more fails, and the others are sent."""

MIN_SENT = 100
MAX_BOUNCED = 0.05
MIN_COMPLAINTS = 3
MAX_COMPLAINED = 0.003
"""Where a campaign stops itself. Amazon reviews an account at 5 % hard bounces or 0.1 % complaints and
may pause it at 10 % and 0.5 % (SES developer guide, "Reputation metrics"); Google asks senders to stay
under 0.3 % (sender guidelines). Below 100 mails, or 3 complaints, a share says nothing."""


def due_at(campaign: Campaign) -> datetime:
    """When an approved campaign starts: at its time, ten minutes after the approval at the earliest."""
    assert campaign.start is not None
    if campaign.approved_at is None:
        return campaign.start.at
    return max(campaign.start.at, campaign.approved_at + GRACE)


def too_late(campaign: Campaign, now: datetime) -> bool:
    """Whether the start is too long ago to send without a person.

    A campaign that a person resumed from being late keeps that reason, and starts.
    """
    return now > due_at(campaign) + LATENESS and campaign.hold_reason is not HoldReason.LATE


def window_for(rate: float, content_bytes: int) -> int:
    """The size of a batch: what SES takes, what the rate gives in a second, what fits into a call."""
    fitting = (CALL_BYTES - content_bytes) // ENTRY_BYTES
    return max(1, min(MAX_WINDOW, int(rate), fitting))


def backoff(attempt: int) -> int:
    """Seconds to wait after the ``attempt``-th attempt was throttled."""
    return int(min(MAX_BACKOFF, 2 ** min(attempt, 6)))


def guard(totals: Totals) -> HoldReason | None:
    """Whether bounces or complaints are so many that the campaign must stop."""
    if totals.sent < MIN_SENT:
        return None
    if totals.complained >= MIN_COMPLAINTS and totals.complained > totals.sent * MAX_COMPLAINED:
        return HoldReason.COMPLAINTS
    return HoldReason.BOUNCES if totals.bounced > totals.sent * MAX_BOUNCED else None

"""The account's two sending limits: mails a second, and mails in 24 hours.

Source: developer guide, "Managing your SES sending limits". Both count recipients, not messages;
mails to the mailbox simulator count against the rate only.
"""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime
from enum import Enum


class Mode(Enum):
    """How a call that asks for more than is left is treated."""

    CREDIT = "credit"
    """One token lets the whole message pass; what it took too much is waited for (SES does this
    for one message to several recipients)."""
    PART = "part"
    """What is there is granted, the rest is not: the entries of a bulk call beyond it are throttled."""
    WHOLE = "whole"
    """All or nothing: the call as a whole is throttled."""


DAY = 24 * 3600.0
_SLOT = 60.0


class Limits:
    """A token bucket of one second's mails, and a rolling count of 24 hours in slots of a minute."""

    def __init__(self, rate: float, quota: float) -> None:
        self.rate = rate
        self.quota = quota
        self._lock = threading.Lock()
        self._tokens = max(rate, 1.0)
        self._filled = 0.0
        self._slots: deque[list[float]] = deque()

    def take(self, count: int, now: datetime, mode: Mode) -> int:
        """How many of ``count`` mails may be sent now; their tokens are taken."""
        with self._lock:
            self._fill(now.timestamp())
            wanted = min(count, int(self.rate)) if mode is Mode.WHOLE else 1
            if self._tokens < max(wanted, 1):
                return 0
            granted = min(count, int(self._tokens)) if mode is Mode.PART else count
            self._tokens -= granted
            return granted

    def left_today(self, now: datetime) -> float:
        """How many mails the daily quota still has; endless for a quota of -1."""
        return float("inf") if self.quota < 0 else max(self.quota - self.sent(now), 0.0)

    def sent(self, now: datetime) -> float:
        """Mails of the last 24 hours."""
        with self._lock:
            while self._slots and self._slots[0][0] <= now.timestamp() - DAY:
                self._slots.popleft()
            return sum(count for _, count in self._slots)

    def count(self, mails: int, now: datetime) -> None:
        """Count accepted mails against the daily quota."""
        with self._lock:
            slot = now.timestamp() // _SLOT * _SLOT
            if self._slots and self._slots[-1][0] >= slot:
                self._slots[-1][1] += mails
            elif mails:
                self._slots.append([slot, float(mails)])

    def _fill(self, now: float) -> None:
        """Add what the time since the last call is worth; a clock that was set back adds nothing."""
        if self._filled:
            passed = max(now - self._filled, 0.0)
            self._tokens = min(self._tokens + passed * self.rate, max(self.rate, 1.0))
        self._filled = now

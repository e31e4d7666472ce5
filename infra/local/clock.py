"""The clock of the local run: the machine's time plus what somebody added on the mailbox page.

It only ever goes forward, and the offset is kept in a file, so that a second start does not find
campaigns that were sent "tomorrow".
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from chalicelib.adapters.clock import SystemClock
from chalicelib.ports.system import Clock

FARTHEST = timedelta(days=3660)
"""Ten years in all: beyond that a typing error is more likely than a wish."""


class OffsetClock:
    """See ``ports.system.Clock``. ``store`` keeps the offset; None keeps it in memory only."""

    def __init__(self, store: Path | None = None, machine: Clock | None = None) -> None:
        self._store = store
        self._machine = machine or SystemClock()
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._offset = timedelta()
        if store is not None and store.exists():
            self._offset = timedelta(seconds=float(json.loads(store.read_text("utf-8"))["offset_seconds"]))

    def now(self) -> datetime:
        """The present of the local run in UTC, in milliseconds."""
        return self._machine.now() + self._offset

    @property
    def offset(self) -> timedelta:
        """How far ahead of the machine's time it is."""
        return self._offset

    def on_advance(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after every advance."""
        self._listeners.append(listener)

    def advance(self, by: timedelta) -> datetime:
        """Go forward and tell the listeners; raises ValueError for a step back or too far."""
        if by < timedelta():
            raise ValueError("the clock goes forward only")
        with self._lock:
            if self._offset + by > FARTHEST:
                raise ValueError(f"the clock goes {FARTHEST.days} days ahead at most")
            self._offset += by
            self._save()
        for listener in self._listeners:
            listener()
        return self.now()

    def _save(self) -> None:
        if self._store is None:
            return
        self._store.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._store.with_suffix(".new")
        fresh.write_text(json.dumps({"offset_seconds": self._offset.total_seconds()}), "utf-8")
        fresh.replace(self._store)

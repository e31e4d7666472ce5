"""What a turn reads at once: the contacts of some windows, and what it tells the ledger before it claims them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from chalicelib.domain import sending
from chalicelib.domain.ledger import Attempt
from chalicelib.domain.manifest import BatchKey, Manifest
from chalicelib.ports.trust import ContactRecord
from chalicelib.usecases.batch import Envelope


class Try(NamedTuple):
    """What a window's next attempt would be: its number, and the ordinals that it may address."""

    attempt: int
    ordinals: Sequence[int]


class Page:
    """The contacts of some windows, read together and anew once they are older than ten seconds."""

    def __init__(
        self, envelope: Envelope, manifest: Manifest, tries: Mapping[int, Try], stop_at: datetime,
    ) -> None:
        self._envelope = envelope
        self._world = envelope.world
        self._session = envelope.session
        self._manifest = manifest
        self._tries = tries
        self._stop_at = stop_at
        self._windows = list(tries)
        self._announced = False
        self._read: dict[int, Sequence[ContactRecord]] = {}
        self._read_at: datetime | None = None

    def fresh(self, now: datetime) -> bool:
        """Whether what was read may still be claimed upon."""
        return self._read_at is not None and now - self._read_at < sending.FRESH

    def announce(self, n: int) -> None:
        """Tell the ledger of the claims to come, once, when the first of them is certain to be tried."""
        if self._announced:
            return
        now = self._world.clock.now()
        self._world.ledger.announce(self._session, [
            Attempt(
                key=BatchKey(self._manifest.key, m, self._tries[m].attempt), claimed_at=now, deadline=self._stop_at,
                marks=self._envelope.expected(self._manifest, m, self._tries[m].ordinals, self._read[m]),
            )
            for m in self._windows[self._windows.index(n):]
        ])
        self._announced = True

    def records(self, n: int) -> Sequence[ContactRecord]:
        """The contacts of window ``n``, with suppressions as they were at most ten seconds ago."""
        now = self._world.clock.now()
        if not self.fresh(now):
            left = self._windows[self._windows.index(n):]
            members = {m: self._manifest.members(m) for m in left}
            found = self._world.contacts.read(self._session, [i for m in left for i in members[m]])
            self._read, position = {}, 0
            for m in left:
                self._read[m] = found[position:position + len(members[m])]
                position += len(members[m])
            self._read_at = now
        return self._read[n]

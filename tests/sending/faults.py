"""A wrapper around every port that numbers the calls and lets chosen ones go wrong.

The checkpoints of a campaign of crashes are the calls that a run without faults makes: nobody
keeps a list of them by hand.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any, cast

from chalicelib.domain.errors import Retryable
from chalicelib.domain.ledger import Result
from chalicelib.domain.totals import SliceState
from chalicelib.ports.sending import BulkAnswer, BulkBatch
from chalicelib.usecases.world import World
from tests.sending.stage import Died, Stage

PORTS = (
    "sessions", "queue", "blobs", "programmes", "partners", "campaigns", "indexes", "contacts", "vault",
    "ledger", "mailer", "bulk_mailer", "rate",
)
"""Everything that is a call to another machine. Clock, entropy, facts and tokens are not."""
LAGGING = {
    ("indexes", "due"), ("ledger", "attempts"), ("ledger", "slices"), ("ledger", "slice"), ("rate", "share"),
    ("rate", "queued"),
}
"""Reads that may show the past. The ledger's are consistent by contract, and must bear it all the same."""


class Fault(StrEnum):
    """What goes wrong with one call."""

    BEFORE = "dies before"
    AFTER = "dies after"
    APPLIED = "timeout, but applied"
    THROTTLED = "throttled"
    PARTIAL = "partial failure"
    STALE = "stale read"


class Faulty:
    """A world whose calls are numbered from 0; ``script`` says which of them go wrong and how."""

    def __init__(self, stage: Stage, script: Mapping[int, Fault] | None = None) -> None:
        self._stage = stage
        self.script = dict(script or {})
        self.calls: list[tuple[str, str]] = []
        self.applied: list[tuple[int, Fault]] = []
        self._before: dict[object, Any] = {}

    def __getattr__(self, name: str) -> Any:
        port = getattr(self._stage.fakes, name)
        return _Port(self, name, port) if name in PORTS else port

    @property
    def world(self) -> World:
        """The same, for the type checker."""
        return cast(World, self)

    def call(self, port: str, name: str, real: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Make a numbered call, or let it go wrong."""
        number = len(self.calls)
        self.calls.append((port, name))
        fault = self.script.get(number)
        if (port, name) in LAGGING:
            return self._read(number, fault, (port, name), real, args, kwargs)
        if fault is None:
            return real(*args, **kwargs)
        self.applied.append((number, fault))
        if (port, name) == ("bulk_mailer", "send"):
            return self._bulk(fault, real, args[0])
        if fault is Fault.BEFORE:
            raise Died
        if fault is Fault.THROTTLED:
            raise Retryable("throttled")
        if fault is Fault.PARTIAL and name == "put_many":
            queue, messages = args
            real(queue, messages[:len(messages) // 2])
            raise Retryable("some were not taken")
        found = real(*args, **kwargs)
        if fault is Fault.AFTER:
            raise Died
        if fault is Fault.APPLIED:
            raise Retryable("timeout")
        return found

    def _read(self, number: int, fault: Fault | None, call: Any, real: Callable[..., Any], args: Any, kw: Any) -> Any:
        key = (call, repr(args[1:]) if call[0] == "ledger" else repr(args[:1]))
        found = real(*args, **kw)
        before = self._before.get(key, _nothing(call, args))
        self._before[key] = copy.copy(found)
        if fault is None:
            return found
        self.applied.append((number, fault))
        if fault in (Fault.BEFORE, Fault.AFTER):
            raise Died
        if fault in (Fault.THROTTLED, Fault.APPLIED):
            raise Retryable("throttled")
        return before if fault is Fault.STALE and before is not None else found

    def _bulk(self, fault: Fault, real: Callable[[BulkBatch], BulkAnswer], batch: BulkBatch) -> BulkAnswer:
        """SES dies silently, answers too late, throttles, or answers each entry differently."""
        mailer, count = self._stage.fakes.bulk_mailer, len(batch.entries)
        if fault is Fault.BEFORE:
            raise Died
        if fault is Fault.AFTER:
            real(batch)
            raise Died
        if fault is Fault.APPLIED:
            return mailer.take(batch, [Result.UNKNOWN] * count, [True] * count)
        if fault is Fault.THROTTLED:
            return mailer.take(batch, [Result.UNSENT] * count, [False] * count)
        if fault is Fault.PARTIAL:
            kinds = [
                (Result.UNSENT, False), (Result.SENT, True), (Result.UNKNOWN, True), (Result.FAILED, False),
                (Result.UNKNOWN, False),
            ]
            chosen = [kinds[(i + len(mailer.calls)) % len(kinds)] for i in range(count)]
            return mailer.take(batch, [said for said, _ in chosen], [took for _, took in chosen])
        return real(batch)


class _Port:
    """One port of a faulty world."""

    def __init__(self, faulty: Faulty, name: str, real: object) -> None:
        self._faulty = faulty
        self._name = name
        self._real = real

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            found = self._faulty.call(self._name, name, real, args, kwargs)
            return list(found) if isinstance(found, Iterator) else found

        return call


def _nothing(call: tuple[str, str], args: tuple[Any, ...]) -> Any:
    """What a replica that lags far behind shows; None where there is no such thing."""
    if call == ("ledger", "slice"):
        return SliceState(key=args[1])
    if call == ("rate", "queued"):
        return {}
    return None if call == ("rate", "share") else []

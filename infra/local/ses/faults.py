"""Faults that a test asks for: the next calls fail in a chosen way.

``POST /_faults`` with ``{"kind": "timeout_after", "times": 1, "operation": "SendBulkEmail"}``;
``operation`` may be left out (then any of the two sending operations), ``seconds`` says how long
the connection is held open before it is cut (0: at once, which a client sees as a connection that
was closed without an answer), ``statuses`` gives entry statuses by index, and ``apply`` says
whether entries that are given such a status are sent all the same.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from infra.local.ses import wire
from infra.local.ses.errors import bad_request

SENDING = ("SendEmail", "SendBulkEmail")

_STATUSES_WORDS = """
    SUCCESS MESSAGE_REJECTED MAIL_FROM_DOMAIN_NOT_VERIFIED CONFIGURATION_SET_NOT_FOUND TEMPLATE_NOT_FOUND
    ACCOUNT_SUSPENDED ACCOUNT_THROTTLED ACCOUNT_DAILY_QUOTA_EXCEEDED INVALID_SENDING_POOL_NAME
    ACCOUNT_SENDING_PAUSED CONFIGURATION_SET_SENDING_PAUSED INVALID_PARAMETER TRANSIENT_FAILURE FAILED
"""
STATUSES = frozenset(_STATUSES_WORDS.split())
"""The statuses of a bulk entry in the API reference."""


class Kind(StrEnum):
    """What goes wrong."""

    ERROR = "error"
    ERROR_AFTER = "error_after"
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    THROTTLE = "throttle"
    STATUSES = "statuses"


@dataclass(frozen=True, slots=True)
class Fault:
    """One wish; ``times`` is how many calls it still meets."""

    kind: Kind
    times: int = 1
    operation: str = ""
    status: int = 500
    seconds: float = 0.0
    statuses: Mapping[int, str] = field(default_factory=dict)
    apply: bool = False

    def meets(self, operation: str) -> bool:
        """Whether a call of this operation gets the fault."""
        return operation == self.operation if self.operation else operation in SENDING

    def as_json(self) -> dict[str, object]:
        """The wish as it was asked for."""
        return {
            "kind": self.kind.value,
            "times": self.times,
            "operation": self.operation,
            "status": self.status,
            "seconds": self.seconds,
            "statuses": {str(index): status for index, status in self.statuses.items()},
            "apply": self.apply,
        }


def parse(source: wire.Json) -> Fault:
    """Read a wish; raises BadRequestException for one that makes no sense."""
    try:
        kind = Kind(wire.required(source, "kind"))
        statuses = {int(index): str(status) for index, status in (wire.member(source, "statuses") or {}).items()}
    except ValueError:
        raise bad_request(f"kind is one of {', '.join(Kind)}; statuses are given by index.") from None
    if not set(statuses.values()) <= STATUSES:
        raise bad_request(f"statuses are among {', '.join(sorted(STATUSES))}.")
    return Fault(
        kind=kind,
        times=int(wire.number(source, "times", 1)),
        operation=wire.text(source, "operation"),
        status=int(wire.number(source, "status", 500)),
        seconds=wire.number(source, "seconds", 0.0),
        statuses=statuses,
        apply=wire.flag(source, "apply", False),
    )


class Faults:
    """The wishes that are still open, first come first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let the next calls fail."""
        with self._lock:
            self._open.append(fault)

    def next(self, operation: str) -> Fault | None:
        """The fault that this call meets, which then counts as met."""
        if not self._open:
            return None
        with self._lock:
            for place, fault in enumerate(self._open):
                if fault.meets(operation):
                    self._open[place : place + 1] = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                    return fault
        return None

    def open(self) -> list[Fault]:
        """What is still to come."""
        with self._lock:
            return list(self._open)

    def clear(self) -> None:
        """Let everything succeed again."""
        with self._lock:
            self._open.clear()

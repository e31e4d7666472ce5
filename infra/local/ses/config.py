"""How the endpoint behaves: everything that a runner or a test may choose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Choices, with the defaults of the local default.

    ``store``: ``files`` survives a restart, ``memory`` is for tests with many recipients.
    ``max_send_rate``: mails a second; ``max_24_hour_send``: mails a day, -1 for no limit.
    ``throttle``: ``entries`` marks the entries of a bulk call beyond the rate as ACCOUNT_THROTTLED
    (and refuses the call when nothing is left at all), ``request`` refuses the whole call.
    ``production``: False is SES's sandbox, in which recipients must be verified as well.
    ``auto_verify``: whether a new identity is verified at once.
    """

    data: Path | None = None
    store: Literal["files", "memory"] = "files"
    port: int = 8001
    region: str = "eu-central-1"
    max_send_rate: float = 500.0
    max_24_hour_send: float = 1_000_000.0
    throttle: Literal["entries", "request"] = "entries"
    production: bool = True
    sending_enabled: bool = True
    auto_verify: bool = True
    events_prefix: str = "EVENTS/"
    buffer_seconds: float = 60.0
    buffer_records: int = 5_000

    @property
    def root(self) -> Path | None:
        """The directory of everything that lasts; None for a mailbox in memory."""
        return self.data if self.store == "files" else None

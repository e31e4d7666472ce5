"""The frequency cap: at most so many marketing campaigns per customer in so many days, as HQ sets it."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.domain.record import dataclass

MAX_COUNT = 30
MAX_DAYS = 90


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``count`` marketing campaigns per customer within ``days`` days."""

    count: int
    days: int

    @property
    def span(self) -> timedelta:
        """The days as a time."""
        return timedelta(days=self.days)

    def __str__(self) -> str:
        """As a participation and a form carry it: ``2/7``."""
        return f"{self.count}/{self.days}"


def cap_of(text: str) -> Cap | None:
    """Read back what ``str(cap)`` wrote; None for anything else, and for what is out of the bounds."""
    count, _, days = text.partition("/")
    if len(text) > 7 or not (count.isascii() and count.isdigit() and days.isascii() and days.isdigit()):
        return None
    cap = Cap(int(count), int(days))
    return cap if 0 < cap.count <= MAX_COUNT and 0 < cap.days <= MAX_DAYS else None

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

    def __post_init__(self) -> None:
        """Raises ValueError outside of the bounds."""
        if not (0 < self.count <= MAX_COUNT and 0 < self.days <= MAX_DAYS):
            raise ValueError("a cap is out of its bounds")

    @property
    def span(self) -> timedelta:
        """The days as a time."""
        return timedelta(days=self.days)

    def __str__(self) -> str:
        """As a participation and a form carry it: ``2/7``."""
        return f"{self.count}/{self.days}"


def cap_of(text: str) -> Cap | None:
    """Read back what ``str(cap)`` wrote; None for anything else."""
    count, _, days = text.partition("/")
    if not (count.isascii() and count.isdigit() and days.isascii() and days.isdigit()):
        return None
    try:
        return Cap(int(count), int(days))
    except ValueError:
        return None

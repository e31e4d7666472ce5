"""The one place that reads the system's clock."""

from __future__ import annotations

from datetime import UTC, datetime


def to_millis(moment: datetime) -> datetime:
    """The same moment in UTC without the digits below a millisecond; refuses a naive time.

    What is stored has milliseconds. If the program worked with finer times, a value would not be
    equal to itself after it was stored and read.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class SystemClock:
    """The present, from the operating system."""

    def now(self) -> datetime:
        """The present in UTC, cut to milliseconds."""
        return to_millis(datetime.now(UTC))

"""What is the same for everybody and seldom changes, kept by a warm function for half a minute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from chalicelib.ports.system import Clock

KEPT = timedelta(seconds=30)
T = TypeVar("T")


class Kept(Generic[T]):
    """The last answer of ``read``, until it is half a minute old or forgotten.

    Two threads may read at once, which costs a call and nothing else.
    """

    def __init__(self, clock: Clock, read: Callable[[], T]) -> None:
        self._clock = clock
        self._read = read
        self._last: tuple[datetime, T] | None = None

    def get(self) -> T:
        """The kept answer, or a fresh one; a clock that went back counts as time that passed."""
        now, last = self._clock.now(), self._last
        if last is None or not timedelta(0) <= now - last[0] < KEPT:
            last = self._last = (now, self._read())
        return last[1]

    def forget(self) -> None:
        """Read anew the next time: this process changed it itself."""
        self._last = None

"""Which line of a source a byte stands in."""

from __future__ import annotations

import re
from bisect import bisect_right


class Lines:
    """Tells the line (from 1) of a byte offset."""

    def __init__(self, source: bytes) -> None:
        self._starts = [0, *(m.end() for m in re.finditer(rb"\n", source))]

    def at(self, offset: int) -> int:
        """The line in which the byte at ``offset`` stands."""
        return bisect_right(self._starts, offset)

"""How a run shares its tests out to its workers: file by file, but the files of the journey together."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

JOURNEY = "tests/isolation/"
"""Whose tests look at one journey, which takes as long as a hundred other files and is made once in a process."""


class ByFile(LoadFileScheduling):  # type: ignore[misc]  # pytest-xdist tells no types
    """pytest-xdist's ``loadfile``, with a folder of files that go to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        """The unit that a test belongs to; what is of one unit runs in one process (pytest-xdist asks this)."""
        return JOURNEY if nodeid.startswith(JOURNEY) else str(super()._split_scope(nodeid))

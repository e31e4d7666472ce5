"""The store of head office's releases, and of template versions that may not go out for ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.ids import PartnerId
from chalicelib.domain.release import Record, Release, Result, Retired


class Releases(Protocol):
    """Releases with what came of them, all under the org's keys."""

    def add(self, release: Release) -> None:
        """Store a new release; raises Conflict ``release.exists``."""

    def get(self, release: str) -> Record:
        """A release with its partners and results, in one query; raises NotFound."""

    def list(self, *, limit: int = 50) -> Sequence[Release]:
        """The releases without their kits' texts, newest first, in one query."""

    def save(self, release: Release) -> None:
        """Replace a release whose version is one less; raises Conflict ``release.changed``."""

    def begin(self, release: Release) -> None:
        """Like ``save``, and no other release may begin until this one has ended.

        Raises Conflict ``release.busy`` while another is being applied.
        """

    def end(self, release: Release) -> None:
        """Like ``save``, and let the next one begin."""

    def whom(self, release: str, partners: Sequence[PartnerId]) -> Sequence[PartnerId]:
        """Keep the partners a release goes to, once; returns those that were kept first."""

    def turn(self, release: str, partner: PartnerId) -> tuple[Release, bool]:
        """A release without its kit's text (its hash stands there), and whether this partner is done.

        One read that costs the same whatever the number of partners; raises NotFound.
        """

    def note(self, result: Result) -> int:
        """Keep what was done at a partner, once; returns how many partners are left."""

    def retire(self, retired: Retired) -> None:
        """Let versions end; the same release may say it again."""

    def retired(self) -> Sequence[Retired]:
        """All versions that end, in one query."""

    def recently_retired(self) -> Sequence[Retired]:
        """The same, up to half a minute old: for hints, never for what decides."""

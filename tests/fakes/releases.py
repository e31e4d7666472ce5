"""Releases in memory, with the conditions of the real store."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import PartnerId
from chalicelib.domain.release import Record, Release, Result, Retired


class FakeReleases:
    """See ``ports.releases.Releases``."""

    def __init__(self) -> None:
        self.releases: dict[str, Release] = {}
        self.partners: dict[str, tuple[PartnerId, ...]] = {}
        self.results: dict[tuple[str, PartnerId], Result] = {}
        self.ended: dict[tuple[str, int, str], Retired] = {}
        self.lock = ""

    def add(self, release: Release) -> None:
        """Never replaces."""
        if release.id in self.releases:
            raise Conflict("release.exists")
        self.releases[release.id] = release

    def get(self, release: str) -> Record:
        """With the results in the order of partners."""
        if release not in self.releases:
            raise NotFound("no such release")
        results = tuple(found for (id_, _), found in sorted(self.results.items()) if id_ == release)
        return Record(self.releases[release], self.partners.get(release, ()), results)

    def list(self, *, limit: int = 50) -> Sequence[Release]:
        """Newest id first."""
        return [replace(found, kit="") for _, found in sorted(self.releases.items(), reverse=True)][:limit]

    def save(self, release: Release) -> None:
        """Conditional on the version before."""
        if release.id not in self.releases or self.releases[release.id].version != release.version - 1:
            raise Conflict("release.changed")
        self.releases[release.id] = release

    def begin(self, release: Release) -> None:
        """One at a time."""
        stands = self.releases.get(release.id)
        if stands is None or stands.version != release.version - 1:
            raise Conflict("release.changed")
        if self.lock not in ("", release.id):
            raise Conflict("release.busy")
        self.lock = release.id
        self.releases[release.id] = release

    def end(self, release: Release) -> None:
        """The next may begin."""
        self.save(release)
        if self.lock == release.id:
            self.lock = ""

    def whom(self, release: str, partners: Sequence[PartnerId]) -> Sequence[PartnerId]:
        """The first list stands."""
        return self.partners.setdefault(release, tuple(partners))

    def turn(self, release: str, partner: PartnerId) -> tuple[Release, bool]:
        """The hash of the text instead of the text."""
        if release not in self.releases:
            raise NotFound("no such release")
        found = self.releases[release]
        text = hashlib.sha256(found.kit.encode()).hexdigest() if found.kit else ""
        return replace(found, kit=text), (release, partner) in self.results

    def note(self, result: Result) -> int:
        """The first result stands."""
        self.results.setdefault((result.release, result.partner), result)
        return len(self.partners.get(result.release, ())) - sum(id_ == result.release for id_, _ in self.results)

    def retire(self, retired: Retired) -> None:
        """Replaces."""
        self.ended[retired.template, retired.below, retired.release] = retired

    def retired(self) -> Sequence[Retired]:
        """In the order of keys."""
        return [found for _, found in sorted(self.ended.items())]

    def recently_retired(self) -> Sequence[Retired]:
        """Never old here."""
        return self.retired()

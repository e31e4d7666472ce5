"""Releases of head office.

A release, the partners it goes to, its results and their number lie in one partition, so that one query
shows where it stands. The list holds each release once more, without the text of its kit. That
only one is applied at a time is an item of the list's partition, put if absent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.codec import Kind, check
from chalicelib.adapters.dynamo.failures import TransactionFailed
from chalicelib.adapters.dynamo.kept import Kept
from chalicelib.adapters.dynamo.steps import Delete, Put, Step, Update
from chalicelib.adapters.dynamo.table import Table
from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain.errors import Conflict, NotFound, Permanent
from chalicelib.domain.ids import OrgId, PartnerId
from chalicelib.domain.release import Record, Release, Result, Retired
from chalicelib.ports.system import Blobs, Clock

RELEASE = Kind(Release, "release")
RESULT = Kind(Result, "release_result")
RETIRED = Kind(Retired, "retired")
SELF, WHOM, COUNT, LOCK = "RELEASE", "WHOM", "COUNT", "LOCK"
PARTNER = "P#"


class DynamoReleases:
    """See ``ports.releases.Releases``."""

    def __init__(self, table: Table, blobs: Blobs, org: OrgId, clock: Clock) -> None:
        self._table, self._blobs, self._org = table, blobs, org
        self._list, self._ended = keys.org(org, "REL"), keys.org(org, "RETIRED")
        self._kept = Kept(clock, self.retired)

    def add(self, release: Release) -> None:
        """The text of the kit first, under its hash."""
        if release.kit:
            data = release.kit.encode()
            self._blobs.put(None, _blob_key(hashlib.sha256(data).hexdigest()), data, "application/yaml")
        try:
            self._table.transact(self._steps(release, ex.absent("pk")))
        except TransactionFailed:
            raise Conflict("release.exists") from None

    def get(self, release: str) -> Record:
        """Consistent: the page after a step shows the step."""
        items = list(self._table.query(self._own(release), consistent=True))
        found = {item["sk"]: item for item in items}
        if SELF not in found:
            raise NotFound("no such release")
        whom = found.get(WHOM, {}).get("partners", [])
        results = tuple(RESULT.read(item) for item in items if item["sk"].startswith(PARTNER))
        return Record(self._whole(found[SELF]), tuple(PartnerId(p) for p in whom), results)

    def list(self, *, limit: int = 50) -> Sequence[Release]:
        """Ids sort by the time they were made."""
        found = self._table.query(self._list, begins="rel_", newest_first=True, limit=limit, consistent=True)
        return [replace(RELEASE.read(item), kit="") for item in found]

    def save(self, release: Release) -> None:
        """Both places at once."""
        self._save(release, [])

    def begin(self, release: Release) -> None:
        """With the lock."""
        lock: Item = {"pk": self._list, "sk": LOCK, "type": "release_lock", "v": 1, "release": release.id}
        free = ex.any_of(ex.absent("pk"), ex.equals("release", release.id))
        self._save(release, [Put(lock, free)])

    def end(self, release: Release) -> None:
        """Without the lock; one that is gone already is fine."""
        mine = ex.any_of(ex.absent("pk"), ex.equals("release", release.id))
        self._save(release, [Delete(self._list, LOCK, mine)])

    def whom(self, release: str, partners: Sequence[PartnerId]) -> Sequence[PartnerId]:
        """Put if absent, and with it how many there are."""
        pk = self._own(release)
        item: Item = {"pk": pk, "sk": WHOM, "type": "release_whom", "v": 1, "partners": list(partners)}
        count = Update(pk, COUNT, [ex.put("total", len(partners)), ex.put("type", "release_count"), ex.put("v", 1)])
        try:
            self._table.transact([Put(item, ex.absent("pk")), count])
            return list(partners)
        except TransactionFailed:
            stands = self._table.get(pk, WHOM, consistent=True) or {}
            check(stands, "release_whom", 1)
            return [PartnerId(p) for p in stands["partners"]]

    def turn(self, release: str, partner: PartnerId) -> tuple[Release, bool]:
        """One BatchGetItem of two keys."""
        pk = self._own(release)
        items = self._table.batch_get([(pk, SELF), (pk, f"{PARTNER}{keys.part(partner)}")], consistent=True)
        found = {item["sk"]: item for item in items}
        if SELF not in found:
            raise NotFound("no such release")
        return RELEASE.read(found[SELF]), len(found) == 2

    def note(self, result: Result) -> int:
        """Result and count in one transaction, so that a repeated message counts once."""
        pk = self._own(result.release)
        put = Put(RESULT.item(result, pk, f"{PARTNER}{keys.part(result.partner)}"), ex.absent("pk"))
        count = Update(pk, COUNT, [ex.add("done", 1)])
        with suppress(TransactionFailed):  # it was done before
            self._table.transact([put, count])
        told = self._table.get(pk, COUNT, consistent=True) or {}
        return int(told.get("total", 0)) - int(told.get("done", 0))

    def retire(self, retired: Retired) -> None:
        """By template, version and release."""
        sk = f"{keys.part(retired.template)}#{retired.below:06d}#{keys.part(retired.release)}"
        self._table.put(RETIRED.item(retired, self._ended, sk))
        self._kept.forget()

    def retired(self) -> Sequence[Retired]:
        """Consistent: a version that was withdrawn a moment ago is not submitted."""
        return [RETIRED.read(item) for item in self._table.query(self._ended, consistent=True)]

    def recently_retired(self) -> Sequence[Retired]:
        """Kept by a warm function."""
        return self._kept.get()

    def _own(self, release: str) -> str:
        return keys.org(self._org, "REL", release)

    def _steps(self, release: Release, condition: ex.Condition) -> Sequence[Step]:
        text = hashlib.sha256(release.kit.encode()).hexdigest() if release.kit else ""
        light = replace(release, kit=text)
        return [
            Put(RELEASE.item(light, self._own(release.id), SELF), condition),
            Put(RELEASE.item(light, self._list, keys.part(release.id))),
        ]

    def _save(self, release: Release, more: Sequence[Step]) -> None:
        steps = [*self._steps(release, ex.equals("version", release.version - 1)), *more]
        try:
            self._table.transact(steps)
        except TransactionFailed as failed:
            raise Conflict("release.changed" if 0 in failed.failed else "release.busy") from None

    def _whole(self, item: Item) -> Release:
        release = RELEASE.read(item)
        if not release.kit:
            return release
        data = self._blobs.get(None, _blob_key(release.kit))
        if hashlib.sha256(data).hexdigest() != release.kit:
            raise Permanent("the text of a release was changed in the store")
        return replace(release, kit=data.decode())


def _blob_key(sha256: str) -> str:
    return f"ORG/books/{keys.part(sha256)}.yaml"

"""Images in the workflow table: ``...#AST`` / `<sha256>`, uploads and where each image is used beside them.

Uploads are ``...#UPL`` / `<upload>`, uses ``...#USE#<sha256>`` / `<campaign>`. A partner's begin with its key and
are read and written with its credentials; head office's with the org's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.codec import Kind, epoch
from chalicelib.adapters.dynamo.failures import ConditionFailed
from chalicelib.adapters.dynamo.kept import KEPT
from chalicelib.adapters.dynamo.table import Table
from chalicelib.domain.asset import Asset, Upload, UploadId, Use, newest_first, owner_of
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import OrgId
from chalicelib.ports.system import Clock, PartnerSession

ASSET = Kind(Asset, "asset")
UPLOAD = Kind(Upload, "upload")
USE = Kind(Use, "asset_use")
USES = 100
UPLOAD_LIFE = timedelta(days=7)
OWNERS = 64
"""Owners whose images a warm function keeps; the oldest go first."""


class DynamoAssets:
    """See ``ports.assets.Assets``."""

    def __init__(self, table: Table, org: OrgId, clock: Clock) -> None:
        self._table, self._org, self._clock = table, org, clock
        self._kept: dict[str, tuple[datetime, Sequence[Asset]]] = {}

    def all(self, session: PartnerSession | None) -> Sequence[Asset]:
        """One query, consistent: what was added or withdrawn a moment ago counts."""
        found = self._of(session).query(self._pk(session), consistent=True)
        assets = newest_first(ASSET.read(item) for item in found)
        owner = _owner(session)
        self._kept.pop(owner, None)
        self._kept[owner] = (self._clock.now(), assets)
        while len(self._kept) > OWNERS:
            del self._kept[next(iter(self._kept))]
        return assets

    def recent(self, session: PartnerSession | None, known: Collection[str] = ()) -> Sequence[Asset]:
        """Kept by a warm function; read anew if it lacks an image that is asked for by name."""
        at, assets = self._kept.get(_owner(session), (None, ()))
        if at is None or not timedelta(0) <= self._clock.now() - at < KEPT or set(known) - {a.token for a in assets}:
            return self.all(session)
        return assets

    def get(self, session: PartnerSession | None, sha256: str) -> Asset:
        """One item."""
        item = self._of(session).get(self._pk(session), keys.part(sha256), consistent=True)
        if item is None:
            raise NotFound("no such image")
        return ASSET.read(item)

    def add(self, session: PartnerSession | None, asset: Asset) -> Asset:
        """On the condition that these bytes are new to the owner; else the first one stands."""
        self._judge(session, asset.owner)
        item = ASSET.item(asset, self._pk(session), keys.part(asset.sha256))
        try:
            self._of(session).put(item, condition=ex.absent("pk"))
        except ConditionFailed as failed:
            return asset if failed.item is None else ASSET.read(failed.item)
        self._kept.pop(_owner(session), None)
        return asset

    def change(self, session: PartnerSession | None, asset: Asset, *, expected_version: int) -> None:
        """On the condition of the version that was read."""
        self._judge(session, asset.owner)
        item = ASSET.item(asset, self._pk(session), keys.part(asset.sha256))
        try:
            self._of(session).put(item, condition=ex.equals("version", expected_version))
        except ConditionFailed as failed:
            if not failed.was_ours(item):
                raise Conflict("image.changed") from None
        self._kept.pop(_owner(session), None)

    def note(self, session: PartnerSession | None, sha256: str, use: Use) -> None:
        """The last write stands."""
        pk = _partition(session, self._org, "USE", sha256)
        self._of(session).put(USE.item(use, pk, keys.part(use.campaign)))

    def uses(self, session: PartnerSession | None, sha256: str) -> Sequence[Use]:
        """Campaign ids sort by the time they were made."""
        pk = _partition(session, self._org, "USE", sha256)
        return [USE.read(item) for item in self._of(session).query(pk, newest_first=True, limit=USES)]

    def _judge(self, session: PartnerSession | None, owner: str) -> None:
        if owner != _owner(session):
            raise NotFound("no such image")

    def _of(self, session: PartnerSession | None) -> Table:
        return self._table.of(session) if session else self._table

    def _pk(self, session: PartnerSession | None) -> str:
        return _partition(session, self._org, "AST")


class DynamoUploads:
    """See ``ports.assets.Uploads``."""

    def __init__(self, table: Table, org: OrgId) -> None:
        self._table, self._org = table, org

    def begin(self, session: PartnerSession | None, upload: Upload) -> None:
        """The id is new: it was made of the time and 80 random bits."""
        self._put(session, upload, None)

    def get(self, session: PartnerSession | None, upload: UploadId) -> Upload:
        """One item."""
        item = self._of(session).get(_partition(session, self._org, "UPL"), keys.part(upload), consistent=True)
        if item is None:
            raise NotFound("no such upload")
        return UPLOAD.read(item)

    def settle(self, session: PartnerSession | None, upload: Upload) -> None:
        """On the condition that it still waits."""
        self._put(session, upload, ex.equals("state", "waiting"))

    def _put(self, session: PartnerSession | None, upload: Upload, condition: ex.Condition | None) -> None:
        if upload.owner != _owner(session):
            raise NotFound("no such upload")
        item = UPLOAD.item(
            upload, _partition(session, self._org, "UPL"), keys.part(upload.id),
            ttl=epoch(upload.started_at + UPLOAD_LIFE),
        )
        try:
            self._of(session).put(item, condition=condition)
        except ConditionFailed as failed:
            if not failed.was_ours(item):
                raise Conflict("image.settled") from None

    def _of(self, session: PartnerSession | None) -> Table:
        return self._table.of(session) if session else self._table


def _owner(session: PartnerSession | None) -> str:
    return owner_of(session.partner if session else None)


def _partition(session: PartnerSession | None, org: OrgId, *names: str) -> str:
    if session is None:
        return keys.org(org, *names)
    return "#".join(["P", keys.part(session.partner), *(keys.part(name) for name in names)])

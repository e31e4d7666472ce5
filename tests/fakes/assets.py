"""Images in memory, under the conditions of the real stores."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chalicelib.domain.asset import Asset, Upload, UploadId, UploadState, Use, newest_first, owner_of
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.ports.system import PartnerSession


class FakeAssets:
    """See ``ports.assets.Assets``."""

    def __init__(self) -> None:
        self.assets: dict[tuple[str, str], Asset] = {}
        self.noted: dict[tuple[str, str, str], Use] = {}

    def all(self, session: PartnerSession | None) -> Sequence[Asset]:
        """Newest first."""
        return newest_first(a for (owner, _), a in self.assets.items() if owner == _owner(session))

    def recent(self, session: PartnerSession | None, known: Collection[str] = ()) -> Sequence[Asset]:
        """Never old here."""
        return self.all(session)

    def get(self, session: PartnerSession | None, sha256: str) -> Asset:
        """By its hash."""
        if (_owner(session), sha256) not in self.assets:
            raise NotFound("no such image")
        return self.assets[_owner(session), sha256]

    def add(self, session: PartnerSession | None, asset: Asset) -> Asset:
        """The first of the same bytes stands."""
        return self.assets.setdefault(self._key(session, asset), asset)

    def change(self, session: PartnerSession | None, asset: Asset, *, expected_version: int) -> None:
        """Conditional on the version."""
        key = self._key(session, asset)
        if key not in self.assets or self.assets[key].version != expected_version:
            raise Conflict("image.changed")
        self.assets[key] = asset

    def note(self, session: PartnerSession | None, sha256: str, use: Use) -> None:
        """Replaces."""
        self.noted[_owner(session), sha256, use.campaign] = use

    def uses(self, session: PartnerSession | None, sha256: str) -> Sequence[Use]:
        """Newest campaign first."""
        found = [use for key, use in self.noted.items() if key[:2] == (_owner(session), sha256)]
        return sorted(found, key=lambda use: use.campaign, reverse=True)[:100]

    def _key(self, session: PartnerSession | None, asset: Asset) -> tuple[str, str]:
        if asset.owner != _owner(session):
            raise NotFound("no such image")
        return asset.owner, asset.sha256


class FakeUploads:
    """See ``ports.assets.Uploads``."""

    def __init__(self) -> None:
        self.uploads: dict[tuple[str, UploadId], Upload] = {}

    def begin(self, session: PartnerSession | None, upload: Upload) -> None:
        """Stores."""
        self._own(session, upload)
        self.uploads[upload.owner, upload.id] = upload

    def get(self, session: PartnerSession | None, upload: UploadId) -> Upload:
        """By its id."""
        if (_owner(session), upload) not in self.uploads:
            raise NotFound("no such upload")
        return self.uploads[_owner(session), upload]

    def settle(self, session: PartnerSession | None, upload: Upload) -> None:
        """Once."""
        self._own(session, upload)
        stands = self.uploads.get((upload.owner, upload.id))
        if stands is None or stands.state is not UploadState.WAITING:
            raise Conflict("image.settled")
        self.uploads[upload.owner, upload.id] = upload

    def _own(self, session: PartnerSession | None, upload: Upload) -> None:
        if upload.owner != _owner(session):
            raise NotFound("no such upload")


def _owner(session: PartnerSession | None) -> str:
    return owner_of(session.partner if session else None)

"""The work on an uploaded image, behind its queue: a clean picture, stored once, under its own address.

Read the file, make the picture, put its bytes where everybody sees them, then add it to its owner's
images, then end the upload. Each step may be run again: the address was chosen with the upload, an
object that is there is the same bytes, and an image that is there stands.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from dataclasses import replace

from chalicelib.domain import asset as assets
from chalicelib.domain.asset import Asset, Picture, Upload, UploadId, UploadState
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import PartnerId
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases.assets import media_key, upload_key
from chalicelib.usecases.world import World

log = logging.getLogger("countersign.images")


def run(world: World, partner: PartnerId | None, upload_id: UploadId) -> None:
    """Bring an upload or a cut to its end; what has ended already, or was never begun, is left alone."""
    session = world.sessions.open(partner, Zone.PARTNER) if partner else None
    try:
        upload = world.uploads.get(session, upload_id)
    except NotFound:
        log.warning("a file came for an upload that nobody began: dropped")
        return
    if upload.state is not UploadState.WAITING:
        return
    try:
        asset, known = _kept(world, session, upload, _picture(world, session, upload))
        ended = replace(upload, state=UploadState.DONE, asset=asset.sha256, known=known)
    except Refused as refused:
        ended = replace(upload, state=UploadState.REFUSED, problems=refused.problems)
    with suppress(Conflict):  # the same message came twice; the other run ended it
        world.uploads.settle(session, ended)


def _picture(world: World, session: PartnerSession | None, upload: Upload) -> Picture:
    if upload.original and upload.box:
        return world.images.cut(_original(world, session, upload), upload.box, upload.width)
    key = upload_key(upload.owner, upload.id)
    if world.blobs.size(session, key) > assets.MAX_BYTES:
        raise Refused([Problem("image.too_big", "file", {"megabytes": assets.MAX_BYTES // 1_000_000})])
    return world.images.made(world.blobs.get(session, key))


def _original(world: World, session: PartnerSession | None, upload: Upload) -> bytes:
    """The bytes of what is cut: the owner's own image, or one of head office."""
    for whose in dict.fromkeys((session, None)):
        try:
            found = world.assets.get(whose, upload.original)
        except NotFound:
            continue
        if found.offered(world.clock.now().date()):
            return world.blobs.get(whose, media_key(found))
    raise Refused([Problem("image.gone", "file")])


def _kept(
    world: World, session: PartnerSession | None, upload: Upload, picture: Picture,
) -> tuple[Asset, bool]:
    """The image of these bytes, and whether its owner had it before."""
    sha256 = hashlib.sha256(picture.data).hexdigest()
    with suppress(NotFound):
        return world.assets.get(session, sha256), True
    made = _asset(world, upload, picture, sha256)
    world.blobs.put_new(session, media_key(made), picture.data, picture.kind.type)
    stands = world.assets.add(session, made)
    return stands, stands != made


def _asset(world: World, upload: Upload, picture: Picture, sha256: str) -> Asset:
    said = upload.details
    return Asset(
        sha256=sha256, owner=upload.owner, token=upload.token, kind=picture.kind, width=picture.width,
        height=picture.height, size=len(picture.data), frames=picture.frames, fingerprint=picture.fingerprint,
        name=said.name, alt=said.alt, logo=said.logo, until=said.until, original=upload.original,
        # The time of the upload, so that a second run makes the same image.
        added_by=upload.started_by, added_at=upload.started_at,
    )

"""The imports function: uploads announced by S3, files of customers and images, and what goes on with them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from chalicelib import wiring
from chalicelib.domain.asset import UploadId
from chalicelib.domain.errors import Permanent
from chalicelib.domain.ids import ALPHABET, ImportId, PartnerId
from chalicelib.domain.scope import Zone
from chalicelib.events import worker
from chalicelib.usecases.world import World

log = logging.getLogger("countersign.imports")
_UPLOAD = re.compile(rf"P/(prt_[{ALPHABET}]{{26}})/imports/(imp_[{ALPHABET}]{{26}})\.csv")
_IMAGE = re.compile(rf"UPLOADS/(?:ORG|P/(prt_[{ALPHABET}]{{26}}))/(upl_[{ALPHABET}]{{26}})\.image")
_OURS = re.compile(rf"P/prt_[{ALPHABET}]{{26}}/imports/imp_[{ALPHABET}]{{26}}-refused\.csv")


def handle(message: Mapping[str, Any], world: World) -> None:
    """Handle one message; raises Permanent for one of an unknown version or kind.

    An S3 notification is ``{"Records": [{"s3": {"object": {"key": ...}}}]}``; S3 tests a new
    subscription with ``{"Event": "s3:TestEvent"}``.
    """
    from chalicelib.usecases import asset_run, contacts, import_run

    if message.get("Event") == "s3:TestEvent":
        return
    if "Records" in message:
        for record in message["Records"]:
            _uploaded(unquote_plus(str(record["s3"]["object"]["key"])), world)
        return
    kind = message.get("kind")
    if message.get("v") != 1:
        raise Permanent(f"import message of an unknown version: {message.get('v')!r}")
    partner = PartnerId(str(message["partner"]))
    if kind == "import":
        import_run.run(world, partner, ImportId(str(message["import"])), hop=int(message.get("hop", 0)))
    elif kind == "cut":
        asset_run.run(world, partner, UploadId(str(message["upload"])))
    elif kind == "recount":
        contacts.recount(world, world.sessions.open(partner, Zone.PARTNER))
    else:
        raise Permanent(f"import message of an unknown kind: {kind!r}")


def _uploaded(key: str, world: World) -> None:
    """Start the import or image that an object belongs to; an object at any other place is left alone."""
    from chalicelib.usecases import asset_run, import_run

    if found := _UPLOAD.fullmatch(key):
        import_run.run(world, PartnerId(found[1]), ImportId(found[2]))
    elif found := _IMAGE.fullmatch(key):
        asset_run.run(world, PartnerId(found[1]) if found[1] else None, UploadId(found[2]))
    elif not _OURS.fullmatch(key):
        log.warning("an object that is no upload was announced: dropped")


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """SQS batch; reports the messages that must come again, the others are done."""
    return worker.each("imports", event, wiring.container(), handle, drop_missing=True)

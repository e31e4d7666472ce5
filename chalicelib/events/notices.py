"""The notices function: mails of the program, from its queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib import wiring
from chalicelib.domain.errors import Permanent
from chalicelib.domain.ids import CampaignId, ImportId, PartnerId, PersonId, ProgrammeId
from chalicelib.events import worker
from chalicelib.usecases.world import World


def handle(message: Mapping[str, Any], world: World) -> None:
    """Deliver one notice; raises Permanent for a message of an unknown version or kind."""
    from chalicelib.usecases import notices, partners, programmes, sign_in

    kind = message.get("kind")
    if message.get("v") != 1:
        raise Permanent(f"notice of an unknown version: {message.get('v')!r}")
    if kind == "outbox":
        notices.deliver(world, PartnerId(message["partner"]), CampaignId(message["campaign"]))
    elif kind == "fresh_link":
        notices.fresh_link(
            world, PartnerId(message["partner"]), CampaignId(message["campaign"]), int(message["revision"]),
            int(message["stage"]), PersonId(message["person"]),
        )
    elif kind == "sign_in":
        sign_in.send_link(world, PersonId(message["person"]), message.get("language", ""))
    elif kind == "invited":
        partners.send_invitation(world, PersonId(message["person"]), PartnerId(message["partner"]))
    elif kind == "import_done":
        notices.import_done(world, PartnerId(message["partner"]), ImportId(message["import"]))
    elif kind == "programme_opened":
        programmes.open_for(world, ProgrammeId(message["programme"]), PartnerId(message["partner"]))
    elif kind in ("release", "release_partner", "release_end"):
        _release(message, world)
    else:
        raise Permanent(f"notice of an unknown kind: {kind!r}")


def _release(message: Mapping[str, Any], world: World) -> None:
    """A step of a release; each may come twice."""
    from chalicelib.usecases import release_run

    release = str(message["release"])
    if message["kind"] == "release":
        release_run.start(world, release)
    elif message["kind"] == "release_partner":
        release_run.partner(world, release, PartnerId(message["partner"]))
    else:
        release_run.finish(world, release)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """SQS batch; reports the messages that must come again, the others are done."""
    return worker.each("notices", event, wiring.container(), handle, drop_missing=True)

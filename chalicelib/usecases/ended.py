"""Whether a release let the version of a template end by a moment: for the start, and for a start that is moved."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.campaign import Revision
from chalicelib.domain.errors import Conflict
from chalicelib.domain.release import Phase, ends_of
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases.world import World


def version_ended(world: World, session: PartnerSession, revision: Revision, at: datetime) -> bool:
    """Whether a release let the revision's template version end by then.

    Raises Conflict ``release.busy`` as long as that release is not done with this partner: it may be about to bring
    the campaign on to the new version, so whoever asks waits for its turn.
    """
    ended = [end for end in ends_of(world.releases.retired(), revision.template, revision.template_version)
             if end.until <= at]
    for release_id in {end.release for end in ended}:
        release, done = world.releases.turn(release_id, session.partner)
        if release.phase is Phase.APPLYING and not done:
            raise Conflict("release.busy")
    return bool(ended)

"""The image library, as people use it: upload, describe, withdraw, and what the rules know of images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime

from chalicelib.domain import asset as assets
from chalicelib.domain.asset import Asset, Box, Details, Upload, UploadId, UploadState, Use
from chalicelib.domain.campaign import Revision
from chalicelib.domain.compliance.document import ImageFact
from chalicelib.domain.errors import Conflict, NotFound, Permanent, Problem, Refused
from chalicelib.domain.ids import CampaignId, PersonId, is_id, make_id
from chalicelib.ports.system import PartnerSession, UploadForm
from chalicelib.usecases.world import World

FORM_SECONDS = 900
"""How long an upload may be started."""


def owner(session: PartnerSession | None) -> str:
    """Whose images a session reaches; "" is head office."""
    return assets.owner_of(session.partner if session else None)


def upload_key(owner_id: str, upload: UploadId) -> str:
    """Where the browser puts the file."""
    return f"UPLOADS/{f'P/{owner_id}' if owner_id else 'ORG'}/{upload}.image"


def media_key(asset: Asset) -> str:
    """Where an image lies for everybody."""
    return f"MEDIA/{assets.place(asset.owner, asset.token, asset.sha256, asset.kind)}"


def address(world: World, asset: Asset) -> str:
    """The image's public address; raises Permanent where a deployment has no place for images."""
    if not world.facts.media_url:
        raise Permanent("COUNTERSIGN_MEDIA_URL is not set: images have no address")
    return assets.address(world.facts.media_url, asset)


def today(world: World) -> date:
    """The day by which an image's last day is judged where no day of sending is known."""
    return world.clock.now().date()


# --- uploads

def start_upload(
    world: World, actor: PersonId, session: PartnerSession | None, details: Details, *, campaign: str = "",
    region: str = "",
) -> Upload:
    """Note what a person says of an image whose file is to come.

    Raises Refused with all problems of ``domain.asset.problems_of``, and ``image.full``.
    """
    details = _tidy(details, session)
    problems = assets.problems_of(details, today(world))
    if len(world.assets.all(session)) >= assets.MAX_OWNED:
        problems.append(Problem("image.full", "", {"limit": assets.MAX_OWNED}))
    if problems:
        raise Refused(problems)
    upload = new_upload(world, actor, session, details, campaign=campaign, region=region)
    world.uploads.begin(session, upload)
    return upload


def new_upload(
    world: World, actor: PersonId, session: PartnerSession | None, details: Details, *, campaign: str = "",
    region: str = "",
) -> Upload:
    """An upload with an id and with the random part of its image's address."""
    now = world.clock.now()
    return Upload(
        id=UploadId(make_id("upl", now, world.entropy.bytes(10))), owner=owner(session),
        token=assets.token_of(world.entropy.bytes(16)), details=details, campaign=campaign, region=region,
        started_by=actor, started_at=now,
    )


def new_cut(
    world: World, actor: PersonId, session: PartnerSession, details: Details, *, original: str, box: Box, width: int,
    campaign: str, region: str,
) -> Upload:
    """A cut: an upload that needs no file."""
    plain = new_upload(world, actor, session, details, campaign=campaign, region=region)
    return replace(plain, original=original, box=box, width=width)


def _tidy(details: Details, session: PartnerSession | None) -> Details:
    """Single blanks; only head office has logos."""
    return replace(
        details, name=" ".join(details.name.split()), alt=" ".join(details.alt.split()), until=details.until.strip(),
        logo=details.logo and session is None,
    )


def upload_form(world: World, session: PartnerSession | None, upload: Upload, next_page: str) -> UploadForm:
    """The form that uploads the file; makes nothing, so a page may show it anew.

    Raises Conflict ``image.settled`` once a file was taken.
    """
    if upload.state is not UploadState.WAITING or upload.original:
        raise Conflict("image.settled")
    key = upload_key(upload.owner, upload.id)
    return world.blobs.upload_form(
        session, key, max_bytes=assets.MAX_BYTES, seconds=FORM_SECONDS, redirect=next_page)


def upload(world: World, session: PartnerSession | None, upload_id: str) -> Upload:
    """One upload; raises NotFound for anything that is not one of this owner."""
    if not is_id(upload_id, "upl"):
        raise NotFound("upload")
    return world.uploads.get(session, UploadId(upload_id))


# --- what is there

def find(world: World, session: PartnerSession | None, sha256: str) -> Asset:
    """One image; raises NotFound for anything that is not one of this owner."""
    if not assets.is_sha256(sha256):
        raise NotFound("image")
    return world.assets.get(session, sha256)


def change(
    world: World, session: PartnerSession | None, sha256: str, details: Details, *, version: int,
) -> Asset:
    """Change what is said of an image; raises Refused with all problems, Conflict ``image.changed``."""
    stands, details = find(world, session, sha256), _tidy(details, session)
    problems = assets.problems_of(details, today(world))
    if details.until and details.until == stands.until:
        # A last day that has passed meanwhile is no reason to refuse another name.
        problems = [p for p in problems if p.code != "image.until_past"]
    if problems:
        raise Refused(problems)
    return _write(world, session, stands, version, replace(
        stands, name=details.name, alt=details.alt, logo=details.logo, until=details.until))


def withdraw(world: World, session: PartnerSession | None, sha256: str, *, version: int) -> Asset:
    """Offer an image no more. Its bytes stay, because mails in inboxes show them."""
    stands = find(world, session, sha256)
    return _write(world, session, stands, version, replace(stands, withdrawn_at=world.clock.now()))


def restore(world: World, session: PartnerSession | None, sha256: str, *, version: int) -> Asset:
    """Offer a withdrawn image again."""
    stands = find(world, session, sha256)
    return _write(world, session, stands, version, replace(stands, withdrawn_at=None))


def _write(world: World, session: PartnerSession | None, stands: Asset, version: int, after: Asset) -> Asset:
    """Store what changed; the same form sent twice changes once."""
    if replace(after, withdrawn_at=None) == replace(stands, withdrawn_at=None) and (
            after.withdrawn_at is None) == (stands.withdrawn_at is None):
        return stands
    if version != stands.version:
        raise Conflict("image.changed")
    after = replace(after, version=stands.version + 1)
    world.assets.change(session, after, expected_version=stands.version)
    return after


# --- what the rules know

def image_facts(
    world: World, session: PartnerSession, urls: Iterable[str], *, fresh: bool,
) -> tuple[ImageFact, ...]:
    """What is known of HQ's images and of those of the partner that stand among ``urls``.

    ``fresh`` is for what decides: an image that HQ withdrew a moment ago counts as withdrawn. For hints
    lists are up to half a minute old, but never without an image that is asked for.
    """
    if not world.facts.media_url:
        return ()
    named = [place for url in urls if (place := assets.owner_in(world.facts.media_url, url))]
    brand_named = {token for of, token in named if not of}
    own_named = {token for of, token in named if of == session.partner}
    read: Callable[..., Sequence[Asset]] = world.assets.recent
    brand = world.assets.all(None) if fresh and named else read(None, brand_named)
    own: Sequence[Asset] = ()
    if own_named:
        own = world.assets.all(session) if fresh else read(session, own_named)
    return (
        *(fact(world, one, one) for one in brand),
        *(fact(world, one, _origin(one, brand, own)) for one in own),
    )


def over(world: World, session: PartnerSession, urls: Sequence[str], day: str) -> bool:
    """Whether the last day of any of these images lies before ``day`` (ISO 8601)."""
    named = frozenset(url for url in urls if assets.owner_in(world.facts.media_url, url))
    known = image_facts(world, session, named, fresh=True) if named else ()
    return any(f.ends and f.ends < day for f in known if f.url in named)


def _origin(one: Asset, brand: Sequence[Asset], own: Sequence[Asset]) -> Asset:
    """The image that an image was cut from here, itself if from none that is known."""
    return next((o for o in (*brand, *own) if o.sha256 == one.original), one) if one.original else one


def fact(world: World, one: Asset, origin: Asset) -> ImageFact:
    """An image as the rules see it. A part of an approved image is approved, and ends with it."""
    gone = one.withdrawn_at or origin.withdrawn_at
    ends = min(filter(None, (one.until, origin.until)), default="")
    return ImageFact(
        url=address(world, one), sha256=one.sha256, fingerprint=one.fingerprint, width=one.width, height=one.height,
        kind=one.kind.value, size=one.size, animated=one.frames > 1, name=one.name, ends=ends,
        origin="partner" if origin.owner else "hq", withdrawn=gone is not None,
        approved=bool(one.approved_at or origin.approved_at),
        logo=one.logo and not one.owner,
    )


# --- where they are used

def note_uses(
    world: World, session: PartnerSession, campaign: CampaignId, name: str, urls: Iterable[str], *, partner: str,
    submitted: bool,
) -> None:
    """Keep where images were put. It informs people; a crash in between leaves a line out, nothing else."""
    use = Use(
        campaign=campaign, partner=session.partner, partner_name=partner, name=name, submitted=submitted,
        at=world.clock.now(),
    )
    for url in dict.fromkeys(urls):
        place = assets.owner_in(world.facts.media_url, url)
        if place and place[0] in ("", session.partner):
            world.assets.note(session if place[0] else None, _sha256_in(url), use)


def _sha256_in(url: str) -> str:
    return url.rpartition("/")[2].partition(".")[0]


def remember(world: World, session: PartnerSession, revision: Revision) -> None:
    """After an approval: the partner's own images in it need no second look.

    A crash before this forgets it, and the next reviewer looks once more: never the other way round.
    """
    for stands in _own_in(world, session, revision):
        if stands.approved_at is None:
            _mark(world, session, stands, world.clock.now())


def forget(world: World, session: PartnerSession, revision: Revision, *, since: datetime) -> None:
    """After an approval was taken back: what it alone said of the partner's own images, from that moment on."""
    for stands in _own_in(world, session, revision):
        if stands.approved_at is not None and stands.approved_at >= since:
            _mark(world, session, stands, None)


def _own_in(world: World, session: PartnerSession, revision: Revision) -> Iterator[Asset]:
    """The partner's own images in a submitted mail, as they stand."""
    for url in revision.assets:
        place = assets.owner_in(world.facts.media_url, url)
        if place and place[0] == session.partner:
            with suppress(NotFound):
                yield find(world, session, _sha256_in(url))


def _mark(world: World, session: PartnerSession, stands: Asset, approved_at: datetime | None) -> None:
    """Somebody who changes the image at this moment is right as well: then the next reviewer looks once more."""
    after = replace(stands, approved_at=approved_at, version=stands.version + 1)
    with suppress(Conflict):
        world.assets.change(session, after, expected_version=stands.version)

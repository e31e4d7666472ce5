"""Images and their uploads: the same on every backend, for head office and for a partner."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.asset import Asset, Box, Details, Kind, Upload, UploadId, UploadState, Use, owner_of
from chalicelib.domain.errors import Conflict, NotFound, Problem
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases.world import World
from chalicelib.wiring import Container
from tests.contract import values
from tests.contract.backends import new_partner, number
from tests.fakes.system import START


@pytest.fixture(params=["hq", "partner"])
def session(request: pytest.FixtureRequest, world: World) -> PartnerSession | None:
    """Whose images they are."""
    return None if request.param == "hq" else world.sessions.open(new_partner(), Zone.PARTNER)


def asset(session: PartnerSession | None, letter: str = "a", **changes: object) -> Asset:
    """An image with every field filled."""
    plain = Asset(
        sha256=letter * 64, owner=owner_of(session.partner if session else None), token=letter * 26, kind=Kind.GIF,
        width=600, height=280, size=90_000, frames=12, fingerprint="00ff" * 4, name="Lake", alt="A lake — früh",
        logo=True, until="2026-12-31", original="f" * 64, withdrawn_at=START, approved_at=START,
        added_by=values.EMMA, added_at=START,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_an_image_is_what_was_added(world: World, session: PartnerSession | None) -> None:
    """Every field comes back; the newest is first; another owner has none of it."""
    first, second = asset(session), asset(session, "b", added_at=START + timedelta(hours=1), withdrawn_at=None)
    for one in (first, second):
        assert world.assets.add(session, one) == one
    assert list(world.assets.all(session)) == [second, first]
    assert world.assets.get(session, first.sha256) == first
    other = world.sessions.open(new_partner(), Zone.PARTNER)
    assert list(world.assets.all(other)) == []
    with pytest.raises(NotFound):
        world.assets.get(other, first.sha256)


def test_the_same_bytes_are_one_image(world: World, session: PartnerSession | None) -> None:
    """Of two who add the same bytes the first stands, whatever the second says of them."""
    first = asset(session)
    world.assets.add(session, first)
    assert world.assets.add(session, replace(first, token="z" * 26, name="Other")) == first
    assert list(world.assets.all(session)) == [first]


def test_of_two_who_change_an_image_one_is_told(world: World, session: PartnerSession | None) -> None:
    """By its version; what is not there cannot be changed."""
    first = asset(session)
    world.assets.add(session, first)
    world.assets.change(session, replace(first, alt="New", version=2), expected_version=1)
    with pytest.raises(Conflict, match=r"image\.changed"):
        world.assets.change(session, replace(first, alt="Newer", version=2), expected_version=1)
    assert world.assets.get(session, first.sha256).alt == "New"
    with pytest.raises(Conflict):
        world.assets.change(session, asset(session, "c"), expected_version=1)


def test_what_is_kept_is_never_without_an_image_that_is_asked_for(world: World, session: PartnerSession | None) -> None:
    """A list that another process made older is read anew for a name that it lacks."""
    first, second = asset(session), asset(session, "b", added_at=START + timedelta(hours=1))
    world.assets.add(session, first)
    assert list(world.assets.recent(session)) == [first]
    world.assets.add(session, second)
    assert list(world.assets.recent(session, [second.token])) == [second, first]
    assert list(world.assets.recent(session, ["y" * 26])) == [second, first]


def test_an_owner_s_images_are_its_own(world: World, session: PartnerSession | None) -> None:
    """Neither an image nor an upload is stored with somebody else's session."""
    foreign = world.sessions.open(new_partner(), Zone.PARTNER)
    with pytest.raises(NotFound):
        world.assets.add(foreign, asset(session))
    with pytest.raises(NotFound):
        world.assets.change(foreign, asset(session), expected_version=1)
    with pytest.raises(NotFound):
        world.uploads.begin(foreign, upload(session))


def upload(session: PartnerSession | None) -> Upload:
    """An upload with every field filled."""
    return Upload(
        id=UploadId(values.new_id("upl")), owner=owner_of(session.partner if session else None), token="1" * 26,
        details=Details(name="Lake", alt="A lake", logo=True, until="2026-12-31"), original="a" * 64,
        box=Box(1, 2, 30, 40), width=600, campaign="cmp_" + "2" * 26, region="hero", started_by=values.EMMA,
        started_at=START,
    )


def test_an_upload_ends_once(world: World, session: PartnerSession | None) -> None:
    """Every field comes back, and a second end is told; another owner finds nothing."""
    first = upload(session)
    world.uploads.begin(session, first)
    assert world.uploads.get(session, first.id) == first
    ended = replace(first, state=UploadState.REFUSED, problems=(Problem("image.damaged", "file", {"a": 1}),))
    world.uploads.settle(session, ended)
    with pytest.raises(Conflict, match=r"image\.settled"):
        world.uploads.settle(session, replace(first, state=UploadState.DONE, asset="b" * 64))
    assert world.uploads.get(session, first.id) == ended
    with pytest.raises(NotFound):
        world.uploads.get(world.sessions.open(new_partner(), Zone.PARTNER), first.id)


def test_an_object_is_put_once(world: World, session: PartnerSession | None) -> None:
    """What is public is never replaced, by nobody."""
    owner = f"P/{session.partner}" if session else "ORG"
    key = f"MEDIA/{owner}/{number()}/{hashlib.sha256(str(number()).encode()).hexdigest()}.png"
    assert world.blobs.put_new(session, key, b"first", "image/png") is True
    assert world.blobs.put_new(session, key, b"second", "image/png") is False
    assert world.blobs.get(session, key) == b"first"


@pytest.mark.parametrize("key", [
    "MEDIA/P/{other}/a", "UPLOADS/P/{other}/a", "MEDIA/{own}/a", "MEDIA/", "UPLOADS/P/{own}", "MEDIA/P/{own}/../a",
    "MEDIA/ORG/a",
])
def test_public_objects_have_their_owner_s_prefix(world: World, key: str) -> None:
    """A partner's session neither writes, reads nor signs a form for a key of anybody else."""
    session = world.sessions.open(new_partner(), Zone.PARTNER)
    key = key.format(own=session.partner, other=new_partner())
    for attempt in (
        lambda: world.blobs.put_new(session, key, b"x", "image/png"), lambda: world.blobs.get(session, key),
        lambda: world.blobs.upload_form(session, key, max_bytes=9, seconds=60),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_a_form_is_good_for_one_key(world: World, session: PartnerSession | None) -> None:
    """What S3 is told to accept is this key, this size and this way back, and nothing else."""
    owner = f"P/{session.partner}" if session else "ORG"
    key = f"UPLOADS/{owner}/upl.image"
    form = world.blobs.upload_form(session, key, max_bytes=9, seconds=60, redirect="https://p.example/next")
    assert form.fields["key"] == key and form.fields["success_action_redirect"] == "https://p.example/next"
    if isinstance(world, Container):
        conditions = json.loads(base64.b64decode(form.fields["policy"]))["conditions"]
        assert {"key": key} in conditions and ["content-length-range", 1, 9] in conditions
        assert not [c for c in conditions if isinstance(c, list) and c[0] == "starts-with"]


def test_reviewers_read_and_mark_a_partner_s_images(world: World) -> None:
    """The review zone's credentials reach what an approval remembers, of that partner alone."""
    partner = new_partner()
    session = world.sessions.open(partner, Zone.PARTNER)
    first = asset(session, approved_at=None)
    world.assets.add(session, first)
    review = world.sessions.open(partner, Zone.REVIEW)
    world.assets.change(review, replace(first, approved_at=START, version=2), expected_version=1)
    assert world.assets.get(review, first.sha256).approved_at == START


def test_a_form_of_the_org(world: World) -> None:
    """Head office uploads below its own prefix only."""
    form = world.blobs.upload_form(None, "UPLOADS/ORG/a.image", max_bytes=9, seconds=60)
    assert form.fields["key"] == "UPLOADS/ORG/a.image"
    for key in (f"UPLOADS/P/{new_partner()}/a.image", "UPLOADS/a"):
        with pytest.raises(NotFound):
            world.blobs.upload_form(None, key, max_bytes=9, seconds=60)


def test_where_an_image_is_used(world: World, session: PartnerSession | None) -> None:
    """Each campaign once, the newest first; another image and another owner have their own."""
    partner, first, second = new_partner(), *sorted(CampaignId(values.new_id("cmp")) for _ in range(2))
    use = Use(campaign=first, partner=partner, name="Spring", at=START)
    for one in (use, replace(use, campaign=second), replace(use, submitted=True)):
        world.assets.note(session, "a" * 64, one)
    assert list(world.assets.uses(session, "a" * 64)) == [replace(use, campaign=second), replace(use, submitted=True)]
    assert list(world.assets.uses(session, "b" * 64)) == []
    assert list(world.assets.uses(world.sessions.open(new_partner(), Zone.PARTNER), "a" * 64)) == []

"""The image library: upload, one identity, describe, withdraw, choose, cut, approve; for each owner its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.asset import MAX_OWNED, Asset, Details, Upload, UploadState, owner_in
from chalicelib.domain.campaign import Campaign, HoldReason, State, Verdict
from chalicelib.domain.errors import Conflict, NotFound, Permanent, Refused
from chalicelib.domain.ids import PartnerId, TemplateId, make_id
from chalicelib.domain.scope import Scope
from chalicelib.events import imports
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.rendering.source import compile_source
from chalicelib.usecases import asset_place, assets, decision, drafts, gate, plan, submit
from chalicelib.usecases.lapse import lapse
from tests import pictures
from tests import stage as staging
from tests.fakes.assets import FakeAssets
from tests.stage import SOURCE, Stage, decide_as_shown

LAKE = Details(name="  The lake ", alt="A lake  in spring")
OPEN = SOURCE.replace(b"<h1 data", b"""<img data-region="photo" src="https://images.example.com/a.jpg" alt="Default"
 width="600" height="300"><img data-region="badge" data-region-pictures="brand" src="https://images.example.com/b.png"
 alt="" width="100"><img data-region="fixed" src="https://images.example.com/c.png" alt="" data-region-choices=
 "https://images.example.com/c.png"><h1 data""")


def s3_says(key: str) -> dict[str, Any]:
    """What S3 tells of a new object."""
    return {"Records": [{"s3": {"object": {"key": key}}}]}


@pytest.fixture
def stage() -> Stage:
    """The stage with a template that has image fields of each kind."""
    made = staging.stage()
    template = TemplateId(make_id("tpl", made.world.clock.now(), made.world.entropy.bytes(10)))
    version = compile_source(OPEN).version(
        template=template, number=1, scope=Scope(made.world.facts.org_id), name="Open",
        published_by=made.people["hanna"].id, published_at=made.world.clock.now(),
    )
    made.world.templates.publish(version)
    programme = made.world.programmes.get(made.programme)
    made.world.programmes.programmes[made.programme] = replace(programme, template=template)
    return made


def bring(stage: Stage, session: PartnerSession | None, data: bytes, details: Details = LAKE) -> Upload:
    """Upload a file as a browser does, and let S3 tell."""
    started = assets.start_upload(stage.world, stage.people["hanna"].id, session, details)
    form = assets.upload_form(stage.world, session, started, "https://partners.example.com/next")
    stage.world.blobs.upload(form, data)
    imports.handle(s3_says(form.fields["key"]), stage.world)
    return assets.upload(stage.world, session, started.id)


def image(stage: Stage, session: PartnerSession | None, data: bytes = b"", details: Details = LAKE) -> Asset:
    """An image of the library."""
    ended = bring(stage, session, data or pictures.photo(1200, 800), details)
    assert ended.state is UploadState.DONE, ended.problems
    return assets.find(stage.world, session, ended.asset)


@pytest.mark.parametrize("whose", ["hq", "partner"])
def test_an_upload_becomes_an_image(stage: Stage, whose: str) -> None:
    """Its bytes lie below the owner's public prefix, under random characters and their own hash, cached for ever."""
    session = None if whose == "hq" else stage.session
    found = image(stage, session, details=replace(LAKE, logo=True))
    key = assets.media_key(found)
    owner = "ORG" if whose == "hq" else f"P/{stage.partner}"
    assert key == f"MEDIA/{owner}/{found.token}/{found.sha256}.jpg"
    assert hashlib.sha256(stage.world.blobs.objects[key]).hexdigest() == found.sha256
    assert stage.world.blobs.types[key] == "image/jpeg"
    assert assets.address(stage.world, found) == f"https://media.example.com{key.removeprefix('MEDIA')}"
    assert (found.name, found.alt, found.logo) == ("The lake", "A lake in spring", whose == "hq")
    assert (found.width, found.height, found.frames) == (1200, 800, 1)


def test_the_same_image_twice(stage: Stage) -> None:
    """One identity, one object, one address; the second upload is told of the first."""
    first = bring(stage, stage.session, pictures.photo())
    again = bring(stage, stage.session, pictures.photo(comment=b"other"), replace(LAKE, name="Other"))
    assert (first.known, again.known, again.asset) == (False, True, first.asset)
    assert len([key for key in stage.world.blobs.objects if key.startswith("MEDIA/")]) == 1
    assert [one.name for one in stage.world.assets.all(stage.session)] == ["The lake"]


def test_another_owner_has_an_image_of_its_own(stage: Stage) -> None:
    """The same bytes at head office and at a partner have two addresses: neither tells of the other."""
    theirs, ours = image(stage, None), image(stage, stage.session)
    assert theirs.sha256 == ours.sha256 and theirs.token != ours.token


def test_addresses_cannot_be_guessed(stage: Stage) -> None:
    """128 random bits each, from the one source of chance."""
    tokens = {image(stage, None, pictures.photo(100, 80, seed=n)).token for n in range(1, 6)}
    assert len(tokens) == 5 and all(len(token) == 26 for token in tokens)


def test_a_message_that_comes_twice(stage: Stage) -> None:
    """The second finds the upload ended; an object of no upload, and one elsewhere, are dropped."""
    ended = bring(stage, stage.session, pictures.photo())
    key = assets.upload_key(stage.partner, ended.id)
    before = dict(stage.world.blobs.objects)
    imports.handle(s3_says(key), stage.world)
    imports.handle(s3_says(f"UPLOADS/P/{stage.partner}/upl_{'0' * 26}.image"), stage.world)
    imports.handle(s3_says(f"UPLOADS/P/{stage.partner}/../x.image"), stage.world)
    assert stage.world.blobs.objects == before
    assert assets.upload(stage.world, stage.session, ended.id) == ended


def test_a_run_that_died_is_run_again(stage: Stage) -> None:
    """After the object and before its record: the same address, nothing twice."""
    started = assets.start_upload(stage.world, stage.people["paula"].id, stage.session, LAKE)
    form = assets.upload_form(stage.world, stage.session, started, "")
    stage.world.blobs.upload(form, pictures.photo())
    picture = stage.world.images.made(pictures.photo())
    sha256 = hashlib.sha256(picture.data).hexdigest()
    key = f"MEDIA/P/{stage.partner}/{started.token}/{sha256}.jpg"
    stage.world.blobs.put_new(stage.session, key, picture.data, "image/jpeg")
    imports.handle(s3_says(form.fields["key"]), stage.world)
    assert assets.media_key(stage.world.assets.get(stage.session, sha256)) == key
    assert [k for k in stage.world.blobs.objects if k.startswith("MEDIA/")] == [key]


@pytest.mark.parametrize(("data", "code"), [
    (b"not a picture, though its name ends in .jpg", "image.not_an_image"), (pictures.SVG, "image.is_svg"),
    (pictures.png_of(50_000, 50_000), "image.too_many_pixels"), (pictures.gif_of(10_000), "image.too_many_frames"),
    (pictures.photo()[:900], "image.damaged"),
])
def test_a_bad_file_ends_its_upload(stage: Stage, data: bytes, code: str) -> None:
    """With why; nothing is stored, and a second message changes nothing."""
    ended = bring(stage, stage.session, data)
    assert (ended.state, [p.code for p in ended.problems]) == (UploadState.REFUSED, [code])
    assert not [key for key in stage.world.blobs.objects if key.startswith("MEDIA/")]
    assert list(stage.world.assets.all(stage.session)) == []


def test_twenty_megabytes(stage: Stage) -> None:
    """The form's own policy refuses them; a file that got past it is never read."""
    started = assets.start_upload(stage.world, stage.people["paula"].id, stage.session, LAKE)
    form = assets.upload_form(stage.world, stage.session, started, "")
    with pytest.raises(Permanent, match="EntityTooLarge"):
        stage.world.blobs.upload(form, bytes(20_000_000))
    stage.world.blobs.objects[form.fields["key"]] = bytes(20_000_000)
    imports.handle(s3_says(form.fields["key"]), stage.world)
    assert [p.code for p in assets.upload(stage.world, stage.session, started.id).problems] == ["image.too_big"]


def test_what_is_said_of_it(stage: Stage) -> None:
    """All problems at once, before anything is stored; a full library is told."""
    with pytest.raises(Refused) as refused:
        assets.start_upload(stage.world, stage.people["paula"].id, stage.session, Details(until="x"))
    assert [p.code for p in refused.value.problems] == ["image.name_missing", "image.alt_missing", "image.until"]
    assert not stage.world.uploads.uploads
    some = image(stage, stage.session)
    for number in range(MAX_OWNED):
        stage.world.assets.assets[stage.partner, f"{number:064x}"] = replace(some, sha256=f"{number:064x}")
    with pytest.raises(Refused, match=r"image\.full"):
        assets.start_upload(stage.world, stage.people["paula"].id, stage.session, LAKE)


def test_changing_withdrawing_and_back(stage: Stage) -> None:
    """Of two who change it one is told; the same form twice changes once; its bytes stay."""
    found = image(stage, None)
    after = assets.change(stage.world, None, found.sha256, Details(name="Lake", decorative=True), version=1)
    assert (after.alt, after.decorative, after.version) == ("", True, 2)
    again = assets.change(stage.world, None, found.sha256, Details(name="Lake", decorative=True), version=1)
    assert again.version == 2
    with pytest.raises(Conflict, match=r"image\.changed"):
        assets.change(stage.world, None, found.sha256, Details(name="Pond", decorative=True), version=1)
    gone = assets.withdraw(stage.world, None, found.sha256, version=2)
    assert gone.withdrawn_at == stage.world.clock.now() and not gone.offered(assets.today(stage.world))
    assert assets.withdraw(stage.world, None, found.sha256, version=2).version == 3
    assert assets.media_key(found) in stage.world.blobs.objects
    assert assets.restore(stage.world, None, found.sha256, version=3).withdrawn_at is None


def test_a_foreign_image_does_not_exist(stage: Stage) -> None:
    """Whatever is asked about another partner's image is NotFound, as for one that nobody has."""
    found = image(stage, stage.session)
    other = stage.world.session(staging.add_partner(stage.world, "Other", None, stage.world.clock.now()))
    for sha256 in (found.sha256, "0" * 64, "../x", ""):
        with pytest.raises(NotFound):
            assets.find(stage.world, other, sha256)
        with pytest.raises(NotFound):
            assets.withdraw(stage.world, other, sha256, version=1)
        with pytest.raises(NotFound):
            assets.change(stage.world, other, sha256, LAKE, version=1)
    with pytest.raises(NotFound):
        assets.upload(stage.world, other, next(iter(stage.world.uploads.uploads))[1])


def test_a_form_for_another_partner_s_prefix(stage: Stage) -> None:
    """A session signs for its own key only, even for an upload that names another owner."""
    started = assets.start_upload(stage.world, stage.people["paula"].id, stage.session, LAKE)
    other = PartnerId("prt_" + "z" * 26)
    with pytest.raises(NotFound):
        assets.upload_form(stage.world, stage.session, replace(started, owner=other), "")
    with pytest.raises(NotFound):
        assets.upload_form(stage.world, None, started, "")


# --- in a draft

def place(stage: Stage, region: str = "photo", campaign: Campaign | None = None) -> asset_place.Place:
    """An image field of a new draft."""
    made = campaign or stage.draft()
    return asset_place.place(stage.world, stage.session, made.id, region)


def values(stage: Stage, where: asset_place.Place) -> dict[str, str]:
    """What the draft holds."""
    return dict(stage.world.campaigns.history(stage.session, where.story.id).draft.values)


def test_choosing(stage: Stage) -> None:
    """The address and the description go into the draft, and the image knows where it was put."""
    found = image(stage, None, pictures.photo(1200, 600))
    where = place(stage)
    assert [one.sha256 for one in asset_place.offer(stage.world, stage.session, where).brand] == [found.sha256]
    asset_place.choose(stage.world, stage.session, stage.people["paula"], where, "", found.sha256)
    url = assets.address(stage.world, found)
    assert (values(stage, where)["photo"], values(stage, where)["photo.alt"]) == (url, "A lake in spring")
    use, = stage.world.assets.uses(None, found.sha256)
    assert (use.campaign, use.partner, use.submitted) == (where.story.id, stage.partner, False)


def test_only_fields_that_take_pictures(stage: Stage) -> None:
    """A listed field, a text and an unknown one are NotFound; a submitted campaign is told."""
    campaign = stage.draft()
    for region in ("fixed", "headline", "nothing", ""):
        with pytest.raises(NotFound):
            place(stage, region, campaign)
    submitted = stage.submitted()
    with pytest.raises(Conflict, match=r"campaign\.not_now"):
        place(stage, "photo", submitted)


def test_what_may_stand_where(stage: Stage) -> None:
    """A field for the brand's pictures takes none of the partner's, and no field a withdrawn or ended one."""
    brand, own = image(stage, None), image(stage, stage.session, pictures.photo(900, 700, seed=2))
    badge = place(stage, "badge")
    assert asset_place.offer(stage.world, stage.session, badge).own == []
    with pytest.raises(NotFound):
        asset_place.choose(stage.world, stage.session, stage.people["paula"], badge, stage.partner, own.sha256)
    asset_place.choose(stage.world, stage.session, stage.people["paula"], badge, "", brand.sha256)
    assets.withdraw(stage.world, None, brand.sha256, version=1)
    day = (stage.world.clock.now() + timedelta(days=1)).date().isoformat()
    ends = image(stage, None, pictures.photo(900, 700, seed=4), replace(LAKE, until=day))
    for sha256 in (brand.sha256, ends.sha256):
        with pytest.raises(Refused, match=r"image\.gone"):
            asset_place.choose(stage.world, stage.session, stage.people["paula"], place(stage, "badge"), "", sha256)
    assert asset_place.offer(stage.world, stage.session, place(stage, "badge")).brand == []


def cut(stage: Stage, where: asset_place.Place, found: Asset, **at: int) -> Upload:
    """Have a picture cut and wait for it."""
    position = {"x": 50, "y": 50, "zoom": 100, **at}
    started = asset_place.start_cut(stage.world, stage.session, stage.people["paula"], where, found, **position)
    stage.world.queue.deliver(QueueName.IMPORTS, lambda m: imports.handle(json.loads(json.dumps(m)), stage.world),
                              twice=True)
    return assets.upload(stage.world, stage.session, started.id)


class Remembered(FakeAssets):
    """The library of a warm function, which still knows the images of half a minute ago."""

    def __init__(self, real: FakeAssets) -> None:
        super().__init__()
        self.assets, self.noted, self._then = real.assets, real.noted, dict(real.assets)

    def recent(self, session: PartnerSession | None, known: Collection[str] = ()) -> Sequence[Asset]:
        owner = session.partner if session else ""
        return [one for (of, _), one in self._then.items() if of == owner]


def test_a_picture_withdrawn_a_moment_ago_is_not_submitted(stage: Stage) -> None:
    """The form may not know yet; what decides asks the library itself."""
    brand = image(stage, None, pictures.photo(600, 300), LAKE)
    campaign = with_picture(stage, assets.address(stage.world, brand))
    stage.world.assets = Remembered(stage.world.assets)
    assets.withdraw(stage.world, None, brand.sha256, version=brand.version)
    assert gate.look(stage.world, stage.session, campaign.id).problems == ()
    with pytest.raises(Refused, match=r"compliance\.BRD006"):
        submit.submit(stage.world, stage.session, stage.people["paula"], campaign.id, 2, terms=True)


def test_a_file_is_taken_once(stage: Stage) -> None:
    """An upload that is over has no form any more: another file is another upload."""
    ended = bring(stage, stage.session, pictures.photo())
    assert ended.state is not UploadState.WAITING
    with pytest.raises(Conflict, match=r"image\.settled"):
        assets.upload_form(stage.world, stage.session, ended, "https://partners.example.com/next")


def test_cutting_to_the_place(stage: Stage) -> None:
    """A picture of another shape is refused; its cut is the partner's own, derived, and fits."""
    found, where = image(stage, None), place(stage)
    with pytest.raises(Refused, match=r"image\.shape"):
        asset_place.choose(stage.world, stage.session, stage.people["paula"], where, "", found.sha256)
    ended = cut(stage, where, found, y=0)
    made = assets.find(stage.world, stage.session, ended.asset)
    assert (made.width, made.height, made.original, made.owner) == (1200, 600, found.sha256, stage.partner)
    assert (made.alt, ended.campaign, ended.region) == (found.alt, where.story.id, "photo")
    asset_place.choose(stage.world, stage.session, stage.people["paula"], where, stage.partner, made.sha256)
    assert owner_in("https://media.example.com", values(stage, where)["photo"]) == (stage.partner, made.token)


def test_a_brand_field_takes_a_part_of_a_brand_picture(stage: Stage) -> None:
    """A cut of head office's picture is its picture still."""
    found = image(stage, None)
    made = cut(stage, place(stage), found)
    where = place(stage, "badge")
    asset_place.choose(stage.world, stage.session, stage.people["paula"], where, stage.partner, made.asset)
    part = assets.find(stage.world, stage.session, made.asset)
    assert owner_in("https://media.example.com", values(stage, where)["badge"]) == (stage.partner, part.token)


def test_cuts_that_would_not_do(stage: Stage) -> None:
    """An animation, and so little that it would be a blur; a picture withdrawn meanwhile ends the cut."""
    where, small = place(stage), image(stage, None, pictures.photo(320, 300))
    with pytest.raises(Refused, match=r"image\.small_cut"):
        cut(stage, where, small, zoom=200)
    with pytest.raises(Refused, match=r"image\.animated_cut"):
        cut(stage, where, image(stage, None, pictures.animation(4, 700, 300)))
    found = image(stage, None)
    started = asset_place.start_cut(
        stage.world, stage.session, stage.people["paula"], where, found, x=0, y=0, zoom=100)
    assets.withdraw(stage.world, None, found.sha256, version=1)
    stage.world.queue.deliver(QueueName.IMPORTS, lambda m: imports.handle(m, stage.world))
    assert [p.code for p in assets.upload(stage.world, stage.session, started.id).problems] == ["image.gone"]


def test_a_colleague_was_faster(stage: Stage) -> None:
    """Choosing from a stale page is told, nothing is overwritten."""
    found, where = image(stage, None, pictures.photo(1200, 600)), place(stage)
    drafts.save(stage.world, stage.session, stage.people["peter"], where.story.id, where.draft.version,
                drafts.Typed(subject="Mine"))
    with pytest.raises(Conflict, match=r"draft\.changed"):
        asset_place.choose(stage.world, stage.session, stage.people["paula"], where, "", found.sha256)


# --- what the rules know

def test_facts(stage: Stage) -> None:
    """Head office's are its own; a partner's have been looked at or not; a part is what its whole is."""
    brand = image(stage, None, details=replace(LAKE, until="2026-12-31"))
    where = place(stage)
    part = assets.find(stage.world, stage.session, cut(stage, where, brand).asset)
    own = image(stage, stage.session, pictures.photo(600, 300, seed=5))
    urls = [assets.address(stage.world, one) for one in (brand, part, own)]
    facts = {f.url: f for f in assets.image_facts(stage.world, stage.session, urls, fresh=True)}
    assert [facts[url].origin for url in urls] == ["hq", "hq", "partner"]
    assert [facts[url].ends for url in urls] == ["2026-12-31", "2026-12-31", ""]
    assert not facts[urls[2]].approved and facts[urls[2]].sha256 == own.sha256
    assets.withdraw(stage.world, None, brand.sha256, version=1)
    facts = {f.url: f for f in assets.image_facts(stage.world, stage.session, urls, fresh=True)}
    assert [facts[url].withdrawn for url in urls] == [True, True, False]


def test_a_partner_s_images_are_read_only_if_named(stage: Stage) -> None:
    """A mail without own pictures costs no read of them; a foreign partner's address is nobody's."""
    own = image(stage, stage.session)
    other = f"https://media.example.com/P/prt_{'z' * 26}/{'0' * 26}/{'a' * 64}.jpg"
    assert assets.image_facts(stage.world, stage.session, ["https://images.example.com/a.png", other], fresh=True) == ()
    found = assets.image_facts(stage.world, stage.session, [assets.address(stage.world, own)], fresh=False)
    assert [f.sha256 for f in found] == [own.sha256]


# --- at the gate

def with_picture(stage: Stage, url: str) -> Campaign:
    """A draft with a picture in its open field."""
    return stage.draft(photo=url, **{"photo.alt": "A lake"})


def codes(stage: Stage, campaign: Campaign) -> list[tuple[str, str]]:
    """What the rules say of the draft's pictures."""
    answers = gate.look(stage.world, stage.session, campaign.id)
    return [(f.code, f.severity if f.state == "fail" else f.state) for f in answers.findings
            if f.code in ("BRD006", "BRD015")]


def approve(stage: Stage, campaign: Campaign) -> None:
    """Submit, and have one reviewer approve."""
    submit.submit(stage.world, stage.session, stage.people["paula"], campaign.id, 2, terms=True)
    stage.deliver()
    token, code = stage.token_and_code("rita")
    decide_as_shown(stage.world, token, Verdict.APPROVE, code=code)


def test_an_approval_remembers_the_partner_s_picture(stage: Stage) -> None:
    """The first mail with it is a warning, the next one is not; another partner's picture is nobody's."""
    own = image(stage, stage.session, pictures.photo(600, 300))
    url = assets.address(stage.world, own)
    first = with_picture(stage, url)
    assert codes(stage, first) == [("BRD006", "warn")]
    approve(stage, first)
    assert assets.find(stage.world, stage.session, own.sha256).approved_at == stage.world.clock.now()
    assert codes(stage, with_picture(stage, url)) == []
    use, = stage.world.assets.uses(stage.session, own.sha256)
    assert (use.campaign, use.submitted) == (first.id, True)


def test_an_approval_that_is_taken_back_is_forgotten(stage: Stage) -> None:
    """What it alone said of a picture is gone; what an earlier approval said stays."""
    own = image(stage, stage.session, pictures.photo(600, 300))
    url = assets.address(stage.world, own)
    first = with_picture(stage, url)
    approve(stage, first)
    token, code = stage.token_and_code("rita")
    decision.revoke(stage.world, token, code=code, reason="I had not seen the picture")
    assert assets.find(stage.world, stage.session, own.sha256).approved_at is None
    assert codes(stage, with_picture(stage, url)) == [("BRD006", "warn")]
    second = with_picture(stage, url)
    approve(stage, second)
    stage.world.clock.advance(minutes=5)
    third = with_picture(stage, url)
    approve(stage, third)
    token, code = stage.token_and_code("rita")
    decision.revoke(stage.world, token, code=code, reason="Another reason")
    assert codes(stage, with_picture(stage, url)) == []


def test_pictures_that_nobody_knows(stage: Stage) -> None:
    """A foreign host's and another partner's block; head office's pass until they are withdrawn."""
    other = f"https://media.example.com/P/prt_{'z' * 26}/{'0' * 26}/{'a' * 64}.jpg"
    for url in ("https://elsewhere.example/x.jpg", other):
        campaign = with_picture(stage, url)
        assert codes(stage, campaign) == [("BRD006", "block")]
        with pytest.raises(Refused, match=r"compliance\.BRD006"):
            submit.submit(stage.world, stage.session, stage.people["paula"], campaign.id, 2, terms=True)
    brand = image(stage, None, pictures.photo(600, 300))
    campaign = with_picture(stage, assets.address(stage.world, brand))
    assert codes(stage, campaign) == []
    assets.withdraw(stage.world, None, brand.sha256, version=1)
    with pytest.raises(Refused, match=r"compliance\.BRD006"):
        submit.submit(stage.world, stage.session, stage.people["paula"], campaign.id, 2, terms=True)


def test_near_copies_need_a_look(stage: Stage) -> None:
    """A partner's picture that is nearly one of head office's is named with it."""
    image(stage, None, pictures.photo(600, 300), replace(LAKE, name="Original"))
    own = image(stage, stage.session, pictures.photo(560, 280), replace(LAKE, name="My copy"))
    answers = gate.look(stage.world, stage.session, with_picture(stage, assets.address(stage.world, own)).id)
    finding, = [f for f in answers.findings if f.code == "BRD006"]
    assert (finding.state, finding.quote) == ("undecidable", "My copy ≈ Original")


def test_the_right_to_a_picture_ends(stage: Stage) -> None:
    """The draft goes out in two days: a picture whose last day is tomorrow blocks, one until then does not."""
    for days, found in ((1, [("BRD015", "block")]), (2, [])):
        day = (stage.world.clock.now() + timedelta(days=days)).date().isoformat()
        brand = image(stage, None, pictures.photo(600, 300, seed=days), replace(LAKE, until=day))
        assert codes(stage, with_picture(stage, assets.address(stage.world, brand))) == found


@pytest.mark.parametrize(("days", "state"), [(2, State.EXPIRED), (9, State.IN_REVIEW)])
def test_a_campaign_does_not_move_past_a_picture_s_last_day(stage: Stage, days: int, state: State) -> None:
    """Undecided at its start, it goes on to the next day only if its pictures may be shown then."""
    day = (stage.world.clock.now() + timedelta(days=days)).date().isoformat()
    brand = image(stage, None, pictures.photo(600, 300), replace(LAKE, until=day))
    campaign = with_picture(stage, assets.address(stage.world, brand))
    drafts.save(stage.world, stage.session, stage.people["paula"], campaign.id, 2, drafts.Typed(on_lapse="next_slot"))
    submit.submit(stage.world, stage.session, stage.people["paula"], campaign.id, 3, terms=True)
    stage.world.clock.advance(days=2)
    lapse(stage.world, stage.session, stage.now_of(campaign))
    assert stage.now_of(campaign).state is state


@pytest.mark.parametrize(("ends", "state"), [(1, State.HELD), (2, State.SENDING)])
def test_a_campaign_does_not_start_past_a_picture_s_last_day(stage: Stage, ends: int, state: State) -> None:
    """Head office may shorten the time after the approval: what starts later than that is paused, with its reason."""
    day = (stage.world.clock.now() + timedelta(days=ends)).date().isoformat()
    brand = image(stage, None, pictures.photo(600, 300), LAKE)
    campaign = with_picture(stage, assets.address(stage.world, brand))
    submit.submit(stage.world, stage.session, stage.people["paula"], campaign.id, 2, terms=True)
    stage.deliver()
    token, code = stage.token_and_code("rita")
    decide_as_shown(stage.world, token, Verdict.APPROVE, code=code)
    assets.change(stage.world, None, brand.sha256, replace(LAKE, until=day), version=brand.version)
    start = stage.now_of(campaign).start
    assert start is not None
    stage.world.clock.advance(seconds=(start.at - stage.world.clock.now()).total_seconds() + 1)
    plan.look(stage.world, stage.partner, campaign.id)
    after = stage.now_of(campaign)
    assert after.state is state
    assert after.hold_reason is (HoldReason.PICTURE if state is State.HELD else None)

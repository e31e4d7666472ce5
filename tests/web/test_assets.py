"""The pages of the image library: head office's, a partner's, and choosing and cutting for a campaign."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.asset import Asset, Details
from chalicelib.domain.ids import PersonId
from chalicelib.domain.people import Role
from chalicelib.events import imports
from chalicelib.ports.system import QueueName
from chalicelib.usecases import assets
from chalicelib.web import hq_assets
from tests import pictures
from tests.fakes.world import FakeWorld
from tests.web import partner_stage, stage
from tests.web.client import Browser, Got
from tests.web.partner_stage import Place

SOURCE = partner_stage.STARTER.read_bytes()
OPEN = re.sub(rb'data-region-choices="https[^"]*"', b"", SOURCE, count=1)
OTTO = PersonId("prs_" + "0" * 26)
LAKE = Details(name="The lake", alt="A lake in spring")
SAID = {"name": LAKE.name, "alt": LAKE.alt}


def s3_says(world: FakeWorld, got: Got, data: bytes) -> None:
    """The browser posts the file to the bucket, and S3 tells of it."""
    key = got.field("key")
    world.blobs.objects[key] = data
    imports.handle({"Records": [{"s3": {"object": {"key": key}}}]}, world)


def add(world: FakeWorld, session: Any, data: bytes = b"", **changes: Any) -> Asset:
    """An image of a library, without its pages."""
    started = assets.start_upload(world, OTTO, session, replace(LAKE, **changes))
    key = assets.upload_key(started.owner, started.id)
    world.blobs.put(session, key, data or pictures.photo(1200, 900), "image/jpeg")
    imports.handle({"Records": [{"s3": {"object": {"key": key}}}]}, world)
    return assets.find(world, session, assets.upload(world, session, started.id).asset)


@pytest.fixture
def place() -> Place:
    """A partner whose template has an open image field."""
    return partner_stage.place(source=OPEN)


def reads(place: Place) -> int:
    """What the last page read of DynamoDB; it changed nothing."""
    assert place.watched.writes() == []
    return len(place.watched.database())


def region(place: Place) -> str:
    """The open image field."""
    return next(r.id for r in place.template.regions if r.type.value == "image")


class TestPartner:
    """The partner's own pictures."""

    def test_an_empty_library_says_what_to_do(self, place: Place) -> None:
        """Not only that there is nothing."""
        got = place.get("images")
        assert got.status == 200 and "No picture yet" in got.body and "Upload a picture" in got.body

    def test_from_the_form_to_the_picture(self, place: Place) -> None:
        """What is in it, then the file straight to the bucket, then the result; three reads a page at most."""
        begun = place.post("images", "new", **SAID)
        assert begun.status == 303
        upload = begun.location.rpartition("/")[2]
        form = place.get("images", "uploads", upload)
        assert reads(place) <= 3
        assert form.field("key") == f"UPLOADS/P/{place.ours.id}/{upload}.image"
        assert form.field("success_action_redirect").endswith(f"/images/uploads/{upload}?sent=1")
        policy = form.headers["content-security-policy"]
        assert "form-action 'self' https://uploads.invalid" in policy
        waiting = place.get("images", "uploads", upload, query="sent=1")
        assert "hx-get" in waiting.body and "Load again" in waiting.body
        s3_says(place.world, form, pictures.photo())
        done = place.get("images", "uploads", upload, query="sent=1")
        assert "is in the library" in done.body and reads(place) <= 3
        listed = place.get("images")
        assert "The lake" in listed.body and 'alt="A lake in spring"' in listed.body and reads(place) <= 3
        policy = listed.headers["content-security-policy"]
        assert re.search(r"img-src 'self' data: https://media\.example\.com[;\s]", policy)

    def test_a_refused_file_says_why_and_what_to_do(self, place: Place) -> None:
        """With the way to another try."""
        upload = place.post("images", "new", **SAID).location.rpartition("/")[2]
        s3_says(place.world, place.get("images", "uploads", upload), pictures.SVG)
        got = place.get("images", "uploads", upload, query="sent=1")
        assert "Export it as PNG" in got.body and "Upload another file" in got.body

    def test_all_problems_at_once(self, place: Place) -> None:
        """The typed values are kept."""
        got = place.post("images", "new", name="Kept", until="2020-01-01")
        assert got.status == 422 and got.field("name") == "Kept"
        assert "Describe what the picture shows" in got.body and "has passed already" in got.body

    def test_progress(self, place: Place) -> None:
        """A fragment for htmx, which loads the page anew once it ended; without JavaScript the page itself."""
        upload = place.post("images", "new", **SAID).location.rpartition("/")[2]
        path = place.path("images", "uploads", upload, "progress")
        assert place.browser.get(path).status == 303
        waits = place.browser.get(path, **{"hx-request": "true"})
        assert "hx-trigger" in waits.body and "hx-refresh" not in waits.headers
        s3_says(place.world, place.get("images", "uploads", upload), pictures.photo())
        assert place.browser.get(path, **{"hx-request": "true"}).headers["hx-refresh"] == "true"

    def test_one_picture(self, place: Place) -> None:
        """What is known of it; it is described anew, withdrawn and offered again."""
        made = add(place.world, place.session)
        got = place.get("images", made.sha256)
        assert "1200 × 900" in got.body and "In no mail so far" in got.body and reads(place) <= 3
        saved = place.post("images", made.sha256, name="Lake", alt="", decorative="yes", version="1")
        assert saved.location.endswith("?saved=1")
        assert place.post("images", made.sha256, name="", alt="", version="2").status == 422
        assert place.post("images", made.sha256, "withdraw", version="2").status == 303
        got = place.get("images", made.sha256)
        assert "Withdrawn" in got.body and "Offer it again" in got.body
        assert place.post("images", made.sha256, "restore", version="3").status == 303
        assert place.post("images", made.sha256, "withdraw", version="1").status == 409

    def test_a_foreign_picture_is_the_same_404(self, place: Place) -> None:
        """As one that nobody has, on every page; so is a foreign upload."""
        other = place.world.session(stage.partner(place.world, "Other").id)
        theirs = add(place.world, other)
        upload = next(key[1] for key in place.world.uploads.uploads)
        nothing = place.get("images", "0" * 64)
        assert nothing.status == 404
        for parts in (("images", theirs.sha256), ("images", "x"), ("images", "uploads", upload),
                      ("images", "uploads", upload, "progress")):
            assert (place.get(*parts).status, place.get(*parts).body) == (404, nothing.body)
        for action in ("withdraw", "restore"):
            assert place.post("images", theirs.sha256, action, version="1").status == 404


class TestChoosing:
    """A picture for a field of a campaign."""

    def test_the_form_offers_the_way_and_keeps_what_was_typed(self, place: Place) -> None:
        """The button saves first; the chosen picture is shown in the form and allowed by its policy."""
        made = add(place.world, None, pictures.photo(1200, 560))
        draft = place.draft()
        edit = place.get("campaigns", draft.id, "edit")
        assert "Choose from the library" in edit.body
        sent = place.post("campaigns", draft.id, "edit", version=edit.field("version"), subject="Typed",
                          next=f"image.{region(place)}")
        assert sent.location.endswith(f"/campaigns/{draft.id}/images/{region(place)}")
        chooser = place.browser.get(sent.location)
        assert "The lake" in chooser.body and "Use this one" in chooser.body
        put = place.browser.post(sent.location, {"csrf": place.csrf, "pick": f"hq.{made.sha256}"})
        assert put.status == 303 and put.location.endswith(f"/edit#f-v-{region(place)}")
        shown = place.get("campaigns", draft.id, "edit")
        url = assets.address(place.world, made)
        assert f'value="{url}" checked' in shown.body and shown.field("subject") == "Typed"
        assert "https://media.example.com" in shown.headers["content-security-policy"]
        assert url in place.get("campaigns", draft.id, "check").body
        frame = place.get("campaigns", draft.id, "preview")
        assert url in frame.body and "sandbox" in frame.headers["content-security-policy"]

    def test_a_preview_loads_no_picture_that_was_only_typed(self, place: Place) -> None:
        """Its policy names the hosts of HQ's own HTML and the library's: a foreign address is told of no look."""
        draft = place.draft(**{f"value_{region(place)}": "https://tracker.example/x.gif"})
        frame = place.get("campaigns", draft.id, "preview")
        allowed = re.search(r"img-src ([^;]*);", frame.headers["content-security-policy"])
        assert allowed and "tracker.example" in frame.body
        assert {"https://media.example.com", "https://images.example.com"} <= set(allowed[1].split())
        assert "https:" not in allowed[1].split() and "tracker.example" not in allowed[1]

    def test_pages_read_three_things_at_most(self, place: Place) -> None:
        """Chooser, cut, and the form of a draft with an own picture."""
        made = add(place.world, place.session)
        fitting = add(place.world, place.session, pictures.photo(600, 280, seed=4))
        draft = place.draft()
        place.get("campaigns", draft.id, "images", region(place))
        assert reads(place) <= 3
        place.get("campaigns", draft.id, "images", region(place), "cut", query=f"pick=own.{made.sha256}")
        assert reads(place) <= 3
        assert place.post("campaigns", draft.id, "images", region(place), pick=f"own.{fitting.sha256}").status == 303
        for page in ("edit", "check", "hints"):
            got = place.get("campaigns", draft.id, page)
            assert got.status == 200 and reads(place) <= 3, (page, place.watched.database())

    def test_cutting(self, place: Place) -> None:
        """A picture of another shape is cut; the part is shown by attributes alone, the result goes into the mail."""
        made, draft = add(place.world, None), place.draft()
        where = ("campaigns", draft.id, "images", region(place))
        sent = place.post(*where, pick=f"hq.{made.sha256}")
        assert f"/cut?pick=hq.{made.sha256}" in sent.location
        page = place.browser.get(sent.location)
        assert 'viewBox="0 170 1200 560"' in page.body and 'type="range"' in page.body and "style=" not in page.body
        shown = place.post(*where, "cut", pick=f"hq.{made.sha256}", x="0", y="100", zoom="200", show="1")
        assert shown.status == 200 and 'viewBox="0 620 600 280"' in shown.body
        begun = place.post(*where, "cut", pick=f"hq.{made.sha256}", x="0", y="100", zoom="100")
        upload = begun.location.rpartition("/")[2]
        assert "It is being cut" in place.get("images", "uploads", upload).body
        place.world.queue.deliver(QueueName.IMPORTS, lambda m: imports.handle(m, place.world))
        done = place.get("images", "uploads", upload)
        assert "Put it into the mail" in done.body and reads(place) <= 3
        pick = re.search(r'name="pick" value="(own\.[0-9a-f]{64})"', done.body)
        assert pick
        assert place.post(*where, pick=pick[1]).location.endswith(f"#f-v-{region(place)}")
        value = place.world.campaigns.history(place.session, draft.id).draft.values[region(place)]
        assert value.startswith(f"https://media.example.com/P/{place.ours.id}/")

    def test_too_close_says_so(self, place: Place) -> None:
        """A part that would look blurred is refused at the slider."""
        made, draft = add(place.world, None, pictures.photo(640, 480)), place.draft()
        got = place.post("campaigns", draft.id, "images", region(place), "cut", pick=f"hq.{made.sha256}", zoom="300")
        assert got.status == 422 and "Take a larger part" in got.body

    def test_nothing_chosen_and_nonsense(self, place: Place) -> None:
        """A form of ours without a choice is told; anything else is NotFound."""
        draft = place.draft()
        where = ("campaigns", draft.id, "images", region(place))
        assert place.post(*where).status == 422
        for pick in ("own.x", "hq.", "x." + "a" * 64, "own." + "a" * 64, "hq.../../x", "a" * 500):
            assert place.post(*where, pick=pick).status == 404, pick
            assert place.get(*where, "cut", query=f"pick={pick}").status == 404
        assert place.get("campaigns", draft.id, "images", "nothing").status == 404
        assert place.get("campaigns", "cmp_" + "0" * 26, "images", region(place)).status == 404
        for zoom in ("", "-1", "999999", "x"):
            made = add(place.world, None)
            page = place.post(*where, "cut", pick=f"hq.{made.sha256}", zoom=zoom, show="1")
            assert page.status == 200

    def test_a_new_picture_for_the_place(self, place: Place) -> None:
        """The upload knows where it is for and leads back there."""
        draft = place.draft()
        asked = place.get("images", "new", query=f"campaign={draft.id}&region={region(place)}")
        begun = place.post("images", "new", **SAID, campaign=asked.field("campaign"), region=asked.field("region"))
        upload = begun.location.rpartition("/")[2]
        s3_says(place.world, place.get("images", "uploads", upload), pictures.photo())
        done = place.get("images", "uploads", upload, query="sent=1")
        assert f'action="https://partners.example.com/p/{place.ours.id}/campaigns/{draft.id}/images/' in done.body

    def test_a_listed_field_has_no_library(self) -> None:
        """HQ's choices stay the only ones where a template says so."""
        closed = partner_stage.place(source=SOURCE.replace(b'data-region-pictures="own"', b""))
        draft = closed.draft()
        assert "Choose from the library" not in closed.get("campaigns", draft.id, "edit").body
        assert closed.get("campaigns", draft.id, "images", region(closed)).status == 404


def at_hq(role: Role) -> tuple[FakeWorld, Browser]:
    """Somebody's browser at head office."""
    world = FakeWorld()
    person = stage.person(world, "Hanna", [role])
    return world, stage.browser(world, person, routes=(*stage.FRAME, *hq_assets.routes))


class TestHeadOffice:
    """The brand's library."""

    @pytest.fixture
    def hanna(self) -> tuple[FakeWorld, Browser]:
        """An admin's browser."""
        return at_hq(Role.HQ_ADMIN)

    def test_library(self, hanna: tuple[FakeWorld, Browser]) -> None:
        """Empty, then with a logo; its page says which partner uses it."""
        world, browser = hanna
        assert "No picture yet" in browser.get("/hq/images").body
        new = browser.get("/hq/images/new")
        begun = browser.submit(new, "/hq/images/new", **SAID, logo="yes")
        assert begun.status == 303
        page = browser.get(begun.location)
        assert page.field("key").startswith("UPLOADS/ORG/upl_")
        s3_says(world, page, pictures.photo())
        assert "is in the library" in browser.get(begun.location + "?sent=1").body
        made = next(iter(world.assets.assets.values()))
        assert made.logo and made.owner == ""
        assert "Logo" in browser.get("/hq/images").body
        shown = browser.get(f"/hq/images/{made.sha256}")
        assert shown.status == 200 and "It is a logo of the brand" in shown.body
        assert browser.submit(shown, f"/hq/images/{made.sha256}/withdraw", version="1").status == 303
        assert "Withdrawn" in browser.get("/hq/images").body

    def test_reviewers_and_partners_have_no_page(self) -> None:
        """For others the library does not exist."""
        _, browser = at_hq(Role.REVIEWER)
        for path in ("/hq/images", "/hq/images/new", f"/hq/images/{'a' * 64}"):
            assert browser.get(path).status == 404


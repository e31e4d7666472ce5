"""The bounds of a release: what a replacement must leave alone, and how one that stands still is ended."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from chalicelib.domain import stamp
from chalicelib.domain.campaign import State
from chalicelib.domain.errors import Conflict, Permanent, Refused
from chalicelib.domain.people import Role
from chalicelib.domain.release import Phase
from chalicelib.events import notices
from chalicelib.rendering import bones
from chalicelib.usecases import release_run, releases
from chalicelib.web import hq_release
from tests.stage import SOURCE, Stage, add_partner
from tests.usecases.release_stage import (
    LOGO,
    OLD_LOGO,
    STAMP,
    approved,
    approved_campaign,
    moving,
    of,
    plan,
    prepared,
    publish_next,
    set_stage,
)
from tests.web import stage

LOCKED = (
    b'<!--[if mso]><v:rect fill="t"><![endif]--><center style="color:#12372a">Made with joy</center><p>Hello {{')


def rich_stage() -> Stage:
    """The stage with a tag, a condition and a colour more in its template."""
    here = set_stage()
    (key, version), = here.world.templates.versions.items()
    source = SOURCE.replace(*LOGO).replace(b"<p>Hello {{", LOCKED)
    here.world.templates.versions[key] = of(version, source, 1)
    return here


@pytest.mark.parametrize(("old", "new"), [
    ("first_name", "last_name"), ("contact.first_name", "contact.iban"), ("contact", "person"),
    ("default", "defaulted"), ("there", "darling"), ("your dealer", "our dealer"),
    ("center", "section"), ("table", "tables"), ("width", "height"), ("style", "title"), ("role", "role hidden"),
    ("html", "htmx"), ("v:rect", "v:oval"), ("[if mso]", "[if !mso]"),
])
def test_a_replacement_changes_texts_only(old: str, new: str) -> None:
    """Merge fields and the names of tags and attributes are what was published; the refusal names both sides."""
    here = rich_stage()
    with pytest.raises(Refused) as refused:
        prepared(here, plan(here, pairs=(*STAMP, (old, new))))
    problem, = (p for p in refused.value.problems if p.code == "release.structure")
    assert (problem.field, problem.params) == ("old-2", {"name": "Spring", "value": old})
    assert here.world.releases.releases == {}


@pytest.mark.parametrize(("old", "new"), [
    *STAMP, ("#12372A", "#ff0000"), ("Made with joy", "Made with care & joy"), ("Hello", "Dear"), ("120", "140"),
])
def test_texts_addresses_and_colours_are_replaced(old: str, new: str) -> None:
    """What a release is made for still works, in the same template."""
    here = rich_stage()
    made = prepared(here, plan(here, pairs=((old, new),)))
    assert [move.stamped for move in made.moves] == [True]


@pytest.mark.parametrize(("pair", "code"), [
    (("first_name", "last_name"), "release.structure"), (("center", "section"), "release.structure"),
    (("https://brand.example/logo-1.png", "javascript:alert(1)"), "release.unsafe"),
])
def test_the_approval_judges_a_release_of_older_rules(pair: tuple[str, str], code: str) -> None:
    """One that was stored before a rule was there is refused like a new one, and waits to be withdrawn."""
    here = rich_stage()
    made, henry = prepared(here), here.people["henry"]
    base = next(iter(here.world.templates.versions.values()))
    after = stamp.stamped(base, (pair,), number=2, by=made.prepared_by, at=made.prepared_at)
    assert after is not None
    older = replace(made, pairs=(pair,), moves=(
        replace(made.moves[0], sha256=hashlib.sha256(after.html.encode()).hexdigest()),))
    here.world.releases.releases[made.id] = older
    with pytest.raises(Refused) as refused:
        releases.approve(here.world, henry, made.id, shown=older.fingerprint)
    assert [(p.code, p.field, p.params["name"]) for p in refused.value.problems] == [(code, "", "Spring")]
    assert here.world.releases.get(made.id).release.phase is Phase.PREPARED
    page = stage.browser(here.world, henry, routes=(*stage.FRAME, *hq_release.routes))
    path = f"/hq/releases/{made.id}"
    sent = page.post(f"{path}/approve", {
        "csrf": page.get(path).field("csrf"), "sure": "yes", "shown": older.fingerprint})
    assert sent.status == 422
    assert "In “Spring”" in sent.body


@pytest.mark.parametrize("stamped", [True, False], ids=("made by the release", "published before"))
def test_only_the_bytes_that_were_prepared_are_approved(stamped: bool) -> None:
    """A version is bound by its hash: were other bytes stored under its number, nothing is released."""
    here = set_stage()
    if not stamped:
        publish_next(here, HELLO)
    made = prepared(here, plan(here) if stamped else moving(here))
    known, number = here.world.templates.versions, 1 if stamped else 2
    key = next(key for key in known if key[1] == number)
    known[key] = replace(known[key], html=known[key].html.replace("</body>", "<p>More</p></body>"))
    with pytest.raises(Conflict, match=r"release\.stale"):
        releases.approve(here.world, here.people["henry"], made.id, shown=made.fingerprint)
    assert here.world.releases.get(made.id).release.phase is Phase.PREPARED


def test_bones_are_the_same_for_other_words() -> None:
    """Words, addresses and comments' texts are no bones; a second template with other ones is told apart."""
    here = rich_stage()
    version = next(iter(here.world.templates.versions.values()))
    html = version.html.encode()
    assert bones.of(html) == bones.of(html.replace(b"Made with joy", b"Merry"))
    assert bones.of(html) != bones.of(html.replace(b"</center>", b"</centre>"))


# --- the end of one that stands still

HELLO = (b"Hello {{", b"Dear {{")


def stuck() -> tuple[Stage, str]:
    """A release whose version somebody published before its message came: no delivery can ever succeed."""
    here = set_stage()
    made = approved(here)
    here.world.queue.waiting.clear()
    publish_next(here, HELLO)
    for _ in range(2):
        with pytest.raises(Permanent):
            release_run.start(here.world, made.id)
    return here, made.id


def test_a_release_that_cannot_be_applied_is_ended() -> None:
    """Who ended it is kept, late messages do nothing, and the next release is approved and applied."""
    here, stands = stuck()
    campaign = here.submitted()
    henry = here.people["henry"]
    nxt = prepared(here, plan(here, title="Next"))
    with pytest.raises(Conflict, match=r"release\.busy"):
        releases.approve(here.world, henry, nxt.id, shown=nxt.fingerprint)
    releases.end(here.world, henry, stands)
    releases.end(here.world, henry, stands)  # the form sent twice
    with pytest.raises(Conflict, match=r"release\.not_now"):
        releases.end(here.world, here.people["hanna"], stands)
    ended = here.world.releases.get(stands).release
    assert (ended.phase, ended.ended_by, ended.ended_name) == (Phase.DONE, henry.id, "Henry")
    assert ended.finished_at == here.world.clock.now()
    before = here.now_of(campaign)
    for message in ({"kind": "release"}, {"kind": "release_partner", "partner": here.partner}, {"kind": "release_end"}):
        notices.handle({"v": 1, "release": stands, **message}, here.world)
    assert here.now_of(campaign) == before
    known = here.world.releases.get(stands)
    assert (known.release, known.partners, known.results) == (ended, (), ())
    releases.approve(here.world, henry, nxt.id, shown=nxt.fingerprint)
    here.deliver()
    assert here.world.releases.get(nxt.id).release.phase is Phase.DONE


def test_only_one_that_is_being_applied_is_ended() -> None:
    """Neither one that waits, nor one that is done."""
    here = set_stage()
    made, henry = prepared(here), here.people["henry"]
    with pytest.raises(Conflict, match=r"release\.not_now"):
        releases.end(here.world, henry, made.id)
    releases.approve(here.world, henry, made.id, shown=made.fingerprint)
    here.deliver()
    with pytest.raises(Conflict, match=r"release\.not_now"):
        releases.end(here.world, henry, made.id)
    assert here.world.releases.get(made.id).release.ended_by is None


def test_reviewers_of_an_ended_release_are_told() -> None:
    """A partner's turn never comes; whoever was asked at another partner still gets the mail, and the page names it."""
    here = set_stage()
    campaign = approved_campaign(here)
    other = add_partner(here.world, "Olga Boats", None, here.world.clock.now())
    made = approved(here, plan(here, treatment="review"))
    here.world.queue.waiting.clear()
    release_run.start(here.world, made.id)
    release_run.partner(here.world, made.id, here.partner)
    here.world.queue.waiting.clear()  # the other partner's message is lost each time
    assert here.now_of(campaign).state is State.IN_REVIEW
    assert here.mails("rita", "release_review") == []
    releases.end(here.world, here.people["henry"], made.id)
    here.deliver()
    assert len(here.mails("rita", "release_review")) == 1
    release_run.partner(here.world, made.id, other)
    known = here.world.releases.get(made.id)
    assert known.missing == (other,)
    assert releases.not_reached(here.world, known) == ["Olga Boats"]
    page = stage.browser(here.world, here.people["hanna"], routes=(*stage.FRAME, *hq_release.routes)).get(
        f"/hq/releases/{made.id}").body
    for text in ("Ended before all was done", "ended as it was by Henry", "Not reached: Olga Boats"):
        assert text in page


def test_the_page_ends_it_with_a_tick() -> None:
    """For administrators, with a box to tick and the token of the form."""
    here, stands = stuck()
    routes, path = (*stage.FRAME, *hq_release.routes), f"/hq/releases/{stands}"
    henry = stage.browser(here.world, here.people["henry"], routes=routes)
    dana = stage.browser(here.world, stage.person(here.world, "Dana", (Role.HQ_DESIGNER,)), routes=routes)
    page = henry.get(path)
    assert "End it as it is" in page.body
    assert "End it as it is" not in dana.get(path).body
    token = {"csrf": page.field("csrf")}
    assert dana.post(f"{path}/end", {"csrf": dana.get(path).field("csrf"), "sure-end": "yes"}).status in (403, 404)
    assert henry.post(f"{path}/end", {"sure-end": "yes"}).status == 403
    refused = henry.post(f"{path}/end", token)
    assert refused.status == 422
    assert "Tick the box to confirm." in refused.body
    assert here.world.releases.get(stands).release.phase is Phase.APPLYING
    assert henry.post(f"{path}/end", {**token, "sure-end": "yes"}).status == 303
    assert "No partner" in henry.get(path).body
    assert here.world.releases.get(stands).release.phase is Phase.DONE
    assert OLD_LOGO in henry.get(path).body

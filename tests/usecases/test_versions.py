"""Two versions of a template, and a draft that moves from one to the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain import values
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.rendering.mail import render
from chalicelib.usecases import drafts, versions
from tests.rendering.samples import ENTITY, SYSTEM, page, version
from tests.web.partner_stage import Place, place

OLD = version(page("""<p>Locked words</p><p>More words</p>
<h1 data-region="headline" data-region-max-length="60">Hello</h1>
<p data-region="gone">Old</p><p data-region="same">Default</p>
<div data-region="story" data-region-type="rich"><p>Once</p></div>
<span data-region="pick" data-region-type="choice" data-region-choices="One|Two">One</span>
<p data-region="price" data-region-type="price">€9</p>
<div data-repeat="items" data-repeat-max="4"><b data-region="item">Item</b></div>
<div data-optional="note"><b data-region="words">Note</b></div>""" + SYSTEM))
NEW = replace(version(page("""<p>Locked words</p><p>Other words</p>
<h1 data-region="headline" data-region-max-length="10">Hello</h1>
<p data-region="fresh">New</p><p data-region="same">New default</p>
<p data-region="story" data-region-type="text" data-region-rows="4">Once</p>
<span data-region="pick" data-region-type="choice" data-region-choices="One|Three">One</span>
<p data-region="price" data-region-type="price">€9</p>
<div data-repeat="items" data-repeat-max="2"><b data-region="item">Item</b></div>
<div data-optional="note"><b data-region="words">Note</b></div>""" + SYSTEM)), number=2)


def test_what_differs_is_named() -> None:
    """Fields that came, went and changed, with each setting; locked words with their sign."""
    found = versions.compare(OLD, NEW)
    assert [d.id for d in found.added] == ["fresh"] and [d.id for d in found.removed] == ["gone"]
    changed = {d.id: dict((name, (a, b)) for name, a, b in d.settings) for d in found.changed}
    assert changed["headline"] == {"max_length": ("60", "10")} and changed["block items"] == {"most": ("4", "2")}
    assert changed["story"]["type"] == ("rich", "text") and changed["pick"] == {"choices": ("One, Two", "One, Three")}
    assert ("-", "Locked words More words") in found.locked and ("+", "Locked words Other words") in found.locked
    assert found.locked_changed and not found.same and versions.compare(OLD, OLD).same


def test_style_alone_is_a_change() -> None:
    """Locked bytes that no reader sees as words still make another mail."""
    styled = version(page("<p style='color:red'>L</p><p data-region=x>x</p>" + SYSTEM))
    plain = version(page("<p>L</p><p data-region=x>x</p>" + SYSTEM))
    found = versions.compare(plain, styled)
    assert found.locked == () and found.locked_changed and not found.same


def test_a_draft_is_carried_over_field_by_field() -> None:
    """Kept, following HQ's new default, kept but to be mended, or shown as lost: every value has one fate."""
    typed = {
        **values.defaults(OLD.regions), "headline": "A much longer headline", "gone": "My words",
        "story": "<p>My <b>story</b></p>", "pick": "Two", "price": "12", "items.count": "3", "items.2.item": "Second",
        "items.3.item": "Third", "note.show": "",
    }
    carried = versions.carry(OLD, NEW, typed)
    assert {(f.key, f.what) for f in carried.fates} == {
        ("headline", "unfit"), ("gone", "lost"), ("same", "follows"), ("story", "kept"), ("pick", "lost"),
        ("price", "kept"), ("items.2.item", "kept"), ("items.3.item", "lost"),
    }
    assert carried.values["story"] == "My story" and carried.values["same"] == "New default"
    assert carried.values["items.count"] == "2" and carried.values["note.show"] == ""
    assert carried.values["price"] == "12" and set(carried.values) <= values.open_keys(NEW)
    mended = {**carried.values, "headline": "Short"}
    assert "Second" in render(NEW, values=mended, subject="S", preheader="", entity=ENTITY).content.html


@pytest.mark.parametrize("typed", [{}, {"headline": "x" * 9_999}, {"nonsense": "x"}, {"items.count": "many"}])
def test_whatever_was_typed_is_carried(typed: dict[str, str]) -> None:
    """Nothing typed stops a draft from moving, and no key comes along that the form does not offer."""
    assert set(versions.carry(OLD, NEW, typed).values) <= values.open_keys(NEW)


def moved(here: Place) -> str:
    """A campaign whose draft stands on version 1 while version 2 is published; its id."""
    made = here.draft()
    newer = replace(here.template, number=here.template.number + 1,
                    html=here.template.html.replace("Nordlicht Bikes", "Nordlicht Cycles", 1))
    here.world.templates.publish(newer)
    return str(made.id)


def test_the_partner_is_told_and_takes_it_over() -> None:
    """The form names the newer version, its page shows what changes, and one button puts the draft on it."""
    here = place()
    assert "newer version" not in here.get("campaigns", here.draft().id, "edit").body
    campaign = moved(here)
    assert "newer version of this template" in here.get("campaigns", campaign, "edit").body
    page_ = here.get("campaigns", campaign, "version")
    assert "<del>Nordlicht Bikes" in page_.body and "<ins>Nordlicht Cycles" in page_.body
    form = {"version": page_.field("version"), "number": page_.field("number")}
    assert here.post("campaigns", campaign, "version", **form).status == 303
    draft = here.world.campaigns.history(here.session, campaign).draft  # type: ignore[arg-type]
    assert (draft.template_version, draft.version) == (here.template.number + 1, 2)
    assert here.post("campaigns", campaign, "version", **form).status == 303  # sent twice
    assert here.get("campaigns", campaign, "version").status == 404


def test_only_what_was_shown_is_taken_over() -> None:
    """A draft that was saved meanwhile, or a version that is not the newest, is refused."""
    here = place()
    campaign = moved(here)
    assert here.post("campaigns", campaign, "version", version="9", number="2").status == 409
    assert here.post("campaigns", campaign, "version", version="1", number="7").status == 409
    with pytest.raises(NotFound):
        versions.look(here.world, here.session, "cmp_" + "9" * 26)  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        versions.take_over(here.world, here.session, here.anna, campaign, draft_version=2, number=2)  # type: ignore[arg-type]


def test_own_lines_stay_and_head_offices_follow() -> None:
    """Subject and preview line go along where they were head office's; steps back would lead to the older fields."""
    here = place()
    made = here.draft(subject="In my own words")
    before = here.world.campaigns.history(here.session, made.id).draft
    assert before.undo and before.preheader == here.template.preheader != ""
    here.world.templates.publish(replace(here.template, number=2, subject="A new subject", preheader="A new preview"))
    versions.take_over(here.world, here.session, here.anna, made.id, draft_version=before.version, number=2)
    draft = here.world.campaigns.history(here.session, made.id).draft
    assert (draft.subject, draft.preheader) == ("In my own words", "A new preview")
    assert (draft.undo, draft.redo) == ((), ())


def test_what_was_submitted_is_not_taken_over() -> None:
    """People look at it: it stays on its version until it is a draft again."""
    here = place()
    made = here.submitted()
    before = here.world.campaigns.history(here.session, made.id).draft
    here.world.templates.publish(replace(here.template, number=2))
    with pytest.raises(Conflict, match=r"campaign\.not_now"):
        versions.take_over(here.world, here.session, here.anna, made.id, draft_version=before.version, number=2)
    assert here.world.campaigns.history(here.session, made.id).draft == before


def test_using_a_campaign_again_fits_the_programmes_version() -> None:
    """Texts of a draft on another version are carried to the one its programme names."""
    here = place()
    campaign = moved(here)
    versions.take_over(here.world, here.session, here.anna, campaign, draft_version=1, number=2)  # type: ignore[arg-type]
    again = drafts.use_again(here.world, here.session, here.anna, campaign)  # type: ignore[arg-type]
    draft = here.world.campaigns.history(here.session, again.id).draft
    assert draft.template_version == here.programme.template_version
    assert set(draft.values) <= values.open_keys(here.template)

"""Undo and redo of a draft: buttons of the form that work without JavaScript, in one tab and in two."""

from __future__ import annotations

import re

from chalicelib.domain.campaign import Draft
from tests.web.partner_stage import Place, place


def stored(here: Place, campaign: str) -> Draft:
    """The draft as it is stored."""
    return here.world.campaigns.history(here.session, campaign).draft  # type: ignore[arg-type]


def turns(body: str) -> dict[str, bool]:
    """Which of the two buttons can be pressed."""
    found = re.findall(r'<button [^>]*data-turn="(undo|redo)"[^>]*>', body)
    assert found == ["undo", "redo"]
    return {name: f'data-turn="{name}" disabled' not in body for name in found}


def form(here: Place, campaign: str, **changed: str) -> dict[str, str]:
    """What the form of the stored draft posts, with what was typed since."""
    draft = stored(here, campaign)
    values = {f"v.{key}": text for key, text in draft.values.items()}
    return {"version": str(draft.version), "subject": draft.subject, "preheader": draft.preheader, **values, **changed}


def test_each_saved_state_can_be_gone_back_to_and_forward_again() -> None:
    """Three saves, three steps back, three forward; every step is a save that colleagues see."""
    here = place()
    made = here.draft()
    first = stored(here, made.id).values["headline"]
    for text in ("One", "Two", "Three"):
        assert here.send(("campaigns", made.id, "edit"), form(here, made.id, **{"v.headline": text})).status == 303
    seen = []
    for _ in range(3):
        got = here.send(("campaigns", made.id, "undo"), form(here, made.id))
        assert got.status == 303 and got.location.endswith("/edit?turned=1#f-v-headline")
        seen.append(stored(here, made.id).values["headline"])
    assert seen == ["Two", "One", first]
    assert turns(here.get("campaigns", made.id, "edit").body) == {"undo": False, "redo": True}
    for text in ("One", "Two", "Three"):
        here.send(("campaigns", made.id, "redo"), form(here, made.id))
        assert stored(here, made.id).values["headline"] == text
    assert stored(here, made.id).version == 10
    assert turns(here.get("campaigns", made.id, "edit").body) == {"undo": True, "redo": False}


def test_what_was_typed_and_not_saved_is_the_first_to_be_undone() -> None:
    """Without JavaScript the button posts the form: its text goes, and redo brings it back."""
    here = place()
    made = here.draft(value_headline="Saved")
    here.send(("campaigns", made.id, "undo"), form(here, made.id, **{"v.headline": "Typed"}))
    assert stored(here, made.id).values["headline"] == "Saved"
    here.send(("campaigns", made.id, "redo"), form(here, made.id))
    assert stored(here, made.id).values["headline"] == "Typed"


def test_two_tabs_cannot_undo_each_other() -> None:
    """The second tab is told who was faster and keeps its text; nothing is undone."""
    here = place()
    made = here.draft(value_headline="Saved")
    old = form(here, made.id)
    here.send(("campaigns", made.id, "edit"), form(here, made.id, **{"v.headline": "Newer"}))
    for turn in ("undo", "redo"):
        got = here.send(("campaigns", made.id, turn), {**old, "v.headline": "Mine"})
        assert got.status == 409 and "Somebody saved this draft before you" in got.body and "Mine" in got.body
        assert stored(here, made.id).values["headline"] == "Newer"


def test_times_and_choices_are_undone_with_the_texts() -> None:
    """Everything the form holds belongs to a step."""
    here = place()
    made = here.draft()
    here.post("campaigns", made.id, "edit", version="1", local_time="2026-03-10T09:00", on_lapse="next_slot",
              subject="New", zone="Europe/Paris")
    here.send(("campaigns", made.id, "undo"), {"version": "2"})
    draft = stored(here, made.id)
    assert (draft.local_time, draft.on_lapse.value, draft.zone) == ("", "expire", "Europe/Berlin")
    assert draft.subject != "New"


def test_undo_keeps_the_rules_of_saving() -> None:
    """A locked part is refused and noted, a submitted campaign is no draft, and a GET changes nothing."""
    here = place()
    made = here.draft(value_headline="Saved")
    got = here.send(("campaigns", made.id, "undo"), form(here, made.id, **{"v.imprint": "mine"}))
    assert got.status == 422 and stored(here, made.id).values["headline"] == "Saved"
    assert here.world.campaigns.history(here.session, made.id).audit[-1].action == "refused_locked"
    assert here.get("campaigns", made.id, "undo").status in (404, 405)
    other = here.submitted()
    assert here.send(("campaigns", other.id, "undo"), {"version": "3"}).status == 409


def test_a_draft_that_was_submitted_can_still_go_back_when_changes_are_asked() -> None:
    """The steps stay with the draft through a review."""
    from chalicelib.domain.campaign import Action, Actor, State

    here = place()
    made = here.submitted()
    here.moved(here.world.campaigns.get(here.session, made.id), Action.REQUEST_CHANGES, Actor.REVIEWER,
               State.CHANGES_REQUESTED, by=here.reviewer.id)
    before = stored(here, made.id)
    assert before.undo
    assert here.send(("campaigns", made.id, "undo"), form(here, made.id)).status == 303
    assert stored(here, made.id).subject != before.subject


def test_saving_the_form_as_it_is_shown_is_no_change() -> None:
    """Every field posted as the page shows it: no text changes, no step is recorded, and what can be redone stays."""
    import lxml.html

    here = place()
    made = here.draft(value_headline="One", subject="Hello")
    before = stored(here, made.id)
    for turn in ("undo", "edit"):
        page: lxml.html.HtmlElement = lxml.html.fromstring(here.get("campaigns", made.id, "edit").body)
        shown = page.get_element_by_id("edit-form").fields
        posted = {name: (text.removeprefix("\n") if isinstance(text, str) else "") for name, text in shown.items()}
        posted = {name: text.replace("\n", "\r\n") for name, text in posted.items() if name not in ("csrf", "fix")}
        assert len(posted) > 25 and posted["v.body"] and "v.offers.count" in posted
        assert here.send(("campaigns", made.id, turn), posted).status == 303
    after = stored(here, made.id)
    assert after.undo == () and len(after.redo) == 1
    assert after.values == {**before.values, "headline": after.values["headline"]} != before.values
    assert (after.local_time, after.zone, after.fold, after.on_lapse) == (
        before.local_time, before.zone, before.fold, before.on_lapse)

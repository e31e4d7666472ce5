"""Steps back and forward: nothing that was saved is out of reach within the bounds, and nothing else moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import undo
from chalicelib.domain.campaign import Draft, OnLapse
from chalicelib.domain.ids import CampaignId, PersonId, TemplateId

BLANK = Draft(
    campaign=CampaignId("cmp_x"), template=TemplateId("tpl_x"), template_version=1,
    saved_at=datetime(2026, 3, 2, tzinfo=UTC), saved_by=PersonId("prs_x"),
)
TEXTS = st.text("aä\U0001f6b2<", max_size=6)
DRAFTS = st.builds(
    lambda subject, zone, lapse, values: replace(BLANK, subject=subject, zone=zone, on_lapse=lapse, values=values),
    TEXTS, TEXTS, st.sampled_from(OnLapse), st.dictionaries(st.sampled_from(["a", "b", "c.1.d"]), TEXTS),
)


def saved_one_after_the_other(drafts: list[Draft]) -> Draft:
    """The last draft, as if each had been saved after the one before."""
    now = BLANK
    for draft in drafts:
        now = undo.recorded(now, draft)
    return now


@given(st.lists(DRAFTS, max_size=8))
def test_every_saved_state_is_reached_by_going_back_and_again_by_going_forward(drafts: list[Draft]) -> None:
    """Back leads through each different state to the first, forward the same way again."""
    states = [undo.parts(BLANK)]
    for draft in drafts:
        if undo.parts(draft) != states[-1]:
            states.append(undo.parts(draft))
    now = saved_one_after_the_other(drafts)
    for state in reversed(states):
        assert undo.parts(now) == state
        now = undo.back(now)
    assert not now.undo
    assert undo.back(now) is now
    for state in states:
        assert undo.parts(now) == state
        now = undo.forward(now)
    assert undo.forward(now) is now


@given(DRAFTS, DRAFTS, DRAFTS)
def test_a_change_ends_what_could_be_done_again(first: Draft, second: Draft, third: Draft) -> None:
    """After going back and saving something else there is one way only: back."""
    gone_back = undo.back(saved_one_after_the_other([first, second]))
    now = undo.recorded(gone_back, replace(third, undo=gone_back.undo, redo=gone_back.redo))
    assert not now.redo or undo.parts(third) == undo.parts(gone_back)


def test_a_save_that_changes_nothing_is_no_step() -> None:
    """Saving twice does not fill the way back."""
    one = undo.recorded(BLANK, replace(BLANK, subject="x"))
    assert undo.recorded(one, replace(one, version=9)).undo == one.undo


def test_the_way_back_is_bounded_in_steps_and_bytes() -> None:
    """The oldest steps go first; a step that is larger than all that may be kept is not kept."""
    many = saved_one_after_the_other([replace(BLANK, subject=str(number)) for number in range(80)])
    assert len(many.undo) == undo.MAX_STEPS
    assert undo.parts(undo.back(many))["subject"] == "78"
    large = saved_one_after_the_other([replace(BLANK, values={"a": letter * 15_000}) for letter in "abcdef"])
    assert sum(len(text) for step in large.undo for text in step.texts.values()) <= undo.MAX_BYTES
    assert undo.back(undo.back(large)).values["a"][0] == "d"
    huge = saved_one_after_the_other([replace(BLANK, values={"a": "x" * undo.MAX_BYTES}), BLANK])
    assert huge.undo == ()


def test_only_what_was_changed_is_kept() -> None:
    """A step over one field of many holds that field alone."""
    full = replace(BLANK, values={f"f{n}": "text" * 50 for n in range(40)})
    (step,) = undo.recorded(full, replace(full, values={**full.values, "f7": "new", "more": "x"})).undo
    assert step.texts == {"v.f7": "text" * 50} and step.gone == ("v.more",)

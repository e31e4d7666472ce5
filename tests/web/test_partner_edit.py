"""The form: what is kept, what is refused, and that nothing typed is ever lost."""

from __future__ import annotations

import json
import re

import pytest

from chalicelib.domain.campaign import Draft, State
from chalicelib.usecases import drafts, preview, test_mail
from chalicelib.web import partner_writing
from tests.web import stage
from tests.web.partner_stage import Place, place

SMALL = b"""<!doctype html><html lang="en"><head><title>Small</title></head><body><h1 data-region="headline">Hi</h1>
<p><a href="https://example.com/" data-system="unsubscribe">Unsubscribe</a></p><p data-system="imprint">Imprint</p>
</body></html>"""
"""A template without rich text."""
JSON = {"accept": "application/json"}


def stored(here: Place, campaign: str) -> Draft:
    """The draft as it is stored."""
    return here.world.campaigns.history(here.session, campaign).draft  # type: ignore[arg-type]


def test_the_form_shows_regions_in_order_with_locked_parts_between() -> None:
    """Locked parts are visible between the open ones, with why; each open one has its label and counter."""
    here = place()
    body = here.get("campaigns", here.draft().id, "edit").body
    order = [body.index(words) for words in (
        "Picture at the top", "Line above the headline", ">Headline", "Your message", "Price line", "Opening hours",
        "When it goes out",
    )]
    assert order == sorted(order)
    assert "Locked: the same in every mail" in body and "Nordlicht Bikes" in body
    assert "Locked: filled in by the program" in body and 'data-counter="60"' in body
    assert body.count('type="radio" name="v.hero"') == 3
    assert 'name="v.imprint"' not in body and 'name="v.unsubscribe"' not in body


def test_autosave_keeps_and_tells_the_time() -> None:
    """The autosave answers with the new version and the local time; no session data is in the answer."""
    here = place()
    made = here.draft()
    got = here.send(("campaigns", made.id, "edit"), {"version": "1", "v.headline": "New", "subject": "Hi"}, **JSON)
    assert got.status == 200 and json.loads(got.body) == {
        "saved": "10:00", "version": 2, "undo": True, "redo": False}
    assert stored(here, made.id).values["headline"] == "New" and stored(here, made.id).subject == "Hi"


def test_a_stale_tab_keeps_its_text_and_names_who_was_faster() -> None:
    """409 tells when and by whom; the form holds the typed text and may then be saved over the other's."""
    here = place()
    made = here.draft()
    assert here.post("campaigns", made.id, "edit", **{"version": "1", "v.headline": "First"}).status == 303
    got = here.send(("campaigns", made.id, "edit"), {"version": "1", "v.headline": "Second"}, **JSON)
    assert got.status == 409 and "10:00 (Berlin)" in json.loads(got.body)["conflict"]
    got = here.post("campaigns", made.id, "edit", **{"version": "1", "v.headline": "Second <b>"})
    assert got.status == 409 and "Second &lt;b&gt;" in got.body and "in another window" in got.body
    assert stored(here, made.id).values["headline"] == "First"
    again = here.post("campaigns", made.id, "edit", **{"version": got.field("version"), "v.headline": "Second"})
    assert again.status == 303 and stored(here, made.id).values["headline"] == "Second"


def test_a_save_whose_answer_was_lost_is_no_conflict() -> None:
    """The same form again, with the version before it, is told what stands; nothing is written twice."""
    here = place()
    made = here.draft()
    form = {"version": "1", "v.headline": "New", "subject": "Hi"}
    first = here.send(("campaigns", made.id, "edit"), form, **JSON)
    again = here.send(("campaigns", made.id, "edit"), form, **JSON)
    assert (again.status, json.loads(again.body)) == (200, json.loads(first.body))
    assert stored(here, made.id).version == 2
    other = here.send(("campaigns", made.id, "edit"), form | {"subject": "Ho"}, **JSON)
    assert other.status == 409 and stored(here, made.id).subject == "Hi"


def test_a_colleague_who_was_faster_is_named() -> None:
    """The conflict names the colleague."""
    here = place()
    made = here.draft()
    bea = stage.person(here.world, "Beatrix")
    drafts.save(here.world, here.session, bea, made.id, 1, drafts.Typed(subject="Hers"))
    got = here.post("campaigns", made.id, "edit", version="1", subject="Mine")
    assert got.status == 409 and "Beatrix saved this draft" in got.body and 'value="Mine"' in got.body


@pytest.mark.parametrize("key", ["imprint", "unsubscribe", "footer", "__class__", "x" * 500])
def test_a_locked_or_unknown_region_is_refused_and_audited(key: str) -> None:
    """N34: a locked field posted anyway is 422, nothing is saved, and the trail says who tried."""
    here = place()
    made = here.draft()
    got = here.send(("campaigns", made.id, "edit"), {"version": "1", f"v.{key}": "mine", "v.headline": "Kept text"})
    assert got.status == 422 and "locked by head office" in got.body and "Kept text" in got.body
    assert stored(here, made.id).version == 1
    trail = here.world.campaigns.history(here.session, made.id).audit
    assert trail[-1].action == "refused_locked" and trail[-1].actor == here.anna.id
    assert key[:80] in str(trail[-1].details["fields"])
    assert "A change of a locked part was refused" in here.get("campaigns", made.id).body


def test_far_too_long_and_nul_are_refused_at_their_field() -> None:
    """All problems at once, each at its field; what can be kept is shown again."""
    here = place()
    made = here.draft()
    got = here.post("campaigns", made.id, "edit", **{"version": "1", "v.headline": "a\x00b", "subject": "x" * 20_001})
    assert got.status == 422 and 'href="#f-v-headline"' in got.body and 'href="#f-subject"' in got.body
    assert "Headline:" in got.body and 'id="f-v-headline-error"' in got.body


def test_an_automatic_save_that_is_refused_names_the_field() -> None:
    """The form stays as it is then: its one line must say which of the fields is meant."""
    here = place()
    made = here.draft()
    got = here.send(("campaigns", made.id, "edit"), {"version": "1", "v.headline": "x" * 20_001}, **JSON)
    (said,) = json.loads(got.body)["problems"]
    assert (got.status, said.startswith("Headline: This text has 20001 characters")) == (422, True)


@pytest.mark.parametrize("field", ["local_time", "zone", "fold"])
@pytest.mark.parametrize("text", ["x" * 65, "1" * 500_000, "09:00\x00"])
def test_a_time_that_is_no_time_is_not_even_kept(field: str, text: str) -> None:
    """What cannot be a time is refused before it reaches the store, whatever its length, and nothing is saved."""
    here = place()
    made = here.draft(subject="Spring")
    got = here.post("campaigns", made.id, "edit", version="2", subject="Later", **{field: text})
    assert got.status == 422 and f'href="#f-{field}"' in got.body and 'value="Later"' in got.body
    assert stored(here, made.id).version == 2 and stored(here, made.id).subject == "Spring"


def test_many_long_texts_are_refused_together() -> None:
    """Texts of which each could be kept, but not all in one item of the store, are refused with their size."""
    here = place()
    made = here.draft()
    names = [f"v.{region.id}" for region in here.template.regions if region.type.value in ("text", "rich")]
    got = here.send(("campaigns", made.id, "edit"), {"version": "1"} | {name: "\U0001f6b2" * 19_000 for name in names})
    assert got.status == 422 and "All texts together have" in got.body
    assert stored(here, made.id).version == 1


def test_hints_come_from_the_gate_and_stand_at_their_field() -> None:
    """A text that is too long is saved and hinted at, at its field and in the list."""
    here = place()
    made = here.draft(value_headline="x" * 61)
    body = here.get("campaigns", made.id, "edit").body
    assert body.count("This has 61 characters") == 2
    assert "61 characters" in here.get("campaigns", made.id, "hints").body


@pytest.mark.parametrize("value", ["javascript:alert(1)", "data:text/html,x", "//evil", "http://user@example.com/"])
def test_a_bad_address_posted_past_the_form_is_caught(value: str) -> None:
    """N29: addresses are checked by the server, whatever the browser let through."""
    here = place()
    made = here.draft(value_button=value)
    body = here.get("campaigns", made.id, "hints").body
    assert "Blocks" in body
    assert f'href="{value}"' not in here.get("campaigns", made.id, "preview").body


def test_a_gap_and_a_fold_are_asked() -> None:
    """A time that does not exist offers the two nearest; one that comes twice asks which."""
    here = place()
    made = here.draft()
    got = here.post("campaigns", made.id, "edit", version="1", local_time="2026-03-29T02:30", zone="Europe/Berlin")
    assert got.status == 422 and 'name="pick_time" value="2026-03-29T03:00"' in got.body
    got = here.post("campaigns", made.id, "edit", version="2", local_time="2026-03-29T02:30", zone="Europe/Berlin",
                    pick_time="2026-03-29T03:00")
    assert got.status == 303 and stored(here, made.id).local_time == "2026-03-29T03:00"
    got = here.post("campaigns", made.id, "edit", version="3", local_time="2026-10-25T02:30", zone="Europe/Berlin")
    assert got.status == 422 and got.body.count('name="fold"') == 2
    got = here.post("campaigns", made.id, "edit", version="4", local_time="2026-10-25T02:30", fold="1", next="check")
    assert got.status == 303 and got.location.endswith("/check") and stored(here, made.id).fold == "1"


def test_a_submitted_campaign_is_no_form_any_more() -> None:
    """The form of a submitted campaign leads to its page; a late autosave is a conflict in words."""
    here = place()
    made = here.submitted()
    assert here.get("campaigns", made.id, "edit").location.endswith(made.id)
    got = here.send(("campaigns", made.id, "edit"), {"version": "3", "subject": "late"}, **JSON)
    assert got.status == 409 and "not possible now" in json.loads(got.body)["conflict"]
    assert here.world.campaigns.get(here.session, made.id).state is State.IN_REVIEW


def test_the_preview_is_sandboxed_and_never_kept() -> None:
    """N3, N18: the mail's frame runs nothing, is not indexed, not stored, and framed by us alone."""
    here = place()
    got = here.get("campaigns", here.draft(value_body="<script>alert(1)</script><p>Hi</p>").id, "preview")
    policy = got.headers["content-security-policy"]
    assert policy.startswith("sandbox;") and "script-src" not in policy and "frame-ancestors 'self'" in policy
    assert got.headers["cache-control"] == "no-store" and "noindex" in got.headers["x-robots-tag"]
    assert "<script" not in got.body and "<p>Hi</p>" in got.body


def test_the_dark_preview_turns_the_mails_own_dark_styles_on() -> None:
    """Dark styles apply in the dark view and never in the light one, whatever the device prefers."""
    here = place()
    made = here.draft()
    light = here.get("campaigns", made.id, "preview").body
    dark = here.get("campaigns", made.id, "preview", query="view=dark").body
    assert "prefers-color-scheme" not in light + dark
    assert "@media (max-width: 0)" in light and "@media (min-width: 0)" in dark
    assert preview.in_scheme("@media ( Prefers-Color-Scheme:LIGHT )", "dark") == "@media (max-width: 0)"


def test_the_text_part_can_be_read() -> None:
    """The plain-text part is text, with the subject above it."""
    here = place()
    got = here.get("campaigns", here.draft(subject="Hello <b>").id, "preview.txt")
    assert got.headers["content-type"].startswith("text/plain") and got.body.startswith("Hello <b>\n=====")


def test_a_test_mail_goes_to_the_person_alone() -> None:
    """The subject says that it is a test; the address comes from the account, never from the form."""
    here = place()
    made = here.draft(subject="Spring")
    got = here.post("campaigns", made.id, "test-mail", to="eve@evil.example", address="eve@evil.example")
    assert got.status == 303
    mail = here.world.mailer.sent[-1]
    assert (mail.to, mail.subject, mail.tags) == ("anna@example.com", "[Test] Spring", {"kind": "test"})
    assert "{{" not in mail.html and mail.from_address == here.world.facts.mail_from
    assert "on its way" in here.browser.get(got.location).body
    assert "ledger" not in " ".join(here.watched.names())


def test_test_mails_are_limited() -> None:
    """More than twenty within an hour are refused in words."""
    here = place()
    made = here.draft(subject="Spring")
    for _ in range(test_mail.PER_HOUR):
        assert here.post("campaigns", made.id, "test-mail").status == 303
    got = here.post("campaigns", made.id, "test-mail")
    assert got.status == 409 and "too often" in got.body
    assert len(here.world.mailer.sent) == test_mail.PER_HOUR


@pytest.mark.parametrize(("typed", "kept"), [
    ("One & two\nthree\n\n\nFour", "<p>One &amp; two<br>three</p>\n<p>Four</p>"),
    ("It <b>is</b> so &amp; so\n\nTwo", "<p>It <b>is</b> so &amp; so</p>\n<p>Two</p>"),
    ("<ul><li>Mine stays</li></ul>", "<ul><li>Mine stays</li></ul>"),
    ("", ""),
])
def test_paragraphs_are_written_without_tags(typed: str, kept: str) -> None:
    """Plain words become paragraphs of the mail and come back as they were typed; HTML stays as it is."""
    here = place()
    made = here.draft()
    assert here.post("campaigns", made.id, "edit", **{"version": "1", "v.body": typed}).status == 303
    assert stored(here, made.id).values["body"] == kept
    region = here.template.region("body")
    assert region is not None
    assert partner_writing.to_writing(region, kept) == typed.replace("\n\n\n", "\n\n")


@pytest.mark.parametrize("value", [
    "<p>a &lt;b&gt;</p>", "<ul><li>a</li></ul>", "<p>a <b>c</b></p>", "<p>a &amp;lt; b</p>", "<b><p>a</p></b>",
])
def test_what_plain_words_cannot_say_is_shown_as_html(value: str) -> None:
    """Nothing is lost on the way through the form."""
    region = place().template.region("body")
    assert region is not None
    assert partner_writing.from_writing(region, partner_writing.to_writing(region, value)) == value


def test_a_group_grows_shrinks_and_a_part_is_left_out() -> None:
    """Buttons of the form add and remove copies, a choice leaves a part out; all of it without JavaScript."""
    here = place()
    made = here.draft()
    body = here.get("campaigns", made.id, "edit").body
    assert 'name="v.offers.1.cost"' in body and 'name="v.offers.1.cost.currency"' in body
    assert 'name="v.offers.2.cost"' not in body and 'name="v.ends"' not in body and 'name="v.deadline.show"' in body
    here.post("campaigns", made.id, "edit", **{
        "version": "1", "v.offers.count": "1", "v.offers.1.service": "First", "block_add": "offers"})
    here.post("campaigns", made.id, "edit", **{
        "version": "2", "v.offers.count": "2", "v.offers.2.service": "Second", "v.deadline.show": "yes"})
    body = here.get("campaigns", made.id, "edit").body
    assert 'name="v.offers.2.cost"' in body and 'value="offers.2"' in body
    assert 'name="v.ends"' in body and 'type="date"' in body
    here.post("campaigns", made.id, "edit", **{
        "version": "3", "v.offers.count": "2", "v.offers.1.service": "First", "v.offers.2.service": "Second",
        "block_remove": "offers.1"})
    kept = stored(here, made.id).values
    assert (kept["offers.count"], kept["offers.1.service"]) == ("1", "Second")
    refused = here.post("campaigns", made.id, "edit", **{"version": "4", "v.offers.9.service": "x"})
    assert refused.status == 422 and "offers.9.service" not in stored(here, made.id).values


def test_the_editor_of_rich_text_is_loaded_by_the_form_alone() -> None:
    """The form tells the editor the sanitiser's own list; no other page loads a byte of it."""
    import html

    from chalicelib.domain import richtext

    here = place()
    made = here.draft()
    body = here.get("campaigns", made.id, "edit").body
    told = [json.loads(html.unescape(text)) for text in re.findall(r'data-rich="([^"]*)"', body)]
    region = here.template.region("body")
    assert region is not None and told == [richtext.for_editor(region, 900)]
    assert set(told[0]["tags"]) == richtext.BLOCK and told[0]["hosts"] == ["example.com"]
    words = re.search(r"data-rich-words='([^']*)'", body)
    assert words and "bold" in json.loads(html.unescape(words.group(1)))
    assert "/static/prosemirror.min." in body and "/static/rich." in body
    for page in ((), ("campaigns", made.id, "check"), ("campaigns", made.id, "fixes"), ("profile",)):
        other = here.get(*page).body
        assert "prosemirror" not in other and "/rich." not in other
    plain = place(source=SMALL)
    assert "prosemirror" not in plain.get("campaigns", plain.draft().id, "edit").body


def test_a_field_that_nobody_touched_is_not_changed() -> None:
    """The form shows rich text without its tags; posting it as it was shown keeps every byte of head office's text."""
    import html

    here = place()
    made = here.draft()
    before = stored(here, made.id).values
    shown = re.search(r'<textarea[^>]*name="v.body"[^>]*>\n(.*?)</textarea>', here.get(
        "campaigns", made.id, "edit").body, re.DOTALL)
    assert shown
    written = html.unescape(shown.group(1)).replace("\n", "\r\n")
    assert written.split() != before["body"].split()
    here.post("campaigns", made.id, "edit", **{"version": "1", "v.body": written, "v.headline": "New"})
    after = stored(here, made.id)
    assert after.values == {**before, "headline": "New"}
    assert [set(step.texts) for step in after.undo] == [{"v.headline"}]
    here.post("campaigns", made.id, "edit", **{"version": "2", "v.body": written + " More."})
    assert stored(here, made.id).values["body"].endswith("More.</p>")


def test_enter_in_a_field_saves() -> None:
    """A browser presses the first button of the form for Enter: it saves, and goes nowhere else (HTML 4.10.22.2)."""
    here = place()
    made = here.draft(value_headline="x" * 61)
    body = here.get("campaigns", made.id, "edit").body
    first = re.search(r'<form[^>]*id="edit-form".*?<button([^>]*)>', body, re.DOTALL)
    assert first and "formaction" not in first.group(1) and "name=" not in first.group(1)

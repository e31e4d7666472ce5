"""Checking, submitting, and a campaign's own page in every state."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.campaign import Action, Actor, HoldReason, State, Verdict
from chalicelib.domain.frequency import Started
from chalicelib.domain.ids import CampaignId, ContactId, base32_of
from chalicelib.domain.manifest import Run
from chalicelib.domain.step import take
from chalicelib.domain.totals import Totals
from chalicelib.ports.workflow import Change
from chalicelib.texts.partner import HOLDS
from chalicelib.usecases import control
from tests.web.partner_stage import Place, place

SOME = Totals(
    audience=1_311, sent=843, suppressed={"unsubscribed": 83, "bounced": 24}, failed=5, unknown=50, pending=306,
    delivered=790, bounced=4, complained=1, opened=301, clicked=54,
)


def state(here: Place, campaign: str) -> State:
    """Where the control item says it stands."""
    return here.world.campaigns.get(here.session, campaign).state  # type: ignore[arg-type]


def counts(body: str) -> list[int]:
    """The numbers of the results table, the sum last."""
    table = body[body.index("What became of everybody"):body.index("Of those sent")]
    return [int(n.replace(",", "")) for n in re.findall(r'<td class="num"[^>]*>([\d,]+)</td>', table)]


def test_check_shows_every_answer_with_a_change_link() -> None:
    """Each answer stands there once, with a link to its field; count, time, route and sender too."""
    here = place()
    made = here.ready()
    body = here.get("campaigns", made.id, "check").body
    for key in ("subject", "preheader", "v-headline", "v-price", "v-hero", "local_time"):
        assert f'/edit#f-{key}"' in body, key
    for words in ("1,204 of 1,311 customers", "unsubscribed", "One reviewer decides", "Tue 10 Mar 2026, 09:00 (Berlin)",
                  "08:00 (UTC)", "As of 10:00 (Berlin)", "I accept the programme terms", "news@acme.example.com"):
        assert words in body, words


def capped(here: Place, *reached: int | None) -> str:
    """The check page under a cap of two campaigns in thirty days, after campaigns that reached so many."""
    part = here.world.partners.participations[here.session.partner, here.programme.id]
    here.world.partners.participate(here.session, replace(part, params={**part.params, "cap": "2/30"}))
    for number, count in enumerate(reached):
        run = Run(CampaignId(f"cmp_{number:026d}"))
        here.world.ledger.enter(here.session, Started(run=run, at=here.world.clock.now(), slices=1))
        if count is not None:
            here.world.ledger.end(here.session, run, here.world.clock.now(), count)
    return here.get("campaigns", here.ready().id, "check").body


@pytest.mark.parametrize(("reached", "words"), [
    ((), "As far as can be told today, nobody is left out for it."),
    ((1_200,), "As far as can be told today, nobody is left out for it."),
    ((1_200, 401), "Up to 800 of these customers will have had enough and are left out."),
    ((1_200, 5_000, 9_000), "Up to 1,204 of these customers will have had enough and are left out."),
    ((1_200, None), "Some of your campaigns in that time are not finished"),
])
def test_check_says_what_the_frequency_cap_will_mean(reached: tuple[int | None, ...], words: str) -> None:
    """No promise that cannot be kept: an upper bound from the campaigns so far, or that it cannot be told yet."""
    body = capped(place(), *reached)
    assert "Head office lets a customer have 2 campaigns in 30 days at most." in body
    assert words in body
    assert ("Up to 1,204 of 1,311 customers" in body) == ("nobody is left out" not in words)


def test_check_says_nothing_of_a_cap_where_there_is_none() -> None:
    """A programme without a limit does not speak of one."""
    here = place()
    assert "Head office lets a customer" not in here.get("campaigns", here.ready().id, "check").body


def test_check_says_all_that_is_missing_at_once() -> None:
    """Every problem is listed, each with a link to where it is mended."""
    here = place(customers=False)
    made = here.draft(value_headline="x" * 70, subject="")
    body = here.get("campaigns", made.id, "check").body
    assert 'href="#' not in body[body.index("error-summary"):body.index("</ul>")]
    assert "Headline: This has 70 characters" in body and "/edit#f-local_time" in body and "/edit#f-subject" in body
    assert f'href="{here.watched.facts.base_url}{here.path("customers")}"' in body


def test_submit_with_problems_is_422_and_loses_nothing() -> None:
    """The note stays, the terms too, and the campaign is a draft still."""
    here = place()
    made = here.draft(subject="Spring")
    got = here.post("campaigns", made.id, "submit", version="2", note="Please <soon>", terms="yes")
    assert got.status == 422 and "Please &lt;soon&gt;" in got.body
    assert re.search(r'name="terms" value="yes" checked', got.body)
    assert state(here, made.id) is State.DRAFT


def test_terms_are_asked_once() -> None:
    """Without the tick it is refused at the box; once accepted nobody is asked again."""
    here = place()
    made = here.ready()
    got = here.post("campaigns", made.id, "submit", version="2")
    assert got.status == 422 and 'href="#f-terms"' in got.body and 'id="f-terms-error"' in got.body
    assert here.post("campaigns", made.id, "submit", version="2", terms="yes").status == 303
    assert "I accept the programme terms" not in here.get("campaigns", here.ready().id, "check").body


def test_a_double_click_submits_once() -> None:
    """The second click finds it submitted and shows where it stands."""
    here = place()
    made = here.ready()
    first = here.post("campaigns", made.id, "submit", version="2", terms="yes")
    second = here.post("campaigns", made.id, "submit", version="2", terms="yes")
    assert first.status == second.status == 303 and first.location == second.location
    assert len(here.world.campaigns.history(here.session, made.id).revisions) == 1


def test_two_clicks_at_once_submit_once_and_both_see_it() -> None:
    """A click that read the draft before the other one wrote finds terms and campaign taken, and shows the campaign."""
    here = place()
    made = here.ready()
    partners, clicked = here.world.partners, []
    save = partners.save

    def late(*args: Any, **kwargs: Any) -> None:
        if partners.save is not save:
            partners.save = save  # type: ignore[method-assign]
            clicked.append(here.post("campaigns", made.id, "submit", version="2", terms="yes"))
        save(*args, **kwargs)

    partners.save = late  # type: ignore[method-assign]
    slow = here.post("campaigns", made.id, "submit", version="2", terms="yes")
    assert [slow.status, clicked[0].status] == [303, 303] and slow.location == clicked[0].location
    assert len(here.world.campaigns.history(here.session, made.id).revisions) == 1
    assert state(here, made.id) is State.IN_REVIEW


def test_two_who_accept_the_terms_at_once_are_both_taken() -> None:
    """Where somebody accepted the terms a moment before, that counts, and the campaign is submitted."""
    here = place()
    made = here.ready()
    partners = here.world.partners
    save = partners.save

    def twice(*args: Any, **kwargs: Any) -> None:
        save(*args, **kwargs)
        save(*args, **kwargs)

    partners.save = twice  # type: ignore[method-assign]
    assert here.post("campaigns", made.id, "submit", version="2", terms="yes").status == 303
    assert state(here, made.id) is State.IN_REVIEW


@pytest.mark.parametrize(("note", "words"), [
    ("pay\u202egnihton", "U+202E"), ("a\x00b", "U+0000"), ("x" * 2_001, "2001 characters"),
])
def test_a_note_that_cannot_be_mailed_is_refused_at_its_field(note: str, words: str) -> None:
    """A note stands in the reviewers' mail: nothing that hides or reorders text, and nothing is cut off."""
    here = place()
    made = here.ready()
    got = here.post("campaigns", made.id, "submit", version="2", terms="yes", note=note)
    assert got.status == 422 and words in got.body and 'href="#f-note"' in got.body
    assert state(here, made.id) is State.DRAFT
    kept = "10\u00a0% for \U0001f468\u200d\U0001f467"
    assert here.post("campaigns", made.id, "submit", version="2", terms="yes", note=kept).status == 303
    assert here.world.campaigns.history(here.session, made.id).revisions[-1].note == kept


def test_using_again_twice_makes_one_draft() -> None:
    """The button of a finished campaign brings an id, too."""
    here = place()
    made = here.moved(here.submitted(), Action.LAPSE, Actor.CLOCK, State.EXPIRED)
    form = here.get("campaigns", made.id)
    places = {here.post("campaigns", made.id, "again", id=form.field("id")).location for _ in range(2)}
    assert len(places) == 1 and len(here.world.campaigns.list(here.session)) == 2


def test_a_stale_check_page_submits_nothing() -> None:
    """What was changed after the page was opened is looked at first: 409, with the answers as they are now."""
    here = place()
    made = here.ready()
    assert here.post("campaigns", made.id, "edit", version="2", subject="Another subject").status == 303
    got = here.post("campaigns", made.id, "submit", version="2", terms="yes")
    assert got.status == 409 and "changed the text at" in got.body and "Another subject" in got.body
    assert state(here, made.id) is State.DRAFT
    assert here.post("campaigns", made.id, "submit", version=got.field("version"), terms="yes").status == 303


def test_a_time_in_the_past_or_outside_the_window_is_said_in_local_time() -> None:
    """The sentence has the programme's window in the zone of the draft."""
    here = place()
    made = here.draft(subject="Spring", local_time="2026-06-01T09:00", zone="Europe/Berlin")
    body = here.get("campaigns", made.id, "check").body
    assert "2026-06-01 09:00 is outside" in body and "Wed 1 Apr 2026, 11:00 (Berlin)" in body
    here.post("campaigns", made.id, "edit", version="2", local_time="2026-03-01T09:00")
    assert "in the past" in here.get("campaigns", made.id, "check").body


def test_review_shows_who_is_asked_and_withdraw_is_confirmed() -> None:
    """Withdrawing takes two steps; the first changes nothing."""
    here = place()
    made = here.submitted()
    body = here.get("campaigns", made.id).body
    assert "Asked to decide: Marco" in body and "Submitted for review · you" in body
    assert f'action="{here.watched.facts.base_url}{here.path("campaigns", made.id, "withdraw")}"' not in body
    assert "Yes, withdraw" in here.get("campaigns", made.id, query="confirm=withdraw").body
    assert state(here, made.id) is State.IN_REVIEW
    assert here.post("campaigns", made.id, "withdraw").status == 303
    assert state(here, made.id) is State.DRAFT


def test_the_reviewers_reason_is_shown_and_inert() -> None:
    """N28, N37: the reason stands on the page and on the form, as text."""
    here = place()
    made = here.submitted()
    before = here.world.campaigns.get(here.session, made.id)
    now = here.world.clock.now()
    after, entry = take(before, Action.REQUEST_CHANGES, Actor.REVIEWER, now=now, by=here.reviewer.id)
    ask = replace(
        here.world.campaigns.history(here.session, made.id).asks[0], verdict=Verdict.REQUEST_CHANGES,
        reason='"><script>alert(1)</script> name the day', answered_at=now,
    )
    here.world.campaigns.commit(here.session, Change(before=before, after=after, audit=entry, asks=(ask,)))
    for parts in (("campaigns", made.id), ("campaigns", made.id, "edit")):
        body = here.get(*parts).body
        assert "&lt;script&gt;alert(1)&lt;/script&gt; name the day" in body and "<script>alert" not in body
    assert "Changes requested · Marco" in here.get("campaigns", made.id).body


def test_the_timeline_tells_each_step_with_who_and_when() -> None:
    """Oldest first, in the zone of the campaign: what was done, by whom, and the words that go with it."""
    here = place()
    made = here.ready()
    here.send(("campaigns", made.id, "submit"), {"version": "2", "terms": "yes", "note": "Please by <Friday>"})
    here.world.clock.advance(hours=3)
    here.moved(made, Action.APPROVE, Actor.REVIEWER, State.APPROVED, by=here.reviewer.id)
    control.hold(here.world, here.session, made.id, HoldReason.LATE, actor=Actor.GUARD, by="clock")
    body = here.get("campaigns", made.id).body
    steps = re.findall(
        r'<p class="timeline-title">(.*?)</p><p class="timeline-at">.*?([\w ]+, \d\d:\d\d \(\w+\)).*?</p>'
        r'(?:<p class="timeline-text">(.*?)</p>)?</li>', body)
    assert steps == [
        ("Draft begun · you", "Mon 2 Mar 2026, 10:00 (Berlin)", ""),
        ("Submitted for review · you", "Mon 2 Mar 2026, 10:00 (Berlin)", "Please by &lt;Friday&gt;"),
        ("Approved · Marco", "Mon 2 Mar 2026, 13:00 (Berlin)", ""),
        ("Paused · by itself", "Mon 2 Mar 2026, 13:00 (Berlin)", HOLDS["late"]),
    ]


def test_the_page_tells_how_many_unsubscribed() -> None:
    """Customers who left with a mail of this campaign, each once, in the same three calls."""
    here = place()
    made = here.sending(replace(SOME, pending=0, sent=1_149))
    for number in (1, 2, 3, 2):
        here.world.ledger.left(here.session, Run(made.id), ContactId(base32_of(bytes([number]) * 16)))
    body = here.get("campaigns", made.id).body
    assert re.search(r"<dt>then unsubscribed</dt><dd[^>]*>3</dd>", body)
    assert len(here.watched.database()) <= 3, here.watched.names()


def test_numbers_while_sending_add_up_and_are_polled() -> None:
    """Conservation is visible: the lines of the table add up to its last one."""
    here = place()
    made = here.sending(SOME)
    got = here.get("campaigns", made.id)
    *lines, total = counts(got.body)
    assert sum(lines) == total == 1_311
    assert 'hx-trigger="every 5s"' in got.body and "Load the numbers again" in got.body
    for words in ("Not mailed, because: unsubscribed", "Not confirmed", "Still to come", "delivered", "marked as spam"):
        assert words in got.body, words
    part = here.browser.get(here.path("campaigns", made.id, "progress"), **{"hx-request": "true"})
    assert part.status == 200 and "<html" not in part.body and "hx-refresh" not in part.headers
    assert here.get("campaigns", made.id, "progress").location.endswith(made.id)


def test_progress_loads_the_page_again_once_it_is_over() -> None:
    """When the state changed, the fragment has the whole page loaded again."""
    here = place()
    made = here.sending(replace(SOME, pending=0, sent=1_149))
    here.moved(made, Action.FINISH, Actor.CLOCK)
    part = here.browser.get(here.path("campaigns", made.id, "progress"), **{"hx-request": "true"})
    assert part.headers["hx-refresh"] == "true"
    body = here.get("campaigns", made.id).body
    assert "Results" in body and "Use as new draft" in body and "Still to come" not in body
    *lines, total = counts(body)
    assert sum(lines) == total


def test_answers_that_come_after_the_end_are_shown_as_they_come() -> None:
    """A finished campaign asks on until every mail is answered, for an hour at most, and never loops by reloading."""
    here = place()
    made = here.sending(replace(SOME, pending=0, sent=1_149, delivered=0, bounced=0))
    here.moved(made, Action.FINISH, Actor.CLOCK)
    assert "progress?over=1" in here.get("campaigns", made.id).body
    assert "still coming in" in here.get("campaigns", made.id).body
    path = here.path("campaigns", made.id, "progress") + "?over=1"
    part = here.browser.get(path, **{"hx-request": "true"})
    assert "hx-refresh" not in part.headers and "every 5s" in part.body
    here.world.clock.advance(hours=1)
    assert "every 5s" not in here.browser.get(path, **{"hx-request": "true"}).body


def test_pause_resume_and_cancel() -> None:
    """Each button does what it says; cancelling asks first, and who was not mailed is named so."""
    here = place()
    made = here.sending(SOME)
    assert here.post("campaigns", made.id, "hold").status == 303
    body = here.get("campaigns", made.id).body
    assert "somebody at your company paused it" in body and "Not attempted" in body
    assert here.post("campaigns", made.id, "resume").status == 303 and state(here, made.id) is State.SENDING
    assert here.post("campaigns", made.id, "cancel").status == 409
    here.post("campaigns", made.id, "hold")
    assert "Yes, cancel the campaign" in here.get("campaigns", made.id, query="confirm=cancel").body
    assert here.post("campaigns", made.id, "cancel").status == 303 and state(here, made.id) is State.CANCELLED


@pytest.mark.parametrize("reason", list(HoldReason))
def test_every_pause_is_explained(reason: HoldReason) -> None:
    """No reason for a pause shows as a code."""
    here = place()
    made = here.sending(SOME)
    control.hold(here.world, here.session, made.id, reason, actor=Actor.GUARD, by="guard")
    body = here.get("campaigns", made.id).body
    assert f"because {reason.value}." not in body and "Paused, because" in body


def test_a_step_that_came_too_late_says_so_on_the_page() -> None:
    """409 with the reason and with where the campaign stands now."""
    here = place()
    made = here.sending(SOME)
    got = here.post("campaigns", made.id, "withdraw")
    assert got.status == 409 and "not possible now" in got.body and "Sending" in got.body


def test_send_again_is_explained_and_confirmed() -> None:
    """The page says what not confirmed means; a resend too early or of nobody is refused or changes nothing."""
    here = place()
    made = here.sending(SOME)
    assert "never mailed again by themselves" in here.get("campaigns", made.id).body
    assert "gets it twice" in here.get("campaigns", made.id, query="confirm=resend").body
    assert here.post("campaigns", made.id, "resend").status == 303
    final = here.sending(replace(SOME, pending=0, sent=1_149))
    here.moved(final, Action.FINISH, Actor.CLOCK)
    assert here.post("campaigns", final.id, "resend").status == 409


def test_use_as_new_draft() -> None:
    """The texts go into a new draft, its time is asked anew."""
    here = place()
    made = here.submitted()
    here.moved(made, Action.DECLINE, Actor.REVIEWER, by=here.reviewer.id)
    got = here.post("campaigns", made.id, "again")
    assert got.status == 303 and got.location.endswith("/edit") and made.id not in got.location
    body = here.browser.get(got.location).body
    assert "Spring check at Acme" in body and 'type="datetime-local" value=""' in body

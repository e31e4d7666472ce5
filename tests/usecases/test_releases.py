"""Releases: prepared by one, approved by another, applied to every campaign in flight as head office chose."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain import digest
from chalicelib.domain.campaign import Actor, HoldReason, State, Verdict
from chalicelib.domain.errors import Conflict, NotFound, Refused, Retryable
from chalicelib.domain.ids import ProgrammeId, TemplateId
from chalicelib.domain.people import Membership, Role
from chalicelib.domain.release import Phase, Record, Release
from chalicelib.domain.scope import Scope
from chalicelib.events import notices
from chalicelib.ports.system import QueueName
from chalicelib.usecases import approved as loading
from chalicelib.usecases import (
    control,
    decision,
    drafts,
    kits,
    plan,
    programmes,
    release_moves,
    release_question,
    release_run,
    releases,
    review,
    send,
    submit,
)
from chalicelib.usecases.keys import content_key
from tests.stage import Stage, add_partner
from tests.usecases.release_stage import (
    NEW_LOGO,
    OLD_LOGO,
    applied,
    approved,
    approved_campaign,
    decide,
    moving,
    prepared,
    publish_next,
    set_stage,
)
from tests.usecases.release_stage import plan as form

LOCKED = (b"Hello {{", b"Dear {{")


def outcomes(known: Record) -> list[tuple[str, str]]:
    """What became of each campaign, and why."""
    return [(line.outcome.value, line.why) for result in known.results for line in result.lines]


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[tuple[str, str]]:
    """Codes and fields of a refusal."""
    return [(p.code, p.field) for p in refused.value.problems]


# --- prepare

def test_who_is_touched_is_known_before() -> None:
    """A release tells templates, programmes, partners and campaigns by state before anything is done."""
    here = set_stage()
    here.draft()
    here.submitted("peter")
    made = prepared(here)
    assert [(m.name, m.base, m.number, m.stamped) for m in made.moves] == [("Spring", 1, 2, True)]
    assert (made.touched.partners, made.touched.states) == (1, (("draft", 1), ("in_review", 1)))
    assert [title for _, title, _ in made.touched.programmes] == ["Spring"]
    assert len(here.world.templates.versions) == 1
    assert "release" not in here.world.queue.kinds(QueueName.NOTICES)
    assert prepared(here, form(here, id=made.id)).id == made.id  # the form sent twice
    with pytest.raises(Conflict, match=r"release\.exists"):
        prepared(here, form(here, id=made.id, title="Another"))


@pytest.mark.parametrize(("changes", "said"), [
    ({"title": " "}, ("name.missing", "title")), ({"pairs": ()}, ("release.empty", "title")),
    ({"pairs": (("https://brand.example/nowhere.png", "https://b.example/x.png"),)}, ("release.pair_nowhere", "old-1")),
    ({"pairs": ((OLD_LOGO, 'https://b.example/"><script>'),)}, ("release.pair_sign", "new-1")),
    ({"pairs": ((OLD_LOGO, "{{ contact.x }}"),)}, ("release.pair_sign", "new-1")),
    ({"pairs": (("ab", "cdef"),)}, ("release.pair_length", "old-1")),
    ({"pairs": (("#ffffff", "white"),)}, ("release.pair_colour", "new-1")),
    ({"pairs": (("abc", "abd"),) * 11}, ("release.pairs_many", "old-1")),
    ({"pairs": (), "templates": ("tpl_" + "9" * 26,)}, ("release.template", "templates")),
    ({"programme": "prg_" + "9" * 26}, ("release.programme", "programme")),
    ({"kit": "brnd: x"}, ("yaml.unknown", "kit")), ({"note": "x" * 1001}, ("value.too_long", "note")),
    ({"treatment": "moon"}, ("choice.unknown", "treatment")), ({"old": "moon"}, ("choice.unknown", "old")),
    ({"old": "until", "until": "soon"}, ("release.until", "until")),
    ({"old": "until", "until": "2020-01-01"}, ("release.until", "until")),
])
def test_what_is_refused_says_where(changes: dict[str, object], said: tuple[str, str]) -> None:
    """Each fault is told at its field, and nothing is stored."""
    here = set_stage()
    with pytest.raises(Refused) as refused:
        prepared(here, form(here, **changes))
    assert said in codes(refused)
    assert here.world.releases.releases == {}


def test_an_id_of_our_own_is_needed() -> None:
    """An id that no form of ours made is not found."""
    here = set_stage()
    with pytest.raises(NotFound):
        prepared(here, form(here, id="rel_x"))
    with pytest.raises(NotFound):
        releases.look(here.world, "tpl_" + "1" * 26)


# --- approve

def test_nobody_approves_their_own_release() -> None:
    """Compared by person, whatever other role that person was given since."""
    here = set_stage()
    made, hanna = prepared(here), here.people["hanna"]
    here.world.people.grant(Membership(person=hanna.id, role=Role.HQ_DESIGNER, org=here.world.facts.org_id))
    with pytest.raises(Conflict, match=r"release\.own"):
        releases.approve(here.world, here.world.people.account(hanna.id).person, made.id, shown=made.fingerprint)
    assert here.world.releases.get(made.id).release.phase is Phase.PREPARED


def test_only_what_was_shown_is_approved() -> None:
    """A page that shows something else, a release that was withdrawn or approved: each is told."""
    here = set_stage()
    made, henry = prepared(here), here.people["henry"]
    with pytest.raises(Conflict, match=r"release\.changed"):
        releases.approve(here.world, henry, made.id, shown="0" * 64)
    releases.withdraw(here.world, here.people["hanna"], made.id)
    for act in (lambda: releases.approve(here.world, henry, made.id, shown=made.fingerprint),
                lambda: releases.withdraw(here.world, henry, made.id)):
        with pytest.raises(Conflict, match=r"release\.not_now"):
            act()
    here.deliver()
    assert len(here.world.templates.versions) == 1


def test_a_release_upon_what_went_on_is_stale() -> None:
    """A newer template or kit makes another release of it: it is not applied."""
    here = set_stage()
    made = prepared(here)
    publish_next(here, LOCKED)
    with pytest.raises(Conflict, match=r"release\.stale"):
        releases.approve(here.world, here.people["henry"], made.id, shown=made.fingerprint)
    with_kit = prepared(here, form(here, pairs=(), kit="brand: B\n"))
    kits.publish(here.world, here.people["hanna"], Scope(here.world.facts.org_id), "brand: A\n", number=1)
    with pytest.raises(Conflict, match=r"release\.stale"):
        releases.approve(here.world, here.people["henry"], with_kit.id, shown=with_kit.fingerprint)


def test_two_releases_at_once() -> None:
    """The second waits for the end of the first, and is stale then, because it was prepared on the same version."""
    here = set_stage()
    one, two = prepared(here), prepared(here)
    henry = here.people["henry"]
    releases.approve(here.world, henry, one.id, shown=one.fingerprint)
    with pytest.raises(Conflict, match=r"release\.busy"):
        releases.approve(here.world, henry, two.id, shown=two.fingerprint)
    here.deliver()
    assert here.world.releases.get(one.id).release.phase is Phase.DONE
    with pytest.raises(Conflict, match=r"release\.stale"):
        releases.approve(here.world, henry, two.id, shown=two.fingerprint)


# --- carry over

def sent_bytes(here: Stage, campaign: object) -> str:
    """The HTML of what the sender would send now; it proves both digests on the way."""
    return loading.load(here.world, here.session, here.now_of(campaign)).content.html  # type: ignore[arg-type]


def test_an_approved_campaign_is_carried_over() -> None:
    """The approval stays; only the frame's digest changes; what is sent is what was approved, but for the new logo."""
    here = set_stage()
    before = approved_campaign(here)
    old = sent_bytes(here, before)
    known = applied(here)
    after = here.now_of(before)
    assert outcomes(known) == [("carried", "")]
    assert (after.state, after.approved_at, after.revision) == (State.APPROVED, before.approved_at, before.revision)
    assert before.digests and after.digests
    assert after.digests.partner == before.digests.partner
    assert after.digests.frame != before.digests.frame
    assert OLD_LOGO in old
    assert sent_bytes(here, before) == old.replace(OLD_LOGO, NEW_LOGO)
    history = here.world.campaigns.history(here.session, before.id)
    revision, = history.revisions
    assert digest.of(revision) == after.digests
    frame, = history.frames
    assert (frame.prepared_by, frame.approved_by) == (here.people["hanna"].id, here.people["henry"].id)
    stored = here.world.campaigns.beside[here.partner, before.id].revisions[1]
    assert digest.of(stored) == before.digests, "what was submitted is never rewritten"
    assert history.draft.template_version == 2
    assert here.mails("paula", "release_news") == [] == here.mails("rita", "release_review")


def test_what_is_sent_is_held_by_both_digests() -> None:
    """After a carry-over the sender refuses another frame's bytes, altered bytes, and a frame put in its place."""
    here = set_stage()
    campaign = approved_campaign(here)
    applied(here)
    beside = here.world.campaigns.beside[here.partner, campaign.id]
    (key, frame), = beside.frames.items()
    for wrong in (replace(frame, content="0" * 64), replace(frame, template_version=1),
                  replace(frame, locked_sha256="0" * 64)):
        beside.frames[key] = wrong
        with pytest.raises(loading.Altered):
            sent_bytes(here, campaign)
    beside.frames[key] = frame
    place = content_key(here.partner, frame.content)
    good = here.world.blobs.get(here.session, place)
    here.world.blobs.put(here.session, place, good.replace(b"Spring", b"Sprung"), "application/json")
    with pytest.raises(loading.Altered):
        sent_bytes(here, campaign)
    here.world.blobs.put(here.session, place, good, "application/json")
    assert hashlib.sha256(good).hexdigest() == frame.content
    assert NEW_LOGO in sent_bytes(here, campaign)


def test_no_reviewers_link_dies() -> None:
    """A link mailed before the release decides after it, on the mail in its new frame."""
    here = set_stage()
    campaign = here.submitted()
    token, code = here.token_and_code("rita")
    old = review.look(here.world, token)
    assert outcomes(applied(here)) == [("carried", "")]
    found = review.look(here.world, token)
    assert found.standing is review.Standing.OPEN
    assert found.digest == here.now_of(campaign).digests.both  # type: ignore[union-attr]
    with pytest.raises(Conflict, match=r"review\.reframed"):  # the page was open while the release was applied
        decision.decide(here.world, token, Verdict.APPROVE, code=code, shown=old.digest)
    decision.decide(here.world, token, Verdict.APPROVE, code=code, shown=found.digest)
    assert here.now_of(campaign).state is State.APPROVED
    assert len(here.mails("rita", "review_request")) == 1


def test_a_link_to_another_text_stays_dead() -> None:
    """A carry-over revives no link of a round that was withdrawn."""
    here = set_stage()
    campaign = here.submitted()
    token, _ = here.token_and_code("rita")
    submit.withdraw(here.world, here.session, here.people["paula"], campaign.id)
    applied(here)
    assert review.look(here.world, token).standing is review.Standing.VOID


def test_two_releases_one_after_the_other() -> None:
    """Frames add up; the first link still leads to what stands."""
    here = set_stage()
    campaign = here.submitted()
    token, code = here.token_and_code("rita")
    applied(here)
    applied(here, form(here, pairs=((NEW_LOGO, OLD_LOGO.replace("1", "3")),)))
    assert [f.sequence for f in here.world.campaigns.history(here.session, campaign.id).frames] == [1, 2]
    decision.decide(here.world, token, Verdict.APPROVE, code=code, shown=review.look(here.world, token).digest)
    assert "logo-3.png" in sent_bytes(here, campaign)


# --- what cannot be carried over is seen by people

def test_a_text_that_would_read_otherwise_is_reviewed_again() -> None:
    """The partner's words in another setting are another mail: reviewers look, and get one mail."""
    here = set_stage()
    first, second = approved_campaign(here), approved_campaign(here, "peter")
    publish_next(here, (b"{{ contact.first_name", b"{{ contact.last_name"))  # other merge fields: the partner's part
    known = applied(here, moving(here))
    assert outcomes(known) == [("review", "release.text")] * 2
    for before in (first, second):
        after = here.now_of(before)
        assert (after.state, after.revision, after.approved_at) == (State.IN_REVIEW, 2, None)
    mail, = here.mails("rita", "release_review")
    assert mail.text.count("/r/") == 2
    assert len(here.mails("rita", "review_request")) == 2  # those of before
    assert here.mails("paula", "release_news") == []


def test_the_links_of_a_second_look_decide() -> None:
    """One code for all links of the mail; each decides its own campaign."""
    here = set_stage(reviewers=("rita",))
    campaign = approved_campaign(here)
    applied(here, form(here, treatment="review"))
    mail, = here.mails("rita", "release_review")
    token = re.search(r"/r/([\w-]+)", mail.text).group(1)  # type: ignore[union-attr]
    code = re.search(r"Your code: (\d+)", mail.text).group(1)  # type: ignore[union-attr]
    decision.decide(here.world, token, Verdict.APPROVE, code=code, shown=review.look(here.world, token).digest)
    assert here.now_of(campaign).state is State.APPROVED
    assert NEW_LOGO in sent_bytes(here, campaign)


def test_a_text_that_does_not_fit_is_put_to_the_partner() -> None:
    """One mail to each of the partner's people for all their campaigns; the campaigns stay as they were approved."""
    here = set_stage()
    first, second = approved_campaign(here), approved_campaign(here, "peter")
    publish_next(here, (b'max-length="60"', b'max-length="15"'))
    known = applied(here, moving(here))
    assert outcomes(known) == [("change", "release.unfit")] * 2
    for before in (first, second):
        assert here.now_of(before).digests == before.digests
        assert here.now_of(before).state is State.APPROVED
    mail, = here.mails("paula", "release_news")
    assert mail.text.count("/campaigns/") == 2
    assert len(here.mails("peter", "release_news")) == 1


def test_a_rule_that_a_new_kit_brings() -> None:
    """A kit of the release bans a word: who uses it is not carried over; an exception of before still counts."""
    here = set_stage()
    campaign = approved_campaign(here, headline="Now gratis")
    clean = approved_campaign(here, "peter")
    known = applied(here, form(here, kit="banned: {en: [gratis]}\n"))
    assert sorted(outcomes(known)) == [("carried", ""), ("change", "release.rules")]
    assert here.now_of(campaign).digests == campaign.digests
    assert here.now_of(clean).digests != clean.digests
    assert kits.in_force(here.world, Scope(here.world.facts.org_id)).number == 1


@pytest.mark.parametrize(("treatment", "expected"), [
    ("carry", ("same", "release.rules")), ("ask", ("change", "release.rules")), ("review", ("review", "release.rules")),
])
def test_a_kit_alone(treatment: str, expected: tuple[str, str]) -> None:
    """Only campaigns that the new rules block are touched, as head office chose; the others are left alone."""
    here = set_stage()
    approved_campaign(here, headline="Now gratis")
    approved_campaign(here, "peter")
    known = applied(here, form(here, pairs=(), kit="banned: {en: [gratis]}\n", treatment=treatment))
    assert sorted(outcomes(known)) == sorted([("same", ""), expected])


def test_a_company_that_moved_since() -> None:
    """Another imprint was approved by nobody: reviewers look."""
    here = set_stage()
    approved_campaign(here)
    known = here.world.partners.partners[here.partner]
    entity = replace(known.entity, street="New street 5", version=known.entity.version + 1)
    here.world.partners.partners[here.partner] = replace(known, entity=entity)
    assert outcomes(applied(here)) == [("review", "release.company")]


def test_what_cannot_be_made_again_is_not_taken_for_the_same() -> None:
    """Where the approved mail does not come out again from its own version, people look instead of a comparison."""
    here = set_stage()
    campaign = approved_campaign(here)
    (key, version), = here.world.templates.versions.items()
    here.world.templates.versions[key] = replace(version, html=version.html.replace("Fjord Bikes", "Fjord Bykes"))
    assert outcomes(applied(here)) == [("review", "release.text")]
    assert here.now_of(campaign).state is State.IN_REVIEW


def test_nobody_is_left_to_review() -> None:
    """Where only its own author could review, the campaign stays and the result says so."""
    here = set_stage()
    campaign = approved_campaign(here)
    programme = here.world.programmes.get(here.programme)
    here.world.programmes.programmes[here.programme] = replace(programme, reviewers=(here.people["paula"].id,))
    assert outcomes(applied(here, form(here, treatment="review"))) == [("nobody", "review.nobody")]
    assert here.now_of(campaign).state is State.APPROVED


# --- ask the partner

def test_the_partner_is_asked_and_takes_it() -> None:
    """Silence changes nothing; one click takes the look over, and the approval stays."""
    here = set_stage()
    campaign = approved_campaign(here)
    known = applied(here, form(here, treatment="ask"))
    assert outcomes(known) == [("asked", "")]
    assert here.now_of(campaign).digests == campaign.digests
    assert len(here.mails("paula", "release_news")) == 1
    question = release_question.ask(here.world, here.session, campaign.id, known.release.id)
    assert question.possible
    shown = question.then.revision.digests.frame  # type: ignore[union-attr]
    paula = here.people["paula"]
    with pytest.raises(Conflict, match=r"release\.look_changed"):
        release_question.answer(here.world, here.session, paula, campaign.id, known.release.id, take=True, shown="0")
    release_question.answer(here.world, here.session, paula, campaign.id, known.release.id, take=True, shown=shown)
    after = here.now_of(campaign)
    assert (after.state, after.digests.frame) == (State.APPROVED, shown)  # type: ignore[union-attr]
    frame, = here.world.campaigns.history(here.session, campaign.id).frames
    assert frame.taken_by == paula.id
    assert NEW_LOGO in sent_bytes(here, campaign)
    with pytest.raises(NotFound):  # answered
        release_question.ask(here.world, here.session, campaign.id, known.release.id)


def test_the_partner_keeps_the_old_look() -> None:
    """It goes out as it was approved."""
    here = set_stage()
    campaign = approved_campaign(here)
    known = applied(here, form(here, treatment="ask"))
    release_question.answer(
        here.world, here.session, here.people["paula"], campaign.id, known.release.id, take=False, shown="")
    assert here.now_of(campaign).digests == campaign.digests
    assert OLD_LOGO in sent_bytes(here, campaign)
    with pytest.raises(NotFound):
        release_question.ask(here.world, here.session, campaign.id, known.release.id)


def test_what_does_not_fit_cannot_be_taken_with_a_click() -> None:
    """The page shows why; a forged click changes nothing."""
    here = set_stage()
    campaign = approved_campaign(here)
    publish_next(here, (b'max-length="60"', b'max-length="15"'))
    known = applied(here, moving(here, treatment="ask"))
    question = release_question.ask(here.world, here.session, campaign.id, known.release.id)
    assert (question.possible, question.then.why) == (False, "release.unfit")
    with pytest.raises(Conflict, match=r"release\.not_possible"):
        release_question.answer(
            here.world, here.session, here.people["paula"], campaign.id, known.release.id, take=True, shown="")


# --- drafts

def test_drafts_go_along_where_no_word_is_lost() -> None:
    """A draft stands on the new version with its texts; new drafts begin on it; nobody is mailed."""
    here = set_stage()
    campaign = here.draft()
    known = applied(here)
    assert outcomes(known) == [("draft", "")]
    draft = here.world.campaigns.history(here.session, campaign.id).draft
    assert (draft.template_version, draft.values["headline"], draft.version) == (2, "Spring at Paula's", 3)
    assert here.world.programmes.get(here.programme).template_version == 2
    assert here.mails("paula", "release_news") == []


def test_a_draft_that_would_lose_words_stays() -> None:
    """Its partner is told once and takes the version over by itself."""
    here = set_stage()
    campaign = here.draft()
    publish_next(here, (b'max-length="60"', b'max-length="15"'))
    assert outcomes(applied(here, moving(here))) == [("draft_asked", "release.unfit")]
    assert here.world.campaigns.history(here.session, campaign.id).draft.template_version == 1
    assert len(here.mails("paula", "release_news")) == 1


# --- the old versions

def test_a_withdrawn_version_is_not_submitted_and_does_not_start() -> None:
    """What stayed on the old version is paused at its start with its reason; a draft on it is refused."""
    here = set_stage()
    campaign, draft = approved_campaign(here), here.draft("peter")
    publish_next(here, (b'max-length="60"', b'max-length="15"'))
    applied(here, moving(here, old="withdrawn"))
    with pytest.raises(Refused) as refused:
        submit.submit(here.world, here.session, here.people["peter"], draft.id, 2, terms=True)
    assert ("template.retired", "template") in codes(refused)
    here.world.clock.advance(days=2, hours=-1)
    plan.look(here.world, here.partner, campaign.id)
    assert here.now_of(campaign).state in (State.APPROVED, State.HELD)
    here.world.clock.advance(hours=1, minutes=30)
    plan.look(here.world, here.partner, campaign.id)
    assert (here.now_of(campaign).state, here.now_of(campaign).hold_reason) == (State.HELD, HoldReason.TEMPLATE)


def test_an_old_version_may_go_out_until_its_day() -> None:
    """Before the day it is sent as approved; a start after it is refused at submit."""
    here = set_stage()
    campaign, draft = approved_campaign(here), here.draft("peter")
    publish_next(here, (b'max-length="60"', b'max-length="15"'))
    day = here.world.clock.now().strftime("%Y-%m-%d")
    applied(here, moving(here, old="until", until=day))
    with pytest.raises(Refused) as refused:
        submit.submit(here.world, here.session, here.people["peter"], draft.id, 2, terms=True)
    assert ("template.retired", "template") in codes(refused)
    here = set_stage()
    campaign = approved_campaign(here)
    publish_next(here, (b'max-length="60"', b'max-length="15"'))
    far = (here.world.clock.now().replace(year=here.world.clock.now().year + 1)).strftime("%Y-%m-%d")
    applied(here, moving(here, old="until", until=far))
    here.world.clock.advance(days=2, minutes=30)
    plan.look(here.world, here.partner, campaign.id)
    assert here.now_of(campaign).state is State.SENDING


def test_a_new_programme_needs_a_version_that_lasts() -> None:
    """A version that ends before the programme closes is refused, with its end; the newest is taken."""
    here = set_stage()
    publish_next(here, (b'max-length="60"', b'max-length="15"'))
    known = applied(here, moving(here, old="withdrawn"))
    template = known.release.moves[0].template

    def define(number: int) -> object:
        return programmes.define(here.world, here.people["hanna"], programmes.Definition(
            id="prg_" + "7" * 26, title="Late", brief="", template=f"{template}/{number}", opens="2026-03-02T00:00",
            closes="2026-04-30T00:00", zone="Europe/Berlin", reviewers="rita@example.com"))

    with pytest.raises(Refused) as refused:
        define(1)
    assert codes(refused) == [("programme.template_retired", "template")]
    assert define(2)


# --- races, crashes, repeats

def test_a_campaign_that_starts_meanwhile_goes_out_as_approved() -> None:
    """The conditional write decides: nothing is sent with a mixed frame, and the result says that it had started."""
    here = set_stage()
    campaign = approved_campaign(here)
    made = approved(here)
    here.world.clock.advance(days=2, minutes=30)
    plan.look(here.world, here.partner, campaign.id)
    assert here.now_of(campaign).state is State.SENDING
    here.deliver()
    assert outcomes(here.world.releases.get(made.id)) == [("started", "")]
    assert here.now_of(campaign).digests == campaign.digests
    assert OLD_LOGO in sent_bytes(here, campaign)


@pytest.mark.parametrize("first", ["start", "release"])
def test_start_and_release_at_the_same_moment(first: str) -> None:
    """Whoever writes second finds its condition gone and looks again; both orders end in one whole mail."""
    here = set_stage()
    campaign = approved_campaign(here)
    made = approved(here)
    here.world.clock.advance(days=2, minutes=30)
    store, real = here.world.campaigns, here.world.campaigns.commit
    other = [lambda: plan.look(here.world, here.partner, campaign.id), here.deliver]

    class Between:
        """Lets the other side write just before the first commit of this one."""

        def __init__(self) -> None:
            self.done = False

        def __call__(self, session: object, change: object) -> None:
            if not self.done:
                self.done = True
                other[first == "start"]()
            real(session, change)  # type: ignore[arg-type]

    store.commit = Between()  # type: ignore[method-assign]
    here.deliver() if first == "release" else plan.look(here.world, here.partner, campaign.id)
    here.deliver()
    after = here.now_of(campaign)
    logo = NEW_LOGO if after.digests != campaign.digests else OLD_LOGO
    html = sent_bytes(here, campaign)
    assert logo in html
    assert (OLD_LOGO in html) != (NEW_LOGO in html)
    assert here.world.releases.get(made.id).release.phase is Phase.DONE


def test_a_decision_at_the_same_moment() -> None:
    """The reviewer's answer loses against the new frame and is asked again; given again, it counts."""
    here = set_stage()
    campaign = here.submitted()
    token, code = here.token_and_code("rita")
    shown = review.look(here.world, token).digest
    made = approved(here)
    real = here.world.campaigns.commit

    def between(session: object, change: object) -> None:
        here.world.campaigns.commit = real  # type: ignore[method-assign]
        here.deliver()
        real(session, change)  # type: ignore[arg-type]

    here.world.campaigns.commit = between  # type: ignore[method-assign]
    with pytest.raises(Conflict, match=r"review\.reframed"):
        decision.decide(here.world, token, Verdict.APPROVE, code=code, shown=shown)
    assert here.now_of(campaign).state is State.IN_REVIEW
    assert outcomes(here.world.releases.get(made.id)) == [("carried", "")]
    decision.decide(here.world, token, Verdict.APPROVE, code=code, shown=review.look(here.world, token).digest)
    assert here.now_of(campaign).state is State.APPROVED


def test_a_withdrawal_at_the_same_moment() -> None:
    """Taken back while the release is at work: it is a draft, and goes along as one."""
    here = set_stage()
    campaign = approved_campaign(here)
    made = approved(here)
    real = here.world.campaigns.commit

    def between(session: object, change: object) -> None:
        here.world.campaigns.commit = real  # type: ignore[method-assign]
        submit.withdraw(here.world, here.session, here.people["paula"], campaign.id)
        real(session, change)  # type: ignore[arg-type]

    here.world.campaigns.commit = between  # type: ignore[method-assign]
    here.deliver()
    assert outcomes(here.world.releases.get(made.id)) == [("draft", "")]
    assert here.now_of(campaign).state is State.DRAFT
    assert here.world.campaigns.history(here.session, campaign.id).draft.template_version == 2


@pytest.mark.parametrize(("treatment", "expected"), [
    ("carry", ("carried", "")), ("ask", ("asked", "")), ("review", ("change", "release.paused")),
])
def test_a_paused_campaign(treatment: str, expected: tuple[str, str]) -> None:
    """Paused before it sent anything it is treated as an approved one; reviewed again only once it goes on."""
    here = set_stage()
    campaign = approved_campaign(here)
    control.hold(here.world, here.session, campaign.id, HoldReason.PARTNER, actor=Actor.PARTNER, by="paula")
    known = applied(here, form(here, treatment=treatment))
    assert outcomes(known) == [expected]
    after = here.now_of(campaign)
    assert (after.state, after.held_from) == (State.HELD, State.APPROVED)
    control.resume(here.world, here.session, campaign.id, actor=Actor.PARTNER, by="paula")
    assert (NEW_LOGO in sent_bytes(here, campaign)) is (treatment == "carry")


def test_a_campaign_that_is_paused_while_sending_keeps_its_mail() -> None:
    """Some customers have it already: the others get the same."""
    here = set_stage()
    campaign = approved_campaign(here)
    here.world.clock.advance(days=2, minutes=30)
    plan.look(here.world, here.partner, campaign.id)
    control.hold(here.world, here.session, campaign.id, HoldReason.PARTNER, actor=Actor.PARTNER, by="paula")
    assert outcomes(applied(here)) == [("started", "")]
    assert OLD_LOGO in sent_bytes(here, campaign)


def test_a_start_that_passes_keeps_the_new_frame() -> None:
    """An undecided campaign that moves to the next day moves in the frame it stands in."""
    here = set_stage()
    campaign = here.draft()
    drafts.save(here.world, here.session, here.people["paula"], campaign.id, 2, drafts.Typed(on_lapse="next_slot"))
    submit.submit(here.world, here.session, here.people["paula"], campaign.id, 3, terms=True)
    here.deliver()
    applied(here)
    here.world.clock.advance(days=2, minutes=30)
    plan.look(here.world, here.partner, campaign.id)
    after = here.now_of(campaign)
    assert (after.state, after.revision) == (State.IN_REVIEW, 2)
    here.deliver()
    decide(here)
    assert here.now_of(campaign).state is State.APPROVED
    assert NEW_LOGO in sent_bytes(here, campaign)


def test_what_is_sent_is_what_was_approved() -> None:
    """Through the sender itself: every customer's mail has the approved text in the new frame, byte for byte."""
    here = set_stage()
    campaign = approved_campaign(here)
    old = sent_bytes(here, campaign)
    applied(here)
    here.world.clock.advance(days=2, minutes=30)
    plan.look(here.world, here.partner, campaign.id)

    def work(message: dict[str, object]) -> None:
        send.send(here.world, send.work_of(message), stop_at=here.world.clock.now() + timedelta(minutes=5))

    for _ in range(20):
        here.world.queue.deliver(QueueName.SEND, work)  # type: ignore[arg-type]
        here.world.clock.advance(minutes=1)
    sent = here.world.bulk_mailer.calls
    assert sum(len(call.entries) for call in sent) == 60
    assert {call.html for call in sent} == {old.replace(OLD_LOGO, NEW_LOGO)}
    assert len({entry.to for call in sent for entry in call.entries}) == 60


def test_a_redelivered_message_does_nothing_twice() -> None:
    """Every message of a release twice: one frame, one result, one count, no second mail to the partner."""
    here = set_stage()
    carried, asked = approved_campaign(here), approved_campaign(here, "peter", headline="A headline of its own")
    made = approved(here, form(here, treatment="ask"))
    twice: list[dict[str, object]] = []
    def both(message: dict[str, object]) -> None:
        twice.append(message)
        for _ in range(2):
            notices.handle(message, here.world)

    here.world.queue.deliver(QueueName.NOTICES, both)  # type: ignore[arg-type]
    known = here.world.releases.get(made.id)
    assert known.release.phase is Phase.DONE
    assert outcomes(known) == [("asked", ""), ("asked", "")]
    assert len(here.mails("paula", "release_news")) == 1
    for campaign in (carried, asked):
        history = here.world.campaigns.history(here.session, campaign.id)
        assert len(history.proposals) == 1
        assert sum("release" in e.details for e in history.audit) == 1
    assert len(here.world.templates.versions) == 2


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 10))
def test_a_kill_anywhere_and_redelivery(dies_at: int, after: bool) -> None:
    """At whichever write the process dies, before or after it, the message that comes again brings the same end."""
    here = set_stage()
    first, second = approved_campaign(here), approved_campaign(here, "peter")
    draft = here.draft()
    made = approved(here)
    dying = Dying(here, dies_at, after)
    with suppress(Dying.Dead):
        here.deliver()
    assert dying.seen == dies_at
    dying.at = 0
    releases.go_on(here.world, made.id)
    here.deliver()
    known = here.world.releases.get(made.id)
    assert known.release.phase is Phase.DONE
    assert known.missing == ()
    assert sorted(outcomes(known)) == [("carried", ""), ("carried", ""), ("draft", "")]
    for campaign in (first, second):
        assert NEW_LOGO in sent_bytes(here, campaign)
        assert len(here.world.campaigns.history(here.session, campaign.id).frames) == 1
    assert here.world.campaigns.history(here.session, draft.id).draft.template_version == 2
    assert len(here.world.templates.versions) == 2


class Dying:
    """Counts the writes of a release and dies at the ``at``-th one, before or after it (0: never)."""

    class Dead(Exception):
        """The process is gone."""

    def __init__(self, here: Stage, at: int, after: bool) -> None:
        self.at, self.after, self.seen = at, after, 0
        for store, names in (
            (here.world.campaigns, ("commit",)), (here.world.releases, ("whom", "note", "end")),
            (here.world.templates, ("publish",)), (here.world.programmes, ("save",)),
            (here.world.queue, ("put",)),
        ):
            for name in names:
                setattr(store, name, self._wrapped(getattr(store, name)))

    def _wrapped(self, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            self.seen += bool(self.at)
            if self.at and self.seen == self.at and not self.after:
                raise Dying.Dead
            out = real(*args, **kwargs)
            if self.at and self.seen == self.at:
                raise Dying.Dead
            return out

        return call


def test_a_partner_that_fails_is_gone_on_with() -> None:
    """One partner's failure leaves the others done; head office goes on with the missing one."""
    here = set_stage()
    campaign = approved_campaign(here)
    made = approved(here)
    messages: list[dict[str, object]] = []
    here.world.queue.deliver(QueueName.NOTICES, lambda m: release_run.start(here.world, made.id) if m.get(
        "kind") == "release" else messages.append(dict(m)))
    assert [m["kind"] for m in messages] == ["release_partner"]  # lost, as if in the dead letters
    assert here.world.releases.get(made.id).missing == (here.partner,)
    releases.go_on(here.world, made.id)
    here.deliver()
    assert here.world.releases.get(made.id).release.phase is Phase.DONE
    assert NEW_LOGO in sent_bytes(here, campaign)


def test_head_office_never_reads_a_partners_data() -> None:
    """Preparing, counting and approving open no partner's session."""
    here = set_stage()
    approved_campaign(here)
    opened = len(here.world.sessions.opened)
    made = prepared(here)
    releases.count_again(here.world, made.id)
    again = here.world.releases.get(made.id).release
    releases.approve(here.world, here.people["henry"], made.id, shown=again.fingerprint)
    assert len(here.world.sessions.opened) == opened


def test_approving_twice_goes_on() -> None:
    """The form of the second person sent twice does no harm."""
    here = set_stage()
    made = approved(here)
    assert releases.approve(here.world, here.people["henry"], made.id, shown=made.fingerprint).id == made.id
    here.deliver()
    assert here.world.releases.get(made.id).release.phase is Phase.DONE
    with pytest.raises(Conflict, match=r"release\.not_now"):
        releases.approve(here.world, here.people["henry"], made.id, shown=made.fingerprint)


def test_one_programme_alone_moves_to_a_newer_version() -> None:
    """A release of one programme leaves the others where they are."""
    here = set_stage()
    other = replace(here.world.programmes.get(here.programme), id=ProgrammeId("prg_" + "9" * 26), title="Other")
    here.world.programmes.add(other)
    publish_next(here, LOCKED)
    assert [(c.newest, c.used) for c in release_moves.candidates(here.world)] == [(2, (1,))]
    known = applied(here, moving(here, programme=here.programme))
    assert known.release.phase is Phase.DONE
    assert here.world.programmes.get(here.programme).template_version == 2
    assert here.world.programmes.get(other.id).template_version == 1
    assert release_moves.candidates(here.world, here.programme) == []
    with pytest.raises(Refused, match=r"release\.template_foreign"):
        foreign = replace(
            here.world.programmes.get(here.programme), id=ProgrammeId("prg_" + "8" * 26),
            template=TemplateId("tpl_" + "8" * 26))
        here.world.programmes.add(foreign)
        prepared(here, moving(here, programme=foreign.id))


def test_a_decision_after_a_second_look_is_asked_of_the_same_people() -> None:
    """Review again keeps how many must agree."""
    here = set_stage()
    campaign = approved_campaign(here)
    known = applied(here, form(here, treatment="review"))
    assert outcomes(known) == [("review", "")]
    asks = [a for a in here.world.campaigns.history(here.session, campaign.id).asks if a.revision == 2]
    assert {a.person_name for a in asks} == {"Rita", "Ron"}
    assert here.now_of(campaign).need == 1


# --- what is older than what stands, and what does not wait for ever

def test_an_old_question_does_not_lead_back() -> None:
    """Asked about one look and carried on to a newer one: the first question is gone, whatever is answered."""
    here = set_stage()
    campaign = approved_campaign(here)
    first = applied(here, form(here, treatment="ask")).release
    shown = release_question.ask(here.world, here.session, campaign.id, first.id).then.revision.digests.frame  # type: ignore[union-attr]
    newest = OLD_LOGO.replace("1", "3")
    assert outcomes(applied(here, form(here, pairs=((NEW_LOGO, newest),)))) == [("carried", "")]
    with pytest.raises(NotFound):
        release_question.ask(here.world, here.session, campaign.id, first.id)
    for take in (True, False):
        with pytest.raises(NotFound):
            release_question.answer(
                here.world, here.session, here.people["paula"], campaign.id, first.id, take=take, shown=shown)
    history = here.world.campaigns.history(here.session, campaign.id)
    assert [frame.template_version for frame in history.frames] == [3]
    assert newest in sent_bytes(here, campaign)


def test_a_question_about_words_alone_stays_open() -> None:
    """New rules against a text are a question about the version that stands."""
    here = set_stage()
    campaign = approved_campaign(here, headline="Now gratis")
    known = applied(here, form(here, pairs=(), kit="banned: {en: [gratis]}\n", treatment="ask"))
    question = release_question.ask(here.world, here.session, campaign.id, known.release.id)
    assert (question.possible, question.proposal.why) == (False, "release.rules")


def test_reviewers_do_not_wait_for_a_partner_that_fails() -> None:
    """A quarter of an hour after the last partner that came in they are asked, once for all of it; the end asks
    only who did not answer."""
    here = set_stage(reviewers=("rita",))
    first, second = approved_campaign(here), approved_campaign(here, "peter")
    other = add_partner(here.world, "Broken Bikes", here.programme, here.world.clock.now() + timedelta(days=60))
    made, lost = approved(here, form(here, treatment="review")), []

    def handle(message: dict[str, object]) -> None:
        if message.get("partner") == other:
            lost.append(message)
        else:
            notices.handle(message, here.world)

    def deliver() -> None:
        here.world.queue.deliver(QueueName.NOTICES, handle)  # type: ignore[arg-type]

    deliver()
    release_run.partner(here.world, made.id, here.partner)  # the same message twice is not the later one
    assert [here.now_of(c).state for c in (first, second)] == [State.IN_REVIEW] * 2
    assert here.mails("rita", "release_review") == []
    here.world.clock.advance(minutes=15)
    deliver()
    deliver()
    mail, = here.mails("rita", "release_review")
    assert mail.text.count("/r/") == 2
    assert here.world.releases.get(made.id).release.phase is Phase.APPLYING
    code = re.search(r"Your code: (\d+)", mail.text).group(1)  # type: ignore[union-attr]
    for token in re.findall(r"/r/([\w-]+)", mail.text):
        decision.decide(here.world, token, Verdict.APPROVE, code=code, shown=review.look(here.world, token).digest)
    assert [here.now_of(c).state for c in (first, second)] == [State.APPROVED] * 2
    releases.go_on(here.world, made.id)
    here.deliver()
    assert len(lost) == 1
    assert here.world.releases.get(made.id).release.phase is Phase.DONE
    assert len(here.mails("rita", "release_review")) == 1


@pytest.mark.parametrize(("dies_at", "mails"), [(1, [2, 1]), (2, [1, 2]), (3, [1, 1])])
def test_a_reviewer_is_mailed_once(dies_at: int, mails: list[int]) -> None:
    """Of a message that comes again whoever was noted gets nothing; a crash between mail and note sends it twice."""
    here = set_stage()
    approved_campaign(here)
    made = approved(here, form(here, treatment="review"))
    here.world.queue.waiting.clear()
    release_run.start(here.world, made.id)
    release_run.partner(here.world, made.id, here.partner)
    store, seen = here.world.releases, []

    def dying(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object) -> object:
            seen.append(args)
            if len(seen) == dies_at:
                raise Dying.Dead
            return real(*args)

        return call

    store.save, store.end = dying(store.save), dying(store.end)  # type: ignore[method-assign, assignment]
    with pytest.raises(Dying.Dead):
        release_run.finish(here.world, made.id)
    for _ in range(2):
        release_run.finish(here.world, made.id)
    assert here.world.releases.get(made.id).release.phase is Phase.DONE
    assert [len(here.mails(name, "release_review")) for name in ("rita", "ron")] == mails


def test_two_copies_of_the_last_message() -> None:
    """Whoever notes second has the message come again, and finds what the first one did."""
    here = set_stage(reviewers=("rita",))
    approved_campaign(here)
    made = approved(here, form(here, treatment="review"))
    here.world.queue.waiting.clear()
    release_run.start(here.world, made.id)
    release_run.partner(here.world, made.id, here.partner)
    real = here.world.releases.save

    def overtaken(release: Release) -> None:
        here.world.releases.save = real  # type: ignore[method-assign]
        release_run.finish(here.world, made.id)
        real(release)

    here.world.releases.save = overtaken  # type: ignore[method-assign]
    with pytest.raises(Retryable):
        release_run.finish(here.world, made.id)
    done = here.world.releases.get(made.id)
    assert done.release.phase is Phase.DONE
    release_run.finish(here.world, made.id)
    assert here.world.releases.get(made.id) == done
    assert len(here.mails("rita", "release_review")) == 2

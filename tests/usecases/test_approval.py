"""From draft to decision: submit, review links, races, lapses, withdrawals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain import audit, content, digest
from chalicelib.domain.campaign import State, Verdict
from chalicelib.domain.contact import Suppression, SuppressionReason
from chalicelib.domain.errors import Conflict, CountersignError, NotFound, Refused
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.partner import PartnerState
from chalicelib.domain.people import Role
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import Change, History
from chalicelib.usecases import contacts, decision, drafts, plan, review, submit
from chalicelib.usecases.drafts import Typed
from chalicelib.usecases.keys import content_key
from tests.fakes.workflow import FakeCampaigns
from tests.stage import Stage, decide_as_shown, stage


@pytest.fixture
def scene() -> Stage:
    return stage()


def codes(problem: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {p.code for p in problem.value.problems}


# --- submit

def test_submit_freezes_what_the_digests_bind(scene: Stage) -> None:
    """A submitted revision holds digests that can be computed again, over content stored under its own hash."""
    campaign = scene.submitted()
    assert campaign.state is State.IN_REVIEW
    (revision,) = scene.world.campaigns.history(scene.session, campaign.id).revisions
    assert digest.of(revision) == revision.digests == campaign.digests
    stored = content.decode(scene.world.blobs.get(scene.session, content_key(scene.partner, revision.content)))
    assert stored.sha256 == revision.content
    assert "Spring at Paula" in stored.html
    assert revision.bracket == "51-250"


def test_submit_tells_everything_at_once(scene: Stage) -> None:
    """An empty draft is refused with every problem, and nothing is written."""
    campaign = drafts.start(scene.world, scene.session, scene.people["paula"], scene.programme)
    drafts.save(scene.world, scene.session, scene.people["paula"], campaign.id, 1, Typed(
        values={"headline": "", "offer": "javascript:alert(1)"}, subject=""))
    with pytest.raises(Refused) as refused:
        submit.submit(scene.world, scene.session, scene.people["paula"], campaign.id, 2)
    assert {"time.missing", "terms.not_accepted"} < codes(refused)
    assert {"headline", "offer", "local_time", "terms"} <= {p.field for p in refused.value.problems}
    assert scene.now_of(campaign).state is State.DRAFT
    assert not scene.world.campaigns.history(scene.session, campaign.id).revisions


@pytest.mark.parametrize(("typed", "code"), [
    (Typed(local_time="2020-01-01T09:00"), "time.past"),
    (Typed(local_time="2026-03-29T02:30"), "time.gap"),
    (Typed(local_time="2026-10-25T02:30"), "time.fold"),
    (Typed(local_time="2026-12-01T09:00"), "time.outside_window"),
    (Typed(local_time="soon"), "time.format"),
    (Typed(zone="Mars/Olympus"), "time.zone"),
])
def test_submit_refuses_bad_times(scene: Stage, typed: Typed, code: str) -> None:
    """A time in the past, in a gap, unanswered in a fold or outside the run window is refused at its field."""
    campaign = scene.draft()
    drafts.save(scene.world, scene.session, scene.people["paula"], campaign.id, 2, typed)
    with pytest.raises(Refused) as refused:
        submit.submit(scene.world, scene.session, scene.people["paula"], campaign.id, 3, terms=True)
    assert codes(refused) == {code}


def test_unverified_sender_is_told_before_anybody_reviews(scene: Stage) -> None:
    """A From address that SES would refuse stops the submit, not the sending two days later."""
    scene.world.mailer.unverified.add("news@dealer.example")
    with pytest.raises(Refused) as refused:
        scene.submitted()
    assert codes(refused) == {"sender.unverified"}
    assert refused.value.problems[0].params["address"] == "news@dealer.example"


def test_the_first_terms_make_a_partner_active(scene: Stage) -> None:
    """Head office's list says so as soon as a partner has accepted the terms with its first submission."""
    stored = scene.world.partners.home(scene.session).partner
    invited = replace(stored, state=PartnerState.INVITED, version=stored.version + 1)
    scene.world.partners.save(scene.session, invited, expected_version=stored.version)
    scene.submitted()
    after = scene.world.partners.home(scene.session).partner
    assert after.state is PartnerState.ACTIVE
    assert [c.state for c in scene.world.partners.cards() if c.id == after.id] == ["active"]
    scene.submitted()
    assert scene.world.partners.home(scene.session).partner == after


def test_double_click_submits_once(scene: Stage) -> None:
    """The second of two clicks is told where the campaign stands; one revision, one request."""
    campaign = scene.submitted()
    with pytest.raises(Conflict) as late:
        submit.submit(scene.world, scene.session, scene.people["paula"], campaign.id, 2, terms=True)
    assert late.value.params["state"] == "in_review"
    assert len(scene.world.campaigns.history(scene.session, campaign.id).revisions) == 1
    assert len(scene.mails("rita", "review_request")) == 1


def test_stale_tab_cannot_submit_or_save(scene: Stage) -> None:
    """A tab that was opened before a colleague saved is told when that was; nothing is overwritten."""
    campaign = scene.draft()
    for act in (
        lambda: drafts.save(scene.world, scene.session, scene.people["peter"], campaign.id, 1, Typed(subject="x")),
        lambda: submit.submit(scene.world, scene.session, scene.people["peter"], campaign.id, 1, terms=True),
    ):
        with pytest.raises(Conflict, match=r"draft\.changed"):
            act()
    assert scene.world.campaigns.history(scene.session, campaign.id).draft.subject == "Spring offers"


def test_save_is_refused_after_submit(scene: Stage) -> None:
    """An autosave that arrives after the submit changes nothing."""
    campaign = scene.submitted()
    with pytest.raises(Conflict, match=r"campaign\.not_now"):
        drafts.save(scene.world, scene.session, scene.people["paula"], campaign.id, 3, Typed(subject="x"))


@pytest.mark.parametrize("key", ["imprint", "unsubscribe", "nowhere", "headline.alt", "__class__"])
def test_locked_region_posted_anyway(scene: Stage, key: str) -> None:
    """N34: a value for a locked or unknown region is refused at that field, and nothing is saved."""
    campaign = scene.draft()
    with pytest.raises(Refused) as refused:
        drafts.save(scene.world, scene.session, scene.people["paula"], campaign.id, 2,
                    Typed(values={key: "mine", "headline": "New"}))
    assert codes(refused) == {"region.locked"}
    trail = scene.world.campaigns.history(scene.session, campaign.id).audit
    assert (trail[-1].action, trail[-1].details["fields"]) == ("refused_locked", key)
    assert audit.first_break(trail) is None
    assert scene.world.campaigns.history(scene.session, campaign.id).draft.values["headline"] == "Spring at Paula's"


def test_the_bracket_is_of_those_who_would_get_it(scene: Stage) -> None:
    """Of 60 customers 20 left: what reviewers and HQ learn, and what is approved, is the size of the mailing."""
    found = [record for byte in range(256) for record in scene.world.contacts.scan(scene.session, byte)]
    for record in found[:20]:
        scene.world.contacts.suppress(scene.session, Suppression(
            contact=record.id, reason=SuppressionReason.UNSUBSCRIBED, at=scene.world.clock.now()))
    contacts.recount(scene.world, scene.session)
    campaign = scene.submitted()
    (revision,) = scene.world.campaigns.history(scene.session, campaign.id).revisions
    assert (len(found), revision.bracket, campaign.bracket) == (60, "1-50", "1-50")


def test_nobody_mails_an_empty_audience() -> None:
    """Without a customer who may be mailed there is nothing to approve."""
    scene = stage(customers=0)
    with pytest.raises(Refused) as refused:
        scene.submitted()
    assert codes(refused) == {"audience.empty"}


def test_the_only_reviewer_cannot_be_the_author() -> None:
    """Where the one reviewer of a programme made the campaign, submitting says so."""
    scene = stage(reviewers=("rita",))
    scene.people["rita"] = grant(scene, "rita")
    with pytest.raises(Refused) as refused:
        scene.submitted("rita")
    assert codes(refused) == {"review.nobody"}


def grant(scene: Stage, name: str):  # type: ignore[no-untyped-def]
    from chalicelib.domain.people import Membership

    scene.world.people.grant(Membership(
        person=scene.people[name].id, role=Role.PARTNER_EDITOR, org=scene.world.facts.org_id, partner=scene.partner))
    return scene.world.people.account(scene.people[name].id).person


# --- the request

def test_request_carries_what_a_reviewer_needs(scene: Stage) -> None:
    """Mail with code, link, bracket, time and the rendered campaign with dead links, small enough for Gmail."""
    scene.submitted()
    (mail,) = scene.mails("rita", "review_request")
    token, code = scene.token_and_code("rita")
    assert len(token) == 43
    assert len(code) == 4
    for part in (mail.text, mail.html):
        assert "51-250" in part
        assert "09:00" in part
        assert "60" not in re_counts(part)
    assert "Spring at Paula" in mail.html
    assert "https://example.com/spring" not in mail.html
    assert len(mail.html.encode()) < 90_000
    assert "<script" not in mail.html


def re_counts(text: str) -> list[str]:
    """Numbers that stand alone in a text: the exact size of an audience must not be one of them."""
    import re

    return re.findall(r"(?<![\w#.%:-])\d+(?![\w%:-])", re.sub(r"<[^>]*>", " ", text))


def test_store_never_holds_token_or_code(scene: Stage) -> None:
    """Token and code are stored as hashes only, also in queue messages."""
    scene.submitted()
    token, code = scene.token_and_code("rita")
    link = scene.world.links.get(review.token_hash(token))
    assert token not in repr(link)
    assert link.code != code
    assert token not in repr(scene.world.queue.__dict__)


def test_who_lost_the_role_decides_no_more(scene: Stage) -> None:
    """A former reviewer's links open nothing, and a later submission asks the others only."""
    campaign = scene.submitted()
    scene.world.people.revoke(scene.people["rita"].id, Role.REVIEWER, None)
    with pytest.raises(NotFound):
        review.look(scene.world, scene.token_and_code("rita")[0])
    before = len(scene.mails("rita", "review_request"))
    submit.withdraw(scene.world, scene.session, scene.people["paula"], campaign.id)
    version = scene.world.campaigns.history(scene.session, campaign.id).draft.version
    submit.submit(scene.world, scene.session, scene.people["paula"], campaign.id, version, terms=True)
    scene.deliver()
    assert len(scene.mails("rita", "review_request")) == before


# --- the decision

def decide(scene: Stage, who: str, verdict: Verdict, reason: str = "") -> review.Review:
    token, code = scene.token_and_code(who)
    return decide_as_shown(scene.world, token, verdict, code=code, reason=reason)


@pytest.mark.parametrize(("verdict", "state"), [
    (Verdict.APPROVE, State.APPROVED), (Verdict.REQUEST_CHANGES, State.CHANGES_REQUESTED),
    (Verdict.DECLINE, State.DECLINED),
])
def test_each_verdict(scene: Stage, verdict: Verdict, state: State) -> None:
    """A decision moves the campaign, tells the partner with the reviewer's words, and is in the trail."""
    campaign = scene.submitted()
    found = decide(scene, "rita", verdict, "Use the new logo")
    scene.deliver()
    assert scene.now_of(campaign).state is state
    assert found.standing is review.Standing.DECIDED
    assert found.decided is not None
    assert found.decided.person_name == "Rita"
    (news,) = scene.mails("paula", "decided")
    assert "Use the new logo" in news.text
    entries = scene.world.campaigns.history(scene.session, campaign.id).audit
    assert audit.first_break(entries) is None
    assert entries[-1].actor == scene.people["rita"].id
    assert entries[-1].details["digests"] == campaign.digests.both  # type: ignore[union-attr]


def test_two_reviewers_at_once(scene: Stage) -> None:
    """The second of two decisions loses and reads by whom and when it was decided."""
    campaign = scene.submitted()
    decide(scene, "rita", Verdict.APPROVE)
    with pytest.raises(Conflict) as late:
        decide(scene, "ron", Verdict.DECLINE, "no")
    assert (late.value.code, late.value.params["by"]) == ("review.decided", "Rita")
    assert scene.now_of(campaign).state is State.APPROVED


def test_race_between_look_and_write(scene: Stage) -> None:
    """Two decisions that both saw an open campaign: the condition of the write lets one through."""
    campaign = scene.submitted()
    token, code = scene.token_and_code("ron")
    commit = scene.world.campaigns.commit
    raced: list[int] = []

    def late(session, change):  # type: ignore[no-untyped-def]
        if not raced:
            raced.append(1)
            decide(scene, "rita", Verdict.APPROVE)
        return commit(session, change)

    scene.world.campaigns.commit = late  # type: ignore[method-assign]
    with pytest.raises(Conflict, match=r"review\.decided"):
        decide_as_shown(scene.world, token, Verdict.DECLINE, code=code, reason="no")
    answers = [a for a in scene.world.campaigns.history(scene.session, campaign.id).asks if a.verdict]
    assert [a.person_name for a in answers] == ["Rita"]


def test_replay_is_told(scene: Stage) -> None:
    """The same link a second time reads that it was decided, and changes nothing."""
    campaign = scene.submitted()
    decide(scene, "rita", Verdict.APPROVE)
    version = scene.now_of(campaign).version
    with pytest.raises(Conflict, match=r"review\.decided"):
        decide(scene, "rita", Verdict.DECLINE, "changed my mind")
    assert scene.now_of(campaign).version == version


def test_wrong_code(scene: Stage) -> None:
    """A wrong code is refused and counted; after five the link takes none, and a fresh one works."""
    campaign = scene.submitted()
    token, code = scene.token_and_code("rita")
    wrong = f"{(int(code) + 1) % 10000:04d}"
    for _ in range(decision.MAX_TRIES):
        with pytest.raises(Refused) as refused:
            decide_as_shown(scene.world, token, Verdict.APPROVE, code=wrong)
        assert codes(refused) == {"review.code_wrong"}
    with pytest.raises(Conflict, match=r"link\.tries"):
        decide_as_shown(scene.world, token, Verdict.APPROVE, code=code)
    assert scene.now_of(campaign).state is State.IN_REVIEW
    review.request_fresh(scene.world, token)
    scene.deliver()
    assert scene.token_and_code("rita")[0] != token
    decide(scene, "rita", Verdict.APPROVE)
    assert scene.now_of(campaign).state is State.APPROVED


def test_codes_guessed_at_once(scene: Stage) -> None:
    """Guesses that all read the link before any was counted are still five in all: the right one comes too late."""
    campaign = scene.submitted()
    token, code = scene.token_and_code("rita")
    link = scene.world.links.get(review.token_hash(token))

    class Stale:
        """Reads that are older than every count, as those of requests in flight at the same time are."""

        def __getattr__(self, name: str) -> Any:
            return (lambda _: link) if name == "get" else getattr(scene.world.links, name)

    class AtOnce:
        links = Stale()

        def __getattr__(self, name: str) -> Any:
            return getattr(scene.world, name)

    world: Any = AtOnce()
    for guess in range(decision.MAX_TRIES):
        with pytest.raises(Refused):
            decide_as_shown(world, token, Verdict.APPROVE, code=f"{(int(code) + 1 + guess) % 10000:04d}")
    with pytest.raises(Conflict, match=r"link\.tries"):
        decide_as_shown(world, token, Verdict.APPROVE, code=code)
    assert scene.now_of(campaign).state is State.IN_REVIEW


def test_a_right_code_is_no_try(scene: Stage) -> None:
    """Who typed the right code and forgot the reason may do so any number of times."""
    scene.submitted()
    token, code = scene.token_and_code("rita")
    for _ in range(decision.MAX_TRIES + 1):
        with pytest.raises(Refused) as refused:
            decide_as_shown(scene.world, token, Verdict.DECLINE, code=code)
        assert codes(refused) == {"review.reason_missing"}
    decide_as_shown(scene.world, token, Verdict.DECLINE, code=code, reason="Not this month")


def test_all_that_is_wrong_with_an_answer(scene: Stage) -> None:
    """A missing reason and a missing code are told together; an empty code is not counted as a try."""
    scene.submitted()
    token, _ = scene.token_and_code("rita")
    with pytest.raises(Refused) as refused:
        decide_as_shown(scene.world, token, Verdict.DECLINE, code="", reason="  ")
    assert codes(refused) == {"review.reason_missing", "review.code_wrong"}
    assert scene.world.links.get(review.token_hash(token)).tries == 0


def test_code_of_a_colleague_does_not_fit(scene: Stage) -> None:
    """A code belongs to its own link."""
    scene.submitted()
    (token, _), (_, code) = scene.token_and_code("rita"), scene.token_and_code("ron")
    if code == scene.token_and_code("rita")[1]:
        pytest.fail("the seeded codes must differ")
    with pytest.raises(Refused):
        decide_as_shown(scene.world, token, Verdict.APPROVE, code=code)


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "../etc/passwd", "ü" * 43])
def test_foreign_tokens(scene: Stage, token: str) -> None:
    """A token that is not ours opens nothing."""
    scene.submitted()
    with pytest.raises(NotFound):
        review.look(scene.world, token)


def test_truncated_token(scene: Stage) -> None:
    """A link that a mail client cut is not found."""
    scene.submitted()
    with pytest.raises(NotFound):
        review.look(scene.world, scene.token_and_code("rita")[0][:-1])


def test_looking_changes_nothing(scene: Stage) -> None:
    """Reading a link a hundred times writes nothing."""
    campaign = scene.submitted()
    token, _ = scene.token_and_code("rita")
    before = (scene.now_of(campaign), scene.world.links.get(review.token_hash(token)), len(scene.world.mailer.sent))
    for _ in range(100):
        assert review.look(scene.world, token).standing is review.Standing.OPEN
    assert before == (
        scene.now_of(campaign), scene.world.links.get(review.token_hash(token)), len(scene.world.mailer.sent))


@pytest.mark.parametrize("shown", ["", "other.digests", "of another campaign"])
def test_only_what_was_shown_is_decided(scene: Stage, shown: str) -> None:
    """An answer for nothing, for a stale page or for another campaign's mail decides nothing and costs no try."""
    other, campaign = scene.submitted(headline="Another mail"), scene.submitted()
    token, code = scene.token_and_code("rita")
    if shown == "of another campaign":
        assert other.digests is not None
        shown = other.digests.both
    with pytest.raises(Conflict, match=r"review\.not_shown"):
        decision.decide(scene.world, token, Verdict.APPROVE, code=code, shown=shown)
    assert scene.now_of(campaign).state is State.IN_REVIEW
    assert scene.world.links.get(review.token_hash(token)).tries == 0
    decide_as_shown(scene.world, token, Verdict.APPROVE, code=code)
    assert scene.now_of(campaign).state is State.APPROVED


def test_role_change_kills_open_links(scene: Stage) -> None:
    """N4: a changed role ends the links that were mailed before."""
    scene.submitted()
    grant(scene, "rita")
    with pytest.raises(NotFound):
        review.look(scene.world, scene.token_and_code("rita")[0])


def test_a_role_that_ends_by_its_date_ends_its_links(scene: Stage) -> None:
    """A membership has a last moment; nothing is written then, and the link opens nothing any more."""
    scene.submitted()
    now, rita = scene.world.clock.now(), scene.people["rita"].id
    known = scene.world.people.memberships
    known.update({key: replace(m, expires_at=now + timedelta(hours=1)) for key, m in known.items() if key[0] == rita})
    token, _ = scene.token_and_code("rita")
    assert review.look(scene.world, token).standing is review.Standing.OPEN
    scene.world.clock.advance(hours=1)
    with pytest.raises(NotFound):
        review.look(scene.world, token)
    with pytest.raises(NotFound):
        decide(scene, "rita", Verdict.APPROVE)


def test_who_submitted_never_decides() -> None:
    """A reviewer who becomes the submitter's colleague may decide, the submitter may not, by person."""
    scene = stage()
    scene.people["ron"] = grant(scene, "ron")
    scene.submitted("ron")
    assert not scene.mails("ron", "review_request")
    assert scene.mails("rita", "review_request")


# --- withdraw, resubmit, revoke

def test_withdraw_voids_links(scene: Stage) -> None:
    """After a withdrawal the link says that there is nothing to decide; the draft can be edited again."""
    campaign = scene.submitted()
    submit.withdraw(scene.world, scene.session, scene.people["peter"], campaign.id)
    with pytest.raises(Conflict, match=r"review\.void"):
        decide(scene, "rita", Verdict.APPROVE)
    assert scene.now_of(campaign).digests is None
    version = scene.world.campaigns.history(scene.session, campaign.id).draft.version
    drafts.save(scene.world, scene.session, scene.people["paula"], campaign.id, version, Typed(subject="Better"))


@pytest.mark.parametrize("part", ["submitted_by", "created_by"])
def test_nobody_decides_on_their_own_campaign_whoever_asked_them(scene: Stage, part: str) -> None:
    """The author is not asked; were a link to reach them all the same, it would decide nothing."""
    campaign = scene.submitted()
    place, rita = (scene.partner, campaign.id), scene.people["rita"].id
    stands = scene.world.campaigns.controls[place]
    scene.world.campaigns.controls[place] = replace(stands, **{part: rita})  # type: ignore[arg-type]
    with pytest.raises(Conflict, match=r"review\.own_campaign"):
        decide(scene, "rita", Verdict.APPROVE)
    assert scene.now_of(campaign).state is State.IN_REVIEW
    assert decide(scene, "ron", Verdict.APPROVE).standing is review.Standing.DECIDED


def test_withdrawn_before_the_reviewers_were_asked(scene: Stage) -> None:
    """What was still to be told of it is void, too: nobody gets a mail about what nobody can decide."""
    campaign = scene.draft()
    submit.submit(scene.world, scene.session, scene.people["paula"], campaign.id, 2, terms=True)
    assert scene.now_of(campaign).outbox
    submit.withdraw(scene.world, scene.session, scene.people["paula"], campaign.id)
    assert scene.now_of(campaign).outbox == ()
    scene.deliver()
    assert not scene.mails("rita") + scene.mails("ron")


def test_resubmission_asks_anew_and_shows_what_changed(scene: Stage) -> None:
    """The second request names the changed field; the first link is void, the second decides."""
    campaign = scene.submitted()
    old, old_code = scene.token_and_code("rita")
    decide(scene, "ron", Verdict.REQUEST_CHANGES, "Shorter, please")
    draft = scene.world.campaigns.history(scene.session, campaign.id).draft
    drafts.save(scene.world, scene.session, scene.people["paula"], campaign.id, draft.version,
                Typed(values={"headline": "Short"}))
    submit.submit(scene.world, scene.session, scene.people["paula"], campaign.id, draft.version + 1)
    scene.deliver()
    assert "Short" in scene.mails("rita", "review_request")[-1].text.partition("different")[2]
    with pytest.raises(CountersignError):
        decide_as_shown(scene.world, old, Verdict.APPROVE, code=old_code)
    decide(scene, "rita", Verdict.APPROVE)
    assert scene.now_of(campaign).state is State.APPROVED
    assert scene.now_of(campaign).revision == 2


def test_revoke_until_the_start(scene: Stage) -> None:
    """Who approved can take it back until the start, then anybody asked may decide again."""
    campaign = scene.submitted()
    decide(scene, "rita", Verdict.APPROVE)
    token, code = scene.token_and_code("rita")
    with pytest.raises(Conflict, match=r"review\.not_revocable"):
        decision.revoke(scene.world, *scene.token_and_code("ron")[:1], code="0000", reason="x")
    decision.revoke(scene.world, token, code=code, reason="Wrong price")
    assert scene.now_of(campaign).state is State.IN_REVIEW
    assert scene.now_of(campaign).approved_at is None
    decide(scene, "ron", Verdict.APPROVE)
    scene.world.clock.advance(days=3)
    with pytest.raises(Conflict, match=r"review\.not_revocable"):
        decision.revoke(scene.world, *scene.token_and_code("ron")[:1], code=scene.token_and_code("ron")[1], reason="x")


# --- the clock

def test_silence_expires(scene: Stage) -> None:
    """A start that passes without a decision sends nothing: the campaign expires and says so."""
    campaign = scene.submitted()
    scene.world.clock.advance(days=3)
    with pytest.raises(Conflict, match=r"review\.too_late"):
        decide(scene, "rita", Verdict.APPROVE)
    scene.deliver()
    assert scene.now_of(campaign).state is State.EXPIRED
    assert scene.mails("paula", "expired")


def test_expired_link_offers_a_fresh_one() -> None:
    """A link outlives its stage by nothing; a fresh one goes to the same reviewer, at most three an hour."""
    scene = stage()
    scene.submitted()
    token, _ = scene.token_and_code("rita")
    for _ in range(review.FRESH_PER_HOUR):
        review.request_fresh(scene.world, token)
    with pytest.raises(Conflict, match=r"limit\.reached"):
        review.request_fresh(scene.world, token)
    scene.deliver()
    assert len(scene.mails("rita", "review_request")) == 1 + review.FRESH_PER_HOUR
    assert not [m for m in scene.world.mailer.sent if m.to not in {p.address for p in scene.people.values()}]


def test_an_expired_link_decides_nothing(scene: Stage) -> None:
    """Also where the start is still far: the page offers a fresh one, and only that decides."""
    campaign = scene.submitted()
    token, code = scene.token_and_code("rita")
    known, later = scene.world.links.links, scene.world.clock.now() + timedelta(hours=1)
    known.update({key: replace(link, expires_at=later) for key, link in known.items()})
    scene.world.clock.advance(hours=1)
    assert review.look(scene.world, token).standing is review.Standing.EXPIRED
    with pytest.raises(Conflict, match=r"review\.expired"):
        decide_as_shown(scene.world, token, Verdict.APPROVE, code=code)
    review.request_fresh(scene.world, token)
    scene.deliver()
    decide(scene, "rita", Verdict.APPROVE)
    assert scene.now_of(campaign).state is State.APPROVED


def test_a_link_is_for_its_stage(scene: Stage) -> None:
    """Once a campaign waits for other people, the question to the first ones is over."""
    campaign = scene.submitted()
    place = (scene.partner, campaign.id)
    scene.world.campaigns.controls[place] = replace(scene.now_of(campaign), stage=1)
    with pytest.raises(Conflict, match=r"review\.void"):
        decide(scene, "rita", Verdict.APPROVE)


# --- the outbox

def test_a_lost_notice_is_found_again(scene: Stage) -> None:
    """A crash between the write and the queue loses no notice: it stays in the outbox with a time to look."""
    campaign = scene.draft()
    submit.submit(scene.world, scene.session, scene.people["paula"], campaign.id, 2, terms=True)
    scene.world.queue.waiting.clear()
    waiting = scene.now_of(campaign)
    assert waiting.outbox == ("review_request:1:0",)
    assert waiting.next_at is not None
    assert waiting.next_at <= scene.world.clock.now() + timedelta(minutes=1)
    from chalicelib.usecases import notices

    notices.deliver(scene.world, scene.partner, campaign.id)
    assert scene.mails("rita", "review_request")
    settled = scene.now_of(campaign)
    assert settled.outbox == ()
    assert settled.start is not None
    assert settled.next_at == settled.start.at


def test_a_notice_that_fails_stays(scene: Stage) -> None:
    """If the second reviewer's mail fails, the notice is tried again; the first link works all the same."""
    from chalicelib.domain.errors import Retryable
    from chalicelib.usecases import notices

    campaign = scene.draft()
    submit.submit(scene.world, scene.session, scene.people["paula"], campaign.id, 2, terms=True)
    send = scene.world.mailer.send
    sent: list[object] = []

    def failing(mail):  # type: ignore[no-untyped-def]
        if sent:
            raise Retryable("SES is away")
        sent.append(mail)
        send(mail)

    scene.world.mailer.send = failing  # type: ignore[method-assign]
    with pytest.raises(Retryable):
        notices.deliver(scene.world, scene.partner, campaign.id)
    scene.world.mailer.send = send  # type: ignore[method-assign]
    assert scene.now_of(campaign).outbox
    decide(scene, "rita", Verdict.APPROVE)
    notices.deliver(scene.world, scene.partner, campaign.id)
    assert scene.now_of(campaign).outbox == ()
    assert not scene.mails("ron", "review_request")


class Reframed(FakeCampaigns):
    """A store in which a release gives the campaign another frame between the start's two reads."""

    def __init__(self, before: FakeCampaigns, *, moved: bool) -> None:
        vars(self).update(vars(before))
        self.moved = moved

    def history(self, session: PartnerSession, campaign: CampaignId) -> History:
        """Revisions in another frame; with ``moved`` the control item knows."""
        found = super().history(session, campaign)
        if self.moved:
            self.moved = False
            stands = self.get(session, campaign)
            self.commit(session, Change(before=stands, after=replace(stands, version=stands.version + 1)))
        return replace(found, revisions=tuple(replace(r, locked_sha256="0" * 64) for r in found.revisions))


@pytest.mark.parametrize(("moved", "state"), [(True, State.APPROVED), (False, State.HELD)])
def test_a_start_judges_two_reads_of_one_moment(scene: Stage, moved: bool, state: State) -> None:
    """What changed between the reads is looked at again; what differs in one moment is paused."""
    campaign = scene.submitted()
    scene.deliver()
    token, code = scene.token_and_code("rita")
    decide_as_shown(scene.world, token, Verdict.APPROVE, code=code)
    start = scene.now_of(campaign).start
    assert start is not None
    scene.world.clock.advance(seconds=(start.at - scene.world.clock.now()).total_seconds() + 1)
    scene.world.campaigns = Reframed(scene.world.campaigns, moved=moved)
    plan.look(scene.world, scene.partner, campaign.id)
    assert scene.now_of(campaign).state is state

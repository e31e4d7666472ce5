"""A kit tried on past submissions, and baselines of templates that stand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chalicelib.domain import ids, kit, kit_form
from chalicelib.domain.campaign import State
from chalicelib.domain.errors import Conflict, Refused
from chalicelib.domain.ids import CampaignId, ProgrammeId
from chalicelib.domain.scope import Scope, Zone
from chalicelib.usecases import baseline, gate, kit_trial, kits, submit
from tests.stage import Stage
from tests.usecases.release_stage import NEW_LOGO, OLD_LOGO, applied, plan, publish_next, set_stage
from tests.web.stage import Watched

BANS = "banned: {en: [gratis]}\n"
HELLO = "banned: {en: [hello]}\n"


def scope(here: Stage) -> Scope:
    """The org's own."""
    return Scope(here.world.facts.org_id)


def publish(here: Stage, text: str, number: int = 1) -> None:
    """Publish a kit."""
    kits.publish(here.world, here.people["hanna"], scope(here), text, number=number)


def test_a_trial_tells_what_a_kit_would_change() -> None:
    """Per rule the findings before and after, and whom it would have stopped, without any partner's customers."""
    here = set_stage()
    here.submitted(headline="Now gratis")
    here.submitted("peter")
    here.draft()
    here.world.sessions.opened.clear()
    found = kit_trial.dry_run(here.world, scope(here), kit.read(BANS))
    assert (found.judged, found.looked_at, found.known, found.more, found.unread) == (2, 2, 2, False, 0)
    assert ("BRD009", 0, 1) in found.changes
    stopped, = found.stopped
    assert (stopped.codes, stopped.words, stopped.partner) == (("BRD009",), ("gratis",), here.partner)
    assert {zone for _, zone in here.world.sessions.opened} == {Zone.REVIEW}
    assert here.world.books.books == {}


def test_a_trial_sees_what_goes_away() -> None:
    """Against the kit in force, a milder one finds less and stops nobody."""
    here = set_stage()
    publish(here, "competitors: [Velomax]\n")
    here.submitted(headline="Better than Velomax")
    found = kit_trial.dry_run(here.world, scope(here), kit.read("brand: B\n"))
    assert ("BRD011", 1, 0) in found.changes
    assert found.stopped == ()


def test_a_trial_is_bounded_and_says_so() -> None:
    """So many submissions at most; how many were looked through, of how many, is told."""
    here = set_stage()
    for _ in range(kit_trial.MOST + 1):
        here.submitted()
    found = kit_trial.dry_run(here.world, scope(here), kit.read(BANS))
    assert (found.judged, found.looked_at, found.known) == (kit_trial.MOST, kit_trial.MOST, kit_trial.MOST + 1)


def test_a_trial_for_one_market_reads_no_more_than_one_for_all() -> None:
    """Where no partner is of the market, the newest are looked through, each partner read once, and no campaign."""
    here = set_stage()
    world, watched = here.world, Watched(here.world)
    stands = here.submitted()
    programme = world.programmes.get(here.programme)
    other = ProgrammeId(ids.make_id("prg", world.clock.now(), bytes(10)))
    world.programmes.add(replace(programme, id=other))
    for number in range(70):
        copy = CampaignId(ids.make_id("cmp", world.clock.now(), number.to_bytes(10, "big")))
        world.campaigns.controls[here.partner, copy] = replace(
            stands, id=copy, programme=(here.programme, other)[number % 2])
    found = kit_trial.dry_run(watched, replace(scope(here), market="fr"), kit.read(BANS))
    assert (found.judged, found.looked_at, found.known) == (0, kit_trial.LOOKED_THROUGH, 71)
    assert watched.names().count("partners.home") == 1
    assert "campaigns.history" not in watched.names()


def test_a_new_rule_goes_into_the_baseline_and_can_be_put_to_work() -> None:
    """The page lists it per template; put to work it stops campaigns, let pass again it does not; all is kept."""
    here = set_stage()
    publish(here, HELLO)
    book, = here.world.books.current()
    (delta,), _ = baseline.look(here.world, book, kit.read(HELLO))
    place, = [p for p in delta.places if p.finding.code == "BRD009"]
    assert (delta.name, place.passes, place.absolute) == ("Spring", True, False)
    campaign = here.draft()
    assert gate.look(here.world, here.session, campaign.id).problems == ()
    hanna = here.people["hanna"]
    baseline.decide(here.world, hanna, scope(here), number=1, work=[place.print])
    assert "compliance.BRD009" in [p.code for p in gate.look(here.world, here.session, campaign.id).problems]
    with pytest.raises(Refused, match=r"waiver\.reason"):
        baseline.decide(here.world, hanna, scope(here), number=1, accept=[place.print])
    baseline.decide(here.world, hanna, scope(here), number=1, accept=[place.print], reason="It is a greeting")
    assert gate.look(here.world, here.session, campaign.id).problems == ()
    told = [json.loads(data) for key, data in here.world.blobs.objects.items() if "audit/baseline" in str(key)]
    assert sorted(t["reason"] for t in told) == ["", "It is a greeting"]


def test_what_was_put_to_work_stays_at_work() -> None:
    """The next kit with the same word does not let it pass again; a word that it brings is let pass."""
    here = set_stage()
    publish(here, HELLO)
    book, = here.world.books.current()
    (delta,), _ = baseline.look(here.world, book, kit.read(HELLO))
    key, = [p.print for p in delta.places if p.finding.code == "BRD009"]
    baseline.decide(here.world, here.people["hanna"], scope(here), number=1, work=[key])
    publish(here, "banned: {en: [hello, unsubscribe]}\n", 2)
    book, = here.world.books.current()
    (delta,), _ = baseline.look(here.world, book, kit.read(book.source))
    passes = {p.finding.quote.lower(): p.passes for p in delta.places if p.finding.code == "BRD009"}
    assert passes["hello"] is False
    assert passes.get("unsubscribe", True) is True


def test_what_came_in_later_stops_until_it_is_let_pass() -> None:
    """A version published after the kit has no baseline of its own: the page shows what stops it."""
    here = set_stage()
    publish(here, "banned: {en: [dear]}\n")
    publish_next(here, (b"Hello {{", b"Dear {{"))
    book, = here.world.books.current()
    (delta,), _ = baseline.look(here.world, book, kit.read(book.source))
    assert (delta.number, [(p.finding.code, p.passes) for p in delta.places]) == (2, [("BRD009", False)])


def test_of_very_many_findings_those_that_stop_are_shown_first() -> None:
    """A look is bounded, says how many it leaves out, and never hides what stops campaigns behind what passes."""
    here = set_stage()
    words = [f"w{a}{b}{c}" for a in "abcdefghijklmn" for b in "abcdefghijklmn" for c in "abcdefghijklmn"][:2_300]
    publish_next(here, (b"<p>Hello {{", f"<p>{' '.join(words)}</p><p>Hello {{{{".encode()))
    lists = {"en": words[:1_200], "all": words[1_200:]}
    publish(here, kit_form.written(kit.Kit(banned={lang: tuple(found) for lang, found in lists.items()})))
    book, = here.world.books.current()
    late = book.baseline[-5:]
    baseline.decide(here.world, here.people["hanna"], scope(here), number=1, work=late)
    book, = here.world.books.current()
    (delta,), left = baseline.look(here.world, book, kit.read(book.source))
    assert (len(delta.places), left) == (baseline.MAX_PLACES, len(book.baseline) + 5 - baseline.MAX_PLACES)
    assert left > 0
    assert {place.print for place in delta.places if not place.passes} == set(late)


@pytest.mark.parametrize(("choice", "code"), [
    ({}, "baseline.nothing"), ({"work": ["xyz"]}, "waiver.finding"), ({"accept": ["a" * 32]}, "waiver.reason"),
])
def test_what_is_refused(choice: dict[str, list[str]], code: str) -> None:
    """No choice, no finding of ours, no reason: each is told."""
    here = set_stage()
    publish(here, HELLO)
    with pytest.raises(Refused) as refused:
        baseline.decide(here.world, here.people["hanna"], scope(here), number=1, **choice)  # type: ignore[arg-type]
    assert [p.code for p in refused.value.problems] == [code]
    with pytest.raises(Conflict, match=r"book\.changed"):
        baseline.decide(here.world, here.people["hanna"], scope(here), number=7, work=["a" * 32])


def test_a_stamped_version_passes_where_its_base_passed() -> None:
    """A new logo does not bring back what the baseline let pass; campaigns on the new version go on."""
    here = set_stage()
    publish(here, HELLO)
    known = applied(here, plan(here))
    assert known.release.phase.value == "done"
    campaign = here.draft()
    assert gate.look(here.world, here.session, campaign.id).problems == ()
    after = submit.submit(here.world, here.session, here.people["paula"], campaign.id, 2, terms=True)
    assert after.state is State.IN_REVIEW
    assert OLD_LOGO != NEW_LOGO

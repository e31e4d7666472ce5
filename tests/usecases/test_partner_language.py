"""Head office changes the language of a partner's mails and pages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.campaign import Verdict
from chalicelib.domain.errors import Conflict, NotFound, Refused
from chalicelib.domain.ids import PartnerId, PersonId
from chalicelib.domain.partner import Partner
from chalicelib.domain.people import Role
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import partner_language, people, review, unsubscribe
from tests.fakes.workflow import FakePartners
from tests.stage import Stage, decide_as_shown, stage


@pytest.fixture
def here() -> Stage:
    """Paula and Peter are noted as the partner's people."""
    made = stage()
    known = made.world.partners.partners[made.partner]
    made.world.partners.partners[made.partner] = replace(
        known, people=(made.people["paula"].id, made.people["peter"].id))
    return made


def reads(here: Stage, name: str) -> str:
    """The language of somebody's pages at the partner."""
    return here.world.people.account(here.people[name].id).language_at(here.partner)


def test_mails_and_pages_follow(here: Stage) -> None:
    """Pages, mails and the customers' page of leaving; who chose a language keeps it, and nobody is signed out."""
    people.choose_language(here.world, here.people["peter"], "fr")
    before = here.world.people.account(here.people["paula"].id).person.generation
    here.world.sessions.opened.clear()
    partner_language.choose(here.world, here.partner, "de")
    assert {zone for _, zone in here.world.sessions.opened} == {Zone.REVIEW}
    assert (reads(here, "paula"), reads(here, "peter")) == ("de", "fr")
    assert here.world.people.account(here.people["paula"].id).person.generation == before
    contact = here.world.vault.contact_id(here.session, "customer0@example.net")
    token = here.world.unsubscribe.make(here.partner, contact, "")
    assert unsubscribe.look(here.world, token).language == "de"
    campaign = here.submitted()
    token, code = here.token_and_code("rita")
    decide_as_shown(here.world, token, Verdict.APPROVE, code=code)
    here.deliver()
    assert review.look(here.world, token).standing is review.Standing.DECIDED
    told = here.mails("paula")[-1]
    assert 'lang="de"' in told.html
    assert campaign.name in told.html


@pytest.mark.parametrize("language", ["", "xx", "de-DE", "<script>"])
def test_only_a_language_there_is(here: Stage, language: str) -> None:
    """Anything else is refused and changes nothing."""
    with pytest.raises(Refused):
        partner_language.choose(here.world, here.partner, language)
    assert here.world.partners.home(here.session).partner.language == "en"
    with pytest.raises(NotFound):
        partner_language.choose(here.world, PartnerId("prt_" + "0" * 26), "de")


def test_an_interrupted_change_is_finished_by_the_next(here: Stage) -> None:
    """The partner has the language and one person not yet: the same form again brings the rest up to date."""
    known = here.world.partners.home(here.session).partner
    here.world.partners.save(here.session, replace(known, language="hu", version=known.version + 1),
                             expected_version=known.version)
    partner_language.choose(here.world, here.partner, "hu")
    assert (reads(here, "paula"), reads(here, "peter")) == ("hu", "hu")
    assert here.world.partners.home(here.session).partner.version == known.version + 1


class Busy(FakePartners):
    """A store in which the partner changes its own data between read and write, so many times."""

    def __init__(self, before: FakePartners, *, times: int) -> None:
        vars(self).update(vars(before))
        self.times = times

    def save(self, session: PartnerSession, partner: Partner, *, expected_version: int) -> None:
        """Somebody was faster."""
        if self.times:
            self.times -= 1
            stands = self.partners[partner.id]
            self.partners[partner.id] = replace(stands, name=f"{stands.name}!", version=stands.version + 1)
        super().save(session, partner, expected_version=expected_version)


@pytest.mark.parametrize(("times", "stored"), [(2, True), (3, False)])
def test_what_the_partner_changed_meanwhile_stays(here: Stage, times: int, stored: bool) -> None:
    """The language is put beside what stands then; after three tries the conflict is told."""
    here.world.partners = Busy(here.world.partners, times=times)
    if not stored:
        with pytest.raises(Conflict, match=r"partner\.changed"):
            partner_language.choose(here.world, here.partner, "de")
        return
    partner_language.choose(here.world, here.partner, "de")
    found = here.world.partners.home(here.session).partner
    assert (found.language, found.name) == ("de", "Paula Bikes!!")


def test_a_role_that_was_taken_away_stays_away(here: Stage) -> None:
    """Somebody who left the partner meanwhile gets no membership back."""
    paula = here.people["paula"].id
    here.world.people.revoke(paula, Role.PARTNER_ADMIN, here.partner)
    partner_language.choose(here.world, here.partner, "de")
    assert here.world.people.account(PersonId(paula)).memberships == ()
    assert reads(here, "peter") == "de"

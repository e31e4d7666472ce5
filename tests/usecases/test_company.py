"""What a partner says of itself: versions, gaps, and what was submitted stays as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.errors import Conflict, Refused
from chalicelib.ports.workflow import PartnerCard
from chalicelib.usecases import company
from tests.web.partner_stage import Place
from tests.web.partner_stage import place as stage_place


def place() -> Place:
    """The place, with a partner that has all that its country wants."""
    here = stage_place()
    before = here.ours
    here.ours = replace(before, entity=replace(before.entity, email="info@acme.example.com"))
    here.world.partners.save(here.session, here.ours, expected_version=before.version)
    return here


def test_only_a_changed_entity_gets_a_new_version() -> None:
    """A changed sender leaves the entity's version alone; storing the same again stores nothing."""
    here = place()
    form = company.form_of(here.ours)
    after = company.change(here.world, here.session, replace(form, reply_to="shop@acme.example.com"), 2)
    assert (after.entity.version, after.sender.reply_to, after.version) == (1, "shop@acme.example.com", 3)
    moved = company.change(here.world, here.session, replace(company.form_of(after), street=" Elbweg  2 "), 3)
    assert (moved.entity.version, moved.entity.street) == (2, "Elbweg 2")
    assert company.change(here.world, here.session, company.form_of(moved), 4) == moved
    assert here.world.partners.home(here.session).partner == moved


def test_head_office_s_list_follows_the_sender() -> None:
    """The list of partners names where mail comes from: the doctor needs to open no partner."""
    here = place()
    form = replace(company.form_of(here.ours), sender_address="news@shop.example.org")
    after = company.change(here.world, here.session, form, 2)
    assert [card.sender_domain for card in here.world.partners.cards()] == ["shop.example.org"]
    # A crash between the two writes: the same form, sent again, changes nothing of the partner and mends the list.
    here.world.partners.register(PartnerCard.of(here.ours))
    assert company.change(here.world, here.session, company.form_of(after), 3) == after
    assert [card.sender_domain for card in here.world.partners.cards()] == ["shop.example.org"]


def test_a_stale_form_changes_nothing() -> None:
    """Who was slower is told, and the stored data stays."""
    here = place()
    with pytest.raises(Conflict, match=r"partner\.changed"):
        company.change(here.world, here.session, replace(company.form_of(here.ours), city="Kiel"), 1)
    assert here.world.partners.home(here.session).partner == here.ours


def test_everything_wrong_is_told_at_once() -> None:
    """Missing and malformed entries come together, each at its field."""
    here = place()
    form = replace(
        company.form_of(here.ours), street=" ", country="Germany", sender_address="nobody", phone="1\u200b",
        sender_name="x" * 61,
    )
    with pytest.raises(Refused) as refused:
        company.change(here.world, here.session, form, 2)
    assert {(p.code, p.field) for p in refused.value.problems} >= {
        ("company.street", "street"), ("entity.country", "country"), ("name.control", "phone"),
        ("name.too_long", "sender_name"),
    }
    assert "sender_address" in {p.field for p in refused.value.problems}


def test_a_submitted_revision_keeps_what_was_decided_on() -> None:
    """Entity and sender may change after the submission: revision, digests and content stay to the byte."""
    here = place()
    made = here.submitted()
    before = here.world.campaigns.history(here.session, made.id)
    partner = here.world.partners.home(here.session).partner
    form = replace(company.form_of(partner), city="Kiel", sender_address="new@acme.example.com", sender_name="New")
    company.change(here.world, here.session, form, partner.version)
    assert here.world.campaigns.history(here.session, made.id) == before
    assert before.revisions[-1].sender_address == "news@acme.example.com"


def test_what_is_missing_stands_in_the_way_of_a_submission() -> None:
    """A partner without postal address or sender learns it on the check page, not after the submission."""
    here = place()
    here.world.partners.save(here.session, replace(
        here.ours, entity=replace(here.ours.entity, street=""), sender=replace(here.ours.sender, address=""), version=3,
    ), expected_version=2)
    made = here.ready()
    got = here.get("campaigns", made.id, "check")
    assert "postal address is incomplete" in got.body and "no sender address yet" in got.body
    assert "profile" in got.body

"""The page where a partner completes who it is."""

from __future__ import annotations

import pytest

from chalicelib.domain.people import Role
from tests.web import stage
from tests.web.partner_stage import ROUTES, Place, place

FILLED = {
    "version": "2", "entity_name": "Acme GmbH", "street": "Elbweg 2", "postal_code": "24103", "city": "Kiel",
    "country": "de", "sender_address": "news@acme.example.com", "sender_name": "Acme", "reply_to": "",
    "entity_email": "info@acme.example.com",
}


def as_admin() -> Place:
    """The place with a browser of the partner's admin."""
    here = place()
    admin = stage.person(here.world, "Ada", {Role.PARTNER_ADMIN: here.ours.id})
    here.browser = stage.browser(here.watched, admin, routes=ROUTES, surface="partner")
    return here


def test_an_admin_completes_the_company() -> None:
    """The form is stored, the page shows it and says for what it counts."""
    here = as_admin()
    shown = here.get("profile", "edit")
    for page_of_company in (shown, here.get("profile")):
        assert '/profile" aria-current="page"' in page_of_company.body
    assert shown.status == 200 and shown.field("version") == "2"
    got = here.post("profile", "edit", **FILLED)
    assert got.status == 303
    page = here.browser.get(got.location)
    assert "Acme GmbH" in page.body and "24103 Kiel" in page.body and "keep what they had" in page.body
    assert here.world.partners.home(here.session).partner.entity.version == 2


def test_a_refused_form_keeps_what_was_typed() -> None:
    """422 with a sentence at each field, and nothing stored."""
    here = as_admin()
    got = here.post("profile", "edit", **{**FILLED, "street": "", "city": "Oldtown <b>"})
    assert here.post("profile", "edit", **{**FILLED, "entity_email": ""}).status == 422
    assert got.status == 422 and "The street is missing." in got.body and "Oldtown &lt;b&gt;" in got.body
    assert here.world.partners.home(here.session).partner == here.ours


def test_a_colleague_was_faster() -> None:
    """409 shows the form again with what was typed, and a second try with the old version fails alike."""
    here = as_admin()
    assert here.post("profile", "edit", **FILLED).status == 303
    for _ in range(2):
        got = here.post("profile", "edit", **{**FILLED, "city": "Lübeck"})
        assert got.status == 409 and "Lübeck" in got.body and got.field("version") == "2"
    assert here.world.partners.home(here.session).partner.entity.city == "Kiel"


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_editor_reads_only(method: str) -> None:
    """For editors the form does not exist; the page itself has no way to it."""
    here = place()
    got = here.get("profile", "edit") if method == "get" else here.post("profile", "edit", **FILLED)
    assert got.status == 404
    assert "profile/edit" not in here.get("profile").body
    assert here.world.partners.home(here.session).partner == here.ours

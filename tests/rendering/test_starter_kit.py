"""The demo brand's kit and the starter templates agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.domain import kit as kits
from chalicelib.domain import values
from chalicelib.domain.compliance import Demands
from chalicelib.domain.partner import LegalEntity
from chalicelib.domain.template import TemplateVersion
from chalicelib.rendering.examine import examine
from chalicelib.rendering.mail import Rendered, render
from tests.rendering.samples import version

STARTER = Path(__file__).resolve().parents[2] / "templates" / "starter"
ENTITY = LegalEntity(
    name="Radhaus Lindner GmbH", street="Kaiserstraße 12", postal_code="79098", city="Freiburg", country="DE",
    register="HRB 700123", vat_id="DE123456789", represented_by="Anna Lindner", email="info@radhaus.example",
)


def _mail(of: TemplateVersion, changes: dict[str, str], subject: str, preheader: str) -> Rendered:
    filled = {**values.defaults(of.regions), **changes}
    return render(of, values=filled, subject=subject, preheader=preheader, entity=ENTITY)


@pytest.mark.parametrize("name", sorted(path.name for path in STARTER.glob("*.html")))
def test_the_kit_finds_nothing_in_them(name: str) -> None:
    """A mail of HQ's own words satisfies HQ's own kit; a banned word in it does not."""
    demands = Demands(kit=kits.read((STARTER / "nordlicht.kit.yaml").read_text("utf-8")), sends_on="2026-04-01")
    of = version((STARTER / name).read_bytes())
    mail = _mail(of, {}, of.subject, of.preheader)
    assert [(f.code, f.region, f.quote) for f in examine(of, mail, ENTITY, demands)] == []
    bad = "Cheapest" if of.language == "en" else "Billigster"
    mail = _mail(of, {"headline": bad}, "Spring", "And more of it")
    assert "BRD009" in {f.code for f in examine(of, mail, ENTITY, demands)}

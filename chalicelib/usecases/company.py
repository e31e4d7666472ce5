"""Who a partner is in law and in the inbox: asked of HQ at the invitation, kept by the partner.

What was submitted holds its own copy (the rendered imprint, the sender), so a change here counts
for what is submitted later and never alters what people decided on.
"""

from __future__ import annotations

from dataclasses import fields, replace

from chalicelib.domain.errors import Conflict, Problem, Refused
from chalicelib.domain.partner import LegalEntity, Partner, Sender
from chalicelib.domain.record import dataclass
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import PartnerCard
from chalicelib.usecases.people import checked_address
from chalicelib.usecases.world import World

FIELD_LENGTH = 120
SENDER_LENGTH = 60
POSTAL = ("entity_name", "street", "postal_code", "city", "country")
"""What the postal address in every mail needs (15 USC 7704(a)(5)(A)(iii); DDG section 5)."""
REQUIRED = (*POSTAL, "sender_address", "sender_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyForm:
    """Legal entity and sender as they were typed. ``name`` is the partner's own, shown where no other is given."""

    name: str = ""
    entity_name: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    register: str = ""
    vat_id: str = ""
    represented_by: str = ""
    entity_email: str = ""
    phone: str = ""
    sender_address: str = ""
    sender_name: str = ""
    reply_to: str = ""


def form_of(partner: Partner) -> CompanyForm:
    """The form, filled with what is stored."""
    entity, sender = partner.entity, partner.sender
    return CompanyForm(
        name=partner.name, entity_name=entity.name, street=entity.street, postal_code=entity.postal_code,
        city=entity.city, country=entity.country, register=entity.register, vat_id=entity.vat_id,
        represented_by=entity.represented_by, entity_email=entity.email, phone=entity.phone,
        sender_address=sender.address, sender_name=sender.display_name, reply_to=sender.reply_to,
    )


def missing(partner: Partner) -> list[Problem]:
    """What a partner must complete before it may submit; no call to SES."""
    form = form_of(partner)
    gaps = [Problem("entity.incomplete", "sender")] if any(not getattr(form, name) for name in POSTAL) else []
    return gaps + ([] if form.sender_address else [Problem("sender.missing", "sender")])


def change(world: World, session: PartnerSession, form: CompanyForm, version: int) -> Partner:
    """Store what the partner says of itself; ``version`` is that of the partner when the form was made.

    A changed legal entity gets the next version number. Raises Refused with every problem of the
    form, Conflict ``partner.changed`` if somebody was faster.
    """
    from chalicelib.domain.compliance.legal import COUNTRY_FIELDS

    partner = world.partners.home(session).partner
    problems = [Problem(f"company.{name}", name) for name in REQUIRED if not getattr(form, name).strip()]
    entity, sender = checked_entity(form, problems), checked_sender(form, problems)
    if "email" in COUNTRY_FIELDS.get(entity.country, ()) and not form.entity_email.strip():
        problems.append(Problem("company.entity_email", "entity_email", {"country": entity.country}))
    if problems:
        raise Refused(problems)
    if partner.version != version:
        raise Conflict("partner.changed")
    entity = replace(entity, version=partner.entity.version)
    if entity != partner.entity:
        entity = replace(entity, version=entity.version + 1)
    after = replace(partner, entity=entity, sender=sender, version=version + 1)
    if replace(after, version=version) == partner:
        after = partner
    else:
        world.partners.save(session, after, expected_version=version)
    # Also where nothing changed: a form that is sent again mends what a crash between the two left undone.
    world.partners.register(PartnerCard.of(after))
    return after


def checked_entity(form: CompanyForm, problems: list[Problem]) -> LegalEntity:
    """The legal entity as far as it is known; adds what is wrong with it to ``problems``."""
    values = {
        field: " ".join(getattr(form, field).split())
        for field in ("entity_name", "street", "postal_code", "city", "register", "vat_id", "represented_by", "phone")
    }
    for field, value in values.items():
        if len(value) > FIELD_LENGTH:
            problems.append(Problem("name.too_long", field, {"length": len(value), "max": FIELD_LENGTH}))
        elif not value.isprintable():
            problems.append(Problem("name.control", field))
    country = form.country.strip().upper()
    if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
        problems.append(Problem("entity.country", "country", {"value": form.country[:20]}))
    email = checked_address(form.entity_email, problems, field="entity_email") if form.entity_email.strip() else ""
    name = values["entity_name"] or " ".join(form.name.split())
    return LegalEntity(
        name=name[:FIELD_LENGTH], country=country, email=email, street=values["street"],
        postal_code=values["postal_code"], city=values["city"], register=values["register"],
        vat_id=values["vat_id"], represented_by=values["represented_by"], phone=values["phone"],
    )


def checked_sender(form: CompanyForm, problems: list[Problem]) -> Sender:
    """The sender as far as it is known; whether SES accepts it is asked when the partner submits."""
    address, reply_to = (
        checked_address(getattr(form, field), problems, field=field) if getattr(form, field).strip() else ""
        for field in ("sender_address", "reply_to")
    )
    display = " ".join((form.sender_name or form.name).split())
    if len(display) > SENDER_LENGTH:
        problems.append(Problem("name.too_long", "sender_name", {"length": len(display), "max": SENDER_LENGTH}))
    elif not display.isprintable():
        problems.append(Problem("name.control", "sender_name"))
    return Sender(address=address, display_name=display, reply_to=reply_to)


FIELDS = tuple(field.name for field in fields(CompanyForm) if field.name != "name")
"""The fields that the partner's own form has."""

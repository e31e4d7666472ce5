"""A test mail: the draft as it is now, to the person who asks and to nobody else.

It is a class of its own, outside the ledger: no campaign counts it, and its unsubscribe link
leads nowhere instead of unsubscribing anybody.
"""

from __future__ import annotations

from chalicelib.domain.errors import Conflict
from chalicelib.domain.people import Person
from chalicelib.ports.sending import SystemMail
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import preview, story
from chalicelib.usecases.world import World

PER_HOUR = 20
"""Test mails of one person within an hour."""
PREFIX = "[Test]"


def send(world: World, session: PartnerSession, person: Person, campaign_id: str) -> None:
    """Render the draft and mail it to the person's own address.

    Raises NotFound for a foreign campaign, Refused for a draft that cannot be shown, Conflict
    ``limit.reached`` past the limit, Retryable or Permanent where the mail could not be handed over.
    """
    told = story.read(world, session, campaign_id)
    home = world.partners.home(session)
    if not world.links.allow(f"test-mail:{person.id}", world.clock.now(), per_hour=PER_HOUR):
        raise Conflict("limit.reached")
    draft = told.history.draft
    version = world.templates.get(draft.template, draft.template_version)
    mail = preview.shown(version, draft, home.partner.entity)
    world.mailer.send(SystemMail(
        to=person.address, subject=" ".join(f"{PREFIX} {mail.subject}".split()), text=mail.text, html=mail.html,
        from_address=world.facts.mail_from, from_name=home.partner.sender.display_name or home.partner.name,
        reply_to=home.partner.sender.reply_to, headers=(("Auto-Submitted", "auto-generated"),),
        tags={"kind": "test"},
    ))

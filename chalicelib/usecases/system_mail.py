"""A mail of the program itself on its way: to one person, from the org, and never answered by another program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.domain.people import Person
from chalicelib.ports.sending import SystemMail
from chalicelib.usecases.world import World

if TYPE_CHECKING:
    from chalicelib.rendering.mails import MailText

HEADERS = (("Auto-Submitted", "auto-generated"),)
"""Out-of-office programs answer nothing that has it (RFC 3834, section 5)."""


def send(world: World, person: Person, mail: MailText, *, kind: str, **tags: str) -> None:
    """Hand a rendered mail to SES; raises Retryable or Permanent."""
    world.mailer.send(SystemMail(
        to=person.address, subject=mail.subject, text=mail.text, html=mail.html, from_address=world.facts.mail_from,
        from_name=world.facts.org_name, headers=HEADERS, tags={"kind": kind, **tags},
    ))
